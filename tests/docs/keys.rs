//! `docs/keys.md` is written from the schemas that the program prints, so that no key is described twice.
//!
//! With `RECOVER_BLESS=1` it is written anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use recover::documents::expression::Function;
use serde_json::{Map, Value};

use super::root;
use crate::support::House;

const PAGE: &str = "docs/keys.md";
const GRAMMAR: &str = include_str!("../../src/documents/expression/parse.rs");

const HEAD: &str = "# Every key\n
What may stand in each document. This page is written by a test from what the program itself says (`RECOVER_BLESS=1 cargo test
--test suite readme`); `recover schema` prints the same for editors. A star marks keys that must be there, a dot what stands within a
key, `NAME` a name of your own. `recover check` knows more than stands here.
";

const DOCUMENTS: [(&str, &str); 4] = [
    ("playbook", "Playbooks, `*.yaml`"),
    ("tests", "Test files, `*.test.yaml`"),
    ("scene", "Scenes, `*.scene.yaml`"),
    ("tools", "Catalogs of tools, `vendor-tools.toml`"),
];

#[test]
fn the_reference_of_keys_is_what_the_program_says() {
    let page = page();
    let path = root().join(PAGE);
    if std::env::var_os("RECOVER_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let stale = written.lines().zip(page.lines()).find(|(written, said)| written != said);
    assert!(written == page, "{PAGE} is stale, first here: {stale:#?}\nRECOVER_BLESS=1 writes it anew");
}

/// Editors show no other page.
#[test]
fn every_function_is_told_by_the_schema() {
    let schema: Value = serde_json::from_str(&House::new().run(&["schema"]).exits(0).stdout).unwrap();
    let about = schema["$defs"]["expression"]["description"].as_str().unwrap();
    for (name, function) in Function::ALL {
        let (call, gives) = function.described();
        assert!(call.starts_with(&format!("{name}(")), "{call}");
        assert!(about.contains(&format!("- {call}: {gives}")), "{call} in {about}");
    }
}

fn page() -> String {
    let house = House::new();
    let mut page = HEAD.to_owned();
    for (kind, title) in DOCUMENTS {
        let schema: Value = serde_json::from_str(&house.run(&["schema", kind]).exits(0).stdout).unwrap();
        Document { kind, schema: &schema }.write(title, &mut page);
    }
    page.push_str("\n## Expressions\n\nIn `${…}`, and in keys that take an expression.\n\n| | |\n|---|---|\n");
    for (_, function) in Function::ALL {
        let (call, meaning) = function.described();
        let _ = writeln!(page, "| `{call}` | {meaning} |");
    }
    let precedence = GRAMMAR.lines().next().unwrap().split_once("Precedence, ").unwrap().1;
    // Within a table a bar would end the cell; here it does not.
    let _ = writeln!(page, "\nOperators, {precedence}");
    page
}

/// One kind of document.
struct Document<'s> {
    kind: &'s str,
    schema: &'s Value,
}

/// One key, where it stands.
struct Row {
    path: String,
    required: bool,
    value: String,
    about: String,
}

impl Document<'_> {
    fn write(&self, title: &str, page: &mut String) {
        let parts: Vec<(&String, &Value)> =
            self.schema.get("$defs").and_then(Value::as_object).into_iter().flatten().collect();
        let (maps, values): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(_, part)| self.has_keys(part));
        let mut names = BTreeSet::new();
        let mut tables = vec![(None, self.schema)];
        tables.extend(maps.into_iter().map(|(name, part)| (Some(name), part)));
        let mut body = String::new();
        for (name, part) in tables {
            if let Some(name) = name {
                let _ = writeln!(body, "\n### {}: {name}", self.kind);
            }
            let about = part["description"].as_str().unwrap_or_default();
            // Some descriptions say it in their own words.
            let choice = choice(part).filter(|_| !about.starts_with("Exactly one of"));
            let kinds = part.get("properties").is_none().then(|| format!("{}.", self.value(part)));
            let about: Vec<String> = [Some(about.to_owned()), choice, kinds].into_iter().flatten().collect();
            let about = about.join(" ");
            if !about.trim().is_empty() {
                let _ = writeln!(body, "\n{}", about.trim());
            }
            let _ = writeln!(body, "\n| key | value | |\n|---|---|---|");
            for row in self.all_rows(part) {
                names.insert(row.path.rsplit('.').next().unwrap_or_default().to_owned());
                let star = if row.required { " \\*" } else { "" };
                let _ = writeln!(body, "| `{}`{star} | {} | {} |", row.path, row.value, row.about.replace('|', "\\|"));
            }
        }
        let _ = writeln!(body, "\n### {}: values", self.kind);
        let _ = writeln!(body, "\n| value | what may stand there |\n|---|---|");
        for (name, part) in values {
            // What follows the first line stands in a table of its own.
            let about = part["description"].as_str().and_then(|about| about.lines().next());
            let about = about.map(|about| format!(": {about}")).unwrap_or_default();
            let _ = writeln!(body, "| {name} | {}{about} |", self.value(part));
        }
        let count = names.len();
        let _ = write!(page, "\n## {title}\n\n`recover schema {}`; {count} names.\n{body}", self.kind);
    }

    fn all_rows(&self, part: &Value) -> Vec<Row> {
        let mut rows = Vec::new();
        self.within(part, "", &mut rows);
        rows
    }

    fn has_keys(&self, part: &Value) -> bool {
        !self.all_rows(part).is_empty()
    }

    /// The keys of a map, and below each those of the maps within it that have no name of their own.
    fn rows(&self, part: &Value, path: &str, rows: &mut Vec<Row>) {
        let required: Vec<&str> = part["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(properties) = part.get("properties").and_then(Value::as_object) {
            for (key, value) in properties.iter().filter(|(_, value)| value.is_object()) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let mut about = value["description"].as_str().unwrap_or_default().to_owned();
                if let Some(beside) = beside(part, key) {
                    let _ = write!(about, " Only with {beside}.");
                }
                let required = required.contains(&key.as_str());
                rows.push(Row { path: path.clone(), required, value: self.value(value), about });
                self.within(value, &path, rows);
            }
        }
    }

    fn within(&self, value: &Value, path: &str, rows: &mut Vec<Row>) {
        self.rows(value, path, rows);
        for inner in alternatives(value) {
            self.within(inner, path, rows);
        }
        if let Some(items) = value.get("items") {
            self.within(items, path, rows);
        }
        let Some(named) = value.get("additionalProperties").filter(|named| named.is_object()) else { return };
        let path = if path.is_empty() { "NAME".to_owned() } else { format!("{path}.NAME") };
        if path == "NAME" && value.get("properties").is_some() {
            rows.push(Row { path, required: false, value: self.value(named), about: String::new() });
        } else {
            self.within(named, &path, rows);
        }
    }

    /// What may stand there, in words.
    fn value(&self, part: &Value) -> String {
        if let Some(name) = part.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/")) {
            let anchor = if self.has_keys(&self.schema["$defs"][name]) { name } else { "values" };
            return format!("[{name}](#{}-{anchor})", self.kind);
        }
        if let Some(only) = part.get("const") {
            return format!("`{}`", plain(only));
        }
        if let Some(words) = part.get("enum").and_then(Value::as_array) {
            return words.iter().map(|word| format!("`{}`", plain(word))).collect::<Vec<_>>().join(", ");
        }
        let alternatives: Vec<&Value> = alternatives(part).collect();
        if !alternatives.is_empty() {
            return alternatives.into_iter().map(|part| self.value(part)).collect::<Vec<_>>().join(" or ");
        }
        let types: Vec<&str> = match &part["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        types.into_iter().map(|name| self.value_of_type(part, name)).collect::<Vec<_>>().join(" or ")
    }

    fn value_of_type(&self, part: &Value, name: &str) -> String {
        match (name, part.get("items"), part.get("additionalProperties")) {
            ("array", Some(items), _) => format!("list of {}", self.value(items).replace("map", "maps")),
            ("object", _, Some(named)) if named.is_object() => format!("NAME: {}", self.value(named)),
            ("object", ..) => "map".to_owned(),
            ("string", ..) => "text".to_owned(),
            ("integer", ..) => match (part["minimum"].as_u64(), part["maximum"].as_u64()) {
                (Some(least), Some(most)) => format!("{least} to {most}"),
                (Some(least), None) => format!("whole number from {least} on"),
                (None, _) => "whole number".to_owned(),
            },
            ("boolean", ..) => "yes or no".to_owned(),
            (other, ..) => other.to_owned(),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The parts of which a value is one; conditions about keys are none.
fn alternatives(part: &Value) -> impl Iterator<Item = &Value> {
    let listed = ["anyOf", "oneOf"].into_iter().filter_map(|key| part.get(key).and_then(Value::as_array)).flatten();
    let says_what =
        |part: &&Value| ["type", "$ref", "enum", "const", "anyOf"].iter().any(|key| part.get(key).is_some());
    listed.filter(says_what)
}

/// The keys, joined as people say it.
fn all_of(condition: &Value) -> String {
    let keys = condition["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ")
}

/// Which of its keys a map needs, beside those that it always needs.
fn choice(part: &Value) -> Option<String> {
    let says = |key: &str, words: &str| {
        let conditions = part.get(key)?.as_array()?;
        let choices: Vec<String> = conditions.iter().map(all_of).filter(|keys| !keys.is_empty()).collect();
        (!choices.is_empty()).then(|| format!("{words} {}.", choices.join(", ")))
    };
    says("oneOf", "Exactly one of:").or_else(|| says("anyOf", "At least one of:"))
}

/// The keys that must stand beside this one.
fn beside(part: &Value, key: &str) -> Option<String> {
    let named = |name: &str| part.get(name).and_then(Value::as_object).and_then(|map: &Map<_, _>| map.get(key));
    if let Some(needed) = named("dependentRequired").and_then(Value::as_array) {
        let needed = needed.iter().filter_map(Value::as_str).map(|key| format!("`{key}`"));
        return Some(needed.collect::<Vec<_>>().join(" and "));
    }
    let conditions = named("dependentSchemas")?.get("anyOf")?.as_array()?;
    Some(conditions.iter().map(all_of).collect::<Vec<_>>().join(", or with "))
}
