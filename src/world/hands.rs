//! What moves in place of a person's hands: another program that hears of each prompt and answers at the standard input, or a
//! program that is called once for each move and, at the end, to let go of everything.
//!
//! What a prompt asks for is the engine's matter, and so is what a failed move means for the run. Limits here are real time:
//! relays know nothing of a bench's clock.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::documents::playbook::HandMove;
use crate::output::LineSplitter;
use crate::words::{Id, Stream, ToolEnd};
use crate::world::clock_hold::ClockHold;
use crate::world::gate::clear_hands;
use crate::world::hands_answer::{HandsAnswer, read_answer};
use crate::world::tools::{absolute_in, own_search_path, program_at};
use crate::world::{Cleared, RunningTool, ToolEvent, process};

/// One call of the program takes at most so long.
pub const MOVE_LIMIT: Duration = Duration::from_secs(30);
/// The program's last call: everything that it has set goes back to where it is without a run.
pub const LET_GO: &str = "off";
/// Variables that the program finds beside those of this process.
pub const HANDS_VARIABLES: [&str; 4] = ["RECOVER_BOARD", "RECOVER_PORT", "RECOVER_UNIT", "RECOVER_STEP"];

/// What is to be moved for one prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moves {
    /// Counted from 1 in a run, so that no answer counts for another prompt.
    pub prompt: u64,
    pub step: Id,
    pub hands: Vec<HandMove>,
}

/// What is heard of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moving {
    /// A program was called: for one move, or for none to let go.
    Begun {
        hands: Vec<HandMove>,
        command: Vec<String>,
        limit: Duration,
    },
    Output {
        stream: Stream,
        text: String,
    },
    Done {
        hands: Vec<HandMove>,
        elapsed: Duration,
    },
    Failed {
        hands: Vec<HandMove>,
        why: String,
        elapsed: Duration,
    },
    /// A line that answers nothing that stands, in words for the person.
    Ignored(String),
}

/// Another program, as the person has named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandsProgram {
    path: PathBuf,
    /// As it was named.
    named: String,
}

/// Which board it is about, as far as the command line says.
#[derive(Debug, Clone, Default)]
pub struct HandsFor {
    pub board: String,
    pub port: Option<String>,
    pub unit: Option<String>,
}

impl HandsProgram {
    /// The program of this name or path, if it can be run. A name is looked for in PATH, but not in the current folder.
    pub fn find(named: &str) -> Option<HandsProgram> {
        let is_path = Path::new(named).components().count() > 1;
        let path = if is_path {
            program_at(&std::path::absolute(named).ok()?)?
        } else {
            absolute_in(named, &own_search_path()?)?
        };
        Some(HandsProgram { path, named: named.to_owned() })
    }
}

/// Does these moves.
type Act = dyn Fn(&[HandMove]);

pub struct MovingHands {
    by: By,
    /// Of one call.
    limit: Duration,
    /// Somebody is at a terminal for what no machine can do.
    beside_person: bool,
    state: RefCell<State>,
    /// The virtual hands of a bench do what has been done.
    on_bench: Option<Box<Act>>,
}

enum By {
    Program { program: HandsProgram, of: HandsFor },
    Lines(RefCell<mpsc::Receiver<String>>),
}

#[derive(Default)]
struct State {
    /// Heard, and not told yet.
    heard: VecDeque<Moving>,
    /// What stands, from its beginning on.
    standing: Option<(Moves, Instant)>,
    /// What the program is still to be called for.
    queue: VecDeque<HandMove>,
    /// What it has done for the prompt that stands.
    done: Vec<HandMove>,
    call: Option<Call>,
    /// It has been called in this run, and not for the last time.
    holds: bool,
    clock: Option<ClockHold>,
}

/// A call of the program.
struct Call {
    hands: Vec<HandMove>,
    tool: RunningTool,
    stdout: LineSplitter,
    stderr: LineSplitter,
    began: Instant,
    /// The last line that it has printed and that is not empty, on its standard error before its output.
    said: Option<(Stream, String)>,
    late: mpsc::Receiver<()>,
    /// Dropped when the call has ended, which ends the thread that would tell that it is late.
    _ended: Sender<()>,
}

impl Call {
    fn hear(&mut self, stream: Stream, lines: &[String]) {
        // Which of two streams came first is not known.
        let complained = matches!(self.said, Some((Stream::Stderr, _)));
        let last = lines.iter().rev().find(|line| !line.trim().is_empty());
        if let Some(last) = last.filter(|_| stream == Stream::Stderr || !complained) {
            self.said = Some((stream, last.trim().to_owned()));
        }
    }
}

impl MovingHands {
    /// The program is called for each move.
    pub fn program(program: HandsProgram, of: HandsFor) -> Self {
        MovingHands::by(By::Program { program, of })
    }

    /// Whoever reads the events answers by these lines.
    pub fn answering(lines: mpsc::Receiver<String>) -> Self {
        MovingHands::by(By::Lines(RefCell::new(lines)))
    }

    fn by(by: By) -> Self {
        MovingHands { by, limit: MOVE_LIMIT, beside_person: false, state: RefCell::default(), on_bench: None }
    }

    #[must_use]
    pub fn beside_person(mut self) -> Self {
        self.beside_person = true;
        self
    }

    /// What was done is done on a bench, whose clock is not to jump meanwhile.
    #[must_use]
    pub(crate) fn on_bench(mut self, act: impl Fn(&[HandMove]) + 'static) -> Self {
        self.on_bench = Some(Box::new(act));
        self
    }

    pub fn has_person(&self) -> bool {
        self.beside_person
    }

    /// These moves are wanted now, and nothing else any more.
    pub fn begin(&self, moves: Moves) {
        let mut state = self.state.borrow_mut();
        self.hand_on(&mut state);
        // What was written before the prompt was told answers another one, or is a guess.
        self.pass_over(&mut state);
        // A call that is under way is let finish.
        state.queue = match &self.by {
            By::Program { .. } => moves.hands.iter().copied().collect(),
            By::Lines(_) => VecDeque::new(),
        };
        state.standing = Some((moves, Instant::now()));
        if self.on_bench.is_some() {
            state.clock.get_or_insert_with(ClockHold::new);
        }
    }

    /// Is something still to be done, or to be told?
    pub fn under_way(&self) -> bool {
        let state = self.state.borrow();
        state.standing.is_some() || state.call.is_some() || !state.heard.is_empty()
    }

    /// What was not done is no longer wanted. The program is called once more if it has been called at all; what comes of that
    /// is heard like everything else.
    pub fn let_go(&self) {
        let mut state = self.state.borrow_mut();
        self.hand_on(&mut state);
        state.standing = None;
        state.queue.clear();
        state.heard.retain(|heard| matches!(heard, Moving::Ignored(_)));
        self.pass_over(&mut state);
        // Ends what is under way.
        state.call = None;
        state.clock = None;
        if let By::Program { program, of } = &self.by
            && std::mem::take(&mut state.holds)
        {
            self.call(&mut state, program, &cleared(program, of, None, LET_GO), Vec::new());
        }
    }

    /// What is heard next; pending while there is nothing to hear.
    pub async fn next(&self) -> Moving {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            loop {
                if let Some(heard) = state.heard.pop_front() {
                    return Poll::Ready(heard);
                }
                let polled = match &self.by {
                    By::Program { program, of } => self.poll_program(&mut state, (program, of), context),
                    By::Lines(lines) => self.poll_lines(&mut state, &mut lines.borrow_mut(), context),
                };
                if polled.is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Ready when something was heard.
    fn poll_program(
        &self,
        state: &mut State,
        (program, of): (&HandsProgram, &HandsFor),
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(call) = &mut state.call else {
            let Some((step, hand)) =
                state.standing.as_ref().map(|(moves, _)| moves.step.clone()).zip(state.queue.pop_front())
            else {
                return Poll::Pending;
            };
            if !std::mem::replace(&mut state.holds, true) {
                // Before the first call, so that there is no moment at which nobody would let go.
                process::call_at_end(&cleared(program, of, None, LET_GO));
            }
            self.call(state, program, &cleared(program, of, Some(&step), hand.word()), vec![hand]);
            return Poll::Ready(());
        };
        let end = match call.tool.events.poll_recv(context) {
            Poll::Ready(Some(ToolEvent::Output(stream, bytes))) => {
                let splitter = match stream {
                    Stream::Stdout => &mut call.stdout,
                    Stream::Stderr => &mut call.stderr,
                };
                let lines: Vec<String> = splitter.push(&bytes).into_iter().map(|piece| piece.text).collect();
                call.hear(stream, &lines);
                state.heard.extend(lines.into_iter().map(|text| Moving::Output { stream, text }));
                return Poll::Ready(());
            }
            Poll::Ready(Some(ToolEvent::Ended(end))) => end,
            Poll::Ready(None) => ToolEnd::NotStarted("it went away without a word".to_owned()),
            Poll::Pending if call.late.poll_recv(context) == Poll::Ready(Some(())) => ToolEnd::TimedOut(self.limit),
            Poll::Pending => return Poll::Pending,
        };
        if let Some(call) = state.call.take() {
            self.ended(state, program, call, &end);
        }
        Poll::Ready(())
    }

    fn ended(&self, state: &mut State, program: &HandsProgram, mut call: Call, end: &ToolEnd) {
        let rest = [(Stream::Stdout, call.stdout.finish()), (Stream::Stderr, call.stderr.finish())];
        for (stream, piece) in rest {
            let Some(piece) = piece else { continue };
            call.hear(stream, std::slice::from_ref(&piece.text));
            state.heard.push_back(Moving::Output { stream, text: piece.text });
        }
        let (hands, elapsed, said) = (call.hands.clone(), call.began.elapsed(), call.said.take());
        // Ends what the program may have left.
        drop(call);
        let lets_go = hands.is_empty();
        if lets_go {
            process::called_at_end();
        }
        if *end == ToolEnd::Exited(0) {
            state.done.extend(&hands);
            state.heard.push_back(Moving::Done { hands, elapsed });
        } else {
            let word = hands.first().map_or(LET_GO, |hand| hand.word());
            let said = said.map(|(_, said)| format!(" (it printed: {})", clipped(&said))).unwrap_or_default();
            let why = format!("`{} {word}`: {end}{said}", program.named);
            state.queue.clear();
            state.heard.push_back(Moving::Failed { hands, why, elapsed });
        }
        if state.queue.is_empty() {
            self.hand_on(state);
            state.standing = None;
            state.clock = None;
        }
    }

    fn poll_lines(&self, state: &mut State, lines: &mut mpsc::Receiver<String>, context: &mut Context<'_>) -> Poll<()> {
        let line = match lines.poll_recv(context) {
            Poll::Ready(line) => line,
            Poll::Pending => return Poll::Pending,
        };
        let prompt = state.standing.as_ref().map(|(moves, _)| moves.prompt);
        let answer = match line {
            Some(line) => match read_answer(&line) {
                Some(answer) if Some(answer.prompt()) == prompt => answer,
                _ => {
                    state.heard.push_back(Moving::Ignored(ignored(&line, prompt)));
                    return Poll::Ready(());
                }
            },
            None => match prompt {
                Some(prompt) => HandsAnswer::Failed {
                    failed: prompt,
                    why: "the standard input, where the answer was to come from, has ended".to_owned(),
                    hand: None,
                },
                None => return Poll::Pending,
            },
        };
        let Some((moves, since)) = state.standing.take() else { return Poll::Pending };
        let elapsed = since.elapsed();
        match answer {
            HandsAnswer::Done { .. } => {
                state.done.extend(&moves.hands);
                self.hand_on(state);
                state.heard.push_back(Moving::Done { hands: moves.hands, elapsed });
            }
            HandsAnswer::Failed { why, hand, .. } => {
                let hands = hand.map_or(moves.hands, |hand| vec![hand]);
                state.heard.push_back(Moving::Failed { hands, why, elapsed });
            }
        }
        state.clock = None;
        Poll::Ready(())
    }

    /// Takes what is there to be read for an answer to nothing that stands.
    fn pass_over(&self, state: &mut State) {
        let By::Lines(lines) = &self.by else { return };
        let mut lines = lines.borrow_mut();
        while let Ok(line) = lines.try_recv() {
            state.heard.push_back(Moving::Ignored(ignored(&line, None)));
        }
    }

    /// Lets the virtual hands of a bench do what was done.
    fn hand_on(&self, state: &mut State) {
        let done = std::mem::take(&mut state.done);
        if let Some(act) = self.on_bench.as_ref().filter(|_| !done.is_empty()) {
            act(&done);
        }
    }

    fn call(&self, state: &mut State, program: &HandsProgram, cleared: &Cleared, hands: Vec<HandMove>) {
        let command = [program.named.clone()].into_iter().chain(cleared.args.iter().cloned()).collect();
        state.heard.push_back(Moving::Begun { hands: hands.clone(), command, limit: self.limit });
        if self.on_bench.is_some() {
            state.clock.get_or_insert_with(ClockHold::new);
        }
        let (late, is_late) = mpsc::channel(1);
        let (ended, has_ended) = channel::<()>();
        let limit = self.limit;
        // Without the thread there is only no limit.
        let _no_limit = thread::Builder::new().name("hands limit".to_owned()).spawn(move || {
            if has_ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                let _nobody_waits = late.blocking_send(());
            }
        });
        state.call = Some(Call {
            hands,
            tool: process::start(cleared),
            stdout: LineSplitter::default(),
            stderr: LineSplitter::default(),
            began: Instant::now(),
            said: None,
            late: is_late,
            _ended: ended,
        });
    }
}

/// One call of the program: a word for what it is to do, and the rest in variables, those without a value empty.
fn cleared(program: &HandsProgram, of: &HandsFor, step: Option<&Id>, word: &str) -> Cleared {
    let values = [
        of.board.clone(),
        of.port.clone().unwrap_or_default(),
        of.unit.clone().unwrap_or_default(),
        step.map(ToString::to_string).unwrap_or_default(),
    ];
    let variables = HANDS_VARIABLES.map(str::to_owned).into_iter().zip(values.map(OsString::from));
    clear_hands(&program.path, word, variables.collect::<BTreeMap<_, _>>())
}

fn ignored(line: &str, prompt: Option<u64>) -> String {
    let stands = match prompt {
        Some(prompt) => format!("prompt {prompt} waits for one"),
        None => "no prompt waits for one".to_owned(),
    };
    let what = match read_answer(line) {
        Some(answer) => format!("an answer to prompt {}", answer.prompt()),
        None => format!("`{}`, which is no answer", clipped(line)),
    };
    format!("{what} came at the standard input, while {stands}; it counts for nothing")
}

/// Characters of a line that are repeated.
const REPEATED: usize = 60;

fn clipped(line: &str) -> String {
    let mut letters = line.chars();
    let clipped: String = letters.by_ref().take(REPEATED).collect();
    if letters.next().is_none() { clipped } else { format!("{clipped}…") }
}

impl fmt::Debug for MovingHands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MovingHands").field("beside_person", &self.beside_person).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_ended_and_called_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relays");
        std::fs::write(&path, "#!/bin/sh\n[ \"$1\" = off ] && exit 0\necho on\nexec /bin/sleep 1000\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let program = HandsProgram::find(path.to_str().unwrap()).unwrap();
        let hands =
            MovingHands { limit: Duration::from_millis(200), ..MovingHands::program(program, HandsFor::default()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let both = vec![HandMove::Unplug, HandMove::PlugIn];
            hands.begin(Moves { prompt: 1, step: "a".parse().unwrap(), hands: both });
            assert!(matches!(hands.next().await, Moving::Begun { hands, .. } if hands == [HandMove::Unplug]));
            assert!(matches!(hands.next().await, Moving::Output { text, .. } if text == "on"));
            let Moving::Failed { hands: failed, why, .. } = hands.next().await else { panic!("no failure") };
            assert_eq!(failed, [HandMove::Unplug]);
            assert!(why.contains("did not finish within") && why.ends_with("(it printed: on)"), "{why}");
            assert!(!hands.under_way(), "the second move is not made");
            hands.let_go();
            assert!(matches!(hands.next().await, Moving::Begun { command, .. } if command[1] == LET_GO));
            assert!(matches!(hands.next().await, Moving::Done { hands, .. } if hands.is_empty()));
            hands.let_go();
            assert!(!hands.under_way(), "it has let go");
        });
    }
}
