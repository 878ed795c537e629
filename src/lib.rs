//! `recover` restores the damaged bootloader of a camera board by driving the vendors' own tools from YAML playbooks.
//!
//! The modules are floors: a file imports only from its own floor and from lower ones; `tests/floors` holds them to it.

pub mod bench;
pub mod cli;
pub mod documents;
pub mod engine;
pub mod output;
pub mod words;
pub mod world;
