//! What a catalog changes of those beneath it, key by key, and whether that decides what runs on the person's computer.
//!
//! Harmless is what only tells people something. Everything else, a tool of its own among it, names programs, the way they are
//! started, or the rules by which their work is judged. The list is of what is harmless, so that a key that is added some day
//! is not by accident.

use std::sync::Arc;

use super::load::{CATALOG, lay_over};
use super::read_tool::TOOL;
use crate::documents::toml::parse_toml;
use crate::documents::tree::{Key, Tree, TreeKind};
use crate::words::{Diagnostic, Source};

/// Keys of a tool that only tell people something. `progress` is none of them: it can be part of the evidence. Nor is what is
/// told of where to get a tool: a person pastes that into a shell.
const HARMLESS_KEYS: [&str; 1] = [TOOL.summary.name];
/// Tables of which each key makes recover more careful.
const HARMLESS_TABLES: [&str; 1] = [CATALOG.shared_ids.name];
/// What is under these keys is shown in full: it can become part of a command.
const SHOWN_KEYS: [&str; 7] = [
    TOOL.programs.name,
    TOOL.folders.name,
    TOOL.via.name,
    TOOL.first_args.name,
    TOOL.environment.name,
    TOOL.environment_without_home.name,
    TOOL.like.name,
];
const SHOWN_TABLES: [&str; 3] = [CATALOG.environment.name, CATALOG.installers.name, CATALOG.image_folders.name];
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
    let mut before = Vec::new();
    for source in beneath {
        lay_over(&mut before, parse_toml(source).0);
    }
    let (document, syntax) = parse_toml(over);
    if !syntax.is_empty() {
        return Err(syntax);
    }
    let known = |name: &str| before.iter().find(|(known, _)| known.text == name).map(|(_, tree)| tree);
    Ok(document.iter().flat_map(|(name, tree)| of_table(&name.text, tree, known(&name.text))).collect())
}

fn of_table(name: &str, tree: &Tree, before: Option<&Tree>) -> Vec<Change> {
    let TreeKind::Map(table) = &tree.kind else {
        return vec![Change { table: name.to_owned(), key: None, now: None, harmless: false }];
    };
    let known = before.filter(|tree| tree.is_map());
    let all_shown = SHOWN_TABLES.contains(&name);
    let all_harmless = HARMLESS_TABLES.contains(&name);
    let mut found = Vec::new();
    if known.is_none() {
        found.push(Change { table: name.to_owned(), key: None, now: None, harmless: all_harmless });
    }
    for (key, tree) in table {
        let is_shown = all_shown || SHOWN_KEYS.contains(&key.text.as_str());
        let differs = match known {
            Some(known) => !known.get(&key.text).is_some_and(|before| is_same(before, tree)),
            // That the whole is new has been said; only what can become part of a command is told of it.
            None => is_shown,
        };
        if differs {
            found.push(Change {
                table: name.to_owned(),
                key: Some(key.text.clone()),
                now: is_shown.then(|| shortened(&shown(tree))),
                harmless: all_harmless || (known.is_some() && HARMLESS_KEYS.contains(&key.text.as_str())),
            });
        }
    }
    found
}

/// The same, wherever it stands.
fn is_same(one: &Tree, other: &Tree) -> bool {
    match (&one.kind, &other.kind) {
        (TreeKind::Scalar { text: one, .. }, TreeKind::Scalar { text: other, .. }) => one == other,
        (TreeKind::Integer(one), TreeKind::Integer(other)) => one == other,
        (TreeKind::Boolean(one), TreeKind::Boolean(other)) => one == other,
        (TreeKind::List(one), TreeKind::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (TreeKind::Map(entries), TreeKind::Map(others)) => {
            let in_other = |(key, tree): &(Key, Tree)| other.get(&key.text).is_some_and(|found| is_same(tree, found));
            entries.len() == others.len() && entries.iter().all(in_other)
        }
        // Of what no key takes nothing is known.
        _ => false,
    }
}

fn shown(tree: &Tree) -> String {
    match &tree.kind {
        TreeKind::Scalar { text, .. } => format!("\"{text}\""),
        TreeKind::Integer(number) => number.to_string(),
        TreeKind::Boolean(boolean) => boolean.to_string(),
        TreeKind::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        TreeKind::Map(entries) => {
            let entry = |(key, tree): &(Key, Tree)| format!("{} = {}", key.text, shown(tree));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        TreeKind::Null | TreeKind::Other => "…".to_owned(),
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
