//! The house rules of `src`: which floor may name what, which crate stands where, who may know a board.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

mod rules;
mod rust_text;
mod source_file;

use std::collections::BTreeSet;

use rules::{
    imports_point_down, named_in_one_file, names_no_board_or_tool, opens_with_its_purpose, pure_floors_have_no_effects,
    starts_no_process, test_files_are_declared_as_tests, writes_to_no_standard_stream,
};
use source_file::{SourceFile, source_files};

/// Crates that could be swapped for another one: each is named in one file.
const SWAPPABLE: [&str; 26] = [
    "annotate_snippets",
    "askama",
    "axum",
    "base16ct",
    "clap_mangen",
    "csv",
    "duct",
    "elsa",
    "getrandom",
    "glob",
    "indicatif",
    "minisign_verify",
    "nusb",
    "opener",
    "process_wrap",
    "quick_junit",
    "regex_syntax",
    "rustix",
    "serde_yaml",
    "serialport",
    "sha2",
    "strsim",
    "toml",
    "toml_parser",
    "which",
    "windows",
];

/// Crates whose types or macros are part of the language that the files speak.
const EVERYWHERE: [&str; 12] = [
    "clap",
    "clap_complete",
    "console",
    "futures_core",
    "jiff",
    "regex",
    "schemars",
    "serde",
    "serde_json",
    "tempfile",
    "thiserror",
    "tokio",
];

/// Families of chips and tools, beside the boards and tools of the shipped documents.
const FAMILIES: [&str; 6] = ["stm32", "imxrt", "i.mx", "spsdk", "dfuse", "openmv cam"];

/// The list of the files to embed, and examples of the help texts that a person can copy.
const MAY_NAME_BOARDS: [&str; 2] = ["documents/library.rs", "cli/arguments.rs"];

#[track_caller]
fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn of_all<I: IntoIterator<Item = String>>(rule: impl Fn(&SourceFile) -> I) -> Vec<String> {
    let files = source_files();
    assert!(files.len() > 50, "only {} files were found", files.len());
    files.iter().flat_map(rule).collect()
}

#[test]
fn files_import_only_from_their_own_floor_and_below() {
    assert_none(&of_all(imports_point_down));
}

#[test]
fn the_lowest_floors_are_pure() {
    assert_none(&of_all(pure_floors_have_no_effects));
    assert_none(&of_all(test_files_are_declared_as_tests));
}

#[test]
fn a_crate_that_could_be_swapped_is_named_in_one_file() {
    let files = source_files();
    let broken: Vec<String> = SWAPPABLE.iter().flat_map(|name| named_in_one_file(name, files)).collect();
    assert_none(&broken);
}

#[test]
fn every_dependency_is_used_and_has_its_place() {
    let manifest: toml::Table = toml::from_str(include_str!("../../Cargo.toml")).unwrap();
    let mut named: BTreeSet<String> = manifest["dependencies"].as_table().unwrap().keys().cloned().collect();
    for target in manifest["target"].as_table().unwrap().values() {
        named.extend(target["dependencies"].as_table().unwrap().keys().cloned());
    }
    let named: BTreeSet<String> = named.iter().map(|name| name.replace('-', "_")).collect();
    let placed: BTreeSet<String> = SWAPPABLE.iter().chain(&EVERYWHERE).map(|name| (*name).to_owned()).collect();
    assert_eq!(named, placed, "left: Cargo.toml, right: this test");
    let files = source_files();
    let unused: Vec<&str> =
        EVERYWHERE.into_iter().filter(|name| !files.iter().any(|file| rules::names_crate(file, name))).collect();
    assert_eq!(unused, [""; 0]);
}

#[test]
fn only_the_bench_knows_boards_and_tools() {
    let catalog = recover::documents::catalog::shipped().unwrap();
    let tools = catalog.tools.iter().map(|tool| tool.name.clone());
    let boards = recover::documents::library::shipped_boards().map(str::to_owned);
    let names: Vec<String> = tools.chain(boards).chain(FAMILIES.map(String::from)).collect();
    assert_none(&of_all(|file| match MAY_NAME_BOARDS.contains(&file.name.as_str()) {
        true => Vec::new(),
        false => names_no_board_or_tool(file, &names),
    }));
}

#[test]
fn one_file_writes_to_the_standard_streams() {
    assert_none(&of_all(writes_to_no_standard_stream));
}

#[test]
fn no_process_starts_beside_the_gate() {
    assert_none(&of_all(starts_no_process));
}

#[test]
fn every_file_opens_with_its_purpose() {
    assert_none(&of_all(opens_with_its_purpose));
}

/// A file that is in no crate of tests would never be run.
#[test]
fn every_file_of_tests_is_in_a_crate() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (manifest, suite) = (text("Cargo.toml"), text("tests/suite.rs"));
    let forgotten = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_stem()?.to_str()?.to_owned();
        let main = if path.is_dir() { format!("tests/{name}/main.rs") } else { format!("tests/{name}.rs") };
        let is_crate = manifest.contains(&format!("path = \"{main}\""));
        let is_code = root.join(&main).is_file();
        (is_code && !is_crate && !suite.contains(&format!("\nmod {name};\n"))).then_some(main)
    };
    let forgotten: Vec<String> = root.join("tests").read_dir().unwrap().filter_map(forgotten).collect();
    assert_eq!(forgotten, <[String; 0]>::default());
}
