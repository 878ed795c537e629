//! Tabs and answers, without a browser and without a server.

use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::engine::{GoesOn, Outcome, StepEnd, finished, without_problem};
use crate::words::{Stream as ToolStream, steers};
use crate::world::{Person, Reply};

/// A page with a run at its one place.
struct Opened {
    watch: Watch,
    place: PageNumber,
    person: Person,
    runtime: Runtime,
}

fn opened(rehearses: bool) -> Opened {
    let watch = Watch::default();
    let place = watch.add_place("");
    let (person, channel) = Person::at_page();
    watch.begin(place, &Manner { rehearses, ..Manner::default() }, channel);
    Opened { watch, place, person, runtime: Builder::new_current_thread().build().unwrap() }
}

impl Opened {
    fn tell(&self, event: &Event) {
        self.watch.tell(self.place, &Told::now(event));
    }

    /// What a stream has to send now, handed on as to a browser.
    fn read(&self, stream: &mut Stream) -> String {
        let frames = self.runtime.block_on(stream.next());
        stream.note().were_sent(&frames);
        frames.text
    }

    /// The lines that the run gets of what was answered.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        while let std::task::Poll::Ready(Reply::Line(line)) = std::pin::pin!(self.person.reply()).poll(&mut context) {
            lines.push(line);
        }
        lines
    }

    fn question(&self) -> Option<u64> {
        self.watch.lock().places[0].place.asked.as_ref()?.number
    }
}

fn consent() -> Event {
    Event::ConsentAsked {
        step: "boot-fuse".parse().unwrap(),
        why: "It can never be cleared.".to_owned(),
        command: vec!["burn".to_owned(), "a b".to_owned()],
        fuse: None,
        phrase: "boot-fuse".to_owned(),
        limit_ms: 600_000,
    }
}

fn prompted(goes_on: GoesOn) -> Event {
    Event::Prompted {
        step: "enter".parse().unwrap(),
        prompt: 1,
        text: "Connect the wire.".to_owned(),
        goes_on,
        hands: vec![crate::documents::playbook::HandMove::FitJumper],
        without_person: false,
        drawing: None,
        limit_ms: 1,
    }
}

fn note(text: &str) -> Event {
    Event::Note { text: text.to_owned() }
}

/// The tab's name, and its stream, of which the first frames were read.
fn tab(page: &Opened, name: &str) -> (String, Stream) {
    let name = page.watch.enter(None, name.to_owned());
    let mut stream = page.watch.stream(&name).unwrap();
    page.read(&mut stream);
    (name, stream)
}

#[test]
fn only_what_was_sent_to_the_tab_that_answers_is_answered_and_only_once() {
    let page = opened(false);
    let (one, mut stream) = tab(&page, "one");
    let (other, mut other_stream) = tab(&page, "other");
    page.tell(&consent());
    let number = page.question().unwrap();
    // Told, but still on its way.
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse"), Err(NotTaken::NotSent));
    let shown = page.read(&mut stream);
    assert_eq!(page.read(&mut other_stream).replace("\"holds\":false", "\"holds\":true"), shown, "both see the same");
    assert_eq!(page.watch.answer(&other, 0, number, "boot-fuse"), Err(NotTaken::NotTheHolder));
    assert_eq!(page.watch.answer("nobody", 0, number, "boot-fuse"), Err(NotTaken::UnknownTab));
    assert_eq!(page.watch.answer(&one, 0, number + 1, "boot-fuse"), Err(NotTaken::NotAsked));
    assert_eq!(page.watch.answer(&one, 1, number, "boot-fuse"), Err(NotTaken::NothingRuns));
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse\nboot-fuse"), Err(NotTaken::NotAsked));
    assert_eq!(page.lines(), [""; 0]);
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse"), Ok(()));
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse"), Err(NotTaken::NotAsked));
    assert_eq!(page.lines(), ["boot-fuse"]);
}

#[test]
fn another_answer_than_those_that_count_makes_it_another_question() {
    let page = opened(false);
    let (one, mut stream) = tab(&page, "one");
    page.tell(&consent());
    page.read(&mut stream);
    let first = page.question().unwrap();
    page.tell(&note("Something else has happened."));
    assert_eq!(page.question(), Some(first), "nobody has answered yet");
    page.watch.answer(&one, 0, first, "yes").unwrap();
    page.tell(&note("That is not `boot-fuse`."));
    let second = page.question().unwrap();
    assert_ne!(first, second);
    assert_eq!(page.watch.answer(&one, 0, first, "boot-fuse"), Err(NotTaken::NotAsked));
    let shown = page.read(&mut stream);
    assert!(shown.contains("That is not `boot-fuse`.") && shown.contains("It can never be cleared."), "{shown}");
    assert_eq!(page.watch.answer(&one, 0, second, "boot-fuse"), Ok(()));
    assert_eq!(page.lines(), ["yes", "boot-fuse"]);
    let given = Event::ConsentGiven {
        step: "boot-fuse".parse().unwrap(),
        by: "the person at the page".to_owned(),
        how: crate::engine::Agreed::Typed,
        operator: None,
        fuse: None,
    };
    page.tell(&given);
    assert_eq!(page.question(), None);
}

#[test]
fn another_tab_takes_over_by_a_wish_of_its_own_and_has_to_be_sent_the_question() {
    let page = opened(false);
    let (one, mut stream) = tab(&page, "one");
    page.tell(&consent());
    page.read(&mut stream);
    let number = page.question().unwrap();
    let other = page.watch.enter(None, "other".to_owned());
    assert_eq!(page.watch.take_over("nobody"), Err(NotTaken::UnknownTab));
    page.watch.take_over(&other).unwrap();
    assert_eq!(page.watch.answer(&other, 0, number, "boot-fuse"), Err(NotTaken::NotSent));
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse"), Err(NotTaken::NotTheHolder));
    assert_eq!(page.watch.stop(&one, 0, 0), Err(NotTaken::NotTheHolder));
    assert!(page.read(&mut stream).contains("\"holds\":false"));
    let mut other_stream = page.watch.stream(&other).unwrap();
    assert!(page.read(&mut other_stream).contains("\"holds\":true"));
    assert_eq!(page.watch.answer(&other, 0, number, "boot-fuse"), Ok(()));
}

#[test]
fn a_closed_tab_changes_nothing_and_a_loaded_one_goes_on() {
    let page = opened(false);
    let (one, mut stream) = tab(&page, "one");
    page.tell(&consent());
    page.read(&mut stream);
    let number = page.question().unwrap();
    drop(stream);
    assert_eq!(
        (page.question(), page.lines().len(), page.person.who()),
        (Some(number), 0, Some("the person at the page"))
    );
    // Loaded again: the same tab, which is sent everything anew.
    assert_eq!(page.watch.enter(Some(one.clone()), "unused".to_owned()), one);
    let mut stream = page.watch.stream(&one).unwrap();
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse"), Err(NotTaken::NotSent));
    assert!(page.read(&mut stream).contains("\"holds\":true"));
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse"), Ok(()));
    // A copy of the tab takes its place.
    let mut copy = page.watch.stream(&one).unwrap();
    assert!(page.read(&mut stream).starts_with("event: replaced\n"));
    assert!(page.read(&mut copy).contains("\"holds\":true"));
    drop(stream);
    assert!(page.watch.lock().tabs[&one].stream.is_some());
}

#[test]
fn hands_are_answered_by_a_button_only_where_a_button_is() {
    let page = opened(false);
    let (one, mut stream) = tab(&page, "one");
    page.tell(&prompted(GoesOn::ByItself));
    page.read(&mut stream);
    assert_eq!(page.question(), None, "the hardware answers");
    page.tell(&prompted(GoesOn::WithEnter));
    page.read(&mut stream);
    let number = page.question().unwrap();
    assert_eq!(page.watch.answer(&one, 0, number, "yes"), Err(NotTaken::NotAsked));
    assert_eq!(page.watch.answer(&one, 0, number, ""), Ok(()));
    assert_eq!(page.lines(), [""]);

    let rehearsal = opened(true);
    tab(&rehearsal, "one");
    rehearsal.tell(&prompted(GoesOn::ByItself));
    assert!(rehearsal.question().is_some());
}

#[test]
fn the_wish_to_end_goes_to_the_run_of_that_place() {
    let page = opened(false);
    let (one, _stream) = tab(&page, "one");
    assert_eq!(page.watch.stop(&one, 1, 0), Err(NotTaken::NothingRuns));
    page.watch.stop(&one, 0, 0).unwrap();
    // Pressed twice in haste: only who has seen what came of the first may cut a write short.
    assert_eq!(page.watch.stop(&one, 0, 0), Err(NotTaken::StopsAlready));
    assert_eq!(page.watch.stop(&one, 0, 1), Err(NotTaken::StopsAlready));
    page.runtime.block_on(page.person.wishes_to_end());
    page.tell(&without_problem(Outcome::Recovered));
    assert_eq!(page.watch.stop(&one, 0, 0), Err(NotTaken::NothingRuns));
}

#[test]
fn several_places_are_told_apart_and_only_what_changed_is_sent() {
    let page = opened(false);
    let second = page.watch.add_place("1-1.2");
    let (one, mut stream) = tab(&page, "one");
    let (person, channel) = Person::at_page();
    page.watch.begin(second, &Manner::default(), channel);
    page.read(&mut stream);
    page.watch.tell(second, &Told::now(&consent()));
    let shown = page.read(&mut stream);
    assert!(shown.contains("\"number\":1,\"name\":\"1-1.2\"") && !shown.contains("\"number\":0,"), "{shown}");
    let number = page.watch.lock().places[1].place.asked.as_ref().unwrap().number.unwrap();
    assert_eq!(page.watch.answer(&one, 0, number, "boot-fuse"), Err(NotTaken::NotAsked));
    page.watch.answer(&one, 1, number, "boot-fuse").unwrap();
    assert_eq!(page.runtime.block_on(person.reply()), Reply::Line("boot-fuse".to_owned()));
    assert_eq!(page.lines(), [""; 0]);
}

#[test]
fn the_end_is_sent_with_the_last_lines_and_nothing_behind_it() {
    let page = opened(false);
    let (_, mut stream) = tab(&page, "one");
    for number in 0..LOG_LINES_MAX + 10 {
        let (step, text) = ("a".parse().unwrap(), format!("line {number}"));
        page.tell(&Event::ToolOutput { step, stream: ToolStream::Stdout, text, transient: false });
    }
    page.tell(&without_problem(Outcome::Recovered));
    page.watch.end();
    let frames = page.runtime.block_on(stream.next());
    assert!(frames.last && frames.text.ends_with("event: over\ndata: null\n\n"), "{}", frames.text);
    assert!(frames.text.contains(&format!("line {}", LOG_LINES_MAX + 9)) && frames.text.contains("RECOVERED"));
    let piece = page.watch.log(0, 0);
    assert!(piece.from > 0 && piece.lines.len() == LOG_LINES_AT_ONCE && piece.to == piece.from + 500, "{}", piece.from);
    assert!(page.watch.log(0, u64::MAX).lines.is_empty() && page.watch.log(7, 0).lines.is_empty());
}

#[test]
fn tabs_that_nobody_has_open_are_forgotten() {
    let page = opened(false);
    let (one, _stream) = tab(&page, "one");
    for number in 0..2 * TABS_MAX {
        page.watch.enter(None, format!("gone {number}"));
    }
    let state = page.watch.lock();
    assert!(state.tabs.len() <= TABS_MAX && state.tabs.contains_key(&one), "{}", state.tabs.len());
}

#[test]
fn text_from_outside_steers_nothing() {
    const HOSTILE: &str = "a\u{1b}[31m\u{202e}b\u{200b}<script>alert(1)</script>";
    let page = opened(false);
    let (_, mut stream) = tab(&page, "one");
    let step = "a".parse::<crate::words::Id>().unwrap();
    let problem =
        crate::engine::before_anything(crate::words::FaultClass::Unknown, HOSTILE.to_owned(), vec![HOSTILE.to_owned()]);
    for event in [
        Event::StepStarted { step: step.clone(), name: HOSTILE.to_owned(), number: 1, total: 2 },
        Event::ToolOutput {
            step: step.clone(),
            stream: ToolStream::Stderr,
            text: HOSTILE.to_owned(),
            transient: false,
        },
        Event::Waiting {
            step: step.clone(),
            waiting_for: HOSTILE.to_owned(),
            attached: vec![HOSTILE.to_owned()],
            remaining_ms: 1,
        },
        Event::Warning { text: HOSTILE.to_owned() },
        Event::StepFinished {
            step,
            name: HOSTILE.to_owned(),
            number: 1,
            total: 2,
            end: StepEnd::SucceededWithWarning(HOSTILE.to_owned()),
            elapsed_ms: 1,
        },
        finished(Outcome::StepFailed, problem),
    ] {
        page.tell(&event);
        let shown = page.read(&mut stream);
        for data in shown.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let value: serde_json::Value = serde_json::from_str(data).unwrap();
            assert!(!texts(&value).iter().any(|text| text.chars().any(|it| it != '\n' && steers(it))), "{data}");
        }
    }
    // What is text for the page stays text there: nothing in its script makes markup of it.
    let script = include_str!("../page.js");
    for maker in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function"]
    {
        assert!(!script.contains(maker), "{maker}");
    }
}

fn texts(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(values) => values.iter().flat_map(texts).collect(),
        serde_json::Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
