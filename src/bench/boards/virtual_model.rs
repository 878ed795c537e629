//! The virtual boards the bench has, by name, and which mock tool acts on which of them.

use std::io;

use crate::bench::boards::imx_rt::{self, ImxRt};
use crate::bench::boards::own_bootloader::OwnDfu;
use crate::bench::boards::plain_dfu::{self, PlainDfu};
use crate::bench::boards::plain_usb::{self, PlainUsb};
use crate::bench::boards::stm32n6::{self, Stm32N6};
use crate::bench::boards::{alif_se, stm32_rom};
use crate::bench::kit::board::unknown_name;
use crate::bench::kit::settings::{SettingHelp, Settings};
use crate::bench::mocks::{self, MockEnd};
use crate::bench::scenes::SceneBoard;
use crate::bench::{
    AlifSe, BenchClock, BenchError, BenchFiles, BoardModel, Console, FaultName, Stm32Rom, Stm32RomSettings,
};
use crate::documents::playbook::Playbook;
use crate::words::Diagnostic;

/// One of the boards the bench knows. A further one is a variant here and a row in `MODELS`.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum VirtualModel {
    ImxRt(Box<ImxRt>),
    Stm32Rom(Box<Stm32Rom>),
    PlainDfu(Box<PlainDfu>),
    PlainUsb(PlainUsb),
    Stm32N6(Box<Stm32N6>),
    AlifSe(Box<AlifSe>),
    /// No board of its own: a scene, which is played by its own rules.
    Scene(Box<SceneBoard>),
}

/// What an author may want to know of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelHelp {
    pub name: &'static str,
    /// What boards it stands for, and which tools act on it.
    pub about: &'static str,
    pub settings: &'static [SettingHelp],
}

struct ModelRow {
    help: ModelHelp,
    build: fn(&mut Settings<'_>, &[&str]) -> Result<VirtualModel, BenchError>,
}

const MODELS: &[ModelRow] = &[
    ModelRow {
        help: ModelHelp {
            name: Stm32Rom::MODEL,
            about: "an STM32 whose ROM speaks DfuSe, with or without a DFU bootloader of its own behind it (dfu-util)",
            settings: stm32_rom::SETTINGS,
        },
        build: |settings, names| {
            Ok(VirtualModel::Stm32Rom(Box::new(Stm32Rom::new(Stm32RomSettings::read(settings), names)?)))
        },
    },
    ModelRow {
        help: ModelHelp {
            name: ImxRt::MODEL,
            about: "an i.MX RT10xx with its ROM, the RAM flashloader, NOR flash and fuses (sdphost, blhost)",
            settings: imx_rt::SETTINGS,
        },
        build: |settings, names| Ok(VirtualModel::ImxRt(Box::new(ImxRt::new(settings, names)?))),
    },
    ModelRow {
        help: ModelHelp {
            name: Stm32N6::MODEL,
            about: "an STM32N6 with its ROM, a loader in RAM, NOR flash and a DFU bootloader (STM32_Programmer_CLI, dfu-util)",
            settings: stm32n6::SETTINGS,
        },
        build: |settings, names| Ok(VirtualModel::Stm32N6(Box::new(Stm32N6::new(settings, names)?))),
    },
    ModelRow {
        help: ModelHelp {
            name: AlifSe::MODEL,
            about: "an Alif Ensemble with its Secure Enclave behind a serial bridge (Alif's SE Tools, dfu-util)",
            settings: alif_se::SETTINGS,
        },
        build: |settings, names| Ok(VirtualModel::AlifSe(Box::new(AlifSe::new(settings, names)?))),
    },
    ModelRow {
        help: ModelHelp {
            name: PlainDfu::MODEL,
            about: "a board with a DFU bootloader, one alt setting for each partition (dfu-util)",
            settings: plain_dfu::SETTINGS,
        },
        build: |settings, names| Ok(VirtualModel::PlainDfu(Box::new(PlainDfu::new(settings, names)?))),
    },
    ModelRow {
        help: ModelHelp {
            name: PlainUsb::MODEL,
            about: "a board that only shows itself on USB (no tool)",
            settings: plain_usb::SETTINGS,
        },
        build: |settings, names| Ok(VirtualModel::PlainUsb(PlainUsb::new(settings, names)?)),
    },
];

/// Every model with its settings, for people who describe a board.
pub fn model_help() -> impl Iterator<Item = &'static ModelHelp> {
    MODELS.iter().map(|row| &row.help)
}

/// Builds as much as can be built; what is wrong with the playbook is noted in `settings`.
fn build(settings: &mut Settings<'_>, names: &[&str]) -> Option<Result<VirtualModel, BenchError>> {
    let row = MODELS.iter().find(|row| row.help.name == settings.model());
    let Some(row) = row else {
        settings.unknown_model(&model_help().map(|help| help.name).collect::<Vec<_>>());
        return None;
    };
    settings.refuse_others(row.help.settings);
    Some((row.build)(settings, names))
}

impl VirtualModel {
    /// The board the playbook asks for, in the starting state that `names` choose.
    pub fn new(playbook: &Playbook, names: &[&str]) -> Result<Self, BenchError> {
        let board = playbook.virtual_board.as_ref().ok_or(BenchError::NoVirtualBoard)?;
        let mut settings = Settings::new(playbook, board);
        let built = build(&mut settings, names);
        let faults = settings.into_faults();
        let model = match built {
            Some(built) if faults.is_empty() => built?,
            _ => return Err(BenchError::Settings { faults }),
        };
        let known = model.fault_names();
        match names.iter().find(|name| !known.iter().any(|(known, _)| known == *name)) {
            Some(name) => Err(unknown_name(name, known)),
            None => Ok(model),
        }
    }

    /// What is wrong with the virtual board a playbook asks for; nothing when it asks for none.
    pub fn check(playbook: &Playbook) -> Vec<Diagnostic> {
        match VirtualModel::new(playbook, &[]) {
            Err(BenchError::Settings { faults }) => faults,
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// The starting states and faults that can befall this board.
    pub fn fault_names(&self) -> Vec<FaultName> {
        match self {
            VirtualModel::ImxRt(board) => board.fault_names(),
            VirtualModel::Stm32Rom(board) => board.fault_names(),
            VirtualModel::PlainDfu(_) => PlainDfu::fault_names(),
            VirtualModel::PlainUsb(_) => PlainUsb::fault_names(),
            VirtualModel::Stm32N6(board) => board.fault_names(),
            VirtualModel::AlifSe(board) => board.fault_names(),
            VirtualModel::Scene(_) => Vec::new(),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            VirtualModel::ImxRt(_) => ImxRt::MODEL,
            VirtualModel::Stm32Rom(_) => Stm32Rom::MODEL,
            VirtualModel::PlainDfu(_) => PlainDfu::MODEL,
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
            VirtualModel::PlainDfu(board) => board.as_ref(),
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
            VirtualModel::PlainDfu(board) => board.as_mut(),
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
            VirtualModel::Stm32Rom(_)
            | VirtualModel::PlainDfu(_)
            | VirtualModel::PlainUsb(_)
            | VirtualModel::Scene(_) => Ok(()),
            VirtualModel::Stm32N6(board) => board.fill_with_remains(),
            VirtualModel::AlifSe(board) => board.fill_with_remains(),
        }
    }

    /// Puts down the files that a board's tools bring along.
    pub(crate) fn lay_out_tools(&self, files: &BenchFiles) -> io::Result<()> {
        match self {
            VirtualModel::AlifSe(board) => alif_se::tools_folder::lay_out(&files.alif(), board),
            _ => Ok(()),
        }
    }

    /// Plays one call of a tool that never waits.
    pub fn play(&mut self, tool: &str, args: &[String], console: &mut Console, clock: &mut BenchClock) -> MockEnd {
        match (self, tool) {
            (VirtualModel::ImxRt(board), "sdphost") => MockEnd::Exit(mocks::sdphost(args, board, console, clock)),
            (VirtualModel::ImxRt(board), "blhost") => MockEnd::Exit(mocks::blhost(args, board, console, clock)),
            (VirtualModel::Stm32Rom(board), "dfu-util") => {
                board.advance_to(clock.now_ms());
                let end = mocks::dfu_util(args, board.as_mut(), console);
                clock.take(board.now_ms().saturating_sub(clock.now_ms()));
                end
            }
            (VirtualModel::PlainDfu(board), "dfu-util") => {
                mocks::dfu_util(args, &mut OwnDfu { board: board.as_mut(), clock }, console)
            }
            (VirtualModel::Stm32N6(board), "dfu-util") => {
                mocks::dfu_util(args, &mut OwnDfu { board: board.as_mut(), clock }, console)
            }
            (VirtualModel::AlifSe(board), "dfu-util") => {
                mocks::dfu_util(args, &mut OwnDfu { board: board.as_mut(), clock }, console)
            }
            (VirtualModel::Stm32N6(board), "STM32_Programmer_CLI") => {
                MockEnd::Exit(mocks::stm32_programmer(args, board, console, clock))
            }
            (VirtualModel::AlifSe(board), tool) if mocks::alif::plays(tool) => {
                MockEnd::Exit(mocks::alif::version(tool, board.release(), console))
            }
            (_, other) => {
                console.err(&format!("the virtual bench has no board for `{other}`\n"));
                MockEnd::Exit(mocks::NO_BOARD_EXIT)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::playbook::load;
    use crate::words::Source;

    fn playbook(virtual_board: &str) -> Playbook {
        let devices =
            "rom: {usb: \"0483:df11\"}\n  flashloader: {hid: \"15a2:0073\"}\n  bootloader: {usb: \"37c5:9204\"}";
        let text = format!("format: 1\nboard: x\ndevices:\n  {devices}\nvirtual_board:\n{virtual_board}\nsteps: []\n");
        let source = Arc::new(Source { name: "test.yaml".into(), text });
        load(&source, &|_| Err("no families".into())).playbook.unwrap()
    }

    /// What no setting can be; where it stands, a fault must be told, or nobody reads the setting.
    const NONSENSE: &str = "[{nonsense: [nonsense]}]";

    #[test]
    fn every_setting_that_is_told_of_is_read() {
        for help in model_help() {
            for setting in help.settings {
                let board = format!("  model: {}\n  {}: {NONSENSE}", help.name, setting.name);
                let faults = VirtualModel::check(&playbook(&board));
                let told =
                    faults.iter().any(|fault| fault.place.as_ref().is_some_and(|place| place.position().line == 9));
                assert!(told, "{}: {} {faults:?}", help.name, setting.name);
                assert!(faults.iter().all(|fault| fault.label.as_deref() != Some("unknown setting")), "{faults:?}");
            }
        }
    }

    #[test]
    fn a_model_needs_little() {
        for (model, needed) in [
            ("stm32-dfu-rom", "layout: \"@Internal Flash  /0x08000000/16*128Kg\""),
            ("imxrt-flexspi", "version: K1.0.0"),
            ("stm32n6", "partitions: []"),
            ("alif-se", "partitions: []"),
            ("plain-dfu", "partitions: []"),
            ("plain-usb", "id: rom"),
        ] {
            assert_eq!(VirtualModel::check(&playbook(&format!("  model: {model}\n  {needed}"))), [], "{model}");
        }
        assert_eq!(model_help().count(), 6);
    }
}
