//! How large files may be.

/// In bytes: more than any flash of a camera board holds; the largest firmware has some 4 MB.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// In bytes: what recover makes up itself, and so holds in memory.
pub const MADE_BYTES_MAX: u64 = 64 * 1024 * 1024;
