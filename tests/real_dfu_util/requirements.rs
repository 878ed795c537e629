//! Are the real dfu-util and the preload library here?

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::usb_simulation::PRELOAD_LIBRARY;

/// True when the test can run; else says why it does not, or fails where it has to run.
pub(crate) fn met(test: &str) -> bool {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let Some(missing) = MISSING.get_or_init(missing) else { return true };
    if std::env::var_os("RECOVER_REQUIRE_DFU_UTIL").is_some_and(|value| value == "1") {
        panic!("{missing}; RECOVER_REQUIRE_DFU_UTIL=1 asks for it");
    }
    // Straight to the stream: what a passing test prints by `eprintln!` is not shown.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {missing}");
    false
}

fn missing() -> Option<String> {
    // Asking for the version touches no USB device, real or simulated.
    let output = Command::new("dfu-util").arg("-V").env("LD_PRELOAD", PRELOAD_LIBRARY).stdin(Stdio::null()).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return Some(format!("dfu-util cannot be started ({error})")),
    };
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // The loader only warns about a library that it does not find, and the program sees the real bus.
    if text.contains("cannot be preloaded") {
        return Some(format!("{PRELOAD_LIBRARY} is not installed"));
    }
    (!text.contains("dfu-util 0.11")).then(|| format!("dfu-util is not version 0.11: {text}"))
}
