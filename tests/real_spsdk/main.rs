//! NXP's real tools (SPSDK), driven by `recover` against simulated boards: nothing is a mock but the USB library.
//!
//! Where the tools are missing, the tests say so and pass; with `RECOVER_REQUIRE_SPSDK=1` in the environment they fail
//! instead. `tests/real_spsdk/install` makes them.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod as_module;
mod faults;
#[path = "../imxrt_simulation/mod.rs"]
mod imxrt_simulation;
mod late_answers;
mod presence;
mod recovery;
mod requirements;
#[path = "../support/mod.rs"]
mod support;
mod warm;
mod workplace;
