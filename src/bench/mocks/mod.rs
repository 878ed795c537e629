//! The mock tools: this program, started under a vendor tool's name, with a bench to act on.

pub(crate) mod alif;
mod blhost;
mod dfu_util;
mod legacy;
mod nxp_device;
mod nxp_status;
mod sdphost;
mod session;
mod spsdk;
mod stm32_programmer;
#[cfg(test)]
mod transcript_tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bench::boards::virtual_model::mock_tools;
use crate::bench::call_record::CallRecord;
use crate::bench::folder::BenchFiles;
use crate::bench::scenes::{self, SceneStore};
use crate::bench::set_up::BENCH_VARIABLE;
use crate::bench::state::{BenchState, HeldState, replace};
use crate::bench::waiting::{Waiting, WaitsFor};
use crate::bench::{BenchError, Console};
use crate::world::end_by_signal;

pub(crate) use blhost::blhost;
pub use dfu_util::dfu_util;
pub(crate) use sdphost::sdphost;
pub(crate) use session::{Halt, Session};
pub(crate) use stm32_programmer::stm32_programmer;

/// How a call of a mock tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MockEnd {
    Exit(i32),
    /// The real tool waits for a device, and nothing brings one but somebody's hands.
    Waits,
    /// The real tool would wait for ever: the caller sleeps until it is ended from outside.
    Hangs,
    /// By this signal.
    Killed(i32),
}

/// The mock itself is at fault, not the tool it plays.
const BENCH_BROKEN_EXIT: i32 = 70;
const NO_BOARD_EXIT: i32 = 69;
/// How often a waiting tool looks whether hands have moved. Real time.
const HANDS_POLL: Duration = Duration::from_millis(2);

/// Plays a tool when the program was started under the name of one and there is a bench; then the answer is the exit
/// code. Comes first in `main`, and costs nothing otherwise.
pub fn mock_main() -> Option<i32> {
    let mut arguments = std::env::args_os();
    let program = PathBuf::from(arguments.next()?);
    let name = program.file_name()?.to_str()?;
    let tool = name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name);
    let files = bench_of(&program)?;
    if !mock_tools().iter().any(|known| known.name == tool) && !plays_in_scene(&files, tool) {
        return None;
    }
    let args: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    match play(&files, tool, &args, &mut Console::passing()) {
        Ok(MockEnd::Exit(code)) => Some(code),
        Ok(MockEnd::Killed(signal)) => Some(end_by_signal(signal)),
        Ok(MockEnd::Waits | MockEnd::Hangs) => loop {
            std::thread::park();
        },
        Err(error) => {
            eprintln!("recover's bench is broken: {error}");
            Some(BENCH_BROKEN_EXIT)
        }
    }
}

/// The bench is named by the environment, or is the one whose tools folder the program was started from: version
/// probes come with a cleaned environment.
fn bench_of(program: &Path) -> Option<BenchFiles> {
    let named = std::env::var_os(BENCH_VARIABLE).map(|folder| BenchFiles::of(Path::new(&folder)));
    let around = || program.parent().and_then(Path::parent).map(BenchFiles::of);
    named.or_else(around).filter(|files| files.state().is_file())
}

fn plays_in_scene(files: &BenchFiles, tool: &str) -> bool {
    files.has_scene() && SceneStore::of(files).tools().is_ok_and(|tools| tools.iter().any(|known| known.name == tool))
}

/// Plays one call of a tool on the bench, and records it. Asking for the version is not a call.
pub fn play(files: &BenchFiles, tool: &str, args: &[String], console: &mut Console) -> Result<MockEnd, BenchError> {
    if files.has_scene() {
        return scenes::play(files, tool, args, console);
    }
    if args.iter().any(|argument| argument == "--version" || argument == "-V") {
        let mut state = BenchState::look(files)?;
        let mut clock = state.clock();
        let Some(version) = state.versions.get(tool).cloned() else {
            return Ok(state.stage.play(tool, args, console, &mut clock));
        };
        let mut own = Console::keeping(BTreeMap::new());
        let end = state.stage.play(tool, args, &mut own, &mut clock);
        console.out(&with_version(&String::from_utf8_lossy(&own.stdout), &version));
        console.err(&with_version(&String::from_utf8_lossy(&own.stderr), &version));
        return Ok(end);
    }
    let mut held = HeldState::take(files)?;
    held.close_call()?;
    let mut clock = held.state.clock();
    let mut call = CallRecord { tool: tool.to_owned(), argv: args.to_vec(), exit_code: None, at_ms: clock.now_ms() };
    held.state.playing = Some(call.clone());
    let known = held.state.as_the_board_knows(args, clock.now_ms());
    let args = known.as_slice();
    let hangs = held.state.stage.board_mut().is_some_and(|board| board.hangs(tool, args));
    held.state.save(files)?;
    if let Some(talk) = held.state.stage.talk(tool) {
        let mut session = Session::new(held, files, console);
        let played = talk(tool, args, &mut session);
        return session.close(played, call);
    }
    let mut waits = 0;
    let end = loop {
        let end = if hangs { MockEnd::Hangs } else { held.state.stage.play(tool, args, console, &mut clock) };
        held.state.now_ms = clock.now_ms();
        // In a test nobody moves hands meanwhile.
        if end != MockEnd::Waits || console.is_scripted() {
            break end;
        }
        waits += 1;
        let waiting = Waiting { number: waits, what: WaitsFor::Hands, printed_bytes: console.counted_bytes() };
        held = match wait_for_hands(files, held, waiting, console)? {
            Some(held) => held,
            // The call stays open, as that of a process that was killed.
            None => return Ok(MockEnd::Hangs),
        };
        clock.take(held.state.now_ms.saturating_sub(clock.now_ms()));
        console.begin_again();
    };
    match end {
        MockEnd::Exit(_) | MockEnd::Killed(_) => {
            held.state.playing = None;
            call.exit_code = match end {
                MockEnd::Exit(exit_code) => Some(exit_code),
                _ => None,
            };
            call.append(files)?;
            held.save()?;
        }
        MockEnd::Waits | MockEnd::Hangs => {
            held.save()?;
            replace(&files.stalled(), console.counted_bytes().to_string().as_bytes())?;
        }
    }
    Ok(end)
}

/// Nothing that this tool acts on stands on the bench.
pub(crate) fn no_board(tool: &str, console: &mut Console) -> MockEnd {
    console.err(&format!("the virtual bench has no board for `{tool}`\n"));
    MockEnd::Exit(NO_BOARD_EXIT)
}

/// Puts the board back until somebody's hands have moved; nothing when the tool was ended meanwhile.
fn wait_for_hands(
    files: &BenchFiles,
    held: HeldState,
    waiting: Waiting,
    console: &Console,
) -> Result<Option<HeldState>, BenchError> {
    let moved = held.state.hands_moved;
    held.save()?;
    waiting.announce(files)?;
    drop(held);
    while BenchState::look(files)?.hands_moved == moved {
        if console.is_ended() {
            return Ok(None);
        }
        std::thread::sleep(HANDS_POLL);
    }
    HeldState::take(files).map(Some)
}

/// The text with another version in place of the first thing in it that looks like one.
pub(crate) fn with_version(text: &str, version: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let mut from = 0;
    while let Some(start) = text[from..].find(|c: char| c.is_ascii_digit()).map(|at| from + at) {
        let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |length| start + length);
        if text[start..end].trim_end_matches('.').contains('.') {
            return format!("{}{version}{}", &text[..start], &text[end..]);
        }
        from = end;
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_in_a_text_is_replaced() {
        assert_eq!(with_version("dfu-util 0.11\n2005-2021 1.2", "0.9"), "dfu-util 0.9\n2005-2021 1.2");
        assert_eq!(with_version("2021: v1.10.0-rc", "2"), "2021: v2-rc");
        assert_eq!(with_version("no version 7", "2"), "no version 7");
    }
}
