//! Floor 1: playbooks, expressions, the tool catalog. Text in, values out; nothing here touches the world.

pub mod cases;
pub mod catalog;
mod compiled;
mod container;
pub mod expression;
pub mod library;
pub mod manifest;
pub mod mutation;
pub mod playbook;
pub mod scene;
pub mod settings;
mod yaml;

pub use yaml::{Key, Yaml, YamlKind, YamlLimits, parse_yaml, parse_yaml_within};
