//! ST's extension of DFU: addresses and page erases.

use crate::bench::mocks::MockEnd;
use crate::bench::mocks::dfu_util::dfuse_options::Options;
use crate::bench::mocks::dfu_util::firmware_file::FirmwareFile;
use crate::bench::mocks::dfu_util::{Call, EX_IOERR, EX_OK, EX_PROTOCOL, EX_USAGE, Found, Step, texts};
use crate::bench::{Answer, MemoryLayout, Share};

/// On what one call works, once the device is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) target: &'a Found,
    pub(super) transfer_bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Image<'a> {
    start: u64,
    bytes: &'a [u8],
}

impl Call<'_> {
    pub(super) fn dfuse_download(&mut self, job: Job<'_>, file: Option<&FirmwareFile>) -> Step<()> {
        let options = self.dfuse_options()?;
        let layout = self.layout(job.target)?;
        if options.unprotect {
            return Err(self.unprotect(&options));
        }
        if options.mass_erase {
            self.mass_erase(job, &options)?;
        }
        match (file, options.address) {
            (None, _) => self.console.out("DfuSe command mode\n"),
            (Some(file), Some(_)) if file.dfu_version == texts::DFUSE_VERSION => {
                return Err(self.fail(EX_USAGE, "This is a DfuSe file, not meant for raw download"));
            }
            (Some(file), Some(start)) => {
                let image = Image { start, bytes: &file.contents };
                self.download_element(job, &layout, image, &options)?;
                self.console.out("File downloaded successfully\n");
            }
            (Some(_), None) => {
                self.warn("Only DfuSe file version 1.1a is supported");
                return Err(self.fail(EX_USAGE, "(for raw binary download, use the --dfuse-address option)"));
            }
        }
        if !options.will_reset {
            self.abort()?;
        }
        if options.leave { self.leave() } else { Ok(()) }
    }

    fn download_element(
        &mut self,
        job: Job<'_>,
        layout: &MemoryLayout,
        image: Image<'_>,
        options: &Options,
    ) -> Step<()> {
        let total = image.bytes.len() as u64;
        self.console.out(&format!("Downloading element to address = 0x{:08x}, size = {total}\n", image.start));
        // An empty file makes the tool look at the address before the first.
        let last = (image.start + total).wrapping_sub(1) & 0xffff_ffff;
        if !layout.segment_at(last).is_some_and(|segment| segment.writable()) {
            return Err(self.fail(EX_USAGE, &format!("Last page at 0x{last:08x} is not writeable")));
        }
        self.erase_pages(job, layout, image, options)?;
        self.progress("Download", 0, 1);
        let mut offset = 0;
        for block in image.bytes.chunks(job.transfer_bytes as usize) {
            self.progress("Download", offset, total);
            self.write_block(job, Image { start: image.start + offset, bytes: block }, Share { offset, total })?;
            offset += block.len() as u64;
        }
        self.board.download_complete(&job.target.device.path);
        self.progress("Download", total, total);
        Ok(())
    }

    /// Version 0.11 erases every page before it writes the first block.
    fn erase_pages(&mut self, job: Job<'_>, layout: &MemoryLayout, image: Image<'_>, options: &Options) -> Step<()> {
        let total = image.bytes.len() as u64;
        let mut erased_page = None;
        self.progress("Erase   ", 0, 1);
        for offset in (0..total).step_by(job.transfer_bytes as usize) {
            let first = image.start + offset;
            let last = first + job.transfer_bytes.min(total - offset) - 1;
            for address in [first, last] {
                let Some(segment) = layout.segment_at(address).filter(|segment| segment.writable()) else {
                    return Err(self.fail(EX_USAGE, &format!("Page at 0x{address:08x} is not writeable")));
                };
                let page = segment.page_start(address);
                if segment.erasable() && !options.mass_erase && erased_page != Some(page) {
                    let answer = self.board.erase(&job.target.device.path, address);
                    self.command_answered("ERASE_PAGE", answer)?;
                    erased_page = Some(page);
                }
            }
            self.progress("Erase   ", offset, total);
        }
        self.progress("Erase   ", total, total);
        Ok(())
    }

    fn write_block(&mut self, job: Job<'_>, block: Image<'_>, share: Share) -> Step<()> {
        match self.board.write(&job.target.device.path, block.start, block.bytes, share) {
            Answer::Done => Ok(()),
            Answer::Refused(status) | Answer::NotExecuted(status) => {
                self.console.out(" failed!\n");
                self.console.err(&texts::state_line(10, status));
                let text = format!("Failed to write whole chunk: -1 of {} bytes", block.bytes.len());
                Err(self.fail(EX_IOERR, &text))
            }
            Answer::Stalled => Err(self.transfer_failed("-9 (LIBUSB_ERROR_PIPE)", "Error during download")),
            Answer::Gone => Err(self.transfer_failed("-4 (LIBUSB_ERROR_NO_DEVICE)", "Error during download")),
            Answer::StatusLost => Err(self.fail(EX_IOERR, "Error during download get_status")),
            Answer::Busy => Err(MockEnd::Hangs),
        }
    }

    fn command_answered(&mut self, command: &str, answer: Answer) -> Step<()> {
        let download = format!("Error during special command \"{command}\" download");
        match answer {
            Answer::Done => Ok(()),
            Answer::Stalled => Err(self.transfer_failed("-9 (LIBUSB_ERROR_PIPE)", &download)),
            Answer::Gone => Err(self.transfer_failed("-4 (LIBUSB_ERROR_NO_DEVICE)", &download)),
            Answer::StatusLost => {
                Err(self.fail(EX_IOERR, &format!("Error during special command \"{command}\" get_status")))
            }
            Answer::Refused(status) => {
                self.console.err(&texts::state_line(10, status));
                Err(self.fail(EX_PROTOCOL, &format!("Wrong state after command \"{command}\" download")))
            }
            Answer::NotExecuted(_) => Err(self.fail(EX_IOERR, &format!("{command} not correctly executed"))),
            Answer::Busy => Err(MockEnd::Hangs),
        }
    }

    fn transfer_failed(&mut self, code: &str, text: &str) -> MockEnd {
        self.warn(&format!("dfuse_download: libusb_control_transfer returned {code}"));
        self.fail(EX_IOERR, text)
    }

    fn unprotect(&mut self, options: &Options) -> MockEnd {
        if !options.force {
            let text = "The read unprotect command will erase the flash memory\nand can only be used with force\n";
            return self.fail(EX_USAGE, text);
        }
        self.console.out("Device disconnects, erases flash and resets now\n");
        let _ = self.board.reset();
        MockEnd::Exit(EX_OK)
    }

    fn mass_erase(&mut self, job: Job<'_>, options: &Options) -> Step<()> {
        if !options.force {
            return Err(self.fail(EX_USAGE, "The mass erase command can only be used with force\n"));
        }
        self.console.out("Performing mass erase, this can take a moment\n");
        let answer = self.board.mass_erase(&job.target.device.path);
        self.command_answered("MASS_ERASE", answer)
    }

    pub(super) fn abort(&mut self) -> Step<()> {
        match self.board.abort() {
            Answer::Done => Ok(()),
            _ => Err(self.fail(EX_IOERR, "Error sending dfu abort request")),
        }
    }

    pub(super) fn leave(&mut self) -> Step<()> {
        self.console.out("Submitting leave request...\n");
        if self.board.leave() != Answer::Done {
            return Err(self.fail(EX_IOERR, "Error during download get_status"));
        }
        self.console.out("Transitioning to dfuMANIFEST state\n");
        Ok(())
    }

    pub(super) fn layout(&mut self, target: &Found) -> Step<MemoryLayout> {
        let Ok(layout) = target.name.parse::<MemoryLayout>() else {
            self.warn("Could not read name, sscanf returned 0");
            let text = format!("Failed to parse memory layout for alternate interface {}", target.alt);
            return Err(self.fail(EX_IOERR, &text));
        };
        self.console.out(&format!("DfuSe interface name: \"{}\"\n", layout.name));
        for _ in layout.segments.iter().filter(|segment| segment.unit_blank) {
            self.warn("Non-valid multiplier ' ', assuming bytes");
        }
        Ok(layout)
    }
}
