//! Floor 1: playbooks, expressions, the tool catalog. Text in, values out; nothing here touches the world.

pub mod cases;
pub mod catalog;
mod compiled;
mod container;
pub mod expression;
mod forms;
mod keys;
pub mod library;
pub mod manifest;
pub mod mutation;
pub mod playbook;
mod reader;
pub mod scene;
pub mod schema;
pub mod settings;
mod toml;
mod tree;

mod yaml;

pub(crate) use reader::{Entries, Reader};
pub use tree::{Key, Tree as Yaml, TreeKind as YamlKind};
pub use yaml::{YamlLimits, parse_yaml, parse_yaml_within};
