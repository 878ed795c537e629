//! Where the system ends a tool with recover, by whatever way that ends, the sibling `guard` has no work.

pub fn guard_tools() {}

pub fn guard_main() -> bool {
    false
}

pub(super) fn begins(_leader: u32) {}

pub(super) fn is_over(_leader: u32) {}

/// A recover that is ended by force makes no last call here; what else ends it does.
pub(in crate::world) fn call_at_end(_call: &crate::world::ToolCall) {}

pub(in crate::world) fn called_at_end() {}
