//! What loading accepts, and how it words and places what it does not.

use std::sync::Arc;

use super::{load, merge, shipped, shipped_source};
use crate::words::{Code, Diagnostic, FaultClass, Source};

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { name: "vendor-tools.toml".to_owned(), text: text.to_owned() })
}

/// `line:column message (hint)` of every diagnostic, in the order of the places.
fn faults(text: &str) -> Vec<String> {
    described(load(&source(text)).expect_err("has faults"))
}

fn described(mut diagnostics: Vec<Diagnostic>) -> Vec<String> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.place.as_ref().map(|place| place.start));
    let describe = |diagnostic: Diagnostic| {
        let place = diagnostic.place.map(|place| place.position());
        let place = place.map(|position| format!("{}:{} ", position.line, position.column)).unwrap_or_default();
        let hint = diagnostic.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{place}{}{hint}", diagnostic.message)
    };
    diagnostics.into_iter().map(describe).collect()
}

fn codes(text: &str) -> Vec<Code> {
    load(&source(text)).expect_err("has faults").into_iter().map(|fault| fault.code).collect()
}

/// A complete tool, followed by `rest`, which begins in line 6.
fn tool_and(rest: &str) -> String {
    let tool = r#"[flasher]
summary = "flashes"
programs = ["flasher"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
commands = [{ name = "write", with = ["write"] }]
"#;
    format!("{tool}{rest}")
}

#[test]
fn the_shipped_catalog_has_no_faults() {
    // A document of any other origin is not trusted: all its patterns are compiled.
    let source = shipped_source();
    let untrusted = self::source(&source.text);
    let catalog = load(&untrusted).unwrap_or_else(|faults| panic!("{:#?}", described(faults)));
    let names: Vec<&str> = catalog.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert!(names.starts_with(&["dfu-util", "blhost", "sdphost"]), "{names:?}");
    let sdphost = catalog.tool("sdphost").expect("is shipped");
    assert_eq!(sdphost.faults.len(), catalog.tool("blhost").expect("is shipped").faults.len());
    assert!(!sdphost.parallel);
}

#[test]
fn every_fault_is_reported_with_its_place() {
    let text = r#"[flasher]
sumary = "flashes"
programs = "flasher"
parallel = "yes"
timeout = "30"
install = { linux = 3, windos = "x" }
progress = ['\d+%', '(?P<percent>\d+']
[flasher.version]
args = ["-V"]
flavours = [{ pattern = 'x (?P<version>.+)', minimum = "3.x" }]
[[flasher.commands]]
name = "write"
changes_board = true
[[flasher.statuses]]
pattern = 'status \d+'
commands = ["wirte"]
success = ["0"]
otherwise = "refusd"
[[flasher.faults]]
pattern = '(oops'
class = "sulky"
message = "Something"
stream = "stdin"
"#;
    assert_eq!(
        faults(text),
        [
            "1:2 the key `summary` is missing",
            "2:1 unknown key `sumary` (did you mean `summary`?)",
            "3:12 expected a list of texts, found a text",
            "4:12 expected `true` or `false`, found a text",
            "5:11 `30` is not a time span: give a number with its unit, such as `30s`, `5m` or `500ms`",
            "6:21 expected a text, found a whole number",
            "6:24 unknown key `windos` (did you mean `windows`?)",
            "7:13 this pattern lacks a group `(?P<percent>…)` or `(?P<bytes>…)`",
            "7:21 this pattern does not compile: unclosed group",
            "10:56 `3.x` is not a version: numbers separated by dots are expected, such as `0.11`",
            "11:1 `write` changes the board, but nothing tells its success (give `success` patterns, a status with \
             `success` codes, or `success_exit_codes = []`)",
            "15:11 this pattern lacks a group `(?P<code>…)`",
            "16:13 this tool has no command `wirte` (did you mean `write`?)",
            "18:13 `refusd` is not a class of fault (did you mean `refused`?)",
            "20:11 this pattern does not compile: unclosed group",
            &format!("21:9 `sulky` is not a class of fault (the classes are {})", FaultClass::words().join(", ")),
            "23:10 expected `stdout` or `stderr`, found `stdin`",
        ]
    );
}

/// Each of these once took minutes, or gigabytes.
#[test]
fn what_grows_too_large_is_refused_as_a_whole() {
    let many = |line: &dyn Fn(usize) -> String, times: usize| (0..times).map(line).collect::<String>();
    let refused = |text: &str| faults(text).join("; ");
    let tables = "vendor-tools.toml has 501 tables; a catalog has at most 500";
    assert_eq!(refused(&many(&|number| format!("t{number} = 1\n"), 501)), tables);
    let values = format!("t = [{}]\n", "1,".repeat(50_000));
    assert_eq!(refused(&values), "vendor-tools.toml holds 50001 values; a catalog holds at most 50000");
    let comment = "#".repeat(1024 * 1024 + 1);
    assert_eq!(refused(&comment), "vendor-tools.toml has 1048577 bytes; a catalog has at most 1048576");
    let nested = format!("[{}]\n", vec!["a"; 5_000].join("."));
    assert!(refused(&nested).starts_with("vendor-tools.toml nests tables or lists too deeply"), "{}", refused(&nested));
    let closed_twice = format!("t = {{ {} a = {}", "[]".repeat(2_000), "[".repeat(2_000));
    assert_eq!(refused(&closed_twice), "1:4075 this is nested too deeply (no catalog needs so many levels)");
    let deepest = refused(&format!("t = {}{}\n", "[".repeat(64), "]".repeat(64)));
    assert!(deepest.contains("expected a table"), "{deepest}");
    assert_eq!(faults(&".".repeat(100_000)).len(), 100);
    let pattern = refused(&tool_and("device_taken = '(?P<id>\\w{300})'\n"));
    assert!(pattern.contains("this pattern does not compile") && pattern.contains("size limit"), "{pattern}");
}

#[test]
fn a_document_that_is_not_toml_is_reported_once() {
    let unfinished = faults("[flasher\nsummary = \"x\"\n");
    assert!(unfinished[0].starts_with("1:"), "{unfinished:?}");
    assert!(unfinished.iter().all(|fault| !fault.contains("missing `")), "{unfinished:?}");
    assert_eq!(faults("[flasher]\n[flasher]\n"), ["2:2 duplicate key"]);
}

#[test]
fn a_later_document_overrides_single_keys_and_adds_tools() {
    let base = source(&tool_and("parallel = true\n"));
    let over = source("[flasher]\nprograms = [\"flasher-2\"]\n[other]\nlike = \"flasher\"\nparallel = false\n");
    let catalog = merge(&[base, over]).expect("has no faults");
    let flasher = catalog.tool("flasher").expect("is there");
    assert_eq!((flasher.summary.as_str(), flasher.programs.as_slice()), ("flashes", &["flasher-2".to_owned()][..]));
    assert!(flasher.parallel);
    assert!(!catalog.tool("other").expect("is there").parallel);
}

#[test]
fn a_fault_in_an_overriding_document_is_placed_in_it() {
    let base = source(&tool_and(""));
    let over = source("\n[flasher]\nfolder = [\"/opt\"]\n[flashre]\nfolders = [\"/opt\"]\n");
    let faults = merge(&[base, Arc::clone(&over)]).expect_err("has faults");
    assert!(faults.iter().all(|fault| fault.place.as_ref().is_some_and(|place| place.source == over)));
    assert_eq!(
        described(faults),
        [
            "3:1 unknown key `folder` (did you mean `folders`?)",
            "4:2 no tool `flashre` is known, and this does not describe one (did you mean `flasher`?)"
        ]
    );
}

#[test]
fn likeness_goes_one_step_and_to_a_known_tool() {
    let text = tool_and("[a]\nlike = \"nobody\"\n[b]\nlike = \"flasher\"\n[c]\nlike = \"b\"\n");
    assert_eq!(
        faults(&text),
        [
            "7:8 `like` must name another tool of the catalog",
            "11:8 `like` must name a tool that is not `like` another itself"
        ]
    );
    assert_eq!(codes(&text), [Code::UnknownTool, Code::Contradiction]);
}

#[test]
fn what_chooses_a_board_has_a_blank_for_it() {
    let text = tool_and("select_port = [\"-p\", \"{serial}\"]\n");
    assert_eq!(faults(&text), ["6:15 none of these arguments holds `{port}` or `{libusb_port}` or `{hid_node}`"]);
    assert_eq!(codes(&text), [Code::Malformed]);
}

#[test]
fn installers_chips_and_image_folders_are_tables_by_name() {
    let text = tool_and("[installers]\na = 1\n[chips]\nb = 2\n[image_folders]\nc = 3\n");
    assert_eq!(
        faults(&text),
        [
            "7:5 expected a table for the installer `a`, found a whole number",
            "9:5 expected a table for the chips `b`, found a whole number",
            "11:5 expected a table for the image folders `c`, found a whole number",
        ]
    );
}

#[test]
fn packages_come_from_installers_and_tools_through_programs() {
    let text = tool_and(
        "packages = { ap = \"x\" }\nvia = [[\"a\"], { environment = {} }, 3]\n\
         [installers]\nbrew = 1\n[installers.apt]\ninstal = \"apt {package}\"\nowns = ['(']\n",
    );
    assert_eq!(
        faults(&text),
        [
            "6:14 no installer takes packages from `ap` (did you mean `apt`?)",
            "7:15 the key `command` is missing",
            "7:37 expected a list of texts, found a whole number",
            "9:8 expected a table for the installer `brew`, found a whole number",
            "11:1 unknown key `instal` (did you mean `install`?)",
            "12:9 this pattern does not compile: unclosed group",
        ]
    );
    let text = tool_and(
        "packages = { pypi = \"x\" }\nvia = { linux = [[\"a\", \"b\"], { command = [\"~/c\"], environment = { D = \"e\" } }] }\n\
         [installers.pipx]\nsource = \"pypi\"\nowns = ['/pipx/']\n",
    );
    let catalog = load(&source(&text)).unwrap_or_else(|faults| panic!("{:#?}", described(faults)));
    let tool = catalog.tool("flasher").expect("is there");
    assert_eq!(catalog.installers[0].package(tool), Some("x"));
    assert!(catalog.installers[0].owns("/home/x/pipx/y") && !catalog.installers[0].owns("/home/x/pipxy"));
    let via: Vec<(usize, usize)> =
        tool.via.linux.iter().map(|via| (via.command.len(), via.environment.len())).collect();
    assert_eq!((via, tool.via.macos.len()), (vec![(2, 0), (1, 1)], 0));
}

#[test]
fn counts_are_numbers_above_zero_and_of_one_kind() {
    let count = |count: &str| {
        let text = tool_and("").replace(
            r#"with = ["write"] }]"#,
            &format!(r#"with = ["write"], changes_board = true, success_counts = [{{ {count} }}] }}]"#),
        );
        faults(&text)
    };
    assert_eq!(count("pattern = 'a', equals = 0"), ["5:115 expected a whole number above zero, found a whole number"]);
    let one_of = "a count needs one of `equals`, `at_least` and `equals_arguments`";
    for wrong in ["pattern = 'a'", "pattern = 'a', equals = 1, at_least = 1"] {
        assert_eq!(count(wrong), [format!("5:89 {one_of}")]);
    }
    let text = tool_and("").replace(r#"with = ["write"]"#, r#"with = ["write"], success_from_step = true"#);
    assert!(load(&source(&text)).is_ok());
}

#[test]
fn a_tool_may_put_faults_before_those_it_takes_over() {
    let fault =
        |word: &str| format!("[{{ pattern = '{word}', class = \"refused\", message = \"{word}\", code = \"c\" }}]");
    let other = format!("[other]\nlike = \"flasher\"\nfirst_faults = {}\n", fault("own"));
    let text = tool_and(&format!("faults = {}\n{other}", fault("common")));
    let catalog = load(&source(&text)).expect("has no faults");
    let words = |name: &str| -> Vec<String> {
        catalog.tool(name).expect("is there").faults.iter().map(|fault| fault.message.clone()).collect()
    };
    assert_eq!(words("flasher"), ["common"]);
    assert_eq!(words("other"), ["own", "common"]);
}

#[test]
fn calls_and_rules_are_known_by_their_arguments() {
    let catalog = shipped().expect("has no faults");
    let tool = catalog.tool("dfu-util").expect("is shipped");
    let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let command = |line: &str| tool.command(&args(line)).map_or("none", |command| command.name.as_str());
    assert_eq!(command("-d ,0483:df11 -a 0 -s 0x08000000 -D x.bin"), "write-dfuse");
    assert_eq!(command("-d ,0483:df11 -a 0 -s :leave -D x.dfu"), "write-dfuse-file");
    assert_eq!(command("-w -d ,37c5:924a -a 2 -D x.bin"), "write-waiting");
    assert_eq!(command("-d ,0483:df11 -a 0 -s 0x08000000"), "command-only");
    assert_eq!(command("-e"), "none");
    let broken = |line: &str| tool.rules.iter().filter(|rule| rule.applies(&args(line))).count();
    assert_eq!(broken("-d ,0483:df11 -a 0 -s 0x08000000:leave -D x.bin"), 0);
    assert_eq!(broken("-d 37c5:924a -a 2 -D x.bin"), 1);
    assert_eq!(broken("-d ,0483:df11 -a 0 -s 0x08000000:l -D x.bin"), 1);
    let tool = catalog.tool("blhost").expect("is shipped");
    let broken = |line: &str| tool.rules.iter().filter(|rule| rule.applies(&args(line))).count();
    assert_eq!(broken("-u 0x15A2,0x0073 -t 120000 -- flash-erase-region 0x60001000 0x3F000"), 0);
    assert_eq!(broken("-u 0x15A2,0x0073 -- flash-erase-region 0x60001000"), 1);
    assert_eq!(broken("-u 0x15A2:0x0073 -- get-property 1"), 1);
    assert_eq!(broken("-u 15A2,0073 get-property 1"), 2);
    assert_eq!(broken("-u 0x15A2,0x0073 -- efuse-program-once 0x06 0x10 lock"), 3);
    let tool = catalog.tool("app-write-mram").expect("is shipped");
    assert!(tool.terminal && tool.private_folder && !tool.parallel);
    for question in ["Enter port name:", "Select an option (Enter to exit): ", "> "] {
        assert!(tool.questions.iter().any(|pattern| pattern.is_match(question)), "{question}");
    }
    let tool = catalog.tool("blhost").expect("is shipped");
    let erase = tool.command(&args("-- flash-erase-region 0 1")).expect("is known");
    assert!(erase.changes_board);
    assert_eq!(tool.statuses[0].classes["10004"], FaultClass::NoAnswer);
    let tool = catalog.tool("STM32_Programmer_CLI").expect("is shipped");
    let command = |line: &str| tool.command(&args(line)).map_or("none", |command| command.name.as_str());
    assert_eq!(command("-c port=USB1 -d FlashLayout.tsv"), "layout-write");
    assert_eq!(command("-c port=USB1 -w x.bin 0x08000000 -v"), "image-write-verify");
    assert_eq!(command("-l usb"), "list");
    assert_eq!(tool.select_position(&args("-c port=USB1 -d FlashLayout.tsv")), 2..2);
    assert_eq!(tool.select_position(&args("-l usb")), 0..0);
    let broken = |line: &str| tool.rules.iter().filter(|rule| rule.applies(&args(line))).count();
    assert_eq!(broken("-c port=USB1 -d FlashLayout.tsv"), 0);
    assert_eq!(broken("-l usb"), 0);
    assert_eq!(broken("-l"), 1);
    assert_eq!(broken("-c port=USB1 -rdu"), 1);
    assert_eq!(broken("-q -d x.bin 0x08000000"), 2);
}

#[test]
fn what_is_imported_is_named_and_of_a_known_flavour() {
    let warm = |keys: &str| {
        tool_and(&format!("[flasher.warm]\n{keys}"))
            .replace("version = { args", "version = { prefer = \"fast\", args")
            .replace("[{ pattern", "[{ name = \"native\", pattern")
    };
    assert_eq!(
        faults(&warm("flavour = \"slow\"\nimports = [\"a.b_c\", \"-c\"]\n")),
        [
            "4:22 `fast` is none of the tool's flavours (known here: native)",
            "7:11 `slow` is none of the tool's flavours (known here: native)",
            "8:11 `-c` is not the name of a module",
        ]
    );
    assert_eq!(
        faults(&warm("import = [\"a\"]\n"))[1..],
        ["6:1 the key `imports` is missing", "7:1 unknown key `import` (did you mean `imports`?)"]
    );
}

#[test]
fn common_faults_stand_where_a_tool_names_them() {
    let fault = |word: &str| format!("{{ pattern = '{word}', class = \"refused\", message = \"{word}\" }}");
    let text = tool_and(&format!(
        "faults = [{}, {{ common = \"usb\" }}, {}]\n[other]\nlike = \"flasher\"\n[common_faults]\nusb = [{}, {}]\n",
        fault("first"),
        fault("last"),
        fault("io"),
        fault("pipe")
    ));
    let catalog = load(&source(&text)).unwrap_or_else(|faults| panic!("{:#?}", described(faults)));
    for name in ["flasher", "other"] {
        let tool = catalog.tool(name).expect("is there");
        let words: Vec<&str> = tool.faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(words, ["first", "io", "pipe", "last"]);
    }
    let wrong = |entry: &str| faults(&tool_and(&format!("faults = [{entry}]\n[common_faults]\nusb = []\n")));
    assert_eq!(
        wrong("{ common = \"usb-codes\" }"),
        ["6:22 no common faults are called `usb-codes` (did you mean `usb`?)"]
    );
    let both = wrong("{ common = \"usb\", pattern = 'a', class = \"refused\", message = \"x\" }");
    assert_eq!(both, ["6:22 `common` stands alone, and only in a tool's own list of faults"]);
}

#[test]
fn who_holds_devices_and_what_a_third_time_means_are_texts() {
    let text = tool_and(
        "faults = [{ pattern = 'a', class = \"refused\", message = \"x\", third_time = { clas = \"refused\" } }]\n\
         [holders]\nmodem = 3\n",
    );
    assert_eq!(
        faults(&text),
        [
            "6:75 the key `message` is missing",
            "6:77 unknown key `clas` (did you mean `class`?)",
            "8:9 expected a text, found a whole number"
        ]
    );
    let shipped = shipped().expect("has no faults");
    assert!(shipped.holders["ModemManager"].contains("systemctl stop ModemManager"));
    assert!(shipped.holders.contains_key("brltty"));
}

/// One constant names the file for udev; nothing else in the catalog writes another.
#[test]
fn no_text_of_the_catalog_names_a_rules_file_of_its_own() {
    let text = &shipped_source().text;
    assert!(!text.contains("rules.d") && !text.contains("usermod"), "commands for permission are made by the engine");
}
