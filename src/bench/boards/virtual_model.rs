//! The virtual boards the bench has: one row for each model, from which all else follows.

use crate::bench::boards::alif_se::AlifSe;
use crate::bench::boards::imx_rt::ImxRt;
use crate::bench::boards::plain_dfu::PlainDfu;
use crate::bench::boards::plain_usb::PlainUsb;
use crate::bench::boards::stm32_rom::Stm32Rom;
use crate::bench::boards::stm32n6::Stm32N6;
use crate::bench::kit::model::{Model, ModelHelp, Talk, ToolPlace};
use crate::bench::kit::settings::Settings;
use crate::bench::mocks::{MockEnd, no_board};
use crate::bench::{BenchClock, BenchError, BoardModel, Console};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::{Playbook, check_rooms};
use crate::words::Diagnostic;

struct ModelRow {
    help: ModelHelp,
    tools: fn() -> Vec<ToolPlace>,
    build: fn(&mut Settings<'_>, &[&str]) -> VirtualModel,
}

/// Declares the models. What a row says of its board stands beside the board, in its [`Model`].
macro_rules! models {
    ($($board:ident,)*) => {
        /// One of the boards the bench knows.
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub enum VirtualModel {
            $($board(Box<$board>),)*
        }

        const MODELS: &[ModelRow] = &[$(ModelRow {
            help: <$board as Model>::HELP,
            tools: || <$board as Model>::TOOLS.iter().map(|tool| tool.place).collect(),
            build: |settings, names| VirtualModel::$board(Box::new(<$board as Model>::build(settings, names))),
        },)*];

        impl VirtualModel {
            pub fn name(&self) -> &'static str {
                match self {
                    $(VirtualModel::$board(_) => <$board as Model>::HELP.name,)*
                }
            }

            pub fn board(&self) -> &dyn BoardModel {
                match self {
                    $(VirtualModel::$board(board) => board.as_ref(),)*
                }
            }

            pub fn board_mut(&mut self) -> &mut dyn BoardModel {
                match self {
                    $(VirtualModel::$board(board) => board.as_mut(),)*
                }
            }

            /// Plays one call of a tool that never waits.
            pub(crate) fn play(
                &mut self,
                tool: &str,
                args: &[String],
                console: &mut Console,
                clock: &mut BenchClock,
            ) -> MockEnd {
                match self {
                    $(VirtualModel::$board(board) => play_on(board.as_mut(), tool, args, console, clock),)*
                }
            }

            /// How a call of this tool is played that waits in the middle; nothing for one that never waits.
            pub(crate) fn talk(&self, tool: &str) -> Option<Talk> {
                match self {
                    $(VirtualModel::$board(_) => {
                        <$board as Model>::TOOLS.iter().find(|known| known.place.name == tool)?.talk
                    })*
                }
            }
        }
    };
}

models! {
    Stm32Rom,
    ImxRt,
    Stm32N6,
    AlifSe,
    PlainDfu,
    PlainUsb,
}

/// Every model with its settings, for people who describe a board.
pub fn model_help() -> impl Iterator<Item = &'static ModelHelp> {
    MODELS.iter().map(|row| &row.help)
}

/// Every tool that the bench plays. One program plays each of them, by the name it is started under.
pub(crate) fn mock_tools() -> Vec<ToolPlace> {
    let mut tools: Vec<ToolPlace> = MODELS.iter().flat_map(|row| (row.tools)()).collect();
    tools.sort_unstable_by_key(|tool| tool.name);
    tools.dedup();
    tools
}

/// Builds as much as can be built; what is wrong with the playbook is noted in `settings`.
fn build(settings: &mut Settings<'_>, names: &[&str]) -> Option<VirtualModel> {
    let row = MODELS.iter().find(|row| row.help.name == settings.model());
    let Some(row) = row else {
        settings.unknown_model(&model_help().map(|help| help.name).collect::<Vec<_>>());
        return None;
    };
    settings.refuse_others(row.help.settings);
    Some((row.build)(settings, names))
}

fn play_on<B: Model>(
    board: &mut B,
    tool: &str,
    args: &[String],
    console: &mut Console,
    clock: &mut BenchClock,
) -> MockEnd {
    match B::TOOLS.iter().find(|known| known.place.name == tool) {
        Some(known) => (known.play)(args, board, console, clock),
        None => no_board(tool, console),
    }
}

impl VirtualModel {
    /// The board the playbook asks for, in the starting state that `names` choose; unknown ones choose nothing.
    pub fn new(playbook: &Playbook, names: &[&str]) -> Result<Self, BenchError> {
        let board = playbook.virtual_board.as_ref().ok_or(BenchError::NoVirtualBoard)?;
        let mut settings = Settings::new(playbook, board);
        let built = build(&mut settings, names);
        let diagnostics = settings.into_diagnostics();
        match built {
            Some(built) if diagnostics.is_empty() => Ok(built),
            _ => Err(BenchError::Settings { diagnostics }),
        }
    }

    /// What is wrong with the virtual board a playbook asks for, and with what the playbook writes there; nothing when it
    /// asks for none.
    pub fn check(playbook: &Playbook, catalog: &Catalog) -> Vec<Diagnostic> {
        match VirtualModel::new(playbook, &[]) {
            Err(BenchError::Settings { diagnostics }) => diagnostics,
            Ok(model) => check_rooms(playbook, catalog, &model.board().rooms()),
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::playbook::{HandMove, load};
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
                let diagnostics = VirtualModel::check(&playbook(&board), &Catalog::default());
                let told = diagnostics
                    .iter()
                    .any(|diagnostic| diagnostic.place.as_ref().is_some_and(|place| place.position().line == 9));
                assert!(told, "{}: {} {diagnostics:?}", help.name, setting.name);
                assert!(
                    diagnostics.iter().all(|diagnostic| diagnostic.label.as_deref() != Some("unknown setting")),
                    "{diagnostics:?}"
                );
            }
        }
    }

    /// Hands move a little ahead of time.
    #[test]
    fn what_was_before_counts_until_the_hands_have_moved() {
        for ModelHelp { name, least, .. } in model_help() {
            let playbook = playbook(&format!("  model: {name}\n  {least}"));
            let new = |names: &[&str]| VirtualModel::new(&playbook, names).unwrap();
            let known = new(&[]).board().mishap_names();
            for names in known.iter().map(|(name, _)| vec![*name]).chain([Vec::new()]) {
                let (untouched, mut moved) = (new(&names), new(&names));
                let memories = tempfile::tempdir().unwrap();
                moved.board_mut().use_folder(memories.path());
                moved.board_mut().hands(HandMove::Unplug, 1_000);
                moved.board_mut().hands(HandMove::PlugIn, 2_000);
                for at_ms in [0, 500, 999] {
                    let attached = |model: &VirtualModel| model.board().attached(at_ms);
                    assert_eq!(attached(&moved), attached(&untouched), "{name} {names:?} at {at_ms} ms");
                }
                let ids = |at_ms| moved.board().attached(at_ms).len();
                assert!(ids(1_000) <= ids(999), "{name} {names:?}");
            }
        }
    }

    #[test]
    fn a_model_needs_little() {
        for ModelHelp { name, least, .. } in model_help() {
            assert_eq!(
                VirtualModel::check(&playbook(&format!("  model: {name}\n  {least}")), &Catalog::default()),
                [],
                "{name}"
            );
        }
        assert_eq!(model_help().count(), 6);
    }
}
