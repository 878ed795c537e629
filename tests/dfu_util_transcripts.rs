//! The mock dfu-util against recorded runs of the real one: both streams and the exit code, byte for byte.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::path::{Path, PathBuf};

use recover::bench::{BoardModel, Console, DfuBoard, MockEnd, Partition, Stm32Rom, Stm32RomSettings, dfu_util};
use recover::documents::playbook::HandMove;

/// The layout that the recordings were made with.
const OTHER_ALTS: [&str; 3] =
    ["@Option Bytes  /0x1FFF0000/01*032 e", "@OTP Memory /0x1FF0F000/01*01Ka", "@Device Feature/0xFFFF0000/01*004 e"];
const PARTITIONS: [&str; 5] = ["BOOTLOADER", "FILESYSTEM", "FIRMWARE", "SPI_FLASH", "ROMFS0"];
const FLASH: &str = "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg";

/// Which board gives the recorded answers.
enum Board {
    /// In its ROM from the beginning.
    Rom(&'static [&'static str]),
    /// Its own bootloader is on the bus, for a short time.
    OpenMv(&'static [&'static str]),
    None,
}

/// Recordings that the virtual board cannot play, and why.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("dfusefile-ok-leave", "the mock does not write DfuSe container files"),
    ("dfusefile-ok-two-elements", "the mock does not write DfuSe container files"),
    ("trap-dfu-alt-skipped", "the mock does not write DfuSe container files"),
    ("interrupted-mid-download", "a mock works in virtual time: nobody can interrupt it in the middle"),
];

fn board_for(case: &str) -> Board {
    match case {
        "usage-version" | "usage-help" | "usage-wait-long-option" | "file-missing" => Board::None,
        "nodev-list" | "nodev-write" | "nodev-wait-interrupted" => Board::None,
        "list-openmv-bootloader" | "plain-ok-reset" | "plain-fail-read-only-alt" | "trap-id-without-comma" => {
            Board::OpenMv(&[])
        }
        "plain-warn-reboot-in-manifest" => Board::OpenMv(&["reboot-in-manifest"]),
        "list-two-boards" | "fail-two-boards" => Board::Rom(&["two-boards"]),
        "list-no-permission" | "fail-no-permission" => Board::Rom(&["no-permission"]),
        "raw-ok-late-permission" => Board::Rom(&["late-permission"]),
        "raw-ok-slow-erase" => Board::Rom(&["slow-erase"]),
        "raw-resume-after-interrupted-run" => Board::Rom(&["interrupted-before"]),
        "warn-leave-status-lost" => Board::Rom(&["leave-status-lost"]),
        "warn-abort-refused" => Board::Rom(&["abort-refused"]),
        "warn-reset-exit-251" => Board::Rom(&["gone-at-reset"]),
        "fail-strings-unreadable" => Board::Rom(&["still-enumerating"]),
        "fail-set-alt" => Board::Rom(&["set-alt-fails"]),
        "fail-erase-stall" => Board::Rom(&["erase-refused"]),
        "fail-erase-refused-vendor" => Board::Rom(&["erase-error"]),
        "fail-erase-not-executed" => Board::Rom(&["protected"]),
        "hang-erase-busy" => Board::Rom(&["stalled"]),
        "fail-write-unplugged" => Board::Rom(&["lost-in-write"]),
        "fail-write-status-lost" => Board::Rom(&["status-lost-in-write"]),
        "fail-write-error-status" => Board::Rom(&["write-error"]),
        _ => Board::Rom(&[]),
    }
}

#[test]
fn the_mock_prints_what_the_real_tool_printed() {
    let work = WorkFolder::new("mock");
    let mut played = 0;
    for transcript in transcripts() {
        if NOT_PLAYED.iter().any(|(case, _)| *case == transcript.case) {
            continue;
        }
        let (mut board, now_ms) = set_up(&board_for(&transcript.case));
        board.advance_to(now_ms);
        let args: Vec<String> = transcript.args.iter().map(|arg| work.in_folder(arg)).collect();
        let mut console = Console::default();
        let end = dfu_util(&args, &mut board, &mut console);
        let [out, err] = [console.stdout, console.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        let folder = format!("{}/", work.0.display());
        // The board had to be written first, and has another address on the bus since; the recording's had not.
        let out = out.replace("devnum=7", "devnum=5");
        assert_eq!(out, transcript.out, "stdout of {}", transcript.case);
        assert_eq!(err.replace(&folder, ""), transcript.err, "stderr of {}", transcript.case);
        // Recordings of a tool that waited for ever were ended by an interrupt.
        let for_ever = matches!(end, MockEnd::Waits | MockEnd::Hangs) && transcript.exit == 130;
        assert!(for_ever || end == MockEnd::Exit(transcript.exit), "end of {}: {end:?}", transcript.case);
        played += 1;
    }
    assert_eq!(played, 44 - NOT_PLAYED.len());
}

fn set_up(board: &Board) -> (Stm32Rom, u64) {
    match board {
        Board::None => (virtual_board(&["absent"]), 0),
        // The permission comes 0.3 s after the ROM, and the tool is there before.
        Board::Rom(["late-permission"]) => (virtual_board(&["in-rom", "late-permission"]), 0),
        Board::Rom(faults) => (virtual_board(&[&["in-rom"], *faults].concat()), 1_000),
        Board::OpenMv(faults) => healthy_board(faults),
    }
}

fn partition(alt: u64, name: &str) -> Partition {
    let address = 0xd000_0000 + alt * 0x100_0000;
    Partition { name: name.to_owned(), address, length_max: 0x100_0000, read_only: alt == 0 }
}

fn virtual_board(faults: &[&str]) -> Stm32Rom {
    let settings = Stm32RomSettings {
        rom: "0483:df11".parse().unwrap(),
        bootloader: Some("37c5:924a".parse().unwrap()),
        running: Some("37c5:124a".parse().unwrap()),
        flash: FLASH.to_owned(),
        other_alts: OTHER_ALTS.map(str::to_owned).to_vec(),
        partitions: (0..).zip(PARTITIONS).map(|(alt, name)| partition(alt, name)).collect(),
        firmware: Some("FIRMWARE".to_owned()),
        transfer_bytes: 2048,
        serial: "356A38733432".to_owned(),
    };
    Stm32Rom::new(settings, faults)
}

/// In its own bootloader, which was written through the ROM a moment ago.
fn healthy_board(faults: &[&str]) -> (Stm32Rom, u64) {
    let mut board = virtual_board(&[&["in-rom"], faults].concat());
    let work = WorkFolder::new("healthy");
    let end = work.call(&mut board, &["-a", "0", "-s", "0x08000000:leave", "-D", "bootloader.bin"]);
    assert_eq!(end, MockEnd::Exit(0));
    let now_ms = board.now_ms() + 400;
    (board, now_ms)
}

struct Transcript {
    case: String,
    args: Vec<String>,
    out: String,
    err: String,
    exit: i32,
}

fn transcripts() -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/dfu-util");
    let mut transcripts: Vec<Transcript> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| read_transcript(&path))
        .collect();
    transcripts.sort_by(|a, b| a.case.cmp(&b.case));
    transcripts
}

fn read_transcript(path: &Path) -> Transcript {
    let text = std::fs::read_to_string(path).unwrap();
    let (head, rest) = text.split_once("--- stdout\n").unwrap();
    let (out, rest) = rest.split_once("--- stderr\n").unwrap();
    let (err, exit) = rest.split_once("--- exit ").unwrap();
    let command = head.lines().next().unwrap().strip_prefix("$ dfu-util").unwrap();
    Transcript {
        case: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        args: command.split_whitespace().map(str::to_owned).collect(),
        out: decode(out),
        err: decode(err),
        exit: exit.trim().parse().unwrap(),
    }
}

fn decode(section: &str) -> String {
    section.replace("\\\n", "").replace("\\r", "\r").replace("\\t", "\t")
}

/// The files that the recordings name, made anew.
struct WorkFolder(PathBuf);

impl WorkFolder {
    fn new(purpose: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dfu-util-{purpose}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let image: Vec<u8> = (0..20_000_u32).map(|i| (i % 251) as u8).collect();
        for name in ["bootloader.bin", "firmware.bin", "romfs0.img"] {
            std::fs::write(folder.join(name), &image).unwrap();
        }
        std::fs::write(folder.join("badcrc.dfu"), bad_container()).unwrap();
        WorkFolder(folder)
    }

    fn call(&self, board: &mut Stm32Rom, args: &[&str]) -> MockEnd {
        let args: Vec<String> = args.iter().map(|arg| self.in_folder(arg)).collect();
        dfu_util(&args, board, &mut Console::default())
    }

    fn in_folder(&self, arg: &str) -> String {
        let is_file = [".bin", ".img", ".dfu"].iter().any(|ending| arg.ends_with(ending));
        if is_file { self.0.join(arg).to_str().unwrap().to_owned() } else { arg.to_owned() }
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// As long as a DfuSe container of 20000 bytes, with the suffix's signature and a wrong checksum.
fn bad_container() -> Vec<u8> {
    let mut container = b"DfuSe\x01".to_vec();
    container.resize(20_309 - 8, 0);
    container.extend_from_slice(b"UFD\x10\0\0\0\0");
    container
}

const WRITE: [&str; 6] = ["-a", "0", "-s", "0x08000000", "-D", "bootloader.bin"];

fn hands(board: &mut Stm32Rom, moves: &[HandMove], now_ms: u64) {
    moves.iter().for_each(|hand_move| board.hands(*hand_move, now_ms));
}

#[test]
fn written_bytes_are_in_the_flash_and_can_be_read_back() {
    let work = WorkFolder::new("read-back");
    let mut board = virtual_board(&["in-rom"]);
    let read_back = ["-a", "0", "-s", "0x08000000:20000", "-U", "read.bin"];
    assert_eq!(work.call(&mut board, &WRITE), MockEnd::Exit(0));
    assert_eq!(work.call(&mut board, &read_back), MockEnd::Exit(0));
    assert_eq!(work.call(&mut board, &read_back), MockEnd::Exit(73), "the file exists");
    let read = std::fs::read(work.0.join("read.bin")).unwrap();
    assert_eq!(read, std::fs::read(work.0.join("bootloader.bin")).unwrap());
    let regions = board.regions();
    assert_eq!(regions.len(), 1);
    assert_eq!((regions[0].address, regions[0].length), (0x0800_0000, 20_000));
}

#[test]
fn a_person_brings_the_board_back_by_jumper_and_cable() {
    let work = WorkFolder::new("person");
    let mut board = virtual_board(&[]);
    assert_eq!(board.attached(0), []);
    hands(&mut board, &[HandMove::Unplug, HandMove::FitJumper, HandMove::PlugIn], 5_000);
    assert_eq!(board.attached(5_000), []);
    assert_eq!(board.next_change_ms(5_000), Some(5_400));
    assert_eq!(board.attached(5_400)[0].id.to_string(), "0483:df11");
    // With -w the tool itself waits until the ROM has come.
    assert_eq!(work.call(&mut board, &[&["-w"], &WRITE[..]].concat()), MockEnd::Exit(0));
    let now_ms = board.now_ms() + 1_000;
    hands(&mut board, &[HandMove::Unplug, HandMove::RemoveJumper, HandMove::PlugIn], now_ms);
    let id_after = |after_ms: u64| board.attached(now_ms + after_ms).first().map(|device| device.id.to_string());
    assert_eq!(id_after(0), None);
    assert_eq!(id_after(1_000).as_deref(), Some("37c5:924a"));
    assert_eq!(id_after(4_000).as_deref(), Some("37c5:124a"));
}

#[test]
fn a_half_written_or_wrong_image_does_not_boot() {
    for fault in ["interrupted-before", "lost-in-write", "write-error", "flash-bad", "stalled"] {
        let work = WorkFolder::new(fault);
        let mut board = virtual_board(&["in-rom", fault]);
        if fault != "interrupted-before" {
            work.call(&mut board, &WRITE);
        }
        hands(&mut board, &[HandMove::Unplug, HandMove::RemoveJumper, HandMove::PlugIn], 60_000);
        assert_eq!(board.attached(70_000), [], "{fault}");
    }
}

#[test]
fn a_mishap_that_happens_once_lets_the_second_try_succeed() {
    for fault in ["lost-in-write", "status-lost-in-write", "write-error", "stalled", "set-alt-fails"] {
        let work = WorkFolder::new(&format!("twice-{fault}"));
        let mut board = virtual_board(&["in-rom", fault]);
        assert_ne!(work.call(&mut board, &WRITE), MockEnd::Exit(0), "{fault}");
        board.spend(3_500);
        assert_eq!(work.call(&mut board, &WRITE), MockEnd::Exit(0), "{fault}");
    }
}

#[test]
fn the_second_board_is_never_written_by_accident() {
    let work = WorkFolder::new("two-boards");
    let mut board = virtual_board(&["in-rom", "two-boards"]);
    assert_eq!(work.call(&mut board, &[&["-p", "1-2"], &WRITE[..]].concat()), MockEnd::Exit(0));
    assert_eq!(board.regions(), [], "the other board was written");
    assert_eq!(work.call(&mut board, &[&["-S", "356A38733432"], &WRITE[..]].concat()), MockEnd::Exit(0));
    assert_eq!(board.regions().len(), 1);
}

#[test]
fn the_state_survives_its_file() {
    let work = WorkFolder::new("state");
    let mut board = virtual_board(&["in-rom", "lost-in-write"]);
    assert_eq!(work.call(&mut board, &WRITE), MockEnd::Exit(74));
    let json = serde_json::to_string(&board).unwrap();
    assert_eq!(serde_json::from_str::<Stm32Rom>(&json).unwrap(), board);
}
