//! Who decides which programs run: a catalog counts by being named, trusted or the user's own; a playbook by being agreed to.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod catalogs;
mod consent;
mod playbooks;
mod rehearsal;
mod signatures;
mod terminal;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::House;

const CATALOG: &str = r#"
[acmeflash]
summary = "writes Acme boards"
programs = ["acmeflash"]
version = {args = ["--version"], flavours = [{pattern = '^Acme Flash Tool v(?P<version>[\d.]+)'}]}
commands = [{name = "write", with = ["write"], changes_board = true, reversible = true, success = ['^Verified OK']}]
"#;

const PLAYBOOK: &str = "format: 1\nboard: Acme\nsteps:\n  - {id: write, run: acmeflash, args: [write]}\n";

/// What follows an untrusted catalog everywhere: nothing was started.
const RUN: [&str; 2] = ["run", "acme.yaml"];
const NAMED: [&str; 4] = ["run", "acme.yaml", "--catalog", "vendor-tools.toml"];

/// A tool that leaves a mark when it is started, a catalog in the current folder that names it, and a playbook.
fn house() -> House {
    let mut house = House::new();
    let mark = house.path("was-here");
    let text = format!("touch '{}'; echo 'Acme Flash Tool v2.1'; echo 'Verified OK'\n", mark.display());
    let tool = house.script("bin/acmeflash", &text);
    house.set("RECOVER_TOOL_ACMEFLASH", tool);
    house.set("PATH", "/usr/bin:/bin");
    house.write("vendor-tools.toml", CATALOG);
    house.write("acme.yaml", PLAYBOOK);
    house
}

fn was_here(house: &House) -> bool {
    let mark = house.path("was-here");
    let was_here = mark.exists();
    if was_here {
        std::fs::remove_file(mark).unwrap();
    }
    was_here
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn store(house: &House) -> PathBuf {
    house.path("home/config/recover/trusted.json")
}
