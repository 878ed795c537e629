//! Floor 5: virtual boards and the mock tools that act on them. The only place in Rust that knows boards and tools by name.

mod board_record;
mod boards;
mod call_record;
mod cases;
mod faults;
mod folder;
mod hands;
mod hold;
pub(crate) mod in_process;
mod kit;
mod mocks;
mod mutants;
mod pace;
mod person;
mod scenes;
mod set_up;
mod stage;
mod state;
#[cfg(test)]
mod test_bench;
mod timeline;
mod tool_handles;
mod waiting;
mod world;
#[cfg(test)]
mod world_tests;

pub use boards::alif_se::AlifSe;
pub use boards::imx_rt::ImxRt;
pub use boards::plain_dfu::PlainDfu;
pub use boards::plain_usb::PlainUsb;
pub use boards::stm32_rom::{Stm32Rom, Stm32RomSettings};
pub use boards::stm32n6::Stm32N6;
pub use boards::virtual_model::{VirtualModel, model_help};
pub use call_record::CallRecord;
pub use cases::bench_run::{BenchRun, BenchRunError, RunRecord, run_on_bench};
pub use cases::case::{CaseError, CaseRun, Keep, Subject, run_case};
pub use cases::expectation::{Difference, compare};
pub use faults::{
    Broken, CUT_IMAGE_BYTES_MAX, Cut, CutCase, CutPlace, CutRecord, FAULT_IMAGE_BYTES_MAX, Invariant, MISHAPS, Matrix,
    MishapGroup, MishapRow, Part, RunMishap, RunPoint, Scenario, Trial, TrialEnd, TrialRecord, check_mishaps, cut_runs,
    cuts_of_run, survey, try_cut, try_out,
};
pub use folder::{BenchFiles, BenchFolder};
pub use hands::HandsOf;
pub use kit::board::{BenchError, BoardModel, BusDevice, Region, hid_node};
pub use kit::clock::BenchClock;
pub use kit::console::{Console, Scripted};
pub use kit::dfu_board::{Answer, DfuBoard, DfuDevice, Share};
pub use kit::flash::{Flash, NotWritable};
pub use kit::image::generate_image;
pub use kit::memory::Memory;
pub use kit::memory_layout::{MemoryLayout, MemoryLayoutError, Segment};
pub use kit::mishaps::MishapName;
pub use kit::model::ModelHelp;
pub use kit::partition::Partition;
pub use kit::settings::SettingHelp;
pub use kit::watched::{Boundary, Watched};
pub use mocks::{MockEnd, dfu_util, mock_main, play};
pub use mutants::{Baseline, Notice, notice};
pub use person::{Answers, VirtualPerson, WhichBoard};
pub use scenes::{SceneFault, SceneFaultKind, ScenePlayer, UnmadeCall};
pub use set_up::{BENCH_VARIABLE, Bench};
pub use stage::Stage;
pub use state::BenchState;
pub use waiting::{Waiting, WaitsFor};
pub use world::{BenchWorld, Interrupts, StartTool};
