//! What the inputs are made of: the documents and records of this repository, and what has been found before.

use std::path::{Path, PathBuf};

/// Every file below this folder whose name ends so, in the order of their names.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "{folder} holds no {ending}");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// What was found before, by target.
pub(crate) fn found(target: &str) -> Vec<Vec<u8>> {
    files(&format!("tests/fuzz/corpus/{target}"), "")
}

fn collect(folder: &Path, ending: &str, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ending, paths);
        } else if path.to_string_lossy().ends_with(ending) {
            paths.push(path);
        }
    }
}
