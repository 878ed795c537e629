//! What the bench's tests share: a playbook without steps, and a bench that is brought to a state by ordinary calls.

use std::path::PathBuf;
use std::sync::Arc;

use crate::bench::state::HeldState;
use crate::bench::{Bench, BenchFolder, BenchState, Console, MockEnd, play};
use crate::documents::library::{shipped_family, shipped_playbook};
use crate::documents::playbook::{Device, DeviceKind, HandMove, Playbook, load};
use crate::words::{Place, Source};

pub(crate) fn playbook() -> Playbook {
    let source = Arc::new(Source { name: "test.yaml".into(), text: String::new() });
    let place = Place::new(Arc::clone(&source), 0, 0);
    let device = |name: &str, id: &str, kind| Device {
        name: name.parse().unwrap(),
        place: place.clone(),
        id_places: Vec::new(),
        ids: vec![id.parse().unwrap()],
        kind,
        label: name.to_owned(),
        identifies: None,
        identity: None,
        state: None,
        starts_from: Vec::new(),
        settle: std::time::Duration::ZERO,
    };
    Playbook {
        board: "test board".into(),
        aliases: Vec::new(),
        images: None,
        summary: None,
        sources: Vec::new(),
        drawing: None,
        inputs: Vec::new(),
        devices: vec![
            device("rom", "1fc9:0135", DeviceKind::Hid),
            device("flashloader", "15a2:0073", DeviceKind::Hid),
            device("running", "37c5:1060", DeviceKind::Usb),
        ],
        variables: Vec::new(),
        memories: Vec::new(),
        tool_files: Vec::new(),
        afterwards: Vec::new(),
        steps: Vec::new(),
        virtual_board: shipped("rt1062").virtual_board,
        source,
    }
}

/// A playbook that comes with the program.
pub(crate) fn shipped(board: &str) -> Playbook {
    changed(board, &[])
}

/// A playbook that comes with the program, with other words in some places.
pub(crate) fn changed(board: &str, changes: &[(&str, &str)]) -> Playbook {
    let families = |path: &str| shipped_family(path).ok_or_else(|| format!("{path} is not shipped"));
    let mut text = shipped_playbook(board).unwrap().text.clone();
    for (from, to) in changes {
        assert!(text.contains(from), "no `{from}` in {board}");
        text = text.replace(from, to);
    }
    let source = Arc::new(Source { name: format!("{board}.yaml"), text });
    load(&source, &families).playbook.unwrap()
}

/// What one call has printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit_code: i32,
}

pub(crate) struct TestBench {
    pub(crate) bench: Bench,
    pub(crate) images: tempfile::TempDir,
}

pub(crate) const FLASHLOADER_BYTES: usize = 87_884;
pub(crate) const LOADER_BYTES: usize = 31_320;

impl TestBench {
    /// A bench, and the images of the documented procedure in a folder.
    pub(crate) fn new(names: &[&str]) -> Self {
        TestBench::of(&playbook(), names)
    }

    pub(crate) fn of(playbook: &Playbook, names: &[&str]) -> Self {
        let bench = Bench::set_up(BenchFolder::temporary().unwrap(), playbook, names).unwrap();
        let images = tempfile::tempdir().unwrap();
        let image = |own_address: u32, size| {
            let mut bytes = crate::bench::kit::image::noise("image", size);
            bytes[..4].copy_from_slice(&[0xd1, 0, 0x20, 0x40]);
            bytes[0x14..0x18].copy_from_slice(&own_address.to_le_bytes());
            bytes
        };
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(images.path().join(name), bytes).unwrap();
        write("sdphost_flash_loader.bin", image(0x2000_1c00, FLASHLOADER_BYTES));
        write("blhost_flash_loader.bin", image(0x2000_1000, LOADER_BYTES));
        write("firmware.bin", crate::bench::kit::image::noise("firmware", 100_000));
        TestBench { bench, images }
    }

    /// Plays a call; names of images stand for the files.
    pub(crate) fn call(&self, line: &str) -> Printed {
        let mut words = line.split_whitespace().map(|word| {
            let image = self.image(word);
            if word.ends_with(".bin") && image.is_file() { image.display().to_string() } else { word.to_owned() }
        });
        let tool = words.next().unwrap();
        let args: Vec<String> = words.collect();
        let mut console = Console::default();
        let end = play(&self.bench.files(), &tool, &args, &mut console).unwrap();
        let MockEnd::Exit(exit_code) = end else { panic!("`{line}` hangs") };
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Printed { stdout: text(console.stdout), stderr: text(console.stderr), exit_code }
    }

    pub(crate) fn image(&self, name: &str) -> PathBuf {
        self.images.path().join(name)
    }

    pub(crate) fn hands(&self, moves: &[HandMove]) {
        self.change(|state| {
            for hand_move in moves {
                let now_ms = state.now_ms;
                state.stage.hands(*hand_move, now_ms);
            }
        });
    }

    pub(crate) fn wait_ms(&self, span_ms: u64) {
        self.change(|state| state.now_ms += span_ms);
    }

    /// Ids on the bus now.
    pub(crate) fn shown(&self) -> Vec<String> {
        let state = BenchState::look(&self.bench.files()).unwrap();
        state.stage.attached(state.now_ms).iter().map(|device| device.id.to_string()).collect()
    }

    pub(crate) fn fuse(&self) -> u32 {
        BenchState::look(&self.bench.files()).unwrap().stage.fuses()[&6]
    }

    pub(crate) fn enter_rom(&self) {
        self.hands(&[HandMove::Unplug, HandMove::FitJumper, HandMove::PlugIn]);
        self.wait_ms(2_000);
    }

    /// Up to the flashloader on the bus.
    pub(crate) fn start_flashloader(&self) {
        self.enter_rom();
        self.call("sdphost -u 0x1FC9,0x0135 -- write-file 0x20001C00 sdphost_flash_loader.bin");
        self.call("sdphost -u 0x1FC9,0x0135 -- jump-address 0x20001C00");
        self.wait_ms(10_000);
    }

    pub(crate) fn configure(&self) {
        self.call("blhost -u 0x15A2,0x0073 -- fill-memory 0x2000 4 0xC0000008 word");
        self.call("blhost -u 0x15A2,0x0073 -- configure-memory 9 0x2000");
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut BenchState)) {
        let mut held = HeldState::take(&self.bench.files()).unwrap();
        change(&mut held.state);
        held.save().unwrap();
    }
}
