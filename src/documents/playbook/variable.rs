//! Values that the person may set for one run, such as whether to erase what users have stored.

use crate::documents::Yaml;
use crate::documents::expression::{Kind, Value};
use crate::documents::playbook::reader::Reader;
use crate::words::{Diagnostic, Id, Place, parse_integer};

/// A value with a default. The default's form decides what it is: yes or no, a number, or a text.
#[derive(Debug, Clone)]
pub struct Variable {
    pub name: Id,
    pub default: Value,
    pub help: String,
}

/// Why a value given on the command line does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is {wanted}; `{given}` is not")]
pub struct VariableError {
    pub name: Id,
    pub wanted: Kind,
    pub given: String,
}

impl Variable {
    pub fn kind(&self) -> Kind {
        match self.default {
            Value::Integer(_) => Kind::Integer,
            Value::Boolean(_) => Kind::Boolean,
            _ => Kind::Text,
        }
    }

    /// The value a person gave, read as what the default is.
    pub fn read(&self, given: &str) -> Result<Value, VariableError> {
        let error = || VariableError { name: self.name.clone(), wanted: self.kind(), given: given.to_owned() };
        match self.kind() {
            Kind::Integer => parse_integer(given).map(Value::Integer).map_err(|_| error()),
            Kind::Boolean => yes_or_no(given).map(Value::Boolean).ok_or_else(error),
            _ => Ok(Value::Text(given.to_owned())),
        }
    }
}

pub(super) fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

pub(super) fn read_variable(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Variable> {
    let parts = reader.map(yaml, "a variable", &["default", "help"])?;
    let (Some(default), Some(help)) = (parts.get("default"), parts.get("help")) else {
        reader.fault(Diagnostic::error(place, format!("the variable `{name}` needs the keys `default` and `help`")));
        return None;
    };
    let (default, help) = (reader.text(default)?.value, reader.prose(help)?);
    let default = match (yes_or_no(&default), parse_integer(&default)) {
        (Some(yes), _) => Value::Boolean(yes),
        (None, Ok(number)) => Value::Integer(number),
        (None, Err(_)) => Value::Text(default),
    };
    Some(Variable { name, default, help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_the_kind_of_the_default() {
        let variable = |default| Variable { name: "erase".parse().unwrap(), default, help: String::new() };
        assert_eq!(variable(Value::Boolean(false)).read("yes"), Ok(Value::Boolean(true)));
        let error = variable(Value::Boolean(false)).read("maybe").unwrap_err();
        assert_eq!(error.to_string(), "`erase` is a yes or no; `maybe` is not");
        assert_eq!(variable(Value::Integer(1)).read("0x10"), Ok(Value::Integer(16)));
        assert!(variable(Value::Integer(1)).read("yes").is_err());
        assert_eq!(variable(Value::Text("a".into())).read("10"), Ok(Value::Text("10".into())));
    }
}
