//! What stands on a bench: a virtual board, or the player of a scene, which only shows devices and plays tools as written.

use std::collections::BTreeMap;

use crate::bench::kit::model::Talk;
use crate::bench::mocks::{MockEnd, no_board};
use crate::bench::scenes::ScenePlayer;
use crate::bench::{BenchClock, BoardModel, BusDevice, Console, Region, VirtualModel};
use crate::documents::playbook::HandMove;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum Stage {
    Board(VirtualModel),
    Scene(Box<ScenePlayer>),
}

impl Stage {
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Board(model) => model.name(),
            Stage::Scene(_) => "scene",
        }
    }

    /// What is on the bus at `now_ms`.
    pub fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        match self {
            Stage::Board(model) => model.board().attached(now_ms),
            Stage::Scene(player) => player.attached(now_ms),
        }
    }

    /// When the bus changes next by itself, if it is going to.
    pub fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        match self {
            Stage::Board(model) => model.board().next_change_ms(now_ms),
            Stage::Scene(player) => player.next_change_ms(now_ms),
        }
    }

    /// A person's hands do something, at `now_ms`, which may lie a little ahead.
    pub fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        match self {
            Stage::Board(model) => model.board_mut().hands(hand_move, now_ms),
            Stage::Scene(player) => player.hands(hand_move, now_ms),
        }
    }

    /// Somebody pulls the cable who was not asked to. A scene need not script that.
    pub(crate) fn pull_cable(&mut self, now_ms: u64) {
        match self {
            Stage::Board(model) => model.board_mut().hands(HandMove::Unplug, now_ms),
            Stage::Scene(player) => player.pull_cable(now_ms),
        }
    }

    pub fn board(&self) -> Option<&dyn BoardModel> {
        match self {
            Stage::Board(model) => Some(model.board()),
            Stage::Scene(_) => None,
        }
    }

    pub fn board_mut(&mut self) -> Option<&mut dyn BoardModel> {
        match self {
            Stage::Board(model) => Some(model.board_mut()),
            Stage::Scene(_) => None,
        }
    }

    /// Plays one call of a tool that never waits on the board. A scene plays its calls itself.
    pub(crate) fn play(
        &mut self,
        tool: &str,
        args: &[String],
        console: &mut Console,
        clock: &mut BenchClock,
    ) -> MockEnd {
        match self {
            Stage::Board(model) => model.play(tool, args, console, clock),
            Stage::Scene(_) => no_board(tool, console),
        }
    }

    /// How a call of this tool is played that waits in the middle.
    pub(crate) fn talk(&self, tool: &str) -> Option<Talk> {
        match self {
            Stage::Board(model) => model.talk(tool),
            Stage::Scene(_) => None,
        }
    }

    pub(crate) fn scene(&self) -> Option<&ScenePlayer> {
        match self {
            Stage::Board(_) => None,
            Stage::Scene(player) => Some(player),
        }
    }

    pub(crate) fn scene_mut(&mut self) -> Option<&mut ScenePlayer> {
        match self {
            Stage::Board(_) => None,
            Stage::Scene(player) => Some(player),
        }
    }

    /// As [`BoardModel::regions`]; a scene has no memory.
    pub fn regions(&self) -> Vec<Region> {
        self.board().map(BoardModel::regions).unwrap_or_default()
    }

    /// As [`BoardModel::fuses`]; a scene has none.
    pub fn fuses(&self) -> BTreeMap<u32, u32> {
        self.board().map(BoardModel::fuses).unwrap_or_default()
    }

    /// As [`BoardModel::changes`]; of a scene nobody knows.
    pub fn changes(&self) -> Option<u64> {
        self.board().and_then(BoardModel::changes)
    }
}
