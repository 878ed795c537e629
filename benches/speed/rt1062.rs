//! A whole recovery of an RT1062 with NXP's real tools, beside the `sh` script of the documented commands.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::imxrt_simulation::{PORT, PRELOAD_LIBRARY};
use crate::place::{needs_simulated_bus, of_house, time};
use crate::requirements::{self, NEWEST};
use crate::spread::Spread;
use crate::support::image;
use crate::table::{Aim, Rows};
use crate::workplace::{Workplace, playbook_with, without};

const ROUNDS: usize = 5;
/// Nothing is on the bus for so long after a jump: what was seen of real boards.
const START_S: f64 = 1.5;
/// As large as the files that OpenMV ships.
const SIZES: [(&str, u32); 3] =
    [("sdphost_flash_loader.bin", 87_884), ("blhost_flash_loader.bin", 31_320), ("firmware.bin", 1_500_000)];

/// The documented commands; the waits are told apart below.
const SCRIPT: &str = r#"set -e
cd images
sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 sdphost_flash_loader.bin
sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00
WAIT
blhost -u 0x15A2,0x0073 -- get-property 1
blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xC0000008 word
blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000
blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60000000 0x1000
blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xF000000F word
blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000
blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x8000
blhost -u 0x15A2,0x0073 -- write-memory 0x60001000 blhost_flash_loader.bin
blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60040000 0x16F000
blhost -u 0x15A2,0x0073 -- write-memory 0x60040000 firmware.bin
blhost -u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010
blhost -u 0x15A2,0x0073 -- reset
"#;
/// What OpenMV IDE does after the jump.
const SLEEP: &str = "sleep 2";
/// The quickest that a script can do: it looks again and again, without a pause.
const POLL: &str = "until [ -e /sys/class/hidraw/hidraw991 ]; do :; done";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Recover,
    SingleCalls,
    Unverified,
    Sleeping,
    Polling,
}

/// Is the fuse set since the factory?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fuse {
    Set,
    New,
}

/// The script does the same to both boards.
const CASES: [(Way, Fuse); 6] = [
    (Way::Sleeping, Fuse::New),
    (Way::Recover, Fuse::New),
    (Way::Recover, Fuse::Set),
    (Way::Polling, Fuse::New),
    (Way::SingleCalls, Fuse::New),
    (Way::Unverified, Fuse::New),
];
/// With `--all` only, because it takes long and shows little.
const SLOW_CASE: (Way, Fuse) = (Way::SingleCalls, Fuse::Set);

#[derive(Debug, Default)]
struct Taken {
    times: Vec<Duration>,
    processes: usize,
}

pub(crate) fn measure(rows: &mut Rows) {
    needs_simulated_bus();
    let tools = requirements::folder(NEWEST);
    assert!(tools.join("bin/blhost").exists(), "SPSDK {NEWEST} is missing (`tests/real_spsdk/install` makes it)");
    let slow_case = std::env::args().any(|word| word == "--all").then_some(SLOW_CASE);
    let mut taken: BTreeMap<(Way, Fuse), Taken> = BTreeMap::new();
    for round in 0..ROUNDS {
        for case in CASES.into_iter().chain(slow_case) {
            let (time, processes) = run(case);
            eprintln!("  round {} of {ROUNDS}: {case:?} {:.2} s, {processes} processes", round + 1, time.as_secs_f64());
            let all = taken.entry(case).or_default();
            all.times.push(time);
            all.processes = processes;
        }
    }
    let ratio = |of, to| Spread::ratio(&taken[&of].times, &taken[&to].times);
    let sleeping = (Way::Sleeping, Fuse::New);
    let polling = (Way::Polling, Fuse::New);
    let aim = Aim::AtMost(0.4);
    for (fuse, name) in [(Fuse::New, "burns its fuse"), (Fuse::Set, "its fuse is set")] {
        let (decides, beside) = (ratio((Way::Recover, fuse), sleeping), ratio((Way::Recover, fuse), polling));
        let shown = format!("{}×; {}×", decides.shown(2), beside.shown(2));
        let what = format!("RT1062, {name}: recover : `sh` that sleeps; : that polls");
        rows.add_value(&what, aim, decides.median(), "×", &shown);
    }
    for (fuse, name) in [(Fuse::New, "a process per call"), (Fuse::Set, "a process per call, fuse set")] {
        if taken.contains_key(&(Way::SingleCalls, fuse)) {
            let spread = ratio((Way::SingleCalls, fuse), sleeping);
            rows.add(&format!("– {name} (`--single-calls`) : `sh` that sleeps"), Aim::None, &spread, "×", 2);
        }
    }
    let (recover, unverified) = ((Way::Recover, Fuse::New), (Way::Unverified, Fuse::New));
    rows.add("– with the read-back : without it", Aim::AtMost(2.0), &ratio(recover, unverified), "×", 2);
    let counted = |case| {
        taken.get(&case).map_or_else(
            || "not measured".to_owned(),
            |Taken { times, processes }| {
                let seconds = Spread::of(times.iter().map(Duration::as_secs_f64)).median();
                format!("{processes} in {seconds:.1} s")
            },
        )
    };
    rows.note(format!(
        "RT1062: SPSDK {NEWEST}, warm; a simulated board, {START_S} s off the bus after the jump (the script sleeps 2 s); \
         files of OpenMV's sizes. Only recover reads back. Processes that talk to the board: script {}, recover {} \
         (fuse set: {}), with --single-calls {}.",
        counted(sleeping),
        counted(recover),
        counted((Way::Recover, Fuse::Set)),
        counted((Way::SingleCalls, Fuse::New)),
    ));
    rows.remark(format!(
        "recover starts two more processes to ask the versions. The script that polls takes {}, recover without the \
         read-back {}, --single-calls with a fuse that is set {}.",
        counted(polling),
        counted(unverified),
        counted((Way::SingleCalls, Fuse::Set)),
    ));
}

fn run((way, fuse): (Way, Fuse)) -> (Duration, usize) {
    let word = if fuse == Fuse::Set { 0x10 } else { 0 };
    let options = json!({"boot_fuse_word": word, "start_s": START_S, "replugs": []});
    let place = Workplace::new(NEWEST, &options);
    write_images(&place);
    // The person has done what the first step asks for.
    place.boards.plug_running(PORT, "rom");
    let mut command = match way {
        Way::Sleeping | Way::Polling => script(&place, if way == Way::Sleeping { SLEEP } else { POLL }),
        Way::Recover | Way::SingleCalls | Way::Unverified => recover(&place, way),
    };
    let taken = time(&mut command);
    let state = place.boards.state();
    assert_eq!(state.boot_fuse(), 0x10, "the fuse is not set");
    assert_eq!(state.regions().len(), 3, "not all was written: {:?}", state.regions());
    assert_eq!(state.commands().last().map(String::as_str), Some("reset"), "the board was not reset");
    (taken, state.calls().len())
}

/// The shipped playbook up to the reset.
fn recover(place: &Workplace, way: Way) -> Command {
    let mut playbook = without(&playbook_with(&[]), "  - id: start-camera", "\0");
    if way == Way::Unverified {
        playbook = without(&playbook, "      - id: prove-flash", "      - id: boot-fuse");
    }
    place.house.write("measured.yaml", playbook);
    let args =
        ["--playbook", "measured.yaml", "--files", "images", "--non-interactive", "--allow-irreversible", "boot-fuse"];
    let more: &[&str] = if way == Way::SingleCalls { &["--single-calls"] } else { &[] };
    place.house.command(&[&args, more].concat())
}

fn script(place: &Workplace, wait: &str) -> Command {
    place.house.write("documented.sh", SCRIPT.replace("WAIT", wait));
    let mut command = of_house(&place.house, "/bin/sh", &["documented.sh"]);
    // What recover's catalog sets for these tools.
    command.env("SPSDK_DEBUG_LOGGING_DISABLED", "1").env("LD_PRELOAD", PRELOAD_LIBRARY);
    let tools = requirements::folder(NEWEST).join("bin");
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
    command
}

fn write_images(place: &Workplace) {
    let [flashloader, sbl, firmware] = SIZES.map(|(_, size)| size);
    let contents = [
        image(flashloader, &[(0x14, 0x2000_1C00), (0x20, 0x2000_1C00), (0x24, flashloader)]),
        image(sbl, &[(0x14, 0x2000_1000), (0x24, sbl + 0x1000)]),
        (0..firmware).map(|index| (index * 7 % 253) as u8).collect(),
    ];
    for ((name, _), content) in SIZES.iter().zip(contents) {
        place.house.write(&format!("images/{name}"), content);
    }
}
