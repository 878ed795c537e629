//! Expressions as people say them, for those who never read the language of playbooks.

use crate::documents::expression::{BinaryOperator, Expression, Function, Node, UnaryOperator};
use crate::words::Id;

/// From here on a number is an address or a mask, and people write those in hexadecimal digits.
const HEXADECIMAL_FROM: i64 = 256;

/// "firmware.bin is not there and bootloader works": `name` says what people call a file or a device; other names are taken
/// for words.
pub fn in_words(expression: &Expression, name: &dyn Fn(&Id) -> Option<String>) -> String {
    Teller { name }.node(&expression.root)
}

struct Teller<'a> {
    name: &'a dyn Fn(&Id) -> Option<String>,
}

impl Teller<'_> {
    fn node(&self, node: &Node) -> String {
        match node {
            Node::Integer(number) if *number >= HEXADECIMAL_FROM => format!("{number:#x}"),
            Node::Integer(number) => number.to_string(),
            Node::Text(text) => format!("\"{text}\""),
            Node::Boolean(yes) => if *yes { "yes" } else { "no" }.to_owned(),
            Node::Name { name, .. } => (self.name)(name).unwrap_or_else(|| name.as_str().replace('_', " ")),
            Node::Call { function, arguments, .. } => self.call(*function, arguments, true),
            Node::Unary { operator: UnaryOperator::Negate, operand, .. } => format!("-{}", self.node(operand)),
            Node::Unary { operator: UnaryOperator::Not, operand, .. } => self.not(operand),
            Node::Binary { operator, left, right, .. } => {
                format!("{} {} {}", self.part(*operator, left), between(*operator), self.part(*operator, right))
            }
        }
    }

    fn not(&self, operand: &Node) -> String {
        match operand {
            Node::Call { function, arguments, .. } => self.call(*function, arguments, false),
            Node::Name { .. } => format!("not {}", self.node(operand)),
            other => format!("not ({})", self.node(other)),
        }
    }

    /// In brackets, where people could not tell what belongs together.
    fn part(&self, outer: BinaryOperator, node: &Node) -> String {
        let text = self.node(node);
        match node {
            Node::Binary { operator, .. } if joins(*operator) && *operator != outer => format!("({text})"),
            _ => text,
        }
    }

    fn call(&self, function: Function, arguments: &[Node], holds: bool) -> String {
        let argument = |index: usize| arguments.get(index).map(|node| self.node(node)).unwrap_or_default();
        let is = if holds { "is" } else { "is not" };
        let text = match function {
            Function::Size => format!("size of {}", argument(0)),
            Function::Sha256 => format!("the contents of {}", argument(0)),
            Function::Head => format!("the first {} bytes of {}", argument(1), argument(0)),
            Function::Word => format!("the number at {} of {}", argument(1), argument(0)),
            Function::Align => format!("{} rounded up to a multiple of {}", argument(0), argument(1)),
            Function::Hex => argument(0),
            Function::Version => format!("version {}", argument(0).trim_matches('"')),
            Function::Present => return format!("{} {is} attached", argument(0)),
            Function::Port => format!("port of {}", argument(0)),
            Function::ToolVersion => format!("the version of {}", argument(0).trim_matches('"')),
            Function::VersionAt => format!("the version in {}", argument(0)),
            Function::Given => return format!("{} {is} there", argument(0)),
            Function::LimitMs => "the limit in milliseconds".to_owned(),
        };
        if holds { text } else { format!("not: {text}") }
    }
}

fn joins(operator: BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::And | BinaryOperator::Or)
}

fn between(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Or => "or",
        BinaryOperator::And => "and",
        BinaryOperator::Equal => "is",
        BinaryOperator::NotEqual => "is not",
        BinaryOperator::Less => "is below",
        BinaryOperator::LessOrEqual => "is at most",
        BinaryOperator::Greater => "is above",
        BinaryOperator::GreaterOrEqual => "is at least",
        BinaryOperator::BitOr => "with the bits of",
        BinaryOperator::BitAnd => "in the bits",
        BinaryOperator::Add => "plus",
        BinaryOperator::Subtract => "minus",
        BinaryOperator::Multiply => "times",
        BinaryOperator::Divide => "divided by",
        BinaryOperator::Remainder => "modulo",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::expression::parse_expression;
    use crate::words::{Place, Source};

    fn told(text: &str) -> String {
        let source = Arc::new(Source { name: String::new(), text: text.to_owned() });
        let place = Place::new(source, 0, text.len());
        let expression = parse_expression(text, &place).unwrap();
        in_words(&expression, &|name| match name.as_str() {
            "firmware" => Some("firmware.bin".to_owned()),
            "rom" => Some("the ROM".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn conditions_read_like_sentences() {
        for (text, words) in [
            ("given(firmware)", "firmware.bin is there"),
            ("not present(rom) and not given(firmware)", "the ROM is not attached and firmware.bin is not there"),
            ("bootloader_works and not rewrite", "bootloader works and not rewrite"),
            ("a and (b or c)", "a and (b or c)"),
            ("fuse & 0x10 == 0", "fuse in the bits 16 is 0"),
            ("sha256(read) != sha256(firmware)", "the contents of read is not the contents of firmware.bin"),
            ("hex(align(size(firmware), 0x1000))", "size of firmware.bin rounded up to a multiple of 0x1000"),
            ("tool_version('dfu-util') < version('0.11')", "the version of dfu-util is below version 0.11"),
        ] {
            assert_eq!(told(text), words);
        }
    }
}
