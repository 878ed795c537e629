//! The NOR flash beside a chip, as a playbook writes it.

use std::ops::RangeInclusive;

use crate::bench::kit::settings::{Range, Settings};
use crate::documents::Yaml;

/// Where the flash shows in the chip's memory, and what it erases at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Nor {
    pub(crate) range: Range,
    pub(crate) sector_bytes: u64,
}

/// How it is written.
pub(crate) const NOR_FORM: &str = "{start, size, sector}";
const OF: &str = "the flash";
/// No NOR flash erases less or more at once; a board with millions of sectors would take its time to set up.
const SECTOR_BYTES: RangeInclusive<u64> = 0x100..=0x100_0000;

/// The setting `nor`; what it does not say is as in `usual`.
pub(crate) fn read_nor(settings: &mut Settings<'_>, usual: Nor) -> Nor {
    settings.value("nor").and_then(|value| read(settings, value, usual)).unwrap_or(usual)
}

fn read(settings: &mut Settings<'_>, value: &Yaml, usual: Nor) -> Option<Nor> {
    let parts = settings.parts(value, OF, &["start", "size", "sector"])?;
    let range = settings.range(&parts, OF)?;
    let Some(sector) = parts.get("sector") else { return Some(Nor { range, ..usual }) };
    let sector_bytes = settings.reader.unsigned(sector)?;
    if !SECTOR_BYTES.contains(&sector_bytes) || !range.length.is_multiple_of(sector_bytes) {
        let message = format!("a flash of {:#x} bytes has no sectors of {sector_bytes:#x}", range.length);
        settings.report(&sector.place, message);
        return None;
    }
    Some(Nor { range, sector_bytes })
}
