//! Floor 3: every effect. The engine sees the world through [`World`]; [`crate::bench`] has a second one.

mod awake;
mod clock_hold;
mod computer;
mod contract;
mod custody;
mod gate;
mod hands;
mod hands_answer;
mod host;
mod interrupts;
mod lock;
mod machine;
#[cfg(target_os = "linux")]
mod node;
#[cfg(target_os = "linux")]
mod node_lock;
mod own_folder;
mod person;
pub mod process;
mod recording;
mod rules_file;
mod scratch;
mod serial;
mod signature;
mod tool_folder;
mod tools;
mod turns;
#[cfg(unix)]
mod unix;
mod usb;
mod whole_file;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub(crate) use clock_hold::ClockHold;
pub use computer::{free_bytes, is_administrator, may_write_in, running_programs};
pub use contract::{
    Access, AnswerTool, Ask, AttachedDevice, Awake, DeviceList, DeviceNode, Interrupt, NoBus, NodeGroup, NodeHolder,
    OtherDevice, Reply, RunningTool, StopTool, ToolCall, ToolEvent, ToolInput, WarmStart, World,
};
pub use custody::{Foreign, NotPrivate, custody, read_private};
pub use gate::{Cleared, Consent, Refused, Wish, clear, clear_interpreter};
pub use hands::{HANDS_VARIABLES, HandsFor, HandsProgram, LET_GO, MOVE_LIMIT, Moves, Moving, MovingHands};
pub use hands_answer::{HandsAnswer, hands_schema};
pub use host::Host;
pub use interrupts::{Interrupts, Wishes};
pub use lock::{BoardLock, Holder, LockProblem};
pub use machine::Machine;
pub use own_folder::{
    FolderRefused, KEPT_FOLDERS_MAX, TemporaryFolder, claim_folder, remove_own, sweep_folders, vacant_folder,
};
pub use person::{Person, PersonChannel, Questions, ask_line, read_in_background};
pub use recording::{Recorded, Recorder, RecordingWorld, TEXT_BYTES_MAX};
pub use rules_file::{NotWritten, device_rules, install_rules, may_install_rules, reload_rules};
pub use scratch::{Scratch, ScratchProblem, Staged, open_file, sha256_of, sha256_of_bytes, sha256_of_parts};
pub use serial::serial_ports;
pub use signature::{SignatureProblem, TrustedKey};
pub use system::{drop_typed_ahead, end_by_signal, host_name, new_private_file};
pub use tool_folder::{FolderProblem, copy_tool_folder, tool_folder};
pub use tools::{
    Finder, FirstTried, FoundTool, PassedOver, Surroundings, ToolEnvironment, ToolProblem, ToolStarter, Trouble,
    Unusable, examine_tools, existing_folders, find_tools, first_tried, matches_glob, quoted, tool_environment,
};
pub use turns::{CallTurn, NotYourTurn, PlaceTurns, Turns};
pub use usb::{SharedBus, UsbBus, meant_port};
pub use whole_file::{unhindered, write_new, write_whole};
