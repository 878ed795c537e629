//! The word after `-s`: an address and modifiers.

use crate::bench::mocks::dfu_util::arguments::c_number;
use crate::bench::mocks::dfu_util::{Call, EX_USAGE, Step};

/// What stands behind `-s`.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) address: Option<u64>,
    pub(super) length: Option<u64>,
    pub(super) force: bool,
    pub(super) leave: bool,
    pub(super) unprotect: bool,
    pub(super) mass_erase: bool,
    pub(super) will_reset: bool,
}

const MODIFIERS: [&str; 5] = ["force", "leave", "unprotect", "mass-erase", "will-reset"];

impl Call<'_> {
    /// The word after `-s`. An abbreviated modifier is accepted, but then the real tool reads on as if it had been
    /// written in full, and so past the end of the word into the next ones.
    pub(super) fn dfuse_options(&mut self) -> Step<Options> {
        let words = self.arguments.dfuse_options.clone().unwrap_or_default();
        let memory = words.join("\0");
        let mut options = Options::default();
        let mut rest = memory.as_str();
        if !rest.starts_with(':') {
            let word = until_colon(rest);
            match c_number(word) {
                Some(address) => options.address = Some(address).filter(|_| !words.is_empty()),
                None => return Err(self.fail(EX_USAGE, &format!("Invalid dfuse address: {}", until_end(rest)))),
            }
            rest = &rest[word.len()..];
        }
        while !until_end(rest).is_empty() {
            if let Some(behind) = rest.strip_prefix(':') {
                rest = behind;
                continue;
            }
            let word = until_colon(rest);
            let modifier = MODIFIERS.iter().find(|modifier| modifier.starts_with(word));
            match (modifier, c_number(word)) {
                (Some(modifier), _) => {
                    options.set(modifier);
                    rest = rest.get(modifier.len()..).unwrap_or_default();
                }
                (None, Some(length)) => {
                    options.length = Some(length);
                    rest = &rest[word.len()..];
                }
                (None, None) => {
                    return Err(self.fail(EX_USAGE, &format!("Invalid dfuse modifier: {}", until_end(rest))));
                }
            }
        }
        Ok(options)
    }
}

impl Options {
    fn set(&mut self, modifier: &str) {
        match modifier {
            "force" => self.force = true,
            "leave" => self.leave = true,
            "unprotect" => self.unprotect = true,
            "mass-erase" => self.mass_erase = true,
            _ => self.will_reset = true,
        }
    }
}

fn until_end(memory: &str) -> &str {
    memory.split('\0').next().unwrap_or_default()
}

fn until_colon(memory: &str) -> &str {
    until_end(memory).split(':').next().unwrap_or_default()
}
