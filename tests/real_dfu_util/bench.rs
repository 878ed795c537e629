//! Where `recover` runs with the real dfu-util, and what a person does there.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::finished::{Finished, Started};
use crate::usb_simulation::UsbSimulation;
use crate::usb_simulation::device::Device;
use crate::{Folder, bootloader_image};

/// One step of the recovery, or of the person's part in it.
pub(crate) const EVENT_LIMIT: Duration = Duration::from_secs(30);

/// The H7's procedure without its second tries and with limits that suit a test.
const QUICK_PLAYBOOK: &str = r#"
format: 1
board: OpenMV Cam H7, in a hurry
inputs:
  bootloader: {file: bootloader.bin, max_size: 0x20000}
devices:
  rom: {usb: "0483:df11", label: STM32 ROM (DFU), identifies: yes}
steps:
  - id: enter-rom
    prompt: Connect BOOT to 3.3V, then connect the camera.
    until: {present: rom}
    timeout: 4s
  - id: write-bootloader
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000", "-D", "${bootloader}"]
    timeout: 4s
"#;

const OWN_PLAYBOOK: &str = r#"
format: 1
board: OpenMV Cam H7, one step
inputs:
  bootloader: {file: bootloader.bin, max_size: 0x20000}
devices:
  rom: {usb: "0483:df11", label: STM32 ROM (DFU), identifies: yes}
  own: {usb: "37c5:9204", label: the camera's own bootloader}
steps:
"#;

/// A folder with everything a run needs, and a home of its own.
pub(crate) struct Bench {
    pub(crate) bus: UsbSimulation,
    pub(crate) folder: Folder,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = Folder::with_image();
        std::fs::write(folder.path().join("quick.yaml"), QUICK_PLAYBOOK).unwrap();
        Bench { bus: UsbSimulation::new(), folder }
    }

    /// With a playbook of its own, `own.yaml`: these steps, for the H7's devices.
    pub(crate) fn with_steps(steps: &str) -> Self {
        let bench = Bench::new();
        bench.write("own.yaml", &format!("{OWN_PLAYBOOK}{steps}"));
        bench
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// What the log of the run tells, as soon as it does. It is a file, so one has to look again and again.
    fn wait_for_log<T>(&self, told: impl Fn(&str) -> Option<T>) -> Option<T> {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let runs = self.folder.path().join("recover/runs");
        let start = Instant::now();
        while start.elapsed() < EVENT_LIMIT {
            let logs = std::fs::read_dir(&runs).into_iter().flatten().flatten();
            let text: String =
                logs.filter_map(|log| std::fs::read_to_string(log.path().join("log.txt")).ok()).collect();
            if let Some(found) = told(&text) {
                return Some(found);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        None
    }

    /// The log of the newest run, for whoever reads why a test failed.
    pub(crate) fn newest_log(&self) -> String {
        let runs = std::fs::read_dir(self.folder.path().join("recover/runs")).unwrap();
        let newest = runs.map(|run| run.unwrap().path()).max().unwrap();
        std::fs::read_to_string(newest.join("log.txt")).unwrap()
    }

    /// For the board on the port that the tests use, which may be there already.
    pub(crate) fn recover(&self, playbook: &str) -> Command {
        let mut command = self.recover_any(playbook);
        command.args(["--port", "99-1"]);
        command
    }

    /// For whichever board comes.
    pub(crate) fn recover_any(&self, playbook: &str) -> Command {
        self.command(PathBuf::from(env!("CARGO_BIN_EXE_recover")), playbook)
    }

    /// Connects the board once the run has asked for it.
    pub(crate) fn connect_when_asked(&self, device: &Device) {
        let asked = self.wait_for_log(|log| log.contains(": asked the person").then_some(()));
        assert!(asked.is_some(), "nobody is asked");
        self.bus.attach(device, "99-1");
    }

    /// With every line that a tool prints: the screen shows the last ones, and those of two streams in no sure order.
    pub(crate) fn recover_in_json(&self, playbook: &str) -> Command {
        let mut command = self.recover(playbook);
        command.args(["--message-format", "json"]);
        command
    }

    pub(crate) fn command(&self, program: PathBuf, playbook: &str) -> Command {
        let mut command = self.bus.command(program);
        command.args(["--playbook", playbook, "--non-interactive", "--files"]).arg(self.folder.path());
        command.current_dir(self.folder.path());
        // Locks, logs and the user's own tool table belong to this run alone.
        for variable in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(variable, self.folder.path());
        }
        command.env_remove("RECOVER_TOOL_DFU_UTIL").env("NO_COLOR", "1").env("TMPDIR", self.folder.path());
        command
    }
}

/// recover itself keeps the node open while it works on the device, so that no other run does; a tool comes on top.
const RECOVERS_OWN: u32 = 1;

/// What the H7's playbook asks of the person in the end, once the image has been read back: unplug, and without the
/// wire plug in again.
pub(crate) fn start_camera(bench: &Bench, rom: &Device) {
    start_camera_after(bench, rom, 1);
}

/// The same, after so many readings.
pub(crate) fn start_camera_after(bench: &Bench, rom: &Device, readings: u32) {
    assert!(
        rom.wait_until(EVENT_LIMIT, |counts| counts.uploads_finished >= readings && counts.connections <= RECOVERS_OWN)
    );
    assert_eq!(rom.flash(bootloader_image().len()), bootloader_image());
    bench.bus.detach("99-1");
    bench.bus.attach(&own_bootloader(), "99-1");
}

/// After a restart: unplug, and with the wire still there plug in again once recover has seen that the chip is gone.
pub(crate) fn enter_rom_again(bench: &Bench, rom: &Device) {
    assert!(rom.wait_until(EVENT_LIMIT, |counts| counts.connections <= RECOVERS_OWN));
    bench.bus.detach("99-1");
    let waits = |log: &str| {
        let (_, after) = log.split_once(": goes back to enter-rom")?;
        after.contains("; attached: nothing known;").then_some(())
    };
    assert!(bench.wait_for_log(waits).is_some(), "recover does not ask for the ROM again");
    bench.bus.attach(rom, "99-1");
}

pub(crate) fn own_bootloader() -> Device {
    Device::plain_dfu((0x37c5, 0x9204), "3330373338355117003B0033", &["BOOTLOADER", "FIRMWARE"])
}

#[track_caller]
pub(crate) fn expect_recovered(recover: Started, rom: &Device) -> Finished {
    let finished = recover.finish().expect_code(0);
    assert_eq!(rom.flash(bootloader_image().len()), bootloader_image());
    finished
}

#[track_caller]
pub(crate) fn expect_words(finished: &Finished, words: &[&str]) {
    let said = format!("{}\n{}", finished.out, finished.err);
    // However the lines are broken, and with what in front of them.
    let flat = said.replace("│", " ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    for word in words {
        assert!(flat.contains(&word.to_lowercase()), "`{word}` is missing in:\n{said}");
    }
}
