//! What is attached, in the words of every playbook there is: which board it is, as far as that can be told, and in which
//! state.

use crate::documents::catalog::Catalog;
use crate::documents::playbook::{Device, DeviceKind, DeviceState, Playbook};
use crate::engine::identity::differences;
use crate::words::UsbId;
use crate::world::AttachedDevice;

/// A device that a playbook knows.
#[derive(Debug)]
pub struct Recognised<'p> {
    pub attached: AttachedDevice,
    /// The boards that show so, by their places in the list of playbooks; what such a device tells of itself has been compared.
    pub shown_by: Vec<(usize, &'p Device)>,
    /// It can be no other board.
    pub certain: bool,
}

impl Recognised<'_> {
    /// What people call such a device. Where boards have words of their own for it, the first one's.
    pub fn label(&self) -> &str {
        self.shown_by.first().map_or("", |(_, device)| device.label.as_str())
    }

    /// The state of the board, if it is the same one for whatever board it is.
    pub fn state(&self) -> Option<DeviceState> {
        let (_, first) = self.shown_by.first()?;
        self.shown_by.iter().all(|(_, device)| device.state == first.state).then_some(first.state)?
    }
}

/// The ids that the playbooks know, and how tools open such a device.
pub fn known_kinds(playbooks: &[Playbook]) -> Vec<(UsbId, DeviceKind)> {
    let devices = playbooks.iter().flat_map(|playbook| &playbook.devices);
    let mut kinds: Vec<_> = devices.flat_map(|device| device.ids.iter().map(|id| (*id, device.kind))).collect();
    kinds.sort_by_key(|(id, kind)| (id.vendor, id.product, *kind as u8));
    kinds.dedup();
    kinds
}

/// Tells each attached device by the playbooks. One that no playbook knows, or that tells of itself that it is something
/// else, is shown by no board.
pub fn recognise<'p>(
    attached: Vec<AttachedDevice>,
    playbooks: &'p [Playbook],
    catalog: &Catalog,
) -> Vec<Recognised<'p>> {
    let tell = |attached: AttachedDevice| {
        let shown_by: Vec<_> = playbooks
            .iter()
            .enumerate()
            .filter_map(|(place, playbook)| Some((place, device_of(playbook, attached.id)?)))
            .filter(|(_, device)| !is_another(device, &attached))
            .collect();
        let certain = matches!(shown_by.as_slice(), [(_, only)] if !only.shares_its_id(catalog));
        Recognised { attached, shown_by, certain }
    };
    attached.into_iter().map(tell).collect()
}

/// A playbook may know an id by several names; the one that tells the state says most, then the one with the fewest ids.
pub(super) fn device_of(playbook: &Playbook, id: UsbId) -> Option<&Device> {
    let known = playbook.devices.iter().filter(|device| device.ids.contains(&id));
    known.min_by_key(|device| (device.state.is_none(), device.ids.len()))
}

fn is_another(device: &Device, attached: &AttachedDevice) -> bool {
    device.identity.as_ref().is_some_and(|identity| !differences(identity, attached).0.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog::shipped;
    use crate::documents::library::shipped_playbooks;
    use crate::world::Access;

    fn attached(id: &str, product: Option<&str>, interface: Option<&str>) -> AttachedDevice {
        AttachedDevice {
            id: id.parse().unwrap(),
            port: "1-2".to_owned(),
            serial: None,
            product: product.map(str::to_owned),
            interfaces: interface.iter().map(|text| (*text).to_owned()).collect(),
            version: None,
            kind: DeviceKind::Usb,
            access: Access::Permitted,
            arrival: 0,
        }
    }

    fn boards(device: AttachedDevice) -> (Vec<String>, bool, Option<DeviceState>) {
        let playbooks: Vec<Playbook> = shipped_playbooks().collect();
        let found = recognise(vec![device], &playbooks, &shipped().unwrap());
        let names = found[0].shown_by.iter().map(|(place, _)| playbooks[*place].board.clone()).collect();
        (names, found[0].certain, found[0].state())
    }

    #[test]
    fn an_id_of_its_own_tells_board_and_state() {
        for (id, state) in [("37c5:1204", DeviceState::Running), ("37c5:9204", DeviceState::Bootloader)] {
            assert_eq!(boards(attached(id, None, None)), (vec!["OpenMV Cam H7".to_owned()], true, Some(state)));
        }
        let ae3 = vec!["OpenMV Cam AE3".to_owned()];
        assert_eq!(boards(attached("0403:6015", None, None)), (ae3, false, Some(DeviceState::Recovery)));
    }

    #[test]
    fn what_a_rom_tells_of_itself_narrows_the_choice() {
        let rom = |product, interface| boards(attached("0483:df11", product, interface));
        let (all, certain, state) = rom(None, None);
        assert_eq!((all.len(), certain, state), (6, false, Some(DeviceState::Recovery)));
        let layout = Some("@Internal Flash  /0x08000000/16*128Kg");
        let (n6, certain, _) = rom(Some("DFU @Device ID /0x486, @Revision ID /0x2000"), Some("@External"));
        assert_eq!((n6, certain), (vec!["OpenMV Cam N6".to_owned()], false));
        let (h7, ..) = rom(Some("STM32 BOOTLOADER"), layout);
        assert_eq!(h7, ["OpenMV Cam H7", "OpenMV Cam H7 Plus", "OpenMV Cam Pure Thermal"]);
        let (none, certain, state) = rom(Some("STM32 BOOTLOADER"), Some("@Internal Flash  /0x08000000/64*02Kg"));
        assert_eq!((none, certain, state), (Vec::new(), false, None));
    }

    #[test]
    fn no_board_is_known_by_what_others_show() {
        let playbooks: Vec<Playbook> = shipped_playbooks().collect();
        let kinds = known_kinds(&playbooks);
        let mut ids: Vec<UsbId> = kinds.iter().map(|(id, _)| *id).collect();
        ids.dedup();
        assert_eq!(ids.len(), kinds.len(), "the playbooks do not agree how one of them is opened");
    }
}
