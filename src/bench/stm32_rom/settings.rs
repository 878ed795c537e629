//! What makes one board of the family different from the next, as the playbook says it.

use crate::bench::BenchError;
use crate::bench::settings::{Settings, wrong};
use crate::words::UsbId;

/// What makes one board of the family different from the next.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stm32RomSettings {
    pub rom: UsbId,
    /// The board's own bootloader, for 2.5 s after the start.
    pub bootloader: UsbId,
    pub running: UsbId,
    /// The ROM's name for its alt setting 0: `@Internal Flash  /0x08000000/16*128Kg`.
    pub flash: String,
    pub transfer_bytes: u32,
    /// Of the ROM; real ones collide now and then.
    pub serial: String,
}

impl Stm32RomSettings {
    const NAMES: &[&str] = &["layout", "bootloader", "running", "transfer_size", "serial"];

    /// From the playbook: its device `rom`, and the settings of its virtual board.
    pub(crate) fn read(settings: Settings<'_>) -> Result<Self, BenchError> {
        settings.refuse_others(Stm32RomSettings::NAMES)?;
        let id = |name: &str| match settings.text(name) {
            Some(text) => text.parse::<UsbId>().map_err(|error| wrong(name, &error.to_string())),
            None => Err(wrong(name, "it is missing")),
        };
        let rom = settings.device("rom")?.ids.first().copied();
        let transfer_bytes = settings.integer("transfer_size", 1024)?;
        Ok(Stm32RomSettings {
            rom: rom.ok_or_else(|| wrong("devices", "the device `rom` has no id"))?,
            bootloader: id("bootloader")?,
            running: id("running")?,
            flash: settings.text("layout").ok_or_else(|| wrong("layout", "it is missing"))?.to_owned(),
            transfer_bytes: u32::try_from(transfer_bytes)
                .ok()
                .filter(|bytes| *bytes > 0)
                .ok_or_else(|| wrong("transfer_size", "it must be between 1 and 4096"))?,
            serial: settings.text("serial").unwrap_or(SERIAL).to_owned(),
        })
    }
}

const SERIAL: &str = "356A38733432";
