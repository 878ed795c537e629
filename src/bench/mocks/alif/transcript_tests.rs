//! Alif's mock tools print what the real ones printed.

use std::path::Path;

use crate::bench::Scripted;
use crate::bench::mocks::alif::test_bench::{AlifBench, HARD_MAINTENANCE, RELEASES, ROM_RECOVERY};
use crate::bench::test_bench::Printed;

/// Transcript without its release, starting states, and what happens while the tool waits.
type Case = (&'static str, &'static [&'static str], &'static [Scripted]);

const CASES: &[Case] = &[
    ("banner-in-recovery", &["recovery"], &[]),
    ("banner-no-target", &["silent"], &[]),
    ("banner-ok", &[], &[]),
    ("hard-maintenance", &["silent"], HARD_MAINTENANCE),
    ("rom-recovery", &["recovery"], ROM_RECOVERY),
    ("update-package-ok", &[], &[]),
    ("write-in-recovery", &["recovery"], &[]),
    ("write-nak-mid-data", &["nak-mid-image"], &[]),
    ("write-ok", &[], &[]),
];

fn transcripts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts/alif"))
}

/// The recorded call and what it printed, folds unfolded.
fn load(release: &str, case: &str) -> Option<(Vec<String>, Printed)> {
    let text = std::fs::read_to_string(transcripts().join(format!("{release}-{case}.txt"))).ok()?;
    let (head, rest) = text.split_once("--- stdout\n").unwrap();
    let (stdout, rest) = rest.split_once("--- stderr\n").unwrap();
    let (stderr, exit) = rest.rsplit_once("--- exit ").unwrap();
    let call = head.lines().find_map(|line| line.strip_prefix("$ ")).unwrap();
    let words = match call.split_once(" -i ") {
        Some((tool, images)) => vec![tool, "-i", images.trim_matches('"')],
        None => call.split(' ').collect(),
    };
    let stdout = stdout.replace("{src} ", "").replace("\\r", "\r").replace("\\x1b", "\x1b").replace("\\x00", "\0");
    let mut stdout = unfold(&stdout);
    if head.contains("without LF") {
        stdout.truncate(stdout.trim_end_matches('\n').len());
    }
    let printed = Printed { stdout: mask(&stdout), stderr: stderr.to_owned(), exit_code: exit.trim().parse().unwrap() };
    Some((words.into_iter().map(str::to_owned).collect(), printed))
}

/// Writes out what `{fold N}` stands for.
fn unfold(text: &str) -> String {
    let progress = regex::Regex::new(
        r"(?P<name>alif/\S+?bin)\s*\[ *\]0%: (?P<step>\d+)/(?P<total>\d+) bytes\r\{fold (?P<count>\d+)\}",
    );
    let text = progress.unwrap().replace_all(text, |found: &regex::Captures<'_>| {
        let number = |name: &str| found[name].parse::<u64>().unwrap();
        let (step, total, count) = (number("step"), number("total"), number("count"));
        let lines: Vec<String> = (1..=count + 1)
            .map(|done| {
                let percent = 100 * done * step / total;
                let bar = "#".repeat(usize::try_from(percent / 5).unwrap());
                format!("{:<32}[{bar:<20}]{percent}%: {}/{total} bytes", &found["name"], done * step)
            })
            .collect();
        lines.join("\r")
    });
    let waiting = regex::Regex::new(r"(?:Waiting for Target..\[RESET Platform\] \|\r){3}\{fold \d+\}").unwrap();
    waiting.replace_all(&text, "Waiting…").into_owned()
}

/// Seconds differ from run to run, and so does the number of waiting lines.
fn mask(text: &str) -> String {
    let text = regex::Regex::new(r"( +\d+\.\d\d|\{S\}) seconds").unwrap().replace_all(text, "… seconds");
    let text = regex::Regex::new(r"recovery time(:?) *…").unwrap().replace_all(&text, "recovery time$1…");
    let waiting = r"(?:Waiting for Target..\[RESET Platform\] [|/\\-]\r)+";
    regex::Regex::new(waiting).unwrap().replace_all(&text, "Waiting…").into_owned()
}

#[test]
fn the_mocks_print_what_the_real_tools_printed() {
    let mut played = 0;
    for (release, _) in RELEASES {
        for (case, names, script) in CASES {
            let Some((words, recorded)) = load(release, case) else { continue };
            let release_name = format!("tools-{release}");
            let mut names = [&[release_name.as_str()], *names].concat();
            // The recorded chip always ran 1.103.1.
            if *case == "banner-ok" && release != "1.103" {
                names.push("old-ses");
            }
            let bench = AlifBench::switched_on(&names);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut printed = bench.call(&words, script);
            printed.stdout = mask(&printed.stdout);
            let differs = printed.stdout.lines().zip(recorded.stdout.lines()).find(|(one, other)| one != other);
            assert!(printed == recorded, "{release}-{case} ends with {}: {differs:.2000?}", printed.exit_code);
            played += 1;
        }
    }
    let recorded = std::fs::read_dir(transcripts()).unwrap().filter_map(Result::ok);
    let recorded = recorded.filter(|entry| entry.path().extension().is_some_and(|end| end == "txt")).count();
    assert_eq!(played, recorded, "every recorded run is played");
}
