//! What every file of the library must keep to. Each rule gives the reasons why a file breaks it.

use std::collections::BTreeSet;

use crate::rust_text::Word;
use crate::source_file::{FLOORS, SourceFile, floor_named, is_of_tests, paths};

/// The floors that only turn values into values.
const PURE: [&str; 3] = ["words", "documents", "output"];
const EFFECTS_OF_STD: [&str; 5] = ["fs", "process", "env", "net", "thread"];
const EFFECTFUL_CRATES: [&str; 7] = ["tokio", "duct", "nusb", "process_wrap", "serialport", "rustix", "windows"];

/// A file imports from its own floor and from lower ones, its tests too.
pub(crate) fn imports_point_down(file: &SourceFile) -> BTreeSet<String> {
    let Some(own) = file.floor() else { return BTreeSet::new() };
    // A module of tests within a file is one step further from the root than the file.
    let inner = usize::from(!file.is_of_tests);
    let of_program = paths(&file.program).into_iter().map(|path| (path, file.depth()));
    let of_all = paths(&file.words).into_iter().map(|path| (path, file.depth() + inner));
    let mut broken = BTreeSet::new();
    for (path, depth) in of_program.chain(of_all) {
        let steps = match path[0].as_str() {
            "crate" => 1,
            "super" => path.iter().take_while(|name| *name == "super").count(),
            _ => continue,
        };
        if path[0] == "super" && steps < depth {
            continue;
        }
        match path.get(steps).map(|name| floor_named(name)) {
            Some(Some(floor)) if floor <= own => {}
            Some(Some(floor)) => {
                broken.insert(format!("{}: {} imports from {} above it", file.name, FLOORS[own], FLOORS[floor]));
            }
            Some(None) | None => {
                broken.insert(format!("{}: {} is on no floor", file.name, path.join("::")));
            }
        }
    }
    broken
}

/// The lowest floors touch nothing outside of the program.
pub(crate) fn pure_floors_have_no_effects(file: &SourceFile) -> Vec<String> {
    if !file.floor().is_some_and(|floor| PURE.contains(&FLOORS[floor])) {
        return Vec::new();
    }
    let effectful = |path: &Vec<String>| match path[0].as_str() {
        "std" => path.get(1).is_some_and(|module| EFFECTS_OF_STD.contains(&module.as_str())),
        name => EFFECTFUL_CRATES.contains(&name),
    };
    let named = paths(&file.program).into_iter().filter(effectful);
    named.map(|path| format!("{}: {} is an effect, on a pure floor", file.name, path.join("::"))).collect()
}

/// Does the program name this crate here? A module of the same name in the same file is not the crate.
pub(crate) fn names_crate(file: &SourceFile, name: &str) -> bool {
    let declares = |pair: &[Word]| pair[0].name() == Some("mod") && pair[1].name() == Some(name);
    !file.program.windows(2).any(declares) && paths(&file.program).iter().any(|path| path[0] == name)
}

/// A crate that could be swapped is named in one file.
pub(crate) fn named_in_one_file(name: &str, files: &[SourceFile]) -> Vec<String> {
    let naming: Vec<&str> =
        files.iter().filter(|file| names_crate(file, name)).map(|file| file.name.as_str()).collect();
    match naming.as_slice() {
        [_] => Vec::new(),
        [] => vec![format!("no file names {name}: it can go")],
        several => vec![format!("{name} is named in {}", several.join(", "))],
    }
}

/// What people are shown is made harmless beneath the standard streams, so only one file may write to them; mock tools on
/// the bench print like any other program.
pub(crate) fn writes_to_no_standard_stream(file: &SourceFile) -> Vec<String> {
    if file.name.starts_with("bench/") || file.name == "cli/streams.rs" {
        return Vec::new();
    }
    let named = paths(&file.program).into_iter().filter(|path| {
        let last = path.last().map(String::as_str);
        path.iter().any(|name| name == "io") && matches!(last, Some("stdout" | "stderr" | "Stdout" | "Stderr"))
    });
    let named = named.map(|path| path.join("::"));
    let printed = file.program.windows(2).filter(|pair| pair[1].is('!')).filter_map(|pair| pair[0].name());
    let printed = printed.filter(|name| ["print", "println", "eprint", "eprintln"].contains(name)).map(str::to_owned);
    named.chain(printed).map(|what| format!("{}: {what} is for cli/streams.rs alone", file.name)).collect()
}

/// Where the standard library's way to a process is named: the program that keeps the computer awake, this program once more,
/// which guards tools that outlive recover, the last call of what moves in place of hands, which it makes then, what writes udev's rules, and jobs. None takes a playbook's or a catalog's word.
const STARTERS: [&str; 4] = ["world/awake.rs", "world/rules_file.rs", "world/unix.rs", "world/windows.rs"];

/// A tool starts through `duct`, whose one file asks for what the gate has let through; on Windows that file has it started
/// in a job by `world/windows.rs`.
pub(crate) fn starts_no_process(file: &SourceFile) -> Vec<String> {
    if STARTERS.contains(&file.name.as_str()) {
        return Vec::new();
    }
    let named = paths(&file.program).into_iter();
    let named = named.filter(|path| path.windows(2).any(|pair| pair[0] == "process" && pair[1] == "Command"));
    named.map(|path| format!("{}: {} is a way past the gate", file.name, path.join("::"))).collect()
}

/// Only the bench knows a board or a tool by name.
pub(crate) fn names_no_board_or_tool(file: &SourceFile, names: &[String]) -> Vec<String> {
    if file.name.starts_with("bench/") {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for word in &file.program {
        let (Word::Name(said) | Word::Text(said)) = word else { continue };
        let known = names.iter().find(|name| says(said, name));
        broken.extend(known.map(|name| format!("{}: `{said}` names {name}", file.name)));
    }
    broken
}

/// Short names such as `h7` count only as a whole word, long ones wherever they occur, however they are joined.
fn says(said: &str, name: &str) -> bool {
    const LONG_BYTES: usize = 5;
    let said = said.to_lowercase();
    let joined = |text: &str| text.to_lowercase().replace(['-', '_', ' ', '.'], "");
    if joined(name).len() >= LONG_BYTES {
        return joined(&said).contains(&joined(name));
    }
    said.split(|c: char| !c.is_alphanumeric()).any(|word| word == name.to_lowercase())
}

/// The first line says what the module is for.
pub(crate) fn opens_with_its_purpose(file: &SourceFile) -> Vec<String> {
    let opens = file.text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > "//! ".len());
    if opens { Vec::new() } else { vec![format!("{}: its first line is not `//! …`", file.name)] }
}

/// Files are taken for tests by their name, so that name must not be used for anything else.
pub(crate) fn test_files_are_declared_as_tests(file: &SourceFile) -> Vec<String> {
    let declared = file.program.windows(2).filter(|pair| pair[0].name() == Some("mod"));
    let wrong = declared.filter_map(|pair| pair[1].name()).filter(|name| is_of_tests(name));
    wrong.map(|name| format!("{}: `mod {name}` is not under `#[cfg(test)]`", file.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> SourceFile {
        SourceFile::new(name, text)
    }

    #[test]
    fn an_import_from_above_is_noticed() {
        let broken = |name, text| imports_point_down(&file(name, text)).len();
        assert_eq!(broken("engine/wait.rs", "use crate::world::World; use crate::engine::Event; use super::call;"), 0);
        assert_eq!(broken("engine/wait.rs", "use crate::{words::Id, cli::screen};"), 1);
        assert_eq!(broken("words/id.rs", "fn a() -> crate::documents::Yaml { crate::world::b() }"), 2);
        assert_eq!(broken("words/id.rs", "use super::super::engine::Event;"), 1);
        assert_eq!(broken("words/id.rs", "use super::super::cli::a; #[cfg(test)] mod tests {}"), 1);
        assert_eq!(broken("words/id/tests.rs", "use super::super::super::cli::a;"), 1);
        assert_eq!(broken("words/mod.rs", "use super::cli;"), 1);
        assert_eq!(broken("cli/log/describe.rs", "use super::super::wording;"), 0);
        assert_eq!(broken("words/id.rs", "#[cfg(test)] mod tests { use super::*; use crate::engine::Event; }"), 1);
        assert_eq!(broken("words/id.rs", "#[cfg(test)] mod tests { use super::super::Id; }"), 0);
        assert_eq!(broken("words/id.rs", "use crate::Hidden;"), 1);
        assert_eq!(broken("words/id.rs", "/// Shown by [`crate::cli`].\nstruct Id;"), 0);
        assert_eq!(broken("main.rs", "fn main() { recover::cli::main() }"), 0);
    }

    #[test]
    fn an_effect_on_a_pure_floor_is_noticed() {
        let broken = |name, text| pure_floors_have_no_effects(&file(name, text)).len();
        assert_eq!(broken("documents/yaml.rs", "use std::{fmt, fs::File, env};"), 2);
        assert_eq!(broken("output/lines.rs", "fn a() { std::process::exit(1); tokio::spawn(b); }"), 2);
        assert_eq!(broken("output/lines.rs", "#[cfg(test)] mod tests { use std::fs; } use std::fmt;"), 0);
        assert_eq!(broken("output/judge_tests.rs", "use std::fs;"), 0);
        assert_eq!(broken("world/usb.rs", "use std::fs; use nusb::Device;"), 0);
    }

    #[test]
    fn a_crate_named_twice_is_noticed() {
        let once = file("world/a.rs", "use duct::cmd;");
        let in_test = file("world/b.rs", "#[cfg(test)] mod tests { use duct::cmd; }");
        let module = file("world/mod.rs", "mod duct; pub use duct::Own;");
        assert!(named_in_one_file("duct", &[once, in_test, module]).is_empty());
        let twice = [file("world/a.rs", "use duct;"), file("cli/b.rs", "fn a() { duct::cmd(b) }")];
        assert_eq!(named_in_one_file("duct", &twice), ["duct is named in world/a.rs, cli/b.rs"]);
        assert_eq!(named_in_one_file("duct", &[]), ["no file names duct: it can go"]);
    }

    #[test]
    fn a_writer_beside_the_one_is_noticed() {
        let broken = |name, text| writes_to_no_standard_stream(&file(name, text)).len();
        assert_eq!(broken("cli/list.rs", "fn a() { std::io::stdout(); println!(\"\"); eprint!(\"\"); }"), 3);
        assert_eq!(broken("cli/list.rs", "use std::io::{self, Stderr}; fn a() { io::stderr(); }"), 2);
        assert_eq!(broken("cli/list.rs", "fn a() { streams::stdout(); print(1) } /// Not `println!`.\n"), 0);
        assert_eq!(broken("cli/streams.rs", "fn a() { std::io::stdout(); }"), 0);
        assert_eq!(broken("bench/console.rs", "fn a() { std::io::stdout(); }"), 0);
    }

    #[test]
    fn a_process_beside_the_gate_is_noticed() {
        let broken = |name, text| starts_no_process(&file(name, text)).len();
        assert_eq!(broken("engine/call.rs", "use std::process::{Command, Stdio}; fn a() { Command::new(b); }"), 1);
        assert_eq!(broken("cli/run.rs", "use std::process; fn a() { process::Command::new(b); }"), 1);
        assert_eq!(broken("bench/mock.rs", "fn a() { tokio::process::Command::new(b); process::exit(1) }"), 1);
        assert_eq!(broken("cli/run.rs", "#[cfg(test)] mod tests { use std::process::Command; }"), 0);
        assert_eq!(broken("cli/mod.rs", "use clap::Command; fn a() { Command::new(b); }"), 0);
        assert_eq!(broken("world/awake.rs", "use std::process::Command;"), 0);
    }

    #[test]
    fn a_board_or_tool_by_name_is_noticed() {
        let names: Vec<String> = ["dfu-util", "h7", "stm32"].map(String::from).into();
        let broken = |name, text| names_no_board_or_tool(&file(name, text), &names).len();
        assert_eq!(broken("engine/call.rs", "fn a() { if tool == \"dfu-util\" {} }"), 1);
        assert_eq!(broken("engine/call.rs", "struct Stm32Flash; fn dfu_util() {}"), 2);
        assert_eq!(broken("cli/run.rs", "fn a() { help(\"recover run h7\"); fn for_h7() {} }"), 2);
        assert_eq!(broken("cli/run.rs", "/// Such as `h7`, `dfu-util`.\nfn a() { \"h79\"; }"), 0);
        assert_eq!(broken("bench/mock.rs", "fn dfu_util() {}"), 0);
    }

    #[test]
    fn a_module_without_purpose_is_noticed() {
        assert_eq!(opens_with_its_purpose(&file("cli/a.rs", "//! Does it.\n")).len(), 0);
        assert_eq!(opens_with_its_purpose(&file("cli/a.rs", "// Does it.\n")).len(), 1);
        assert_eq!(opens_with_its_purpose(&file("cli/a.rs", "\n//! Does it.\n")).len(), 1);
    }

    #[test]
    fn a_program_that_passes_for_tests_is_noticed() {
        assert_eq!(test_files_are_declared_as_tests(&file("cli/a.rs", "#[cfg(test)] mod tests;")).len(), 0);
        assert_eq!(test_files_are_declared_as_tests(&file("cli/a.rs", "mod speed_tests;")).len(), 1);
    }
}
