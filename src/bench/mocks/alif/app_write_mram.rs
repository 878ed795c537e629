//! `app-write-mram`: writes the application's images. A refusal in the middle of one does not keep it from exit 0.

use super::configuration::{self, Configured};
use super::connection::{Connection, shown_baud, shown_part};
use super::image_list::{self, ListedImage};
use super::progress::{self, Image, seconds};
use super::{Call, Step, UNKNOWN_COMMAND};
use crate::bench::boards::alif_se::{Mishap, Release, Stage};
use crate::bench::mocks::Halt;

/// From the start to the first image.
fn start_ms(release: Release) -> u64 {
    match release {
        Release::V1_103 => 4_200,
        Release::V1_104 => 5_200,
        Release::V1_110 => 6_400,
    }
}

pub(super) fn play(call: &mut Call<'_, '_>) -> Step<i32> {
    let configured = configuration::read(call)?;
    if let Some(area) = call.options.erase.clone() {
        return erase(call, &area);
    }
    let images = image_list::read(call)?;
    call.out("Writing MRAM with parameters:\n");
    let (part, revision) = (&configured.part.key, &configured.revision);
    call.out(&format!("Device Part# {part} - Rev: {revision}\n"));
    let available = image_list::available(call)?;
    call.out(&format!("- Available MRAM: {available} bytes\n"));
    call.out(&format!("[INFO] Burning: {}\n", image_list::shown(&images)));
    let connection = connect(call)?;
    if call.release.probes() {
        probe(call, &connection, &configured)?;
    } else if connection.stage(call)?.is_none() {
        return Err(call.no_answer());
    }
    enter_maintenance(call, &connection)?;
    let refused = call.session.board()?.happens(Mishap::NakMidImage);
    for image in &images {
        write(call, &connection, image, refused)?;
    }
    call.session.board()?.end_writing();
    Ok(0)
}

fn connect(call: &mut Call<'_, '_>) -> Step<Connection> {
    let baud = shown_baud(call);
    let latest = call.release == Release::V1_110;
    call.out(&if latest { format!("[INFO] baud rate {baud} \n") } else { format!("[INFO] baud rate  {baud}\n") });
    let change = if call.options.slow_rate { "Disabled" } else { "Enabled" };
    call.out(&format!("[INFO] dynamic baud rate change  {change}\n"));
    let port = configuration::port(call)?;
    let connection = Connection::open(call, port)?;
    call.out(&format!("[INFO] {} open Serial port success\n", connection.port));
    call.take(start_ms(call.release))?;
    Ok(connection)
}

/// Later releases look at the chip first.
fn probe(call: &mut Call<'_, '_>, connection: &Connection, configured: &Configured) -> Step<()> {
    match connection.stage(call)? {
        None => return Err(call.no_answer()),
        Some(Stage::Serom) => {
            call.out(
                "[ERROR] The device is in RECOVERY MODE! Please use Recovery option in Maintenance Tool to recover the \
                 device!\n",
            );
            return Err(Halt::Exit(1));
        }
        Some(Stage::Seram) => {}
    }
    let detected = call.session.board()?.detected_part().clone();
    let shown = shown_part(call.release, &detected);
    let gap = if call.release == Release::V1_110 { "  " } else { " " };
    call.out(&format!("[INFO] Detected Device:\nPart# {shown} - Rev:{gap}B4\n"));
    if detected == configured.part {
        return Ok(());
    }
    if call.release == Release::V1_104 {
        call.out("[WARN] ************ Part# detected is different than the one configured in tools-config tool!\n");
        return Ok(());
    }
    ask_about_part(call, &configured.part.number, &detected.number)
}

fn ask_about_part(call: &mut Call<'_, '_>, expected: &str, detected: &str) -> Step<()> {
    let question = format!(
        "[ERROR] ************ Configuration mismatch detected!\n  Expected: {expected}\n  Detected: {detected}\nContinue \
         with operation [y/n]?\n> "
    );
    let answer = call.ask_part(&question)?;
    match answer.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("y" | "yes") => Ok(()),
        Some(_) => {
            call.out("[INFO] Operation aborted\n");
            Err(Halt::Exit(1))
        }
        None => Err(call.traceback("EOFError: EOF when reading a line")),
    }
}

fn enter_maintenance(call: &mut Call<'_, '_>, connection: &Connection) -> Step<()> {
    if connection.stage(call)? == Some(Stage::Serom) {
        // Only the oldest release comes here. It goes on blindly.
        call.refusal(UNKNOWN_COMMAND.0, UNKNOWN_COMMAND.1);
        call.refusal(UNKNOWN_COMMAND.0, UNKNOWN_COMMAND.1);
        call.out("\x1b[94mMaintenance Mode = Disabled \x1b[0m \n");
        call.out("Authenticate Image:  False\nDownload Image\n[ERROR] No response\n");
        return Err(Halt::Exit(1));
    }
    let fast = !call.options.slow_rate;
    let board = call.session.board()?;
    board.reset_into_maintenance();
    if fast {
        board.go_fast();
    }
    call.out("\x1b[94mMaintenance Mode = Enabled\x1b[0m \n");
    Ok(())
}

fn write(call: &mut Call<'_, '_>, connection: &Connection, image: &ListedImage, refused: bool) -> Step<()> {
    let began_ms = call.session.now_ms();
    call.out("Authenticate Image:  False\n");
    // The latest release says so only once the chip has agreed.
    let says_first = call.release != Release::V1_110;
    if says_first {
        call.out("Download Image\n");
    }
    if progress::is_refused(call, Mishap::ImagesRefused)? {
        return Err(Halt::Exit(1));
    }
    if !says_first {
        call.out("Download Image\n");
    }
    let sent = Image { name: &image.name, address: image.address, bytes: &image.bytes };
    progress::send(call, connection, sent, refused)?;
    let span = seconds(call.session.now_ms() - began_ms);
    call.out(&format!("\r\nDone\n {span:>10} seconds\n\n"));
    Ok(())
}

/// Out of range it does nothing, and says so with exit 0. The whole area is the end of this board.
fn erase(call: &mut Call<'_, '_>, area: &str) -> Step<i32> {
    if !area.eq_ignore_ascii_case("APP") {
        call.out(&format!("[ERROR] illegal address {area}\n"));
        return Ok(0);
    }
    connect(call)?;
    call.session.board()?.erase_applications();
    call.out("Done\n");
    Ok(0)
}

impl Call<'_, '_> {
    /// Asks about the part; a fault may let the input end just there.
    pub(super) fn ask_part(&mut self, question: &str) -> Step<Option<String>> {
        if self.session.board()?.happens(Mishap::EofQuestion) {
            self.out(question);
            return Ok(None);
        }
        Ok(self.session.ask(question)?.map(|answer| answer.trim().to_owned()))
    }
}
