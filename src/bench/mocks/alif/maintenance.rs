//! `maintenance`: reads the banner with `-opt`, and without it offers menus.

use super::connection::Connection;
use super::menu::{self, Choice, Menu};
use super::{Call, NOT_SUPPORTED, Resumed, Step, configuration, rom_recovery};
use crate::bench::boards::alif_se::{Mishap, Release, Stage};

/// One spinner line of the wait for a reset.
const WAITING: &str = "Waiting for Target..[RESET Platform] ";
const SPINNER: [char; 4] = ['|', '/', '-', '\\'];
const LINES_PER_SPOKE: usize = 6;
const LINE_MS: u64 = 100;
/// Printed before the wait goes on in silence; the rest follows when it has ended.
const LINES_FIRST: usize = 3;
/// A person who takes longer than this makes no longer output.
const LINES_MAX: u64 = 600;

pub(super) fn play(call: &mut Call<'_, '_>) -> Step<i32> {
    configuration::read(call)?;
    let port = configuration::port(call)?;
    let connection = Connection::open(call, port)?;
    let gap = if call.release == Release::V1_110 { " " } else { "" };
    call.out(&format!("[INFO] {} open Serial port success{gap}\n", connection.port));
    call.out(&format!("[INFO] baud rate {}\n", connection.baud));
    let stage = connection.stage(call)?;
    if call.release.probes() {
        let state = match stage {
            Some(Stage::Seram) => "Device connected",
            Some(Stage::Serom) => "Device connected in Recovery",
            None => "Device did not respond",
        };
        call.out(&format!("[INFO] Connecting to target...{state}\n"));
        call.take(if stage.is_some() { 1_400 } else { 1_000 })?;
    }
    match call.options.option.clone() {
        Some(option) => single(call, &connection, &option),
        None => top(call, &connection, stage),
    }
}

/// One option, and the end. Exit 0 is no proof of a banner.
fn single(call: &mut Call<'_, '_>, connection: &Connection, option: &str) -> Step<i32> {
    let answers = connection.stage(call)?.is_some();
    call.take(if answers { 700 } else { 200 })?;
    let latest = call.release == Release::V1_110;
    match option {
        "getbanner" if latest => banner(call, connection)?,
        "sesbanner" if !latest => banner(call, connection)?,
        "devenquiry" if latest => enquiry(call, connection)?,
        "gettoc" if latest => table_of_contents(call, connection)?,
        "getrevision" if latest => revision(call, connection)?,
        other => {
            if connection.stage(call)?.is_none() {
                return Err(call.no_answer());
            }
            call.out(&format!("[ERROR] Command {other} not recognized\n"));
            return Ok(1);
        }
    }
    call.out("\x1b[?25h\n\x1b[0m\n");
    Ok(0)
}

fn banner(call: &mut Call<'_, '_>, connection: &Connection) -> Step<()> {
    match connection.stage(call)? {
        None => return Err(call.no_answer()),
        Some(Stage::Serom) => call.refusal(NOT_SUPPORTED.0, NOT_SUPPORTED.1),
        Some(Stage::Seram) => {
            let text = call.session.board()?.running_ses().map(|version| version.banner()).unwrap_or_default();
            call.out(&format!("\x1b[94m {text} \x1b[0m\n \n"));
        }
    }
    Ok(())
}

fn enquiry(call: &mut Call<'_, '_>, connection: &Connection) -> Step<()> {
    let stage = connection.stage(call)?;
    let maintenance = call.session.board()?.in_maintenance();
    let pieces: [&str; 6] = match (stage, maintenance) {
        (None, _) => return Err(call.no_answer()),
        (Some(Stage::Serom), _) => [
            "SEROM",
            " Error =  ",
            "0x12 (SEROM_ATOC_HEADER_STRING_INVALID) ",
            " Extended Error =  ",
            "0x0",
            " Maintenance Mode = <None>",
        ],
        (Some(Stage::Seram), true) => {
            ["SERAM", " Error =  ", "0x0", " Extended Error =  ", "0x0", " Maintenance Mode = Enabled"]
        }
        (Some(Stage::Seram), false) => {
            ["SERAM", " Error =  ", "0x0", " Extended Error =  ", "0x0", " Maintenance Mode = Disabled "]
        }
    };
    let line: String = pieces.iter().map(|piece| format!("\x1b[94m{piece}\x1b[0m")).collect();
    call.out(&format!("{line}\n \n"));
    Ok(())
}

/// The part, in either stage, with the NUL that ends it. Of what else the chip tells, only the version is shown here.
fn revision(call: &mut Call<'_, '_>, connection: &Connection) -> Step<()> {
    if connection.stage(call)?.is_none() {
        return Err(call.no_answer());
    }
    let part = call.session.board()?.detected_part().number.clone();
    let pieces = [" Version\t=  ", "0xB400\n", " ALIF_PN\t=  ", &format!("{part}\0\n")];
    let text: String = pieces.iter().map(|piece| format!("\x1b[94m{piece}\x1b[0m")).collect();
    call.out(&text);
    Ok(())
}

/// Nearly empty in hard maintenance and without an application.
fn table_of_contents(call: &mut Call<'_, '_>, connection: &Connection) -> Step<()> {
    const BORDER: &str = "+------------+--------+------------+------------+------------+------------+----------+-----------+--------+-----------+";
    match connection.stage(call)? {
        None => return Err(call.no_answer()),
        Some(Stage::Serom) => {
            call.refusal(NOT_SUPPORTED.0, NOT_SUPPORTED.1);
            return Ok(());
        }
        Some(Stage::Seram) => {}
    }
    let board = call.session.board()?;
    let shows = board.application_loaded() && !board.in_maintenance();
    let heading = " |   Name    |  CPU   | Store Addr |  Obj Addr  | Dest Addr  | Boot Addr  |   Size   |  Version  |  Flags | \
                   Time (ms) |";
    let row = " |   HP_BOOT| M55-HP | 0x80000000 | 0x8057E400 | ---------- | 0x80000000 |   118784 |      1.0.0|u VB    |     \
               0.02 |";
    let mut lines = vec![BORDER, heading, BORDER];
    if shows {
        lines.push(row);
    }
    lines.push(BORDER);
    let text: String = lines.iter().map(|line| format!("\x1b[94m{line}\n\x1b[0m")).collect();
    call.out(&text);
    Ok(())
}

/// What to do after a sub-menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Return,
    Exit(i32),
}

fn top(call: &mut Call<'_, '_>, connection: &Connection, stage: Option<Stage>) -> Step<i32> {
    let recovery = call.release.probes() && stage == Some(Stage::Serom);
    let menu = match (recovery, call.release) {
        (false, Release::V1_103) => menu::TOP_1_103,
        (false, _) => menu::TOP,
        (true, Release::V1_110) => menu::TOP_IN_RECOVERY_1_110,
        (true, _) => menu::TOP_IN_RECOVERY,
    };
    loop {
        let after = match menu.choose(call)? {
            Choice::Leave => return Ok(0),
            Choice::Ended => return Ok(end_of_input(call)),
            Choice::Option("ROM") if call.release == Release::V1_110 => below(call, connection, menu::ROM_1_110)?,
            Choice::Option("ROM") => below(call, connection, menu::ROM)?,
            Choice::Option("Device Control") => below(call, connection, menu::CONTROL)?,
            Choice::Option("Device Information") if recovery => below(call, connection, menu::INFORMATION_IN_RECOVERY)?,
            Choice::Option("Device Information") => below(call, connection, menu::INFORMATION)?,
            Choice::Option("MRAM") => below(call, connection, menu::MRAM)?,
            Choice::Option("Utilities") if recovery => below(call, connection, menu::UTILITIES_IN_RECOVERY)?,
            Choice::Option("Utilities") => below(call, connection, menu::UTILITIES)?,
            Choice::Option("Setting capabilities") => below(call, connection, menu::SETTING)?,
            Choice::Option(_) => After::Return,
        };
        if let After::Exit(code) = after {
            return Ok(code);
        }
    }
}

/// A sub-menu, shown again after each action.
fn below(call: &mut Call<'_, '_>, connection: &Connection, menu: Menu) -> Step<After> {
    loop {
        let option = match menu.choose(call)? {
            Choice::Leave => return Ok(After::Return),
            Choice::Ended => return Ok(After::Exit(end_of_input(call))),
            Choice::Option(option) => option,
        };
        match option {
            "Hard maintenance mode" => hard_maintenance(call, connection)?,
            "Recovery" | "MRAM Recovery" | "Recovery (No Reset)" | "MRAM Recovery (No Reset)" => {
                let resets = !option.ends_with("(No Reset)");
                if let Some(code) = rom_recovery::play(call, connection, resets)? {
                    return Ok(After::Exit(code));
                }
            }
            other => talk(call, connection, other)?,
        }
    }
}

/// Actions that need a chip that answers. Those that a recovery has no use for say nothing here.
fn talk(call: &mut Call<'_, '_>, connection: &Connection, option: &str) -> Step<()> {
    call.take(500)?;
    if connection.stage(call)?.is_none() {
        return Err(call.no_answer());
    }
    match option {
        "Soft maintenance mode" => call.session.board()?.reset_into_maintenance(),
        "Device reset" => call.session.board()?.reset(),
        "Get SES Banner" => banner(call, connection)?,
        "Device enquiry" => enquiry(call, connection)?,
        "Get revision info" => revision(call, connection)?,
        "Get TOC info" => table_of_contents(call, connection)?,
        "Erase Application Mram" | "Fast Erase Application Mram" | "Fast Erase App. Mram (include NTOC)" => {
            call.session.board()?.erase_applications();
        }
        _ => {}
    }
    Ok(())
}

/// Calls the chip until it is reset and hears it. There is no word of success.
fn hard_maintenance(call: &mut Call<'_, '_>, connection: &Connection) -> Step<()> {
    call.take(1_000)?;
    call.out("\x1b[?25l\n");
    let mut began_ms = call.session.now_ms();
    let mut shown = 0;
    let mut text = spinner(shown..LINES_FIRST);
    loop {
        if call.session.wait_for_reset(&text)? == Resumed::Unplugged && connection.is_camera() {
            return Err(call.unplugged(&connection.port));
        }
        shown = shown.max(LINES_FIRST);
        let lines = ((call.session.now_ms() - began_ms) / LINE_MS).min(LINES_MAX);
        let until = shown.max(usize::try_from(lines).unwrap_or_default());
        text = spinner(shown..until);
        shown = until;
        let board = call.session.board()?;
        if connection.is_camera() && !board.has(Mishap::ButtonDead) && board.catch_in_boot_window() {
            break;
        }
        began_ms = call.session.now_ms();
        shown = shown.max(LINES_FIRST);
    }
    call.out(&text);
    call.take(1_000)?;
    call.out("\x1b[?25h\n");
    Ok(())
}

fn spinner(lines: std::ops::Range<usize>) -> String {
    lines.map(|line| format!("{WAITING}{}\r", SPINNER[line / LINES_PER_SPOKE % SPINNER.len()])).collect()
}

fn end_of_input(call: &mut Call<'_, '_>) -> i32 {
    call.out("[Ctrl-C EOF]\n");
    0
}
