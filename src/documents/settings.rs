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
    keep_runs: Shape::Integer(0, u32::MAX), "So many records of runs are kept at least, while they are not too large; 200 without it.";
    keep_days: Shape::Integer(0, u32::MAX), "So many days each record is kept at least, while they are not too large; 30 without it.";
    keep_megabytes: Shape::Integer(0, u32::MAX), "So large all records may be together; 2048 without it.";
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// Real runs take nothing but what is shipped or signed by a trusted key.
    pub only_signed: bool,
    pub keep: KeepRuns,
}

/// Which records of runs are kept: these many, or those of these days, whichever are more, as long as they are not larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepRuns {
    pub runs: usize,
    pub days: u64,
    pub bytes: u64,
}

impl KeepRuns {
    /// Whatever there is.
    pub const ALL: KeepRuns = KeepRuns { runs: usize::MAX, days: u64::MAX, bytes: u64::MAX };
}

impl Default for KeepRuns {
    fn default() -> Self {
        KeepRuns { runs: 200, days: 30, bytes: 2048 * MEGABYTE }
    }
}

const MEGABYTE: u64 = 1024 * 1024;

impl UserSettings {
    /// With what is wrong with those that only say which records are kept: then nothing is removed. The others may have
    /// forbidden something.
    pub fn read(source: &Arc<Source>) -> Result<(UserSettings, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (document, syntax) = parse_toml(source);
        let mut reader = Reader::of_toml();
        reader.diagnostics.extend(syntax);
        let place = Place::new(Arc::clone(source), 0, 0);
        let document = Tree { kind: TreeKind::Map(document), place };
        let parts = reader.parts(&document, &SETTINGS);
        let mut settings = UserSettings::default();
        let mut of_records = Vec::new();
        if let Some(parts) = parts {
            settings.only_signed = reader.is_yes(parts.get(SETTINGS.only_signed));
            let deciding = reader.diagnostics.len();
            let mut count = |key| parts.get(key).and_then(|tree| reader.count(tree, 0..=u32::MAX));
            if let Some(runs) = count(SETTINGS.keep_runs) {
                settings.keep.runs = usize::try_from(runs).unwrap_or(usize::MAX);
            }
            if let Some(days) = count(SETTINGS.keep_days) {
                settings.keep.days = u64::from(days);
            }
            if let Some(megabytes) = count(SETTINGS.keep_megabytes) {
                settings.keep.bytes = u64::from(megabytes) * MEGABYTE;
            }
            of_records = reader.diagnostics.split_off(deciding);
            if !of_records.is_empty() {
                settings.keep = KeepRuns::ALL;
            }
        }
        if reader.diagnostics.is_empty() { Ok((settings, of_records)) } else { Err(reader.diagnostics) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(UserSettings, Vec<Diagnostic>), Vec<Diagnostic>> {
        UserSettings::read(&Arc::new(Source { name: "settings.toml".to_owned(), text: text.to_owned() }))
    }

    #[test]
    fn what_is_not_understood_is_no_setting() {
        let read_as = |text: &str, settings: UserSettings| assert_eq!(read(text), Ok((settings, Vec::new())), "{text}");
        read_as("", UserSettings::default());
        read_as("only_signed = true\n", UserSettings { only_signed: true, ..UserSettings::default() });
        let keep = KeepRuns { runs: 7, days: 1, bytes: 10 * MEGABYTE };
        read_as(
            "keep_runs = 7\nkeep_days = 1\nkeep_megabytes = 10\n",
            UserSettings { keep, ..UserSettings::default() },
        );
        for wrong in ["only_signed = 1\n", "only_singed = true\n", "only_signed =\n", "[only_signed]\n"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        // Which records are kept is no reason to leave a board as it is, nor to remove what somebody wanted kept.
        for (wrong, told) in [
            ("keep_days = 1.5\n", "expected a whole number, found a value of another kind"),
            ("keep_runs = true\n", "expected a whole number, found `true` or `false`"),
            ("keep_megabytes = -1\n", "this number must not be negative"),
        ] {
            let (settings, diagnostics) = read(&format!("only_signed = true\n{wrong}")).unwrap();
            assert_eq!(settings, UserSettings { only_signed: true, keep: KeepRuns::ALL });
            assert_eq!(diagnostics.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(), [told]);
        }
        assert_eq!(read("only_singed = true\n").unwrap_err()[0].hint.as_deref(), Some("did you mean `only_signed`?"));
    }
}
