//! What a catalog changes of those beneath it, key by key, and whether that decides what runs on the person's computer.
//!
//! Harmless is what only tells people something. Everything else, a tool of its own among it, names programs, the way they are
//! started, or the rules by which their work is judged. The list is of what is harmless, so that a key that is added some day
//! is not by accident.

use std::sync::Arc;

use super::load::{ENVIRONMENT, INSTALLERS, SHARED_IDS};
use super::tree::{Node, Table, Value, parse};
use crate::words::{Diagnostic, Located, Source};

/// Keys of a tool that only tell people something. `progress` is none of them: it can be part of the evidence. Nor is what is
/// told of where to get a tool: a person pastes that into a shell.
const HARMLESS_KEYS: [&str; 1] = ["summary"];
/// Tables of which each key makes recover more careful.
const HARMLESS_TABLES: [&str; 1] = [SHARED_IDS];
/// What is under these keys is shown in full: it can become part of a command.
const SHOWN_KEYS: [&str; 7] =
    ["programs", "folders", "via", "first_args", "environment", "environment_without_home", "like"];
const SHOWN_TABLES: [&str; 2] = [ENVIRONMENT, INSTALLERS];
/// Of what is under one key, in letters; how much is left out is told.
const SHOWN_LETTERS_MAX: usize = 1000;

/// One key that says something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A tool, or a table that is about all of them.
    pub table: String,
    /// Absent where the whole table is new.
    pub key: Option<String>,
    /// What stands there now, where it can become part of a command.
    pub now: Option<String>,
    pub harmless: bool,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.key, &self.now) {
            (None, _) => write!(f, "{} (new)", self.table),
            (Some(key), None) => write!(f, "{}.{key}", self.table),
            (Some(key), Some(now)) => write!(f, "{}.{key} = {now}", self.table),
        }
    }
}

/// What `over` changes of the documents `beneath` it, in the order in which it stands there. An error is its syntax.
pub fn changes(beneath: &[Arc<Source>], over: &Arc<Source>) -> Result<Vec<Change>, Vec<Diagnostic>> {
    let mut before = Table::default();
    for source in beneath {
        super::load::lay_over(&mut before, parse(source).0);
    }
    let (document, syntax) = parse(over);
    if !syntax.is_empty() {
        return Err(syntax);
    }
    Ok(document.entries.iter().flat_map(|(name, node)| of_table(&name.value, node, before.get(&name.value))).collect())
}

fn of_table(name: &str, node: &Node, before: Option<&Node>) -> Vec<Change> {
    let Value::Table(table) = &node.value else {
        return vec![Change { table: name.to_owned(), key: None, now: None, harmless: false }];
    };
    let known = match before.map(|node| &node.value) {
        Some(Value::Table(known)) => Some(known),
        Some(_) | None => None,
    };
    let all_shown = SHOWN_TABLES.contains(&name);
    let all_harmless = HARMLESS_TABLES.contains(&name);
    let mut found = Vec::new();
    if known.is_none() {
        found.push(Change { table: name.to_owned(), key: None, now: None, harmless: all_harmless });
    }
    for (key, node) in &table.entries {
        let is_shown = all_shown || SHOWN_KEYS.contains(&key.value.as_str());
        let differs = match known {
            Some(known) => !known.get(&key.value).is_some_and(|before| is_same(&before.value, &node.value)),
            // That the whole is new has been said; only what can become part of a command is told of it.
            None => is_shown,
        };
        if differs {
            found.push(Change {
                table: name.to_owned(),
                key: Some(key.value.clone()),
                now: is_shown.then(|| shortened(&shown(&node.value))),
                harmless: all_harmless || (known.is_some() && HARMLESS_KEYS.contains(&key.value.as_str())),
            });
        }
    }
    found
}

/// The same, wherever it stands.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => one == other,
        (Value::Integer(one), Value::Integer(other)) => one == other,
        (Value::Boolean(one), Value::Boolean(other)) => one == other,
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(&one.value, &other.value))
        }
        (Value::Table(one), Value::Table(other)) => {
            let in_other = |(key, node): &(Located<String>, Node)| {
                other.get(&key.value).is_some_and(|found| is_same(&node.value, &found.value))
            };
            one.entries.len() == other.entries.len() && one.entries.iter().all(in_other)
        }
        (Value::Text(_), _)
        | (Value::Integer(_), _)
        | (Value::Boolean(_), _)
        | (Value::List(_), _)
        | (Value::Table(_), _)
        | (Value::Other, _) => false,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let entry = |(key, node): &(Located<String>, Node)| format!("{} = {}", key.value, shown(&node.value));
            let entries: Vec<String> = table.entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Other => "…".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    let letters = text.chars().count();
    if letters <= SHOWN_LETTERS_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(SHOWN_LETTERS_MAX).collect();
    format!("{kept}… (and {} letters more)", letters - SHOWN_LETTERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { name: "tools.toml".to_owned(), text: text.to_owned() })
    }

    const BENEATH: &str = "[flasher]\nsummary = \"flashes\"\nprograms = [\"flasher\"]\nrules = [{ word = \"a\" }]\n\
                           [holders]\nmodem = \"stop it\"\n";

    fn told(over: &str) -> Vec<String> {
        let mark = |change: &Change| if change.harmless { "" } else { "! " };
        let found = changes(&[source(BENEATH)], &source(over)).unwrap();
        found.iter().map(|change| format!("{}{change}", mark(change))).collect()
    }

    #[test]
    fn what_only_tells_people_something_is_harmless() {
        let over = "[flasher]\nsummary = \"f\"\ninstall = \"get it\"\n[holders]\nother = \"x\"\n[shared_ids]\n\"1:2\" = \"y\"\n";
        let told = told(over);
        assert_eq!(told, ["flasher.summary", "! flasher.install", "! holders.other", "shared_ids (new)"]);
    }

    #[test]
    fn programs_and_everything_nobody_has_thought_of_is_not() {
        let over = "[flasher]\nprograms = [\"sh\"]\nfirst_args = [\"-c\", \"x\"]\nrules = []\nfaults = []\nprogress = []\nsome_day = 1\n";
        assert_eq!(
            told(over),
            [
                "! flasher.programs = [\"sh\"]",
                "! flasher.first_args = [\"-c\", \"x\"]",
                "! flasher.rules",
                "! flasher.faults",
                "! flasher.progress",
                "! flasher.some_day"
            ]
        );
        assert_eq!(told("flasher = 1\n"), ["! flasher (new)"]);
        assert_eq!(told("[environment.set]\nA = \"b\"\n"), ["! environment (new)", "! environment.set = {A = \"b\"}"]);
    }

    #[test]
    fn a_new_tool_is_one_and_its_programs_are_shown() {
        let told = told("[mine]\nsummary = \"x\"\nprograms = [\"mine\"]\nfaults = []\n");
        assert_eq!(told, ["! mine (new)", "! mine.programs = [\"mine\"]"]);
    }

    #[test]
    fn what_says_the_same_changes_nothing() {
        assert_eq!(told("[flasher]\nrules = [\n  { word = 'a' },\n]\nprograms = ['flasher']\n"), [""; 0]);
        assert_eq!(told(""), [""; 0]);
        assert!(changes(&[], &source("[a\n")).is_err());
    }

    #[test]
    fn what_is_left_out_is_told() {
        let long = "x".repeat(SHOWN_LETTERS_MAX * 2);
        let told = told(&format!("[flasher]\nprograms = [\"{long}\"]\n"));
        assert!(told[0].ends_with(&format!("… (and {} letters more)", SHOWN_LETTERS_MAX + 4)), "{told:?}");
    }
}
