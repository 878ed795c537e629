//! The boards there are playbooks for, shipped ones and those in the current folder, and what is attached of them.

use std::path::Path;

use crate::cli::places::{find_playbook, playbooks_in};
use crate::documents::catalog::{Catalog, shipped as shipped_catalog};
use crate::documents::library::{bare, shipped, shipped_boards};
use crate::documents::playbook::{DeviceKind, DeviceState, Playbook};
use crate::engine::{Recognised, known_kinds, recognise};
use crate::words::UsbId;
use crate::world::{Machine, OtherDevice, World};

/// Every playbook that can be run by name from here.
#[derive(Debug)]
pub(super) struct Boards {
    /// What to write for each on the command line.
    pub(super) names: Vec<String>,
    pub(super) playbooks: Vec<Playbook>,
    catalog: Catalog,
}

/// What a look at the computer's ports has shown.
#[derive(Debug)]
pub(super) struct Sight<'b> {
    pub(super) known: Vec<Recognised<'b>>,
    pub(super) others: Vec<OtherDevice>,
    /// Why nothing can be seen.
    pub(super) blind: Option<String>,
}

impl Boards {
    pub(super) fn all() -> Boards {
        let mut boards =
            Boards { names: Vec::new(), playbooks: Vec::new(), catalog: shipped_catalog().unwrap_or_default() };
        // Not by way of the current folder, where another board's playbook may bear that name.
        for (name, playbook) in shipped_boards().map(|name| (name, shipped(name))) {
            boards.add(name.to_owned(), playbook);
        }
        for name in playbooks_in(Path::new(".")) {
            let path = format!("./{name}");
            let playbook = find_playbook(&path).ok().and_then(|found| found.load().playbook);
            // A changed copy of a shipped one is chosen where that board is.
            let is_new =
                |playbook: &Playbook| boards.playbooks.iter().all(|known| bare(&known.board) != bare(&playbook.board));
            let playbook = playbook.filter(is_new);
            boards.add(path, playbook);
        }
        boards
    }

    pub(super) fn of(playbooks: Vec<Playbook>) -> Boards {
        let names = playbooks.iter().map(|playbook| playbook.board.clone()).collect();
        Boards { names, playbooks, catalog: shipped_catalog().unwrap_or_default() }
    }

    fn add(&mut self, name: String, playbook: Option<Playbook>) {
        if let Some(playbook) = playbook {
            self.names.push(name);
            self.playbooks.push(playbook);
        }
    }

    /// Looks once.
    pub(super) fn look(&self, machine: &Machine) -> Sight<'_> {
        let kinds = known_kinds(&self.playbooks);
        let attached = machine.devices(&kinds);
        let (attached, blind) = match attached {
            Ok(attached) => (attached, None),
            // The ports of adapters may be there all the same.
            Err(reason) => {
                let serial: Vec<_> = kinds.iter().copied().filter(|(_, kind)| *kind == DeviceKind::Serial).collect();
                (machine.devices(&serial).unwrap_or_default(), Some(reason.to_string()))
            }
        };
        let seen: Vec<UsbId> = attached.iter().map(|device| device.id).collect();
        let others = machine.others(&seen).unwrap_or_default();
        Sight { known: recognise(attached, &self.playbooks, &self.catalog), others, blind }
    }

    /// Which board it is and how it fares, as far as that can be told.
    pub(super) fn tell(&self, device: &Recognised<'_>) -> String {
        let label = device.label();
        let names: Vec<&str> = device.shown_by.iter().map(|(place, _)| self.playbooks[*place].board.as_str()).collect();
        match (names.as_slice(), device.certain) {
            ([], _) => "its chip is known, but it is none of the boards that there are playbooks for".to_owned(),
            ([board], true) => match device.state() {
                Some(DeviceState::Running) => format!("{board}, running its firmware: it is not dead"),
                Some(DeviceState::Bootloader) => format!("{board}: its own bootloader works"),
                Some(DeviceState::Recovery) => format!("{board}, ready to be rescued ({label})"),
                None => format!("{board}: {label}"),
            },
            ([board], false) => match device.attached.kind {
                DeviceKind::Serial => format!("{label}: {board}, or another device with the same adapter"),
                DeviceKind::Usb | DeviceKind::Hid => format!("{label}: {board}, or another board with the same chip"),
            },
            (several, _) => {
                let boards = several.join(", ");
                format!("{label}: cannot be told apart from here, so it may be each of these: {boards}")
            }
        }
    }

    /// An adapter that a playbook knows by its port, and that has none.
    pub(super) fn has_no_port(&self, other: &OtherDevice) -> bool {
        known_kinds(&self.playbooks).contains(&(other.id, DeviceKind::Serial))
    }
}
