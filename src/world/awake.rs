//! Keeps the computer awake while a board is being written, by a program that every desktop system brings for this.
//!
//! Such a program holds sleep off for as long as another one runs in it. That one only repeats its input, which is a pipe
//! of ours: a line that comes back tells that sleep is held off, and when the pipe ends, be it that recover was killed, so
//! do both. Nothing here is waited for by a run.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, PipeWriter, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use crate::world::Awake;
use crate::world::system::give_own_group;
use crate::world::tools::absolute_in;

/// A program that has not said by then that it holds sleep off is given up.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// Of what such a program says in its own words.
const WORDS_BYTES_MAX: u64 = 1024;

/// A program with its arguments; it prints its first line when it holds sleep off, and ends when its input does.
pub(super) type Keeper = (&'static str, &'static [&'static str]);

/// Sleep is held off until this is dropped, or is about to be, or cannot be.
#[derive(Debug)]
pub(super) struct HeldAwake {
    refused: Arc<OnceLock<String>>,
    /// Its end lets the computer sleep again.
    _input: Option<PipeWriter>,
}

impl Awake for HeldAwake {
    fn refused(&self) -> Option<String> {
        self.refused.get().cloned()
    }
}

impl HeldAwake {
    /// By the first of these programs that is there, in the folders of this search path and nowhere else.
    pub(super) fn by(keepers: &'static [Keeper], search_path: Option<OsString>) -> Self {
        let refused = Arc::new(OnceLock::new());
        let told = Arc::clone(&refused);
        let input = HeldAwake::begin(move |input| {
            // The first word counts.
            let search_path = search_path.unwrap_or_default();
            let _told_before = told.set(hold(keepers, &search_path, &input));
        });
        match input {
            Ok(input) => HeldAwake { refused, _input: Some(input) },
            Err(error) => HeldAwake { refused: Arc::new(OnceLock::from(error.to_string())), _input: None },
        }
    }

    fn begin(hold: impl FnOnce(io::PipeReader) + Send + 'static) -> io::Result<PipeWriter> {
        let (theirs, mut ours) = io::pipe()?;
        // There is room for it, so this does not wait.
        ours.write_all(b"awake\n")?;
        thread::Builder::new().name("awake".to_owned()).spawn(move || hold(theirs))?;
        Ok(ours)
    }
}

/// Follows a keeper to its end, and tells why there is none.
fn hold(keepers: &[Keeper], search_path: &OsStr, input: &io::PipeReader) -> String {
    for (program, args) in keepers {
        match start(program, args, search_path, input) {
            Ok(keeper) => return follow(program, keeper),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return format!("{program} cannot be started ({error})"),
        }
    }
    match keepers.iter().map(|(program, _)| *program).collect::<Vec<_>>().as_slice() {
        [] => "there is no way to ask for that on this system".to_owned(),
        [program] => format!("{program} is not there"),
        programs => format!("none of {} is there", programs.join(", ")),
    }
}

fn start(program: &str, args: &[&str], search_path: &OsStr, input: &io::PipeReader) -> io::Result<Child> {
    // Not left to the system, which would look in the current folder, too.
    let mut command = Command::new(absolute_in(program, search_path).ok_or(io::ErrorKind::NotFound)?);
    // It looks there in its turn for the program that it runs.
    command.env("PATH", search_path);
    command.args(args).stdin(input.try_clone()?).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C at the terminal is for recover, which lets this go when the write is over.
    give_own_group(&mut command);
    command.spawn()
}

fn follow(program: &str, mut keeper: Child) -> String {
    let (told, answer) = channel();
    if let Some(stdout) = keeper.stdout.take() {
        let listen = move || {
            let mut stdout = BufReader::new(stdout.take(WORDS_BYTES_MAX));
            let mut line = String::new();
            let holds = stdout.read_line(&mut line).is_ok_and(|length| length > 0);
            // Nobody listens any more once the limit is over. Without its own output open the keeper would not go on.
            let _given_up = told.send(holds);
            io::copy(&mut stdout.into_inner().into_inner(), &mut io::sink())
        };
        if let Err(error) = thread::Builder::new().spawn(listen) {
            let _gone = keeper.kill();
            return error.to_string();
        }
    }
    let limited = answer.recv_timeout(ANSWER_LIMIT);
    if limited == Err(RecvTimeoutError::Timeout) {
        let _gone = keeper.kill();
    }
    let words = keeper.stderr.take().map(|stderr| last_line(stderr.take(WORDS_BYTES_MAX))).unwrap_or_default();
    let _reaped = keeper.wait();
    match limited {
        Err(RecvTimeoutError::Timeout) => format!("{program} did not answer in {} s", ANSWER_LIMIT.as_secs()),
        Ok(true) => format!("{program} has ended"),
        Ok(false) | Err(RecvTimeoutError::Disconnected) if words.is_empty() => format!("{program} did not do it"),
        Ok(false) | Err(RecvTimeoutError::Disconnected) => format!("{program}: {words}"),
    }
}

/// Waits until the keeper has closed its standard error, which is its end.
fn last_line(mut stderr: impl Read) -> String {
    let mut text = Vec::new();
    let _what_came = stderr.read_to_end(&mut text);
    String::from_utf8_lossy(&text).lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("").to_owned()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::world::tools::own_search_path;

    fn by(keepers: &'static [Keeper]) -> HeldAwake {
        HeldAwake::by(keepers, own_search_path())
    }

    /// Waits for the word by which a keeper's thread ends.
    fn told(held: &HeldAwake) -> String {
        held.refused.wait().clone()
    }

    #[test]
    fn without_a_program_it_is_told() {
        assert_eq!(told(&by(&[("no-such-keeper", &[])])), "no-such-keeper is not there");
        let both = told(&by(&[("no-such-keeper", &[]), ("nor-this", &[])]));
        assert_eq!(both, "none of no-such-keeper, nor-this is there");
    }

    #[test]
    fn a_program_that_refuses_is_quoted() {
        let held = by(&[("no-such-keeper", &[]), ("sh", &["-c", "echo >&2; echo 'Access denied' >&2; exit 1"])]);
        assert_eq!(told(&held), "sh: Access denied");
        assert_eq!(told(&by(&[("sh", &["-c", "exit 0"])])), "sh did not do it");
    }

    #[test]
    fn a_program_of_the_current_folder_is_not_started() {
        let by = |search_path: Option<&str>| {
            HeldAwake::by(&[("sh", &["-c", "exit 0"]), ("Cargo.toml", &[])], search_path.map(OsString::from))
        };
        for search_path in [None, Some(""), Some("."), Some("src:.:")] {
            assert_eq!(told(&by(search_path)), "none of sh, Cargo.toml is there");
        }
    }

    #[test]
    fn the_program_within_is_looked_for_in_the_same_folders() {
        let folders = std::env::join_paths(["/usr/bin", "/bin"]).unwrap();
        let held = HeldAwake::by(&[("sh", &["-c", "echo $PATH >&2; exit 1"])], Some(folders));
        assert_eq!(told(&held), "sh: /usr/bin:/bin");
    }

    #[test]
    fn a_program_that_holds_ends_with_its_input() {
        let held = by(&[("cat", &[])]);
        let refused = Arc::clone(&held.refused);
        drop(held);
        // It had nothing but its input to end for.
        assert_eq!(refused.wait(), "cat has ended");
    }
}
