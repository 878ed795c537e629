//! Floor 0: the values everything else speaks in. Pure; knows no file, tool or board.

mod address_range;
mod as_text;
mod code;
mod device_id;
mod diagnostic;
mod fault;
mod hex;
mod id;
mod located;
mod outcome;
mod place_number;
mod size;
mod steering;
mod time_span;
mod tool_end;
mod tool_version;

pub use address_range::{AddressRange, AddressRangeError, end_reached};
pub use code::{Code, Explanation, UnknownCode};
pub use device_id::{UsbId, UsbIdError};
pub use diagnostic::{Diagnostic, Severity, likeness, meant_or_known, nearest, without_repetitions};
pub(crate) use fault::in_both_forms;
pub use fault::{Fault, FaultClass, ThirdTime, UnknownFaultClass, Verdict};
pub use hex::{Hex, IntegerError, hex_digits, parse_integer};
pub use id::{Id, IdError};
pub use located::{Located, Place, Position, Source};
pub use outcome::{OUTPUT_LOST, Outcome};
pub use place_number::PlaceNumber;
pub use size::{FILE_BYTES_MAX, MADE_BYTES_MAX};
pub use steering::steers;
pub use time_span::{TimeSpanError, describe_clock, describe_time, parse_time};
pub use tool_end::{Stream, ToolEnd};
pub use tool_version::{ToolVersion, ToolVersionError};
