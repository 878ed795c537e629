//! The folder of Alif's tools on the bench: files of the right names and sizes, filled with made-up bytes.
//!
//! Nothing in it comes from the vendor; of the system packages only the header's few known fields are real in form.

use std::io;
use std::path::Path;

use crate::bench::boards::alif_se::{AlifSe, Part, SesVersion};
use crate::bench::kit::image::noise;

const PACKAGE_BYTES: usize = 270_368;
const SIGNATURE_BYTES: usize = 2_560;
pub(crate) const POINTER_BYTES: usize = 16;
/// What the bank pointer's file is called.
pub(crate) const POINTER_PATH: &str = "alif/offset-58-rev-b4.bin";
const PART_OFFSET: usize = 0x10;

/// As the vendor ships it: for another part, so that it must be rewritten for the camera.
const SHIPPED_CONFIGURATION: &str = r#"{
    "DEVICE": {
        "Part#": "E8 (stand-in) - 5.5 MRAM / 9.75 SRAM",
        "Revision": "A1"
    },
    "MRAM-BURNER": {
        "Interface": "isp",
        "Jtag-adapter": "J-Link"
    }
}
"#;

/// Puts the files down; the tools themselves are links beside them.
pub(crate) fn lay_out(folder: &Path, board: &AlifSe) -> io::Result<()> {
    let release = board.release();
    for name in ["alif", "bin", "build", "utils"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes);
    write("utils/global-cfg.db", SHIPPED_CONFIGURATION.as_bytes())?;
    for name in ["devicesDB", "featuresDB", "hashesDB", "menuDB"] {
        write(&format!("utils/{name}.db"), b"{}\n")?;
    }
    if release.probes() {
        write("utils/maint-recoveryDB.db", b"{}\n")?;
    }
    write("bin/application_package.ds", b"../build/AppTocPackage.bin 0x8057F000\n")?;
    for part in board.parts() {
        write(&part.package_path(), &package(part, release.package()))?;
        write(&format!("{}.sign", part.package_path()), &noise(&part.number, SIGNATURE_BYTES))?;
    }
    write(POINTER_PATH, &noise("bank pointer", POINTER_BYTES))?;
    write(&format!("{POINTER_PATH}.sign"), &noise("signature of the bank pointer", SIGNATURE_BYTES))
}

fn package(part: &Part, version: SesVersion) -> Vec<u8> {
    let mut bytes = noise(&part.package_path(), PACKAGE_BYTES);
    bytes[..0x44].fill(0);
    bytes[..8].copy_from_slice(b"ALIFTOC1");
    bytes[PART_OFFSET..PART_OFFSET + part.number.len()].copy_from_slice(part.number.as_bytes());
    let word = version.word().to_le_bytes();
    let at = usize::try_from(SesVersion::WORD_OFFSET).unwrap_or_default();
    bytes[at..at + 4].copy_from_slice(&word);
    bytes
}
