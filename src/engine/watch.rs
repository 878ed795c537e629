//! Follows one running tool to its end: its output, its limits, and the wish to end it. What it asks is for the sibling
//! `converse`.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::documents::playbook::{Device, MayBeCut, Prompt, Run, Step, Until};
use crate::engine::call::Prepared;
use crate::engine::converse::{Conversation, Due};
use crate::engine::devices::device_in;
use crate::engine::halt::Halt;
use crate::engine::hints::Lessons;
use crate::engine::instead::{Intruders, Told};
use crate::engine::moves::moving;
use crate::engine::runner::Runner;
use crate::engine::{Event, GoesOn};
use crate::output::{Dialogue, Judge, LineEnd, LineSplitter, Piece, PlainLines};
use crate::words::{Stream, ToolEnd};
use crate::world::{Cleared, Interrupt, Reply, RunningTool, ToolEvent, ToolInput, World};

/// A tool that was asked to end gets this long before it is ended by force.
const GRACE: Duration = Duration::from_secs(3);
/// And then this long until it is given up as unkillable.
const GIVE_UP: Duration = Duration::from_secs(5);
/// A tool that is to end has ended by then, or is left alone.
pub(super) const TOOL_ENDS_WITHIN: Duration = GRACE.saturating_add(GIVE_UP);
/// Output that was there when a limit passed is heard for so long.
const HEARD_LATE: Duration = Duration::from_millis(50);
/// A tool that never stops printing is left alone this often, for whatever else there is.
const GIVE_WAY: Duration = Duration::from_millis(10);
/// While a tool waits, other devices are looked for this often.
const LOOK: Duration = Duration::from_millis(500);
/// Lines of output kept to be told with a failure.
const LAST_LINES: usize = 12;
/// Lines of a menu that are kept; no tool has longer ones.
const MENU_LINES: usize = 100;

/// How a call's process ended, and the last lines it printed.
pub(super) struct Watched<'a> {
    pub(super) end: ToolEnd,
    pub(super) output: Vec<String>,
    /// What it means that another device is there than the one the tool waits for.
    pub(super) instead: Option<&'a str>,
}

/// A tool at work, and everything known about it so far.
pub(super) struct Watch<'a, 'j, 'w> {
    pub(super) step: &'a Step,
    pub(super) run: &'a Run,
    pub(super) judge: &'w mut Judge<'j>,
    pub(super) tool: RunningTool,
    pub(super) conversation: Conversation<'a>,
    stdout: LineSplitter,
    stderr: LineSplitter,
    last_lines: VecDeque<String>,
    /// What it has printed since a line was sent to it last.
    pub(super) since_answer: VecDeque<String>,
    /// It may ask, so each of its lines has to be heard.
    talks: bool,
    /// What it teaches the person that the tool waits in vain; nothing once it works.
    pub(super) lessons: Option<Lessons<'a>>,
    /// The device that its arguments name.
    pub(super) named: Option<&'a Device>,
    pub(super) last_output: Instant,
    pub(super) deadline: Instant,
}

/// Why a tool is ended by us.
pub(super) enum Ending {
    As(ToolEnd),
    /// The step cannot go on, whatever the tool has done.
    Halt(Halt),
}

impl<'a, W: World> Runner<'a, W> {
    /// The tool is ended when a limit passes, when it asks what nobody can answer, or on the person's request: at once when
    /// it changes nothing, else on the second Ctrl-C, and on the third where it breaks something to cut it short.
    pub(super) async fn watch(
        &mut self,
        step: &'a Step,
        run: &'a Run,
        (prepared, cleared): (&Prepared<'a>, &Cleared),
        judge: &mut Judge<'_>,
    ) -> Result<Watched<'a>, Halt> {
        let world = self.world;
        let dialogue = Dialogue::new(&run.answers, prepared.questions);
        if let Some(prompt) = &run.prompt {
            // Before the tool starts, so that on a bench the tool already knows when the hands will be ready; a person
            // is told only when the tool is waiting.
            self.ask_hands(prompt, step.until.as_ref());
        }
        let mut watch = Watch {
            step,
            run,
            judge,
            tool: world.start(cleared),
            conversation: Conversation::new(dialogue),
            stdout: LineSplitter::default(),
            stderr: LineSplitter::default(),
            last_lines: VecDeque::new(),
            since_answer: VecDeque::new(),
            talks: prepared.call.input == ToolInput::Open,
            lessons: None,
            named: self.device_named(run, prepared),
            last_output: Instant::now(),
            deadline: Instant::now() + prepared.limit,
        };
        if let (Some(prompt), Some(text)) = (&run.prompt, &prepared.prompt) {
            self.tell_prompt(&step.id, text, &prompt.hands, GoesOn::ByItself, prepared.limit);
            // What the step waits for may come only by this call.
            let awaited = watch.named.or_else(|| self.awaited(step.until.as_ref()));
            self.begin_teaching(&mut watch, prompt, awaited);
        }
        let mut intruders = Intruders::of(step);
        let mut next_look = Instant::now();
        let mut late_since = None;
        let mut gave_way = std::time::Instant::now();
        let ended = loop {
            let silent_at = prepared.silence.map_or(watch.deadline, |silence| watch.last_output + silence);
            let limit = silent_at.min(watch.deadline);
            // What came before the limit counts, but no flood of output holds off the limit itself.
            let late = Instant::now() >= limit && !watch.conversation.stops_the_clock();
            late_since = late.then(|| late_since.unwrap_or_else(Instant::now));
            let heard = late_since.is_none_or(|since| since.elapsed() < HEARD_LATE);
            tokio::select! {
                biased;
                by = world.interrupted() => {
                    let ends = match prepared.cut_by(&self.stopping).may_be_cut() {
                        (MayBeCut::AtOnce, _) => {
                            self.ends_at_once(by, Some(TOOL_ENDS_WITHIN));
                            true
                        }
                        (MayBeCut::WhenFinished | MayBeCut::Never, breaks) => {
                            // Its limit stands still while the person is asked something.
                            let runs = !watch.conversation.stops_the_clock();
                            let left = runs.then(|| watch.deadline.saturating_duration_since(Instant::now()));
                            self.cuts_short(by, breaks, left)
                        }
                    };
                    if ends {
                        self.end_tool(&mut watch.tool).await;
                        break ToolEnd::Cancelled;
                    }
                }
                event = watch.tool.events.recv(), if heard => {
                    match event {
                        Some(ToolEvent::Output(stream, bytes)) => {
                            watch.last_output = Instant::now();
                            if let Err(ending) = self.take_output(&mut watch, stream, &bytes) {
                                break self.end_as(&mut watch, ending).await?;
                            }
                        }
                        Some(ToolEvent::Ended(end)) => break end,
                        None => break ToolEnd::NotStarted("the tool went away without a word".to_owned()),
                    }
                    // Signals and time are looked at only where something gives way to them.
                    if gave_way.elapsed() >= GIVE_WAY {
                        tokio::task::yield_now().await;
                        gave_way = std::time::Instant::now();
                    }
                }
                moving = moving(world) => {
                    if let Err(halt) = self.hear_moving(&step.id, moving) {
                        if prepared.cut_by(&self.stopping).may_be_cut().0 == MayBeCut::AtOnce {
                            break self.end_as(&mut watch, Ending::Halt(halt)).await?;
                        }
                        // It may be writing. Where it waits in vain, it has its limit.
                        self.asked.failed = Some(halt);
                    } else if !self.moves_under_way()
                        && watch.conversation.awaits_hands()
                        && let Err(ending) = self.take_reply(&mut watch, Reply::Line(String::new()))
                    {
                        break self.end_as(&mut watch, ending).await?;
                    }
                }
                reply = world.reply(), if watch.conversation.awaits_person() && !self.moves_under_way() => {
                    if let Err(ending) = self.take_reply(&mut watch, reply) {
                        break self.end_as(&mut watch, ending).await?;
                    }
                }
                () = sleep_until(next_look), if intruders.are_known() || watch.lessons.is_some() => {
                    let left = limit.saturating_duration_since(Instant::now());
                    // A tool goes on waiting whatever has been told; `check` allows no end to it here.
                    let (Told::Nothing | Told::Enough(_)) = self.look_for_intruders(&step.id, &mut intruders, left);
                    // Where another device has come, the reason is known.
                    self.teach_beside_tool(&mut watch, intruders.meaning().is_none());
                    next_look = Instant::now() + LOOK;
                }
                due = watch.conversation.due(watch.last_output, limit) => match due {
                    Due::Conversation => {
                        if let Err(ending) = self.go_on_talking(&mut watch) {
                            break self.end_as(&mut watch, ending).await?;
                        }
                    }
                    Due::Limit => {
                        let end = if silent_at < watch.deadline {
                            ToolEnd::Silent(prepared.silence.unwrap_or(prepared.limit))
                        } else {
                            ToolEnd::TimedOut(prepared.limit)
                        };
                        break self.end_as(&mut watch, Ending::As(end)).await?;
                    }
                },
            }
        };
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.finish_line(&mut watch, stream);
        }
        Ok(Watched { end: ended, output: watch.last_lines.into(), instead: intruders.meaning() })
    }

    /// The device that the call's arguments choose; a tool that waits by itself waits for that.
    fn device_named(&self, run: &Run, prepared: &Prepared<'_>) -> Option<&'a Device> {
        let tool = self.catalog.tool(&run.tool.value)?;
        if prepared.chosen.is_some() {
            return run.device.as_ref().and_then(|name| self.playbook.device(name));
        }
        device_in(self.playbook, tool, prepared.command.get(1..).unwrap_or_default())
    }

    /// From now on the tool waits for what the person has been asked to do.
    pub(super) fn begin_teaching(
        &self,
        watch: &mut Watch<'a, '_, '_>,
        prompt: &'a Prompt,
        awaited: Option<&'a Device>,
    ) {
        watch.lessons = Some(Lessons::of_tool(watch.step, prompt, awaited, &self.bus));
    }

    pub(super) fn awaited(&self, until: Option<&'a Until>) -> Option<&'a Device> {
        until?.present.iter().find_map(|name| self.playbook.device(name))
    }

    fn teach_beside_tool(&mut self, watch: &mut Watch<'a, '_, '_>, nothing_known: bool) {
        let Some(mut lessons) = watch.lessons.take() else { return };
        lessons.look(&self.bus);
        if !lessons.has_come() && nothing_known {
            self.teach(&mut lessons);
        }
        watch.lessons = Some(lessons);
    }

    async fn end_as(&mut self, watch: &mut Watch<'_, '_, '_>, ending: Ending) -> Result<ToolEnd, Halt> {
        if let Ending::As(end) = &ending {
            self.tell(Event::Note { text: format!("{} {end}; ending it", watch.run.tool.value) });
        }
        self.end_tool(&mut watch.tool).await;
        match ending {
            Ending::As(end) => Ok(end),
            Ending::Halt(halt) => Err(halt),
        }
    }

    /// Asks the tool to end, then ends it; Ctrl-C skips the grace, and there is none where nothing can be asked. What it
    /// still prints is heard last.
    async fn end_tool(&mut self, tool: &mut RunningTool) {
        let grace = if tool.stop.ask() { GRACE } else { Duration::ZERO };
        let world = self.world;
        let deadline = Instant::now() + grace;
        loop {
            tokio::select! {
                biased;
                by = world.interrupted() => {
                    self.stopping.note(by);
                    if by == Interrupt::Interrupt {
                        break;
                    }
                }
                () = sleep_until(deadline) => break,
                ended = ended(&mut tool.events) => if ended { return },
            }
        }
        tool.stop.force();
        let deadline = Instant::now() + GIVE_UP;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(deadline) => return,
                ended = ended(&mut tool.events) => if ended { return },
            }
        }
    }

    fn take_output(&mut self, watch: &mut Watch<'a, '_, '_>, stream: Stream, bytes: &[u8]) -> Result<(), Ending> {
        let plain = if watch.talks { None } else { watch.splitter(stream).plain_lines(bytes) };
        if let Some(PlainLines { before, text, behind }) = plain
            && watch.judge.takes_no_notice_of(text)
        {
            self.take_pieces(watch, stream, before)?;
            self.tell(Event::ToolLines { step: watch.step.id.clone(), stream, text: text.to_owned() });
            let mut last: Vec<&str> =
                text.lines().rev().filter(|line| !line.trim().is_empty()).take(LAST_LINES).collect();
            last.reverse();
            last.into_iter().for_each(|line| watch.remember(line));
            return self.take_pieces(watch, stream, behind);
        }
        self.take_pieces(watch, stream, bytes)
    }

    fn take_pieces(&mut self, watch: &mut Watch<'a, '_, '_>, stream: Stream, bytes: &[u8]) -> Result<(), Ending> {
        for piece in watch.splitter(stream).push(bytes) {
            self.piece(watch, stream, &piece);
            if watch.judge.stops_at().is_none() {
                self.hear_line(watch, &piece.text)?;
            }
        }
        // Only now: what came along with that line may show that it is too late.
        if let Some(line) = watch.judge.stops_at() {
            return Err(Ending::As(ToolEnd::Stopped(line.to_owned())));
        }
        self.hear_tail(watch, stream)
    }

    /// The unfinished last line, which somebody has just answered, ends here.
    pub(super) fn finish_line(&mut self, watch: &mut Watch<'_, '_, '_>, stream: Stream) {
        if let Some(piece) = watch.splitter(stream).finish() {
            self.piece(watch, stream, &piece);
        }
    }

    fn piece(&mut self, watch: &mut Watch<'_, '_, '_>, stream: Stream, piece: &Piece) {
        let step = watch.step;
        let progress = watch.judge.piece(stream, &piece.text);
        let transient = piece.end == LineEnd::CarriageReturn;
        self.tell(Event::ToolOutput { step: step.id.clone(), stream, text: piece.text.clone(), transient });
        match progress {
            Some(progress) => {
                watch.lessons = None;
                self.tell(Event::Progress {
                    step: step.id.clone(),
                    label: progress.label,
                    percent: progress.percent,
                    bytes: progress.bytes,
                    total: progress.total,
                });
            }
            None if !transient && !piece.text.trim().is_empty() => {
                watch.remember(&piece.text);
            }
            None => {}
        }
    }
}

impl Watch<'_, '_, '_> {
    fn remember(&mut self, line: &str) {
        if self.since_answer.len() == MENU_LINES {
            self.since_answer.pop_front();
        }
        self.since_answer.push_back(line.to_owned());
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line.to_owned());
    }

    /// The last lines, with which a question is understood.
    pub(super) fn in_context(&self, question: &str, lines_max: usize) -> String {
        let lines = self.last_lines.iter().skip(self.last_lines.len().saturating_sub(lines_max));
        lines.map(|line| line.trim()).chain([question.trim()]).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn splitter(&mut self, stream: Stream) -> &mut LineSplitter {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

/// Passes over one piece of output: was there none because the tool has ended?
async fn ended(events: &mut Receiver<ToolEvent>) -> bool {
    !matches!(events.recv().await, Some(ToolEvent::Output(..)))
}
