//! A board that only shows itself on USB: for playbooks that recognise a board and run no tool.

use crate::bench::kit::mishaps::{MishapName, Mishaps, mishap_names, mishaps};
use crate::bench::kit::model::{MockTool, Model, ModelHelp};
use crate::bench::kit::schedule::Schedule;
use crate::bench::kit::settings::{Identity, SettingHelp, Settings, Usual};
use crate::bench::kit::watched::{Boundary, Watched};
use crate::bench::{BoardModel, BusDevice, Region};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::world::Access;

/// The virtual board `plain-usb`.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct PlainUsb {
    shown: Identity,
    plugged_in: Schedule<bool>,
    /// Known to who uses the board, not to its description.
    #[serde(skip)]
    watched: Watched,
}

mishaps! {
    /// One starting state or mishap.
    enum Mishap {
        Absent: Always "absent" "the board is not attached",
    }
}

const USUAL: Usual = Usual { kind: DeviceKind::Usb, product: "" };

impl Model for PlainUsb {
    const HELP: ModelHelp = ModelHelp {
        name: "plain-usb",
        about: "a board that only shows itself on USB (no tool)",
        settings: &[SettingHelp {
            name: "id",
            form: "USB id",
            meaning: "what it shows; else the playbook's device `id`",
        }],
        least: "id: rom",
    };
    const TOOLS: &'static [MockTool<Self>] = &[];

    fn build(settings: &mut Settings<'_>, names: &[&str]) -> Self {
        PlainUsb {
            shown: settings.required_identity("id", USUAL),
            plugged_in: Schedule::new(!Mishaps::named(names).has(Mishap::Absent)),
            watched: Watched::default(),
        }
    }
}

impl BoardModel for PlainUsb {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let device = BusDevice {
            id: self.shown.id,
            port: "1-1".to_owned(),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: self.shown.kind,
            access: Access::Permitted,
        };
        self.plugged_in.at(now_ms).then_some(device).into_iter().collect()
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        self.plugged_in.next_change_ms(now_ms)
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        match hand_move {
            HandMove::Unplug => self.plugged_in.go(now_ms, &[(0, false)]),
            HandMove::PlugIn => self.plugged_in.go(now_ms, &[(0, true)]),
            _ => {}
        }
    }

    fn regions(&self) -> Vec<Region> {
        Vec::new()
    }

    fn changes(&self) -> Option<u64> {
        Some(0)
    }

    fn mishap_names(&self) -> Vec<MishapName> {
        mishap_names(|_: Mishap| true)
    }

    fn heal(&mut self) {
        self.plugged_in = Schedule::new(true);
    }

    fn settle(&mut self) {
        self.plugged_in.settle();
    }

    fn watched_by(&mut self, watched: Watched) {
        self.watched = watched;
    }

    fn passes(&self, boundary: Boundary) {
        self.watched.passes(boundary, self);
    }
}
