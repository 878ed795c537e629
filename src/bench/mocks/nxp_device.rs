//! Which device a call of NXP's tools means, and what the tools find for it.

use crate::bench::boards::imx_rt::ImxRt;
use crate::bench::{BenchClock, BoardModel, BusDevice, hid_node};
use crate::words::UsbId;
use crate::world::{Access, sha256_of_bytes};

/// Of `get_hash()` in `spsdk/utils/misc.py`.
const NODE_NAME_LENGTH: usize = 8;

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

    /// By the hash of the path of its node, too, as SPSDK does from 2.3 on.
    pub(crate) fn find_by_node(&self, board: &ImxRt, clock: BenchClock) -> Found {
        let attached = board.attached(clock.now_ms()).into_iter().enumerate();
        let named = |index: usize| sha256_of_bytes(hid_node(index).as_bytes()).starts_with(&self.text);
        let mut of_node = attached.filter(|(index, _)| self.text.len() == NODE_NAME_LENGTH && named(*index));
        match of_node.next() {
            Some((_, device)) if device.access == Access::Denied => Found::Denied(device),
            Some((_, device)) => Found::One(device),
            None => self.find(board, clock),
        }
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
