//! The virtual boards the bench has, by name, and which mock tool acts on which of them.

use std::io;

use crate::bench::imx_rt::{ImxRt, fault_names};
use crate::bench::mock::{self, MockEnd};
use crate::bench::own_bootloader::OwnDfu;
use crate::bench::plain_usb::PlainUsb;
use crate::bench::scene::SceneBoard;
use crate::bench::settings::Settings;
use crate::bench::stm32n6::{self, Stm32N6};
use crate::bench::{
    AlifSe, BenchClock, BenchError, BenchFiles, BoardModel, Console, FaultName, Stm32Fault, Stm32Rom, Stm32RomSettings,
    alif_folder, alif_se,
};

/// One of the boards the bench knows. A further one is a variant here and a row in `MODELS`.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum VirtualModel {
    ImxRt(Box<ImxRt>),
    Stm32Rom(Box<Stm32Rom>),
    PlainUsb(PlainUsb),
    Stm32N6(Box<Stm32N6>),
    AlifSe(Box<AlifSe>),
    /// No board of its own: a scene, which is played by its own rules.
    Scene(Box<SceneBoard>),
}

struct ModelRow {
    name: &'static str,
    build: fn(Settings<'_>, &[&str]) -> Result<VirtualModel, BenchError>,
    fault_names: fn() -> Vec<FaultName>,
}

const MODELS: &[ModelRow] = &[
    ModelRow {
        name: "imxrt-flexspi",
        build: |settings, names| Ok(VirtualModel::ImxRt(Box::new(ImxRt::new(settings, names)?))),
        fault_names,
    },
    ModelRow {
        name: Stm32Rom::MODEL,
        build: |settings, names| {
            let board = Stm32Rom::new(Stm32RomSettings::read(settings)?, names)?;
            Ok(VirtualModel::Stm32Rom(Box::new(board)))
        },
        fault_names: Stm32Fault::names,
    },
    ModelRow {
        name: AlifSe::MODEL,
        build: |settings, names| Ok(VirtualModel::AlifSe(Box::new(AlifSe::new(settings, names)?))),
        fault_names: alif_se::fault_names,
    },
    ModelRow {
        name: PlainUsb::MODEL,
        build: |settings, names| Ok(VirtualModel::PlainUsb(PlainUsb::new(settings, names)?)),
        fault_names: PlainUsb::fault_names,
    },
    ModelRow {
        name: Stm32N6::MODEL,
        build: |settings, names| Ok(VirtualModel::Stm32N6(Box::new(Stm32N6::new(settings, names)?))),
        fault_names: stm32n6::fault_names,
    },
];

fn row(model: &str) -> Result<&'static ModelRow, BenchError> {
    MODELS.iter().find(|row| row.name == model).ok_or_else(|| BenchError::UnknownModel {
        model: model.to_owned(),
        known: MODELS.iter().map(|row| row.name).collect::<Vec<_>>().join(", "),
    })
}

impl VirtualModel {
    /// The board the playbook asks for, in the starting state that `names` choose.
    pub fn new(settings: Settings<'_>, names: &[&str]) -> Result<Self, BenchError> {
        (row(&settings.board.model.value)?.build)(settings, names)
    }

    /// The starting states and faults of a model.
    pub fn fault_names(model: &str) -> Result<Vec<FaultName>, BenchError> {
        Ok((row(model)?.fault_names)())
    }

    pub fn name(&self) -> &'static str {
        match self {
            VirtualModel::ImxRt(_) => "imxrt-flexspi",
            VirtualModel::Stm32Rom(_) => Stm32Rom::MODEL,
            VirtualModel::PlainUsb(_) => PlainUsb::MODEL,
            VirtualModel::Stm32N6(_) => Stm32N6::MODEL,
            VirtualModel::AlifSe(_) => AlifSe::MODEL,
            VirtualModel::Scene(_) => "scene",
        }
    }

    pub fn board(&self) -> &dyn BoardModel {
        match self {
            VirtualModel::ImxRt(board) => board.as_ref(),
            VirtualModel::Stm32Rom(board) => board.as_ref(),
            VirtualModel::PlainUsb(board) => board,
            VirtualModel::Stm32N6(board) => board.as_ref(),
            VirtualModel::AlifSe(board) => board.as_ref(),
            VirtualModel::Scene(board) => board.as_ref(),
        }
    }

    pub fn board_mut(&mut self) -> &mut dyn BoardModel {
        match self {
            VirtualModel::ImxRt(board) => board.as_mut(),
            VirtualModel::Stm32Rom(board) => board.as_mut(),
            VirtualModel::PlainUsb(board) => board,
            VirtualModel::Stm32N6(board) => board.as_mut(),
            VirtualModel::AlifSe(board) => board.as_mut(),
            VirtualModel::Scene(board) => board.as_mut(),
        }
    }

    pub(crate) fn scene_board(&self) -> Option<&SceneBoard> {
        match self {
            VirtualModel::Scene(board) => Some(board),
            _ => None,
        }
    }

    /// What a scene has put in the place of a board.
    pub(crate) fn scene(&mut self) -> Option<&mut SceneBoard> {
        match self {
            VirtualModel::Scene(board) => Some(board),
            _ => None,
        }
    }

    /// Puts into the memories what a board has before anybody touches it.
    pub(crate) fn fill_memories(&self) -> io::Result<()> {
        match self {
            VirtualModel::ImxRt(board) => board.fill_with_remains(),
            VirtualModel::Stm32Rom(_) | VirtualModel::PlainUsb(_) | VirtualModel::Scene(_) => Ok(()),
            VirtualModel::Stm32N6(board) => board.fill_with_remains(),
            VirtualModel::AlifSe(board) => board.fill_with_remains(),
        }
    }

    /// Puts down the files that a board's tools bring along.
    pub(crate) fn lay_out_tools(&self, files: &BenchFiles) -> io::Result<()> {
        match self {
            VirtualModel::AlifSe(board) => alif_folder::lay_out(&files.alif(), board.release()),
            _ => Ok(()),
        }
    }

    /// Plays one call of a tool that never waits.
    pub fn play(&mut self, tool: &str, args: &[String], console: &mut Console, clock: &mut BenchClock) -> MockEnd {
        match (self, tool) {
            (VirtualModel::ImxRt(board), "sdphost") => MockEnd::Exit(mock::sdphost(args, board, console, clock)),
            (VirtualModel::ImxRt(board), "blhost") => MockEnd::Exit(mock::blhost(args, board, console, clock)),
            (VirtualModel::Stm32Rom(board), "dfu-util") => {
                board.advance_to(clock.now_ms());
                let end = mock::dfu_util(args, board.as_mut(), console);
                clock.take(board.now_ms().saturating_sub(clock.now_ms()));
                end
            }
            (VirtualModel::Stm32N6(board), "dfu-util") => {
                mock::dfu_util(args, &mut OwnDfu { board: board.as_mut(), clock }, console)
            }
            (VirtualModel::AlifSe(board), "dfu-util") => {
                mock::dfu_util(args, &mut OwnDfu { board: board.as_mut(), clock }, console)
            }
            (VirtualModel::Stm32N6(board), "STM32_Programmer_CLI") => {
                MockEnd::Exit(mock::stm32_programmer(args, board, console, clock))
            }
            (VirtualModel::AlifSe(board), tool) if mock::alif::plays(tool) => {
                MockEnd::Exit(mock::alif::version(tool, board.release(), console))
            }
            (_, other) => {
                console.err(&format!("the virtual bench has no board for `{other}`\n"));
                MockEnd::Exit(mock::NO_BOARD_EXIT)
            }
        }
    }
}
