//! What makes one STM32N6 board different from the next, as the playbook says it.

use crate::bench::Partition;
use crate::bench::kit::nor::{NOR_FORM, Nor, read_nor};
use crate::bench::kit::partition::{
    FIRMWARE, PARTITIONS_FORM, PARTITIONS_MEANING, read_partition_name, read_partitions,
};
use crate::bench::kit::settings::{Range, SettingHelp, Settings, Usual};
use crate::documents::playbook::DeviceKind;
use crate::words::UsbId;

/// What the playbook may say about a board with the model `stm32n6`.
pub(super) const SETTINGS: &[SettingHelp] = &[
    SettingHelp { name: "rom", form: "USB id", meaning: "the ROM, and the loader in RAM; else the device `rom`" },
    SettingHelp {
        name: "bootloader",
        form: "USB id",
        meaning: "the bootloader that the ROM starts from flash; else the device `bootloader`, and without one nothing shows",
    },
    SettingHelp {
        name: "running",
        form: "USB id",
        meaning: "what shows once the firmware runs; else the device `running`, and without one nothing shows",
    },
    SettingHelp {
        name: "nor",
        form: NOR_FORM,
        meaning: "the NOR flash that the ROM starts from; else 128 MiB at 0x70000000 in sectors of 4 KiB",
    },
    SettingHelp { name: "partitions", form: PARTITIONS_FORM, meaning: PARTITIONS_MEANING },
    FIRMWARE,
];

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Stm32N6Settings {
    pub(super) rom: UsbId,
    pub(super) bootloader: Option<UsbId>,
    pub(super) running: Option<UsbId>,
    pub(super) nor: Nor,
    pub(super) partitions: Vec<Partition>,
    /// The partition that the bootloader starts. Without one it always goes on.
    pub(super) firmware: Option<String>,
}

const NOR: Nor = Nor { range: Range { start: 0x7000_0000, length: 0x800_0000 }, sector_bytes: 0x1000 };
const USUAL: Usual = Usual { kind: DeviceKind::Usb, product: "" };

impl Stm32N6Settings {
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        let partitions = read_partitions(settings, "partitions");
        Stm32N6Settings {
            rom: settings.required_identity("rom", USUAL).id,
            bootloader: settings.identity("bootloader", USUAL).map(|identity| identity.id),
            running: settings.identity("running", USUAL).map(|identity| identity.id),
            nor: read_nor(settings, NOR),
            firmware: read_partition_name(settings, FIRMWARE.name, &partitions),
            partitions,
        }
    }
}
