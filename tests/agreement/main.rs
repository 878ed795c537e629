//! The same scenario through a vendor's real tool and through the mock that plays it: `recover` must come to the same
//! verdict and read the same text, line by line. Where they differ, the real tool is right.
//!
//! [`account`] writes down a run of `recover`, and [`agreement`] holds two such accounts against each other; neither knows
//! a tool. A family of tools is a module of its own, which brings the scenarios, both ways to run them, and what its tools
//! print differently for no fault of theirs ([`account::Leeway`]).
//!
//! Where a real tool is not installed, its tests say so and pass; see the `requirements.rs` of `real_dfu_util`
//! and `real_spsdk`.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod account;
mod agreement;
mod dfu_util;
#[path = "../real_dfu_util/requirements.rs"]
mod dfu_util_requirements;
#[path = "../real_dfu_util/finished.rs"]
mod finished;
#[path = "../real_dfu_util/folder.rs"]
mod folder;
#[path = "../imxrt_simulation/mod.rs"]
mod imxrt_simulation;
#[path = "../real_spsdk/requirements.rs"]
mod requirements;
mod spsdk;
#[path = "../support/mod.rs"]
mod support;
#[path = "../usb_simulation/mod.rs"]
mod usb_simulation;
#[expect(dead_code, reason = "what serves whole recoveries is not needed here")]
#[path = "../real_spsdk/workplace.rs"]
mod workplace;
