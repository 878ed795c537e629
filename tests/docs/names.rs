//! What the pages name in backticks is there: files, types, functions and tests. Links lead somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::{files, root};

/// Pages about the house itself: whatever they name in the manner of Rust, or of a path, must be there.
const OF_THE_HOUSE: [&str; 3] = ["docs/architecture.md", "docs/contributing.md", "docs/glossary.md"];
/// Where links are followed, too.
const WITH_LINKS: [&str; 2] = ["README.md", "CHANGELOG.md"];

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Everything that pages may name.
struct House {
    /// Of programs and tests.
    sources: Vec<String>,
    /// Keys of documents.
    keys: BTreeSet<String>,
}

impl House {
    fn new() -> House {
        let sources = ["src", "tests", "benches"].into_iter().flat_map(|folder| files(folder, "rs"));
        let word = Regex::new(r"`(?:[a-z_A-Z]+\.)*([a-z_]+)`").unwrap();
        let keys = text("docs/keys.md");
        House {
            sources: sources.map(|file| std::fs::read_to_string(file).unwrap()).collect(),
            keys: word.captures_iter(&keys).map(|found| found[1].to_owned()).collect(),
        }
    }

    /// Declared with one of these words before it; `kinds` is a pattern.
    fn declares(&self, kinds: &str, name: &str) -> bool {
        let declared = Regex::new(&format!(r"\b(?:{kinds})\s+{name}\b")).unwrap();
        self.sources.iter().any(|source| declared.is_match(source))
    }

    /// A type, and something of it.
    fn has(&self, owner: &str, part: &str) -> bool {
        let owner = Regex::new(&format!(r"\b(?:struct|enum|trait|type|impl)\b[^;{{]*\b{owner}\b")).unwrap();
        let part = Regex::new(&format!(r"\b{part}\b")).unwrap();
        self.sources.iter().any(|source| owner.is_match(source) && part.is_match(source))
    }

    /// Why a word between backticks names nothing; nothing where it does, or is no name.
    fn missing(&self, word: &str) -> Option<String> {
        let is = |pattern: &str| Regex::new(pattern).unwrap().is_match(word);
        if is(r"^(\.ci|[a-z_]+)/[A-Za-z0-9_./*-]*$") {
            let sure = word.split('/').take_while(|part| !part.contains('*')).collect::<Vec<_>>().join("/");
            return (!root().join(sure).exists()).then(|| "no such file".to_owned());
        }
        if is(r"^[A-Za-z_-]+\.(rs|md|toml|yaml)$") {
            if root().join(word).exists() {
                return None;
            }
            let extension = Path::new(word).extension().and_then(|extension| extension.to_str()).unwrap();
            let folders = ["src", "tests", "benches", "docs", "playbooks"];
            let all = folders.into_iter().flat_map(|folder| files(folder, extension));
            let named: BTreeSet<PathBuf> = all.filter(|file| file.ends_with(word)).collect();
            return match named.len() {
                0 => Some("no file is called so".to_owned()),
                1 => None,
                count => Some(format!("{count} files are called so: give the folder, too")),
            };
        }
        if is(r"^[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*(::[A-Za-z_]+(\(\))?)?$") {
            let (owner, part) = word.split_once("::").unwrap_or((word, ""));
            return if !self.declares("struct|enum|trait|type", owner) {
                Some(format!("no type is called {owner}"))
            } else {
                (!part.is_empty() && !self.has(owner, part.trim_end_matches("()")))
                    .then(|| format!("{owner} has no {part}"))
            };
        }
        if is(r"^[A-Z][A-Z0-9_]+$") {
            let known = self.declares("const|static", word) || text(".ci/run").contains(word);
            let read = || self.sources.iter().any(|source| source.contains(&format!("var_os(\"{word}\")")));
            return (!known && !read()).then(|| "neither a constant nor a variable".to_owned());
        }
        if is(r"^[a-z]+[a-z0-9]*(_[a-z0-9]+)+(\(\))?$") || is(r"^[a-z]+\(\)$") {
            let name = word.trim_end_matches("()");
            return (!self.declares("fn|mod", name) && !self.keys.contains(name))
                .then(|| "neither a function, a test, a module nor a key".to_owned());
        }
        None
    }
}

/// What stands between single backticks, outside of blocks.
fn words(page: &str) -> Vec<String> {
    let mut within = false;
    let lines = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        within ^= fence;
        !within && !fence
    });
    let prose = lines.collect::<Vec<_>>().join("\n");
    Regex::new("`([^`]+)`").unwrap().captures_iter(&prose).map(|found| found[1].to_owned()).collect()
}

#[test]
fn what_the_pages_name_is_there() {
    let house = House::new();
    for page in OF_THE_HOUSE {
        let words = words(&text(page));
        let missing: Vec<String> =
            words.iter().filter_map(|word| house.missing(word).map(|reason| format!("`{word}`: {reason}"))).collect();
        assert!(missing.is_empty(), "{page} names what is not there: {missing:#?}");
    }
}

#[test]
fn links_lead_somewhere() {
    let pages = files("docs", "md")
        .into_iter()
        .map(|file| file.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
    for page in pages.chain(WITH_LINKS.map(str::to_owned)) {
        let broken: Vec<String> = links(&text(&page)).into_iter().filter(|link| !leads(&page, link)).collect();
        assert!(broken.is_empty(), "links of {page} that lead nowhere: {broken:#?}");
    }
}

fn links(page: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let links = link.captures_iter(page).map(|found| found[1].to_owned());
    links.filter(|link| !link.starts_with("https://")).collect()
}

fn leads(page: &str, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let file = if file.is_empty() { root().join(page) } else { root().join(page).parent().unwrap().join(file) };
    if heading.is_empty() {
        return file.exists();
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
}

/// As the pages of a repository name their headings.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// `cargo bench --bench speed -- --write` puts the table between them.
#[test]
fn the_table_of_measurements_has_its_place() {
    let (page, writer) = (text("docs/performance.md"), text("benches/speed/table.rs"));
    for mark in ["<!-- speed: begin -->", "<!-- speed: end -->"] {
        assert!(page.contains(mark) && writer.contains(mark), "{mark}");
    }
    assert!(writer.contains("\"docs/performance.md\""));
}

#[test]
fn what_is_not_there_is_noticed() {
    let house = House::new();
    for there in [
        "src/world/gate.rs",
        "src/bench/",
        ".ci/run",
        "playbooks/*.yaml",
        "evidence.rs",
        "FaultClass",
        "FaultClass::ALL",
        "World::start",
        "RECOVER_BLESS",
        "LINES_MAX",
        "MODELS",
        "links_lead_somewhere",
        "restart_at",
        "clear()",
    ] {
        assert_eq!(house.missing(there), None, "{there}");
    }
    for gone in [
        "src/world/gates.rs",
        "gates.rs",
        "gate.rs",
        "FaultKlass",
        "FaultClass::ALLE",
        "LINES_MIN",
        "links_lead_nowhere",
        "klear()",
    ] {
        assert!(house.missing(gone).is_some(), "{gone}");
    }
    assert!(!leads("README.md", "docs/no-such.md") && !leads("README.md", "docs/SECURITY.md#no-such-heading"));
    assert!(leads("README.md", "docs/SECURITY.md#how-to-report"));
}
