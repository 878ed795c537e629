//! What each shipped tool's guard lets pass, and what it does not, whoever calls it by whatever name.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::guard::{
    CallFacts, CallFiles, ChosenNode, Fuse, Kind, fuse_of, look, may_name, may_stage, named_as, never_chosen, rules,
    says_to_be,
};
use super::load::{load, merge, shipped, shipped_source};
use super::tool::Catalog;
use crate::words::{AddressRange, Source};

/// Files by name.
#[derive(Debug, Default)]
struct Made(BTreeMap<&'static str, Vec<u8>>);

impl CallFiles for Made {
    fn size(&self, name: &str) -> Option<u64> {
        self.0.get(name).map(|bytes| bytes.len() as u64)
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).cloned()
    }
}

const LAYOUT: &str = "#Opt\tId\tName\tType\tIP\tOffset\tBinary\nP\t0x1\tfsbl\tBinary\tnone\t0x0\ta.bin\n";

fn files() -> Made {
    let layout = |row: &str| format!("{LAYOUT}{row}\n").into_bytes();
    let container = |address: u32| {
        let mut bytes = b"DfuSe\x01\0\0\0\0\x01Target\0".to_vec();
        bytes.extend([0; 4 + 255 + 4]);
        bytes.extend([1_u32, address, 4, 0].iter().flat_map(|number| number.to_le_bytes()));
        bytes
    };
    Made(BTreeMap::from([
        ("a.bin", vec![7; 100]),
        ("big.bin", vec![7; 0x10_0000]),
        ("good.tsv", layout("P\t0x4\tapp\tBinary\tnor0\t0x0000000\tb.bin")),
        ("otp.tsv", layout("P\t0xF2\totp\tBinary\tnone\t0x0\tb.bin")),
        ("secret.tsv", layout("P\t0xf3\tssp\tBinary\tnone\t0x0\tb.bin")),
        ("far.tsv", layout("P\t0x4\tapp\tBinary\tnor0\t0x0000000\t../b.bin")),
        ("flash.dfu", container(0x0800_0000)),
        ("prefixed.dfu", [&[1, 0, 0, 0, 0, 0, 0, 0][..], &container(0x1fff_7800)].concat()),
        ("a.hex", b":10".to_vec()),
        ("hidden.tsv", layout("#\rP\t0xF2\totp\tBinary\tnone\t0x0\tb.bin")),
        ("../build/long.toc", vec![7; 0x8000]),
        ("option.dfu", container(0x1fff_c000)),
    ]))
}

fn kind_in(catalog: &Catalog, name: &str, launcher: &[&str], says_to_be: &[&str], line: &str) -> Kind {
    let tool = catalog.tool(name).unwrap();
    // Bars set arguments with blanks apart.
    let args: Vec<String> = match line.contains('|') {
        true => line.split('|').map(str::to_owned).collect(),
        false => line.split_whitespace().map(str::to_owned).collect(),
    };
    let all: Vec<String> = tool.first_args.iter().cloned().chain(args).collect();
    let words = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (launcher, says_to_be, files) = (words(launcher), words(says_to_be), files());
    let facts = CallFacts { launcher: &launcher, says_to_be: &says_to_be, memories: &[], files: &files, chosen: None };
    look(tool, &all, &facts).kind
}

fn kind(name: &str, line: &str) -> Kind {
    kind_in(&shipped().unwrap(), name, &[name], &[], line)
}

#[track_caller]
fn passes(name: &str, lines: &[&str]) {
    for line in lines {
        assert_eq!(kind(name, line), Kind::Reversible, "{name} {line}");
    }
}

#[track_caller]
fn needs_consent(name: &str, lines: &[&str]) {
    for line in lines {
        assert_ne!(kind(name, line), Kind::Reversible, "{name} {line}");
    }
}

#[test]
fn what_can_be_done_again_passes() {
    passes(
        "dfu-util",
        &[
            "-V",
            "-l",
            "-d ,0483:df11 -a 0 -s 0x08000000 -D a.bin",
            "-p 1-1.2 -d ,0483:df11 -a 0 -s 0x08000000:leave -D a.bin",
            "-d ,0483:df11 -a 0 -s 0x08000000:131072 -U out.bin",
            // Reading one-time memory burns nothing.
            "-d ,0483:df11 -a 2 -s 0x1FFF7800:528 -U out.bin",
            "-w -d ,37c5:9204 -a 2 --reset -D a.bin",
            "-d ,0483:df11 -a 0 -D flash.dfu",
        ],
    );
    passes(
        "blhost",
        &[
            "--version",
            "-u 0x15A2,0x0073 -- get-property 1",
            "-u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xC0000008 word",
            "-u 0x15A2,0x0073 -- configure-memory 9 0x2000",
            "-u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x2000",
            "-u 0x15A2,0x0073 -- write-memory 0x60001000 a.bin",
            "-u 0x15A2,0x0073 -- read-memory 0x401F4600 0x200 out.bin",
            "-u 0x15A2,0x0073 -- efuse-read-once 0x06",
            "-u 0x15A2,0x0073 -- reset",
        ],
    );
    passes(
        "sdphost",
        &[
            "-u 0x1FC9,0x0135 -- write-file 0x20001C00 a.bin",
            "-u 0x1FC9,0x0135 -- jump-address 0x20001C00",
            "-u 0x1FC9,0x0135 -- error-status",
        ],
    );
    passes(
        "STM32_Programmer_CLI",
        &["-l usb", "-c port=USB1 -d good.tsv", "-c port=usb1 sn=12AB -d a.bin 0x08000000 -v"],
    );
    passes(
        "app-write-mram",
        &["-i|../build/a.bin 0x80000000 ../build/b.toc 0x8057E000", "-b|921600|-i|../build/a.bin 0x80000000"],
    );
    passes("maintenance", &["-opt sesbanner", "-b 57600", ""]);
    passes("updateSystemPackage", &["", "-b 57600 -nr"]);
}

#[test]
fn what_cannot_be_undone_never_passes_unasked() {
    needs_consent(
        "dfu-util",
        &[
            "-d ,0483:df11 -a 0 -s 0x08000000:mass-erase -D a.bin",
            "-d ,0483:df11 -a 0 -s :mass-erase:force",
            "-d ,0483:df11 -a 0 -s 0x08000000:unprotect -D a.bin",
            "-d ,0483:df11 -a 0 -s 0x08000000:force:unprotect",
            // Option bytes, one-time memory, the system's memory, and what lies outside of any flash.
            "-d ,0483:df11 -a 1 -s 0x1FFFC000 -D a.bin",
            "-d ,0483:df11 -a 1 -s 0x5200201C -D a.bin",
            "-d ,0483:df11 -a 2 -s 0x1FFF7800 -D a.bin",
            "-d ,0483:df11 -a 2 -s 0x08FFF000 -D a.bin",
            "-d ,0483:df11 -a 0 -s 0x083FFFF0 -D a.bin",
            "-d ,0483:df11 -a 0 -s 0x07FFFFFF -D a.bin",
            "-d ,0483:df11 -a 0 -D option.dfu",
            "-d ,1209:0001 -a 0 -s 0x08000000 -D a.bin",
            // Files that are none of the run, and options that nobody knows.
            "-d ,0483:df11 -a 0 -s 0x08000000 -D other.bin",
            "-d ,0483:df11 -a 0 -s 0x08000000 -Da.bin",
            "-d ,0483:df11 -a 0 -s0x08000000 -D a.bin",
            "--device ,0483:df11 --download a.bin",
            "-d ,0483:df11 -a 0 -s 0x08000000 -D a.bin --anything",
            "-d ,0483:df11 -a 0 -s 0x08000000 -D a.bin extra",
            "-s",
            // The last one of two counts, or the first: nobody knows.
            "-d ,0483:df11 -a 1 -s 0x1FFF7800 -U out.bin -D a.bin",
            "-d ,0483:df11 -a 1 -s 0x08000000 -s :leave -D option.dfu",
            "-V -D option.dfu",
            "-d ,0483:df11 -a 1 -D prefixed.dfu",
            "-d ,0483:df11 -a 1 -s :leave -D prefixed.dfu",
            "-d ,1234:5678 -a 1 -D prefixed.dfu",
            "-d ,*:df11 -a 2 -D a.bin",
            "-d ,483:df11 -a 2 -D a.bin",
            "-a 2 -D a.bin",
            "-d ,1234:5678 -a OTP -D a.bin",
            "-d ,0483:df11 -a 0 -s 0x083FFFFC:4 -D a.bin",
        ],
    );
    needs_consent(
        "blhost",
        &[
            "-u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010",
            "-u 0x15A2,0x0073 -- efuse-program-once 6 10",
            "-u 0x15A2,0x0073 efuse-program-once 0x06 00000010",
            "-u 0x15A2,0x0073 -- flash-program-once 0 4 00000010",
            "-u 0x15A2,0x0073 -- program-once 0 4",
            "-u 0x15A2,0x0073 -- fuse-program 0x06 a.bin",
            "-u 0x15A2,0x0073 -- key-provisioning enroll",
            "-u 0x15A2,0x0073 -- receive-sb-file a.bin",
            "-u 0x15A2,0x0073 -- flash-security-disable 0102030405060708",
            "-u 0x15A2,0x0073 -- flash-erase-all",
            "-u 0x15A2,0x0073 -- flash-erase-all-unsecure",
            "-u 0x15A2,0x0073 -- batch a.bin",
            "-u 0x15A2,0x0073 -- set-property 10 1",
            "-u 0x15A2,0x0073 -- execute 0x20001C00 0 0",
            // The registers of the fuses, by every way that writes.
            "-u 0x15A2,0x0073 -- write-memory 0x401F4000 a.bin",
            "-u 0x15A2,0x0073 -- fill-memory 0x401F4400 4 0x3E770006 word",
            "-u 0x15A2,0x0073 -- fill-memory 0x3FFFFFFE 4 0x0 word",
            "-u 0x15A2,0x0073 -- fill-memory 0x60000000 0xFFFFFFFF 0x0 word",
            "-u 0x15A2,0x0073 -- flash-erase-region 0x3FFFF000 0x2000",
            "-u 0x15A2,0x0073 -- write-memory 0xE000ED0C a.bin",
            // Another memory, by its number.
            "-u 0x15A2,0x0073 -- write-memory 0x0 a.bin 4",
            "-u 0x15A2,0x0073 -- configure-memory 0x121 0x2000",
            "-u 0x15A2,0x0073 -- get-property 1 efuse-program-once 6 10",
            "-u 0x15A2,0x0073 -- reset efuse-program-once",
            "-u 0x15A2,0x0073 -j -- reset",
        ],
    );
    needs_consent(
        "sdphost",
        &[
            "-u 0x1FC9,0x0135 -- write-register 0x401F4000 32 0x1",
            "-u 0x1FC9,0x0135 -- write-file 0x401F4000 a.bin",
            "-u 0x1FC9,0x0135 -- write-dcd 0x20001C00 a.bin",
            "-u 0x1FC9,0x0135 -- write-csf 0x20001C00 a.bin",
            "-u 0x1FC9,0x0135 -- jump-address 0x00200000",
        ],
    );
    needs_consent(
        "STM32_Programmer_CLI",
        &[
            "-c port=USB1 -ob rdp=0xCC",
            "-c port=USB1 -otp write lock word=1 value=1",
            "-c port=USB1 -e all",
            "-c port=USB1 -rdu",
            "-c port=USB1 -w a.bin 0x1FFF7800",
            "-c port=USB1 -d otp.tsv",
            "-c port=USB1 -d secret.tsv",
            "-c port=USB1 -d far.tsv",
            "-c port=USB1 -d a.bin",
            "-c port=USB1 -d good.tsv -ob rdp=0xCC",
            "-c port=SWD -d a.bin 0x1FFF7800",
            "-c port=USB1 -w a.hex 0x08000000",
            "-c port=USB1 -w a.hex -w a.bin 0x08000000",
            "-c port=USB1 -w otp.tsv -w good.tsv",
            "-l usb -c port=USB1 -d otp.tsv",
            "--version -c port=USB1 -d otp.tsv",
            "-c port=USB1 -d hidden.tsv",
        ],
    );
    needs_consent(
        "app-write-mram",
        &[
            "-e|APP",
            "-e|APP|-i|../build/a.bin 0x80000000",
            "-i|../build/a.bin 0x80580000",
            "-i|../build/long.toc 0x8057E000",
        ],
    );
    needs_consent("maintenance", &["-opt getotpread 0", "-opt anything"]);
    needs_consent("updateSystemPackage", &["-m", "-e"]);
}

fn own(text: &str) -> Catalog {
    let source = Arc::new(Source { name: "own.toml".into(), text: text.to_owned() });
    merge(&[shipped_source(), source]).unwrap()
}

const OWN_TABLE: &str = "summary = \"mine\"\nversion = { args = [\"-V\"], flavours = [{ pattern = '(?P<version>1)' }] }\n\
    commands = [{ name = \"all\", reversible = true, success_exit_codes = [] }]\n";

#[test]
fn another_name_for_a_program_evades_nothing() {
    let burn = "-u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010";
    for (programs, launcher, says_to_be) in [
        ("programs = [\"blhost\"]", &["/opt/nxp/blhost"][..], &[][..]),
        ("programs = [\"BLHOST\"]", &["C:\\nxp\\BLHOST.EXE"], &[]),
        ("programs = [\"x\"]\nfirst_args = [\"blhost\"]", &["/usr/bin/x"], &[]),
        ("programs = [\"python3\"]\nfirst_args = [\"-m\", \"spsdk.apps.blhost\"]", &["/usr/bin/python3"], &[]),
        ("programs = [\"sh\"]\nfirst_args = [\"-c\", \"exec blhost $0\"]", &["/bin/sh"], &[]),
        // By what it says of itself.
        ("programs = [\"mytool\"]", &["/opt/mytool"], &["blhost"]),
    ] {
        let catalog = own(&format!("[my-blhost]\n{programs}\n{OWN_TABLE}"));
        let kind = kind_in(&catalog, "my-blhost", launcher, says_to_be, burn);
        assert_ne!(kind, Kind::Reversible, "{programs}");
    }
    assert_eq!(says_to_be(&["blhost, version 3.12.0".to_owned()]), ["blhost"]);
    assert_eq!(says_to_be(&["python3 -m spsdk.apps.sdphost, version 2.6.1".to_owned()]), ["sdphost"]);
    assert_eq!(says_to_be(&["Mender 1.0".to_owned()]), [""; 0]);
}

#[test]
fn no_catalog_takes_a_shipped_guard_away() {
    let burn = "-u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010";
    for change in [
        "rules = []",
        "commands = [{ name = \"all\", reversible = true, success_exit_codes = [] }]",
        "programs = [\"other\"]",
        "[blhost.options]\n\"-u\" = '.*'\n",
    ] {
        let catalog = own(&format!("[blhost]\n{change}\n"));
        let kind = kind_in(&catalog, "blhost", &["other"], &[], burn);
        assert!(matches!(kind, Kind::NeedsConsent(_)), "{change}: {kind:?}");
    }
    let catalog = own(
        "[dfu-util]\nrules = []\n[special_memories]\n[chips.all]\nids = [\"0483:df11\"]\nplain = [\"0+0xFFFFFFFF\"]\n",
    );
    let kind = kind_in(&catalog, "dfu-util", &["dfu-util"], &[], "-d ,0483:df11 -a 1 -s 0x1FFFC000 -D a.bin");
    assert!(matches!(kind, Kind::NeedsConsent(_)), "{kind:?}");
    let facts =
        CallFacts { launcher: &["dfu-util".to_owned()], says_to_be: &[], memories: &[], files: &(), chosen: None };
    let tool = catalog.tool("dfu-util").unwrap();
    assert!(rules(tool, &facts).len() > 5, "the shipped rules count all the same");
}

#[test]
fn a_tool_of_ones_own_says_itself_what_can_be_done_again() {
    let table = |flag: &str| {
        let commands = format!("commands = [{{ name = \"write\", with = [\"write\"]{flag}, success = ['ok'] }}]");
        let version = "version = { args = [\"-V\"], flavours = [{ pattern = '(?P<version>1)' }] }";
        let text = format!("[mine]\nsummary = \"mine\"\nprograms = [\"mine\"]\n{version}\n{commands}\n");
        load(&Arc::new(Source { name: "own.toml".into(), text })).unwrap()
    };
    assert_eq!(kind_in(&table(", reversible = true"), "mine", &["mine"], &[], "write x"), Kind::Reversible);
    for (flag, line) in [("", "write x"), (", reversible = true", "burn x"), (", changes_board = true", "write x")] {
        let kind = kind_in(&table(flag), "mine", &["mine"], &[], line);
        assert!(matches!(kind, Kind::NeedsConsent(_)), "{flag} {line}");
    }
}

#[test]
fn memories_narrow_and_never_widen() {
    let catalog = shipped().unwrap();
    let kind = |memories: &[&str], line: &str| {
        let memories: Vec<AddressRange> = memories.iter().map(|range| range.parse().unwrap()).collect();
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let launcher = ["blhost".to_owned()];
        let facts =
            CallFacts { launcher: &launcher, says_to_be: &[], memories: &memories, files: &files(), chosen: None };
        look(catalog.tool("blhost").unwrap(), &args, &facts).kind == Kind::Reversible
    };
    let known = "-u 0x15A2,0x0073 -- flash-erase-region 0x60001000 0x1000";
    let unknown = "-u 0x1234,0x0001 -- flash-erase-region 0x60001000 0x1000";
    assert!(kind(&[], known) && !kind(&[], unknown));
    assert!(kind(&["0x60000000+0x2000"], known) && kind(&["0x60000000+0x2000"], unknown));
    assert!(kind(&["0x60000000+0x1800", "0x60001800+0x1000"], known), "two that touch are one");
    assert!(!kind(&["0x60002000+0x2000"], known) && !kind(&["0x60000000+0x1fff"], known));
    let fuses = "-u 0x1234,0x0001 -- fill-memory 0x401F4400 4 1 word";
    assert!(!kind(&["0+0xFFFFFFFF"], fuses), "whatever a playbook declares");
    assert!(!kind(&["0+0xFFFFFFFF"], "-u 0x15A2,0x0073 -- flash-erase-region 0x10000000 0x1000"), "a chip is known");
}

#[test]
fn only_harmless_lines_of_a_menu_are_chosen() {
    let catalog = shipped().unwrap();
    let tool = catalog.tool("maintenance").unwrap();
    let facts =
        CallFacts { launcher: &["maintenance".to_owned()], says_to_be: &[], memories: &[], files: &(), chosen: None };
    let lines: VecDeque<String> = [" 1 - Device Control", " 2 - Device Information", " 3 - MRAM", " 4 - Utilities"]
        .iter()
        .map(|line| (*line).to_owned())
        .collect();
    let refused = |typed: &str| never_chosen(tool, &facts, &lines, typed);
    for typed in ["1", "2", " 1", "", "n", "/dev/ttyUSB0"] {
        assert_eq!(refused(typed), None, "{typed}");
    }
    // As Python reads them, all of them are three.
    for typed in ["3", " 3 ", "03", "+3", "4", "9", "３", "0_3"] {
        assert!(refused(typed).is_some(), "{typed}");
    }
    assert_eq!(refused("3").as_deref(), Some("MRAM"));
    let mut twice = lines.clone();
    twice.push_back(" 3 - Device Control".to_owned());
    assert_eq!(never_chosen(tool, &facts, &twice, "3").as_deref(), Some("MRAM"), "whatever the board prints after it");
    let none = CallFacts { launcher: &["mine".to_owned()], ..facts };
    assert_eq!(never_chosen(catalog.tool("dfu-util").unwrap(), &none, &lines, "3"), None, "a tool without menus");
}

#[test]
fn what_differs_from_call_to_call_is_no_part_of_what_is_fixed() {
    let catalog = shipped().unwrap();
    let tool = catalog.tool("blhost").unwrap();
    let fixed = |line: &str| {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let facts = CallFacts {
            launcher: &["blhost".to_owned()],
            says_to_be: &[],
            memories: &[],
            files: &files(),
            chosen: None,
        };
        look(tool, &args, &facts).fixed
    };
    let erase = |limit: &str, address: &str, length: &str| {
        fixed(&format!("-u 0x15A2,0x0073 -t {limit} -- flash-erase-region {address} {length}"))
    };
    assert_eq!(erase("100", "0x60000000", "0x1000"), erase("200", "0x60000000", "0x2000"));
    assert_ne!(erase("100", "0x60000000", "0x1000"), erase("100", "0x60001000", "0x1000"));
}

/// The name of a node says nothing of the board, so it is taken only from recover itself, which knows what is there.
#[test]
fn a_board_is_named_by_its_node_only_where_recover_has_chosen_it() {
    let catalog = shipped().unwrap();
    let tool = catalog.tool("blhost").unwrap();
    let kind = |line: &str, name: &str, id: &str| {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let chosen = ChosenNode { name: name.to_owned(), id: id.parse().unwrap() };
        let launcher = ["blhost".to_owned()];
        look(tool, &args, &CallFacts { chosen: Some(&chosen), ..CallFacts::of_program(&launcher) }).kind
    };
    let erase = "-u cf4824f4 -- flash-erase-region 0x60001000 0x1000";
    assert_eq!(kind(erase, "cf4824f4", "15a2:0073"), Kind::Reversible);
    // What is at an address depends on the chip, which the device's id tells.
    let other_chip = kind("-u cf4824f4 -- flash-erase-region 0x10000000 0x1000", "cf4824f4", "15a2:0073");
    assert!(matches!(other_chip, Kind::NeedsConsent(_)), "{other_chip:?}");
    for (line, name) in
        [(erase, "cf4824f5"), (erase, ""), ("-u CF4824F4 -- flash-erase-region 0x60001000 0x1000", "cf4824f4")]
    {
        assert!(matches!(kind(line, name, "15a2:0073"), Kind::NeedsConsent(_)), "{line} {name}");
    }
    let burn = "-u cf4824f4 -- efuse-program-once 0x06 00000010";
    assert!(matches!(kind(burn, "cf4824f5", "15a2:0073"), Kind::Never(_)));
    assert!(matches!(kind(burn, "cf4824f4", "15a2:0073"), Kind::NeedsConsent(_)));
}

#[test]
fn what_is_burnt_is_known_to_the_last_word() {
    let never = |line: &str| matches!(kind("blhost", line), Kind::Never(_));
    for word in ["LOCK", "lock", "--lock", "--verify", "00000020"] {
        assert!(never(&format!("-u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010 {word}")), "{word}");
    }
    assert!(never("-u 0x15A2,0x0073 -- efuse-program-once 010 00000010"), "octal, or not");
    assert!(never("-u 0x15A2,0x0073 -- efuse-program-once 6 10"));
    assert!(!never("-u 0x15A2,0x0073 -- efuse-program-once 0x06 00000010"), "with consent");
}

#[test]
fn no_program_is_put_into_the_folder_of_a_tool() {
    let catalog = shipped().unwrap();
    let (tool, launcher) = (catalog.tool("maintenance").unwrap(), ["maintenance".to_owned()]);
    let facts = CallFacts::of_program(&launcher);
    for path in ["isp_config_data.cfg", "utils/global-cfg.db", "build/bootloader.bin", "build/firmware_pad.toc"] {
        assert!(may_stage(tool, path, &facts), "{path}");
    }
    for path in [
        "maintenance",
        "serialport.py",
        "app-write-mram",
        "build/x.py",
        "_internal/libc.so",
        "build/../maintenance",
        "build/x.exe",
    ] {
        assert!(!may_stage(tool, path, &facts), "{path}");
    }
    assert!(may_name(tool, "alif/SP-AE302F80F55D5AE-rev-b4.bin", &facts));
    for path in ["maintenance", ".ssh/id_rsa", "python3", "alif/../../x.bin"] {
        assert!(!may_name(tool, path, &facts), "{path}");
    }
    assert!(!may_name(catalog.tool("dfu-util").unwrap(), "python3", &facts));
    // Nor by a table of another name, or by a change of this one.
    for table in ["[mine]\nlike = \"app-write-mram\"\n", "[maintenance]\n"] {
        let catalog = own(&format!("{table}stages = ['.+']\nfiles = ['.+']\n"));
        let tool =
            catalog.tools.iter().find(|tool| tool.stages.iter().any(|pattern| pattern.as_str() == ".+")).unwrap();
        assert!(!may_stage(tool, "maintenance", &facts) && !may_name(tool, ".ssh/id_rsa", &facts), "{table}");
    }
    assert_eq!(named_as("blhost"), ["blhost"]);
}

#[test]
fn no_catalog_hides_which_fuse_is_burnt() {
    let catalog = own("[blhost]\ncommands = [{ name = \"all\", success_exit_codes = [] }]\n");
    let (tool, launcher) = (catalog.tool("blhost").unwrap(), ["blhost".to_owned()]);
    let args: Vec<String> = "-- efuse-program-once 0x06 00000010".split(' ').map(str::to_owned).collect();
    let fuse = fuse_of(tool, &args, &CallFacts::of_program(&launcher)).map(|(fuse, _)| fuse);
    assert_eq!(fuse, Some(Fuse { word: 6, bits: Some(0x10) }));
}
