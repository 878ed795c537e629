//! The mock of dfu-util 0.11: its options, its output and its exit codes, acting on a virtual board.
//!
//! Recorded runs of the real one are the measure: `tests/dfu_util_transcripts.rs` compares stream by stream. DfuSe
//! container files (`.dfu`) are recognised, as far as refusing or mistaking them goes, but not written element by element.

mod arguments;
mod dfuse;
mod dfuse_options;
mod each_request;
mod firmware_file;
mod plain;
mod progress_bar;
mod texts;
mod upload;

use crate::bench::mocks::MockEnd;
use crate::bench::{Answer, Console, DfuBoard, DfuDevice};
use crate::words::UsbId;
use arguments::{Alternate, Arguments, Mode, NextStep};
use each_request::EachRequest;
use firmware_file::FirmwareFile;

const EX_OK: i32 = 0;
const EX_USAGE: i32 = 64;
const EX_NOINPUT: i32 = 66;
const EX_CANTCREAT: i32 = 73;
const EX_IOERR: i32 = 74;
const EX_PROTOCOL: i32 = 76;
/// libusb's "not found" (-5), which leaks out of a reset.
const EXIT_RESET_NOT_FOUND: i32 = 251;
const RESCAN_MS: u64 = 20;
/// No virtual board needs longer for a change than this many rescans.
const RESCANS_MAX: u32 = 10_000;

/// Runs the mock with `args` (without the program's name). Time passes on the board's clock only.
pub fn dfu_util(args: &[String], board: &mut dyn DfuBoard, console: &mut Console) -> MockEnd {
    let arguments = match arguments::parse(args, console) {
        NextStep::Work(arguments) => *arguments,
        NextStep::End(code) => return MockEnd::Exit(code),
    };
    let board = &mut EachRequest { board };
    let mut call = Call { arguments, board, console, bar: progress_bar::ProgressBar::default() };
    match call.work() {
        Ok(()) => MockEnd::Exit(EX_OK),
        Err(end) => end,
    }
}

/// One call at work.
#[derive(Debug)]
struct Call<'a> {
    arguments: Arguments,
    board: &'a mut dyn DfuBoard,
    console: &'a mut Console,
    bar: progress_bar::ProgressBar,
}

/// One alt setting of one device that matches the filters.
#[derive(Debug, Clone)]
struct Found {
    device: DfuDevice,
    alt: usize,
    name: String,
    serial: String,
}

type Step<T> = Result<T, MockEnd>;

impl Call<'_> {
    fn work(&mut self) -> Step<()> {
        self.console.out(texts::BANNER);
        if self.arguments.mode == Mode::Version {
            return Ok(());
        }
        if self.arguments.mode == Mode::None && self.arguments.dfuse_options.is_none() {
            self.console.err("You need to specify one of -D or -U\n");
            self.console.err(texts::USAGE);
            return Err(MockEnd::Exit(EX_USAGE));
        }
        let file = match self.arguments.mode {
            Mode::Download => Some(self.load_file()?),
            _ => None,
        };
        if self.arguments.wait {
            self.console.out("Waiting for device, exit with ctrl-C\n");
        }
        let found = self.find()?;
        if self.arguments.mode == Mode::List {
            found.iter().for_each(|found| self.console.out(&listing_line(found)));
            return Ok(());
        }
        let Some(target) = found.first().cloned() else {
            return Err(self.fail(EX_IOERR, "No DFU capable USB device available"));
        };
        if found.len() > 1 {
            // The real text ends in a newline of its own, hence the empty line.
            let text = "More than one DFU capable USB device found! Try `--list' and specify the serial number or \
                        disconnect all but one device\n";
            return Err(self.fail(EX_IOERR, text));
        }
        self.open(&target)?;
        let dfuse = target.device.dfu_version == texts::DFUSE_VERSION;
        let transfer_bytes = self.transfer_bytes(&target, dfuse);
        if let Some(file) = &file {
            self.check_device_of(file, &target)?;
        }
        let job = dfuse::Job { target: &target, transfer_bytes };
        match (self.arguments.mode, &file) {
            (Mode::Upload, _) => self.upload(job, dfuse)?,
            _ if dfuse || self.arguments.dfuse_options.is_some() => self.dfuse_download(job, file.as_ref())?,
            (_, Some(file)) => self.plain_download(job, file)?,
            _ => {}
        }
        if self.arguments.reset { self.reset() } else { Ok(()) }
    }

    fn load_file(&mut self) -> Step<FirmwareFile> {
        let name = self.arguments.file.clone();
        let file = match firmware_file::load(&name, self.console) {
            Ok(file) => file,
            Err(error) => {
                let text = format!("Could not open file {name} for reading: {}", texts::system_error(&error));
                return Err(self.fail(EX_NOINPUT, &text));
            }
        };
        if let Some(warning) = file.suffix_warning {
            self.warn(&format!("Warning: {warning}"));
            self.warn("A valid DFU suffix will be required in a future dfu-util release");
        }
        Ok(file)
    }

    /// Scans the bus; with `-w` again and again, until something turns up or nothing can any more.
    fn find(&mut self) -> Step<Vec<Found>> {
        let waits = self.arguments.wait && self.arguments.mode != Mode::List;
        for _ in 0..RESCANS_MAX {
            let found = self.scan();
            if !found.is_empty() || !waits {
                return Ok(found);
            }
            if !self.board.changes_later() {
                break;
            }
            self.board.spend(RESCAN_MS);
        }
        Err(MockEnd::Waits)
    }

    fn scan(&mut self) -> Vec<Found> {
        let mut found = Vec::new();
        for device in self.board.dfu_devices() {
            if !self.arguments.matches_device(&device) {
                continue;
            }
            if !device.openable {
                let text = format!(
                    "Cannot open DFU device {} found on devnum {} (LIBUSB_ERROR_ACCESS)",
                    device.id, device.devnum
                );
                self.warn(&text);
                continue;
            }
            found.extend(self.alternates(&device));
        }
        self.board.probed();
        found
    }

    fn alternates(&mut self, device: &DfuDevice) -> Vec<Found> {
        let mut found = Vec::new();
        for (alt, name) in device.alt_names.iter().enumerate().rev() {
            if matches!(self.arguments.alternate, Some(Alternate::Number(wanted)) if wanted != alt) {
                continue;
            }
            let (name, serial) = if device.strings_readable {
                (name.clone(), device.serial.clone())
            } else {
                self.warn("Failed to retrieve language identifiers");
                self.warn("Failed to retrieve language identifiers");
                ("UNKNOWN".to_owned(), "UNKNOWN".to_owned())
            };
            let name_fits = !matches!(&self.arguments.alternate, Some(Alternate::Name(wanted)) if *wanted != name);
            let serial_fits = self.arguments.serial.as_ref().is_none_or(|wanted| *wanted == serial);
            if name_fits && serial_fits {
                found.push(Found { device: device.clone(), alt, name, serial });
            }
        }
        found
    }

    fn open(&mut self, target: &Found) -> Step<()> {
        let version = target.device.dfu_version;
        self.console.out("Opening DFU capable USB device...\n");
        self.console.out(&format!("Device ID {}\n", target.device.id));
        self.console.out(&format!("Device DFU version {version:04x}\n"));
        self.console.out("Claiming USB DFU Interface...\n");
        self.console.out(&format!("Setting Alternate Interface #{} ...\n", target.alt));
        if self.board.set_alternate() != Answer::Done {
            return Err(self.fail(EX_IOERR, "Cannot set alternate interface: LIBUSB_ERROR_OTHER"));
        }
        self.console.out("Determining device status...\n");
        let (state, status) = self.board.state();
        self.console.out(&texts::state_line(state, status));
        if state != 2 {
            let remedy = if state == 10 { "Clearing status" } else { "Aborting previous incomplete transfer" };
            self.console.out(&format!("{remedy}\nDetermining device status...\n"));
            self.board.clear();
            self.console.out(&texts::state_line(2, 0));
        }
        self.console.out(&format!("DFU mode device DFU version {version:04x}\n"));
        Ok(())
    }

    fn transfer_bytes(&mut self, target: &Found, dfuse: bool) -> u64 {
        const LINUX_TRANSFER_BYTES_MAX: u32 = 4096;
        if !dfuse && self.arguments.dfuse_options.is_some() {
            self.console.out("Warning: DfuSe option used on non-DfuSe device\n");
        }
        let device_bytes = target.device.transfer_bytes;
        self.console.out(&format!("Device returned transfer size {device_bytes}\n"));
        let mut transfer_bytes = device_bytes;
        if let Some(wanted_bytes) = self.arguments.transfer_bytes {
            self.console.out("Warning: Overriding device-reported transfer size\n");
            transfer_bytes = wanted_bytes;
        }
        if transfer_bytes > LINUX_TRANSFER_BYTES_MAX {
            transfer_bytes = LINUX_TRANSFER_BYTES_MAX;
            self.console.out(&format!("Limited transfer size to {transfer_bytes}\n"));
        }
        u64::from(transfer_bytes)
    }

    fn check_device_of(&mut self, file: &FirmwareFile, target: &Found) -> Step<()> {
        let UsbId { vendor, product } = target.device.id;
        // A device that is in DFU mode from the beginning has no other id for its run-time mode.
        if file.is_for(0, 0) || file.is_for(vendor, product) {
            return Ok(());
        }
        let text = format!(
            "Error: File ID {:04x}:{:04x} does not match device (0000:0000 or {})",
            file.vendor, file.product, target.device.id
        );
        Err(self.fail(EX_USAGE, &text))
    }

    fn reset(&mut self) -> Step<()> {
        self.console.out("Resetting USB to switch back to Run-Time mode\n");
        match self.board.reset() {
            Answer::Done => Ok(()),
            _ => Err(MockEnd::Exit(EXIT_RESET_NOT_FOUND)),
        }
    }

    fn progress(&mut self, label: &str, current: u64, maximum: u64) {
        self.bar.show(progress_bar::Progress { label, current, maximum }, self.board.now_ms() / 1000, self.console);
    }

    fn warn(&mut self, text: &str) {
        self.console.err(&format!("dfu-util: {text}\n"));
    }

    fn fail(&mut self, code: i32, text: &str) -> MockEnd {
        self.warn(text);
        MockEnd::Exit(code)
    }
}

fn listing_line(found: &Found) -> String {
    let device = &found.device;
    format!(
        "Found DFU: [{}] ver={:04x}, devnum={}, cfg=1, intf=0, path=\"{}\", alt={}, name=\"{}\", serial=\"{}\"\n",
        device.id, device.version, device.devnum, device.path, found.alt, found.name, found.serial
    )
}
