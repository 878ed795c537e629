//! A virtual board's settings, as the playbook writes them: text by name, each with a default.

use crate::bench::BenchError;
use crate::documents::playbook::{Device, Playbook, VirtualBoard};
use crate::words::{Id, parse_integer};

/// Reads settings and the devices the playbook names by convention.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    pub playbook: &'a Playbook,
    pub board: &'a VirtualBoard,
}

impl<'a> Settings<'a> {
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.board.settings.iter().find(|(key, _)| key.value == name).map(|(_, value)| value.value.as_str())
    }

    pub fn integer(&self, name: &str, default: u64) -> Result<u64, BenchError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let integer = parse_integer(text).map_err(|error| wrong(name, &error.to_string()))?;
        u64::try_from(integer).map_err(|_| wrong(name, "it must not be negative"))
    }

    /// A playbook that names another setting has a misspelt one.
    pub fn refuse_others(&self, known: &[&str]) -> Result<(), BenchError> {
        match self.board.settings.iter().find(|(key, _)| !known.contains(&key.value.as_str())) {
            Some((key, _)) => Err(wrong(&key.value, &format!("known are: {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    /// The playbook's device of this name.
    pub fn device(&self, name: &str) -> Result<&'a Device, BenchError> {
        let id: Option<Id> = name.parse().ok();
        id.and_then(|id| self.playbook.device(&id))
            .ok_or_else(|| wrong("devices", &format!("this virtual board needs a device named `{name}`")))
    }
}

pub(crate) fn wrong(setting: &str, reason: &str) -> BenchError {
    BenchError::Setting { setting: setting.to_owned(), reason: reason.to_owned() }
}
