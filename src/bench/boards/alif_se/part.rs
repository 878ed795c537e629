//! A part of the Alif Ensemble family, and the bridge that a board puts before it.

use crate::bench::kit::settings::Settings;
use crate::documents::Yaml;
use crate::words::UsbId;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Part {
    /// In the tools' list of parts: `E3 (AE302F80F55D5AE) - 5.5 MRAM / 13.5 SRAM`.
    pub(crate) key: String,
    /// As the chip tells it: `AE302F80F55D5AE`.
    pub(crate) number: String,
    pub(crate) bridge: UsbId,
    pub(crate) bridge_product: String,
    /// As Linux names the ports of this bridge, without the number.
    port: String,
}

/// How a list of parts is written.
pub(super) const PARTS_FORM: &str = "[{key, bridge, product, port}]";
const OF: &str = "a part";
/// How the numbers of parts begin, and how long they can be.
const NUMBER_LENGTH_MAX: usize = 30;

impl Part {
    pub(crate) fn port(&self, number: u32) -> String {
        format!("{}{number}", self.port)
    }

    /// Path of the system package in the tools' folder.
    pub(crate) fn package_path(&self) -> String {
        format!("alif/SP-{}-rev-b4.bin", self.number)
    }
}

/// The parts of the setting `parts`: that of the board, and perhaps that of a later series. Else the two of the
/// Ensemble E3, behind an FTDI and a CH343 bridge.
pub(super) fn read_parts(settings: &mut Settings<'_>) -> Vec<Part> {
    let Some(value) = settings.value("parts") else { return usual() };
    let items = settings.list(value, "parts");
    let parts: Vec<Part> = items.iter().filter_map(|item| read(settings, item)).collect();
    if items.is_empty() || items.len() > 2 {
        settings.report(&value.place, "a board comes with one part, or in two series with one part each");
    }
    if parts.is_empty() { usual() } else { parts }
}

fn read(settings: &mut Settings<'_>, item: &Yaml) -> Option<Part> {
    let parts = settings.parts(item, OF, &["key", "bridge", "product", "port"])?;
    let (key, bridge) = (settings.part(&parts, OF, "key"), settings.part(&parts, OF, "bridge"));
    let key = settings.reader.text(key?)?;
    let Some(number) = number_in(&key.value) else {
        let message = format!("`{}` names no part number", key.value);
        settings.report(&key.place, format!("{message}; the tools write it in brackets: `E3 (AE302F80F55D5AE) - …`"));
        return None;
    };
    let mut text = |name| parts.get(name).and_then(|value| settings.reader.text(value)).map(|text| text.value);
    let (product, port) = (text("product"), text("port"));
    Some(Part {
        number,
        bridge: settings.parsed(bridge?)?,
        bridge_product: product.unwrap_or_else(|| "USB Serial".to_owned()),
        port: port.unwrap_or_else(|| "/dev/ttyUSB".to_owned()),
        key: key.value,
    })
}

fn number_in(key: &str) -> Option<String> {
    let number = key.split_once('(')?.1.split_once(')')?.0;
    let fits = !number.is_empty() && number.len() <= NUMBER_LENGTH_MAX;
    (fits && number.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| number.to_owned())
}

fn usual() -> Vec<Part> {
    vec![
        part("E3", "AE302F80F55D5AE", (0x0403, 0x6015), "FT231X USB UART", "/dev/ttyUSB"),
        part("E3", "AE302F80F55D5LE", (0x1a86, 0x55d3), "USB Single Serial", "/dev/ttyACM"),
    ]
}

/// Of a development board, behind a bridge that cameras have, too.
pub(super) fn strange() -> Part {
    part("E7", "AE722F80F55D5LS", (0x0403, 0x6015), "FT231X USB UART", "/dev/ttyUSB")
}

fn part(family: &str, number: &str, (vendor, product): (u16, u16), bridge_product: &str, port: &str) -> Part {
    Part {
        key: format!("{family} ({number}) - 5.5 MRAM / 13.5 SRAM"),
        number: number.to_owned(),
        bridge: UsbId { vendor, product },
        bridge_product: bridge_product.to_owned(),
        port: port.to_owned(),
    }
}
