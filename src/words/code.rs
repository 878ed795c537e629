//! The kinds of what can be wrong with a document: each with a word that stays the same, so that people can look it up and
//! programs can count on it, and with an explanation. What exactly is wrong, the diagnostic itself says.

use std::fmt;
use std::str::FromStr;

/// What a code means, with a piece of a document that has the fault and one that has not.
#[derive(Debug, Clone, Copy)]
pub struct Explanation {
    pub about: &'static str,
    pub wrong: &'static str,
    pub right: &'static str,
}

/// Declares the codes, each once: its variant, its word, what it means, an example of wrong and one of right.
macro_rules! codes {
    ($($Code:ident $word:literal: $about:literal, $wrong:literal, $right:literal;)*) => {
        /// The kind of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $about] $Code,)*
        }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$Code,)*];

            pub const fn word(self) -> &'static str {
                match self {
                    $(Code::$Code => $word,)*
                }
            }

            pub const fn explanation(self) -> Explanation {
                match self {
                    $(Code::$Code => Explanation { about: $about, wrong: $wrong, right: $right },)*
                }
            }
        }
    };
}

codes! {
    Syntax "syntax":
        "The text is not YAML, or a catalog not TOML. Nothing of the document could be read behind this place.",
        "name: Connect it: now", "name: \"Connect it: now\"";
    Indentation "indentation":
        "A line does not begin in the column of those that it belongs to, or it is indented with a tab. Indent with blanks; what \
         belongs together begins in one column.",
        "- id: look\n   check: size(image) > 0", "- id: look\n  check: size(image) > 0";
    EmptyDocument "empty-document":
        "There is nothing in the file but comments.", "# to be written", "format: 1\nboard: My camera\nsteps: […]";
    Unreadable "unreadable":
        "A file cannot be had: it is not there, cannot be opened, is no text, or lies where a document may not reach.",
        "playbook: ../other/board.yaml", "playbook: board.yaml";
    TooMuch "too-much":
        "A document, or what its calls and families come to, is larger than any board needs. The limits are there so that no \
         document can fill the memory.",
        "a list of 100,000 steps", "a procedure that is called where it is needed";
    UnknownFormat "unknown-format":
        "This recover does not know the format of the file; a newer one may.", "format: 7", "format: 1";
    UnknownKey "unknown-key":
        "No such key can stand here. It may be misspelt, or stand one level too high or too low.",
        "- wiat: {present: rom}", "- wait: {present: rom}";
    MissingKey "missing-key":
        "Something is incomplete without this key.",
        "retry: {on: [no-answer]}", "retry: {attempts: 3, on: [no-answer]}";
    DuplicateKey "duplicate-key":
        "One map has a key twice, so that one of the two values would be lost. Keys that parameters fill in may come out alike too.",
        "{timeout: 5s, timeout: 10s}", "{timeout: 10s}";
    WrongKind "wrong-kind":
        "A list, a map or a single value stands where another kind of these is needed.",
        "args: -l --verbose", "args: [\"-l\", \"--verbose\"]";
    KeyOutOfPlace "key-out-of-place":
        "The key is known, but has no meaning beside the others that stand here.",
        "- prompt: Connect it.\n  args: [\"-l\"]", "- run: flasher\n  args: [\"-l\"]";
    ExclusiveKeys "exclusive-keys":
        "Exactly one of several keys is needed, and there are more, or none: a step, for one, does exactly one thing.",
        "- prompt: Connect it.\n  wait: {present: rom}", "- prompt: Connect it.\n  until: {present: rom}";
    EmptyList "empty-list":
        "At least one element is needed.", "steps: []", "steps: [{refuse: Not yet written.}]";
    BadName "bad-name":
        "A name has signs that it may not have. Names are small letters, digits, `-` and `_`; in expressions a `-` would be a \
         minus. What people read holds no signs that steer a terminal.",
        "inputs: {boot-loader: …}", "inputs: {boot_loader: …}";
    BadNumber "bad-number":
        "A number is needed here, or this one is out of the range that makes sense.",
        "retry: {attempts: 1000, on: [no-answer]}", "retry: {attempts: 3, on: [no-answer]}";
    BadTime "bad-time":
        "A time is a number with its unit.", "timeout: 30", "timeout: 30s";
    BadPattern "bad-pattern":
        "A pattern is a regular expression; signs such as brackets need a backslash to mean themselves.",
        "expect: \"done (100%\"", "expect: \"done \\\\(100%\"";
    BadBytes "bad-bytes":
        "Bytes are written as two hexadecimal digits each.", "starts_with: d", "starts_with: \"d1 00\"";
    Malformed "malformed":
        "A value does not have the form of what is needed: a USB id, a version, a range of addresses, a name of a file.",
        "usb: \"1fc9:135\"", "usb: \"1fc9:0135\"";
    UnknownWord "unknown-word":
        "Only certain words can stand here, such as the classes of fault.", "on: [no-anser]", "on: [no-answer]";
    UnsafePath "unsafe-path":
        "A path leads out of the folder that it belongs to, or names what a tool could run as a part of itself. Documents name \
         files below their own folder.",
        "file: ../firmware.bin", "file: firmware.bin";
    DuplicateName "duplicate-name":
        "Two things have one name, or one would take the other's place.", "two steps with `id: erase`", "`erase-boot`, `erase-rest`";
    UnknownName "unknown-name":
        "Nothing is called so here: no input, variable, value, file, step or case. Values exist only behind the step that sets \
         them.",
        "args: [\"${firmwear}\"]", "args: [\"${firmware}\"]";
    UnknownTool "unknown-tool":
        "The catalog has no such tool; `recover list --verbose` names those that playbooks use.", "run: flashr", "run: flasher";
    UnknownDevice "unknown-device":
        "The playbook describes no such device.", "wait: {present: loader}", "devices: {loader: {usb: \"1209:0001\"}}";
    UnknownMishap "unknown-mishap":
        "The virtual board has no such starting state or mishap, or it cannot happen at that step.",
        "simulate: no-such-fault", "a name that `recover list --verbose` tells";
    Unused "unused":
        "This is declared and nothing comes of it, which is hardly meant.",
        "procedures: {reset: […]} and no `do: reset`", "- do: reset";
    ExpressionSyntax "expression-syntax":
        "An expression in `${…}` cannot be understood; `recover schema playbook` and the reference of keys list functions and \
         operators.",
        "check: size(image >", "check: size(image) > 0";
    ExpressionKind "expression-kind":
        "A value of another kind is needed: a number, a text, a file, yes or no.", "when: size(image)", "when: size(image) > 0";
    FamilyUnavailable "family-unavailable":
        "What `uses` names cannot be read, or nothing comes of it.", "uses: lib/missing.yaml", "uses: lib/family.yaml";
    FamilyConflict "family-conflict":
        "Two families give the same thing, or one is named twice. What the document says itself counts more than what families give.",
        "uses: [lib/a.yaml, lib/a.yaml]", "uses: lib/a.yaml";
    CallsItself "calls-itself":
        "A procedure or a family comes back to itself, which would never end.", "procedures: {a: [{do: a}]}", "procedures: {a: [{do: b}], b: […]}";
    MissingParameter "missing-parameter":
        "What a procedure or a family leaves open is not given.", "do: erase", "do: erase\nwith: {length: 0x1000}";
    UnknownParameter "unknown-parameter":
        "What is given is not asked for.", "do: erase\nwith: {lenght: 0x1000}", "do: erase\nwith: {length: 0x1000}";
    UnknownProcedure "unknown-procedure":
        "No procedure has this name.", "do: ersae", "do: erase";
    NoEvidence "no-evidence":
        "Nothing tells whether a call that changes the board succeeds. An exit code of 0 is not enough: tools end so after failures.",
        "run: flasher\nargs: [write]", "run: flasher\nargs: [write]\nexpect: \"100% written\"";
    Unguarded "unguarded":
        "The call may do what can never be undone, as far as the catalog knows it. Such a step says so with `irreversible`: then \
         the board is read first, the person agrees, and a reading proves it.",
        "run: flasher\nargs: [burn, \"0x10\"]", "irreversible: {why: …, already_done: …, verify: …}";
    NeverAllowed "never-allowed":
        "No consent allows this call: it would harm the board or the computer in every case.", "args: [burn, lock]", "leave the call out";
    ForbiddenCall "forbidden-call":
        "A rule of the catalog forbids these arguments of the tool; the rule itself says why and what to write.",
        "a call that waits for ever", "the same call with a limit";
    OpenArgument "open-argument":
        "What decides what a call does must be known before the run. Only lengths, limits and files may be worked out.",
        "args: [\"${command}\"]", "variables: {command: {values: [read, write]}}";
    PathInArgument "path-in-argument":
        "An argument names a file by its path. Tools work in a folder of the run, and see the files that the playbook declares.",
        "args: [/tmp/firmware.bin]", "args: [\"${firmware}\"]";
    ReadingChanges "reading-changes":
        "Only reading is allowed here, before and after what cannot be undone, and between attempts.",
        "verify: {steps: [{run: flasher, args: [erase]}], …}", "verify: {steps: [{run: flasher, args: [read]}], …}";
    IrreversiblePlace "irreversible-place":
        "A step that cannot be undone is tried once, in a place that is reached once.", "retry: {…} around `irreversible`", "the step by itself";
    WeakProof "weak-proof":
        "A reading does not prove what it is for: it looks at something else, or its condition does not depend on the board.",
        "holds: 1 == 1", "holds: fuse & 0x10 == 0x10";
    Staging "staging":
        "Tools with a folder of their own see only what `stage` puts there, under the paths that the catalog allows; others need none.",
        "args: [\"${image}\"]", "stage: {build/image.bin: image}";
    EraseTooShort "erase-too-short":
        "Less is erased than the largest file that is written there afterwards.",
        "args: [erase, \"0x0\", \"0x1000\"] before 8 KB", "\"${hex(align(size(image), 0x1000))}\"";
    OverlappingRegions "overlapping-regions":
        "Two files are written into memory that they have in common.", "max_size: 0x20000 before the next file at 0x10000", "max_size: 0x10000";
    OutsideMemory "outside-memory":
        "A write or an erase goes beyond the memory that the playbook or the virtual board describes.",
        "memories: {flash: 0x08000000+0x20000} and a write at 0x08020000", "a write within 0x08000000+0x20000";
    NoRoom "no-room":
        "A file may be larger than the room that it goes to, or than what is said of it.", "max_size: 0x200000 in a flash of 0x100000", "max_size: 0x100000";
    AddressForm "address-form":
        "An argument that is an address has no `0x` in front of its digits. The tool would take it for a decimal number, or refuse it, \
         and hardly anybody means that.",
        "args: [write, \"08000000\"]", "args: [write, \"0x08000000\"]";
    SwappedId "swapped-id":
        "Vendor and product of a USB id stand the wrong way round: the playbook's devices have it the other way.",
        "args: [\"-d\", \"0135:1fc9\"]", "args: [\"-d\", \"1fc9:0135\"]";
    LimitTooShort "limit-too-short":
        "One limit ends before another that lies within it can have its effect.", "timeout: 5s around `-t 10000`", "timeout: 20s";
    OverTooSoon "over-too-soon":
        "The wait goes on before what it is for can have happened.", "until: {gone: rom}", "until: {gone: rom, for: 10s}";
    LeavesTooEarly "leaves-too-early":
        "After this call the board goes away, and the next step wants to talk to it: what is written last makes it go.",
        "args: [write, \"0x0:leave\"] before another write", "args: [write, \"0x0\"], and `:leave` with the last one";
    Contradiction "contradiction":
        "Two things that are said here cannot both be so.", "wait: {present: rom, gone: rom}", "wait: {present: rom}";
    NoWayBack "no-way-back":
        "Where the run is cut short in this step, the board may not start, and no device of the playbook is known to come all \
         the same. Say of the device that nothing can damage `state: recovery`, or with `if_stopped` what a person does then.",
        "bootloader: {usb: \"1209:0001\", starts_from: [image]} and a write of `image` through it",
        "rom: {usb: \"1209:0002\", state: recovery}";
    OptionalInput "optional-input":
        "A file that may be missing is used without asking, or one that is never missing is treated as if it could be.",
        "args: [\"${extra}\"]", "when: given(extra)";
    SharedId "shared-id":
        "Other boards show the same USB id, or several of a kind could be meant, so that the wrong one might be written.",
        "rom: {usb: \"1209:0001\"}", "rom: {usb: \"1209:0001\", identifies: no}";
    FileKinds "file-kinds":
        "The playbook lists by itself which kinds of files are wrong, and misses those that are thought of later.",
        "not_starts_with: {\"7f 45 4c 46\": an ELF file}", "kind: raw";
    VirtualBoard "virtual-board":
        "There is no such model of a virtual board, or its settings are not what it needs; `recover list --models` tells them.",
        "virtual_board: {model: plain-ubs}", "virtual_board: {model: plain-usb, id: running}";
    ShadowedPattern "shadowed-pattern":
        "A pattern of the catalog can never decide: one before it matches all that it matches.",
        "pattern = \"error\" before pattern = \"error 7\"", "the special one first";
    UnmetExpectation "unmet-expectation":
        "A case of a test file ends otherwise than it expects.", "expect: {outcome: recovered}", "what the playbook really does";
    UnnoticedChange "unnoticed-change":
        "No case notices that the playbook was changed in this place, so that a mistake there would not be noticed either.",
        "no case in which the write fails", "a case with that mishap";
    NotSigned "not-signed":
        "Nobody has signed this document with the key that is asked for.", "--signed-by KEY without a signature", "a document beside its .minisig";
}

/// No such code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no code `{text}`")]
pub struct UnknownCode {
    pub text: String,
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let found = Code::ALL.iter().find(|code| code.word() == text);
        found.copied().ok_or_else(|| UnknownCode { text: text.to_owned() })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
