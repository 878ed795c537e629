//! What the tests of Alif's mock tools share: a bench whose tools' folder is set up as a playbook would do it.

use std::path::PathBuf;

use crate::bench::Scripted::{self, Hands, Line};
use crate::bench::boards::alif_se::Release;
use crate::bench::state::HeldState;
use crate::bench::test_bench::{Printed, shipped};
use crate::bench::{Bench, BenchFolder, BenchState, Console, MockEnd, Stage, VirtualModel, play};
use crate::documents::playbook::{HandMove, Playbook};

pub(crate) const ON: &[HandMove] = &[HandMove::Unplug, HandMove::SwitchOn, HandMove::PlugIn];
pub(crate) const OFF: &[HandMove] = &[HandMove::Unplug, HandMove::SwitchOff, HandMove::PlugIn];
pub(crate) const CYCLE: &[HandMove] = &[HandMove::Unplug, HandMove::PlugIn];
pub(crate) const WRITE: &[&str] = &["app-write-mram", "-i", IMAGES];
pub(crate) const IMAGES: &str = "../build/bootloader.bin 0x80000000 ../build/firmware_pad.toc 0x8057E000";
pub(crate) const HARD_MAINTENANCE: &[Scripted] =
    &[Line("1"), Line("1"), Hands(HandMove::PressButton, 1_700), Line(""), Line("")];
pub(crate) const ROM_RECOVERY: &[Scripted] = &[Line("1"), Line("1")];
pub(crate) const RELEASES: [(&str, &str); 3] = [("1.103", "sesbanner"), ("1.104", "sesbanner"), ("1.110", "getbanner")];

pub(crate) fn ae3() -> Playbook {
    shipped("ae3")
}

pub(crate) struct AlifBench {
    pub(crate) bench: Bench,
}

impl AlifBench {
    /// A bench whose tools' folder is set up as a playbook would do it.
    pub(crate) fn new(names: &[&str]) -> Self {
        AlifBench::of(&ae3(), names)
    }

    pub(crate) fn of(playbook: &Playbook, names: &[&str]) -> Self {
        let bench = Bench::set_up(BenchFolder::temporary().unwrap(), playbook, names).unwrap();
        let alif = AlifBench { bench };
        alif.configure("AE302F80F55D5AE", "/dev/ttyUSB0");
        let image = |name: &str, size| {
            std::fs::write(alif.folder().join("build").join(name), crate::bench::kit::image::noise(name, size))
                .unwrap();
        };
        image("bootloader.bin", 4096);
        image("firmware_pad.toc", 8192);
        alif
    }

    /// The same with the switch on.
    pub(crate) fn switched_on(names: &[&str]) -> Self {
        let alif = AlifBench::new(names);
        alif.hands(ON);
        alif
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.bench.files().folder().join("alif")
    }

    pub(crate) fn configure(&self, part: &str, port: &str) {
        let configuration = format!(
            r#"{{"DEVICE": {{"Part#": "E3 ({part}) - 5.5 MRAM / 13.5 SRAM", "Revision": "B4"}},
                "MRAM-BURNER": {{"Interface": "isp", "Jtag-adapter": "J-Link"}}}}"#
        );
        std::fs::write(self.folder().join("utils/global-cfg.db"), configuration).unwrap();
        std::fs::write(self.folder().join("isp_config_data.cfg"), format!("comport {port}\nstopbits 1\n")).unwrap();
    }

    pub(crate) fn hands(&self, moves: &[HandMove]) {
        let mut held = HeldState::take(&self.bench.files()).unwrap();
        for hand_move in moves {
            held.state.now_ms += 1_000;
            let now_ms = held.state.now_ms;
            held.state.stage.hands(*hand_move, now_ms);
        }
        held.state.now_ms += 1_000;
        held.save().unwrap();
    }

    pub(crate) fn run(&self, words: &[&str], script: &[Scripted]) -> (MockEnd, Console) {
        let mut console = Console::scripted(&self.folder(), script);
        let args: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
        let end = play(&self.bench.files(), words[0], &args, &mut console).unwrap();
        (end, console)
    }

    pub(crate) fn call(&self, words: &[&str], script: &[Scripted]) -> Printed {
        let (end, console) = self.run(words, script);
        let MockEnd::Exit(exit_code) = end else { panic!("{words:?} hangs") };
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Printed { stdout: text(console.stdout), stderr: text(console.stderr), exit_code }
    }

    /// Standard output of a call that ends with this code.
    pub(crate) fn output(&self, words: &[&str], script: &[Scripted], exit_code: i32) -> String {
        let printed = self.call(words, script);
        assert_eq!(printed.exit_code, exit_code, "{words:?}: {printed:?}");
        printed.stdout
    }

    pub(crate) fn banner(&self) -> String {
        self.call(&["maintenance", "-opt", self.banner_word()], &[]).stdout
    }

    pub(crate) fn banner_word(&self) -> &'static str {
        let state = BenchState::look(&self.bench.files()).unwrap();
        let Stage::Board(VirtualModel::AlifSe(board)) = &state.stage else { panic!("another board") };
        if board.release() == Release::V1_110 { "getbanner" } else { "sesbanner" }
    }

    pub(crate) fn wait_ms(&self, span_ms: u64) {
        let mut held = HeldState::take(&self.bench.files()).unwrap();
        held.state.now_ms += span_ms;
        held.save().unwrap();
    }

    /// Ids and ports on the bus now.
    pub(crate) fn shown(&self) -> Vec<String> {
        let state = BenchState::look(&self.bench.files()).unwrap();
        let devices = state.stage.attached(state.now_ms);
        devices.iter().map(|device| format!("{} {}", device.id, device.port)).collect()
    }

    pub(crate) fn regions(&self) -> Vec<(u64, u64)> {
        let state = BenchState::look(&self.bench.files()).unwrap();
        state.stage.regions().iter().map(|region| (region.address, region.length)).collect()
    }
}
