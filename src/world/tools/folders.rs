//! Folders and files as the catalog writes them: `~`, `$NAME` and globs.

use std::path::{Path, PathBuf};

use super::Surroundings;

/// Paths taken for one pattern; a catalog that matches more has a mistake in it.
const MATCHES_MAX: usize = 64;

/// The folders that exist for a pattern, those whose names sort last first: of several versions, mostly the newest.
///
/// Empty when a variable in the pattern is not set.
pub fn expand(pattern: &str, surroundings: &Surroundings) -> Vec<PathBuf> {
    let mut folders = matches(pattern, surroundings);
    folders.retain(|path| path.is_dir());
    folders
}

/// The same for files.
pub(super) fn expand_files(pattern: &str, surroundings: &Surroundings) -> Vec<PathBuf> {
    let mut files = matches(pattern, surroundings);
    files.retain(|path| path.is_file());
    files
}

fn matches(pattern: &str, surroundings: &Surroundings) -> Vec<PathBuf> {
    let Some(filled) = fill(pattern, surroundings) else {
        return Vec::new();
    };
    let whole = surroundings.current_folder.to_str().map(glob::Pattern::escape).unwrap_or_default();
    let whole = Path::new(&whole).join(filled);
    let Ok(found) = glob::glob(&whole.to_string_lossy()) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = found.flatten().take(MATCHES_MAX).collect();
    found.reverse();
    found
}

/// Compares a whole word with a pattern of `*`, `?` and `[…]`; what is no pattern matches nothing.
pub fn matches_glob(pattern: &str, word: &str) -> bool {
    glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(word))
}

/// Puts in `~`, `$NAME` and `${NAME}`, so escaped that only the catalog's own globs count.
fn fill(pattern: &str, surroundings: &Surroundings) -> Option<String> {
    let mut filled = String::new();
    let mut rest = pattern;
    if let Some(after) = rest.strip_prefix('~').filter(|after| after.is_empty() || after.starts_with(['/', '\\'])) {
        filled.push_str(&glob::Pattern::escape(surroundings.home.as_ref()?.to_str()?));
        rest = after;
    }
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let (name, after) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(parts) => parts,
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()))
            }
        };
        // An empty variable would make `/bin` of `$ROOT/bin`.
        let value = surroundings.variable(name)?.to_str()?;
        filled.push_str(&glob::Pattern::escape(value));
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_and_matches() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["tool-1.2/bin", "tool-1.3/bin", "odd [1]/bin"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let surroundings = Surroundings {
            home: Some(folder.path().to_owned()),
            current_folder: folder.path().to_owned(),
            variables: [("ODD".to_owned(), folder.path().join("odd [1]").into()), ("EMPTY".to_owned(), "".into())]
                .into(),
            ..Surroundings::default()
        };
        let found = |pattern: &str| -> Vec<String> {
            let relative = |path: PathBuf| {
                path.strip_prefix(folder.path()).unwrap().to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/")
            };
            expand(pattern, &surroundings).into_iter().map(relative).collect()
        };
        assert_eq!(found("~/tool-*/bin"), ["tool-1.3/bin", "tool-1.2/bin"]);
        assert_eq!(found("$ODD/bin"), ["odd [1]/bin"]);
        assert_eq!(found("${ODD}/b*"), ["odd [1]/bin"]);
        assert_eq!(found("tool-1.2/bin"), ["tool-1.2/bin"]);
        for nothing in ["$UNSET/bin", "$EMPTY/bin", "~/nothing", "~nobody/bin", "[", "${ODD"] {
            assert_eq!(found(nothing), [""; 0], "{nothing}");
        }
    }
}
