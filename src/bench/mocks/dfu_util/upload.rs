//! Reading a board's memory into a file that must not exist yet.

use crate::bench::mocks::dfu_util::dfuse::Job;
use crate::bench::mocks::dfu_util::{Call, EX_CANTCREAT, EX_IOERR, EX_USAGE, Step, texts};

impl Call<'_> {
    pub(super) fn upload(&mut self, job: Job<'_>, dfuse: bool) -> Step<()> {
        let name = self.arguments.file.clone();
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(self.console.path(&name));
        let mut file = file.map_err(|error| {
            let text = format!("Cannot open file {name} for writing: {}", texts::system_error(&error));
            self.fail(EX_CANTCREAT, &text)
        })?;
        let contents = if dfuse { self.dfuse_upload(job)? } else { self.plain_upload(job) };
        if let Err(error) = std::io::Write::write_all(&mut file, &contents) {
            return Err(self.fail(EX_IOERR, &error.to_string()));
        }
        Ok(())
    }

    fn dfuse_upload(&mut self, job: Job<'_>) -> Step<Vec<u8>> {
        const LENGTH_UNKNOWN_BYTES: u64 = 0x4000;
        let options = self.dfuse_options()?;
        let mut length = options.length;
        let start = options.address.unwrap_or(0x0800_0000);
        if options.address.is_some() {
            let layout = self.layout(job.target)?;
            let segment = layout.segment_at(start);
            if !options.force && !segment.is_some_and(|segment| segment.readable()) {
                return Err(self.fail(EX_USAGE, &format!("Page at 0x{start:08x} is not readable")));
            }
            if let (None, Some(segment)) = (length, segment) {
                length = Some(segment.end - start);
                self.console.out(&format!("Limiting upload to end of memory segment, {} bytes\n", segment.end - start));
            }
            self.abort()?;
        }
        let total = length.unwrap_or_else(|| {
            self.console.out(&format!("Limiting default upload to {LENGTH_UNKNOWN_BYTES} bytes\n"));
            LENGTH_UNKNOWN_BYTES
        });
        self.progress("Upload", 0, 1);
        let mut contents = Vec::new();
        while (contents.len() as u64) < total {
            let received = contents.len() as u64;
            if received > 0 {
                self.progress("Upload", received, total);
            }
            let block_bytes = job.transfer_bytes.min(total - received);
            let Some(block) = self.board.read(&job.target.device.path, start + received, block_bytes) else {
                let text = "dfuse_upload: libusb_control_transfer returned -9 (LIBUSB_ERROR_PIPE)";
                return Err(self.fail(EX_IOERR, text));
            };
            contents.extend(block);
        }
        self.progress("Upload", total, total);
        self.abort()?;
        if options.leave {
            self.leave()?;
        }
        Ok(contents)
    }
}
