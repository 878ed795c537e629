//! Makes sure, before anything is changed, that the device that is there is the board that is meant: what it tells of itself
//! is compared, and where its id is shared it counts only when that is proven (see `proof.rs`), or the person says so.

use crate::documents::playbook::{Device, HandMove, Identity, Run, Step, Until};
use crate::engine::call::Prepared;
use crate::engine::devices::name_of;
use crate::engine::halt::Halt;
use crate::engine::proof::ProvenBy;
use crate::engine::question::{Answer, QUESTION_LIMIT, YES, blanks_aside, told_of_itself};
use crate::engine::runner::Runner;
use crate::engine::{Event, milliseconds};
use crate::words::{Fault, FaultClass, Id};
use crate::world::{Ask, AttachedDevice, World};

/// What has been said and asked of who the board is.
#[derive(Debug, Default)]
pub(super) struct Introduced {
    /// Port and reason of the board's proof that was told last.
    proof: Option<(String, ProvenBy)>,
    /// What was said of what cannot be compared.
    unread: Vec<String>,
    /// The device that has answered who it is, and the state of the bus at that time.
    asked: Option<(Id, u64)>,
}

/// What came of a question about a device that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    /// It was disconnected, so it was not the board.
    Left,
}

impl<'a, W: World> Runner<'a, W> {
    /// The devices that a prompt was to bring are there already: are they the board?
    pub(super) async fn is_the_board(&mut self, step: &'a Step, until: &Until) -> Result<Known, Halt> {
        for name in &until.present {
            let Some(device) = self.playbook.device(name) else { continue };
            if self.make_sure(&step.id, device).await? == Known::Left {
                return Ok(Known::Left);
            }
        }
        Ok(Known::Yes)
    }

    /// Before a call that changes the board.
    pub(super) async fn sure_of_the_board(
        &mut self,
        step: &'a Step,
        run: &Run,
        prepared: &Prepared<'_>,
    ) -> Result<(), Halt> {
        if !prepared.changes_board {
            return Ok(());
        }
        let args = prepared.command.get(1..).unwrap_or_default();
        for device in self.acted_on(run, args) {
            if self.make_sure(&step.id, device).await? == Known::Left {
                let message = format!("{} was disconnected", name_of(device));
                return Err(self.halt_here(&step.id, Fault::new(FaultClass::NoDevice, message)));
            }
            self.ask_who_it_is(step, device).await?;
        }
        Ok(())
    }

    /// The devices that a call may reach: the one that the step names, else those whose ids stand in the arguments, else all.
    fn acted_on(&self, run: &Run, args: &[String]) -> Vec<&'a Device> {
        let devices = self.playbook.devices.iter();
        if let Some(name) = &run.device {
            return devices.filter(|device| device.name == **name).collect();
        }
        let named: Vec<&Device> = devices.clone().filter(|device| device.is_named_in(args)).collect();
        if named.is_empty() { devices.filter(|device| device.shares_its_id(self.catalog)).collect() } else { named }
    }

    /// Devices that are not there, and several of one id, are the matter of others.
    async fn make_sure(&mut self, step: &Id, device: &'a Device) -> Result<Known, Halt> {
        let found = self.bus.matching(device).unwrap_or_default();
        let [found] = found.as_slice() else { return Ok(Known::Yes) };
        self.compare(step, device, found)?;
        match self.bus.proven(device, found) {
            Some(by) => {
                self.tell_proven(step, device, found, by);
                Ok(Known::Yes)
            }
            None => self.ask_which_board(step, device, found).await,
        }
    }

    /// What the devices of a wait that was met tell of themselves; a proof that the wait has brought is told.
    pub(super) fn came(&mut self, step: &Id, until: &Until) -> Result<(), Halt> {
        for name in &until.present {
            let Some(device) = self.playbook.device(name) else { continue };
            let found = self.bus.matching(device).unwrap_or_default();
            let [found] = found.as_slice() else { continue };
            self.compare(step, device, found)?;
            if let Some(by) = self.bus.proven(device, found) {
                self.tell_proven(step, device, found, by);
            }
        }
        Ok(())
    }

    /// From here on the person moves: what comes now comes by their act.
    pub(super) fn let_hands_move(&mut self, moves: &[HandMove], until: Option<&Until>) {
        self.hands.ask(moves);
        self.bus.hands_asked();
        self.world.ask(Ask::Hands { moves, until });
    }

    fn tell_proven(&mut self, step: &Id, device: &Device, found: &AttachedDevice, by: ProvenBy) {
        let port = found.port.clone();
        if self.introduced.proof.as_ref().is_some_and(|told| *told == (port.clone(), by)) {
            return;
        }
        self.introduced.proof = Some((port.clone(), by));
        let (step, device, serial) = (step.clone(), device.name.clone(), found.serial.clone());
        self.tell(Event::BoardProven { step, device, port, serial, by });
    }

    /// A difference ends the run; what cannot be read is said.
    fn compare(&mut self, step: &Id, device: &Device, found: &AttachedDevice) -> Result<(), Halt> {
        let Some(identity) = &device.identity else { return Ok(()) };
        let (differences, unread) = differences(identity, found);
        if let Some(difference) = differences.first() {
            let message =
                format!("{} at port {} is not the {}: {difference}", name_of(device), found.port, self.playbook.board);
            return Err(self.halt_here(step, self.another_board(message)));
        }
        for what in unread {
            let text = format!("The {what} of {} cannot be read here, so it is not compared.", name_of(device));
            if !self.introduced.unread.contains(&text) {
                self.introduced.unread.push(text.clone());
                self.tell(Event::Note { text });
            }
        }
        Ok(())
    }

    fn another_board(&self, message: String) -> Fault {
        let mut fault = Fault::new(FaultClass::AmbiguousDevice, message);
        fault.help = Some(format!(
            "Disconnect that board, and connect your {}. If it is the board that you mean, it has another playbook: \
             `recover list` shows them",
            self.playbook.board
        ));
        fault
    }

    /// Where a tool has to ask the device who it is.
    async fn ask_who_it_is(&mut self, step: &'a Step, device: &'a Device) -> Result<(), Halt> {
        let Some(answers) = device.identity.as_ref().and_then(|identity| identity.answers.as_ref()) else {
            return Ok(());
        };
        let look = (device.name.clone(), self.bus.looks_changed());
        if self.introduced.asked.as_ref() == Some(&look) || !self.bus.present(&device.name).unwrap_or(false) {
            return Ok(());
        }
        self.tell(Event::Note { text: format!("Asking {} which board it is.", name_of(device)) });
        if !self.reading(step, answers).await? {
            let message = format!("{} does not answer as the {} does", name_of(device), self.playbook.board);
            return Err(self.halt_here(&step.id, self.another_board(message)));
        }
        self.introduced.asked = Some(look);
        Ok(())
    }

    async fn ask_which_board(&mut self, step: &Id, device: &'a Device, found: &AttachedDevice) -> Result<Known, Halt> {
        let board = &self.playbook.board;
        let what = format!("{} at port {}{}", name_of(device), found.port, told_of_itself(found));
        if !self.world.interactive() {
            let message = format!(
                "{what} was there before anybody moved; other boards show the same, and nothing tells that it is the {board}"
            );
            return Err(self.halt_here(step, unproven(message, &found.port)));
        }
        // Before it is shown: what was typed until then is dropped, and nothing that is typed after it.
        self.world.ask(Ask::WhichBoard);
        self.tell(Event::BoardAsked {
            step: step.clone(),
            device: device.name.clone(),
            found: found.clone(),
            text: format!(
                "There is {what}. Other boards show the same. Is it your {board}? Disconnect it if it is not. Type {YES} \
                 if it is."
            ),
            phrase: YES.to_owned(),
            limit_ms: milliseconds(QUESTION_LIMIT),
        });
        let reminder = format!("Type {YES} if it is your {board}, or disconnect it.");
        match self.answer_about(step, (device, found), &reminder).await? {
            Answer::Yes => {
                self.bus.prove(&found.port, ProvenBy::Word);
                self.tell_proven(step, device, found, ProvenBy::Word);
                return Ok(Known::Yes);
            }
            Answer::Left => {
                self.tell(Event::Note { text: format!("{} is gone: it was another board.", name_of(device)) });
                return Ok(Known::Left);
            }
            Answer::No => {}
        }
        let message = format!("{what} is not known to be your {board}");
        Err(self.halt_here(step, unproven(message, &found.port)))
    }
}

fn unproven(message: String, port: &str) -> Fault {
    let mut fault = Fault::new(FaultClass::AmbiguousDevice, message);
    fault.help = Some(format!(
        "If it is your board, run the same command again with --port {port} added. If it is not, disconnect it, then run \
         recover again: it says how your board comes into this state"
    ));
    fault
}

/// What differs, and what the system does not know.
pub(super) fn differences(identity: &Identity, found: &AttachedDevice) -> (Vec<String>, Vec<&'static str>) {
    let (mut differences, mut unread) = (Vec::new(), Vec::new());
    if let Some(pattern) = &identity.product {
        match &found.product {
            Some(product) if pattern.is_match(product) => {}
            Some(product) => differences.push(format!("it calls itself \"{}\"", blanks_aside(product))),
            None => unread.push("product name"),
        }
    }
    if !identity.interface.is_empty() {
        let wanted: Vec<String> = identity.interface.iter().map(|text| blanks_aside(text)).collect();
        match found.interfaces.as_slice() {
            [] => unread.push("interface names"),
            there if there.iter().any(|text| wanted.contains(&blanks_aside(text))) => {}
            there => differences.push(format!(
                "it describes itself as \"{}\" instead of \"{}\"",
                blanks_aside(&there.join(", ")),
                wanted.join("\" or \"")
            )),
        }
    }
    if let Some(pattern) = &identity.version {
        match found.version.map(|version| format!("{version:04x}")) {
            Some(version) if pattern.is_match(&version) => {}
            Some(version) => differences.push(format!("its release number is {version}")),
            None => unread.push("release number"),
        }
    }
    (differences, unread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::DeviceKind;
    use crate::world::Access;
    use regex::Regex;

    fn rom(product: Option<&str>, interfaces: &[&str], version: Option<u16>) -> AttachedDevice {
        AttachedDevice {
            id: "0483:df11".parse().unwrap(),
            port: "1-2".to_owned(),
            serial: None,
            product: product.map(str::to_owned),
            interfaces: interfaces.iter().map(|text| (*text).to_owned()).collect(),
            version,
            kind: DeviceKind::Usb,
            access: Access::Permitted,
            arrival: 0,
        }
    }

    fn identity() -> Identity {
        Identity {
            product: Some(Regex::new("^STM32 +BOOTLOADER$").unwrap()),
            interface: vec!["@Internal Flash  /0x08000000/16*128Kg".to_owned()],
            version: Some(Regex::new("^22").unwrap()),
            answers: None,
        }
    }

    #[test]
    fn blanks_do_not_count_and_every_other_sign_does() {
        let same = rom(Some("STM32  BOOTLOADER"), &["@Internal Flash   /0x08000000/16*128Kg "], Some(0x2200));
        assert_eq!(differences(&identity(), &same), (vec![], vec![]));
        let other = rom(Some("DFU in HS Mode"), &["@Internal Flash  /0x08000000/04*016Kg"], Some(0x0100));
        let (found, unread) = differences(&identity(), &other);
        assert_eq!(
            found,
            [
                "it calls itself \"DFU in HS Mode\"",
                "it describes itself as \"@Internal Flash /0x08000000/04*016Kg\" instead of \"@Internal Flash \
                 /0x08000000/16*128Kg\"",
                "its release number is 0100",
            ]
        );
        assert_eq!(unread, Vec::<&str>::new());
    }

    #[test]
    fn what_cannot_be_read_is_no_difference() {
        let (found, unread) = differences(&identity(), &rom(None, &[], None));
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(unread, ["product name", "interface names", "release number"]);
    }
}
