//! Typed expressions: `size(firmware)`, `align(size(sbl), 0x1000)`, `fuse & 0x10 != 0`; and templates, texts with `${…}`.

mod tree;

pub use tree::{BinaryOperator, Expression, Function, Node, Part, Template, UnaryOperator};
