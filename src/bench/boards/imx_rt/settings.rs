//! What makes one i.MX RT board different from the next, as the playbook says it.

use crate::bench::kit::nor::{NOR_FORM, Nor, read_nor};
use crate::bench::kit::settings::{Identity, Range, SettingHelp, Settings, Usual};
use crate::documents::Yaml;
use crate::documents::playbook::DeviceKind;

/// What the playbook may say about a board with the model `imxrt-flexspi`.
pub(super) const SETTINGS: &[SettingHelp] = &[
    SettingHelp { name: "rom", form: "USB id", meaning: "the ROM in serial download mode; else the device `rom`" },
    SettingHelp {
        name: "flashloader",
        form: "USB id",
        meaning: "the RAM flashloader, and the bootloader in flash if there is one; else the device `flashloader`",
    },
    SettingHelp {
        name: "running",
        form: "USB id",
        meaning: "what shows once the firmware runs; else the device `running`, and without one nothing shows",
    },
    SettingHelp {
        name: "ram",
        form: "[{start, size}]",
        meaning: "memories that sdphost and blhost can write; else 512 KiB at 0 and at 0x20000000, 1 MiB at 0x20200000",
    },
    SettingHelp {
        name: "nor",
        form: NOR_FORM,
        meaning: "the serial NOR flash on FlexSPI; else 16 MiB at 0x60000000 in sectors of 4 KiB",
    },
    SettingHelp {
        name: "boot_image",
        form: "address",
        meaning: "where the ROM looks for an image with an image vector table; else 0x1000 behind the start of the flash",
    },
    SettingHelp {
        name: "firmware",
        form: "address",
        meaning: "where a bootloader in flash looks for the firmware; without it the boot image is the firmware itself",
    },
    SettingHelp {
        name: "boot_fuse",
        form: "{word, bits}",
        meaning: "fuse bits without which the ROM does not start from flash; without it switches or pins decide that",
    },
    SettingHelp {
        name: "fuses",
        form: "[{word, value, locked}]",
        meaning: "fuse words that are not 0 from the factory, or that cannot be burnt any more",
    },
    SettingHelp {
        name: "rom_after_reset",
        form: "milliseconds",
        meaning: "after a reset with the wire in place the ROM is on the bus again so much later; else 200",
    },
    SettingHelp {
        name: "version",
        form: "K2.8.0",
        meaning: "what the flashloader answers when asked for its version; else K2.8.0",
    },
];

/// What makes one board of the family different from the next.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct ImxRtSettings {
    pub(super) rom: Identity,
    pub(super) flashloader: Identity,
    /// Firmware that does not use USB shows nothing.
    pub(super) running: Option<Identity>,
    pub(super) ram: Vec<Range>,
    pub(super) nor: Nor,
    pub(super) boot_image: u64,
    /// None when the boot image is the firmware.
    pub(super) firmware_address: Option<u64>,
    pub(super) boot_fuse: Option<BootFuse>,
    pub(super) fuses: Vec<Fuse>,
    /// As the flashloader's property 1 has it: `K`, major, minor, patch.
    pub(super) version_word: u32,
    pub(super) rom_after_reset_ms: u64,
}

/// The ROM starts from flash only with these bits set.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct BootFuse {
    pub(super) word: u32,
    pub(super) bits: u32,
}

/// A fuse word as the factory left it.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Fuse {
    pub(super) word: u32,
    pub(super) value: u32,
    pub(super) locked: bool,
}

/// Words 0 to 0x6f exist (i.MX RT1050 and RT1060 reference manuals, OCOTP).
pub(super) const FUSE_WORDS: u32 = 0x70;
/// The largest of the family have 512 KiB of tightly coupled and 512 KiB to 1 MiB of other memory.
const RAM: &[Range] = &[
    Range { start: 0, length: 0x8_0000 },
    Range { start: 0x2000_0000, length: 0x8_0000 },
    Range { start: 0x2020_0000, length: 0x10_0000 },
];
const NOR: Nor = Nor { range: Range { start: 0x6000_0000, length: 0x100_0000 }, sector_bytes: 0x1000 };
const BOOT_IMAGE_OFFSET: u64 = 0x1000;
/// K2.8.0
const VERSION_WORD: u32 = 0x4b02_0800;
/// Users of the RT1062 report about so much.
const ROM_AFTER_RESET_MS: u32 = 200;
const ROM: Usual = Usual { kind: DeviceKind::Hid, product: "SE Blank RT Family" };
const FLASHLOADER: Usual = Usual { kind: DeviceKind::Hid, product: "USB COMPOSITE DEVICE" };
const RUNNING: Usual = Usual { kind: DeviceKind::Usb, product: "Virtual Comm Port" };

impl ImxRtSettings {
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        let nor = read_nor(settings, NOR);
        let boot_image = settings.address_in("boot_image", nor.range, nor.range.start + BOOT_IMAGE_OFFSET);
        let firmware_address =
            settings.value("firmware").map(|_| settings.address_in("firmware", nor.range, boot_image));
        let fuses = settings.value("fuses").map(|list| settings.list(list, "fuses")).unwrap_or_default();
        ImxRtSettings {
            rom: settings.required_identity("rom", ROM),
            flashloader: settings.required_identity("flashloader", FLASHLOADER),
            running: settings.identity("running", RUNNING),
            ram: settings.memories("ram", RAM),
            nor,
            boot_image,
            firmware_address,
            boot_fuse: settings.value("boot_fuse").and_then(|fuse| read_boot_fuse(settings, fuse)),
            fuses: fuses.iter().filter_map(|fuse| read_fuse(settings, fuse)).collect(),
            rom_after_reset_ms: settings
                .value("rom_after_reset")
                .and_then(|time| settings.word(time))
                .unwrap_or(ROM_AFTER_RESET_MS)
                .into(),
            version_word: settings
                .value("version")
                .and_then(|version| read_version(settings, version))
                .unwrap_or(VERSION_WORD),
        }
    }
}

fn read_boot_fuse(settings: &mut Settings<'_>, value: &Yaml) -> Option<BootFuse> {
    const OF: &str = "the boot fuse";
    let parts = settings.parts(value, OF, &["word", "bits"])?;
    let (word, bits) = (settings.part(&parts, OF, "word"), settings.part(&parts, OF, "bits"));
    let word = read_fuse_word(settings, word?);
    Some(BootFuse { word: word?, bits: settings.word(bits?)? })
}

fn read_fuse(settings: &mut Settings<'_>, value: &Yaml) -> Option<Fuse> {
    const OF: &str = "a fuse word";
    let parts = settings.parts(value, OF, &["word", "value", "locked"])?;
    let word = settings.part(&parts, OF, "word")?;
    Some(Fuse {
        word: read_fuse_word(settings, word)?,
        value: parts.get("value").and_then(|value| settings.word(value)).unwrap_or(0),
        locked: parts.get("locked").and_then(|flag| settings.reader.flag(flag)).is_some_and(|flag| flag.value),
    })
}

fn read_fuse_word(settings: &mut Settings<'_>, value: &Yaml) -> Option<u32> {
    let word = settings.word(value)?;
    if word >= FUSE_WORDS {
        settings
            .report(&value.place, format!("there is no fuse word {word:#x}; the last one is {:#x}", FUSE_WORDS - 1));
        return None;
    }
    Some(word)
}

fn read_version(settings: &mut Settings<'_>, value: &Yaml) -> Option<u32> {
    let text = settings.reader.text(value)?;
    let numbers: Vec<Option<u8>> =
        text.value.strip_prefix('K').unwrap_or_default().split('.').map(|part| part.parse().ok()).collect();
    if let [Some(major), Some(minor), Some(patch)] = numbers.as_slice() {
        return Some(u32::from_be_bytes([b'K', *major, *minor, *patch]));
    }
    settings.report(
        &text.place,
        format!("`{}` is not a version as the flashloader tells it, such as `K2.8.0`", text.value),
    );
    None
}
