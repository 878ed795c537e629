//! Which of the devices that are there is the board that is meant.
//!
//! Presence is not identity: every STM32 chip shows the same id in its ROM. A device whose id is shared counts as the board
//! by an act (it came while the person moved), by a word (the person said so), by a choice (`--port`, `--serial`); or because
//! it is where the proven board was that this run's own call has sent away. Everything here follows from what the looks at
//! the bus have shown; nothing asks anybody.

use std::time::Duration;

use tokio::time::Instant;

use crate::documents::playbook::Device;
use crate::engine::Chosen;
use crate::engine::devices::Bus;
use crate::words::{Id, UsbId};
use crate::world::{AttachedDevice, World};

/// A board that leaves within this time of a call leaves because of it: resets and jumps take effect after their answer.
const LEAVES_WITHIN: Duration = Duration::from_secs(5);

/// Why a device counts as the board that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenBy {
    /// It came while the person moved.
    Act,
    /// The person said so.
    Word,
    /// The person chose it by its port or serial number.
    Choice,
    /// No other board shows its id.
    OwnId,
}

impl ProvenBy {
    /// For people: "it came while you moved".
    pub fn because(self) -> &'static str {
        match self {
            ProvenBy::Act => "it came while you moved",
            ProvenBy::Word => "you said so",
            ProvenBy::Choice => "you chose it",
            ProvenBy::OwnId => "no other board shows its id",
        }
    }
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    /// One port of the bus, and one serial port: their names cannot be compared.
    proven: Vec<Proven>,
    /// While the person moves: what has been there since before.
    hands: Option<Vec<Seen>>,
    last_look: Vec<Seen>,
    changes: u64,
    call: Call,
}

#[derive(Debug)]
struct Proven {
    port: String,
    by: ProvenBy,
    /// The run's own call has sent it away; what was there besides at that time.
    away: Option<Vec<Seen>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    id: UsbId,
    port: String,
    arrival: u64,
}

#[derive(Debug, Default, Clone, Copy)]
enum Call {
    #[default]
    None,
    Running,
    Ended(Instant),
}

impl Proofs {
    /// Takes a look at the bus: every device that is there, whoever's it is.
    pub(super) fn look(&mut self, attached: &[AttachedDevice]) {
        let seen: Vec<Seen> = attached
            .iter()
            .map(|device| Seen { id: device.id, port: device.port.clone(), arrival: device.arrival })
            .collect();
        if seen == self.last_look {
            return;
        }
        self.changes += 1;
        let own = self.follows_a_call();
        let last_look = std::mem::replace(&mut self.last_look, seen.clone());
        self.proven.retain_mut(|proven| proven.holds_after(&last_look, &seen, own));
        self.take_arrivals(&seen);
    }

    /// The person is asked to move: what comes from now on comes by their act.
    pub(super) fn hands_asked(&mut self) {
        self.hands = Some(self.last_look.clone());
    }

    pub(super) fn hands_over(&mut self) {
        self.hands = None;
    }

    pub(super) fn call_begins(&mut self) {
        self.call = Call::Running;
    }

    pub(super) fn call_ended(&mut self) {
        self.call = Call::Ended(Instant::now());
    }

    /// From now on the device on this port is the board.
    pub(super) fn prove(&mut self, port: &str, by: ProvenBy) {
        self.proven.retain(|proven| is_serial_port(&proven.port) != is_serial_port(port));
        self.proven.push(Proven { port: port.to_owned(), by, away: None });
    }

    pub(super) fn proven(&self, port: &str) -> Option<ProvenBy> {
        let proven = self.proven.iter().find(|proven| proven.port == port && proven.away.is_none());
        proven.map(|proven| proven.by)
    }

    /// How many looks have shown a change.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    fn follows_a_call(&self) -> bool {
        match self.call {
            Call::None => false,
            Call::Running => true,
            Call::Ended(at) => at.elapsed() <= LEAVES_WITHIN,
        }
    }

    fn take_arrivals(&mut self, seen: &[Seen]) {
        let Some(before) = &mut self.hands else { return };
        // What has gone meanwhile comes by an act, too.
        before.retain(|device| seen.contains(device));
        let mut arrived = seen.iter().filter(|device| !before.contains(device));
        // Of several that come nobody can tell which one was meant.
        if let (Some(first), None) = (arrived.next(), arrived.next()) {
            let port = first.port.clone();
            self.prove(&port, ProvenBy::Act);
        }
    }
}

impl Proven {
    /// Is it still proven, or does it wait for its return, after a look that has shown a change?
    fn holds_after(&mut self, last_look: &[Seen], seen: &[Seen], own: bool) -> bool {
        let there = seen.iter().find(|device| device.port == self.port);
        let was_there = last_look.iter().find(|device| device.port == self.port);
        if self.away.is_none() && there == was_there && there.is_some() {
            return true;
        }
        if self.away.is_none() {
            // It has left, or another has come in its place between two looks.
            if !own {
                return false;
            }
            self.away = Some(last_look.iter().filter(|device| device.port != self.port).cloned().collect());
        }
        let others = self.away.as_deref().unwrap_or_default();
        // What comes elsewhere may be this very board, or the one that comes back here may be another.
        if seen.iter().any(|device| device.port != self.port && !others.contains(device)) {
            return false;
        }
        if there.is_some() {
            self.away = None;
        }
        true
    }
}

impl<W: World> Bus<'_, W> {
    /// Why what was found counts as the board; nothing where it does not.
    pub(super) fn proven(&self, device: &Device, found: &AttachedDevice) -> Option<ProvenBy> {
        if !device.shares_its_id(self.catalog) {
            return Some(ProvenBy::OwnId);
        }
        let chosen = match &self.chosen {
            Chosen::Any => false,
            Chosen::Port(port) => *port == found.port,
            Chosen::Serial(serial) => {
                found.serial.as_ref() == Some(serial) || self.port.borrow().as_ref() == Some(&found.port)
            }
        };
        if chosen { Some(ProvenBy::Choice) } else { self.proofs.borrow().proven(&found.port) }
    }

    /// Where on the bus the board is.
    pub(super) fn proven_port(&self) -> Option<String> {
        match &self.chosen {
            Chosen::Port(port) if !is_serial_port(port) => return Some(port.clone()),
            Chosen::Serial(_) => return self.port.borrow().clone(),
            Chosen::Port(_) | Chosen::Any => {}
        }
        let proofs = self.proofs.borrow();
        proofs.proven.iter().find(|proven| !is_serial_port(&proven.port)).map(|proven| proven.port.clone())
    }

    pub(super) fn prove(&self, port: &str, by: ProvenBy) {
        self.proofs.borrow_mut().prove(port, by);
    }

    /// The person is asked to move: what comes from now on comes by their act.
    pub(super) fn hands_asked(&self) {
        // What cannot be read now shows in the wait.
        let _shown_later = self.attached();
        self.proofs.borrow_mut().hands_asked();
    }

    pub(super) fn hands_over(&self) {
        let _shown_later = self.attached();
        self.proofs.borrow_mut().hands_over();
    }

    /// A tool acts on the board: what leaves now leaves because of it.
    pub(super) fn call_begins(&self, device: Option<&Id>) {
        let device =
            device.and_then(|name| self.playbook.device(name)).filter(|device| !device.shares_its_id(self.catalog));
        if let Some([only]) = device.and_then(|device| self.matching(device).ok()).as_deref() {
            self.prove(&only.port, ProvenBy::OwnId);
        }
        self.proofs.borrow_mut().call_begins();
    }

    pub(super) fn call_ended(&self) {
        let _shown_later = self.attached();
        self.proofs.borrow_mut().call_ended();
    }

    /// Another number each time that a look has shown a change.
    pub(super) fn looks_changed(&self) -> u64 {
        self.proofs.borrow().changes()
    }
}

/// `/dev/ttyUSB0` and `COM7`, but not `1-2.3`.
pub(super) fn is_serial_port(port: &str) -> bool {
    port.starts_with("/dev/") || port.starts_with("COM")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::DeviceKind;
    use crate::world::Access;

    const ROM: &str = "1fc9:0135";
    const LOADER: &str = "15a2:0073";

    fn at(devices: &[(&str, &str, u64)]) -> Vec<AttachedDevice> {
        let device = |(id, port, arrival): &(&str, &str, u64)| AttachedDevice {
            id: id.parse().unwrap(),
            port: (*port).to_owned(),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Usb,
            access: Access::Permitted,
            arrival: *arrival,
        };
        devices.iter().map(device).collect()
    }

    fn proven_by_act() -> Proofs {
        let mut proofs = Proofs::default();
        proofs.look(&at(&[]));
        proofs.hands_asked();
        proofs.look(&at(&[(ROM, "1-2", 7)]));
        proofs.hands_over();
        assert_eq!(proofs.proven("1-2"), Some(ProvenBy::Act));
        proofs
    }

    #[test]
    fn what_was_there_is_nobodys_board() {
        let mut proofs = Proofs::default();
        proofs.look(&at(&[(ROM, "1-2", 7)]));
        assert_eq!(proofs.proven("1-2"), None);
        proofs.hands_asked();
        proofs.look(&at(&[(ROM, "1-2", 7)]));
        assert_eq!(proofs.proven("1-2"), None, "it has not moved");
        proofs.prove("1-2", ProvenBy::Word);
        assert_eq!(proofs.proven("1-2"), Some(ProvenBy::Word));
        assert_eq!(proofs.proven("1-3"), None);
    }

    #[test]
    fn what_goes_and_comes_while_the_person_moves_is_theirs() {
        let mut proofs = Proofs::default();
        proofs.look(&at(&[(ROM, "1-2", 7), (ROM, "1-3", 8)]));
        proofs.hands_asked();
        proofs.look(&at(&[(ROM, "1-3", 8)]));
        proofs.look(&at(&[(ROM, "1-2", 9), (ROM, "1-3", 8)]));
        assert_eq!((proofs.proven("1-2"), proofs.proven("1-3")), (Some(ProvenBy::Act), None));
        // Between two looks: only its number tells.
        let mut proofs = Proofs::default();
        proofs.look(&at(&[(ROM, "1-2", 7)]));
        proofs.hands_asked();
        proofs.look(&at(&[(ROM, "1-2", 8)]));
        assert_eq!(proofs.proven("1-2"), Some(ProvenBy::Act));
    }

    #[test]
    fn of_two_that_come_none_is_proven() {
        let mut proofs = Proofs::default();
        proofs.hands_asked();
        proofs.look(&at(&[(ROM, "1-2", 7), (ROM, "1-3", 8)]));
        assert_eq!((proofs.proven("1-2"), proofs.proven("1-3")), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_runs_own_call_sends_away_stays_proven_on_its_port() {
        let mut proofs = proven_by_act();
        proofs.call_begins();
        proofs.look(&at(&[]));
        assert_eq!(proofs.proven("1-2"), None, "nothing is there");
        proofs.call_ended();
        tokio::time::advance(Duration::from_secs(60)).await;
        proofs.look(&at(&[(LOADER, "1-2", 9)]));
        assert_eq!(proofs.proven("1-2"), Some(ProvenBy::Act));
        // A reset that takes effect a moment after its answer.
        proofs.call_begins();
        proofs.call_ended();
        tokio::time::advance(Duration::from_secs(2)).await;
        proofs.look(&at(&[(ROM, "1-2", 10)]));
        assert_eq!(proofs.proven("1-2"), Some(ProvenBy::Act));
    }

    #[tokio::test(start_paused = true)]
    async fn what_leaves_by_itself_is_proven_no_more() {
        let mut proofs = proven_by_act();
        proofs.call_begins();
        proofs.call_ended();
        tokio::time::advance(Duration::from_secs(6)).await;
        proofs.look(&at(&[]));
        proofs.look(&at(&[(ROM, "1-2", 9)]));
        assert_eq!(proofs.proven("1-2"), None);
    }

    #[test]
    fn what_comes_back_elsewhere_or_in_company_is_not_proven() {
        for back in [at(&[(LOADER, "1-3", 9)]), at(&[(LOADER, "1-2", 9), (LOADER, "1-3", 10)])] {
            let mut proofs = proven_by_act();
            proofs.call_begins();
            proofs.look(&at(&[]));
            proofs.look(&back);
            assert_eq!((proofs.proven("1-2"), proofs.proven("1-3")), (None, None));
        }
        // Who was there before is no company.
        let mut proofs = proven_by_act();
        proofs.look(&at(&[(ROM, "1-2", 7), (LOADER, "1-3", 8)]));
        proofs.call_begins();
        proofs.look(&at(&[(LOADER, "1-3", 8)]));
        proofs.look(&at(&[(LOADER, "1-2", 9), (LOADER, "1-3", 8)]));
        assert_eq!(proofs.proven("1-2"), Some(ProvenBy::Act));
    }

    #[test]
    fn a_serial_port_and_a_port_of_the_bus_do_not_replace_each_other() {
        let mut proofs = Proofs::default();
        proofs.prove("/dev/ttyUSB0", ProvenBy::Word);
        proofs.prove("1-2", ProvenBy::Act);
        assert_eq!(proofs.proven("/dev/ttyUSB0"), Some(ProvenBy::Word));
        proofs.prove("1-3", ProvenBy::Act);
        assert_eq!((proofs.proven("1-2"), proofs.proven("1-3")), (None, Some(ProvenBy::Act)));
    }
}
