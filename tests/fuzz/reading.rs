//! What expressions may ask about: a few names of each kind, and files that are as odd as files get.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use recover::documents::expression::{Facts, Kind, Scope, UnknownFact, Value};
use recover::words::{Id, ToolVersion};

pub(crate) struct Reading;

fn id(name: &str) -> Id {
    name.parse().unwrap()
}

pub(crate) fn scope() -> &'static Scope {
    static SCOPE: LazyLock<Scope> = LazyLock::new(|| {
        let kinds = [
            ("count", Kind::Integer),
            ("most", Kind::Integer),
            ("least", Kind::Integer),
            ("text", Kind::Text),
            ("yes", Kind::Boolean),
            ("version", Kind::Version),
            ("image", Kind::File),
            ("firmware", Kind::File),
            ("copy", Kind::File),
            ("huge", Kind::File),
            ("unknown", Kind::Integer),
        ];
        Scope {
            values: kinds.into_iter().map(|(name, kind)| (id(name), kind)).collect::<BTreeMap<_, _>>(),
            devices: vec![id("rom"), id("running")],
            tools: vec!["dfu-util".to_owned(), "blhost".to_owned()],
            within_call: true,
        }
    });
    &SCOPE
}

pub(crate) fn kind_of_value(value: &Value) -> Kind {
    match value {
        Value::Integer(_) => Kind::Integer,
        Value::Text(_) => Kind::Text,
        Value::Boolean(_) => Kind::Boolean,
        Value::File(_) => Kind::File,
        Value::Version(_) => Kind::Version,
    }
}

impl Facts for Reading {
    fn value(&self, name: &Id) -> Option<Value> {
        Some(match name.as_str() {
            "count" => Value::Integer(1),
            "most" => Value::Integer(i64::MAX),
            "least" => Value::Integer(i64::MIN),
            "text" => Value::Text("a text".to_owned()),
            "yes" => Value::Boolean(true),
            "version" => Value::Version("1.2.3".parse::<ToolVersion>().unwrap()),
            "image" | "firmware" | "copy" | "huge" => Value::File(name.clone()),
            _ => return None,
        })
    }

    fn file_name(&self, file: &Id) -> Result<String, UnknownFact> {
        Ok(format!("{file}.bin"))
    }

    fn size(&self, file: &Id) -> Result<u64, UnknownFact> {
        match file.as_str() {
            "huge" => Ok(u64::MAX),
            "copy" => Err(UnknownFact::Looked("it is not there".to_owned())),
            _ => Ok(1_000),
        }
    }

    fn sha256(&self, _: &Id) -> Result<String, UnknownFact> {
        Ok("00".repeat(32))
    }

    fn bytes(&self, _: &Id, offset: u64, length: u64) -> Result<Vec<u8>, UnknownFact> {
        assert!(length <= 1 << 20, "{length} bytes are asked for");
        match offset.checked_add(length) {
            Some(end) if end <= 1_000 => Ok(vec![0xa5; usize::try_from(length).unwrap()]),
            _ => Err(UnknownFact::Looked("the file is shorter".to_owned())),
        }
    }

    fn given(&self, _: &Id) -> bool {
        true
    }

    fn present(&self, device: &Id) -> Result<bool, UnknownFact> {
        if device.as_str() == "rom" { Ok(true) } else { Err(UnknownFact::Looked("no bus".to_owned())) }
    }

    fn limit_ms(&self) -> Result<u64, UnknownFact> {
        Ok(u64::MAX)
    }
}
