//! The whole recovery with the shipped playbook.

use serde_json::json;

use crate::imxrt_simulation::{PORT, Wire};
use crate::requirements::{self, VERSIONS};
use crate::workplace::Workplace;

const CONSENT: [&str; 2] = ["--allow-irreversible", "boot-fuse"];

#[test]
fn brings_a_board_back_with_each_version() {
    if !requirements::met("brings_a_board_back_with_each_version") {
        return;
    }
    std::thread::scope(|scope| {
        for version in VERSIONS {
            scope.spawn(move || {
                let place = Workplace::new(version, &json!({}));
                place.boards.plug(PORT, Wire::Fitted);
                let started = std::time::Instant::now();
                let ran = place.recover("rt1062.yaml", &CONSENT);
                eprintln!("{version}: {:?}\n{}", started.elapsed(), ran.text());
                let state = place.boards.state();
                eprintln!("{:?} {:?} {:?}", state.calls(), state.changes(), state.mode());
            });
        }
    });
}
