//! Runs that nobody would plan, on a chip that is all chance: whatever a playbook tries, and whatever goes wrong, no fuse is
//! burnt twice, none without the consent that belongs to it, and none before the flash is proven.
//!
//! Nothing checks these playbooks first: the gate alone stands between them and the chip. A plain `cargo test` makes a few
//! hundred runs; `RECOVER_GUARD_TRACES=100000 cargo test --release --test guard_traces -- --nocapture` makes so many.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "fuzz/random.rs"]
#[expect(dead_code, reason = "the fuzz targets use the rest of it")]
mod random;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use random::Random;
use recover::documents::catalog::{Catalog, shipped};
use recover::documents::expression::Value;
use recover::documents::playbook::{DeviceKind, load};
use recover::engine::{Already, Chosen, Event, Files, Order, ReadyTool, Settings, Tools, WhenHealthy, run};
use recover::words::{Id, Source, Stream, ToolEnd, UsbId};
use recover::world::{
    Access, Ask, AttachedDevice, Cleared, DeviceList, Interrupt, Reply, RunningTool, Scratch, StopTool, ToolEvent,
    World,
};
use tokio::sync::mpsc;

const TRACES: u64 = 300;
const IMAGE: &[u8] = b"what belongs into the flash";
const WORDS: [u32; 3] = [5, 6, 7];

const HEAD: &str = r#"format: 1
board: Camera
inputs: {image: {file: image.bin}}
devices:
  loader: {usb: "1209:0001", label: the loader}
variables:
  command: {default: efuse-read-once, help: set from outside}
  word: {default: "0x06", help: set from outside}
  bits: {default: "", help: set from outside}
  address: {default: "0x60001000", help: set from outside}
"#;
const CALL: &str = r#""-u", "0x15A2,0x0073", "--","#;
const ON: &str = "[no-answer, device-lost, no-device, refused, unknown, timed-out, bad-usage, protected]";

/// One run: the playbook's text, and what comes from outside.
struct Trace {
    text: String,
    allowed: BTreeSet<Id>,
    variables: BTreeMap<Id, Value>,
    interactive: bool,
    interrupted: bool,
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

/// Steps that only pretend to be harmless, beside those that are.
fn step(random: &mut Random, number: usize, indent: &str, tricks: &[usize]) -> String {
    let args = match random.one_of(tricks) {
        0 => r#""write-memory", "0x60001000", "${image}""#,
        1 => r#""${command}", "${word}", "${bits}""#,
        2 => r#""efuse-program-once", "0x06", "00000010""#,
        3 => r#""fill-memory", "${address}", "4", "0x10", "word""#,
        4 => r#""write-memory", "${address}", "${image}""#,
        5 => r#""efuse-read-once", "0x06", "efuse-program-once", "0x06", "00000010""#,
        _ => r#""get-property", "1""#,
    };
    let retry = if random.once_in(2) { format!(", retry: {{attempts: 3, on: {ON}}}") } else { String::new() };
    let goes_on = if random.once_in(2) { "" } else { ", on_fault: [{class: bad-usage, set: refused}]" };
    format!(
        "{indent}- {{id: plain-{number}, run: blhost, device: loader, args: [{CALL} {args}], expect: 'Response', \
         timeout: 5s{retry}{goes_on}}}\n"
    )
}

fn irreversible(random: &mut Random, number: usize, indent: &str) -> String {
    let word = *random.one_of(&WORDS);
    let burn = match random.below(4) {
        0 => format!(r#""efuse-program-once", "${{word}}", "{:08x}""#, 0x10),
        _ => format!(r#""efuse-program-once", "0x{word:02}", "{:08x}""#, 0x10),
    };
    let restart = if random.once_in(2) {
        format!("\n{indent}  restart_at: {{step: first, on: {ON}, times: 2}}")
    } else {
        String::new()
    };
    format!(
        r#"{indent}- id: burn-{number}
{indent}  run: blhost
{indent}  device: loader
{indent}  args: [{CALL} {burn}]
{indent}  timeout: 20s{restart}
{indent}  irreversible:
{indent}    why: It can never be cleared.
{indent}    already_done: {{steps: [{{run: blhost, device: loader, args: [{CALL} "efuse-read-once", "0x{word:02}"], capture: {{fuse: {{integer: 'Response word 2 = (\d+) '}}}}}}], holds: fuse & 0x10 != 0}}
{indent}    verify: {{steps: [{{run: blhost, device: loader, args: [{CALL} "efuse-read-once", "0x{word:02}"], capture: {{fuse: {{integer: 'Response word 2 = (\d+) '}}}}}}], holds: fuse & 0x10 != 0}}
"#
    )
}

fn trace(random: &mut Random) -> Trace {
    let mut text = format!("{HEAD}steps:\n");
    text.push_str(&format!("  - {{id: first, run: blhost, device: loader, args: [{CALL} \"write-memory\", \"0x60001000\", \"${{image}}\"]}}\n"));
    for number in 0..random.below(3) {
        text.push_str(&step(random, number, "  ", &[0, 1, 2, 3, 4, 5, 6]));
    }
    let grouped = random.once_in(2);
    let indent = if grouped { "      " } else { "  " };
    if grouped {
        let way = if random.once_in(2) {
            format!("    retry: {{attempts: 3, on: {ON}}}\n")
        } else {
            format!("    restart_at: {{step: first, on: {ON}, times: 2}}\n")
        };
        text.push_str(&format!("  - id: group\n{way}    steps:\n"));
    }
    text.push_str(&format!(
        "{indent}- {{id: read-back, run: blhost, device: loader, args: [{CALL} \"read-memory\", \"0x60001000\", \"${{hex(size(image))}}\", \"${{back}}\"], produces: back}}\n\
         {indent}- {{id: proven, check: sha256(back) == sha256(image)}}\n"
    ));
    for number in 0..1 + random.below(3) {
        if random.once_in(4) {
            // None that writes into the flash once it is proven.
            text.push_str(&step(random, 10 + number, indent, &[1, 2, 3, 5, 6]));
        }
        text.push_str(&irreversible(random, number, indent));
    }
    let allowed = (0..3).filter(|_| random.once_in(2)).map(|number| id(&format!("burn-{number}"))).collect();
    let mut variables = BTreeMap::from([
        (id("command"), Value::Text("efuse-read-once".into())),
        (id("word"), Value::Text("0x06".into())),
        (id("bits"), Value::Text(String::new())),
        (id("address"), Value::Text("0x60001000".into())),
    ]);
    for (name, values) in [
        ("command", &["efuse-program-once", "flash-program-once", "receive-sb-file", "flash-erase-all"][..]),
        ("word", &["0x05", "0x07", "6"]),
        ("bits", &["00000010", "ffffffff"]),
        ("address", &["0x401F4400", "0xE000E000", "0x00000000", "/etc/passwd"]),
    ] {
        if random.once_in(2) {
            variables.insert(id(name), Value::Text((*random.one_of(values)).to_owned()));
        }
    }
    Trace { text, allowed, variables, interactive: random.once_in(2), interrupted: random.once_in(8) }
}

/// A chip that answers, refuses, or says nothing, as chance will have it.
struct Chip {
    random: RefCell<Random>,
    fuses: RefCell<BTreeMap<u32, u32>>,
    flash_is_good: RefCell<bool>,
    /// The step whose consent was asked for, and what was answered.
    asked: RefCell<Option<(Id, String)>>,
    /// Steps that somebody agreed to, and that have burnt nothing since.
    agreed: RefCell<BTreeSet<Id>>,
    burnt: RefCell<BTreeSet<Id>>,
    at_work: RefCell<Option<Id>>,
    broken: RefCell<Vec<String>>,
    interactive: bool,
    interrupted: RefCell<bool>,
}

struct Never;

impl StopTool for Never {
    fn ask(&mut self) -> bool {
        true
    }
    fn force(&mut self) {}
}

impl Chip {
    fn breaks(&self, what: String) {
        self.broken.borrow_mut().push(what);
    }

    /// What the call does to the chip, and what the tool prints.
    fn carry_out(&self, call: &Cleared) -> (String, ToolEnd) {
        let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
        let command = words.iter().position(|word| *word == "--").map_or(&words[..], |at| &words[at + 1..]);
        let mut random = self.random.borrow_mut();
        let fault = random.once_in(4);
        let ok = "Response status = 0 (0x0) Success.\nResponse word 1 = 1 (0x4b020700)\n".to_owned();
        let failed = |random: &mut Random| {
            let text = *random.one_of(&[
                "Response status = 10004 (0x2714) No response packet from target device.\n",
                "Response status = 10101 (0x2775) Failure.\n",
                "gone mad\n",
                "",
            ]);
            (text.to_owned(), if random.once_in(2) { ToolEnd::Exited(1) } else { ToolEnd::Signalled(9) })
        };
        match command {
            ["efuse-program-once", word, bits] => {
                let word = u32::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0);
                let bits = u32::from_str_radix(bits, 16).unwrap_or(0);
                let step = self.at_work.borrow().clone();
                match step {
                    Some(step) if self.agreed.borrow_mut().remove(&step) => {
                        if !self.burnt.borrow_mut().insert(step.clone()) {
                            self.breaks(format!("{step} burnt a second time"));
                        }
                    }
                    step => self.breaks(format!("burnt without consent in {step:?}: {command:?}")),
                }
                if !*self.flash_is_good.borrow() {
                    self.breaks(format!("burnt before the flash was proven: {command:?}"));
                }
                let mut fuses = self.fuses.borrow_mut();
                let before = fuses.entry(word).or_default();
                if *before & bits == bits {
                    self.breaks(format!("word {word} was burnt already"));
                }
                // Whatever it says, it may have done it or not.
                if !random.once_in(4) {
                    *before |= bits;
                }
                if fault { failed(&mut random) } else { (ok, ToolEnd::Exited(0)) }
            }
            ["efuse-read-once", word] => {
                let word = u32::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0);
                let bits = self.fuses.borrow().get(&word).copied().unwrap_or(0);
                let read = format!(
                    "Response status = 0 (0x0) Success.\nResponse word 1 = 4 (0x4)\nResponse word 2 = {bits} ({bits:#x})\n"
                );
                if fault { failed(&mut random) } else { (read, ToolEnd::Exited(0)) }
            }
            ["write-memory", "0x60001000", _] => {
                *self.flash_is_good.borrow_mut() = !random.once_in(4);
                if fault { failed(&mut random) } else { (ok, ToolEnd::Exited(0)) }
            }
            ["read-memory", _, _, file] => {
                let good = *self.flash_is_good.borrow();
                let contents = if good { IMAGE.to_vec() } else { b"something else".to_vec() };
                std::fs::write(call.folder.join(file), contents).unwrap();
                if fault { failed(&mut random) } else { (ok, ToolEnd::Exited(0)) }
            }
            ["fill-memory" | "write-memory", address, ..] => {
                let harmless = ["0x60001000", "0x00000000"].contains(address);
                if !harmless {
                    self.breaks(format!("{command:?} went out"));
                }
                (ok, ToolEnd::Exited(0))
            }
            ["get-property", "1"] => (ok, ToolEnd::Exited(0)),
            other => {
                self.breaks(format!("{other:?} went out"));
                (ok, ToolEnd::Exited(0))
            }
        }
    }
}

impl World for Chip {
    fn node_path(&self, _: &AttachedDevice) -> Option<PathBuf> {
        None
    }

    fn start(&self, call: &Cleared) -> RunningTool {
        let (prints, end) = self.carry_out(call);
        let (sender, events) = mpsc::channel(4);
        sender.try_send(ToolEvent::Output(Stream::Stdout, prints.into_bytes())).unwrap();
        sender.try_send(ToolEvent::Ended(end)).unwrap();
        RunningTool { events, stop: Box::new(Never), input: None }
    }

    fn devices(&self, _: &[(UsbId, DeviceKind)]) -> DeviceList {
        Ok(vec![AttachedDevice {
            id: "1209:0001".parse().unwrap(),
            port: "1-1".into(),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Usb,
            access: Access::Permitted,
            arrival: 0,
        }])
    }

    async fn devices_changed(&self) {
        std::future::pending::<()>().await;
    }

    fn ask(&self, ask: Ask<'_>) {
        if let Ask::Consent { step } = ask {
            let mut random = self.random.borrow_mut();
            let other = format!("burn-{}", random.below(3));
            let answers = [step.as_str(), step.as_str(), other.as_str(), "yes", "", "no", "--allow-irreversible"];
            *self.asked.borrow_mut() = Some((step.clone(), (*random.one_of(&answers)).to_owned()));
        }
    }

    async fn reply(&self) -> Reply {
        let Some((step, line)) = self.asked.borrow().clone() else { return std::future::pending().await };
        if line == step.as_str() {
            self.agreed.borrow_mut().insert(step);
        }
        if self.random.borrow_mut().once_in(16) { Reply::Gone } else { Reply::Line(line) }
    }

    fn interactive(&self) -> bool {
        self.interactive
    }

    fn who_agrees(&self) -> Option<&'static str> {
        self.interactive.then_some("chance")
    }

    async fn interrupted(&self) -> Interrupt {
        if self.interrupted.take() && self.random.borrow_mut().once_in(2) {
            let after = Duration::from_secs(u64::try_from(self.random.borrow_mut().below(20)).unwrap());
            tokio::time::sleep(after).await;
            return Interrupt::Interrupt;
        }
        std::future::pending().await
    }
}

fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| shipped().unwrap())
}

/// What broke a rule in the run of this number; and how many burns went out.
fn prove(number: u64) -> (Vec<String>, usize) {
    let mut random = Random::new(number);
    let Trace { text, allowed, variables, interactive, interrupted } = trace(&mut random);
    let source = Arc::new(Source { name: "camera.yaml".into(), text: text.clone() });
    let loaded = load(&source, &|_| unreachable!());
    assert!(loaded.diagnostics.is_empty(), "{number}: {:?}\n{text}", loaded.diagnostics);
    let playbook = loaded.playbook.unwrap();
    let scratch = Scratch::create().unwrap();
    std::fs::write(scratch.path("image.bin").unwrap(), IMAGE).unwrap();
    let mut files = Files::new(scratch);
    files.add(id("image"), "image.bin".to_owned());
    let chip = Chip {
        fuses: RefCell::new(WORDS.iter().filter(|_| random.once_in(4)).map(|word| (*word, 0x10)).collect()),
        random: RefCell::new(random),
        flash_is_good: RefCell::new(false),
        asked: RefCell::new(None),
        agreed: RefCell::new(allowed.clone()),
        burnt: RefCell::default(),
        at_work: RefCell::new(None),
        broken: RefCell::default(),
        interactive,
        interrupted: RefCell::new(interrupted),
    };
    let settings = Settings {
        chosen: Chosen::Any,
        allow_irreversible: allowed,
        variables,
        simulated: false,
        healthy: WhenHealthy::Ask,
        already: Already::Nothing,
        single_calls: true,
        operator: None,
        record: None,
        playbook_name: "camera.yaml".into(),
        shipped: false,
    };
    let ready = ReadyTool {
        says_to_be: Vec::new(),
        launcher: vec!["blhost".into()],
        flavour: None,
        environment: BTreeMap::new(),
        environment_remove: Vec::new(),
        version: "3.12.0".parse().unwrap(),
        start_up: Duration::ZERO,
        warm: None,
    };
    let tools = BTreeMap::from([("blhost".to_owned(), ready)]);
    let order = Order { playbook: &playbook, catalog: catalog(), tools: Tools::Ready(tools), settings: &settings };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run(order, files, &chip, &mut |event| {
        if let Event::ToolStarted { step, .. } = event {
            *chip.at_work.borrow_mut() = Some(step.clone());
        }
    }));
    let broken = chip.broken.take();
    let told = broken.into_iter().map(|what| format!("{number}: {what}\n{text}")).collect();
    (told, chip.burnt.borrow().len())
}

#[test]
fn no_fuse_is_burnt_by_chance_or_by_a_trick() {
    let traces = std::env::var("RECOVER_GUARD_TRACES").ok().map_or(TRACES, |text| text.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(1, |count| u64::try_from(count.get()).unwrap()).min(8);
    let (broken, burns) = std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|share| {
                scope.spawn(move || {
                    let (mut broken, mut burns) = (Vec::new(), 0);
                    for number in (share..traces).step_by(usize::try_from(threads).unwrap()) {
                        let (told, burnt) = prove(number);
                        broken.extend(told);
                        burns += burnt;
                    }
                    (broken, burns)
                })
            })
            .collect();
        shares.into_iter().map(|share| share.join().unwrap()).fold((Vec::new(), 0), |(mut all, sum), (told, burnt)| {
            all.extend(told);
            (all, sum + burnt)
        })
    });
    println!("{traces} runs, {burns} burns with consent, {} broke a rule", broken.len());
    assert!(broken.is_empty(), "{} broke a rule:\n{}", broken.len(), broken[..broken.len().min(3)].join("\n"));
    // A guard that lets nothing pass proves nothing.
    assert!(burns > usize::try_from(traces / 100).unwrap(), "only {burns} burns in {traces} runs");
}
