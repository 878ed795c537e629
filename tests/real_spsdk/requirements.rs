//! Are the real tools, umockdev's preload library and Python here?

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::imxrt_simulation::PRELOAD_LIBRARY;

/// The newest, one of the major version before it, and one that prints errors without their names. The same as in `install`.
pub(crate) const VERSIONS: [&str; 3] = [NEWEST, OLDER, NAMELESS];
pub(crate) const NEWEST: &str = "3.12.0";
pub(crate) const OLDER: &str = "2.6.1";
pub(crate) const NAMELESS: &str = "2.2.1";

/// True when the test can run; else says why it does not, or fails where it has to run.
pub(crate) fn met(test: &str) -> bool {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let Some(missing) = MISSING.get_or_init(missing) else { return true };
    if std::env::var_os("RECOVER_REQUIRE_SPSDK").is_some_and(|value| value == "1") {
        panic!("{missing}; RECOVER_REQUIRE_SPSDK=1 asks for it");
    }
    // Straight to the stream: what a passing test prints by `eprintln!` is not shown.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {missing}");
    false
}

/// Where `install` puts a version.
pub(crate) fn folder(version: &str) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").unwrap_or_default().join(".cache");
    let tools = variable("RECOVER_TOOLS_CACHE")
        .unwrap_or_else(|| variable("XDG_CACHE_HOME").unwrap_or_else(home).join("recover"));
    tools.join(format!("spsdk-{version}"))
}

/// What a person gets by the wheel's extra is what is driven here.
#[test]
fn the_wheel_brings_a_version_that_is_tried() {
    let wheel: toml::Table = toml::from_str(include_str!("../../pyproject.toml")).unwrap();
    let asked = wheel["project"]["optional-dependencies"]["nxp"].as_array().unwrap();
    let asked: Vec<&str> = asked.iter().map(|asked| asked.as_str().unwrap().split(';').next().unwrap()).collect();
    assert_eq!(asked, [NEWEST, OLDER].map(|version| format!("spsdk=={version}")));
}

fn missing() -> Option<String> {
    for version in VERSIONS {
        let folder = folder(version);
        if !folder.join("bin/blhost").exists() {
            return Some(format!("{} is missing; `tests/real_spsdk/install` makes it", folder.display()));
        }
    }
    let python = Command::new("python3").arg("-V").env("LD_PRELOAD", PRELOAD_LIBRARY).stdin(Stdio::null()).output();
    match python {
        Err(error) => Some(format!("python3 cannot be started ({error})")),
        // The loader only warns about a library that it does not find, and the program sees the real bus.
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("cannot be preloaded") => {
            Some(format!("{PRELOAD_LIBRARY} is not installed: it is in the package umockdev"))
        }
        Ok(_) => None,
    }
}
