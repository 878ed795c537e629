//! What is to be seen after which events.

use serde_json::{Value, json};

use super::*;
use crate::words::{FaultClass, Id, ToolEnd, Verdict};

/// A place, and the number of its last question.
#[derive(Default)]
struct Seen(Place, u64);

fn id() -> Id {
    "a".parse().unwrap()
}

impl Seen {
    fn at(&mut self, ms: u64, event: &Event) -> Value {
        let told = Told { ms, ..Told::now(event) };
        self.0.tell(&told, &mut self.1);
        serde_json::to_value(&self.0).unwrap()
    }

    fn tell(&mut self, event: &Event) -> Value {
        self.at(0, event)
    }
}

fn step(number: usize) -> Event {
    Event::StepStarted { step: id(), name: format!("Step {number}"), number, total: 9 }
}

fn tool(changes_board: bool) -> Event {
    let command = vec!["mender".to_owned()];
    let (tool, purpose) = ("mender".to_owned(), String::new());
    Event::ToolStarted { step: id(), tool, command, limit_ms: 1, changes_board, purpose, region: None }
}

fn tool_ended() -> Event {
    Event::ToolEnded {
        step: id(),
        tool: "mender".to_owned(),
        command: Vec::new(),
        end: ToolEnd::Exited(0),
        exit_code: Some(0),
        verdict: Verdict::Succeeded,
        touched: crate::output::Touched::Nothing,
        warm: false,
        elapsed_ms: 1,
    }
}

fn progress(percent: f32, bytes: Option<u64>) -> Event {
    Event::Progress { step: id(), label: Some("write".to_owned()), percent: Some(percent), bytes, total: None }
}

fn waiting(remaining_ms: u64) -> Event {
    let (waiting_for, attached) = ("the ROM is not there yet".to_owned(), vec!["running firmware".to_owned()]);
    Event::Waiting { step: id(), waiting_for, attached, remaining_ms }
}

fn prompted() -> Event {
    Event::Prompted {
        step: id(),
        prompt: 1,
        text: "Connect the wire.".to_owned(),
        goes_on: GoesOn::ByItself,
        hands: Vec::new(),
        without_person: false,
        drawing: None,
        limit_ms: 300_000,
    }
}

#[test]
fn who_writes_is_told_and_how_fast() {
    let mut seen = Seen::default();
    let begun = seen.tell(&step(2));
    assert_eq!(
        (&begun["mood"], &begun["title"], &begun["text"]),
        (&json!("working"), &json!("Working"), &json!("Step 2"))
    );
    assert_eq!(begun["step"], json!({"name": "Step 2", "number": 2, "total": 9, "ended": 1}));
    let writing = seen.tell(&tool(true));
    assert_eq!(writing["mood"], "writing");
    assert_eq!(writing["title"], "mender is writing: do not unplug the board");
    assert_eq!(seen.at(1_000, &progress(10.0, Some(1_000)))["progress"]["remaining_ms"], Value::Null);
    let half = &seen.at(5_000, &progress(50.0, Some(5_000)))["progress"];
    assert_eq!((&half["rate"], &half["remaining_ms"]), (&json!("1,000 bytes/s"), &json!(5_000)));
    // Another part of the work begins anew.
    let again = &seen.at(6_000, &progress(5.0, Some(100)))["progress"];
    assert_eq!((&again["percent"], &again["rate"]), (&json!(5.0), &Value::Null));
    assert_eq!(seen.tell(&tool_ended())["progress"], Value::Null);
    let ended = Event::StepFinished {
        step: id(),
        name: "Step 2".to_owned(),
        number: 2,
        total: 9,
        end: StepEnd::Succeeded,
        elapsed_ms: 3_100,
    };
    assert_eq!(
        seen.tell(&ended)["ended"],
        json!([{"number": 2, "name": "Step 2", "how": "done in 3.1 s", "tone": "good"}])
    );
}

#[test]
fn what_hands_are_to_do_stays_until_the_hardware_has_shown_it() {
    let mut seen = Seen::default();
    seen.tell(&step(1));
    let asked = seen.tell(&prompted());
    assert_eq!(
        (&asked["mood"], &asked["title"], &asked["text"]),
        (&json!("you"), &json!("Now"), &json!("Connect the wire."))
    );
    assert_eq!(asked["asked"]["number"], Value::Null);
    let meanwhile = seen.tell(&waiting(9_000));
    assert_eq!((&meanwhile["text"], &meanwhile["wait"]["remaining_ms"]), (&json!("Connect the wire."), &json!(9_000)));
    seen.tell(&Event::Hinted { step: id(), text: "The wire may be loose.".to_owned(), after_ms: 20_000 });
    let hinted = seen.tell(&Event::Note { text: "Noted.".to_owned() });
    assert_eq!((&hinted["text"], hinted["notices"].as_array().unwrap().len()), (&json!("Connect the wire."), 2));
    let (end, text) = (WaitEnd::Met, "the ROM is there".to_owned());
    let over = seen.tell(&Event::WaitOver { step: id(), end, text, elapsed_ms: 1 });
    assert_eq!((&over["asked"], &over["wait"], &over["text"]), (&Value::Null, &Value::Null, &json!("Step 1")));
    assert_eq!(over["notices"], json!([{"kind": "note", "text": "Noted."}]));
    // A wait without a prompt is nobody's turn, and neither is what a program moves.
    assert_eq!(seen.tell(&waiting(1_000))["mood"], "waiting");
    let mut moved = prompted();
    if let Event::Prompted { without_person, goes_on, .. } = &mut moved {
        (*without_person, *goes_on) = (true, GoesOn::WithEnter);
    }
    let moved = seen.tell(&moved);
    assert_eq!((&moved["mood"], &moved["asked"]["number"]), (&json!("waiting"), &Value::Null));
}

#[test]
fn a_wish_to_end_is_told_with_the_words_of_the_button() {
    let mut seen = Seen::default();
    seen.tell(&tool(true));
    let wish = Event::Interrupted {
        by: crate::world::Interrupt::Interrupt,
        finishing: true,
        breaks: None,
        leaves: Some("the ROM starts".to_owned()),
        remaining_ms: Some(16_000),
    };
    assert_eq!(
        seen.tell(&wish)["stopping"],
        "Stopping. The run ends when this step is finished, in 16 s at the latest. Cutting it short would leave the board half \
         written: the ROM starts. Press Stop again to end the tool."
    );
}

#[test]
fn the_end_says_what_the_terminal_says() {
    let mut seen = Seen::default();
    seen.0.begin(&Manner { log: Some("runs/1/log.txt".to_owned()), ..Manner::default() });
    let mut problem = crate::engine::before_anything(
        FaultClass::Protected,
        "it is protected".to_owned(),
        vec!["Unlock it.".to_owned()],
    );
    problem.output = vec!["one".to_owned(), "two".to_owned()];
    let end = seen.tell(&crate::engine::finished(Outcome::StepFailed, problem));
    assert_eq!(
        (&end["mood"], &end["title"], &end["text"]),
        (&json!("bad"), &json!("NOT RECOVERED"), &json!("it is protected"))
    );
    let end = &end["end"];
    assert_eq!(
        (&end["said"], &end["next"], &end["record"]),
        (&json!(["one", "two"]), &json!(["Unlock it."]), &json!("runs/1/log.txt"))
    );
    assert!(seen.0.is_over());
    // The next run at this place begins anew.
    seen.0.begin(&Manner { no_record: true, ..Manner::default() });
    let again = seen.tell(&crate::engine::without_problem(Outcome::Recovered));
    assert_eq!((&again["title"], &again["end"]["record"]), (&json!("RECOVERED"), &json!("none was kept of this run")));
}
