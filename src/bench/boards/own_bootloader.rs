//! The DFU bootloader that a board brings along in its flash: plain DFU, one alt setting for each partition.
//!
//! What it was given is kept here; when it is on the bus, and what it starts, is the matter of each board.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bench::kit::watched::Boundary;
use crate::bench::{Answer, BenchClock, BoardModel, DfuBoard, DfuDevice, Partition, Region, Share};
use crate::world::{Access, sha256_of_bytes};

/// The partitions of one bootloader, by alt setting, and what tools have put into them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct OwnBootloader {
    partitions: Vec<Partition>,
    /// The partition whose contents the bootloader starts, and what is in it. Without one that stays as it is.
    firmware_alt: Option<u8>,
    firmware: Firmware,
    written: BTreeMap<u8, Region>,
    /// The DFU status of a request that was refused, until it is cleared.
    refused: Option<u8>,
    /// How often something that lasts was changed.
    #[serde(default)]
    changes: u64,
    /// The download that is going on. It does not outlive the tool's call.
    #[serde(skip)]
    receiving: Option<(u8, Vec<u8>)>,
    /// Where the contents lie; not known as long as no bench has set it.
    #[serde(skip)]
    folder: Option<PathBuf>,
}

/// What the bootloader finds where the firmware belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Firmware {
    /// It starts and runs.
    Whole,
    /// It starts, and takes the camera down with it: the camera begins anew, again and again.
    Damaged,
    /// Nothing that looks like a program: the bootloader stays.
    Missing,
}

/// What the bootloader leaves to the board it belongs to.
pub(crate) trait HasOwnBootloader: BoardModel + std::fmt::Debug {
    fn own(&self) -> &OwnBootloader;

    fn own_mut(&mut self) -> &mut OwnBootloader;

    /// The bus device that is the bootloader now, if it is there.
    fn shown_bootloader(&self, now_ms: u64) -> Option<crate::bench::BusDevice>;

    /// A host talks to the bootloader, which therefore does not go on to the firmware.
    fn stay(&mut self, now_ms: u64);

    /// A USB reset starts the board anew.
    fn restart(&mut self, now_ms: u64);

    /// What goes wrong with a block of a download, if anything does.
    fn goes_wrong(&mut self, _share: Share, _now_ms: u64) -> Option<Answer> {
        None
    }
}

/// The bootloader waits a second for the bus, and 1.5 s for somebody who talks to it.
pub(crate) const BOOTLOADER_WINDOW_MS: u64 = 2_500;
/// A camera with damaged firmware begins anew so often, and shows its bootloader for a part of each round.
const ROUND_MS: u64 = 2_000;
const SHOWN_MS: std::ops::Range<u64> = 300..1_800;
const BLOCK_MS: u64 = 10;
const STATUS_WRITE: u8 = 3;
const STATUS_ADDRESS: u8 = 8;
const TRANSFER_BYTES: u32 = 4096;
const DEVNUM: u32 = 9;
/// Dfu-util shows this where a device tells no serial number.
const NO_SERIAL: &str = "UNKNOWN";

impl OwnBootloader {
    /// `starts` names the partition whose contents the bootloader starts.
    pub(crate) fn new(partitions: Vec<Partition>, starts: Option<&str>, firmware: Firmware) -> Self {
        let place = partitions.iter().position(|partition| Some(partition.name.as_str()) == starts);
        OwnBootloader {
            partitions,
            firmware_alt: place.and_then(|alt| u8::try_from(alt).ok()),
            firmware,
            written: BTreeMap::new(),
            refused: None,
            changes: 0,
            receiving: None,
            folder: None,
        }
    }

    pub(crate) fn firmware(&self) -> Firmware {
        self.firmware
    }

    /// Does the camera begin anew before it has taken this block? One block, with the erase before it, fits into the time
    /// that damaged firmware leaves; more do not.
    pub(crate) fn cuts_off(&self, share: Share) -> bool {
        self.firmware == Firmware::Damaged && share.offset > 0
    }

    pub(crate) fn use_folder(&mut self, folder: &Path) {
        self.folder = Some(folder.to_owned());
    }

    pub(crate) fn alt_names(&self) -> Vec<String> {
        self.partitions.iter().map(|partition| partition.name.clone()).collect()
    }

    /// Was a whole image put into this partition?
    fn holds(&self, alt: u8) -> bool {
        self.written.contains_key(&alt)
    }

    /// Counts begin anew, and a download that goes on is over.
    pub(crate) fn settle(&mut self) {
        self.changes = 0;
        self.receiving = None;
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn regions(&self) -> impl Iterator<Item = Region> + '_ {
        self.written.values().cloned()
    }

    /// Takes one block, or answers with the DFU status that refuses it.
    pub(crate) fn take(&mut self, alt: u8, block: &[u8], share: Share) -> Result<(), u8> {
        let end = share.offset + block.len() as u64;
        let refused = match self.partitions.get(usize::from(alt)) {
            Some(partition) if partition.read_only => Some(STATUS_WRITE),
            Some(partition) if end <= partition.length_max => None,
            _ => Some(STATUS_ADDRESS),
        };
        if let Some(status) = refused {
            self.refuse(status);
            return Err(status);
        }
        self.changes += 1;
        if share.offset == 0 {
            // A damaged one stays damaged, whatever part of the new one has come.
            if Some(alt) == self.firmware_alt && self.firmware == Firmware::Whole {
                self.firmware = Firmware::Missing;
            }
            self.written.remove(&alt);
            self.receiving = Some((alt, Vec::new()));
        }
        if let Some((_, bytes)) = &mut self.receiving {
            bytes.extend_from_slice(block);
        }
        Ok(())
    }

    /// Refuses a request, until the host clears it.
    pub(crate) fn refuse(&mut self, status: u8) {
        self.refused = Some(status);
    }

    /// Everything has been sent.
    pub(crate) fn finish(&mut self) {
        let Some((alt, bytes)) = self.receiving.take() else { return };
        let Some(partition) = self.partitions.get(usize::from(alt)) else { return };
        // The missing region shows what could not be kept.
        if self.folder.as_ref().is_some_and(|folder| std::fs::write(contents(folder, alt), &bytes).is_err()) {
            return;
        }
        if Some(alt) == self.firmware_alt {
            let zeros = bytes.iter().all(|byte| *byte == 0);
            self.firmware = if zeros { Firmware::Missing } else { Firmware::Whole };
        }
        let length = bytes.len() as u64;
        self.written.insert(alt, Region { address: partition.address, length, sha256: sha256_of_bytes(&bytes) });
    }

    pub(crate) fn read(&self, alt: u8) -> Vec<u8> {
        let folder = self.folder.as_ref().filter(|_| self.holds(alt));
        folder.and_then(|folder| std::fs::read(contents(folder, alt)).ok()).unwrap_or_default()
    }
}

/// Is the bootloader of a camera with damaged firmware on the bus, so long after power came?
pub(crate) fn shown_in_round(age_ms: u64) -> bool {
    SHOWN_MS.contains(&(age_ms % ROUND_MS))
}

/// When that changes next.
pub(crate) fn next_in_round(age_ms: u64) -> u64 {
    let begun_ms = age_ms - age_ms % ROUND_MS;
    let changes = [SHOWN_MS.start, SHOWN_MS.end, ROUND_MS + SHOWN_MS.start];
    changes.iter().map(|change_ms| begun_ms + change_ms).find(|at_ms| *at_ms > age_ms).unwrap_or(begun_ms + ROUND_MS)
}

fn contents(folder: &Path, alt: u8) -> PathBuf {
    folder.join(format!("partition-{alt}.bin"))
}

/// The bootloader of a board that keeps no time of its own, as DFU shows it.
#[derive(Debug)]
pub(crate) struct OwnDfu<'a> {
    pub(crate) board: &'a mut dyn HasOwnBootloader,
    pub(crate) clock: &'a mut BenchClock,
}

impl DfuBoard for OwnDfu<'_> {
    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn spend(&mut self, time_ms: u64) {
        self.clock.take(time_ms);
    }

    fn changes_later(&self) -> bool {
        self.board.next_change_ms(self.now_ms()).is_some()
    }

    fn dfu_devices(&self) -> Vec<DfuDevice> {
        let device = self.board.shown_bootloader(self.now_ms());
        let shown = device.map(|device| DfuDevice {
            id: device.id,
            devnum: DEVNUM,
            path: device.port,
            version: 0x0102,
            serial: device.serial.unwrap_or_else(|| NO_SERIAL.to_owned()),
            alt_names: self.board.own().alt_names(),
            dfu_version: 0x0110,
            transfer_bytes: TRANSFER_BYTES,
            openable: device.access == Access::Permitted,
            strings_readable: true,
        });
        shown.into_iter().collect()
    }

    fn set_alternate(&mut self) -> Answer {
        self.board.stay(self.clock.now_ms());
        Answer::Done
    }

    fn state(&self) -> (u8, u8) {
        self.board.own().refused.map_or((2, 0), |status| (10, status))
    }

    fn clear(&mut self) {
        self.board.own_mut().refused = None;
    }

    fn write_partition(&mut self, alt: u8, block: &[u8], share: Share) -> Answer {
        self.spend(BLOCK_MS);
        if self.board.own().cuts_off(share) {
            self.board.restart(self.clock.now_ms());
            return Answer::Gone;
        }
        if let Some(answer) = self.board.goes_wrong(share, self.clock.now_ms()) {
            return answer;
        }
        self.board.own_mut().take(alt, block, share).map_or_else(Answer::Refused, |()| Answer::Done)
    }

    fn finish_partition(&mut self) -> Answer {
        self.board.own_mut().finish();
        self.board.stay(self.clock.now_ms());
        Answer::Done
    }

    fn read_partition(&self, alt: u8) -> Vec<u8> {
        self.board.own().read(alt)
    }

    fn reset(&mut self) -> Answer {
        self.board.restart(self.clock.now_ms());
        Answer::Done
    }

    fn passes(&self, boundary: Boundary) {
        self.board.passes(boundary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_whole_images_and_refuses_what_does_not_belong() {
        let folder = tempfile::tempdir().unwrap();
        let partition =
            |name: &str, address, read_only| Partition { name: name.to_owned(), address, length_max: 8, read_only };
        let partitions = vec![partition("BOOTLOADER", 0x1000, true), partition("FIRMWARE", 0x2000, false)];
        let mut own = OwnBootloader::new(partitions, Some("FIRMWARE"), Firmware::Damaged);
        own.use_folder(folder.path());
        let share = |offset| Share { offset, total: 6 };
        assert_eq!(own.take(0, b"abc", share(0)), Err(STATUS_WRITE));
        assert_eq!(own.take(1, b"abcdefghi", share(0)), Err(STATUS_ADDRESS));
        assert_eq!(own.take(2, b"abc", share(0)), Err(STATUS_ADDRESS));
        assert_eq!(own.take(1, b"abc", share(0)), Ok(()));
        assert_eq!(own.take(1, b"def", share(3)), Ok(()));
        assert!(!own.holds(1), "the end has not been told yet");
        assert!(own.cuts_off(share(3)) && !own.cuts_off(share(0)));
        own.finish();
        assert_eq!(own.firmware(), Firmware::Whole);
        let region = Region { address: 0x2000, length: 6, sha256: sha256_of_bytes(b"abcdef") };
        assert_eq!(own.regions().collect::<Vec<_>>(), [region]);
        assert_eq!(own.read(1), b"abcdef");
        assert_eq!(own.take(1, b"xyz", share(0)), Ok(()));
        assert!(!own.holds(1), "a download that has begun replaces what was there");
        assert_eq!(own.firmware(), Firmware::Missing);
    }
}
