//! The virtual board `plain-dfu`: a board whose bootloader is alive and speaks plain DFU, one alt setting for each
//! partition, and whose firmware is dead.

use std::path::Path;

use crate::bench::boards::own_bootloader::{BOOTLOADER_WINDOW_MS, Firmware, HasOwnBootloader, OwnBootloader, OwnDfu};
use crate::bench::kit::mishaps::{MishapName, Mishaps, mishap_names, mishaps};
use crate::bench::kit::model::{MockTool, Model, ModelHelp};
use crate::bench::kit::partition::{PARTITIONS_FORM, PARTITIONS_MEANING, read_partition_name, read_partitions};
use crate::bench::kit::schedule::Schedule;
use crate::bench::kit::settings::{Identity, SettingHelp, Settings, Usual};
use crate::bench::kit::watched::{Boundary, Watched};
use crate::bench::mocks::dfu_util;
use crate::bench::{Answer, BoardModel, BusDevice, Region, Share};
use crate::documents::playbook::{DeviceKind, HandMove};
use crate::world::Access;

/// The state of the board.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct PlainDfu {
    bootloader: Identity,
    running: Option<Identity>,
    /// The partition without which nothing starts; without a name any partition will do.
    firmware: Option<String>,
    window_ms: u64,
    mishaps: Mishaps<Mishap>,
    /// A jumper, switch or held button keeps the bootloader on the bus.
    held: bool,
    schedule: Schedule<Phase>,
    own: OwnBootloader,
    /// Known to who uses the board, not to its description.
    #[serde(skip)]
    watched: Watched,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Phase {
    Unplugged,
    /// Powered, and nothing on the bus.
    Silent,
    Bootloader,
    Running,
}

mishaps! {
    /// One starting state or mishap.
    enum Mishap {
        Absent: Always "absent" "the board never appears on the bus",
        NoPermission: Always "no-permission" "this user may not open the board",
        LostInWrite: Once "lost-in-write"
            "the board leaves in the middle of the first download, until it is plugged in again",
        WriteRefused: Once "write-refused" "the first download is refused with a write error",
        NeverStarts: Always "never-starts" "whatever is written, the bootloader stays on the bus",
    }
}

/// What the playbook may say about such a board.
const SETTINGS: &[SettingHelp] = &[
    SettingHelp { name: "bootloader", form: "USB id", meaning: "the bootloader; else the device `bootloader`" },
    SettingHelp {
        name: "running",
        form: "USB id",
        meaning: "what shows once the firmware runs; else the device `running`, and without one nothing shows",
    },
    PARTITIONS,
    SettingHelp {
        name: "firmware",
        form: "name",
        meaning: "the partition that must be written before the bootloader starts anything; without it any one will do",
    },
    SettingHelp {
        name: "window_ms",
        form: "milliseconds",
        meaning: "how long the bootloader waits for a tool before it starts the firmware; else 2500",
    },
];

const PARTITIONS: SettingHelp = SettingHelp { name: "partitions", form: PARTITIONS_FORM, meaning: PARTITIONS_MEANING };
const APPEARS_MS: u64 = 400;
const RUNNING_APPEARS_MS: u64 = 300;
const WINDOW_MS_MAX: u32 = 600_000;
const STATUS_WRITE: u8 = 3;
const BOOTLOADER: Usual = Usual { kind: DeviceKind::Usb, product: "Board (DFU Mode)" };
const RUNNING: Usual = Usual { kind: DeviceKind::Usb, product: "Board" };

impl Model for PlainDfu {
    const HELP: ModelHelp = ModelHelp {
        name: "plain-dfu",
        about: "a board with a DFU bootloader, one alt setting for each partition (dfu-util)",
        settings: SETTINGS,
        least: "partitions: []",
    };
    const TOOLS: &'static [MockTool<Self>] = &[MockTool::new("dfu-util", |args, board, console, clock| {
        dfu_util(args, &mut OwnDfu { board, clock }, console)
    })];

    /// A board with dead firmware, plugged in: its bootloader waits on the bus.
    fn build(settings: &mut Settings<'_>, names: &[&str]) -> Self {
        settings.required(&PARTITIONS);
        let partitions = read_partitions(settings, PARTITIONS.name);
        let firmware = read_partition_name(settings, "firmware", &partitions);
        let window = settings.value("window_ms");
        let window_ms = window.and_then(|window| settings.reader.count(window, 1..=WINDOW_MS_MAX));
        let mishaps = Mishaps::named(names);
        PlainDfu {
            bootloader: settings.required_identity("bootloader", BOOTLOADER),
            running: settings.identity("running", RUNNING),
            window_ms: window_ms.map_or(BOOTLOADER_WINDOW_MS, u64::from),
            schedule: Schedule::new(if mishaps.has(Mishap::Absent) { Phase::Silent } else { Phase::Bootloader }),
            mishaps,
            held: false,
            own: OwnBootloader::new(partitions, firmware.as_deref(), Firmware::Missing),
            firmware,
            watched: Watched::default(),
        }
    }
}

impl PlainDfu {
    fn power_on(&mut self, now_ms: u64) {
        let start = [(0, Phase::Silent), (APPEARS_MS, Phase::Bootloader)];
        if self.mishaps.has(Mishap::Absent) {
            self.schedule.go(now_ms, &start[..1]);
        } else if self.held || !self.holds_firmware() {
            self.schedule.go(now_ms, &start);
        } else {
            let running = [(self.window_ms, Phase::Silent), (RUNNING_APPEARS_MS, Phase::Running)];
            self.schedule.go(now_ms, &[start, running].concat());
        }
    }

    fn holds_firmware(&self) -> bool {
        let written = match &self.firmware {
            Some(_) => self.own.firmware() == Firmware::Whole,
            None => self.own.regions().next().is_some(),
        };
        written && !self.mishaps.has(Mishap::NeverStarts)
    }
}

impl HasOwnBootloader for PlainDfu {
    fn own(&self) -> &OwnBootloader {
        &self.own
    }

    fn own_mut(&mut self) -> &mut OwnBootloader {
        &mut self.own
    }

    fn shown_bootloader(&self, now_ms: u64) -> Option<BusDevice> {
        self.attached(now_ms).into_iter().find(|device| device.id == self.bootloader.id)
    }

    fn stay(&mut self, now_ms: u64) {
        self.schedule.go(now_ms, &[(0, Phase::Bootloader)]);
    }

    fn restart(&mut self, now_ms: u64) {
        self.power_on(now_ms);
    }

    fn goes_wrong(&mut self, share: Share, now_ms: u64) -> Option<Answer> {
        if self.mishaps.happens(Mishap::WriteRefused) {
            self.own.refuse(STATUS_WRITE);
            return Some(Answer::Refused(STATUS_WRITE));
        }
        let half_way = share.offset * 2 >= share.total;
        if half_way && self.mishaps.happens(Mishap::LostInWrite) {
            self.schedule.go(now_ms, &[(0, Phase::Silent)]);
            return Some(Answer::Gone);
        }
        None
    }
}

impl BoardModel for PlainDfu {
    fn attached(&self, now_ms: u64) -> Vec<BusDevice> {
        let shown = match self.schedule.at(now_ms) {
            Phase::Unplugged | Phase::Silent => None,
            Phase::Bootloader => Some(&self.bootloader),
            Phase::Running => self.running.as_ref(),
        };
        let access = if self.mishaps.has(Mishap::NoPermission) { Access::Denied } else { Access::Permitted };
        let device = |shown: &Identity| BusDevice {
            id: shown.id,
            port: "1-1".to_owned(),
            serial: None,
            product: Some(shown.product.clone()),
            interfaces: Vec::new(),
            version: None,
            kind: shown.kind,
            access,
        };
        shown.map(device).into_iter().collect()
    }

    fn next_change_ms(&self, now_ms: u64) -> Option<u64> {
        self.schedule.next_change_ms(now_ms)
    }

    fn hands(&mut self, hand_move: HandMove, now_ms: u64) {
        match hand_move {
            HandMove::Unplug => self.schedule.go(now_ms, &[(0, Phase::Unplugged)]),
            HandMove::PlugIn => self.power_on(now_ms),
            HandMove::FitJumper | HandMove::SwitchOn => self.held = true,
            HandMove::RemoveJumper | HandMove::SwitchOff => self.held = false,
            // The reset button.
            HandMove::PressButton if self.schedule.at(now_ms) == Phase::Unplugged => {}
            HandMove::PressButton => self.power_on(now_ms),
        }
    }

    fn regions(&self) -> Vec<Region> {
        self.own.regions().collect()
    }

    fn changes(&self) -> Option<u64> {
        Some(self.own.changes())
    }

    fn use_folder(&mut self, folder: &Path) {
        self.own.use_folder(folder);
    }

    fn mishap_names(&self) -> Vec<MishapName> {
        mishap_names(|_: Mishap| true)
    }

    fn heal(&mut self) {
        self.mishaps.heal();
    }

    fn settle(&mut self) {
        self.schedule.settle();
        self.own.settle();
    }

    fn watched_by(&mut self, watched: Watched) {
        self.watched = watched;
    }

    fn passes(&self, boundary: Boundary) {
        self.watched.passes(boundary, self);
    }
}
