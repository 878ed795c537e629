//! What makes one board of the family different from the next, as the playbook says it.

use crate::bench::kit::partition::{
    FIRMWARE, PARTITIONS_FORM, PARTITIONS_MEANING, read_partition_name, read_partitions,
};
use crate::bench::kit::settings::{SettingHelp, Settings, Usual};
use crate::bench::{MemoryLayout, Partition};
use crate::documents::Yaml;
use crate::documents::playbook::DeviceKind;
use crate::words::UsbId;

/// What makes one board of the family different from the next.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stm32RomSettings {
    pub rom: UsbId,
    /// The board's own bootloader, for 2.5 s after the start. A board without one starts what stands in its flash.
    pub bootloader: Option<UsbId>,
    /// None for firmware that does not use USB.
    pub running: Option<UsbId>,
    /// The ROM's name for its alt setting 0: `@Internal Flash  /0x08000000/16*128Kg`.
    pub flash: String,
    /// The ROM's names for its further alt settings.
    pub other_alts: Vec<String>,
    pub transfer_bytes: u32,
    /// Of the ROM; real ones collide now and then.
    pub serial: String,
    /// Of the board's own bootloader.
    pub partitions: Vec<Partition>,
    /// The partition that it starts. Without one it always goes on.
    pub firmware: Option<String>,
}

const LAYOUT: SettingHelp = SettingHelp {
    name: "layout",
    form: "\"@Internal Flash  /0x08000000/16*128Kg\"",
    meaning: "the flash and its pages, as `dfu-util -l` shows the name of alt setting 0",
};

/// What the playbook may say about a board with the model `stm32-dfu-rom`.
pub(super) const SETTINGS: &[SettingHelp] = &[
    LAYOUT,
    SettingHelp {
        name: "other_alts",
        form: "[\"@Option Bytes  /0x1FFF0000/01*032 e\"]",
        meaning: "the names of the ROM's further alt settings; else those of an STM32F7 and H7",
    },
    SettingHelp { name: "transfer_size", form: "bytes", meaning: "what the ROM takes at once, up to 4096; else 1024" },
    SettingHelp { name: "serial", form: "text", meaning: "the ROM's serial number" },
    SettingHelp { name: "rom", form: "USB id", meaning: "the ROM; else the device `rom`" },
    SettingHelp {
        name: "bootloader",
        form: "USB id",
        meaning: "the board's own DFU bootloader, for 2.5 s after each start; else the device `bootloader`, or none",
    },
    SettingHelp {
        name: "running",
        form: "USB id",
        meaning: "what shows once the firmware runs; else the device `running`, and without one nothing shows",
    },
    SettingHelp { name: "partitions", form: PARTITIONS_FORM, meaning: PARTITIONS_MEANING },
    FIRMWARE,
];

const OTHER_ALTS: [&str; 3] =
    ["@Option Bytes  /0x1FFF0000/01*032 e", "@OTP Memory /0x1FF0F000/01*01Ka", "@Device Feature/0xFFFF0000/01*004 e"];
const SERIAL: &str = "356A38733432";
const TRANSFER_BYTES: u32 = 1024;
/// Linux does not let dfu-util take more.
const TRANSFER_BYTES_MAX: u32 = 4096;
const USUAL: Usual = Usual { kind: DeviceKind::Usb, product: "" };

impl Stm32RomSettings {
    pub(crate) fn read(settings: &mut Settings<'_>) -> Self {
        let layout = settings.required(&LAYOUT);
        let partitions = read_partitions(settings, "partitions");
        let other_alts = settings.value("other_alts").map(|list| settings.list(list, "alt settings"));
        Stm32RomSettings {
            rom: settings.required_identity("rom", USUAL).id,
            bootloader: settings.identity("bootloader", USUAL).map(|identity| identity.id),
            running: settings.identity("running", USUAL).map(|identity| identity.id),
            flash: layout.and_then(|layout| read_layout(settings, layout)).unwrap_or_default(),
            other_alts: match other_alts {
                Some(alts) => alts.iter().filter_map(|alt| read_layout(settings, alt)).collect(),
                None => OTHER_ALTS.map(str::to_owned).to_vec(),
            },
            transfer_bytes: settings
                .value("transfer_size")
                .and_then(|bytes| settings.reader.count(bytes, 1..=TRANSFER_BYTES_MAX))
                .unwrap_or(TRANSFER_BYTES),
            serial: settings.text("serial").unwrap_or_else(|| SERIAL.to_owned()),
            firmware: read_partition_name(settings, FIRMWARE.name, &partitions),
            partitions,
        }
    }
}

/// The text of a layout that can be read.
fn read_layout(settings: &mut Settings<'_>, value: &Yaml) -> Option<String> {
    settings.parsed::<MemoryLayout>(value)?;
    settings.reader.text(value).map(|text| text.value)
}
