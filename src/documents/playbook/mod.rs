//! Playbooks: one board's recovery as data. Running them is the engine's part.

mod types;

pub use types::{
    Action, Backoff, Capture, CheckStep, Device, DeviceKind, FailOn, HandMove, Input, InputWord, Irreversible,
    Playbook, Prompt, Reading, RestartAt, Retry, Run, Step, Timeout, Until, VirtualBoard, WriteStep,
};
