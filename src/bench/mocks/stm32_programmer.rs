//! The mock of `STM32_Programmer_CLI`: what it prints for a version, a list of boards, and a flash layout. Texts and their
//! order follow public logs; other calls are not played.

use std::path::Path;

use crate::bench::boards::stm32n6::{Mishap, OTHER_SERIAL, ROM_PRODUCT, SERIAL, Stm32N6, Taken};
use crate::bench::{BenchClock, BoardModel, BusDevice, Console};
use crate::words::UsbId;
use crate::world::Access;

const ROM: UsbId = UsbId { vendor: 0x0483, product: 0xdf11 };
/// How long it takes to start, and to look for boards.
const START_MS: u64 = 600;
/// How long it waits for a board to come back.
const RECONNECT_MS: u64 = 30_000;
const BAR_BLOCKS: usize = 50;

/// How the call ends, once its error has been printed.
struct Failed;

struct Layout {
    partitions: Vec<Partition>,
}

/// One line of a flash layout.
struct Partition {
    id: u32,
    /// `none` for stages that go to RAM.
    place: String,
    offset: u64,
    file: String,
}

pub(crate) fn stm32_programmer(
    args: &[String],
    board: &mut Stm32N6,
    console: &mut Console,
    clock: &mut BenchClock,
) -> i32 {
    let mut tool = Tool { windows: board.has(Mishap::Windows), old: board.has(Mishap::OldVersion), console };
    tool.banner();
    if args.iter().any(|argument| argument == "--version") {
        tool.say(&format!("STM32CubeProgrammer version: {} \n", tool.version()));
        return 0;
    }
    clock.take(START_MS);
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let port = words.iter().any(|word| word.to_ascii_lowercase().starts_with("port=usb"));
    let file = words.iter().position(|word| matches!(*word, "-d" | "-w")).and_then(|at| words.get(at + 1));
    match (words.as_slice(), file) {
        (["-l", "usb"], _) => {
            tool.list(board, *clock);
            0
        }
        (_, Some(file)) if port && file.to_ascii_lowercase().ends_with(".tsv") => {
            let serial = words.iter().find_map(|word| word.strip_prefix("sn="));
            match tool.flash(file, serial, board, clock) {
                Ok(()) if board.has(Mishap::SuccessExit1) => 1,
                Ok(()) => 0,
                Err(Failed) => 1,
            }
        }
        _ => {
            tool.error("Wrong argument: the bench plays only `--version`, `-l usb` and the write of a flash layout");
            1
        }
    }
}

struct Tool<'c> {
    windows: bool,
    old: bool,
    console: &'c mut Console,
}

impl Tool<'_> {
    fn version(&self) -> &'static str {
        if self.old { "2.16.0" } else { "2.20.0" }
    }

    fn say(&mut self, text: &str) {
        self.console.out(text);
    }

    /// On Linux colours come even in a pipe, and end only on the next line.
    fn coloured(&mut self, colour: &str, text: &str) {
        if self.windows {
            self.say(text);
        } else {
            self.say(&format!("\x1b[{colour}m{text}\x1b[39;49m\x1b[0m"));
        }
    }

    fn banner(&mut self) {
        let rule = format!("      {}\n", "-".repeat(67));
        let name = format!("                       STM32CubeProgrammer v{}                  \n", self.version());
        for line in [rule.clone(), name, format!("{rule}\n")] {
            self.coloured("36m\x1b[01", &line);
        }
    }

    fn error(&mut self, text: &str) {
        self.coloured("31", &format!("Error: {text}\n"));
    }

    fn fail<T>(&mut self, lines: &[&str]) -> Result<T, Failed> {
        lines.iter().for_each(|line| self.error(line));
        Err(Failed)
    }

    fn list(&mut self, board: &Stm32N6, clock: BenchClock) {
        self.say("=====  DFU Interface   =====\n\n");
        let mut found = roms(board, clock);
        found.retain(|device| device.access == Access::Permitted);
        if found.is_empty() {
            return self.say("No STM32 device in DFU mode connected\n\n");
        }
        self.say(&format!("Total number of available STM32 device in DFU mode: {}\n\n", found.len()));
        for (index, device) in found.iter().enumerate() {
            let product = device.product.as_deref().unwrap_or_default();
            let serial = device.serial.as_deref().unwrap_or_default();
            self.say(&format!(
                "  Device Index           : USB{}\n  USB Bus Number         : 001\n  USB Address Number     : {:03}\n  \
                 Product ID             : {product}\n  Serial number          : {serial}\n  \
                 Firmware version       : 0x0110\n  Device ID              : 0x0486\n\n",
                index + 1,
                index + 5,
            ));
        }
    }

    /// Writes what the layout names; the exit code of a failure is always 1.
    fn flash(
        &mut self,
        file: &str,
        serial: Option<&str>,
        board: &mut Stm32N6,
        clock: &mut BenchClock,
    ) -> Result<(), Failed> {
        if board.has(Mishap::NothingDone) {
            return Ok(());
        }
        self.connect(serial, board, *clock)?;
        let Some(layout) = Layout::read(&self.console.path(file)) else {
            return self
                .fail(&["Wrong layout: cannot open file or wrong number of columns", "TSV flashing service failed"]);
        };
        self.say("\n\nStart Embedded Flashing service\n\n");
        for partition in &layout.partitions {
            self.partition(partition, file, board, clock)?;
        }
        self.coloured("32", "Flashing service completed successfully\n");
        Ok(())
    }

    fn connect(&mut self, serial: Option<&str>, board: &Stm32N6, clock: BenchClock) -> Result<(), Failed> {
        let found = roms(board, clock);
        let wanted = |device: &&BusDevice| serial.is_none_or(|serial| device.serial.as_deref() == Some(serial));
        let Some(device) = found.iter().find(wanted) else {
            self.error("Target device not found");
            self.say("Establishing connection with the device failed\n");
            return Err(Failed);
        };
        if device.access == Access::Denied {
            let node = "/dev/bus/usb/001/005";
            self.console.err(&format!(
                "libusb: error [get_usbfs_fd] libusb couldn't open USB device {node}, errno=13\n\
                 libusb: error [get_usbfs_fd] libusb requires write access to USB device nodes\n"
            ));
            self.error("Target device not found");
            self.say("Establishing connection with the device failed\n");
            return Err(Failed);
        }
        if device.product.as_deref() != Some(ROM_PRODUCT) {
            self.say(
                "\n\nUSB speed   : High Speed (480MBit/s)\nManuf. ID   : \nProduct ID  : \nSN          : \n\
                 DFU protocol: 1.1\nBoard       : --\nIAP\n",
            );
            return self.fail(&["TSV files are only supported for STM32MP"]);
        }
        self.identity(device.serial.as_deref().unwrap_or_default(), ROM_PRODUCT);
        if board.has(Mishap::Protected) {
            self.say("Warning: Device is under Read Out Protection or Target is held under reset\n");
            return self.fail(&["a read Operation failed, please check if any memory protection mechanism is active."]);
        }
        self.say("Device name : STM32N6xx\nDevice type : MCU\nRevision ID : --  \nDevice CPU  : Cortex-M55\n");
        if device.serial.as_deref() == Some(OTHER_SERIAL) {
            return self.fail(&["TSV files are only supported for STM32MP"]);
        }
        Ok(())
    }

    fn identity(&mut self, serial: &str, product: &str) {
        self.say(&format!(
            "\n\nUSB speed   : High Speed (480MBit/s)\nManuf. ID   : STMicroelectronics\nProduct ID  : {product}\n\
             SN          : {serial}\nDFU protocol: 1.1\nBoard       : --\nDevice ID   : 0x0486\n"
        ));
    }

    fn partition(
        &mut self,
        partition: &Partition,
        layout: &str,
        board: &mut Stm32N6,
        clock: &mut BenchClock,
    ) -> Result<(), Failed> {
        let Partition { id, file, .. } = partition;
        let path = Path::new(layout).parent().unwrap_or(Path::new("")).join(file);
        let Ok(image) = std::fs::read(self.console.path(&path.to_string_lossy())) else {
            return self.fail(&[&format!("File does not exist: {file}"), "TSV flashing service failed"]);
        };
        self.say(&format!(
            "\nOpening and parsing file: {file}\n\n\nMemory Programming ...\n  File          : {file}\n  Size          : {} \n  \
             Partition ID  : {id:#04x} \n\nDownload in Progress:\n",
            size(image.len())
        ));
        let began_ms = clock.now_ms();
        let taken = if partition.place == "none" {
            board.take_stage(*id, &image, clock)
        } else {
            board.take_flash(partition.offset, &image, clock)
        };
        let failed_here =
            [format!("Start operation failed at partition {id:#04x}"), "TSV flashing service failed".to_owned()];
        let failed_here: Vec<&str> = failed_here.iter().map(String::as_str).collect();
        match taken {
            Taken::WriteFailed | Taken::Lost => {
                // The error follows the bar on the same line.
                self.bar(48, false);
                let address = format!("Write failed at address: {:#x}", partition.offset + image.len() as u64 / 2);
                let lines = [address.as_str(), "failed to download Segment[0]", "failed to download the File"];
                lines.iter().for_each(|line| self.error(line));
                if !board.has(Mishap::ErrorExit0) {
                    return Err(Failed);
                }
            }
            Taken::NotExpected => return self.fail(&["failed to download Segment[0]", "failed to download the File"]),
            _ => {
                self.bar(0, true);
                self.bar(100, true);
            }
        }
        let took_ms = clock.now_ms() - began_ms;
        self.say(&format!(
            "\nFile download complete\nTime elapsed during download operation: 00:00:{:02}.{:03}\n\nRUNNING Program ... \n  \
             PartID:      :{id:#04x} \n",
            took_ms / 1000 % 60,
            took_ms % 1000
        ));
        match taken {
            Taken::NotStarted => {
                self.say("\n\n");
                return self.fail(&failed_here);
            }
            Taken::NotBack => {
                self.say("Reconnecting the device ...\n");
                clock.take(RECONNECT_MS);
                self.error("unable to reconnect the target device: time out expired");
                return self.fail(&failed_here);
            }
            Taken::Restarted => {
                self.say("Reconnecting the device ...\n");
                self.identity(SERIAL, crate::bench::boards::stm32n6::LOADER_PRODUCT);
            }
            _ => {}
        }
        self.say(&format!("Start operation done successfully at partition {id:#04x}\n\n"));
        Ok(())
    }

    /// On Windows a bar is blocks of the code page, one byte each.
    fn bar(&mut self, percent: usize, ended: bool) {
        let end = if ended { "\n" } else { "" };
        if self.windows {
            let block = if percent == 100 { 0xdb } else { 0xb1 };
            self.console.out_bytes(&[block; BAR_BLOCKS]);
            self.say(&format!(" {percent}%{end}"));
        } else {
            let done = percent * BAR_BLOCKS / 100;
            self.say(&format!("[{:<BAR_BLOCKS$}] {percent}% {end}", "=".repeat(done)));
        }
    }
}

impl Layout {
    /// Seven columns, set apart by tabs; `#` begins a comment.
    fn read(path: &Path) -> Option<Layout> {
        let text = std::fs::read_to_string(path).ok()?;
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let partitions = lines.map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [_, id, _, _, place, offset, file] = columns.as_slice() else { return None };
            let number = |text: &str| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
            Some(Partition {
                id: u32::try_from(number(id)?).ok()?,
                place: (*place).to_owned(),
                offset: number(offset)?,
                file: (*file).to_owned(),
            })
        });
        Some(Layout { partitions: partitions.collect::<Option<Vec<Partition>>>()? })
    }
}

/// Devices under the ROM's id, in the order in which the tool numbers them.
fn roms(board: &Stm32N6, clock: BenchClock) -> Vec<BusDevice> {
    board.attached(clock.now_ms()).into_iter().filter(|device| device.id == ROM).collect()
}

fn size(bytes: usize) -> String {
    let hundredths = bytes * 100 / 1024;
    format!("{}.{:02} KB", hundredths / 100, hundredths % 100)
}
