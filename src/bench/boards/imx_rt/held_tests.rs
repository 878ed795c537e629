//! A second run starts from what the board proves to hold: what that saves, and that nothing is taken for proven that is not.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::rc::Rc;

use crate::bench::call_record::CallRecord;
use crate::bench::test_bench::shipped;
use crate::bench::{Answers, Bench, BenchFolder, BenchRun, RunRecord, WhichBoard, run_on_bench};
use crate::documents::catalog::{self, Catalog};
use crate::documents::expression::Value;
use crate::documents::playbook::Playbook;
use crate::engine::{Already, Chosen, Earlier, Event, GivenFiles, Outcome};
use crate::words::Id;
use crate::world::sha256_of_bytes;

const FLASH: u64 = 0x6000_0000;
const SBL: u64 = 0x6000_1000;
const FIRMWARE: u64 = 0x6004_0000;

struct Desk {
    playbook: Playbook,
    catalog: Catalog,
    bench: Rc<Bench>,
}

impl Desk {
    fn new(firmware_bytes: u64) -> Desk {
        let mut playbook = shipped("rt1062");
        for input in &mut playbook.inputs {
            if input.name.as_str() == "firmware" {
                input.example_size = Some(firmware_bytes);
            }
        }
        let bench = Rc::new(Bench::set_up(BenchFolder::temporary().unwrap(), &playbook, &[]).unwrap());
        Desk { playbook, catalog: catalog::shipped().unwrap(), bench }
    }

    fn run(&self, already: Already) -> RunRecord {
        self.bench.heal().unwrap();
        self.bench.begin_trial().unwrap();
        let Desk { playbook, catalog, bench } = self;
        let folder = bench.files().given();
        let variables: BTreeMap<Id, Value> =
            playbook.variables.iter().map(|variable| (variable.name.clone(), variable.default.clone())).collect();
        let run = BenchRun {
            playbook,
            sound: playbook,
            playbook_name: "rt1062.yaml",
            catalog,
            given: GivenFiles { folder, set: BTreeMap::new(), to_be_had: None },
            missing: BTreeSet::new(),
            chosen: Chosen::Any,
            allow_irreversible: BTreeSet::new(),
            agrees: BTreeSet::from(["boot-fuse".parse().unwrap()]),
            even_if_healthy: true,
            already,
            leaves_healthy: false,
            variables,
            answers: Answers::Given { which_board: WhichBoard::ItIs },
            choices: BTreeMap::new(),
        };
        run_on_bench(bench, &run).unwrap()
    }
}

/// Of all calls, in milliseconds.
fn tool_ms(record: &RunRecord) -> u64 {
    let elapsed = |event: &Event| match event {
        Event::ToolEnded { elapsed_ms, .. } => Some(*elapsed_ms),
        _ => None,
    };
    record.events.iter().filter_map(elapsed).sum()
}

/// What a call is about, for those that touch the firmware's place or that of the SBL.
fn changes(record: &RunRecord, from: usize) -> Vec<String> {
    let told = |call: &CallRecord| {
        let words = &call.argv[call.argv.iter().position(|word| word == "--")? + 1..];
        let about = ["flash-erase-region", "write-memory"].contains(&words[0].as_str());
        (about && words[1] != "0x60000000").then(|| words[..2.min(words.len())].join(" "))
    };
    record.calls[from..].iter().filter_map(told).collect()
}

/// The flash as a file of the bench; each byte is kept as its complement.
struct Flash(PathBuf);

impl Flash {
    fn of(desk: &Desk) -> Flash {
        Flash(desk.bench.files().memory().join("nor.bin"))
    }

    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        let bytes = std::fs::read(&self.0).unwrap();
        let begin = usize::try_from(address - FLASH).unwrap();
        let stored = |index| !bytes.get(index).copied().unwrap_or(0);
        (begin..begin + length).map(stored).collect()
    }

    fn write(&self, address: u64, contents: &[u8]) {
        let mut file = std::fs::OpenOptions::new().write(true).open(&self.0).unwrap();
        file.seek(SeekFrom::Start(address - FLASH)).unwrap();
        file.write_all(&contents.iter().map(|byte| !byte).collect::<Vec<u8>>()).unwrap();
    }
}

fn percent(of: u64, whole: u64) -> u64 {
    of * 100 / whole
}

#[test]
fn what_is_right_is_read_and_not_written() {
    const LENGTH: usize = 1_500_000;
    let desk = Desk::new(LENGTH as u64);
    let full = desk.run(Already::Nothing);
    assert_eq!(full.outcome, Outcome::Recovered);
    let firmware = Flash::of(&desk).read(FIRMWARE, LENGTH);

    let healthy = desk.run(Already::Anything);
    assert_eq!(healthy.outcome, Outcome::Recovered);
    assert_eq!(changes(&healthy, full.calls.len()), [""; 0]);
    assert!(percent(tool_ms(&healthy), tool_ms(&full)) <= 25, "{} of {} ms", tool_ms(&healthy), tool_ms(&full));

    // The run was cut off at the beginning of the firmware's last quarter.
    let quarter = LENGTH / 4 * 3 / 256 * 256;
    Flash::of(&desk).write(FIRMWARE + quarter as u64, &vec![0xff; LENGTH - quarter]);
    let earlier = Already::Earlier(Earlier::of(&full.events));
    let cut = desk.run(earlier);
    assert_eq!(cut.outcome, Outcome::Recovered);
    assert_eq!(Flash::of(&desk).read(FIRMWARE, LENGTH), firmware);
    // The sector in which it was cut off is erased again; those behind it were erased to the end, and are blank.
    let sector = (FIRMWARE + quarter as u64) / 0x1000 * 0x1000;
    let calls = changes(&cut, healthy.calls.len());
    let erased = format!("flash-erase-region {sector:#x}");
    assert_eq!(calls, [erased, format!("write-memory {sector:#x}"), format!("write-memory {:#x}", sector + 0x1000)]);
    assert!(percent(tool_ms(&cut), tool_ms(&full)) <= 40, "{} of {} ms", tool_ms(&cut), tool_ms(&full));
}

/// How many bytes are altered; more than a test wants.
const ALTERED: &str = "RECOVER_ALTERED_BYTES";

#[test]
fn each_altered_byte_is_noticed_and_mended() {
    const LENGTH: usize = 20_000;
    let desk = Desk::new(LENGTH as u64);
    let first = desk.run(Already::Nothing);
    assert_eq!(first.outcome, Outcome::Recovered);
    let earlier = Already::Earlier(Earlier::of(&first.events));
    let (flash, mut calls) = (Flash::of(&desk), first.calls.len());
    let (sbl, firmware) = (flash.read(SBL, 31_320), flash.read(FIRMWARE, LENGTH));
    let altered = std::env::var(ALTERED).ok().and_then(|text| text.parse().ok()).unwrap_or(12_u64);
    for number in 0..altered {
        // Different places and bits, the same ones each time.
        let random = sha256_of_bytes(&number.to_le_bytes());
        let random = u64::from_str_radix(&random[..15], 16).unwrap();
        let place = random % (31_320 + LENGTH as u64);
        let address = if place < 31_320 { SBL + place } else { FIRMWARE + place - 31_320 };
        let before = flash.read(address, 1)[0];
        flash.write(address, &[before ^ (1 << ((random >> 40) % 8))]);
        let already = if number % 2 == 0 { Already::Anything } else { earlier.clone() };
        let second = desk.run(already);
        assert_eq!(second.outcome, Outcome::Recovered, "{address:#x}");
        let sector = address / 0x1000 * 0x1000;
        let expected = [format!("flash-erase-region {sector:#x}"), format!("write-memory {sector:#x}")];
        assert_eq!(changes(&second, calls), expected, "{address:#x}");
        calls = second.calls.len();
        assert!(flash.read(SBL, 31_320) == sbl && flash.read(FIRMWARE, LENGTH) == firmware, "{address:#x}");
    }
}

#[test]
fn an_altered_image_is_written_where_it_differs() {
    let desk = Desk::new(20_000);
    let first = desk.run(Already::Nothing);
    let firmware = Flash::of(&desk).read(FIRMWARE, 20_000);
    let mut other = firmware;
    other[9_000] ^= 1;
    std::fs::write(desk.bench.files().given().join("firmware.bin"), &other).unwrap();
    let second = desk.run(Already::Earlier(Earlier::of(&first.events)));
    assert_eq!(second.outcome, Outcome::Recovered);
    assert_eq!(Flash::of(&desk).read(FIRMWARE, 20_000), other);
    assert_eq!(changes(&second, first.calls.len()), ["flash-erase-region 0x60042000", "write-memory 0x60042000"]);
}

#[test]
fn a_run_that_wrote_nothing_there_proves_nothing() {
    let desk = Desk::new(20_000);
    let first = desk.run(Already::Nothing);
    let second = desk.run(Already::Earlier(Earlier::default()));
    assert_eq!(second.outcome, Outcome::Recovered);
    assert_eq!(changes(&second, first.calls.len()), changes(&first, 0));
}
