//! Values that the person may set for one run, such as whether to erase what users have stored.

use crate::documents::Yaml;
use crate::documents::expression::{Kind, Value};
use crate::documents::forms::SCALAR;
use crate::documents::keys::{Shape, keys};
use crate::documents::reader::Reader;
use crate::words::{Code, Diagnostic, Id, Place, parse_integer};

/// A value with a default. The default's form decides what it is: yes or no, a number, or a text.
#[derive(Debug, Clone)]
pub struct Variable {
    pub name: Id,
    pub default: Value,
    /// All that it may be; none where it may be anything of its kind.
    pub values: Vec<Value>,
    pub help: String,
}

/// Why a value given on the command line does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    #[error("`{name}` is {wanted}; `{given}` is not")]
    OtherKind { name: Id, wanted: Kind, given: String },
    #[error("`{name}` is one of {known}; `{given}` is not")]
    NotListed { name: Id, known: String, given: String },
}

impl VariableError {
    /// Of a value that stands in a document.
    pub(in crate::documents) fn told_at(&self, place: &Place) -> Diagnostic {
        Diagnostic::error(Code::Malformed, place, self.to_string())
    }
}

impl Variable {
    pub fn kind(&self) -> Kind {
        match self.default {
            Value::Integer(_) => Kind::Integer,
            Value::Boolean(_) => Kind::Boolean,
            _ => Kind::Text,
        }
    }

    /// Every value that it can have, where that is a closed list.
    pub fn closed(&self) -> Option<Vec<Value>> {
        match self.kind() {
            Kind::Boolean => Some(vec![Value::Boolean(false), Value::Boolean(true)]),
            _ if self.values.is_empty() => None,
            _ => Some(self.values.clone()),
        }
    }

    /// The value a person gave, read as what the default is.
    pub fn read(&self, given: &str) -> Result<Value, VariableError> {
        let of_kind = match self.kind() {
            Kind::Integer => parse_integer(given).map(Value::Integer).ok(),
            Kind::Boolean => yes_or_no(given).map(Value::Boolean),
            _ => Some(Value::Text(given.to_owned())),
        };
        let value = of_kind.ok_or_else(|| VariableError::OtherKind {
            name: self.name.clone(),
            wanted: self.kind(),
            given: given.to_owned(),
        })?;
        if self.values.is_empty() || self.values.contains(&value) {
            return Ok(value);
        }
        let known: Vec<String> = self.values.iter().map(as_written).collect();
        Err(VariableError::NotListed { name: self.name.clone(), known: known.join(", "), given: given.to_owned() })
    }
}

/// As it stands in a document and on a command line.
pub fn as_written(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Boolean(true) => "yes".to_owned(),
        Value::Boolean(false) => "no".to_owned(),
        Value::Text(text) => text.clone(),
        // No variable is one of these.
        Value::File(name) => name.to_string(),
        Value::Version(version) => version.to_string(),
    }
}

pub(in crate::documents) fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

keys! {
    VARIABLE: VariableKeys = "a variable", missing_together("");
    default: SCALAR,
        "The value without --set; its form decides what it is: yes or no, a number, or a text.", required();
    help: Shape::Text, "What it is for.", required();
    values: Shape::Either(&[SCALAR, Shape::List(&SCALAR)]),
        "All that it may be; anything of its kind without it. Only such a variable, or one of yes and no, may decide \
         what a call does.";
}

pub(super) fn read_variable(reader: &mut Reader, name: Id, place: &Place, yaml: &Yaml) -> Option<Variable> {
    let parts = reader.parts_of_named((name.as_str(), place), yaml, &VARIABLE)?;
    let (default, help) = (parts.get(VARIABLE.default)?, parts.get(VARIABLE.help)?);
    let (default, help) = (reader.text(default)?.value, reader.prose(help)?);
    let default = match (yes_or_no(&default), parse_integer(&default)) {
        (Some(yes), _) => Value::Boolean(yes),
        (None, Ok(number)) => Value::Integer(number),
        (None, Err(_)) => Value::Text(default),
    };
    let values = parts.get(VARIABLE.values).map(|list| reader.one_or_more(list, "values")).unwrap_or_default();
    let texts: Vec<_> = values.iter().filter_map(|value| reader.text(value)).collect();
    let mut variable = Variable { name, default, values: Vec::new(), help };
    let mut listed = Vec::new();
    for text in texts {
        match variable.read(&text.value) {
            Ok(value) => listed.push(value),
            Err(error) => reader.report(error.told_at(&text.place)),
        }
    }
    if !listed.is_empty() && !listed.contains(&variable.default) {
        let message = format!("the default of `{}` is none of its `values`", variable.name);
        reader.report(Diagnostic::error(Code::Contradiction, place, message));
    }
    variable.values = listed;
    Some(variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_the_kind_of_the_default() {
        let variable =
            |default| Variable { name: "erase".parse().unwrap(), default, values: Vec::new(), help: String::new() };
        assert_eq!(variable(Value::Boolean(false)).read("yes"), Ok(Value::Boolean(true)));
        let error = variable(Value::Boolean(false)).read("maybe").unwrap_err();
        assert_eq!(error.to_string(), "`erase` is a yes or no; `maybe` is not");
        assert_eq!(variable(Value::Integer(1)).read("0x10"), Ok(Value::Integer(16)));
        assert!(variable(Value::Integer(1)).read("yes").is_err());
        assert_eq!(variable(Value::Text("a".into())).read("10"), Ok(Value::Text("10".into())));
    }
}
