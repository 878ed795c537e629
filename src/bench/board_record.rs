//! `board.json`: the board as it is now, for people and for tests.

use std::collections::BTreeMap;

use crate::bench::folder::BenchFiles;
use crate::bench::state::{BenchState, replace};
use crate::bench::{BenchError, BusDevice, Region};
use crate::words::UsbId;

#[derive(Debug, serde::Serialize)]
pub(crate) struct BoardRecord {
    model: &'static str,
    devices: Vec<DeviceRecord>,
    fuses: BTreeMap<String, String>,
    regions: Vec<RegionRecord>,
}

#[derive(Debug, serde::Serialize)]
struct DeviceRecord {
    id: UsbId,
    port: String,
    product: Option<String>,
}

#[derive(Debug, serde::Serialize)]
struct RegionRecord {
    address: String,
    length: u64,
    sha256: String,
}

impl BoardRecord {
    pub(crate) fn of(state: &BenchState) -> Self {
        let board = state.model.board();
        let device = |device: BusDevice| DeviceRecord { id: device.id, port: device.port, product: device.product };
        let region = |region: Region| RegionRecord {
            address: format!("{:#010x}", region.address),
            length: region.length,
            sha256: region.sha256,
        };
        let fuse = |(index, value)| (format!("{index:#04x}"), format!("{value:#010x}"));
        BoardRecord {
            model: state.model.name(),
            devices: board.attached(state.now_ms).into_iter().map(device).collect(),
            fuses: board.fuses().into_iter().map(fuse).collect(),
            regions: board.regions().into_iter().map(region).collect(),
        }
    }

    pub(crate) fn write(&self, files: &BenchFiles) -> Result<(), BenchError> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        replace(&files.board(), &text)
    }
}
