//! A document as a tree in which everything knows its place, in whichever language it is written.

use crate::words::Place;

/// How a document is written, and so how its authors call what stands in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    Yaml,
    Toml,
}

#[derive(Debug, Clone)]
pub struct Tree {
    pub kind: TreeKind,
    pub place: Place,
}

#[derive(Debug, Clone)]
pub enum TreeKind {
    Map(Vec<(Key, Tree)>),
    List(Vec<Tree>),
    /// The text as written when it is plain, so that `0x10` and `00000010` keep their form; `exact` tells that the text
    /// stands in the document letter by letter from the returned place on. Of TOML only its texts.
    Scalar {
        text: String,
        exact: bool,
    },
    Null,
    /// TOML tells these from texts.
    Integer(i64),
    Boolean(bool),
    /// A kind of value that no key takes.
    Other,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub text: String,
    pub place: Place,
}

impl Tree {
    pub fn describe(&self, language: Language) -> &'static str {
        match (&self.kind, language) {
            (TreeKind::Map(_), Language::Yaml) => "a map of keys and values",
            (TreeKind::Map(_), Language::Toml) => "a table",
            (TreeKind::List(_), _) => "a list",
            (TreeKind::Scalar { .. }, Language::Yaml) => "a single value",
            (TreeKind::Scalar { .. }, Language::Toml) => "a text",
            (TreeKind::Null, _) => "nothing",
            (TreeKind::Integer(_), _) => "a whole number",
            (TreeKind::Boolean(_), _) => "`true` or `false`",
            (TreeKind::Other, _) => "a value of another kind",
        }
    }

    /// What it holds by name; nothing when it is no map.
    pub fn entries(&self) -> &[(Key, Tree)] {
        match &self.kind {
            TreeKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What it lists; nothing when it is no list.
    pub fn items(&self) -> &[Tree] {
        match &self.kind {
            TreeKind::List(items) => items,
            _ => &[],
        }
    }

    /// What stands under this key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.entries().iter().find(|(found, _)| found.text == key).map(|(_, value)| value)
    }

    pub fn is_map(&self) -> bool {
        matches!(self.kind, TreeKind::Map(_))
    }
}
