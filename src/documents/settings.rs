//! `settings.toml`: what a person has decided for all of their runs.

use std::sync::Arc;

use crate::documents::keys::{Shape, keys};
use crate::documents::reader::Reader;
use crate::documents::toml::parse_toml;
use crate::documents::tree::{Tree, TreeKind};
use crate::words::{Diagnostic, Place, Source};

keys! {
    SETTINGS: SettingsKeys = "settings";
    only_signed: Shape::Boolean, "Real runs take nothing but what is shipped or signed by a trusted key.";
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// Real runs take nothing but what is shipped or signed by a trusted key.
    pub only_signed: bool,
}

impl UserSettings {
    pub fn read(source: &Arc<Source>) -> Result<UserSettings, Vec<Diagnostic>> {
        let (document, syntax) = parse_toml(source);
        let mut reader = Reader::of_toml();
        reader.diagnostics.extend(syntax);
        let place = Place::new(Arc::clone(source), 0, 0);
        let document = Tree { kind: TreeKind::Map(document), place };
        let parts = reader.parts(&document, &SETTINGS);
        let only_signed = parts.is_some_and(|parts| reader.is_yes(parts.get(SETTINGS.only_signed)));
        if reader.diagnostics.is_empty() { Ok(UserSettings { only_signed }) } else { Err(reader.diagnostics) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<UserSettings, Vec<Diagnostic>> {
        UserSettings::read(&Arc::new(Source { name: "settings.toml".to_owned(), text: text.to_owned() }))
    }

    #[test]
    fn what_is_not_understood_is_no_setting() {
        assert_eq!(read(""), Ok(UserSettings { only_signed: false }));
        assert_eq!(read("only_signed = true\n"), Ok(UserSettings { only_signed: true }));
        for wrong in ["only_signed = 1\n", "only_singed = true\n", "only_signed =\n", "[only_signed]\n"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read("only_singed = true\n").unwrap_err()[0].hint.as_deref(), Some("did you mean `only_signed`?"));
    }
}
