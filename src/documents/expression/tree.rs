//! Expressions and templates after parsing.

use crate::words::{Id, Place};

/// An expression and where it was written.
#[derive(Debug, Clone)]
pub struct Expression {
    pub root: Node,
    /// As the author wrote it, without its line breaks.
    pub text: String,
    pub place: Place,
}

/// A text with expressions in it.
#[derive(Debug, Clone)]
pub struct Template {
    pub parts: Vec<Part>,
    pub place: Place,
}

impl Expression {
    /// Every name in it, as often as it stands there.
    pub fn names(&self) -> Vec<&Id> {
        let mut names = Vec::new();
        self.root.names(&mut names);
        names
    }

    /// The files that it wants to hold the same: `sha256(one) == sha256(other)`, also as one of several conditions.
    pub fn compared_files(&self) -> Vec<(&Id, &Id)> {
        self.root.all_of().into_iter().filter_map(Node::equal_files).collect()
    }

    /// The files of which it asks whether they hold the same, whatever it makes of the answer.
    pub fn files_held_together(&self) -> Vec<(&Id, &Id)> {
        let pair = |node| match node {
            &Node::Binary {
                operator: BinaryOperator::Equal | BinaryOperator::NotEqual, ref left, ref right, ..
            } => left.hashed_file().zip(right.hashed_file()),
            _ => None,
        };
        let mut nodes = Vec::new();
        self.root.each(&mut nodes);
        nodes.into_iter().filter_map(pair).collect()
    }
}

/// A piece of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePiece<'a> {
    pub file: &'a Id,
    pub offset: u64,
    pub length: u64,
}

impl Node {
    /// Itself and all below it.
    pub(super) fn each<'a>(&'a self, into: &mut Vec<&'a Node>) {
        into.push(self);
        match self {
            Node::Integer(_) | Node::Text(_) | Node::Boolean(_) | Node::Name { .. } => {}
            Node::Call { arguments, .. } => arguments.iter().for_each(|argument| argument.each(into)),
            Node::Unary { operand, .. } => operand.each(into),
            Node::Binary { left, right, .. } => {
                left.each(into);
                right.each(into);
            }
        }
    }

    /// The files that it wants to hold the same, if it is nothing else.
    fn equal_files(&self) -> Option<(&Id, &Id)> {
        match self {
            Node::Binary { operator: BinaryOperator::Equal, left, right, .. } => {
                left.hashed_file().zip(right.hashed_file())
            }
            _ => None,
        }
    }

    /// The conditions of which all must hold for this one.
    pub(super) fn all_of(&self) -> Vec<&Node> {
        match self {
            Node::Binary { operator: BinaryOperator::And, left, right, .. } => {
                left.all_of().into_iter().chain(right.all_of()).collect()
            }
            other => vec![other],
        }
    }

    /// The piece of a file that it compares with something.
    pub(super) fn piece_compared(&self) -> Option<FilePiece<'_>> {
        match self {
            Node::Binary { operator: BinaryOperator::Equal | BinaryOperator::NotEqual, left, right, .. } => {
                left.piece().or_else(|| right.piece())
            }
            _ => None,
        }
    }

    fn piece(&self) -> Option<FilePiece<'_>> {
        const WORD_LEN_BYTES: u64 = 4;
        let Node::Call { function, arguments, .. } = self else { return None };
        let [Node::Name { name: file, .. }, Node::Integer(number)] = arguments.as_slice() else { return None };
        let number = u64::try_from(*number).ok()?;
        match function {
            Function::Head => Some(FilePiece { file, offset: 0, length: number }),
            Function::Word => Some(FilePiece { file, offset: number, length: WORD_LEN_BYTES }),
            _ => None,
        }
    }

    fn hashed_file(&self) -> Option<&Id> {
        match self {
            Node::Call { function: Function::Sha256, arguments, .. } => match arguments.as_slice() {
                [Node::Name { name, .. }] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    fn names<'a>(&'a self, into: &mut Vec<&'a Id>) {
        match self {
            Node::Integer(_) | Node::Text(_) | Node::Boolean(_) => {}
            Node::Name { name, .. } => into.push(name),
            Node::Call { arguments, .. } => arguments.iter().for_each(|argument| argument.names(into)),
            Node::Unary { operand, .. } => operand.names(into),
            Node::Binary { left, right, .. } => {
                left.names(into);
                right.names(into);
            }
        }
    }
}

impl Template {
    /// This text as it is.
    pub fn of_text(text: String, place: Place) -> Template {
        Template { parts: vec![Part::Text(text)], place }
    }

    /// `${name}`.
    pub fn of_name(name: Id, place: Place) -> Template {
        let text = name.to_string();
        let root = Node::Name { name, start: 0, end: text.len() };
        Template { parts: vec![Part::Expression(Expression { root, text, place: place.clone() })], place }
    }

    /// Every name in its expressions.
    pub fn names(&self) -> Vec<&Id> {
        let expressions = self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(expression),
            Part::Text(_) => None,
        });
        expressions.flat_map(Expression::names).collect()
    }

    /// Nothing in it is worked out.
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The name, when the whole text is nothing but `${name}`.
    pub fn only_name(&self) -> Option<&Id> {
        match self.parts.as_slice() {
            [Part::Expression(Expression { root: Node::Name { name, .. }, .. })] => Some(name),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Part {
    Text(String),
    Expression(Expression),
}

/// `start` and `end` are bytes from the beginning of the expression's text.
#[derive(Debug, Clone)]
pub enum Node {
    Integer(i64),
    Text(String),
    Boolean(bool),
    Name { name: Id, start: usize, end: usize },
    Call { function: Function, arguments: Vec<Node>, start: usize, end: usize },
    Unary { operator: UnaryOperator, operand: Box<Node>, start: usize, end: usize },
    Binary { operator: BinaryOperator, left: Box<Node>, right: Box<Node>, start: usize, end: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    Not,
    Negate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    BitOr,
    BitAnd,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Declares the functions, each once: its variant, its name, how it is called, and what it gives.
macro_rules! functions {
    ($($Function:ident $name:literal $call:literal: $about:literal;)*) => {
        /// The functions expressions may call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function {
            $(#[doc = $about] $Function,)*
        }

        impl Function {
            pub const ALL: [(&'static str, Function); [$($name),*].len()] = [$(($name, Function::$Function)),*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Function::$Function => $name,)*
                }
            }

            /// How it is called, and what it gives, for people.
            pub fn described(self) -> (&'static str, &'static str) {
                match self {
                    $(Function::$Function => ($call, $about),)*
                }
            }
        }
    };
}

functions! {
    Size "size" "size(file)": "bytes.";
    Sha256 "sha256" "sha256(file)": "64 lower-case hexadecimal digits.";
    Head "head" "head(file, n)": "the first `n` bytes, as lower-case hexadecimal digits.";
    Word "word" "word(file, offset)": "the little-endian 32-bit word there.";
    Align "align" "align(n, m)": "`n` rounded up to a multiple of `m`.";
    Hex "hex" "hex(n)": "as `0x1f000`.";
    Version "version" "version(text)": "to compare with other versions.";
    Present "present" "present(device)": "is it attached right now?";
    Given "given" "given(input)": "is the file there?";
    Port "port" "port(device)": "where the one such device is attached, such as `/dev/ttyUSB0`.";
    ToolVersion "tool_version" "tool_version('tool')": "of the tool that was found.";
    VersionAt "version_at" "version_at(file, offset)": "major, minor and patch from the upper three bytes of the little-endian 32-bit word there.";
    LimitMs "limit_ms" "limit_ms()": "how long the call may take, in milliseconds; only in its own arguments.";
}

impl Function {
    pub(in crate::documents) fn named(word: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, function)| function)
    }
}
