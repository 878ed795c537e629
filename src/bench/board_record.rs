//! `board.json`: the board as it is now, for people and for tests.

use std::collections::BTreeMap;

use crate::bench::folder::BenchFiles;
use crate::bench::state::{BenchState, replace};
use crate::bench::{BenchError, Region};

#[derive(Debug, serde::Serialize)]
pub(crate) struct BoardRecord {
    model: &'static str,
    fuses: BTreeMap<String, String>,
    regions: Vec<RegionRecord>,
}

#[derive(Debug, serde::Serialize)]
struct RegionRecord {
    address: String,
    length: u64,
    sha256: String,
}

impl BoardRecord {
    pub(crate) fn of(state: &BenchState) -> Self {
        let region = |region: Region| RegionRecord {
            address: format!("{:#010x}", region.address),
            length: region.length,
            sha256: region.sha256,
        };
        let fuse = |(index, value)| (format!("{index:#04x}"), format!("{value:#010x}"));
        BoardRecord {
            model: state.stage.name(),
            fuses: state.stage.fuses().into_iter().map(fuse).collect(),
            regions: state.stage.regions().into_iter().map(region).collect(),
        }
    }

    pub(crate) fn write(&self, files: &BenchFiles) -> Result<(), BenchError> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        replace(&files.board(), &text)
    }
}
