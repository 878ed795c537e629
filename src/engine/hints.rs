//! Waits that teach: what is told when a device does not come, the likeliest reason first, from what is known by then.
//!
//! Reasons that any board may have stand here. Those of one board stand in its playbook, in `hints`.

use std::time::Duration;

use tokio::time::Instant;

use crate::documents::catalog::OperatingSystem;
use crate::documents::playbook::{Action, Device, DeviceKind, DeviceState, HandMove, Playbook, Prompt, Step, Until};
use crate::engine::devices::{Bus, name_of};
use crate::engine::hands::what_is_set;
use crate::engine::permission::of_host;
use crate::engine::runner::Runner;
use crate::engine::{Event, milliseconds};
use crate::words::{UsbId, describe_time};
use crate::world::{Host, OtherDevice, World};

/// When reasons are told, and how many: one is soon tried, and whoever has tried that wants to know the others.
const STAGES: [(Duration, usize); 3] =
    [(Duration::from_secs(20), 1), (Duration::from_secs(60), 2), (Duration::from_secs(120), usize::MAX)];
/// A device that comes so often within this time does not do so because hands connect it.
const FLAPS: usize = 3;
const FLAPS_WITHIN: Duration = Duration::from_secs(10);
/// Comings that are remembered; more tell nothing new.
const COMINGS_MAX: usize = 32;

/// Why a device may not come, the likeliest first where several hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    CameAndLeft,
    StartedAsUsual,
    StrangerCame,
    GuestSystem,
    ChargeOnly,
    SetTooLate,
    TwoSockets,
    HubOrPort,
    Driver,
}

impl Reason {
    const ALL: [Reason; 9] = [
        Reason::CameAndLeft,
        Reason::StartedAsUsual,
        Reason::StrangerCame,
        Reason::GuestSystem,
        Reason::ChargeOnly,
        Reason::SetTooLate,
        Reason::TwoSockets,
        Reason::HubOrPort,
        Reason::Driver,
    ];

    /// Hands take their time, so what is only possible is not told at once.
    fn soonest(self) -> Duration {
        match self {
            Reason::CameAndLeft
            | Reason::StartedAsUsual
            | Reason::StrangerCame
            | Reason::GuestSystem
            | Reason::ChargeOnly
            | Reason::SetTooLate => Duration::ZERO,
            Reason::TwoSockets | Reason::HubOrPort | Reason::Driver => Duration::from_secs(60),
        }
    }
}

/// What is known when a reason is to be told.
#[derive(Debug)]
struct Known<'p> {
    wanted: &'p Device,
    /// Hands are at work, so that plugs and wires have been moved.
    hands: bool,
    /// What they have set that counts when the board gets power: "wire", "switch".
    set: Option<&'static str>,
    /// The wanted device was there during this wait.
    came: bool,
    /// The board is there as it is when nothing was set.
    started: bool,
    /// What has come that is none of the board's devices.
    stranger: Option<String>,
    /// Some device of the board has been on the bus in this run, so that the cable carries data.
    data: bool,
    host: Host,
    system: OperatingSystem,
    /// What this system needs before tools can open the device.
    driver: Option<String>,
}

impl Known<'_> {
    fn holds(&self, reason: Reason) -> bool {
        match reason {
            Reason::CameAndLeft => self.came,
            Reason::StartedAsUsual => self.set.is_some() && self.started,
            Reason::StrangerCame => self.hands && self.stranger.is_some(),
            Reason::GuestSystem => self.host != Host::Plain,
            Reason::ChargeOnly => self.hands && !self.data && self.stranger.is_none(),
            Reason::SetTooLate => self.set.is_some() && !self.started && !self.came,
            Reason::TwoSockets => self.hands && !self.started && !self.data,
            Reason::HubOrPort => !self.started,
            Reason::Driver => self.system == OperatingSystem::Windows && self.wanted.kind != DeviceKind::Hid,
        }
    }

    fn text(&self, reason: Reason) -> String {
        match reason {
            Reason::CameAndLeft => format!(
                "{} was there for a moment and has left. Likely a plug or the wire makes poor contact: press both firmly \
                 in place, then disconnect the board and connect it again",
                name_of(self.wanted)
            ),
            Reason::StartedAsUsual => format!(
                "The board has started as usual, so likely the {} was not set yet when it got power; only that moment \
                 counts. Disconnect the board, set it as asked, and only then connect the board again",
                self.set.unwrap_or_default()
            ),
            Reason::StrangerCame => format!(
                "Another device has come in the meantime: {}. If that is your board, it is perhaps another board than this \
                 recovery is for",
                self.stranger.as_deref().unwrap_or_default()
            ),
            Reason::GuestSystem => of_host(self.host, self.wanted).unwrap_or_default(),
            Reason::ChargeOnly => "Nothing at all has come to the USB bus. If the board is connected, perhaps its cable carries \
                                   only power, as many that come with chargers do: try one with which you have copied \
                                   files before"
                .to_owned(),
            Reason::SetTooLate => format!(
                "Perhaps the {} was set after the board had got power; only that moment counts. Disconnect the board, set \
                 it as asked, and connect the board again",
                self.set.unwrap_or_default()
            ),
            Reason::TwoSockets => "Perhaps it is a cable between two USB-C sockets: some boards get no power through \
                                   it. Try a cable with a USB-A plug at the computer's side, or turn the plug over"
                .to_owned(),
            Reason::HubOrPort => "Perhaps it is the USB port. Behind a hub, try a port of the computer itself; at a port \
                                  of the computer, try a plain USB 2 hub in between, which helps some chips at fast ports"
                .to_owned(),
            Reason::Driver => {
                let seen = "Perhaps Windows has no driver for it: then the Device Manager shows it with a yellow mark";
                self.driver.as_ref().map_or_else(|| seen.to_owned(), |driver| format!("{seen}. {driver}"))
            }
        }
    }
}

/// What one wait has seen, and has told already.
pub(super) struct Lessons<'p> {
    step: &'p Step,
    /// What the person was asked to do.
    prompt: Option<&'p Prompt>,
    wanted: Option<&'p Device>,
    started: Instant,
    strangers: Vec<OtherDevice>,
    /// Reasons of any board; not where a wait is only tried, or asks by itself.
    general: bool,
    told: Vec<Reason>,
    stage: usize,
    own_told: usize,
    /// When it was seen to have come.
    comings: Vec<Instant>,
    /// How it was there at the last look.
    there: Vec<u64>,
    flapping_told: bool,
}

impl<'p> Lessons<'p> {
    pub(super) fn of<W: World>(step: &'p Step, until: &Until, bus: &Bus<'p, W>) -> Self {
        let wanted = until.present.iter().find_map(|name| bus.playbook.device(name));
        let general = wanted.is_some() && step.sets.is_none() && step.ask.is_none();
        let prompt = match &step.action {
            Action::Prompt(prompt) => Some(prompt),
            _ => None,
        };
        Lessons::new(step, prompt, (wanted, general), bus)
    }

    /// While a running tool waits for what the person was asked to bring about.
    pub(super) fn of_tool<W: World>(
        step: &'p Step,
        prompt: &'p Prompt,
        wanted: Option<&'p Device>,
        bus: &Bus<'p, W>,
    ) -> Self {
        Lessons::new(step, Some(prompt), (wanted, wanted.is_some()), bus)
    }

    fn new<W: World>(
        step: &'p Step,
        prompt: Option<&'p Prompt>,
        (wanted, general): (Option<&'p Device>, bool),
        bus: &Bus<'p, W>,
    ) -> Self {
        let there = wanted.map(|device| bus.comings(Some(&device.name))).unwrap_or_default();
        Lessons {
            step,
            prompt,
            wanted,
            started: Instant::now(),
            strangers: if general { bus.others() } else { Vec::new() },
            general,
            told: Vec::new(),
            stage: 0,
            own_told: 0,
            there,
            comings: Vec::new(),
            flapping_told: false,
        }
    }

    /// Notes whether what is waited for is there.
    pub(super) fn look<W: World>(&mut self, bus: &Bus<'_, W>) {
        let Some(wanted) = self.wanted else { return };
        let there = bus.comings(Some(&wanted.name));
        let came = there.iter().any(|number| !self.there.contains(number));
        if came && self.comings.len() < COMINGS_MAX {
            self.comings.push(Instant::now());
        }
        self.there = there;
    }

    /// What is waited for is there.
    pub(super) fn has_come(&self) -> bool {
        !self.there.is_empty()
    }

    /// When there is something to tell next.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let own = self.step.hints.get(self.own_told).map(|hint| hint.after.value);
        let stage = STAGES.get(self.stage).filter(|_| self.general).map(|(after, _)| *after);
        own.into_iter().chain(stage).min().map(|after| self.started + after)
    }

    /// It came and went again and again.
    fn flapping(&mut self) -> Option<(usize, Duration)> {
        if self.flapping_told || !self.there.is_empty() || !self.general {
            return None;
        }
        let now = Instant::now();
        let recent = self.comings.iter().copied().filter(|at| now - *at <= FLAPS_WITHIN);
        let (times, first) = (recent.clone().count(), recent.min()?);
        self.flapping_told = times >= FLAPS;
        self.flapping_told.then_some((times, now - first))
    }

    fn known<W: World>(&self, wanted: &'p Device, playbook: &Playbook, bus: &Bus<'_, W>) -> Known<'p> {
        let hands = self.prompt.map(|prompt| prompt.hands.as_slice()).unwrap_or_default();
        let sets = |hand: &HandMove| matches!(hand, HandMove::FitJumper | HandMove::SwitchOn);
        let set: Vec<HandMove> = hands.iter().copied().filter(sets).collect();
        let came = |stranger: &OtherDevice| {
            !self.strangers.iter().any(|known| (known.id, &known.port) == (stranger.id, &stranger.port))
        };
        Known {
            wanted,
            hands: self.prompt.is_some(),
            set: what_is_set(&set, playbook),
            came: !self.comings.is_empty(),
            started: bus.shows_any(&[DeviceState::Running, DeviceState::Bootloader]),
            stranger: bus.others().into_iter().find(came).map(|stranger| bus.describe_stranger(&stranger)),
            data: bus.has_ever_seen_any(),
            host: bus.host(),
            system: OperatingSystem::current(),
            driver: bus.catalog.driver(&wanted.ids, OperatingSystem::current()).map(str::to_owned),
        }
    }
}

impl<W: World> Runner<'_, W> {
    /// Tells what is due; the authors' hints first, which know the board.
    pub(super) fn teach(&mut self, lessons: &mut Lessons<'_>) {
        if let (Some((times, within)), Some(wanted)) = (lessons.flapping(), lessons.wanted) {
            let text = flapping_text(wanted, times, within);
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            let (step, device) = (lessons.step.id.clone(), wanted.name.clone());
            self.tell(Event::Flapping { step, device, times, within_ms: milliseconds(within), text });
            // That is the same reason in other words.
            lessons.told.push(Reason::CameAndLeft);
        }
        let waited = lessons.started.elapsed();
        while let Some(hint) = lessons.step.hints.get(lessons.own_told).filter(|hint| hint.after.value <= waited) {
            lessons.own_told += 1;
            self.tell_hint(lessons.step, &hint.text, hint.after.value);
        }
        while let Some((after, many)) = STAGES.get(lessons.stage).filter(|(after, _)| *after <= waited) {
            lessons.stage += 1;
            let Some(wanted) = lessons.wanted.filter(|_| lessons.general) else { return };
            let known = lessons.known(wanted, self.playbook, &self.bus);
            let likely = Reason::ALL.into_iter().filter(|reason| known.holds(*reason) && reason.soonest() <= *after);
            let new: Vec<Reason> = likely.filter(|reason| !lessons.told.contains(reason)).take(*many).collect();
            for reason in new {
                self.tell_hint(lessons.step, &known.text(reason), *after);
                lessons.told.push(reason);
            }
        }
    }

    fn tell_hint(&mut self, step: &Step, text: &str, after: Duration) {
        let text = text.trim_end_matches('.').to_owned();
        self.tell(Event::Hinted { step: step.id.clone(), text, after_ms: milliseconds(after) });
    }
}

fn flapping_text(device: &Device, times: usize, within: Duration) -> String {
    let seen = format!("{} came and went {times} times within {}", name_of(device), describe_time(within));
    match device.state {
        Some(DeviceState::Running | DeviceState::Bootloader) => format!(
            "{seen}: likely a contact is loose, or the board starts again and again because what it starts is damaged"
        ),
        Some(DeviceState::Recovery) | None => {
            format!("{seen}: the contact is likely loose. Press wire and plugs firmly in place")
        }
    }
}

impl<W: World> Bus<'_, W> {
    /// What came that no device of the playbook is.
    pub(super) fn others(&self) -> Vec<OtherDevice> {
        let known: Vec<UsbId> = self.kinds().iter().map(|(id, _)| *id).collect();
        self.world.others(&known).unwrap_or_default()
    }

    /// "37c5:1204 OpenMV Cam H7, running its firmware", else what it calls itself.
    fn describe_stranger(&self, stranger: &OtherDevice) -> String {
        let product = || stranger.product.as_ref().map(|product| format!("({product})"));
        let words = self.stranger_words(stranger.id).or_else(product);
        words.map_or_else(|| stranger.id.to_string(), |words| format!("{} {words}", stranger.id))
    }

    fn host(&self) -> Host {
        self.world.host()
    }

    /// Is the board there in one of these states?
    fn shows_any(&self, states: &[DeviceState]) -> bool {
        let mut devices = self.playbook.devices.iter();
        devices.any(|device| {
            device.state.is_some_and(|state| states.contains(&state))
                && self.matching(device).is_ok_and(|found| !found.is_empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::playbook::{Playbook, load};
    use crate::words::Source;

    fn playbook() -> Playbook {
        let text = "format: 1\nboard: x\ndevices: {rom: {usb: \"0483:df11\", label: ROM}}\nsteps: [{prompt: Wait.}]\n";
        load(&Arc::new(Source { name: "x.yaml".to_owned(), text: text.to_owned() }), &|_| Err(String::new()))
            .playbook
            .unwrap()
    }

    /// What is told at the last stage of a wait in which hands have set a wire.
    fn reasons(change: impl Fn(&mut Known<'_>)) -> Vec<Reason> {
        let playbook = playbook();
        let mut known = Known {
            wanted: &playbook.devices[0],
            hands: true,
            set: Some("wire"),
            came: false,
            started: false,
            stranger: None,
            data: false,
            host: Host::Plain,
            system: OperatingSystem::Linux,
            driver: None,
        };
        change(&mut known);
        let reasons: Vec<Reason> = Reason::ALL.into_iter().filter(|reason| known.holds(*reason)).collect();
        for reason in &reasons {
            assert!(!known.text(*reason).is_empty(), "{reason:?}");
        }
        reasons
    }

    #[test]
    fn what_is_known_rules_reasons_in_and_out() {
        use Reason::{
            CameAndLeft, ChargeOnly, Driver, GuestSystem, HubOrPort, SetTooLate, StartedAsUsual, StrangerCame,
            TwoSockets,
        };
        assert_eq!(reasons(|_| {}), [ChargeOnly, SetTooLate, TwoSockets, HubOrPort]);
        // A cable that has carried data is none that cannot.
        assert_eq!(reasons(|known| known.data = true), [SetTooLate, HubOrPort]);
        assert_eq!(
            reasons(|known| {
                known.data = true;
                known.came = true;
            }),
            [CameAndLeft, HubOrPort]
        );
        assert_eq!(
            reasons(|known| {
                known.data = true;
                known.started = true;
            }),
            [StartedAsUsual]
        );
        for host in [Host::Wsl, Host::VirtualMachine, Host::Container] {
            assert_eq!(reasons(|known| known.host = host)[..2], [GuestSystem, ChargeOnly]);
        }
        assert_eq!(reasons(|known| known.stranger = Some("1209:0001".to_owned()))[0], StrangerCame);
        assert_eq!(reasons(|known| known.system = OperatingSystem::Windows).last(), Some(&Driver));
        // After a call nobody has moved anything.
        let alone = |known: &mut Known<'_>| {
            known.hands = false;
            known.set = None;
            known.data = true;
        };
        assert_eq!(reasons(alone), [HubOrPort]);
    }
}
