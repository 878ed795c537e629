//! DFU 1.1 as the board's own bootloader speaks it: no addresses, one alt setting for each partition.

use crate::bench::mocks::MockEnd;
use crate::bench::mocks::dfu_util::dfuse::Job;
use crate::bench::mocks::dfu_util::firmware_file::FirmwareFile;
use crate::bench::mocks::dfu_util::{Call, EX_IOERR, Step, texts};
use crate::bench::{Answer, Share};

impl Call<'_> {
    pub(super) fn plain_download(&mut self, job: Job<'_>, file: &FirmwareFile) -> Step<()> {
        let total = file.contents.len() as u64;
        let alt = u8::try_from(job.target.alt).unwrap_or(u8::MAX);
        self.console.out("Copying data from PC to DFU device\n");
        self.progress("Download", 0, 1);
        let mut offset = 0;
        for block in file.contents.chunks(job.transfer_bytes as usize) {
            match self.board.write_partition(alt, block, Share { offset, total }) {
                Answer::Done => {}
                Answer::Refused(status) | Answer::NotExecuted(status) => {
                    self.console.out(" failed!\n");
                    self.console.out(&texts::state_line(10, status));
                    return Err(MockEnd::Exit(EX_IOERR));
                }
                _ => return Err(self.fail(EX_IOERR, "Error during download (LIBUSB_ERROR_NO_DEVICE)")),
            }
            offset += block.len() as u64;
            // The real tool adds the block just sent to the whole, so that its percentages fall short.
            self.progress("Download", offset, total + block.len() as u64);
        }
        let answer = self.board.finish_partition();
        self.progress("Download", total, total);
        if answer != Answer::Done {
            self.console.out(&texts::state_line(7, 0));
            let text = "unable to read DFU status after completion (LIBUSB_ERROR_NO_DEVICE)";
            return Err(self.fail(EX_IOERR, text));
        }
        self.console.out(&texts::state_line(2, 0));
        self.console.out("Done!\n");
        Ok(())
    }

    pub(super) fn plain_upload(&mut self, job: Job<'_>) -> Vec<u8> {
        let alt = u8::try_from(job.target.alt).unwrap_or(u8::MAX);
        let contents = self.board.read_partition(alt);
        self.console.out("Copying data from DFU device to PC\n");
        let total = contents.len() as u64;
        self.progress("Upload", 0, 1);
        // How much will come is not known before a block is not full.
        for received in (1..=total / job.transfer_bytes).map(|blocks| blocks * job.transfer_bytes) {
            self.progress("Upload", received, 0);
        }
        self.progress("Upload", total, total);
        let text = if total == 0 { "\nFailed.\n" } else { &format!("Received a total of {total} bytes\n") };
        self.console.out(text);
        contents
    }
}
