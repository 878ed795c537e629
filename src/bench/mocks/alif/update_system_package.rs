//! `updateSystemPackage`: writes the system package and the bank pointer. Whatever the chip says to it, it ends with 0.

use super::configuration::{self, Configured};
use super::connection::{Connection, shown_baud, shown_part};
use super::progress::{self, Image, seconds};
use super::{Call, Step};
use crate::bench::boards::alif_se::tools_folder::POINTER_PATH;
use crate::bench::boards::alif_se::{Mishap, Mram, Part, Release, Stage};
use crate::bench::mocks::Halt;

fn start_ms(release: Release) -> u64 {
    match release {
        Release::V1_103 => 5_600,
        Release::V1_104 => 5_800,
        Release::V1_110 => 6_700,
    }
}

pub(super) fn play(call: &mut Call<'_, '_>) -> Step<i32> {
    let configured = configuration::read(call)?;
    let (part, revision) = (&configured.part.key, &configured.revision);
    call.out(&format!("Burning: System Package in MRAM\nSelected Device:\nPart# {part} - Rev: {revision}\n\n"));
    call.out("Connecting to the target device...\n");
    let change = if call.options.slow_rate { "Disabled" } else { "Enabled" };
    call.out(&format!("[INFO] baud rate  {}\n[INFO] dynamic baud rate change  {change}\n", shown_baud(call)));
    let port = configuration::port(call)?;
    let connection = Connection::open(call, port)?;
    call.out(&format!("[INFO] {} open Serial port success\n", connection.port));
    call.take(start_ms(call.release))?;
    match connection.stage(call)? {
        None => return Err(call.no_answer()),
        Some(Stage::Serom) => {
            call.out("Bootloader stage: SEROM\n");
            call.out("[ERROR] Please use Recovery option from ROM menu in Maintenance Tool\n");
            return Err(Halt::Exit(1));
        }
        Some(Stage::Seram) => call.out("Bootloader stage: SERAM\n"),
    }
    let (detected, mram) = (call.session.board()?.detected_part().clone(), call.session.board()?.memory());
    call.out(&format!("[INFO] Detected Device:\nPart# {} - Rev: B4\n", shown_part(call.release, &detected)));
    show_places(call, &detected, mram);
    settle_part(call, &configured, &detected)?;
    let files = PackageFiles::read(call, &detected)?;
    let fast = !call.options.slow_rate;
    let board = call.session.board()?;
    board.reset_into_maintenance();
    if fast {
        board.go_fast();
    }
    call.out("\x1b[94mMaintenance Mode = Enabled\x1b[0m \n");
    let refused = call.session.board()?.happens(Mishap::NakMidImage);
    write(call, &connection, &files.package_path, mram.package_address(), &files.package, refused)?;
    write(call, &connection, POINTER_PATH, mram.pointer_address(), &files.pointer, refused)?;
    call.session.board()?.end_writing();
    Ok(0)
}

fn show_places(call: &mut Call<'_, '_>, detected: &Part, mram: Mram) {
    let package = mram.package_address();
    if call.release == Release::V1_110 {
        let pointer = mram.pointer_address();
        call.out(&format!("[INFO] SERAM in MRAM memory\nALIF_BASE_ADDRESS {package:#x} alif_offset {pointer:#x}\n"));
        call.out(&format!("- Package: {}\n- Offset: {POINTER_PATH}\n", detected.package_path()));
    } else {
        call.out(&format!("- MRAM Base Address: {package:#x}\n"));
    }
}

/// Asks whether the detected part is to be the default; whatever the answer, it goes on with that part.
pub(super) fn settle_part(call: &mut Call<'_, '_>, configured: &Configured, detected: &Part) -> Step<()> {
    if configured.part == *detected {
        return Ok(());
    }
    let question = "Connected target is not the default Part#\nDo you want to set this part as default? (y/n): ";
    let Some(answer) = call.ask_part(question)? else {
        call.out("\nUser aborted the process\n");
        return Err(Halt::Exit(0));
    };
    if answer.eq_ignore_ascii_case("y") {
        configuration::write(call, detected, &configured.revision);
    }
    Ok(())
}

/// The files that belong to a part, signatures included.
#[derive(Debug)]
pub(super) struct PackageFiles {
    pub(super) package_path: String,
    pub(super) package: Vec<u8>,
    pub(super) pointer: Vec<u8>,
}

impl PackageFiles {
    pub(super) fn read(call: &mut Call<'_, '_>, part: &Part) -> Step<Self> {
        let package_path = part.package_path();
        let package = read_file(call, &package_path)?;
        let pointer = read_file(call, POINTER_PATH)?;
        Ok(PackageFiles { package_path, package, pointer })
    }
}

fn read_file(call: &mut Call<'_, '_>, path: &str) -> Step<Vec<u8>> {
    std::fs::read(call.session.path(path)).map_err(|_| {
        let mark = if call.release == Release::V1_110 { "[ERROR] " } else { "" };
        call.out(&format!("{mark}Image {path} does not exist!\n"));
        Halt::Exit(1)
    })
}

fn write(
    call: &mut Call<'_, '_>,
    connection: &Connection,
    name: &str,
    address: u64,
    bytes: &[u8],
    refused: bool,
) -> Step<()> {
    let began_ms = call.session.now_ms();
    let signature = format!("{name}.sign");
    call.out(&format!("Authenticate Image:  True\nVerify Certificate\nSignature File:  {signature}\n"));
    if !call.session.path(&signature).is_file() {
        call.out(&format!("[ERROR] Image {signature} does not exist!\nImage authentication failed!\n"));
        call.session.board()?.end_writing();
        return Err(Halt::Exit(0));
    }
    call.out("Download Image\n");
    if progress::is_refused(call, Mishap::PackageRefused)? {
        return Err(Halt::Exit(0));
    }
    progress::send(call, connection, Image { name, address, bytes }, refused)?;
    let span = seconds(call.session.now_ms() - began_ms);
    call.out(&format!("\r\nVerify Image\nDone\n {span:>10} seconds\n\n"));
    Ok(())
}
