//! Typed expressions: `size(firmware)`, `align(size(sbl), 0x1000)`, `fuse & 0x10 != 0`; and templates, texts with `${…}`.

mod evaluate;
mod in_words;
mod kind;
mod parse;
mod tree;

pub use evaluate::{
    EvaluationError, Facts, UnknownFact, Value, evaluate, evaluate_condition, expand, expand_as_far_as_known,
    pieces_that_differ, pieces_that_fail,
};
pub use in_words::in_words;
pub use kind::{Kind, Scope, kind_of};
pub use parse::{parse_expression, parse_template};
pub use tree::{BinaryOperator, Expression, FilePiece, Function, Node, Part, Template, UnaryOperator};
