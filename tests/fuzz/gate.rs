//! No list of arguments that the guards let pass is one that cannot be undone.
//!
//! What cannot be undone is told here by another way than the guards': by words that no harmless call has anywhere, and by
//! addresses of registers, fuses and option bytes.

use std::sync::LazyLock;

use recover::documents::catalog::{CallFacts, CallFiles, Catalog, Kind, look, shipped};

use crate::random::Random;

/// The tools, and calls of each to begin with: those that pass, and those that must not.
const CALLS: &[(&str, &[&str])] = &[
    (
        "dfu-util",
        &[
            "-d\n,0483:df11\n-a\n0\n-s\n0x08000000\n-D\na.bin",
            "-w\n-d\n,37c5:9204\n-a\n2\n--reset\n-D\na.bin",
            "-d\n,0483:df11\n-a\n0\n-s\n0x08000000:131072\n-U\nout.bin",
            "-d\n,0483:df11\n-a\n0\n-s\n0x08000000:mass-erase:force\n-D\na.bin",
            "-d\n,0483:df11\n-a\n1\n-s\n0x1FFFC000:unprotect\n-D\na.bin",
        ],
    ),
    (
        "blhost",
        &[
            "-u\n0x15A2,0x0073\n--\nget-property\n1",
            "-u\n0x15A2,0x0073\n-t\n1000\n--\nflash-erase-region\n0x60001000\n0x2000",
            "-u\n0x15A2,0x0073\n--\nwrite-memory\n0x60001000\na.bin",
            "-u\n0x15A2,0x0073\n--\nfill-memory\n0x2000\n4\n0xC0000008\nword",
            "-u\n0x15A2,0x0073\n--\nefuse-read-once\n0x06",
            "-u\n0x15A2,0x0073\n--\nefuse-program-once\n0x06\n00000010",
            "-u\n0x15A2,0x0073\n--\nfill-memory\n0x401F4400\n4\n0x1\nword",
            "-u\n0x15A2,0x0073\n--\nflash-erase-all",
            "-u\n0x15A2,0x0073\n--\nreceive-sb-file\na.bin",
        ],
    ),
    (
        "sdphost",
        &[
            "-u\n0x1FC9,0x0135\n--\nwrite-file\n0x20001C00\na.bin",
            "-u\n0x1FC9,0x0135\n--\njump-address\n0x20001C00",
            "-u\n0x1FC9,0x0135\n--\nwrite-register\n0x401F4000\n32\n1",
        ],
    ),
    (
        "STM32_Programmer_CLI",
        &[
            "-c\nport=USB1\n-d\na.bin\n0x08000000\n-v",
            "-c\nport=USB1\nsn=1A\n-w\na.bin\n0x08000000",
            "-c\nport=USB1\n-ob\nrdp=0xCC",
            "-c\nport=USB1\n-e\nall",
            "-c\nport=USB1\n-otp\nwrite",
        ],
    ),
    ("app-write-mram", &["-i\n../build/a.bin 0x80000000", "-b\n921600\n-i\n../build/a.bin 0x80000000", "-e\nAPP"]),
    ("maintenance", &["-opt\nsesbanner", "-opt\ngetotpread", ""]),
];

/// No harmless call has these among its words, wherever they stand.
const NEVER_HARMLESS: &[&str] = &[
    "efuse-program-once",
    "flash-program-once",
    "program-once",
    "fuse-program",
    "key-provisioning",
    "receive-sb-file",
    "flash-security-disable",
    "flash-erase-all",
    "flash-erase-all-unsecure",
    "batch",
    "set-property",
    "execute",
    "mass-erase",
    "unprotect",
    "force",
    "write-register",
    "-ob",
    "-otp",
    "-e",
    "-rdu",
    "APP",
    "getotpread",
];
/// Options whose values are names of boards, ports and files to be made, which may be any word.
const NAMED: &[&str] = &["-S", "-p", "-U"];

#[derive(Debug)]
struct OneFile;

impl CallFiles for OneFile {
    fn size(&self, name: &str) -> Option<u64> {
        (name == "a.bin").then_some(100)
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        (name == "a.bin").then(|| vec![7; 100])
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let of_tool = |(tool, calls): &(&str, &[&str])| {
        calls.iter().map(|call| format!("{tool}\n{call}").into_bytes()).collect::<Vec<_>>()
    };
    // And each word of one call in place of each of another: what a variable could put there.
    let mixed = (0..400).map(|seed| {
        let random = &mut Random::new(seed);
        let (tool, calls) = random.one_of(CALLS);
        let mut words: Vec<&str> = random.one_of::<&str>(calls).split('\n').collect();
        let others: Vec<&str> =
            calls.iter().flat_map(|call| call.split('\n')).chain(NEVER_HARMLESS.iter().copied()).collect();
        for _ in 0..=random.below(2) {
            let at = random.below(words.len());
            words[at] = *random.one_of(&others);
        }
        format!("{tool}\n{}", words.join("\n")).into_bytes()
    });
    CALLS.iter().flat_map(of_tool).chain(mixed).collect()
}

pub(crate) fn passes_nothing_irreversible(bytes: &[u8]) {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| shipped().unwrap());
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n').map(str::to_owned);
    let named = lines.next().unwrap_or_default();
    let tool = CATALOG.tool(&named).unwrap_or(&CATALOG.tools[bytes.len() % CATALOG.tools.len()]);
    let args: Vec<String> = lines.collect();
    let launcher = [tool.name.clone()];
    let facts = CallFacts { launcher: &launcher, says_to_be: &[], memories: &[], files: &OneFile, chosen: None };
    if look(tool, &args, &facts).kind != Kind::Reversible {
        return;
    }
    let reads = args.iter().any(|arg| ["-U", "read-memory", "efuse-read-once"].contains(&arg.as_str()));
    for (index, arg) in args.iter().enumerate() {
        if index > 0 && NAMED.contains(&args[index - 1].as_str()) {
            continue;
        }
        let words = arg.split([':', ' ', '=']);
        let bad = words.clone().find(|word| NEVER_HARMLESS.iter().any(|never| word.eq_ignore_ascii_case(never)));
        assert!(bad.is_none(), "{} passes with {args:?}", tool.name);
        let is_address = |word: &str| {
            let digits = word.strip_prefix("0x").or(word.strip_prefix("0X"))?;
            u64::from_str_radix(digits, 16).ok()
        };
        // The pattern that is filled in, and bits that are read, are no addresses.
        let is_value = index >= 2 && args[index - 2..index].iter().any(|before| is_address(before).is_some());
        for address in words.filter_map(is_address).filter(|_| !reads && !is_value) {
            let special = [0x4000_0000..0x6000_0000, 0xE000_0000..0x1_0000_0000, 0x1FF0_0000..0x2000_0000];
            assert!(!special.iter().any(|range| range.contains(&address)), "{} passes with {args:?}", tool.name);
        }
    }
}
