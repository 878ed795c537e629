//! What is to be seen of a place: a reader's summary of the events of its run, from the first to the last.
//!
//! Pure: events in, a value out, which the page gets whenever it has changed. A place of which nothing was told yet waits
//! for its first run; a new run at the same place begins it anew.

use serde::Serialize;

use crate::cli::open::picture::{Picture, picture};
use crate::cli::open::shown::Shown;
use crate::cli::stopping::{Again, stopping};
use crate::cli::summary::{Counts, counted, headline};
use crate::cli::wording::{may_sleep, milliseconds, moves, quote_command};
use crate::engine::{CONDITION_DOES_NOT_HOLD, Event, GoesOn, Outcome, Problem, StepEnd, Told, WaitEnd};
use crate::words::Fault;

/// Hints and warnings beyond these push the oldest out: they are in the log.
const NOTICES_MAX: usize = 6;

/// Steps that have ended beyond these are in the log.
const ENDED_MAX: usize = 8;
/// Sooner than this a rate says nothing.
const RATE_AFTER_MS: u64 = 500;
/// Nobody types more.
const ANSWER_BYTES_MAX: usize = 1000;

/// Who has to do something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mood {
    /// Nobody: nothing has begun.
    #[default]
    Idle,
    Working,
    /// The board is being changed.
    Writing,
    /// The hardware is waited for.
    Waiting,
    /// The person, with hands or an answer.
    You,
    /// The person, about what cannot be undone.
    Danger,
    Good,
    Bad,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(in crate::cli) struct Place {
    /// What it is called; nothing where there is only one.
    pub(super) name: Shown,
    board: Shown,
    simulated: bool,
    pub(super) mood: Mood,
    /// The state in a few words.
    title: Shown,
    /// What goes on, or what is to be done.
    text: Shown,
    step: Option<StepSeen>,
    /// Those that ended last, the newest last.
    ended: Vec<StepEnded>,
    progress: Option<Progress>,
    wait: Option<Wait>,
    pub(super) asked: Option<Asked>,
    notices: Vec<Notice>,
    /// What a wish to end comes to.
    stopping: Option<Shown>,
    /// So many were answered.
    pub(super) stops: u64,
    end: Option<End>,
    /// Of its log, which is fetched when somebody looks at it.
    pub(super) log_lines: u64,
    #[serde(skip)]
    rehearses: bool,
    /// The board runs its firmware, and nobody wanted it to be written.
    #[serde(skip)]
    left_alone: bool,
    #[serde(skip)]
    log_path: Option<Shown>,
    #[serde(skip)]
    no_record: bool,
}

#[derive(Debug, Clone, Serialize)]
struct StepSeen {
    name: Shown,
    number: usize,
    total: usize,
    /// Those that have ended, one way or another.
    ended: usize,
}

#[derive(Debug, Clone, Serialize)]
struct StepEnded {
    number: usize,
    name: Shown,
    /// "done in 3.1 s".
    how: Shown,
    tone: Tone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Tone {
    Good,
    Warn,
    Bad,
    Off,
}

#[derive(Debug, Clone, Serialize)]
struct Progress {
    label: Shown,
    percent: f32,
    /// "14,336 bytes/s".
    rate: Option<Shown>,
    remaining_ms: Option<u64>,
    #[serde(skip)]
    began: Began,
}

/// Where a part of a tool's work was when it was first heard of.
#[derive(Debug, Clone, Copy)]
struct Began {
    ms: u64,
    percent: f32,
    bytes: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
struct Wait {
    waiting_for: Shown,
    attached: Vec<Shown>,
    remaining_ms: u64,
}

/// A question that stands, or something that hands are to do.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Asked {
    /// Of no other question of this page; none where nothing is to be answered. A question that was answered in a way that
    /// is none is another one from then on.
    pub(super) number: Option<u64>,
    answer: Answer,
    picture: Option<Picture>,
    command: Option<Shown>,
    fuse: Option<Shown>,
    /// Why the last answer was none.
    note: Option<Shown>,
    limit_ms: u64,
    /// It was answered, and what comes of that is not known yet.
    pub(super) taken: bool,
}

/// What is sent as an answer, and by what.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum Answer {
    /// The hardware shows it.
    None { help: Shown },
    /// A button, which stands for the ENTER key.
    Enter { button: Shown, help: Shown },
    /// A field. `decline` is a button beside it, for ENTER alone.
    Word { label: Shown, button: Shown, decline: Option<Shown>, help: Shown },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Notice {
    kind: NoticeKind,
    text: Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum NoticeKind {
    /// Of the wait that goes on.
    Hint,
    /// Of the step that is at work.
    Fault,
    Warning,
    Note,
}

#[derive(Debug, Clone, Serialize)]
struct End {
    headline: Shown,
    what: Option<Shown>,
    class: Option<Shown>,
    step: Option<Shown>,
    command: Option<Shown>,
    said: Vec<Shown>,
    before: Vec<Shown>,
    state: Option<Shown>,
    attached: Option<Shown>,
    next: Vec<Shown>,
    counted: Shown,
    record: Option<Shown>,
}

/// What of a run only its command line knows.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Manner {
    /// A button stands for what hands would do to a real board.
    pub(in crate::cli) rehearses: bool,
    /// The file that the end points to.
    pub(in crate::cli) log: Option<String>,
    /// Of a real run nothing is kept.
    pub(in crate::cli) no_record: bool,
}

impl Place {
    pub(super) fn named(name: &str) -> Place {
        Place { name: Shown::from(name), title: Shown::from("Nothing has begun yet"), ..Place::default() }
    }

    /// A run is about to begin here.
    pub(super) fn begin(&mut self, manner: &Manner) {
        *self = Place {
            name: std::mem::take(&mut self.name),
            title: Shown::from("Getting ready"),
            mood: Mood::Working,
            rehearses: manner.rehearses,
            log_path: manner.log.as_ref().map(Shown::from),
            no_record: manner.no_record,
            ..Place::default()
        };
    }

    /// `next_number` is what the next question is called; what a question of this event is called, it counts on from there.
    pub(super) fn tell(&mut self, told: &Told<&Event>, next_number: &mut u64) {
        let event = told.event;
        if event.settles_question() {
            self.asked = None;
        }
        match event {
            Event::RunStarted { board, simulated, summary, .. } => {
                self.board = Shown::from(board);
                self.simulated = *simulated;
                self.state(Mood::Working, "Getting ready", summary.as_deref().unwrap_or_default());
            }
            Event::LookingForTools { tools } => {
                self.state(Mood::Working, "Getting ready", &format!("Looking for {}", tools.join(", ")));
            }
            Event::ToolPassedOver { .. }
            | Event::ToolFound { .. }
            | Event::InputReady { .. }
            | Event::ToolLines { .. }
            | Event::ToolOutput { .. }
            | Event::HandsOutput { .. }
            | Event::FuseRead { .. }
            | Event::ToolAnswered { .. }
            | Event::BoardProven { .. }
            | Event::StationFinished { .. } => {}
            Event::LeftAlone { .. } => self.left_alone = true,
            Event::PlaceEmpty { text, .. } => {
                *self = Place::named(self.name.as_str());
                self.state(Mood::Waiting, "Empty: the next board may come", text.as_deref().unwrap_or_default());
            }
            Event::StepStarted { name, number, total, .. } => self.begin_step(name, *number, *total),
            Event::StepSkipped { name, number, total, reason, .. } => {
                // A step may turn out to be needless only after it has begun.
                if self.step.as_ref().is_none_or(|step| step.number != *number) {
                    self.begin_step(name, *number, *total);
                }
                if reason != CONDITION_DOES_NOT_HOLD {
                    self.note_ended(*number, name, "not needed", Tone::Off);
                }
                self.end_step();
            }
            Event::ToolStarted { tool, changes_board, .. } => {
                self.progress = None;
                // Such as for a turn, whose end nothing else tells.
                self.wait = None;
                let (mood, title) = match changes_board {
                    true => (Mood::Writing, format!("{tool} is writing: do not unplug the board")),
                    false => (Mood::Working, format!("{tool} is working")),
                };
                self.work(mood, &title);
            }
            Event::Progress { label, percent, bytes, total, .. } => {
                let counted = || Some(100.0 * (*bytes)? as f32 / total.filter(|&total| total > 0)? as f32);
                if let Some(percent) = percent.or_else(counted) {
                    let label = label.as_deref().unwrap_or("working");
                    self.note_progress(label, percent, *bytes, told.ms);
                }
            }
            Event::ToolEnded { .. } => {
                self.progress = None;
                self.work(Mood::Working, "Working");
            }
            Event::HandsMoving { command, .. } => {
                self.work(Mood::Waiting, &format!("{} moves in place of your hands", quote_command(command)));
            }
            Event::HandsMoved { hands, failed, .. } => {
                if let Some(why) = failed {
                    self.notice(NoticeKind::Warning, &format!("{}: not done: {why}", moves(hands)));
                }
            }
            Event::Prompted { without_person: true, text, limit_ms, .. } => {
                self.state(Mood::Waiting, "Not you: this is moved in place of your hands", text);
                let answer = Answer::None { help: Shown::from("Goes on by itself.") };
                self.ask(Asked::by(answer, *limit_ms), next_number);
            }
            Event::Prompted { text, goes_on, hands, drawing, limit_ms, .. } => {
                self.state(Mood::You, "Now", text);
                let answer = self.answer_by_hands(*goes_on, !hands.is_empty());
                let asked = Asked { picture: drawing.as_deref().map(picture), ..Asked::by(answer, *limit_ms) };
                self.ask(asked, next_number);
            }
            Event::Waiting { waiting_for, attached, remaining_ms, .. } => {
                self.wait = Some(Wait {
                    waiting_for: Shown::from(waiting_for),
                    attached: Shown::all(attached),
                    remaining_ms: *remaining_ms,
                });
                if self.asked.is_none() && matches!(self.mood, Mood::Working) {
                    self.work(Mood::Waiting, "Waiting");
                }
            }
            // In a rehearsal only one thing is missing, and the prompt says it.
            Event::Hinted { .. } | Event::Flapping { .. } if self.rehearses => {}
            Event::Hinted { text, after_ms, .. } => {
                self.notice(NoticeKind::Hint, &format!("After {}: {text}", milliseconds(*after_ms)));
            }
            Event::Flapping { text, .. } => self.notice(NoticeKind::Hint, text),
            Event::WaitOver { end, text, .. } => {
                self.wait = None;
                self.notices.retain(|notice| notice.kind != NoticeKind::Hint);
                if *end == WaitEnd::InVain {
                    self.notice(NoticeKind::Warning, text);
                }
                self.work(Mood::Working, "Working");
            }
            Event::ConsentAsked { why, command, fuse, phrase, limit_ms, .. } => {
                self.state(Mood::Danger, "This cannot be undone", why);
                let rehearsal =
                    if self.simulated { " Rehearsal: nothing real is changed, whatever you answer." } else { "" };
                let answer = Answer::Word {
                    label: Shown::from(format!("To do it, type {phrase}")),
                    button: Shown::from("Do it"),
                    decline: Some(Shown::from("Stop here, without doing it")),
                    help: Shown::from(format!(
                        "Without an answer within {} the run ends here without doing it.{rehearsal}",
                        milliseconds(*limit_ms)
                    )),
                };
                let fuse = fuse.map(|fuse| Shown::from(format!("The chip's fuses, {fuse}")));
                let command = Some(Shown::from(quote_command(command)));
                self.ask(Asked { command, fuse, ..Asked::by(answer, *limit_ms) }, next_number);
            }
            Event::BoardAsked { text, phrase, limit_ms, .. } => {
                self.state(Mood::You, "Is this your board?", text);
                self.ask(Asked::by(Answer::about_device(phrase), *limit_ms), next_number);
            }
            Event::HealthyAsked { text, phrase, limit_ms, .. } => {
                self.state(Mood::You, "It is not dead", text);
                self.ask(Asked::by(Answer::about_device(phrase), *limit_ms), next_number);
            }
            Event::ToolAsked { text, limit_ms, .. } => {
                self.state(Mood::You, "The tool asks, and the playbook has no answer", text);
                let answer = Answer::Word {
                    label: Shown::from("Your answer"),
                    button: Shown::from("Answer"),
                    decline: Some(Shown::from("ENTER alone")),
                    help: Shown::from("It goes to the tool as it stands."),
                };
                self.ask(Asked::by(answer, *limit_ms), next_number);
            }
            Event::ConsentGiven { by, .. } => self.notice(NoticeKind::Note, &format!("Consent given: {by}")),
            Event::Retrying { attempt, attempts_max, because, .. } => {
                self.fault(because);
                self.work(Mood::Working, &format!("Trying again: attempt {attempt} of {attempts_max}"));
            }
            Event::Restarting { at, at_name, time, times_max, because, .. } => {
                self.fault(because);
                let step = at_name.as_deref().unwrap_or(at.as_str());
                self.work(Mood::Working, &format!("Going back to: {step} (time {time} of at most {times_max})"));
            }
            Event::Interrupted { .. } => {
                self.stopping = stopping(event, Again::Button).map(Shown::from);
                self.stops += 1;
            }
            Event::Warning { text } => self.notice(NoticeKind::Warning, text),
            Event::Note { text } => self.note(text, next_number),
            // The last event says what it means; the others are of a station, which tells them beside its runs.
            Event::MaySleep { reason } => self.notice(NoticeKind::Note, &may_sleep(reason)),
            Event::StepFinished { name, number, end, elapsed_ms, .. } => {
                self.notices.retain(|notice| matches!(notice.kind, NoticeKind::Warning));
                let (how, tone) = match end {
                    StepEnd::Succeeded => ("done in", Tone::Good),
                    StepEnd::SucceededWithWarning(text) => {
                        self.notice(NoticeKind::Warning, text);
                        ("done, with a warning, in", Tone::Warn)
                    }
                    StepEnd::Failed(fault) => {
                        self.fault(fault);
                        ("failed after", Tone::Bad)
                    }
                };
                self.note_ended(*number, name, &format!("{how} {}", milliseconds(*elapsed_ms)), tone);
                self.end_step();
            }
            Event::Finished {
                outcome,
                problem,
                next,
                elapsed_ms,
                steps_done,
                steps_skipped,
                retries,
                restarts,
                warnings,
                ..
            } => {
                let counts = Counts {
                    elapsed_ms: *elapsed_ms,
                    steps_done: *steps_done,
                    steps_skipped: *steps_skipped,
                    retries: *retries,
                    restarts: *restarts,
                    warnings: *warnings,
                };
                self.finish(*outcome, problem.as_ref(), next, &counts);
            }
        }
    }

    fn state(&mut self, mood: Mood, title: &str, text: &str) {
        self.mood = mood;
        self.title = Shown::from(title);
        self.text = Shown::from(text);
    }

    /// Of the step that is at work; what it is called is all that there is to say. What hands are to do meanwhile stays.
    fn work(&mut self, mood: Mood, title: &str) {
        if self.asked.is_some() {
            return;
        }
        let text = self.step.as_ref().map(|step| step.name.clone()).unwrap_or_default();
        self.state(mood, title, text.as_str());
    }

    fn begin_step(&mut self, name: &str, number: usize, total: usize) {
        self.step = Some(StepSeen { name: Shown::from(name), number, total, ended: number.saturating_sub(1) });
        self.progress = None;
        self.wait = None;
        self.notices.retain(|notice| !matches!(notice.kind, NoticeKind::Hint));
        self.work(Mood::Working, "Working");
    }

    fn note_ended(&mut self, number: usize, name: &str, how: &str, tone: Tone) {
        if self.ended.len() == ENDED_MAX {
            self.ended.remove(0);
        }
        self.ended.push(StepEnded { number, name: Shown::from(name), how: Shown::from(how), tone });
    }

    fn end_step(&mut self) {
        self.progress = None;
        self.wait = None;
        if let Some(step) = &mut self.step {
            step.ended = step.number;
        }
    }

    fn note_progress(&mut self, label: &str, percent: f32, bytes: Option<u64>, ms: u64) {
        let percent = percent.clamp(0.0, 100.0);
        let label = Shown::from(label);
        let known = self.progress.take().filter(|known| known.label == label && known.began.percent <= percent);
        let began = known.map_or(Began { ms, percent, bytes }, |known| known.began);
        let took_ms = ms.saturating_sub(began.ms);
        let moved = bytes.zip(began.bytes).and_then(|(now, then)| now.checked_sub(then));
        let rate = moved.filter(|_| took_ms >= RATE_AFTER_MS).map(|moved| moved.saturating_mul(1000) / took_ms);
        let gone = percent - began.percent;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate of what is left"
        )]
        let remaining_ms =
            (gone > 0.0 && took_ms >= RATE_AFTER_MS).then(|| (took_ms as f32 * (100.0 - percent) / gone) as u64);
        let rate = rate.map(|rate| Shown::from(format!("{}/s", crate::cli::wording::bytes(rate))));
        self.progress = Some(Progress { label, percent, rate, remaining_ms, began });
    }

    fn answer_by_hands(&self, goes_on: GoesOn, has_hands: bool) -> Answer {
        let enter = |button, help| Answer::Enter { button: Shown::from(button), help: Shown::from(help) };
        match goes_on {
            GoesOn::ByItself if self.rehearses && has_hands => {
                enter("Done", "Rehearsal: press this in place of doing it.")
            }
            GoesOn::ByItself => Answer::None { help: Shown::from("Goes on by itself as soon as the board shows it.") },
            GoesOn::WithEnter => enter("Done", "Press this when it is done."),
            GoesOn::Either if self.rehearses => {
                enter("ENTER", "Rehearsal: press this; the other way is for a real board.")
            }
            GoesOn::Either => enter("ENTER", "Press this, or do the other thing: that needs no button."),
        }
    }

    fn ask(&mut self, asked: Asked, next_number: &mut u64) {
        let number = asked.answer.is_sent().then(|| take(next_number));
        self.asked = Some(Asked { number, ..asked });
    }

    /// A note while a question stands says why an answer was none: from then on it is another question.
    fn note(&mut self, text: &str, next_number: &mut u64) {
        match &mut self.asked {
            Some(asked) if asked.taken => {
                asked.note = Some(Shown::from(text));
                asked.taken = false;
                asked.number = Some(take(next_number));
            }
            _ => self.notice(NoticeKind::Note, text),
        }
    }

    fn notice(&mut self, kind: NoticeKind, text: &str) {
        let notice = Notice { kind, text: Shown::from(text) };
        // The end of a step and the retry that follows it both know a fault.
        if self.notices.contains(&notice) {
            return;
        }
        if self.notices.len() == NOTICES_MAX {
            self.notices.remove(0);
        }
        self.notices.push(notice);
    }

    fn fault(&mut self, fault: &Fault) {
        let code = fault.code_for_people().map(|code| format!(", code {code}")).unwrap_or_default();
        self.notice(NoticeKind::Fault, &format!("{} ({}{code})", fault.message, fault.class));
    }

    fn finish(&mut self, outcome: Outcome, problem: Option<&Problem>, next: &[String], counts: &Counts) {
        self.progress = None;
        self.wait = None;
        self.stopping = None;
        self.notices.retain(|notice| matches!(notice.kind, NoticeKind::Warning));
        let mood = if outcome == Outcome::Recovered || self.left_alone { Mood::Good } else { Mood::Bad };
        let (title, text) = match problem {
            None if self.simulated && outcome == Outcome::Recovered => (
                "Simulation passed",
                format!("The virtual {} was recovered. No real board was touched.", self.board.as_str()),
            ),
            None => (headline(outcome), self.board.as_str().to_owned()),
            Some(problem) if self.left_alone => ("Healthy, not touched", problem.what.clone()),
            Some(problem) => (headline(outcome), problem.what.clone()),
        };
        self.state(mood, title, &text);
        let record = match &self.log_path {
            Some(path) => Some(path.clone()),
            None => self.no_record.then(|| Shown::from("none was kept of this run")),
        };
        let devices = |attached: &[String]| match attached {
            [] => "no device of this board".to_owned(),
            attached => attached.join(", "),
        };
        self.end = Some(End {
            headline: Shown::from(title),
            what: problem.map(|problem| Shown::from(&problem.what)),
            class: problem.map(|problem| Shown::from(problem.class.to_string())),
            step: problem.and_then(|problem| {
                let id = problem.step.as_ref()?;
                Some(Shown::from(format!("{} ({id})", problem.step_name.as_deref().unwrap_or_default()).trim_start()))
            }),
            command: problem.and_then(|problem| problem.command.as_ref()).map(|it| Shown::from(quote_command(it))),
            said: problem.map(|problem| Shown::all(&problem.output)).unwrap_or_default(),
            before: problem
                .iter()
                .flat_map(|problem| &problem.causes)
                .map(|cause| Shown::from(format!("at {}: {} ({})", cause.step_name, cause.what, cause.class)))
                .collect(),
            state: problem.map(|problem| Shown::from(&problem.state)),
            attached: problem.map(|problem| Shown::from(devices(&problem.attached))),
            next: Shown::all(problem.map_or(next, |problem| problem.next.as_slice())),
            counted: Shown::from(counted(counts)),
            record,
        });
    }

    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }
}

fn take(next_number: &mut u64) -> u64 {
    *next_number += 1;
    *next_number
}

impl Asked {
    fn by(answer: Answer, limit_ms: u64) -> Asked {
        Asked { number: None, answer, picture: None, command: None, fuse: None, note: None, limit_ms, taken: false }
    }
}

impl Asked {
    /// The line for the run that an answer of the page stands for; nothing where it is none to this question.
    pub(super) fn line(&self, text: &str) -> Option<String> {
        let is_line = text.len() <= ANSWER_BYTES_MAX && !text.chars().any(char::is_control);
        match &self.answer {
            Answer::None { .. } => None,
            Answer::Enter { .. } => text.is_empty().then(String::new),
            Answer::Word { .. } => is_line.then(|| text.to_owned()),
        }
    }
}

impl Answer {
    fn is_sent(&self) -> bool {
        match self {
            Answer::None { .. } => false,
            Answer::Enter { .. } | Answer::Word { .. } => true,
        }
    }

    /// About a device that is there: answered by disconnecting it as well.
    fn about_device(phrase: &str) -> Answer {
        Answer::Word {
            label: Shown::from(format!("Type {phrase}")),
            button: Shown::from("Answer"),
            decline: Some(Shown::from("No")),
            help: Shown::from("Or disconnect it."),
        }
    }
}

#[cfg(test)]
mod tests;
