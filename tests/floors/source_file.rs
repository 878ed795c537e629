//! One file of the library: where it stands, and which paths it names.

use std::path::Path;
use std::sync::LazyLock;

use crate::rust_text::{Word, without_tests, words};

/// From the lowest to the highest.
pub(crate) const FLOORS: [&str; 7] = ["words", "documents", "output", "world", "engine", "bench", "cli"];

/// A file below `src`, its comments already left out.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Below `src`, with slashes: `world/usb/mod.rs`.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) is_of_tests: bool,
    /// Of everything in it.
    pub(crate) words: Vec<Word>,
    /// Of what is compiled into the program; empty for a file of tests.
    pub(crate) program: Vec<Word>,
}

impl SourceFile {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let words = words(text);
        let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".rs");
        let is_of_tests = is_of_tests(stem);
        let program = if is_of_tests { Vec::new() } else { without_tests(&words) };
        SourceFile { name: name.to_owned(), text: text.to_owned(), is_of_tests, words, program }
    }

    /// The number of its floor; none for the roots of library and binary.
    pub(crate) fn floor(&self) -> Option<usize> {
        floor_named(self.name.split('/').next().unwrap_or_default().trim_end_matches(".rs"))
    }

    /// How many modules deep it lies: 1 for `cli/mod.rs` and `cli.rs`, 2 for `cli/log.rs`.
    pub(crate) fn depth(&self) -> usize {
        self.name.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count()
    }
}

/// Files of tests are told by their names.
pub(crate) fn is_of_tests(module: &str) -> bool {
    module == "tests" || module.ends_with("_tests") || module.starts_with("test_")
}

pub(crate) fn floor_named(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| *floor == name)
}

/// Every file below `src`.
pub(crate) fn source_files() -> &'static [SourceFile] {
    static FILES: LazyLock<Vec<SourceFile>> = LazyLock::new(read_source_files);
    &FILES
}

fn read_source_files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let parts: Vec<_> =
                    path.strip_prefix(&root).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
                files.push(SourceFile::new(&parts.join("/"), &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

/// Every path of more than one name, and every crate brought in by `use name;`. Groups are spread out.
pub(crate) fn paths(words: &[Word]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let is_path = words[index].name().is_some() && words.get(index + 1) == Some(&Word::Path);
        let is_used = index > 0 && words[index - 1].name() == Some("use");
        index += if is_path || is_used { spread(&words[index..], &[], &mut found) } else { 1 };
    }
    found
}

/// Reads one path, or a group of them, and returns how many words it took.
fn spread(words: &[Word], outer: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = outer.to_vec();
    let mut index = 0;
    while let Some(Word::Name(name)) = words.get(index) {
        path.push(name.clone());
        index += 1;
        if words.get(index) != Some(&Word::Path) {
            break;
        }
        index += 1;
    }
    if index > 0 && words[index - 1] == Word::Path && words.get(index).is_some_and(|word| word.is('{')) {
        index += 1;
        while words.get(index).is_some_and(|word| !word.is('}')) {
            // The commas, and the new name after `as`, which would pass for a path of its own.
            let renames = words[index].name() == Some("as");
            let reads = words[index].name().is_some() && !renames;
            index += if reads { spread(&words[index..], &path, found) } else { 1 + usize::from(renames) };
        }
        return index + 1;
    }
    found.push(path);
    index.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spread_out() {
        let text = "use a::{b, c::{d as x, e}, f::*}; fn g() { h::i::<j::K>(); l.m; } use n;";
        let found: Vec<String> = paths(&words(text)).iter().map(|path| path.join("::")).collect();
        assert_eq!(found, ["a::b", "a::c::d", "a::c::e", "a::f", "h::i", "j::K", "n"]);
    }

    #[test]
    fn a_file_knows_where_it_stands() {
        let file = |name| SourceFile::new(name, "");
        assert_eq!((file("words/mod.rs").floor(), file("words/mod.rs").depth()), (Some(0), 1));
        assert_eq!((file("cli/log.rs").floor(), file("cli/log.rs").depth()), (Some(6), 2));
        assert_eq!(file("lib.rs").floor(), None);
    }
}
