//! How fast `recover` is beside the plain `sh` script of the same commands, in one run and in turns.
//!
//! `cargo bench --bench speed` measures and prints a table; `-- --write` puts it into `docs/performance.md`, too; further
//! words name the measurements to be made. Ratios hold for other machines, times only for the one that is described. What
//! needs something that is not there is left out with the reason. Nothing here fails because something is slow.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up ends a measurement, and is told")
)]

#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
#[path = "../../tests/imxrt_simulation/mod.rs"]
mod imxrt_simulation;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod netlink;
#[cfg(target_os = "linux")]
mod output;
#[cfg(target_os = "linux")]
mod overhead;
#[cfg(target_os = "linux")]
mod overlap;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod reaction;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "tests use the rest")]
#[path = "../../tests/real_spsdk/requirements.rs"]
mod requirements;
#[cfg(target_os = "linux")]
mod rt1062;
#[cfg(target_os = "linux")]
mod spread;
#[cfg(target_os = "linux")]
mod stand_in;
#[cfg(target_os = "linux")]
#[path = "../../tests/support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(target_os = "linux")]
#[path = "../../tests/usb_simulation/mod.rs"]
mod usb_simulation;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "tests use the rest")]
#[path = "../../tests/real_spsdk/workplace.rs"]
mod workplace;

#[cfg(target_os = "linux")]
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(target_os = "linux")]
use std::time::Instant;

#[cfg(target_os = "linux")]
use table::{Rows, Table};

#[cfg(target_os = "linux")]
type Measure = fn(&mut Rows);

/// In this order in the table. Each by its name, and what it stands for when it could not be made.
#[cfg(target_os = "linux")]
const MEASUREMENTS: [(&str, &str, Measure); 8] = [
    ("rt1062", "RT1062, real SPSDK", rt1062::measure),
    ("flash", "RT1062, flash as slow as real", rt1062::measure_with_flash_time),
    ("reaction", "Reaction to a device", reaction::measure),
    ("overlap", "Overlap with the person", overlap::measure),
    ("overhead", "Overhead per step, start-up", overhead::measure),
    ("check", "Checking many playbooks", check::measure),
    ("idle", "While waiting for a device", idle::measure),
    ("output", "Output of a tool", output::measure),
];

#[cfg(target_os = "linux")]
fn main() {
    if stand_in::played() {
        return;
    }
    // The reason stands in the table.
    std::panic::set_hook(Box::new(|_| {}));
    netlink::alone();
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
    let started = Instant::now();
    let mut table = Table::new(machine::described());
    for (name, title, measure) in MEASUREMENTS {
        if !wanted.is_empty() && !wanted.iter().any(|word| *word == name) {
            continue;
        }
        let begun = Instant::now();
        eprintln!("{name} …");
        let mut rows = Rows::default();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| measure(&mut rows))) {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            rows.left_out(title, text.lines().next().unwrap_or_default());
        }
        eprintln!("{name}: {:.0} s", begun.elapsed().as_secs_f64());
        table.add(rows);
    }
    println!("{}\n{}", table.text(), table.remarks());
    eprintln!("all of it: {:.0} s", started.elapsed().as_secs_f64());
    if words.iter().any(|word| word == "--write") {
        table.write_into_its_page();
    }
}

/// The simulated bus and much of what is measured are Linux's.
#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("This is measured on Linux only.");
}
