//! What is attached of boards that are not this run's, called by the names that their own playbooks give it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::documents::catalog::Catalog;
use crate::documents::library::shipped_with;
use crate::documents::playbook::{Device, DeviceState, Playbook};
use crate::engine::Event;
use crate::engine::devices::Bus;
use crate::engine::recognise::device_of;
use crate::engine::runner::Runner;
use crate::words::UsbId;
use crate::world::{OtherDevice, World};

/// Other boards' ids that were met, each with its words; nothing for what no playbook knows.
#[derive(Debug, Default)]
pub(super) struct Strangers(RefCell<BTreeMap<UsbId, Option<String>>>);

impl<W: World> Bus<'_, W> {
    /// What it is, as far as its id tells; nothing for what no board shows.
    pub(super) fn stranger_words(&self, id: UsbId) -> Option<String> {
        self.strangers.0.borrow_mut().entry(id).or_insert_with(|| words(id, self.catalog)).clone()
    }

    /// Each with what it is.
    fn strangers(&self) -> Vec<(OtherDevice, String)> {
        self.others().into_iter().filter_map(|other| Some((other.clone(), self.stranger_words(other.id)?))).collect()
    }

    /// "37c5:1204 OpenMV Cam H7, running its firmware".
    pub(super) fn describe_strangers(&self) -> Vec<String> {
        self.strangers().into_iter().map(|(other, words)| format!("{} {words}", other.id)).collect()
    }
}

impl<W: World> Runner<'_, W> {
    /// Before anybody waits for a board that is not the one that is attached.
    pub(super) fn tell_strangers(&mut self) {
        for (other, words) in self.bus.strangers() {
            let text = format!(
                "At port {} there is {} {words}. This recovery is for the {}.",
                other.port, other.id, self.playbook.board
            );
            self.tell(Event::Note { text });
        }
    }
}

/// An id that is shared is no board's own, so that it is only said what else shows so.
fn words(id: UsbId, catalog: &Catalog) -> Option<String> {
    let playbooks = shipped_with(id);
    let known: Vec<(&Playbook, &Device)> =
        playbooks.iter().filter_map(|playbook| Some((playbook, device_of(playbook, id)?))).collect();
    let (_, first) = known.first()?;
    Some(match known.as_slice() {
        [(playbook, only)] if !only.shares_its_id(catalog) => {
            let board = &playbook.board;
            match only.state {
                Some(DeviceState::Running) => format!("{board}, running its firmware"),
                Some(DeviceState::Bootloader) => format!("{board}, in its own bootloader"),
                Some(DeviceState::Recovery) | None => format!("{} of the {board}", only.label),
            }
        }
        [(playbook, only)] => {
            format!("({}, or another device that shows the same; the {} does)", only.label, playbook.board)
        }
        _ => format!("({}, as several boards show it)", first.label),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog::shipped;

    #[test]
    fn devices_of_shipped_boards_have_names_and_others_none() {
        let catalog = shipped().unwrap();
        let told = |id: &str| words(id.parse().unwrap(), &catalog);
        assert_eq!(told("37c5:1204").as_deref(), Some("OpenMV Cam H7, running its firmware"));
        assert_eq!(told("37c5:9204").as_deref(), Some("OpenMV Cam H7, in its own bootloader"));
        assert_eq!(told("0483:df11").as_deref(), Some("(STM32 ROM (DFU), as several boards show it)"));
        assert_eq!(
            told("1fc9:0135").as_deref(),
            Some("(i.MX RT ROM, or another device that shows the same; the OpenMV Cam RT1062 does)")
        );
        // Any cable with such an adapter is no camera.
        assert!(told("0403:6015").unwrap().contains("or another device"), "{:?}", told("0403:6015"));
        assert_eq!(told("1d6b:0002"), None);
    }
}
