//! Playbooks: one board's recovery as data. Running them is the engine's part.

mod check;
mod check_arguments;
mod check_call;
mod check_devices;
mod check_flash;
mod check_inputs;
mod check_optional;
mod check_options;
mod check_waits;
mod check_ways_back;
mod command_line;
mod declared;
mod device;
mod drawing;
pub(in crate::documents) mod family;
mod input;
mod interruption;
pub(in crate::documents) mod load;
mod may_do;
pub(in crate::documents) mod parameters;
pub(in crate::documents) mod procedure;
mod read_answers;
pub(in crate::documents) mod read_input;
mod read_reading;
mod read_run;
pub(in crate::documents) mod read_step;
mod schema;
mod steps;
#[cfg(test)]
mod talking_tests;
mod touches;
mod types;
pub(in crate::documents) mod variable;
mod wrong_kind;

pub use check::check;
pub use check_flash::{Room, check_rooms};
pub use command_line::{ChosenBoard, all_arguments, arguments, choosing, libusb_path, with_choice};
pub use declared::Declared;
pub use device::{Device, DeviceKind, DeviceState, Identity, StartPart};
pub use drawing::{Drawing, Edges, Spot, Switch};
pub use family::Families;
pub use input::{FileKind, Input, InputWord, NamesFiles, Need, Vectors, WordLimit};
pub use interruption::{
    BURNT_UNREAD, CutCall, Interruption, Leaves, MayBeCut, Supposed, changes_board, interruptions, is_guarded,
};
pub use load::{Loaded, load};
pub use may_do::{Deed, MayDo, MemoryRange, may_do};
pub(crate) use read_input::is_part_of_a_program;
pub use schema::schema;
pub use steps::{Below, Walk, every_step, irreversible_steps, leaves, procedure, runs_of, tools_of};
pub use types::{
    Action, Afterwards, Answer, Backoff, Capture, CaptureKind, Changes, CheckStep, Contents, Enough, FailOn, HandMove,
    Hint, Instead, Irreversible, LateAsk, OnFault, Playbook, Prompt, Reading, RefuseStep, RestartAt, Retry, Run,
    StagedFile, Step, TellApart, ThirdFailure, Timeout, ToolFile, Unmet, Until, VirtualBoard, WAIT_LIMIT, WriteStep,
};
pub use variable::{Variable, VariableError, as_written};
pub use wrong_kind::{LOOKED_AT_BYTES, WrongKind, blank, wrong_kind};
