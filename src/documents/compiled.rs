//! Regular expressions of documents, compiled once for all documents: compiling is most of the work of reading one, and
//! playbooks of a house say the same.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

/// A few letters with a large number behind them can stand for many megabytes; the authors' patterns need some 10 KB.
const COMPILED_BYTES_MAX: usize = 256 * 1024;
/// What comes after so many is compiled each time, and so is what becomes larger than this: a hostile document fills what is
/// kept with 32 MB, not more.
const KEPT_MAX: usize = 1000;
const KEPT_BYTES_MAX: usize = 32 * 1024;

/// Refuses what would become large.
pub(in crate::documents) fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(COMPILED_BYTES_MAX).build()
}

/// Like [`compile`], for what is likely to come again.
pub(in crate::documents) fn compile_once(text: &str) -> Result<Regex, regex::Error> {
    static KEPT: LazyLock<Mutex<BTreeMap<String, Regex>>> = LazyLock::new(Mutex::default);
    // Not held while something is compiled, so that others need not wait.
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept().get(text) {
        return Ok(known.clone());
    }
    let Ok(compiled) = RegexBuilder::new(text).size_limit(KEPT_BYTES_MAX).build() else { return compile(text) };
    let mut kept = kept();
    if kept.len() < KEPT_MAX {
        kept.insert(text.to_owned(), compiled.clone());
    }
    Ok(compiled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compiled_before_is_the_same() {
        for _ in 0..2 {
            assert_eq!(compile_once("^again$").unwrap().as_str(), "^again$");
            assert!(compile_once("[").is_err());
            assert!(compile_once(r"\w{1000}").is_err(), "it would become large");
        }
    }
}
