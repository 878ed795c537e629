//! Inputs that nobody would write: whatever reads text from outside neither panics, nor hangs, nor takes much memory, and
//! says where it refuses something.
//!
//! A plain `cargo test` gives it a second or two. More, in an optimised build and each time with other inputs:
//!
//! ```text
//! RECOVER_FUZZ_SECONDS=3600 cargo test --release --test fuzz -- --nocapture
//! ```
//!
//! `RECOVER_FUZZ_TARGETS=scene,playbook` takes only these, `RECOVER_FUZZ_FIRST=1` the inputs from this number on. What was found is told with its number:
//! `RECOVER_FUZZ_ONE=scene:123` makes that input again, runs it alone, and keeps it as a file. An input that mends
//! something belongs in `corpus/`, in the folder of its target.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod corpus;
mod gate;
mod grown;
mod mutate;
mod random;
mod reading;
mod run;
mod targets;

use std::time::Duration;

use run::{Settings, fuzz, one, short};
use targets::{TARGETS, Target};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// For all targets together, within a plain `cargo test`.
const SHORT: Duration = Duration::from_millis(1_000);

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn wanted() -> Vec<&'static Target> {
    let names = variable("RECOVER_FUZZ_TARGETS");
    let is_wanted =
        |target: &&Target| names.as_ref().is_none_or(|names| names.split(',').any(|name| name == target.name));
    let wanted: Vec<&Target> = TARGETS.iter().filter(is_wanted).collect();
    assert!(!wanted.is_empty(), "RECOVER_FUZZ_TARGETS names none of {:?}", TARGETS.map(|target| target.name));
    wanted
}

#[test]
fn whatever_comes_is_read_or_refused() {
    if let Some(named) = variable("RECOVER_FUZZ_ONE") {
        let (name, seed) = named.split_once(':').expect("RECOVER_FUZZ_ONE is target:number");
        let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
        return one(target, seed.parse().expect("a number"));
    }
    let seconds =
        variable("RECOVER_FUZZ_SECONDS").map(|seconds| seconds.parse().expect("RECOVER_FUZZ_SECONDS is a number"));
    let settings = match seconds {
        // Other inputs each time, unless somebody wants the same.
        Some(seconds) => {
            let first =
                variable("RECOVER_FUZZ_FIRST").map(|first| first.parse().expect("RECOVER_FUZZ_FIRST is a number"));
            let first = first.unwrap_or_else(random::from_clock);
            Settings { time: Duration::from_secs(seconds), first, all_seeds: true }
        }
        None => short(SHORT),
    };
    let report = fuzz(&wanted(), &settings);
    println!("{report}");
    assert!(report.findings.is_empty(), "{} findings", report.findings.len());
}
