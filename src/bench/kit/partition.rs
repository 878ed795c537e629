//! One partition of a DFU bootloader, and how a playbook writes it.

use crate::bench::kit::settings::{SettingHelp, Settings};
use crate::documents::Yaml;

/// One partition, as the bootloader knows it. Its place in the list is its alt setting.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Partition {
    pub name: String,
    /// Where it shows in the chip's memory, or a place of its own for one that shows nowhere.
    pub address: u64,
    pub length_max: u64,
    /// The bootloader refuses to write it, such as its own place.
    pub read_only: bool,
}

/// How a list of partitions is written.
pub(crate) const PARTITIONS_FORM: &str = "[{name, address, size, read_only}]";
pub(crate) const PARTITIONS_MEANING: &str = "what the board's bootloader takes, in the order of its alt settings; only `name` is needed: without `address` a \
     partition has a place of its own from 0xd0000000 on, without `size` it takes 16 MiB";

/// The setting that names one of them.
pub(crate) const FIRMWARE: SettingHelp = SettingHelp {
    name: "firmware",
    form: "name",
    meaning: "the partition that the bootloader starts; without it the bootloader always goes on, and nothing can be wrong with \
              the firmware",
};

/// Partitions that show nowhere in the chip's memory get places of their own from here on.
const PARTITIONS_START: u64 = 0xd000_0000;
const PARTITION_BYTES: u64 = 0x100_0000;
const OF: &str = "a partition";

/// The partitions of the setting of this name; none without it.
pub(crate) fn read_partitions(settings: &mut Settings<'_>, name: &str) -> Vec<Partition> {
    let Some(value) = settings.value(name) else { return Vec::new() };
    let mut found: Vec<Partition> = Vec::new();
    for (alt, item) in (0..).zip(settings.list(value, "partitions")) {
        if let Some(partition) = read(settings, item, alt) {
            if found.iter().any(|other| other.name == partition.name) {
                settings.report(&item.place, format!("there are two partitions `{}`", partition.name));
            }
            found.push(partition);
        }
    }
    found
}

/// A setting that must be the name of one of the partitions.
pub(crate) fn read_partition_name(settings: &mut Settings<'_>, name: &str, partitions: &[Partition]) -> Option<String> {
    let value = settings.value(name)?;
    let text = settings.reader.text(value)?.value;
    if !partitions.iter().any(|partition| partition.name == text) {
        let known: Vec<&str> = partitions.iter().map(|partition| partition.name.as_str()).collect();
        settings.unknown_name(value, &format!("there is no partition `{text}`"), &text, &known);
    }
    Some(text)
}

fn read(settings: &mut Settings<'_>, item: &Yaml, alt: u64) -> Option<Partition> {
    let parts = settings.parts(item, OF, &["name", "address", "size", "read_only"])?;
    let name = settings.part(&parts, OF, "name")?;
    let name = settings.reader.text(name)?.value;
    let address = parts.get("address").and_then(|address| settings.reader.unsigned(address));
    let address = address.unwrap_or(PARTITIONS_START + alt * PARTITION_BYTES);
    let length_max = match parts.get("size") {
        Some(size) => settings.sized(address, size, OF)?.length,
        None => PARTITION_BYTES,
    };
    let read_only = parts.get("read_only").and_then(|flag| settings.reader.flag(flag)).is_some_and(|flag| flag.value);
    Some(Partition { name, address, length_max, read_only })
}
