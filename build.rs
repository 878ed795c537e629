//! Tells the program which commit it is made of, and of when that is, for `--version`.
//!
//! Whoever builds it from an archive, where there is no git, may say so: RECOVER_COMMIT, and SOURCE_DATE_EPOCH in seconds since
//! 1970 (reproducible-builds.org). Nothing else of the machine or the moment goes in, so that the same commit makes the same
//! program. While the program is being worked on, it is of no commit, and nothing is built anew for one.

use std::path::Path;
use std::process::Command;

/// What the program is built from; a change here makes it another one than its commit.
const SOURCES: [&str; 6] = ["Cargo.lock", "Cargo.toml", "build.rs", "playbooks", "src", "vendor-tools.toml"];
const COMMIT: &str = "RECOVER_COMMIT";
const SECONDS: &str = "SOURCE_DATE_EPOCH";

fn main() {
    println!("cargo::rerun-if-env-changed={COMMIT}");
    println!("cargo::rerun-if-env-changed={SECONDS}");
    // The name of a profile that inherits another one is not told, only which of these two it comes from.
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        println!("cargo::rerun-if-changed=build.rs");
        return;
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    // Within another repository its commits say nothing of this program.
    let is_own = |top: String| Path::new(&top).canonicalize().ok() == Path::new(".").canonicalize().ok();
    if !git(&["rev-parse", "--show-toplevel"]).is_some_and(is_own) {
        return;
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    if std::env::var_os(COMMIT).is_none()
        && let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"])
    {
        let changed = git(&[&["status", "--porcelain", "--"], &SOURCES[..]].concat()).is_none_or(|it| !it.is_empty());
        println!("cargo::rustc-env={COMMIT}={commit}{}", if changed { "-modified" } else { "" });
    }
    if std::env::var_os(SECONDS).is_none()
        && let Some(seconds) = git(&["log", "-1", "--format=%ct"])
    {
        println!("cargo::rustc-env={SECONDS}={seconds}");
    }
}

/// What git says; nothing where there is none, or no repository.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
