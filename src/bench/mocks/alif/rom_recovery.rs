//! The recovery in the ROM's menu: writes the system package and the bank pointer in words of 16 bytes.

use super::connection::{Connection, shown_part};
use super::progress::{seconds, update};
use super::update_system_package::{PackageFiles, settle_part};
use super::{Call, Step, configuration};
use crate::bench::boards::alif_se::tools_folder::POINTER_PATH;
use crate::bench::boards::alif_se::{BlockAnswer, Mishap, Release, Stage};
use crate::bench::mocks::Halt;

const WORD_BYTES: u64 = 16;
/// What the package takes on silicon, and the pointer.
const PACKAGE_MS: u64 = 270_000;
/// A slow chip must not take longer than people are told to wait.
const SLOW_PACKAGE_MS: u64 = 200_000;
const POINTER_MS: u64 = 10;

/// None when the tool goes back to its menu.
pub(super) fn play(call: &mut Call<'_, '_>, connection: &Connection, resets: bool) -> Step<Option<i32>> {
    match connection.stage(call)? {
        None => return Err(call.no_answer()),
        Some(Stage::Seram) => {
            call.out("[ERROR] Device not in Recovery mode, use updateSystemPackage Tool\n");
            return Ok(Some(1));
        }
        Some(Stage::Serom) => {}
    }
    let configured = configuration::read(call)?;
    let (detected, mram) = (call.session.board()?.detected_part().clone(), call.session.board()?.memory());
    let (package, pointer) = (mram.package_address(), mram.pointer_address());
    let latest = call.release == Release::V1_110;
    call.out("Bootloader stage: SEROM\n");
    call.out(&format!("Detected Part#: {}\nDetected Revision: B4\n", shown_part(call.release, &detected)));
    if latest {
        call.out(&format!("[INFO] SERAM in MRAM memory\nALIF_BASE_ADDRESS {package:#x} alif_offset {pointer:#x}\n"));
    }
    settle_part(call, &configured, &detected)?;
    let files = PackageFiles::read(call, &detected)?;
    call.out("[INFO] System TOC Recovery with parameters:\n");
    call.out(&format!("- Device Part# {} - Rev: B4\n", detected.key));
    if latest {
        call.out(&format!(
            "- ALIF Base Address: {package:#x}\n- Package: {0}\n- Offset: {POINTER_PATH}\n[INFO] Writing main MRAM image '{0}' \
             to address {1:#x}\n",
            files.package_path,
            package - mram.range.start
        ));
    } else {
        call.out(&format!("- MRAM Base Address: {package:#x}\n"));
    }
    write(call, connection, &files.package_path, package, &files.package)?;
    if latest {
        call.out(&format!("[INFO] Writing offset '{POINTER_PATH}' to address {:#x}\n", pointer - mram.range.start));
    }
    write(call, connection, POINTER_PATH, pointer, &files.pointer)?;
    // The release between forgets to reset, whatever was chosen.
    if call.release != Release::V1_104 && resets {
        call.session.board()?.reset();
        call.out("[INFO] Target reset\n");
    }
    call.out("Recovery process finished. Please reload maintenance tool for verification\n");
    Ok((call.release != Release::V1_103).then_some(0))
}

fn write(call: &mut Call<'_, '_>, connection: &Connection, name: &str, address: u64, bytes: &[u8]) -> Step<()> {
    let began_ms = call.session.now_ms();
    let refused = bytes.len() as u64 > WORD_BYTES && call.session.board()?.happens(Mishap::NakMidImage);
    let answer = call.session.board()?.take_image(address, bytes, WORD_BYTES, refused);
    let total = bytes.len() as u64;
    let shown = if answer.then == BlockAnswer::Taken { answer.blocks } else { answer.blocks + 1 };
    let text: String = (1..=shown).map(|done| update(name, (done * WORD_BYTES).min(total), total)).collect();
    call.out(&text);
    let slow = call.session.board()?.has(Mishap::Slow);
    let whole_ms = match (total > WORD_BYTES, slow) {
        (false, _) => POINTER_MS,
        (true, false) => PACKAGE_MS,
        // Doubled like everything a slow chip does.
        (true, true) => SLOW_PACKAGE_MS,
    };
    call.take((answer.blocks * WORD_BYTES).min(total) * whole_ms / total)?;
    match answer.then {
        BlockAnswer::Taken => {}
        BlockAnswer::Refused if call.release == Release::V1_103 => {}
        BlockAnswer::Refused => {
            call.out("\r\nERROR: There was an error in the recovery process\n");
            return Err(Halt::Exit(1));
        }
        BlockAnswer::Nothing => return Err(Halt::Hangs),
        BlockAnswer::Lost => {
            let now_ms = call.session.now_ms();
            call.session.board()?.fall_out(now_ms);
            return Err(call.unplugged(&connection.port));
        }
    }
    let colon = if call.release == Release::V1_110 { ":" } else { "" };
    let span = seconds(call.session.now_ms() - began_ms);
    call.out(&format!("\r\n[INFO] recovery time{colon} {span:>10} seconds\n"));
    Ok(())
}
