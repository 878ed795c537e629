//! The Python of the computer, for tests that need a real one.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Nothing, and a word about it, where there is none that can make calls. Shims of version managers are seen through.
pub(crate) fn python() -> Option<PathBuf> {
    let asked = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable); sys.exit(sys.version_info < (3, 8))"])
        .output();
    let answer = asked.ok().filter(|answer| answer.status.success());
    let path = answer.and_then(|answer| String::from_utf8(answer.stdout).ok());
    if path.is_none() {
        assert!(std::env::var_os("RECOVER_REQUIRE_PYTHON").is_none(), "there is no python3 from 3.8 on");
        // Straight to the stream: what a passing test prints by `eprintln!` is not shown.
        let _ = writeln!(std::io::stderr(), "skipped: there is no python3 from 3.8 on");
    }
    path.map(|path| path.trim().into())
}
