//! A board that only shows itself on USB: for playbooks that recognise a board and run no tool.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bench::kit::board::{BenchError, unknown_name};
use crate::bench::kit::settings::{Identity, SettingHelp, Settings, Usual};
use crate::bench::{BoardModel, BusDevice, FaultName, Region};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::world::Access;

/// The virtual board `plain-usb`.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct PlainUsb {
    shown: Identity,
    plugged_in: bool,
}

/// What the playbook may say about such a board.
pub(crate) const SETTINGS: &[SettingHelp] =
    &[SettingHelp { name: "id", form: "USB id", meaning: "what it shows; else the playbook's device `id`" }];

const ABSENT: &str = "absent";
const USUAL: Usual = Usual { kind: DeviceKind::Usb, product: "" };

impl PlainUsb {
    pub const MODEL: &'static str = "plain-usb";

    pub(crate) fn new(settings: &mut Settings<'_>, names: &[&str]) -> Result<Self, BenchError> {
        let unknown = names.iter().find(|name| **name != ABSENT);
        if let Some(name) = unknown {
            return Err(unknown_name(name, PlainUsb::fault_names()));
        }
        Ok(PlainUsb { shown: settings.required_identity("id", USUAL), plugged_in: names.is_empty() })
    }

    pub fn fault_names() -> Vec<FaultName> {
        vec![(ABSENT, "the board is not attached")]
    }
}

impl BoardModel for PlainUsb {
    fn attached(&self, _now_ms: u64) -> Vec<BusDevice> {
        let device = BusDevice {
            id: self.shown.id,
            port: "1-1".to_owned(),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: self.shown.kind,
            access: Access::Permitted,
        };
        self.plugged_in.then_some(device).into_iter().collect()
    }

    fn next_change_ms(&self, _now_ms: u64) -> Option<u64> {
        None
    }

    fn hands(&mut self, hand_move: HandMove, _now_ms: u64) {
        match hand_move {
            HandMove::Unplug => self.plugged_in = false,
            HandMove::PlugIn => self.plugged_in = true,
            _ => {}
        }
    }

    fn regions(&self) -> Vec<Region> {
        Vec::new()
    }

    fn changes(&self) -> Option<u64> {
        Some(0)
    }

    fn fuses(&self) -> BTreeMap<u32, u32> {
        BTreeMap::new()
    }

    fn use_folder(&mut self, _folder: &Path) {}

    fn heal(&mut self) {
        self.plugged_in = true;
    }

    fn hangs(&mut self, _tool: &str, _args: &[String]) -> bool {
        false
    }
}
