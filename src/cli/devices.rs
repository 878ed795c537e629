//! `recover devices`: what is attached, which board that is, and how it fares; with `--watch`, what comes and goes.

use std::time::{Duration, Instant};

use crate::cli::arguments::{DevicesArgs, MessageFormat};
use crate::cli::boards::{Boards, Sight};
use crate::cli::json::write_line;
use crate::cli::streams::{complain, reader_gone, say, stdout};
use crate::cli::style::{Look, Role, Sign};
use crate::cli::wording::{hang, milliseconds};
use crate::documents::playbook::DeviceState;
use crate::engine::{Clock, Outcome, Recognised, Refusal};
use crate::words::UsbId;
use crate::world::{Access, Machine, OtherDevice, Person, World};

/// A port that a driver makes comes a little after its device, and no system tells of that.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// So many times in so long is no cable that somebody plugs in.
const FLAPS: usize = 3;
const FLAPPING_TIME: Duration = Duration::from_secs(10);

pub(super) fn devices(args: &DevicesArgs, look: &Look) -> Outcome {
    let boards = Boards::all();
    let watched = Clock::Running.runtime().and_then(|runtime| {
        runtime.block_on(async {
            let machine = Machine::new(Person::nobody())?;
            let mut teller = Teller { boards: &boards, look, format: args.message_format };
            let sight = boards.look(&machine);
            teller.all(&sight);
            if args.watch {
                teller.watch(&machine, sight).await;
                return Ok(Outcome::Recovered);
            }
            Ok(if sight.blind.is_some() { Outcome::DeviceUnavailable } else { Outcome::Recovered })
        })
    });
    watched.unwrap_or_else(|error| {
        let refusal = Box::<Refusal>::from(error);
        complain(&format!("error: {}", refusal.problem.what));
        refusal.outcome
    })
}

/// A device as it is told to programs.
#[derive(serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
enum Told<'a> {
    Device(Facts<'a>),
    /// No playbook knows it.
    Other {
        id: UsbId,
        port: &'a str,
        product: Option<&'a str>,
    },
    Came {
        after_ms: u64,
        gone_ms: Option<u64>,
        #[serde(flatten)]
        device: Facts<'a>,
    },
    Went {
        after_ms: u64,
        there_ms: u64,
        #[serde(flatten)]
        device: Facts<'a>,
    },
    Blind {
        reason: &'a str,
    },
}

#[derive(serde::Serialize)]
struct Facts<'a> {
    id: UsbId,
    port: &'a str,
    serial: Option<&'a str>,
    product: Option<&'a str>,
    access: Access,
    label: &'a str,
    state: Option<DeviceState>,
    /// One of these boards, as far as it can be told.
    boards: Vec<BoardFacts<'a>>,
    /// It can be no other board.
    certain: bool,
}

#[derive(serde::Serialize)]
struct BoardFacts<'a> {
    board: &'a str,
    playbook: &'a str,
}

/// Something that comes and goes, from its first coming on.
struct Followed {
    id: UsbId,
    port: String,
    arrival: u64,
    since: Instant,
}

struct Teller<'a> {
    boards: &'a Boards,
    look: &'a Look,
    format: MessageFormat,
}

impl Teller<'_> {
    fn all(&mut self, sight: &Sight<'_>) {
        if self.format == MessageFormat::Json {
            for device in &sight.known {
                self.write(&Told::Device(self.facts(device)));
            }
            for OtherDevice { id, port, product } in &sight.others {
                self.write(&Told::Other { id: *id, port, product: product.as_deref() });
            }
            if let Some(reason) = &sight.blind {
                self.write(&Told::Blind { reason });
            }
            return;
        }
        for line in told_of(self.boards, sight, self.look) {
            say(&line);
        }
    }

    async fn watch(&mut self, machine: &Machine, first: Sight<'_>) {
        let began = Instant::now();
        if self.format == MessageFormat::Human {
            say("");
            say("What comes and goes is told from here on; Ctrl-C ends it.");
        }
        let mut there: Vec<Followed> = first.known.iter().map(|device| followed(device, began)).collect();
        let mut comings: Vec<(UsbId, String, Instant)> = Vec::new();
        let mut goings: Vec<(String, UsbId, Instant)> = Vec::new();
        let mut last = first;
        // Whoever reads no more has seen enough.
        while !reader_gone() {
            tokio::select! {
                biased;
                _ = machine.interrupted() => return,
                () = machine.devices_changed() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            let sight = self.boards.look(machine);
            let now = Instant::now();
            let is = |followed: &Followed, device: &Recognised<'_>| {
                let attached = &device.attached;
                (followed.id, followed.port.as_str(), followed.arrival)
                    == (attached.id, attached.port.as_str(), attached.arrival)
            };
            there.retain(|followed| {
                let stays = sight.known.iter().any(|device| is(followed, device));
                if !stays && let Some(device) = last.known.iter().find(|device| is(followed, device)) {
                    goings.retain(|(port, ..)| *port != followed.port);
                    goings.push((followed.port.clone(), followed.id, now));
                    self.went(device, now.duration_since(began), now.duration_since(followed.since));
                }
                stays
            });
            for device in &sight.known {
                if there.iter().any(|followed| is(followed, device)) {
                    continue;
                }
                there.push(followed(device, now));
                let attached = &device.attached;
                comings.retain(|(_, _, came)| now.duration_since(*came) < FLAPPING_TIME);
                comings.push((attached.id, attached.port.clone(), now));
                let same = |(id, port, _): &&(UsbId, String, Instant)| (*id, port) == (attached.id, &attached.port);
                let flaps = comings.iter().filter(same).count() >= FLAPS;
                let gone = goings.iter().find(|(port, ..)| *port == attached.port);
                self.came(
                    device,
                    now.duration_since(began),
                    gone.map(|(_, id, at)| (*id, now.duration_since(*at))),
                    flaps,
                );
            }
            last = sight;
        }
    }

    fn came(&self, device: &Recognised<'_>, after: Duration, gone: Option<(UsbId, Duration)>, flaps: bool) {
        if self.format == MessageFormat::Json {
            let gone_ms = gone.map(|(_, time)| whole_ms(time));
            return self.write(&Told::Came { after_ms: whole_ms(after), gone_ms, device: self.facts(device) });
        }
        let gone = match gone {
            Some((id, time)) if id == device.attached.id => format!("{} after it had gone", shown(time)),
            Some((id, time)) => format!("{} after {id} had gone", shown(time)),
            None => String::new(),
        };
        let flaps = if flaps { "it comes and goes: a loose contact, perhaps" } else { "" };
        let more: Vec<&str> = [gone.as_str(), flaps].into_iter().filter(|text| !text.is_empty()).collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
        self.change(device, after, &format!("came{more}"));
    }

    fn went(&self, device: &Recognised<'_>, after: Duration, there: Duration) {
        if self.format == MessageFormat::Json {
            let (after_ms, there_ms) = (whole_ms(after), whole_ms(there));
            return self.write(&Told::Went { after_ms, there_ms, device: self.facts(device) });
        }
        self.change(device, after, &format!("went, after {}", shown(there)));
    }

    fn change(&self, device: &Recognised<'_>, after: Duration, what: &str) {
        let attached = &device.attached;
        let text = format!("{} {what}: {}", attached.id, self.boards.tell(device));
        let first = format!("{:>9}  {:<6} ", shown(after), attached.port);
        hang(&first, &text, self.look.width).iter().for_each(|line| say(line));
    }

    fn facts<'d>(&'d self, device: &'d Recognised<'d>) -> Facts<'d> {
        let attached = &device.attached;
        let board = |place: usize| BoardFacts {
            board: &self.boards.playbooks[place].board,
            playbook: &self.boards.names[place],
        };
        Facts {
            id: attached.id,
            port: &attached.port,
            serial: attached.serial.as_deref(),
            product: attached.product.as_deref(),
            access: attached.access,
            label: device.label(),
            state: device.state(),
            boards: device.shown_by.iter().map(|(place, _)| board(*place)).collect(),
            certain: device.certain,
        }
    }

    fn write(&self, told: &Told<'_>) {
        // A reader that has gone away needs no more lines.
        let _reader_gone = write_line(&mut stdout(), told);
    }
}

fn followed(device: &Recognised<'_>, since: Instant) -> Followed {
    let attached = &device.attached;
    Followed { id: attached.id, port: attached.port.clone(), arrival: attached.arrival, since }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn shown(time: Duration) -> String {
    milliseconds(whole_ms(time))
}

/// Everything that is attached, in lines for a person.
pub(super) fn told_of(boards: &Boards, sight: &Sight<'_>, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    let ports = sight.known.iter().map(|device| device.attached.port.len()).max().unwrap_or_default();
    for device in &sight.known {
        let attached = &device.attached;
        let first = format!("{:<ports$}  {}  ", attached.port, attached.id);
        let told = boards.tell(device);
        lines.extend(hang(&first, &told, look.width));
        let serial = attached.serial.as_ref().map(|serial| format!("serial {serial}"));
        let access = match attached.access {
            Access::Permitted => Some("you may use it".to_owned()),
            Access::Denied => Some("you may not use it: `recover doctor` says what to do".to_owned()),
            Access::Unknown => None,
        };
        let more: Vec<String> = [serial, access].into_iter().flatten().collect();
        if !more.is_empty() {
            let more = hang(&" ".repeat(first.len()), &more.join(&format!(" {} ", look.sign(Sign::Dot))), look.width);
            lines.extend(more.into_iter().map(|line| look.paint(Role::Quiet, &line)));
        }
    }
    if let Some(reason) = &sight.blind {
        lines.extend(hang("", &format!("What is attached cannot be seen: {reason}."), look.width));
    } else if sight.known.is_empty() {
        lines.extend(hang("", "Nothing is attached that a playbook knows.", look.width));
    }
    let (portless, strange): (Vec<_>, Vec<_>) = sight.others.iter().partition(|other| boards.has_no_port(other));
    for other in portless {
        let text = "an adapter that a playbook knows, but this computer has made no serial port of it: its driver is missing, \
                    or something holds it";
        lines.extend(hang(&format!("{}  {}  ", other.port, other.id), text, look.width));
    }
    if !strange.is_empty() {
        let named = |other: &&OtherDevice| match &other.product {
            Some(product) => format!("{} {} at {}", other.id, product.trim(), other.port),
            None => format!("{} at {}", other.id, other.port),
        };
        let text = format!("Also attached: {}", strange.iter().map(named).collect::<Vec<_>>().join(", "));
        lines.extend(hang("", &text, look.width).into_iter().map(|line| look.paint(Role::Quiet, &line)));
    }
    lines
}
