//! The two parts that cameras with an Alif Ensemble E3 are built with.

use crate::words::UsbId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Part {
    /// Behind an FTDI bridge.
    Sbl,
    /// Behind a CH343 bridge.
    Sbl2,
}

impl Part {
    pub(crate) const ALL: [Part; 2] = [Part::Sbl, Part::Sbl2];

    pub(crate) fn other(self) -> Part {
        match self {
            Part::Sbl => Part::Sbl2,
            Part::Sbl2 => Part::Sbl,
        }
    }

    /// As the chip tells it.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Part::Sbl => "AE302F80F55D5AE",
            Part::Sbl2 => "AE302F80F55D5LE",
        }
    }

    /// The key in the tools' list of parts.
    pub(crate) fn key(self) -> String {
        format!("E3 ({}) - 5.5 MRAM / 13.5 SRAM", self.number())
    }

    pub(crate) fn by_key(key: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.key() == key)
    }

    pub(crate) fn bridge(self) -> UsbId {
        match self {
            Part::Sbl => UsbId { vendor: 0x0403, product: 0x6015 },
            Part::Sbl2 => UsbId { vendor: 0x1a86, product: 0x55d3 },
        }
    }

    pub(crate) fn bridge_product(self) -> &'static str {
        match self {
            Part::Sbl => "FT231X USB UART",
            Part::Sbl2 => "USB Single Serial",
        }
    }

    /// As Linux names the ports of this bridge.
    pub(crate) fn port(self, number: u32) -> String {
        match self {
            Part::Sbl => format!("/dev/ttyUSB{number}"),
            Part::Sbl2 => format!("/dev/ttyACM{number}"),
        }
    }

    /// Path of the system package in the tools' folder.
    pub(crate) fn package_path(self) -> String {
        format!("alif/SP-{}-rev-b4.bin", self.number())
    }
}
