//! A board that only shows itself on USB: for playbooks that recognise a board and run no tool.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bench::settings::{Settings, wrong};
use crate::bench::{BenchError, BoardModel, BusDevice, FaultName, Region};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::words::UsbId;
use crate::world::Access;

/// The virtual board `plain-usb`. Setting: `id`, the USB id it shows.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct PlainUsb {
    id: UsbId,
    plugged_in: bool,
}

const ABSENT: &str = "absent";

impl PlainUsb {
    pub const MODEL: &'static str = "plain-usb";

    pub fn new(settings: Settings<'_>, names: &[&str]) -> Result<Self, BenchError> {
        let unknown = names.iter().find(|name| **name != ABSENT);
        if let Some(name) = unknown {
            return Err(BenchError::UnknownName { name: (*name).to_owned(), known: ABSENT.to_owned() });
        }
        settings.refuse_others(&["id"])?;
        let id = settings.text("id").ok_or_else(|| wrong("id", "it is missing"))?;
        let id = id.parse::<UsbId>().map_err(|error| wrong("id", &error.to_string()))?;
        Ok(PlainUsb { id, plugged_in: names.is_empty() })
    }

    pub fn fault_names() -> Vec<FaultName> {
        vec![(ABSENT, "the board is not attached")]
    }
}

impl BoardModel for PlainUsb {
    fn attached(&self, _now_ms: u64) -> Vec<BusDevice> {
        let device = BusDevice {
            id: self.id,
            port: "1-1".to_owned(),
            serial: None,
            product: None,
            kind: DeviceKind::Usb,
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
