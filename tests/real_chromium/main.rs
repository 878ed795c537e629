//! `recover open` in a real Chromium, without a window: a person's rescue of a virtual board, from the wire to the end.
//!
//! Where Chromium is not installed, the tests say so and pass; with `RECOVER_REQUIRE_CHROMIUM=1` in the environment they fail
//! instead. `RECOVER_SCREENSHOTS=DIR` keeps pictures of what they see, to be looked at.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod browser;
#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use browser::{Browser, Tab, met};
use serde_json::Value;
use support::{Ended, House};

/// A run on a page, at work.
struct Opened {
    process: Ended,
    /// What the terminal shows behind the address; it is read all the time, as a terminal does.
    output: std::thread::JoinHandle<String>,
    address: String,
}

fn open(house: &House, args: &[&str]) -> Opened {
    page_of(house, "open", args)
}

fn page_of(house: &House, verb: &str, args: &[&str]) -> Opened {
    // Given behind the house's own, which agrees to the fuse beforehand.
    let mut command = house.command(&[verb]);
    let mut process: Child = command.args(args).arg("--no-browser").stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let (_, address) = line.trim().split_once(": ").filter(|_| line.starts_with("The page of this ")).unwrap();
    let address = address.to_owned();
    let output = std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    });
    Opened { process: Ended(process), output, address }
}

impl Opened {
    /// What the terminal says, and the exit code.
    fn ends(mut self) -> (String, Option<i32>) {
        (self.output.join().unwrap(), self.process.0.wait().unwrap().code())
    }
}

/// Something is asked of the person, by a control that is ready.
const ASKED: &str =
    "!at('asked').hidden && !at('send').hidden && !at('send').disabled && performance.now() - since > TOO_SOON_MS";
const OVER: &str = "over";

/// What stands in an element, as a person reads it.
fn read(tab: &Tab<'_>, id: &str) -> String {
    tab.value(&format!("at('{id}').innerText")).as_str().unwrap_or_default().to_owned()
}

/// Nothing is wider than the window, each control has a name, and the script has met no fault.
fn looks_right(tab: &Tab<'_>, name: &str) {
    for (width, height) in [(1280, 800), (390, 844)] {
        for scheme in ["light", "dark"] {
            tab.window(width, height, scheme);
            let wide = tab.value("document.documentElement.scrollWidth");
            assert!(wide.as_u64().unwrap() <= width, "{name}: {wide} at {width}");
            tab.picture(&format!("{name}-{width}-{scheme}"));
        }
    }
    tab.window(1280, 800, "light");
    let nameless = "[...document.querySelectorAll('button, input, summary, [role=img]')].filter((it) => it.checkVisibility() && \
                    !(it.innerText || it.labels?.[0]?.innerText || it.getAttribute('aria-label'))).map((it) => it.id).join()";
    assert_eq!(tab.value(nameless), "", "{name}");
    assert_eq!(tab.faults(), [""; 0], "{name}");
}

#[test]
fn a_board_is_rescued_on_the_page_and_agreed_to_there() {
    if !met("a_board_is_rescued_on_the_page_and_agreed_to_there") {
        return;
    }
    let house = House::new();
    house.images();
    let (bench, runs) = (house.path("bench"), house.path("runs"));
    let [bench, runs] = [&bench, &runs].map(|path| path.to_str().unwrap());
    let run = open(&house, &["rt1062", "--simulate", "--files", "images", "--bench", bench, "--runs-dir", runs]);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.go(&run.address);
    tab.until(ASKED);
    assert_eq!(read(&tab, "title"), "Now");
    assert!(read(&tab, "text").contains("between the SBL pin and the 3.3V pin"));
    let drawn = tab.value("at('picture').querySelectorAll('.joined').length + ' ' + at('picture').textContent");
    assert_eq!(drawn, "2 SBL3.3V");
    assert!(read(&tab, "waiting-for").contains("1fc9:0135"), "{}", read(&tab, "waiting-for"));
    assert_eq!(read(&tab, "attached"), "no device of this board");
    let key = &run.address.split_once("?key=").unwrap().1.to_owned();
    let kept = tab.value("location.href + document.cookie + JSON.stringify({...sessionStorage, ...localStorage})");
    assert!(!kept.as_str().unwrap().contains(key.as_str()), "{kept}");
    assert_eq!(tab.value("document.cookie"), "");
    looks_right(&tab, "prompt");
    // The key that the terminal asks for, on the button that has the focus.
    tab.press_enter();

    // What cannot be undone: another tab sees it, and does not answer.
    tab.until("document.body.dataset.mood === 'danger'");
    tab.until(ASKED);
    assert!(read(&tab, "text").contains("It can never be cleared again"));
    assert!(read(&tab, "command").contains("efuse-program-once"));
    assert_eq!(tab.value("document.activeElement.id"), "answer");
    looks_right(&tab, "consent");
    let other = browser.tab();
    other.go(run.address.split('?').next().unwrap());
    other.until("at('command').innerText.includes('efuse-program-once')");
    assert_eq!(other.value("at('send').disabled && at('answer').disabled && at('stop').disabled"), true);
    assert!(read(&other, "banner-text").starts_with("Another tab answers."));
    tab.type_text("yes");
    tab.press_enter();
    tab.until("at('note').innerText.startsWith('That is not')");
    other.click("take");
    other.until(ASKED);
    tab.until("at('send').disabled");
    other.type_text("boot-fuse");
    looks_right(&other, "taken-over");
    other.press_enter();

    // The tab that only looks on goes away; that changes nothing.
    tab.close();
    other.until("document.body.dataset.mood === 'you'");
    other.until(ASKED);
    assert!(read(&other, "text").contains("Remove the wire"));
    other.press_enter();
    other.until(OVER);
    assert_eq!(read(&other, "title"), "Simulation passed");
    assert!(read(&other, "end").contains(runs), "{}", read(&other, "end"));
    other.value("at('log').open = true");
    other.until("at('log-lines').innerText.includes('consent given: the person at the page')");
    looks_right(&other, "recovered");
    let (told, code) = run.ends();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("SIMULATION PASSED") && !told.contains(key.as_str()), "{told}");
    assert_eq!(house.board().0["fuses"]["0x06"], "0x00000010", "{}", house.board().0);
    assert!(!kept_of(runs).contains(key.as_str()), "the record holds the secret of the page");
}

/// All that the record holds.
fn kept_of(runs: &str) -> String {
    let run = std::fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let files = std::fs::read_dir(run).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.is_file()).map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn a_failure_and_the_wish_to_stop_are_told_where_the_run_is_seen() {
    if !met("a_failure_and_the_wish_to_stop_are_told_where_the_run_is_seen") {
        return;
    }
    let house = House::new();
    let browser = Browser::start();
    let failing = open(&house, &["h7", "--simulate=protected"]);
    let tab = browser.tab();
    tab.go(&failing.address);
    tab.until(ASKED);
    tab.click("send");
    tab.until(OVER);
    let end = read(&tab, "end");
    for label in ["At step", "Command", "The board", "Attached", "Do next", "Steps"] {
        assert!(end.contains(label), "no {label}: {end}");
    }
    looks_right(&tab, "failed");
    let (told, code) = failing.ends();
    assert_eq!(code, Some(1), "{told}");
    let what = read(&tab, "text");
    assert!(told.split_whitespace().collect::<Vec<_>>().join(" ").contains(&what), "{what}: {told}");

    // With a token that has to be typed, as from a phone.
    let token = "only-for-this-bench";
    house.write("token", token);
    let file = house.path("work/token");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let stopped = open(&house, &["h7", "--simulate", "--listen", "127.0.0.1:0", "--token-file", "token"]);
    tab.load(&stopped.address);
    tab.until("document.activeElement.id === 'token'");
    tab.type_text(token);
    tab.press_enter();
    tab.until(ASKED);
    tab.click("stop");
    tab.until(OVER);
    assert_eq!(read(&tab, "title"), "INTERRUPTED");
    let (told, code) = stopped.ends();
    assert_eq!(code, Some(130), "{told}");
    let values: Vec<Value> = ["at('stop').disabled", "at('asked').hidden"].map(|it| tab.value(it)).into();
    assert_eq!(values, [true, true]);
}

/// Eight boards, each of which asks by itself before its fuse is set; one is not agreed to, and one never shows up and is given up.
#[test]
fn a_station_of_eight_is_seen_and_answered_on_one_page() {
    if !met("a_station_of_eight_is_seen_and_answered_on_one_page") {
        return;
    }
    const ABSENT: usize = 2;
    const DECLINED: usize = 7;
    let house = House::new();
    house.images();
    let args = ["rt1062", "--simulate=3:absent", "--files", "images", "--count", "8", "--page", "--runs-dir", "runs"];
    let station = page_of(&house, "station", &args);
    let browser = Browser::start();
    let tab = browser.tab();
    tab.go(&station.address);
    tab.until("at('places').children.length === 8");
    assert_eq!(tab.value("at('places').children[2].children[0].textContent"), "3 · 1-1.3");
    for place in (0..8).filter(|place| *place != ABSENT) {
        tab.until(&format!("at('places').children[{place}].dataset.mood === 'danger'"));
        tab.value(&format!("at('places').children[{place}].click()"));
        tab.until(ASKED);
        assert!(read(&tab, "board").starts_with(&format!("{} · ", place + 1)));
        if place == DECLINED {
            looks_right(&tab, "station");
            tab.until(ASKED);
            tab.click("decline");
        } else {
            tab.type_text("boot-fuse");
            tab.press_enter();
        }
        tab.until(&format!("at('places').children[{place}].dataset.mood !== 'danger'"));
    }
    tab.value(&format!("at('places').children[{ABSENT}].click()"));
    assert_eq!(read(&tab, "title"), "Now");
    tab.until("performance.now() - stopsShown.since > TOO_SOON_MS");
    tab.click("stop");
    tab.until(OVER);
    let moods = tab.value("[...at('places').children].map((it) => it.dataset.mood).join()");
    assert_eq!(moods, "good,good,bad,good,good,good,good,bad");
    looks_right(&tab, "station-over");
    let (told, code) = station.ends();
    assert_eq!(code, Some(6), "{told}");
    assert!(told.contains("8 boards: 6 recovered, 2 not recovered"), "{told}");
    let runs = std::fs::read_dir(house.path("work/runs")).unwrap().count();
    assert_eq!(runs, 8, "each has a record of its own");
}
