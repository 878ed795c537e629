//! `settings.toml`: what a person has decided for all of their runs.

use std::sync::Arc;

use crate::documents::catalog::tree::{Value, parse};
use crate::words::{Diagnostic, Source, nearest};

const ONLY_SIGNED: &str = "only_signed";
const KEYS: [&str; 1] = [ONLY_SIGNED];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// Real runs take nothing but what is shipped or signed by a trusted key.
    pub only_signed: bool,
}

impl UserSettings {
    pub fn read(source: &Arc<Source>) -> Result<UserSettings, Vec<Diagnostic>> {
        let (document, mut diagnostics) = parse(source);
        let mut settings = UserSettings::default();
        for (key, node) in &document.entries {
            match (key.value.as_str(), &node.value) {
                (ONLY_SIGNED, Value::Boolean(only_signed)) => settings.only_signed = *only_signed,
                (ONLY_SIGNED, other) => {
                    let message = format!("expected `true` or `false`, found {}", other.describe());
                    diagnostics.push(Diagnostic::error(&node.place, message));
                }
                (unknown, _) => {
                    let diagnostic = Diagnostic::error(&key.place, format!("settings have no key `{unknown}`"));
                    diagnostics.push(match nearest(unknown, KEYS) {
                        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                        None => diagnostic.hint(format!("known here: {}", KEYS.join(", "))),
                    });
                }
            }
        }
        if diagnostics.is_empty() { Ok(settings) } else { Err(diagnostics) }
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
