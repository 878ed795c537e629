//! A whole recovery of an RT1062 with NXP's real tools, beside the `sh` script of the documented commands.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::imxrt_simulation::{PORT, PRELOAD_LIBRARY};
use crate::place::{needs_simulated_bus, of_house, time};
use crate::requirements::{self, NEWEST};
use crate::spread::Spread;
use crate::support::image;
use crate::table::{Aim, Rows};
use crate::workplace::{Workplace, playbook_with, without};

const ROUNDS: usize = 5;
const HANDS: Duration = Duration::from_secs(3);
/// Nothing is on the bus for so long after a jump: what was seen of real boards.
const START_S: f64 = 1.5;
/// Flashloader, SBL, firmware.
const NAMES: [&str; 3] = ["sdphost_flash_loader.bin", "blhost_flash_loader.bin", "firmware.bin"];
const SECTOR: u32 = 0x1000;

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
blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 SBL_SECTORS
blhost -u 0x15A2,0x0073 -- write-memory 0x60001000 blhost_flash_loader.bin
blhost -u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60040000 FIRMWARE_SECTORS
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

/// How much is written. A simulated board takes data at the speed of Python, no real one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Files {
    /// What remains is what both sides add themselves.
    Small,
    /// Nearer to what is written to a camera.
    Real,
}

type Case = (Way, Fuse, Files);

/// The script does the same to both boards.
const SLEEPING: Case = (Way::Sleeping, Fuse::New, Files::Small);
const POLLING: Case = (Way::Polling, Fuse::New, Files::Small);
const RECOVER: Case = (Way::Recover, Fuse::New, Files::Small);
const SINGLE_CALLS: Case = (Way::SingleCalls, Fuse::New, Files::Small);
const VERIFIED: Case = (Way::Recover, Fuse::New, Files::Real);
const UNVERIFIED: Case = (Way::Unverified, Fuse::New, Files::Real);
const SLEEPING_REAL: Case = (Way::Sleeping, Fuse::New, Files::Real);

const CASES: [Case; 7] =
    [SLEEPING, RECOVER, (Way::Recover, Fuse::Set, Files::Small), POLLING, SINGLE_CALLS, VERIFIED, UNVERIFIED];
/// With `--all` only, because they take long and show little.
const MORE_CASES: [Case; 2] = [(Way::SingleCalls, Fuse::Set, Files::Small), SLEEPING_REAL];

impl Files {
    fn sizes(self) -> [u32; 3] {
        match self {
            Files::Small => [7_001, 5_000, 12_345],
            Files::Real => [87_884, 31_320, 500_000],
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    times: Vec<Duration>,
    processes: usize,
}

pub(crate) fn measure(rows: &mut Rows) {
    needs_simulated_bus();
    let tools = requirements::folder(NEWEST);
    assert!(tools.join("bin/blhost").exists(), "SPSDK {NEWEST} is missing (`tests/real_spsdk/install` makes it)");
    let all = std::env::args().any(|word| word == "--all");
    let cases: Vec<Case> = CASES.into_iter().chain(MORE_CASES.into_iter().filter(|_| all)).collect();
    let mut taken: BTreeMap<Case, Taken> = BTreeMap::new();
    for round in 0..ROUNDS {
        for case in &cases {
            let (time, processes) = run(*case);
            eprintln!("  round {} of {ROUNDS}: {case:?} {:.2} s, {processes} processes", round + 1, time.as_secs_f64());
            let all = taken.entry(*case).or_default();
            all.times.push(time);
            all.processes = processes;
        }
    }
    let ratio = |of: Case, to: Case| Spread::ratio(&taken[&of].times, &taken[&to].times);
    for (fuse, name) in [(Fuse::New, "burns its fuse"), (Fuse::Set, "its fuse is set")] {
        let case = (Way::Recover, fuse, Files::Small);
        let (decides, beside) = (ratio(case, SLEEPING), ratio(case, POLLING));
        let shown = format!("{}×; {}×", decides.shown(2), beside.shown(2));
        let what = format!("RT1062, {name}: recover : `sh` that sleeps; : that polls");
        rows.add_value(&what, Aim::AtMost(0.4), decides.median(), "×", &shown);
    }
    let single = ratio(SINGLE_CALLS, SLEEPING);
    rows.add("– the tool started for each call (`--single-calls`) : `sh` that sleeps", Aim::None, &single, "×", 2);
    let read_back = ratio(VERIFIED, UNVERIFIED);
    rows.add("– 0.5 MB with the read-back : without it", Aim::AtMost(2.0), &read_back, "×", 2);
    let counted = |case: Case| {
        let Taken { times, processes } = &taken[&case];
        let seconds = Spread::of(times.iter().map(Duration::as_secs_f64)).median();
        format!("{processes} in {seconds:.1} s")
    };
    rows.note(format!(
        "RT1062: SPSDK {NEWEST}, warm; a simulated board that answers at once, {START_S} s off the bus after the jump (the \
         script sleeps 2 s), timed from its appearance. Only recover reads back. Processes that talk to the board: script {}, recover {} (fuse set: \
         {}), with --single-calls {}.",
        counted(SLEEPING),
        counted(RECOVER),
        counted((Way::Recover, Fuse::Set, Files::Small)),
        counted(SINGLE_CALLS),
    ));
    rows.remark(format!(
        "recover starts three more processes: two to ask the versions, and the interpreter. The script that polls: {}. With 0.5 MB: {}, \
         without the read-back {}.",
        counted(POLLING),
        counted(VERIFIED),
        counted(UNVERIFIED),
    ));
    if all {
        let real = ratio(VERIFIED, SLEEPING_REAL);
        rows.remark(format!("With 0.5 MB: recover : `sh` that sleeps {}×.", real.shown(2)));
        let set = ratio(MORE_CASES[0], SLEEPING);
        rows.remark(format!("--single-calls, fuse set: {}× ({}).", set.shown(2), counted(MORE_CASES[0])));
    }
}

/// What the flash beside an RT1062 takes for each MB, in seconds: erase, write, read. The bench's virtual board takes as long.
const FLASH_S_PER_MB: [f64; 3] = [11.0, 7.0, 3.0];
/// As large as a camera's.
const WHOLE: [u32; 3] = [87_884, 31_320, 1_500_000];
const WHOLE_ROUNDS: usize = 2;

/// A recovery of a board whose flash takes its time, and one of a board that holds everything already.
pub(crate) fn measure_with_flash_time(rows: &mut Rows) {
    needs_simulated_bus();
    let [erase, write, read] = FLASH_S_PER_MB;
    let speed = json!({"erase": erase, "write": write, "read": read});
    let options = json!({"boot_fuse_word": 0x10, "start_s": START_S, "replugs": [], "flash_s_per_mb": speed});
    let erased: u32 = WHOLE[1..].iter().map(|size| size.next_multiple_of(SECTOR)).sum::<u32>() + SECTOR;
    let written: u32 = WHOLE[1..].iter().sum();
    let megabytes = |bytes: u32| f64::from(bytes) / 1e6;
    let device_s = START_S + megabytes(erased) * erase + megabytes(written) * (write + read);
    let (mut whole, mut of_tools, mut proven) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..WHOLE_ROUNDS {
        let place = Workplace::new(NEWEST, &options);
        write_files(&place, WHOLE);
        let take = |more: &[&str]| {
            let taken = time_from(recover_with(&place, Way::Recover, more), || place.boards.plug_running(PORT, "rom"));
            assert_eq!(place.boards.state().commands().last().map(String::as_str), Some("reset"));
            place.boards.unplug(PORT);
            taken
        };
        whole.push(take(&["--from-scratch"]));
        of_tools.push(time_of_tools(&place));
        proven.push(take(&["--only-what-differs"]));
        eprintln!("  round {} of {WHOLE_ROUNDS}: {:?}, {:?}", round + 1, whole[round], proven[round]);
    }
    rows.add(
        "RT1062, 1.5 MB, flash as slow as real: recover : its tools' calls and the board's absence",
        Aim::AtMost(1.05),
        &Spread::ratio(&whole, &of_tools),
        "×",
        3,
    );
    let device = vec![Duration::from_secs_f64(device_s); WHOLE_ROUNDS];
    let what = "– : what the flash and the board's absence alone take";
    rows.add(what, Aim::AtMost(1.05), &Spread::ratio(&whole, &device), "×", 3);
    let what = "– a board that holds everything, `--only-what-differs` : all of it written";
    rows.add(what, Aim::AtMost(0.25), &Spread::ratio(&proven, &whole), "×", 2);
    rows.note(format!(
        "With real flash times ({erase} s erase, {write} s write, {read} s read for each MB) the device itself takes {device_s:.1} s."
    ));
}

fn run((way, fuse, files): Case) -> (Duration, usize) {
    let word = if fuse == Fuse::Set { 0x10 } else { 0 };
    let options = json!({"boot_fuse_word": word, "start_s": START_S, "replugs": []});
    let place = Workplace::new(NEWEST, &options);
    write_files(&place, files.sizes());
    // The person does what the first step asks for: the time counts from then on.
    let plug = || place.boards.plug_running(PORT, "rom");
    let typed = |wait: &str| {
        plug();
        time(&mut script(&place, files, wait))
    };
    let taken = match way {
        Way::Sleeping => typed(SLEEP),
        Way::Polling => typed(POLL),
        Way::Recover | Way::SingleCalls | Way::Unverified => time_from(recover(&place, way), plug),
    };
    let state = place.boards.state();
    assert_eq!(state.boot_fuse(), 0x10, "the fuse is not set");
    assert_eq!(state.regions().len(), 3, "not all was written: {:?}", state.regions());
    assert_eq!(state.commands().last().map(String::as_str), Some("reset"), "the board was not reset");
    (taken, state.calls().len())
}

/// A run that asks for the board and gets it some seconds later, as from a person with quick hands.
fn time_from(mut command: Command, plug: impl FnOnce()) -> Duration {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let asked = lines.by_ref().map(Result::unwrap).any(|line| line.contains("YOU"));
    assert!(asked, "nobody was asked for the board");
    std::thread::sleep(HANDS);
    plug();
    let begin = Instant::now();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let status = child.wait().unwrap();
    let taken = begin.elapsed();
    if !status.success() {
        // The table has room for one line.
        eprintln!("{}", rest.join("\n"));
    }
    assert!(status.success(), "recover ended with {status}");
    taken
}

/// What the calls of the run that was recorded last took by its record, and the board's absence after the jump.
fn time_of_tools(place: &Workplace) -> Duration {
    let runs = place.house.path("home/state/recover/runs");
    let newest = std::fs::read_dir(runs).unwrap().map(|run| run.unwrap().path()).max().unwrap();
    let journal = std::fs::read_to_string(newest.join("journal.jsonl")).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls = lines.filter(|line| line["event"] == "tool_ended");
    let milliseconds: u64 = calls.map(|call| call["elapsed_ms"].as_u64().unwrap()).sum();
    assert_ne!(milliseconds, 0, "the record holds no call");
    Duration::from_millis(milliseconds) + Duration::from_secs_f64(START_S)
}

/// The shipped playbook up to the reset.
fn recover(place: &Workplace, way: Way) -> Command {
    recover_with(place, way, &[])
}

fn recover_with(place: &Workplace, way: Way, options: &[&str]) -> Command {
    let mut playbook = without(&playbook_with(&[]), "  - id: start-camera", "\0");
    if way == Way::Unverified {
        playbook = without(&playbook, "      - id: prove-flash", "      - id: boot-fuse");
        // Nor the procedures that only that calls.
        playbook = without(&playbook, "  read-block:", "  write-image:");
        playbook = without(&playbook, "  read-image:", "  read-fuse:");
    }
    place.house.write("measured.yaml", playbook);
    let args =
        ["--playbook", "measured.yaml", "--files", "images", "--non-interactive", "--allow-irreversible", "boot-fuse"];
    let more: &[&str] = if way == Way::SingleCalls { &["--single-calls"] } else { &[] };
    place.house.command(&[&args, more, options].concat())
}

fn script(place: &Workplace, files: Files, wait: &str) -> Command {
    let [_, sbl, firmware] = files.sizes().map(|size| format!("{:#x}", size.next_multiple_of(SECTOR)));
    let text = SCRIPT.replace("WAIT", wait).replace("SBL_SECTORS", &sbl).replace("FIRMWARE_SECTORS", &firmware);
    place.house.write("documented.sh", text);
    let mut command = of_house(&place.house, "/bin/sh", &["documented.sh"]);
    // What recover's catalog sets for these tools.
    command.env("SPSDK_DEBUG_LOGGING_DISABLED", "1").env("LD_PRELOAD", PRELOAD_LIBRARY);
    let tools = requirements::folder(NEWEST).join("bin");
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
    command
}

fn write_files(place: &Workplace, [flashloader, sbl, firmware]: [u32; 3]) {
    let contents = [
        image(flashloader, &[(0x14, 0x2000_1C00), (0x20, 0x2000_1C00), (0x24, flashloader)]),
        image(sbl, &[(0x14, 0x2000_1000), (0x24, sbl + 0x1000)]),
        (0..firmware).map(|index| (index * 7 % 253) as u8).collect(),
    ];
    for (name, content) in NAMES.iter().zip(contents) {
        place.house.write(&format!("images/{name}"), content);
    }
}
