//! The documents below a folder, by what they are: test files, scenes, catalogs, and of the others in YAML the playbooks.

use std::path::{Path, PathBuf};

use crate::cli::catalogs::CATALOG_FILE;
use crate::cli::places::read_document;
use crate::cli::test::{NothingThere, files_below, is_test_file};
use crate::documents::scene::SCENE_ENDING;

/// What `recover check` looks at in a folder.
#[derive(Debug)]
pub(super) struct Below {
    pub(super) documents: Vec<PathBuf>,
    /// Families and cases that several boards share: they are looked at where they are used.
    pub(super) shared: usize,
}

/// What a document in YAML is, as far as one sees without reading it as that.
#[derive(Debug, PartialEq, Eq)]
enum Sort {
    Playbook,
    Shared,
    Foreign,
}

pub(super) fn below(folder: &Path) -> Result<Below, NothingThere> {
    let mut found = Below { documents: files_below(folder, CATALOG_FILE)?, shared: 0 };
    found.documents.retain(|file| file.file_name().is_some_and(|name| name == CATALOG_FILE));
    let mut in_yaml = files_below(folder, ".yaml")?;
    in_yaml.extend(files_below(folder, ".yml")?);
    in_yaml.sort();
    for file in in_yaml {
        let has_ending = is_test_file(&file) || file.to_string_lossy().ends_with(SCENE_ENDING);
        match if has_ending { Sort::Playbook } else { sort_of_file(&file) } {
            Sort::Playbook => found.documents.push(file),
            Sort::Shared => found.shared += 1,
            Sort::Foreign => {}
        }
    }
    if found.documents.is_empty() {
        return Err(NothingThere::NoDocument { folder: folder.to_owned() });
    }
    Ok(found)
}

/// One that cannot be read is told where it is read again.
fn sort_of_file(file: &Path) -> Sort {
    read_document(file).map_or(Sort::Playbook, |source| sort(&source.text))
}

/// By its outermost keys, line by line: a document that is no YAML, or has a slip in one key, is not passed over.
fn sort(text: &str) -> Sort {
    let has = |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    if has("board") {
        return Sort::Playbook;
    }
    if has("parameters") || has("cases") {
        return Sort::Shared;
    }
    // A family of procedures alone needs no parameters.
    match (has("format"), has("procedures") && !has("steps")) {
        (true, true) => Sort::Shared,
        (true, false) => Sort::Playbook,
        // What holds nothing yet is told as that.
        (false, _) if is_blank(text) => Sort::Playbook,
        (false, _) => Sort::Foreign,
    }
}

fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart_by_their_outermost_keys() {
        assert_eq!(sort("format: 1\nboard: A\nsteps: [\n"), Sort::Playbook);
        assert_eq!(sort("format: 1\nbaord: A\nsteps: []\n"), Sort::Playbook);
        assert_eq!(sort("format: 1\nparameters: {}\nsteps: []\n"), Sort::Shared);
        assert_eq!(sort("format: 1\ncases: []\n"), Sort::Shared);
        assert_eq!(sort("# to be written\n\n"), Sort::Playbook);
        assert_eq!(sort("on: push\njobs:\n  steps: []\n"), Sort::Foreign);
    }
}
