//! Floor 5: virtual boards and the mock tools that act on them. The only place in Rust that knows boards and tools by name.

mod alif_folder;
mod alif_se;
#[cfg(test)]
mod alif_test_bench;
#[cfg(test)]
mod alif_tests;
#[cfg(test)]
mod alif_transcript_tests;
mod board;
mod board_record;
mod brake;
mod call_record;
mod case;
mod clock;
mod console;
mod dfu_board;
mod expectation;
mod flash;
mod folder;
mod image;
mod imx_rt;
mod in_process;
mod memory;
mod memory_layout;
mod mock;
mod mutation;
mod nor;
mod own_bootloader;
#[cfg(test)]
mod own_bootloader_tests;
mod pace;
mod partition;
mod person;
mod plain_dfu;
mod plain_usb;
mod rehearsal;
mod scene;
mod set_up;
mod settings;
#[cfg(test)]
mod settings_tests;
mod state;
mod stm32_fault;
mod stm32_rom;
mod stm32n6;
mod strike;
#[cfg(test)]
mod test_bench;
mod timeline;
mod tool_handles;
#[cfg(test)]
mod transcript_tests;
mod virtual_model;
mod waiting;
#[cfg(test)]
mod walk_tests;
mod world;
#[cfg(test)]
mod world_tests;

pub use alif_se::AlifSe;
pub use board::{BenchError, BoardModel, BusDevice, FaultName, Region};
pub use call_record::CallRecord;
pub use case::{CaseError, CaseRun, Keep, Subject, run_case};
pub use clock::BenchClock;
pub use console::{Console, Scripted};
pub use dfu_board::{Answer, DfuBoard, DfuDevice, Share};
pub use expectation::{Difference, compare};
pub use flash::{Flash, NotWritable};
pub use folder::{BenchFiles, BenchFolder, MOCK_TOOLS};
pub use image::generate_image;
pub use imx_rt::ImxRt;
pub use memory::Memory;
pub use memory_layout::{MemoryLayout, MemoryLayoutError, Segment};
pub use mock::{MockEnd, dfu_util, mock_main, play};
pub use mutation::{Baseline, Notice, notice};
pub use partition::Partition;
pub use person::{Answers, VirtualPerson, WhichBoard};
pub use plain_dfu::PlainDfu;
pub use plain_usb::PlainUsb;
pub use rehearsal::{Account, Rehearsal, RehearsalError, rehearse};
pub use scene::{SceneBoard, SceneFault, SceneFaultKind, UnmadeCall};
pub use set_up::{BENCH_VARIABLE, Bench};
pub use settings::SettingHelp;
pub use state::BenchState;
pub use stm32_fault::Stm32Fault;
pub use stm32_rom::{Stm32Rom, Stm32RomSettings};
pub use stm32n6::Stm32N6;
pub use strike::{
    Broken, Cell, CellEnd, FAULTS, FaultGroup, FaultRow, Invariant, Matrix, Part, Scenario, Site, StrikeFault, Struck,
    check_strikes, strike_cell, survey,
};
pub use virtual_model::{ModelHelp, VirtualModel, model_help};
pub use waiting::{Waiting, WaitsFor};
pub use world::{BenchWorld, Interrupts, StartTool};
