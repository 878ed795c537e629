//! What makes one board with a Secure Enclave different from the next, as the playbook says it.

use crate::bench::Partition;
use crate::bench::boards::alif_se::part::{PARTS_FORM, Part, read_parts, strange};
use crate::bench::kit::partition::{
    FIRMWARE, PARTITIONS_FORM, PARTITIONS_MEANING, read_partition_name, read_partitions,
};
use crate::bench::kit::settings::{Range, SettingHelp, Settings, Usual};
use crate::documents::playbook::DeviceKind;
use crate::words::UsbId;

/// What the playbook may say about a board with the model `alif-se`.
pub(super) const SETTINGS: &[SettingHelp] = &[
    SettingHelp {
        name: "parts",
        form: PARTS_FORM,
        meaning: "the part as the tools list it, and the bridge before it; a second one for a later series. Else the two \
                  parts of the Ensemble E3, behind an FTDI and a CH343 bridge",
    },
    SettingHelp {
        name: "mram",
        form: "{start, size}",
        meaning: "the MRAM, whose last 512 KiB belong to the Secure Enclave; else 6 MiB at 0x80000000",
    },
    SettingHelp {
        name: "bootloader_address",
        form: "address",
        meaning: "where the application's first image lies; else at the start of the MRAM",
    },
    SettingHelp {
        name: "toc_address",
        form: "address",
        meaning: "where the application's table of contents lies; else 8 KiB before the Secure Enclave's part",
    },
    SettingHelp {
        name: "bootloader",
        form: "USB id",
        meaning: "the board's own DFU bootloader; else the device `bootloader`, and without one nothing shows",
    },
    SettingHelp {
        name: "running",
        form: "USB id",
        meaning: "what shows once the firmware runs; else the device `running`, and without one nothing shows",
    },
    SettingHelp { name: "partitions", form: PARTITIONS_FORM, meaning: PARTITIONS_MEANING },
    FIRMWARE,
];

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct AlifSettings {
    pub(super) parts: Vec<Part>,
    /// A part that the tools know, and that no such board is built with.
    pub(super) strange_part: Part,
    pub(super) mram: Mram,
    pub(super) bootloader_address: u64,
    pub(super) toc_address: u64,
    pub(super) bootloader: Option<UsbId>,
    pub(super) running: Option<UsbId>,
    pub(super) partitions: Vec<Partition>,
    /// The partition that the bootloader starts. Without one it always goes on.
    pub(super) firmware: Option<String>,
}

/// The memory of application and Secure Enclave. That the enclave has the end of it is so in the parts with 6 MiB, the only
/// ones known here (Alif, Ensemble E3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Mram {
    pub(crate) range: Range,
}

const MRAM: Range = Range { start: 0x8000_0000, length: 0x60_0000 };
const ENCLAVE_BYTES: u64 = 0x8_0000;
const POINTER_BYTES: u64 = 0x10;
const TOC_BYTES: u64 = 0x2000;
const USUAL: Usual = Usual { kind: DeviceKind::Usb, product: "" };

impl Mram {
    /// Where the Secure Enclave's package lies, and the applications' memory ends.
    pub(crate) fn package_address(self) -> u64 {
        self.range.start + self.applications_bytes()
    }

    pub(crate) fn pointer_address(self) -> u64 {
        self.range.start + self.range.length - POINTER_BYTES
    }

    pub(crate) fn applications_bytes(self) -> u64 {
        self.range.length - ENCLAVE_BYTES
    }

    pub(crate) fn writable(self, address: u64, length: u64) -> bool {
        let end = address.checked_add(length);
        address >= self.range.start && end.is_some_and(|end| end <= self.package_address())
    }
}

impl AlifSettings {
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        let partitions = read_partitions(settings, "partitions");
        let mram = Mram { range: read_mram(settings).unwrap_or(MRAM) };
        let applications = Range { start: mram.range.start, length: mram.applications_bytes() };
        let toc_address = mram.package_address() - TOC_BYTES;
        AlifSettings {
            parts: read_parts(settings),
            strange_part: strange(),
            mram,
            bootloader_address: settings.address_in("bootloader_address", applications, applications.start),
            toc_address: settings.address_in("toc_address", applications, toc_address),
            bootloader: settings.identity("bootloader", USUAL).map(|identity| identity.id),
            running: settings.identity("running", USUAL).map(|identity| identity.id),
            firmware: read_partition_name(settings, FIRMWARE.name, &partitions),
            partitions,
        }
    }
}

fn read_mram(settings: &mut Settings<'_>) -> Option<Range> {
    const OF: &str = "the MRAM";
    let value = settings.value("mram")?;
    let parts = settings.parts(value, OF, &["start", "size"])?;
    let range = settings.range(&parts, OF)?;
    if range.length <= ENCLAVE_BYTES + TOC_BYTES {
        settings.report(&value.place, format!("the Secure Enclave alone takes {ENCLAVE_BYTES:#x} bytes of the MRAM"));
        return None;
    }
    Some(range)
}
