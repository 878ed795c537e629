//! Text to expression tree. Precedence, weakest first: `or`, `and`, `not`, comparison, `|`, `&`, `+ -`, `* / %`, unary `-`.

use crate::documents::expression::{BinaryOperator, Expression, Function, Node, Part, Template, UnaryOperator};
use crate::words::{Code, Diagnostic, Id, Place, meant_or_known, parse_integer};

/// Deeper nesting than this is refused: nobody writes it, and the parser recurses.
const DEPTH_MAX: usize = 32;
/// A row of operators becomes a tree as deep as it is long, which all that read it walk down.
const OPERATORS_MAX: usize = 200;

/// What could not be read, in bytes from the start of the text.
#[derive(Debug)]
struct Mistake {
    start: usize,
    end: usize,
    message: String,
    hint: Option<String>,
}

/// Parses a whole text as one expression. `place` is where the text stands.
pub fn parse_expression(text: &str, place: &Place) -> Result<Expression, Diagnostic> {
    let root = Parser::read(text).map_err(|diagnostic| diagnostic.at(place, 0))?;
    Ok(Expression { root, text: text.split_whitespace().collect::<Vec<_>>().join(" "), place: place.clone() })
}

/// Parses a text with `${…}` in it.
pub fn parse_template(text: &str, place: &Place) -> Result<Template, Vec<Diagnostic>> {
    let mut parts = Vec::new();
    let mut diagnostics = Vec::new();
    let mut position = 0;
    while let Some(found) = text[position..].find("${") {
        let open = position + found;
        if open > position {
            parts.push(Part::Text(text[position..open].to_owned()));
        }
        let inner_start = open + 2;
        let Some(length) = length_to_closing_brace(&text[inner_start..]) else {
            diagnostics.push(
                Diagnostic::error(
                    Code::ExpressionSyntax,
                    &place.within(open, text.len() - open),
                    "`${` is never closed",
                )
                .hint("end the expression with `}`"),
            );
            return Err(diagnostics);
        };
        let inner = &text[inner_start..inner_start + length];
        match parse_expression(inner, &place.within(inner_start, length)) {
            Ok(expression) => parts.push(Part::Expression(expression)),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
        position = inner_start + length + 1;
    }
    if position < text.len() {
        parts.push(Part::Text(text[position..].to_owned()));
    }
    if diagnostics.is_empty() { Ok(Template { parts, place: place.clone() }) } else { Err(diagnostics) }
}

fn length_to_closing_brace(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

impl Mistake {
    fn at(self, place: &Place, offset: usize) -> Diagnostic {
        let length = self.end.saturating_sub(self.start);
        let mut diagnostic =
            Diagnostic::error(Code::ExpressionSyntax, &place.within(offset + self.start, length), self.message);
        diagnostic.hint = self.hint;
        diagnostic
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Integer(i64),
    Text(String),
    Word(String),
    Symbol(&'static str),
    End,
}

/// Longer symbols stand before their beginnings.
const SYMBOLS: [&str; 16] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%", "&", "|"];

/// What other languages write, and what is written here.
const FOREIGN: [(&str, &str); 2] = [("&&", "and"), ("||", "or")];

struct Parser<'a> {
    text: &'a str,
    /// Each token with its start and end.
    tokens: Vec<(Token, usize, usize)>,
    next: usize,
    depth: usize,
    operators: usize,
}

impl<'a> Parser<'a> {
    fn read(text: &'a str) -> Result<Node, Mistake> {
        let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0, operators: 0 };
        if parser.peek() == &Token::End {
            return Err(parser.wrong("an expression is missing here"));
        }
        let node = parser.expression(0)?;
        match parser.peek() {
            Token::End => Ok(node),
            _ => Err(parser.wrong("the expression should end here")),
        }
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn take(&mut self) -> (Token, usize, usize) {
        let token = self.tokens[self.next].clone();
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        token
    }

    fn wrong(&self, message: &str) -> Mistake {
        let (_, start, end) = self.tokens[self.next];
        Mistake {
            start,
            end: end.max(start + 1).min(self.text.len().max(start)),
            message: message.to_owned(),
            hint: None,
        }
    }

    fn expression(&mut self, strength_min: u8) -> Result<Node, Mistake> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong("this expression is nested too deeply"));
        }
        let mut left = self.operand()?;
        while let Some((operator, strength)) = self.operator()
            && strength >= strength_min
        {
            self.operators += 1;
            if self.operators > OPERATORS_MAX {
                let mut diagnostic = self.wrong("this expression is too long");
                diagnostic.hint = Some(format!("at most {OPERATORS_MAX} operators stand in one"));
                return Err(diagnostic);
            }
            self.take();
            let right = self.expression(strength + 1)?;
            let (start, end) = (span(&left).0, span(&right).1);
            left = Node::Binary { operator, left: Box::new(left), right: Box::new(right), start, end };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(BinaryOperator, u8)> {
        use BinaryOperator as B;
        Some(match self.peek() {
            Token::Word(word) if word == "or" => (B::Or, 1),
            Token::Word(word) if word == "and" => (B::And, 2),
            Token::Symbol("==") => (B::Equal, 4),
            Token::Symbol("!=") => (B::NotEqual, 4),
            Token::Symbol("<") => (B::Less, 4),
            Token::Symbol("<=") => (B::LessOrEqual, 4),
            Token::Symbol(">") => (B::Greater, 4),
            Token::Symbol(">=") => (B::GreaterOrEqual, 4),
            Token::Symbol("|") => (B::BitOr, 5),
            Token::Symbol("&") => (B::BitAnd, 6),
            Token::Symbol("+") => (B::Add, 7),
            Token::Symbol("-") => (B::Subtract, 7),
            Token::Symbol("*") => (B::Multiply, 8),
            Token::Symbol("/") => (B::Divide, 8),
            Token::Symbol("%") => (B::Remainder, 8),
            _ => return None,
        })
    }

    fn operand(&mut self) -> Result<Node, Mistake> {
        const NOT_STRENGTH: u8 = 3;
        const NEGATE_STRENGTH: u8 = 9;
        let here = self.wrong("a value, a name or `(` is missing here");
        let (token, start, end) = self.take();
        match token {
            Token::Integer(value) => Ok(Node::Integer(value)),
            Token::Text(text) => Ok(Node::Text(text)),
            Token::Word(word) if word == "true" || word == "false" => Ok(Node::Boolean(word == "true")),
            Token::Word(word) if word == "not" => {
                let operand = Box::new(self.expression(NOT_STRENGTH)?);
                let end = span(&operand).1;
                Ok(Node::Unary { operator: UnaryOperator::Not, operand, start, end })
            }
            Token::Symbol("-") => {
                let operand = Box::new(self.expression(NEGATE_STRENGTH)?);
                let end = span(&operand).1;
                Ok(Node::Unary { operator: UnaryOperator::Negate, operand, start, end })
            }
            Token::Symbol("(") => {
                let inner = self.expression(0)?;
                match self.take() {
                    (Token::Symbol(")"), _, _) => Ok(inner),
                    _ => Err(Mistake { start, end, message: "this `(` is never closed".to_owned(), hint: None }),
                }
            }
            Token::Word(word) if self.peek() == &Token::Symbol("(") => self.call(&word, start, end),
            Token::Word(word) => match word.parse::<Id>() {
                Ok(name) => Ok(Node::Name { name, start, end }),
                Err(error) => Err(Mistake { start, end, message: error.to_string(), hint: None }),
            },
            _ => Err(here),
        }
    }

    fn call(&mut self, word: &str, start: usize, name_end: usize) -> Result<Node, Mistake> {
        let Some(function) = Function::named(word) else {
            return Err(Mistake {
                start,
                end: name_end,
                message: format!("there is no function `{word}`"),
                hint: Some(meant_or_known(word, Function::ALL.map(|(name, _)| name))),
            });
        };
        self.take();
        let mut arguments = Vec::new();
        if self.peek() != &Token::Symbol(")") {
            loop {
                arguments.push(self.expression(0)?);
                if self.peek() != &Token::Symbol(",") {
                    break;
                }
                self.take();
            }
        }
        match self.take() {
            (Token::Symbol(")"), _, end) => Ok(Node::Call { function, arguments, start, end }),
            (_, at, _) => {
                Err(Mistake { start, end: at, message: format!("the call of `{word}` is never closed"), hint: None })
            }
        }
    }
}

/// Start and end of a node in its text; constants have none of their own and count as empty.
fn span(node: &Node) -> (usize, usize) {
    match node {
        Node::Name { start, end, .. }
        | Node::Call { start, end, .. }
        | Node::Unary { start, end, .. }
        | Node::Binary { start, end, .. } => (*start, *end),
        Node::Integer(_) | Node::Text(_) | Node::Boolean(_) => (0, 0),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize, usize)>, Mistake> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let start = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            found.push((Token::End, start, start));
            return Ok(found);
        };
        let (token, length) = if first.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let value = parse_integer(&rest[..length]).map_err(|error| Mistake {
                start,
                end: start + length,
                message: error.to_string(),
                hint: None,
            })?;
            (Token::Integer(value), length)
        } else if first.is_ascii_alphabetic() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Word(rest[..length].to_owned()), length)
        } else if first == '\'' {
            match rest[1..].find('\'') {
                Some(length) => (Token::Text(rest[1..=length].to_owned()), length + 2),
                None => {
                    let message = "this text is never closed".to_owned();
                    return Err(Mistake { start, end: text.len(), message, hint: None });
                }
            }
        } else if let Some((foreign, own)) = FOREIGN.into_iter().find(|(foreign, _)| rest.starts_with(foreign)) {
            let message = format!("`{foreign}` has no meaning in an expression");
            let end = start + foreign.len();
            return Err(Mistake { start, end, message, hint: Some(format!("write `{own}`")) });
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            (Token::Symbol(symbol), symbol.len())
        } else {
            let hint = match first {
                '"' => Some("texts in expressions stand in single quotes"),
                '=' => Some("to compare, write `==`"),
                '!' => Some("write `not`"),
                _ => None,
            };
            let hint = hint.map(str::to_owned);
            let message = format!("`{first}` has no meaning in an expression");
            return Err(Mistake { start, end: start + first.len_utf8(), message, hint });
        };
        found.push((token, start, start + length));
        rest = &rest[length..];
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::words::Source;

    fn read(text: &str) -> Result<Expression, Diagnostic> {
        let source = Arc::new(Source { name: "test.yaml".into(), text: text.to_owned() });
        parse_expression(text, &Place::new(source, 0, text.len()))
    }

    #[test]
    fn a_row_of_operators_has_an_end() {
        let row = |operators: usize| format!("1{}", " + 1".repeat(operators));
        assert!(read(&row(OPERATORS_MAX)).is_ok());
        for operators in [OPERATORS_MAX + 1, 5_000, 100_000] {
            assert_eq!(read(&row(operators)).unwrap_err().message, "this expression is too long");
        }
        // In parts that are short each.
        let parts = format!("({}) + ({})", row(OPERATORS_MAX / 2), row(OPERATORS_MAX / 2));
        assert_eq!(read(&parts).unwrap_err().message, "this expression is too long");
    }
}
