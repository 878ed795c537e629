//! Plays one call of a scripted tool.

use crate::bench::mocks::{Halt, MockEnd, Session, with_version};
use crate::bench::scenes::fault::{SceneFault, SceneFaultKind};
use crate::bench::scenes::player::{CALLS_MAX, Refused};
use crate::bench::scenes::store::{CallBody, CallHead, SceneStore};
use crate::bench::scenes::working_folder::{self, FileProblem};
use crate::bench::state::HeldState;
use crate::bench::{BenchError, BenchFiles, CallRecord, Console};
use crate::documents::scene::{Act, CallEnd, Content, Deed, FileName, difference, text_fits};
use crate::words::Stream;

/// How a scripted tool ends when the scene does not provide for what it met.
const SCENE_FAULT_EXIT: i32 = 86;
/// A question that is asked more often is asked for ever.
const ASKED_MAX: u32 = 100;

/// Plays the call that the scene declares; asking for the version is none, unless it is declared.
pub(crate) fn play(
    files: &BenchFiles,
    tool: &str,
    args: &[String],
    console: &mut Console,
) -> Result<MockEnd, BenchError> {
    play_share(files, tool, args, console, Share::Whole)
}

/// Plays the call so that its tool says all that it would say, but stops halfway through its work.
pub(crate) fn play_half(
    files: &BenchFiles,
    tool: &str,
    args: &[String],
    console: &mut Console,
) -> Result<MockEnd, BenchError> {
    play_share(files, tool, args, console, Share::Half)
}

/// How much of its work a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    Whole,
    /// Nothing changes on the bus and no file is made after the half of what is said; a question is never answered.
    Half,
}

fn play_share(
    files: &BenchFiles,
    tool: &str,
    args: &[String],
    console: &mut Console,
    share: Share,
) -> Result<MockEnd, BenchError> {
    let store = SceneStore::of(files);
    let heads = store.heads()?;
    let mut held = HeldState::take(files)?;
    let Some(board) = held.state.stage.scene_mut() else { return Ok(MockEnd::Exit(SCENE_FAULT_EXIT)) };
    if board.find_call(&heads, tool, args).is_none()
        && let Some(known) = store.tools()?.iter().find(|known| known.is_asked_for_version(tool, args))
    {
        console.out(&match held.state.versions.get(tool) {
            Some(version) => with_version(&known.version, version),
            None => known.version.clone(),
        });
        return Ok(MockEnd::Exit(0));
    }
    held.close_call()?;
    let at_ms = held.state.clock().now_ms();
    let call = CallRecord { tool: tool.to_owned(), argv: args.to_vec(), exit_code: None, at_ms };
    held.state.playing = Some(call.clone());
    let taken = match held.state.stage.scene_mut() {
        Some(board) => board.take_call(&heads, tool, args),
        None => Err(Refused::Undeclared),
    };
    let refused = taken.err().map(|refused| refusal(refused, &heads, &held, &call));
    held.state.save(files)?;
    let mut session = Session::new(held, files, console);
    if share == Share::Whole {
        session.keep_time();
    }
    let mut player = Player { session: &mut session, files, call: &call };
    let played = match (taken, refused) {
        (Ok(index), _) => store.body(index).map_err(Halt::from).and_then(|body| match share {
            Share::Whole => player.play(&body),
            Share::Half => player.play_half(&body),
        }),
        (Err(_), Some(fault)) => Err(player.fails(&fault)),
        (Err(_), None) => Err(Halt::Exit(SCENE_FAULT_EXIT)),
    };
    session.close(played, call)
}

/// Why no declared call answers, with the nearest one.
fn refusal(refused: Refused, heads: &[CallHead], held: &HeldState, call: &CallRecord) -> SceneFault {
    let CallRecord { tool, argv, .. } = call;
    let fault = |kind, what: &str, details| SceneFault {
        kind,
        tool: tool.clone(),
        argv: argv.clone(),
        what: what.to_owned(),
        details,
    };
    if refused == Refused::TooManyCalls {
        let what = format!("the run has made more than {CALLS_MAX} calls, so it goes round in circles");
        return fault(SceneFaultKind::Limit, &what, Vec::new());
    }
    let what = "the scene does not declare this call";
    let of_tool = || heads.iter().enumerate().filter(|(_, head)| head.tool == *tool);
    let next = held.state.stage.scene().and_then(|board| board.next_in_order(heads, tool));
    // The next in order is the first to be looked at, so that it wins over others that are as near.
    let order = next.into_iter().chain(of_tool().map(|(index, _)| index).filter(|index| Some(*index) != next));
    let distance = |index: &usize| difference(&heads[*index].args, argv).map_or(0, |difference| difference.count);
    let Some(nearest) = order.min_by_key(distance) else {
        return fault(SceneFaultKind::Undeclared, what, vec![format!("it declares no call of {tool} at all")]);
    };
    let head = &heads[nearest];
    let mut details = vec![format!("the nearest one is in line {}: {}", head.line, head.command().join(" "))];
    match difference(&head.args, argv) {
        Some(difference) => details.push(difference.first),
        None => details.push(match next {
            Some(next) if next < nearest => {
                let due = &heads[next];
                format!("its turn has not come: line {} is due first: {}", due.line, due.command().join(" "))
            }
            _ => "it has been made as often as it is declared; `times` or `repeat` allow more".to_owned(),
        }),
    }
    fault(SceneFaultKind::Undeclared, what, details)
}

/// One call at work.
struct Player<'p, 's> {
    session: &'p mut Session<'s>,
    files: &'p BenchFiles,
    call: &'p CallRecord,
}

impl Player<'_, '_> {
    fn play(&mut self, body: &CallBody) -> Result<i32, Halt> {
        for act in &body.acts {
            self.act(act)?;
        }
        let (now_ms, board) = (self.session.now_ms(), self.session.scene()?);
        let call = board.call();
        match body.end {
            CallEnd::Hangs => board.hang(&body.afterwards),
            _ => board.schedule(&body.afterwards, now_ms, Some(call)),
        }
        match body.end {
            CallEnd::Exit(code) => Ok(code),
            CallEnd::Hangs => Err(Halt::Hangs),
            CallEnd::Signal(signal) => Err(Halt::Killed(signal)),
        }
    }

    fn play_half(&mut self, body: &CallBody) -> Result<i32, Halt> {
        let printed = |act: &Act| match &act.deed {
            Deed::Print(_, printed) => printed.bytes().len(),
            Deed::Nothing | Deed::Read { .. } | Deed::Change { .. } | Deed::Write { .. } => 0,
        };
        let whole: usize = body.acts.iter().map(printed).sum();
        let mut said = 0;
        for act in &body.acts {
            said += printed(act);
            match &act.deed {
                Deed::Read { .. } => break,
                Deed::Change { .. } | Deed::Write { .. } if said * 2 >= whole => self.session.take(act.after_ms),
                Deed::Nothing | Deed::Print(..) | Deed::Change { .. } | Deed::Write { .. } => self.act(act)?,
            }
        }
        Ok(0)
    }

    fn act(&mut self, act: &Act) -> Result<(), Halt> {
        self.session.take(act.after_ms);
        match &act.deed {
            Deed::Nothing => {}
            Deed::Print(stream, printed) => self.session.print(*stream, printed.bytes()),
            Deed::Read { pattern, again } => self.read(pattern, again.as_deref())?,
            Deed::Change { device, appears } => {
                let (now_ms, board) = (self.session.now_ms(), self.session.scene()?);
                let call = board.call();
                board.schedule_one(now_ms, device, *appears, Some(call));
            }
            Deed::Write { name, content } => self.write(name, content)?,
        }
        Ok(())
    }

    fn read(&mut self, pattern: &str, again: Option<&str>) -> Result<(), Halt> {
        let mut text = "";
        for _ in 0..ASKED_MAX {
            let Some(line) = self.session.ask(text)? else {
                let what = "the scene waits for a line of input, and the input has ended";
                return Err(self.fault(SceneFaultKind::Answer, what, vec![format!("it waits for `{pattern}`")]));
            };
            if text_fits(pattern, &line) {
                return Ok(());
            }
            let Some(again) = again else {
                let what = format!("the scene does not declare the answer `{line}`");
                return Err(self.fault(SceneFaultKind::Answer, &what, vec![format!("it waits for `{pattern}`")]));
            };
            text = again;
        }
        let what = format!("the scene has asked {ASKED_MAX} times and was never given an answer that fits");
        Err(self.fault(SceneFaultKind::Limit, &what, vec![format!("it waits for `{pattern}`")]))
    }

    fn write(&mut self, name: &FileName, content: &Content) -> Result<(), Halt> {
        let folder = self.session.folder().to_owned();
        let name = self.file_name(name)?;
        let copied = match content {
            Content::Copy { of, .. } => Some(self.file_name(of)?),
            _ => None,
        };
        let written = working_folder::write(&folder, &name, content, copied.as_deref());
        // What is copied stands for the board's memory; what is made up is a tool's own.
        let written = match copied.is_some() && self.session.scene()?.is_half_done() {
            true => written.and_then(|()| working_folder::halve(&folder, &name)),
            false => written,
        };
        written.map_err(|problem| match problem {
            FileProblem::Outside(why) => {
                let what = "the scene touches a file outside of the folder in which the tool works";
                self.fault(SceneFaultKind::Outside, what, vec![why])
            }
            FileProblem::Failed(error) => {
                let what = format!("the scene cannot write the file `{name}`");
                let copied = copied.iter().map(|copied| format!("it is a copy of `{copied}`"));
                self.fault(SceneFaultKind::File, &what, copied.chain([error.to_string()]).collect())
            }
        })
    }

    fn file_name(&mut self, name: &FileName) -> Result<String, Halt> {
        let argument = match name {
            FileName::Fixed(name) => return Ok(name.clone()),
            FileName::Argument(number) => number.checked_sub(1).and_then(|index| self.call.argv.get(index)),
            FileName::After(word) => {
                let place = self.call.argv.iter().position(|argument| argument == word);
                place.and_then(|index| self.call.argv.get(index + 1))
            }
        };
        argument.cloned().ok_or_else(|| {
            let wanted = match name {
                FileName::After(word) => format!("after `{word}`"),
                _ => "at this place".to_owned(),
            };
            let what = format!("the scene takes the name of a file from an argument {wanted}, and there is none");
            self.fault(SceneFaultKind::File, &what, Vec::new())
        })
    }

    fn fault(&mut self, kind: SceneFaultKind, what: &str, details: Vec<String>) -> Halt {
        let CallRecord { tool, argv, .. } = self.call;
        self.fails(&SceneFault { kind, tool: tool.clone(), argv: argv.clone(), what: what.to_owned(), details })
    }

    /// Told to the person as the tool's last words, and recorded.
    fn fails(&mut self, fault: &SceneFault) -> Halt {
        self.session.print(Stream::Stderr, format!("{fault}\n").as_bytes());
        match fault.append(self.files) {
            Ok(()) => Halt::Exit(SCENE_FAULT_EXIT),
            Err(error) => Halt::Broken(error),
        }
    }
}
