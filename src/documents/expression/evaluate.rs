//! The value of an expression. What files hold and what is attached comes from [`Facts`], so this stays pure.

use crate::documents::expression::{
    BinaryOperator, Expression, FilePiece, Function, Node, Part, Template, UnaryOperator, in_words,
};
use crate::words::{Hex, Id, ToolVersion, hex_digits};

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Integer(i64),
    Text(String),
    Boolean(bool),
    /// A file, by the name the playbook gives it.
    File(Id),
    Version(ToolVersion),
}

/// What an expression can ask about the run it stands in.
pub trait Facts {
    /// `None`: not known (yet), as for a value that a later step captures.
    fn value(&self, name: &Id) -> Option<Value>;
    /// The name under which tools find the file in their folder.
    fn file_name(&self, file: &Id) -> Result<String, UnknownFact>;
    /// In bytes.
    fn size(&self, file: &Id) -> Result<u64, UnknownFact>;
    /// Lower-case hexadecimal digits.
    fn sha256(&self, file: &Id) -> Result<String, UnknownFact> {
        Err(UnknownFact::Contents(file.clone()))
    }
    /// `length` bytes from `offset`; an error when the file is shorter.
    fn bytes(&self, file: &Id, _offset: u64, _length: u64) -> Result<Vec<u8>, UnknownFact> {
        Err(UnknownFact::Contents(file.clone()))
    }
    fn given(&self, file: &Id) -> bool;
    fn present(&self, device: &Id) -> Result<bool, UnknownFact> {
        Err(UnknownFact::Presence(device.clone()))
    }
    /// Of the one attached device of this name.
    fn port(&self, device: &Id) -> Result<String, UnknownFact> {
        Err(UnknownFact::Port(device.clone()))
    }
    /// Of the call whose arguments are worked out.
    fn limit_ms(&self) -> Result<u64, UnknownFact> {
        Err(UnknownFact::Limit)
    }
    fn tool_version(&self, tool: &str) -> Result<ToolVersion, UnknownFact> {
        Err(UnknownFact::Version(tool.to_owned()))
    }
}

/// Why something cannot be told that an expression asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFact {
    #[error("the contents of {0} are not known at this point")]
    Contents(Id),
    #[error("the size of {0} is not known at this point")]
    Size(Id),
    #[error("whether {0} is there is not known at this point")]
    Presence(Id),
    #[error("where {0} is attached is not known at this point")]
    Port(Id),
    #[error("the limit of a call is known only in its arguments")]
    Limit,
    #[error("the version of {0} is not known at this point")]
    Version(String),
    #[error("{0} was not found")]
    NoTool(String),
    /// Somebody has looked, and this is why nothing was found.
    #[error("{0}")]
    Looked(String),
}

/// Why an expression that is well typed has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("`{0}` is not known at this point")]
    NotKnown(Id),
    #[error("{0}")]
    Facts(UnknownFact),
    #[error("{0}")]
    NoDevice(UnknownFact),
    #[error("the result of a calculation is out of range")]
    OutOfRange,
    #[error("`{0}` is not a version")]
    NotAVersion(String),
    #[error("values of the wrong kind meet in an expression")]
    WrongKind,
}

/// The largest piece of a file that `head` shows, in bytes.
const HEAD_MAX: i64 = 4096;

pub fn evaluate(expression: &Expression, facts: &dyn Facts) -> Result<Value, EvaluationError> {
    node(&expression.root, facts)
}

/// The value of a condition.
pub fn evaluate_condition(expression: &Expression, facts: &dyn Facts) -> Result<bool, EvaluationError> {
    boolean(&expression.root, facts)
}

/// The pieces of files that turn out to be otherwise than a check wants them.
pub fn pieces_that_fail<'e>(check: &'e Expression, facts: &dyn Facts) -> Vec<FilePiece<'e>> {
    let fails = |condition: &&Node| boolean(condition, facts) == Ok(false);
    check.root.all_of().into_iter().filter(fails).filter_map(Node::piece_compared).collect()
}

/// The pieces of files of which a condition asks whether they are otherwise than they should be, `head(file, 4) != '…'`, and
/// that are.
pub fn pieces_that_differ<'e>(condition: &'e Expression, facts: &dyn Facts) -> Vec<FilePiece<'e>> {
    let mut nodes = Vec::new();
    condition.root.each(&mut nodes);
    let differs = |node: &&Node| {
        matches!(node, Node::Binary { operator: BinaryOperator::NotEqual, .. }) && boolean(node, facts) == Ok(true)
    };
    nodes.into_iter().filter(differs).filter_map(Node::piece_compared).collect()
}

/// The text of a template with every expression replaced: numbers in decimal, files by the name tools see.
pub fn expand(template: &Template, facts: &dyn Facts) -> Result<String, EvaluationError> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Expression(expression) => text.push_str(&shown(&evaluate(expression, facts)?, facts)?),
        }
    }
    Ok(text)
}

/// Like [`expand`], but what is not known yet is shown as `<name>`, or in words: `<size of firmware.bin>`.
pub fn expand_as_far_as_known(template: &Template, facts: &dyn Facts) -> String {
    let part = |part: &Part| match part {
        Part::Text(literal) => literal.clone(),
        Part::Expression(expression) => {
            evaluate(expression, facts).and_then(|value| shown(&value, facts)).unwrap_or_else(|error| match error {
                EvaluationError::NotKnown(name) => format!("<{name}>"),
                _ => format!("<{}>", in_words(expression, &|name| facts.file_name(name).ok())),
            })
        }
    };
    template.parts.iter().map(part).collect()
}

fn shown(value: &Value, facts: &dyn Facts) -> Result<String, EvaluationError> {
    Ok(match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Version(version) => version.to_string(),
        Value::File(file) => facts.file_name(file).map_err(EvaluationError::Facts)?,
    })
}

fn node(tree: &Node, facts: &dyn Facts) -> Result<Value, EvaluationError> {
    Ok(match tree {
        Node::Integer(number) => Value::Integer(*number),
        Node::Text(text) => Value::Text(text.clone()),
        Node::Boolean(yes) => Value::Boolean(*yes),
        Node::Name { name, .. } => facts.value(name).ok_or_else(|| EvaluationError::NotKnown(name.clone()))?,
        Node::Unary { operator: UnaryOperator::Not, operand, .. } => Value::Boolean(!boolean(operand, facts)?),
        Node::Unary { operator: UnaryOperator::Negate, operand, .. } => {
            Value::Integer(integer(operand, facts)?.checked_neg().ok_or(EvaluationError::OutOfRange)?)
        }
        Node::Binary { operator, left, right, .. } => binary(*operator, left, right, facts)?,
        Node::Call { function, arguments, .. } => call(*function, arguments, facts)?,
    })
}

fn boolean(tree: &Node, facts: &dyn Facts) -> Result<bool, EvaluationError> {
    match node(tree, facts)? {
        Value::Boolean(yes) => Ok(yes),
        _ => Err(EvaluationError::WrongKind),
    }
}

fn integer(tree: &Node, facts: &dyn Facts) -> Result<i64, EvaluationError> {
    match node(tree, facts)? {
        Value::Integer(number) => Ok(number),
        _ => Err(EvaluationError::WrongKind),
    }
}

fn binary(operator: BinaryOperator, left: &Node, right: &Node, facts: &dyn Facts) -> Result<Value, EvaluationError> {
    use BinaryOperator as B;
    let numbers = || Ok((integer(left, facts)?, integer(right, facts)?));
    let number = |result: Option<i64>| result.map(Value::Integer).ok_or(EvaluationError::OutOfRange);
    match operator {
        B::Or => Ok(Value::Boolean(boolean(left, facts)? || boolean(right, facts)?)),
        B::And => Ok(Value::Boolean(boolean(left, facts)? && boolean(right, facts)?)),
        B::Equal => Ok(Value::Boolean(node(left, facts)? == node(right, facts)?)),
        B::NotEqual => Ok(Value::Boolean(node(left, facts)? != node(right, facts)?)),
        B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
            let order = match (node(left, facts)?, node(right, facts)?) {
                (Value::Integer(a), Value::Integer(b)) => a.cmp(&b),
                (Value::Version(a), Value::Version(b)) => a.cmp(&b),
                _ => return Err(EvaluationError::WrongKind),
            };
            Ok(Value::Boolean(match operator {
                B::Less => order.is_lt(),
                B::LessOrEqual => order.is_le(),
                B::Greater => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        B::BitOr => numbers().map(|(a, b)| Value::Integer(a | b)),
        B::BitAnd => numbers().map(|(a, b)| Value::Integer(a & b)),
        B::Add => numbers().and_then(|(a, b)| number(a.checked_add(b))),
        B::Subtract => numbers().and_then(|(a, b)| number(a.checked_sub(b))),
        B::Multiply => numbers().and_then(|(a, b)| number(a.checked_mul(b))),
        B::Divide => numbers().and_then(|(a, b)| number(a.checked_div(b))),
        B::Remainder => numbers().and_then(|(a, b)| number(a.checked_rem(b))),
    }
}

fn call(function: Function, arguments: &[Node], facts: &dyn Facts) -> Result<Value, EvaluationError> {
    let argument = |index: usize| arguments.get(index).ok_or(EvaluationError::WrongKind);
    let number = |index: usize| integer(argument(index)?, facts);
    let file = |index: usize| match node(argument(index)?, facts)? {
        Value::File(name) => Ok(name),
        _ => Err(EvaluationError::WrongKind),
    };
    let unsigned = |number: i64| u64::try_from(number).map_err(|_| EvaluationError::OutOfRange);
    let fact = EvaluationError::Facts;
    Ok(match function {
        Function::Size => Value::Integer(
            i64::try_from(facts.size(&file(0)?).map_err(fact)?).map_err(|_| EvaluationError::OutOfRange)?,
        ),
        Function::LimitMs => {
            Value::Integer(i64::try_from(facts.limit_ms().map_err(fact)?).map_err(|_| EvaluationError::OutOfRange)?)
        }
        Function::Sha256 => Value::Text(facts.sha256(&file(0)?).map_err(fact)?),
        Function::Head => {
            let length = unsigned(number(1)?.min(HEAD_MAX))?;
            let bytes = facts.bytes(&file(0)?, 0, length).map_err(fact)?;
            Value::Text(hex_digits(&bytes))
        }
        Function::Word => {
            let bytes = facts.bytes(&file(0)?, unsigned(number(1)?)?, 4).map_err(fact)?;
            let word = <[u8; 4]>::try_from(bytes).map_err(|_| EvaluationError::OutOfRange)?;
            Value::Integer(i64::from(u32::from_le_bytes(word)))
        }
        Function::Align => {
            let (value, multiple) = (number(0)?, number(1)?);
            if value < 0 || multiple <= 0 {
                return Err(EvaluationError::OutOfRange);
            }
            let up = value.checked_add(multiple - 1).ok_or(EvaluationError::OutOfRange)?;
            Value::Integer(up / multiple * multiple)
        }
        Function::Hex => Value::Text(Hex(unsigned(number(0)?)?).to_string()),
        Function::Version => match node(argument(0)?, facts)? {
            Value::Text(text) => Value::Version(text.parse().map_err(|_| EvaluationError::NotAVersion(text))?),
            _ => return Err(EvaluationError::WrongKind),
        },
        // A file that may be missing has no value where it is missing.
        Function::Given => Value::Boolean(match argument(0)? {
            Node::Name { name, .. } => facts.given(name),
            _ => return Err(EvaluationError::WrongKind),
        }),
        Function::Port => match argument(0)? {
            Node::Name { name, .. } => Value::Text(facts.port(name).map_err(EvaluationError::NoDevice)?),
            _ => return Err(EvaluationError::WrongKind),
        },
        Function::ToolVersion => match argument(0)? {
            Node::Text(tool) => Value::Version(facts.tool_version(tool).map_err(fact)?),
            _ => return Err(EvaluationError::WrongKind),
        },
        Function::VersionAt => {
            let bytes = facts.bytes(&file(0)?, unsigned(number(1)?)?, 4).map_err(fact)?;
            let [_, patch, minor, major] = <[u8; 4]>::try_from(bytes).map_err(|_| EvaluationError::OutOfRange)?;
            let text = format!("{major}.{minor}.{patch}");
            Value::Version(text.parse().map_err(|_| EvaluationError::NotAVersion(text))?)
        }
        Function::Present => match argument(0)? {
            Node::Name { name, .. } => Value::Boolean(facts.present(name).map_err(EvaluationError::NoDevice)?),
            _ => return Err(EvaluationError::WrongKind),
        },
    })
}
