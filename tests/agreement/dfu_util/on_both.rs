//! One scenario, run by `recover` with the real dfu-util and on its own bench.

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::account::{Account, Leeway};
use crate::agreement::assert_agree;
use crate::dfu_util_requirements as requirements;
use crate::finished::{Finished, run};
use crate::folder::Folder;
use crate::usb_simulation::device::{Device, Fault, FlashShape};
use crate::usb_simulation::{Permission, UsbSimulation};

/// A board in some state, on both sides, and calls of the tool, each a step of its own.
#[derive(Debug)]
pub(crate) struct Scenario {
    name: &'static str,
    /// What `--simulate` is told.
    mock: &'static str,
    /// What is plugged into the simulated bus, from port 1 on.
    real: Vec<Device>,
    permission: Permission,
    device: Option<&'static str>,
    steps: String,
    limit: &'static str,
}

/// Ends in the middle of the second of three pages, and of a block.
const IMAGE_BYTES: usize = 20_000;
const FLASH: FlashShape = FlashShape { start: 0x0800_0000, page_bytes: 16 * 1024, pages: 8 };
const TRANSFER_BYTES: u16 = 2048;
pub(crate) const PARTITIONS: [&str; 5] = ["BOOTLOADER", "FILESYSTEM", "FIRMWARE", "SPI_FLASH", "ROMFS0"];

/// The boards as the bench plays them: serial numbers and alt settings are the same.
pub(crate) fn rom(faults: &[Fault]) -> Device {
    with_faults(Device::st_rom("356A38733432", FLASH, TRANSFER_BYTES), faults)
}

pub(crate) fn second_rom() -> Device {
    Device::st_rom("3058346F3132", FLASH, TRANSFER_BYTES)
}

pub(crate) fn own_bootloader(faults: &[Fault]) -> Device {
    with_faults(Device::plain_dfu((0x37c5, 0x9204), "3330373338355117003B0033", &PARTITIONS), faults)
}

fn with_faults(device: Device, faults: &[Fault]) -> Device {
    faults.iter().fold(device, |device, fault| device.with_fault(*fault))
}

const HEAD: &str = r#"format: 1
board: Both
inputs:
  image: {file: image.bin}
  suffixed: {file: suffixed.bin}
  foreign: {file: foreign.bin}
  bad_crc: {file: bad-crc.bin}
  short: {file: short.bin}
devices:
  rom: {usb: "0483:df11", label: ROM, identifies: yes}
  bootloader: {usb: "37c5:9204", label: own bootloader}
  running: {usb: "37c5:1204", label: running}
virtual_board:
  model: stm32-dfu-rom
  layout: "@Internal Flash  /0x08000000/08*016Kg"
  transfer_size: 2048
  partitions: [{name: BOOTLOADER, read_only: yes}, {name: FILESYSTEM}, {name: FIRMWARE}, {name: SPI_FLASH}, {name: ROMFS0}]
  firmware: FIRMWARE
steps:
"#;

impl Scenario {
    pub(crate) fn new(name: &'static str, mock: &'static str, real: &[Device]) -> Self {
        let real = real.to_vec();
        let permission = Permission::Granted;
        Scenario { name, mock, real, permission, device: None, steps: String::new(), limit: "20s" }
    }

    pub(crate) fn without_permission(mut self) -> Self {
        self.permission = Permission::Denied;
        self
    }

    /// The calls that follow are meant for this device: where it is afterwards counts for the verdict.
    pub(crate) fn for_device(mut self, device: &'static str) -> Self {
        self.device = Some(device);
        self
    }

    /// The real time that the calls which follow may take.
    pub(crate) fn within(mut self, limit: &'static str) -> Self {
        self.limit = limit;
        self
    }

    /// Words between blanks; `${image}` is the file, and `${copy}` one that the call makes. Ports begin with `{bus}-`.
    pub(crate) fn call(self, args: &str) -> Self {
        let quoted: Vec<String> = args.split(' ').map(|word| format!("\"{word}\"")).collect();
        let device = self.device.map(|device| format!("device: {device}, ")).unwrap_or_default();
        let produces = if args.contains("${copy}") { "produces: copy, " } else { "" };
        let step = format!(
            "run: dfu-util, args: [{}], {device}{produces}timeout: {}, if_stopped: Half-way.",
            quoted.join(", "),
            self.limit
        );
        self.step(&step)
    }

    pub(crate) fn step(mut self, step: &str) -> Self {
        let number = self.steps.lines().count() + 1;
        self.steps += &format!("  - {{id: step-{number}, {step}}}\n");
        self
    }

    /// Runs it on both sides. `verdict` is what the tool's last call comes to.
    #[track_caller]
    pub(crate) fn comes_to(&self, verdict: &str) {
        if !requirements::met(self.name) {
            return;
        }
        let leeway = Leeway {
            // The simulated bus has a number that no host has.
            written_as: vec![
                (Regex::new(r"\b99-(\d)").unwrap(), "1-$1"),
                // A limit grows with the time that a real tool takes to start.
                (Regex::new(r"within 2\.\d s").unwrap(), "within 2.0 s"),
                (Regex::new(r#""nanos":\d+"#).unwrap(), "\"nanos\":0"),
            ],
            bar_lengths: 25,
        };
        let [real, mock] = [self.run_real(), self.run_mock()].map(|ran| Account::of(&ran.out, &leeway));
        assert_agree(self.name, &real, &mock);
        let verdict = format!("verdict: {verdict}");
        assert!(real.has_line(&verdict), "no `{verdict}` in {}:\n{}", self.name, real.text());
    }

    fn run_real(&self) -> Finished {
        let (bus, folder) = (UsbSimulation::new(), self.laid_out("99"));
        for (number, device) in (1..).zip(&self.real) {
            bus.attach_with(device, &format!("99-{number}"), self.permission);
        }
        let program = match self.permission {
            Permission::Granted => PathBuf::from(env!("CARGO_BIN_EXE_recover")),
            Permission::Denied => copy_of_recover(folder.path()),
        };
        let mut command = recover(bus.command(program), folder.path());
        if self.permission == Permission::Denied {
            bus.as_another_user(&mut command);
        }
        run(&mut command)
    }

    fn run_mock(&self) -> Finished {
        let folder = self.laid_out("1");
        let command = recover(Command::new(env!("CARGO_BIN_EXE_recover")), folder.path());
        run({ command }.arg(format!("--simulate={}", self.mock)))
    }

    /// `bus` is the number of the bus on this side.
    fn laid_out(&self, bus: &str) -> Folder {
        let folder = Folder::new();
        let image: Vec<u8> = (0..IMAGE_BYTES).map(|i| (i * 31 + i / 256) as u8).collect();
        let any_device = with_suffix(&image, [0xffff; 2]);
        let bad_crc = [&any_device[..any_device.len() - 1], &[0]].concat();
        let files = [
            ("short.bin", image[..15].to_vec()),
            ("suffixed.bin", any_device),
            ("foreign.bin", with_suffix(&image, [0x1209, 0x0001])),
            ("bad-crc.bin", bad_crc),
            ("image.bin", image),
            ("both.yaml", format!("{HEAD}{}", self.steps.replace("{bus}", bus)).into_bytes()),
        ];
        for (name, contents) in files {
            std::fs::write(folder.path().join(name), contents).unwrap();
        }
        folder
    }
}

/// DFU 1.1, appendix B, for a device with this vendor and product.
fn with_suffix(image: &[u8], [vendor, product]: [u16; 2]) -> Vec<u8> {
    const ANY_VERSION: u16 = 0xffff;
    const DFU_1_0: u16 = 0x0100;
    let mut file = image.to_vec();
    file.extend([ANY_VERSION, product, vendor, DFU_1_0].map(u16::to_le_bytes).concat());
    file.extend(b"UFD\x10");
    let crc = file.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    file.extend(crc.to_le_bytes());
    file
}

/// `recover` in a folder with everything it needs, and with a home of its own.
fn recover(mut command: Command, folder: &Path) -> Command {
    command.args(["--playbook", "both.yaml", "--non-interactive", "--message-format", "json"]).current_dir(folder);
    for variable in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR"] {
        command.env(variable, folder);
    }
    command.env_remove("RECOVER_TOOL_DFU_UTIL").env("NO_COLOR", "1");
    command
}

/// For another user, who may have no way to the build folder. `cp` makes it, because a file that this process has open for
/// writing cannot be started while another test starts something.
fn copy_of_recover(folder: &Path) -> PathBuf {
    let program = folder.join("copy-of-recover");
    run(Command::new("cp").arg(env!("CARGO_BIN_EXE_recover")).arg(&program)).expect_code(0);
    program
}
