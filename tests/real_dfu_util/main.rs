//! The real dfu-util 0.11 on a simulated USB bus: first by itself, which proves the simulation, then under `recover`.
//!
//! Where dfu-util or umockdev's preload library is not installed, the tests say so and pass; with
//! `RECOVER_REQUIRE_DFU_UTIL=1` in the environment they fail instead.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod attached;
mod bench;
mod busy;
mod directly;
#[path = "../support/ended.rs"]
#[expect(unreachable_pub, reason = "other tests share it")]
mod ended;
mod finished;
mod folder;
#[path = "../support/kills.rs"]
#[expect(unreachable_pub, reason = "other tests share it")]
mod kills;
mod leaving;
mod protection;
mod reading_back;
mod requirements;
mod through_recover;
#[path = "../usb_simulation/mod.rs"]
mod usb_simulation;

use folder::Folder;

/// As large as the first page of an H7's flash, and a plausible beginning: stack pointer, reset vector.
fn bootloader_image() -> Vec<u8> {
    const IMAGE_BYTES: usize = 128 * 1024;
    let mut image = [0x2002_0000_u32, 0x0800_0299].map(u32::to_le_bytes).concat();
    image.extend((image.len()..IMAGE_BYTES).map(|i| (i * 31 + i / 256) as u8));
    image
}

impl Folder {
    fn with_image() -> Self {
        let folder = Folder::new();
        std::fs::write(folder.path().join("bootloader.bin"), bootloader_image()).unwrap();
        folder
    }
}
