//! Floor 5: virtual boards and the mock tools that act on them. The only place in Rust that knows boards and tools by name.

mod board;
mod board_record;
mod call_record;
mod clock;
mod console;
mod folder;
mod image;
mod imx_rt;
mod memory;
mod mock;
mod person;
mod set_up;
mod settings;
mod state;
mod stm32n6;
mod virtual_model;
mod world;

pub use board::{BenchError, BoardModel, BusDevice, FaultName, Region, VirtualImage};
pub use call_record::CallRecord;
pub use clock::BenchClock;
pub use console::Console;
pub use folder::{BenchFiles, BenchFolder, MOCK_TOOLS};
pub use image::{generate_image, image_size};
pub use imx_rt::ImxRt;
pub use memory::Memory;
pub use mock::{MockEnd, mock_main, play};
pub use person::{Answers, VirtualPerson};
pub use set_up::{BENCH_VARIABLE, Bench};
pub use settings::Settings;
pub use state::BenchState;
pub use stm32n6::Stm32N6;
pub use virtual_model::VirtualModel;
pub use world::{BenchWorld, Interrupts, ToolStarter};
