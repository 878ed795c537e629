//! The types of expressions, and the check that an expression is well typed before anything runs.

use std::collections::BTreeMap;
use std::fmt;

use crate::documents::expression::{BinaryOperator, Expression, Function, Node, UnaryOperator};
use crate::words::{Code, Diagnostic, Id, Place, nearest};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Text,
    Boolean,
    File,
    Version,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Integer => "a number",
            Kind::Text => "a text",
            Kind::Boolean => "a yes or no",
            Kind::File => "a file",
            Kind::Version => "a version",
        })
    }
}

/// What the names in an expression may refer to. Devices have names of their own, used only by `present` and `port`.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub values: BTreeMap<Id, Kind>,
    pub devices: Vec<Id>,
    /// Tools that are looked for, named only by `tool_version`.
    pub tools: Vec<String>,
    /// The expression stands in the arguments of a call, which has a limit.
    pub within_call: bool,
}

/// The kind of an expression's value, or everything that is wrong with it.
pub fn kind_of(expression: &Expression, scope: &Scope) -> Result<Kind, Vec<Diagnostic>> {
    let mut checker = Checker { scope, place: &expression.place, diagnostics: Vec::new() };
    let kind = checker.node(&expression.root);
    match kind {
        Some(kind) if checker.diagnostics.is_empty() => Ok(kind),
        _ => Err(checker.diagnostics),
    }
}

struct Checker<'a> {
    scope: &'a Scope,
    place: &'a Place,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn report(&mut self, code: Code, start: usize, end: usize, message: String) -> &mut Diagnostic {
        let place = if end > start { self.place.within(start, end - start) } else { self.place.clone() };
        let index = self.diagnostics.len();
        self.diagnostics.push(Diagnostic::error(code, &place, message));
        &mut self.diagnostics[index]
    }

    /// `None` when a fault below makes the kind unknowable; the fault has been noted then.
    fn node(&mut self, node: &Node) -> Option<Kind> {
        match node {
            Node::Integer(_) => Some(Kind::Integer),
            Node::Text(_) => Some(Kind::Text),
            Node::Boolean(_) => Some(Kind::Boolean),
            Node::Name { name, start, end } => self.name(name, *start, *end),
            Node::Call { function, arguments, start, end } => self.call(*function, arguments, *start, *end),
            Node::Unary { operator, operand, start, end } => {
                let wanted = match operator {
                    UnaryOperator::Not => Kind::Boolean,
                    UnaryOperator::Negate => Kind::Integer,
                };
                self.expect(operand, wanted, *start, *end);
                Some(wanted)
            }
            Node::Binary { operator, left, right, start, end } => self.binary(*operator, left, right, *start, *end),
        }
    }

    fn name(&mut self, name: &Id, start: usize, end: usize) -> Option<Kind> {
        if let Some(kind) = self.scope.values.get(name) {
            return Some(*kind);
        }
        let near = nearest(name.as_str(), self.scope.values.keys().map(Id::as_str)).map(str::to_owned);
        let known: Vec<String> = self.scope.values.keys().map(ToString::to_string).collect();
        let diagnostic = self.report(Code::UnknownName, start, end, format!("nothing is called `{name}` here"));
        diagnostic.hint = Some(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if name.as_str() == "yes" => "a condition that always holds is `true`".to_owned(),
            None if name.as_str() == "no" => "a condition that never holds is `false`".to_owned(),
            None if known.is_empty() => "no input or captured value is defined before this point".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        });
        None
    }

    fn expect(&mut self, node: &Node, wanted: Kind, start: usize, end: usize) {
        if let Some(found) = self.node(node)
            && found != wanted
        {
            let (start, end) = extent(node).unwrap_or((start, end));
            self.report(Code::ExpressionKind, start, end, format!("{wanted} is needed here, and this is {found}"));
        }
    }

    fn call(&mut self, function: Function, arguments: &[Node], start: usize, end: usize) -> Option<Kind> {
        let (wanted, result): (&[Kind], Kind) = match function {
            Function::Size => (&[Kind::File], Kind::Integer),
            Function::Sha256 => (&[Kind::File], Kind::Text),
            Function::Head => (&[Kind::File, Kind::Integer], Kind::Text),
            Function::Word => (&[Kind::File, Kind::Integer], Kind::Integer),
            Function::Align => (&[Kind::Integer, Kind::Integer], Kind::Integer),
            Function::Hex => (&[Kind::Integer], Kind::Text),
            Function::Version => (&[Kind::Text], Kind::Version),
            Function::Given => (&[Kind::File], Kind::Boolean),
            Function::VersionAt => (&[Kind::File, Kind::Integer], Kind::Version),
            Function::Present | Function::Port => return self.of_device(function, arguments, start, end),
            Function::LimitMs => {
                if !self.scope.within_call {
                    let message = "`limit_ms` is known only in the arguments of a call".to_owned();
                    self.report(Code::ExpressionKind, start, end, message);
                }
                (&[], Kind::Integer)
            }
            Function::ToolVersion => return self.tool_version(arguments, start, end),
        };
        if arguments.len() != wanted.len() {
            let name = function.name();
            self.report(
                Code::ExpressionKind,
                start,
                end,
                format!("`{name}` takes {} arguments, and here are {}", wanted.len(), arguments.len()),
            );
            return Some(result);
        }
        for (argument, kind) in arguments.iter().zip(wanted) {
            self.expect(argument, *kind, start, end);
        }
        if function == Function::Align && constant(&arguments[1]).is_some_and(|multiple| multiple <= 0) {
            self.report(Code::ExpressionKind, start, end, "nothing can be aligned to zero or less".to_owned());
        }
        Some(result)
    }

    fn tool_version(&mut self, arguments: &[Node], start: usize, end: usize) -> Option<Kind> {
        match arguments {
            [Node::Text(name)] if self.scope.tools.contains(name) => {}
            [Node::Text(name)] => {
                let near = nearest(name, self.scope.tools.iter().map(String::as_str)).map(str::to_owned);
                let diagnostic =
                    self.report(Code::UnknownTool, start, end, format!("no step runs a tool called `{name}`"));
                diagnostic.hint = near.map(|near| format!("did you mean `{near}`?"));
            }
            _ => {
                let message = "`tool_version` takes the name of one tool, in single quotes".to_owned();
                self.report(Code::ExpressionKind, start, end, message);
            }
        }
        Some(Kind::Version)
    }

    fn of_device(&mut self, function: Function, arguments: &[Node], start: usize, end: usize) -> Option<Kind> {
        match arguments {
            [Node::Name { name, .. }] if self.scope.devices.contains(name) => {}
            [Node::Name { name, start, end }] => {
                let near = nearest(name.as_str(), self.scope.devices.iter().map(Id::as_str)).map(str::to_owned);
                let diagnostic =
                    self.report(Code::UnknownDevice, *start, *end, format!("no device is called `{name}`"));
                diagnostic.hint = near.map(|near| format!("did you mean `{near}`?"));
            }
            _ => {
                self.report(
                    Code::ExpressionKind,
                    start,
                    end,
                    format!("`{}` takes the name of one device", function.name()),
                );
            }
        }
        Some(if function == Function::Port { Kind::Text } else { Kind::Boolean })
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &Node,
        right: &Node,
        start: usize,
        end: usize,
    ) -> Option<Kind> {
        use BinaryOperator as B;
        let (wanted, result) = match operator {
            B::Or | B::And => (Kind::Boolean, Kind::Boolean),
            B::BitOr | B::BitAnd | B::Add | B::Subtract | B::Multiply | B::Divide | B::Remainder => {
                (Kind::Integer, Kind::Integer)
            }
            B::Equal | B::NotEqual | B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
                let kinds = (self.node(left), self.node(right));
                if let (Some(a), Some(b)) = kinds {
                    let ordered = matches!(a, Kind::Integer | Kind::Version);
                    let equality_only = matches!(operator, B::Equal | B::NotEqual);
                    if a != b {
                        self.report(Code::ExpressionKind, start, end, format!("{a} cannot be compared with {b}"));
                    } else if a == Kind::File {
                        self.report(Code::ExpressionKind, start, end, "files cannot be compared directly".to_owned())
                            .hint = Some("compare `sha256(…)` of both".to_owned());
                    } else if !ordered && !equality_only {
                        self.report(
                            Code::ExpressionKind,
                            start,
                            end,
                            format!("{a} has no order; only `==` and `!=` make sense"),
                        );
                    }
                }
                return Some(Kind::Boolean);
            }
        };
        self.expect(left, wanted, start, end);
        self.expect(right, wanted, start, end);
        if matches!(operator, B::Divide | B::Remainder) && constant(right) == Some(0) {
            self.report(Code::ExpressionKind, start, end, "this divides by zero".to_owned());
        }
        Some(result)
    }
}

/// The number that this is in every run.
fn constant(node: &Node) -> Option<i64> {
    use BinaryOperator as B;
    match node {
        Node::Integer(number) => Some(*number),
        Node::Unary { operator: UnaryOperator::Negate, operand, .. } => constant(operand)?.checked_neg(),
        Node::Binary { operator, left, right, .. } => {
            let (left, right) = (constant(left)?, constant(right)?);
            match operator {
                B::Add => left.checked_add(right),
                B::Subtract => left.checked_sub(right),
                B::Multiply => left.checked_mul(right),
                B::Divide => left.checked_div(right),
                B::Remainder => left.checked_rem(right),
                B::BitAnd => Some(left & right),
                B::BitOr => Some(left | right),
                B::Or | B::And | B::Equal | B::NotEqual | B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
                    None
                }
            }
        }
        Node::Unary { operator: UnaryOperator::Not, .. }
        | Node::Text(_)
        | Node::Boolean(_)
        | Node::Name { .. }
        | Node::Call { .. } => None,
    }
}

fn extent(node: &Node) -> Option<(usize, usize)> {
    match node {
        Node::Name { start, end, .. }
        | Node::Call { start, end, .. }
        | Node::Unary { start, end, .. }
        | Node::Binary { start, end, .. } => Some((*start, *end)),
        Node::Integer(_) | Node::Text(_) | Node::Boolean(_) => None,
    }
}
