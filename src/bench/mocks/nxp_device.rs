//! Which device a call of NXP's tools means, and what the tools find for it.

use crate::bench::boards::imx_rt::ImxRt;
use crate::bench::{BenchClock, BoardModel, BusDevice};
use crate::words::UsbId;
use crate::world::Access;

/// The value of `-u`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// As written.
    pub(crate) text: String,
    /// None when the text means nothing to the tool.
    pub(crate) id: Option<UsbId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Denied(BusDevice),
    One(BusDevice),
    /// More than one; the old tools take the first.
    Several(Vec<BusDevice>),
}

impl Wanted {
    /// Vendor and product as C-like integers, separated by one of these characters.
    pub(crate) fn parse(text: &str, separators: &[char]) -> Self {
        let number = |digits: &str| parse_c_integer(digits).and_then(|value| u16::try_from(value).ok());
        let id = text
            .split_once(separators)
            .and_then(|(vendor, product)| Some(UsbId { vendor: number(vendor)?, product: number(product)? }));
        Wanted { text: text.to_owned(), id }
    }

    pub(crate) fn find(&self, board: &ImxRt, clock: BenchClock) -> Found {
        let mut matching = board.attached(clock.now_ms());
        matching.retain(|device| Some(device.id) == self.id);
        match matching.len() {
            0 => Found::Nothing,
            1 => {
                let device = matching.remove(0);
                if device.access == Access::Denied { Found::Denied(device) } else { Found::One(device) }
            }
            _ => Found::Several(matching),
        }
    }
}

/// `0x` for hexadecimal, else decimal; underscores between digits are allowed. Covers what both flavours accept.
pub(crate) fn parse_c_integer(text: &str) -> Option<u64> {
    let value = crate::words::parse_integer(text).ok()?;
    u64::try_from(value).ok()
}

/// The node behind which the tools see the board; the second one of two boards is far away.
pub(crate) fn node(index: usize) -> &'static str {
    if index == 0 { "/dev/hidraw1" } else { "/dev/hidraw99" }
}
