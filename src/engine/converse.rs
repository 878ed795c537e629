//! Talks with a running tool: gives the playbook's answers, shows the person its prompts, and hands questions that nobody
//! foresaw to the person. None is left hanging.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::documents::expression::{Part, Template};
use crate::documents::playbook::{Prompt, Step, Until, WAIT_LIMIT};
use crate::engine::devices::Met;
use crate::engine::runner::Runner;
use crate::engine::wait::NOT_ENTER;
use crate::engine::watch::{Ending, Watch};
use crate::engine::{Event, GoesOn, milliseconds};
use crate::output::{Dialogue, Given, Tail};
use crate::words::{Stream, ToolEnd};
use crate::world::{Ask, Reply, World};

/// An unfinished line that stays for so long is a prompt, even if the catalog does not know it as a question.
const SETTLE: Duration = Duration::from_millis(300);
/// While hands are at work, the bus is looked at this often.
const POLL: Duration = Duration::from_millis(200);
/// A question that nobody foresaw is taken for one after so much silence.
const UNFORESEEN: Duration = Duration::from_secs(2);

/// Lines shown to the person with a question.
const CONTEXT_LINES: usize = 5;
/// A question shorter than this, such as `> `, says nothing without the line before it.
const QUESTION_LENGTH_MIN: usize = 4;

/// What was said, and what stands open.
pub(super) struct Conversation<'a> {
    dialogue: Dialogue<'a>,
    open: Open<'a>,
}

enum Open<'a> {
    Nothing,
    /// To be answered if the tool stays silent.
    Settling {
        given: Given,
        stream: Stream,
    },
    /// A question without an answer, if the tool stays silent.
    Question {
        text: String,
        stream: Stream,
    },
    /// The person has been shown the question.
    Asked {
        text: String,
        stream: Stream,
        since: Instant,
    },
    /// A line that is sent when the person has done what the answer's prompt says.
    Held {
        line: String,
        until: Option<&'a Until>,
        prompt: String,
        stream: Stream,
    },
}

/// What has to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Conversation,
    /// The call's own limit is over.
    Limit,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(dialogue: Dialogue<'a>) -> Self {
        Conversation { dialogue, open: Open::Nothing }
    }

    pub(super) fn awaits_person(&self) -> bool {
        matches!(self.open, Open::Asked { .. } | Open::Held { until: None, .. })
    }

    /// A line is sent once hands have done what the answer's prompt says, whatever the devices show.
    pub(super) fn awaits_hands(&self) -> bool {
        matches!(self.open, Open::Held { until: None, .. })
    }

    /// While the person thinks about a question, the call's limit stands still.
    pub(super) fn stops_the_clock(&self) -> bool {
        matches!(self.open, Open::Asked { .. })
    }

    /// Sleeps until something is due. While the person thinks about a question, the call's limit stands still.
    pub(super) async fn due(&self, last_output: Instant, limit: Instant) -> Due {
        let at = match &self.open {
            Open::Nothing | Open::Held { until: None, .. } => None,
            Open::Settling { .. } => Some(last_output + SETTLE),
            Open::Question { .. } => Some(last_output + UNFORESEEN),
            Open::Asked { since, .. } => {
                sleep_until(*since + WAIT_LIMIT).await;
                return Due::Conversation;
            }
            Open::Held { until: Some(_), .. } => Some(Instant::now() + POLL),
        };
        match at.filter(|at| *at < limit) {
            Some(at) => {
                sleep_until(at).await;
                Due::Conversation
            }
            None => {
                sleep_until(limit).await;
                Due::Limit
            }
        }
    }
}

impl<'a, W: World> Runner<'a, W> {
    pub(super) fn hear_line(&mut self, watch: &mut Watch<'a, '_, '_>, text: &str) -> Result<(), Ending> {
        if matches!(watch.conversation.open, Open::Held { .. }) {
            return Ok(());
        }
        match watch.conversation.dialogue.line(text) {
            Some(given) => self.give(watch, &given, Stream::Stdout),
            None => Ok(()),
        }
    }

    pub(super) fn hear_tail(&mut self, watch: &mut Watch<'a, '_, '_>, stream: Stream) -> Result<(), Ending> {
        // Each round gives an answer that is then used up or ends the line, so this ends.
        loop {
            if matches!(watch.conversation.open, Open::Held { .. }) {
                return Ok(());
            }
            let text = watch.splitter(stream).tail().to_owned();
            match watch.conversation.dialogue.tail(&text) {
                Tail::Answered(given) => self.give(watch, &given, stream)?,
                Tail::AnsweredInSilence(given) => {
                    watch.conversation.open = Open::Settling { given, stream };
                    return Ok(());
                }
                Tail::Question => {
                    let asked = |open: &Open<'_>| matches!(open, Open::Asked { text: asked, .. } if *asked == text);
                    if !asked(&watch.conversation.open) {
                        watch.conversation.open = Open::Question { text, stream };
                    }
                    return Ok(());
                }
                Tail::Text => {
                    let over = match &watch.conversation.open {
                        Open::Settling { stream: of, .. }
                        | Open::Question { stream: of, .. }
                        | Open::Asked { stream: of, .. } => *of == stream,
                        Open::Nothing | Open::Held { .. } => false,
                    };
                    if over {
                        self.go_on_without_reply(watch);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Something that was to be waited for is due.
    pub(super) fn go_on_talking(&mut self, watch: &mut Watch<'a, '_, '_>) -> Result<(), Ending> {
        match std::mem::replace(&mut watch.conversation.open, Open::Nothing) {
            Open::Nothing => Ok(()),
            Open::Settling { given, stream } => {
                let given = watch.conversation.dialogue.give(given.index, given.groups);
                self.give(watch, &given, stream)
            }
            Open::Question { text, .. } if !self.world.interactive() => Err(unforeseen(watch, &text)),
            Open::Question { text, stream } => {
                // Before it is shown: what was typed until then is dropped, and nothing that is typed after it.
                self.world.ask(Ask::Answer { question: &text });
                self.tell(Event::ToolAsked {
                    step: watch.step.id.clone(),
                    text: watch.in_context(&text, CONTEXT_LINES),
                    limit_ms: milliseconds(WAIT_LIMIT),
                });
                watch.conversation.open = Open::Asked { text, stream, since: Instant::now() };
                Ok(())
            }
            Open::Asked { text, .. } => Err(unforeseen(watch, &text)),
            Open::Held { line, until: Some(until), prompt, stream } => {
                if self.bus.met(until) == Met::Yes {
                    return self.send(watch, &line, stream, "the playbook");
                }
                watch.conversation.open = Open::Held { line, until: Some(until), prompt, stream };
                Ok(())
            }
            held @ Open::Held { until: None, .. } => {
                watch.conversation.open = held;
                Ok(())
            }
        }
    }

    pub(super) fn take_reply(&mut self, watch: &mut Watch<'a, '_, '_>, reply: Reply) -> Result<(), Ending> {
        match (std::mem::replace(&mut watch.conversation.open, Open::Nothing), reply) {
            (Open::Asked { text, .. }, Reply::Gone) => Err(unforeseen(watch, &text)),
            (Open::Asked { stream, since, .. }, Reply::Line(line)) => {
                watch.deadline += since.elapsed();
                watch.conversation.dialogue.forget();
                self.send(watch, &line, stream, "you")
            }
            (Open::Held { prompt, .. }, Reply::Gone) => Err(unanswered(&prompt)),
            (Open::Held { line, stream, .. }, reply) if reply.is_enter() => {
                self.send(watch, &line, stream, "the playbook")
            }
            (held @ Open::Held { .. }, Reply::Line(_)) => {
                watch.conversation.open = held;
                self.tell(Event::Note { text: NOT_ENTER.to_owned() });
                Ok(())
            }
            (open, _) => {
                watch.conversation.open = open;
                Ok(())
            }
        }
    }

    /// Shows what the person is to do while the tool runs. It goes on when the tool or the devices say so.
    pub(super) fn show_prompt(
        &mut self,
        step: &Step,
        prompt: &Prompt,
        text: &str,
        until: Option<&Until>,
        limit: Duration,
    ) {
        self.ask_hands(prompt, until);
        self.tell_prompt(&step.id, text, &prompt.hands, GoesOn::ByItself, limit);
    }

    pub(super) fn ask_hands(&mut self, prompt: &Prompt, until: Option<&Until>) {
        let whatever = Until::default();
        self.let_hands_move(&prompt.hands, Some(until.unwrap_or(&whatever)));
    }

    fn give(&mut self, watch: &mut Watch<'a, '_, '_>, given: &Given, stream: Stream) -> Result<(), Ending> {
        let Some(answer) = watch.run.answers.get(given.index) else { return Ok(()) };
        let asked = given.groups.first().cloned().unwrap_or_default();
        if given.in_vain {
            return Err(Ending::As(ToolEnd::AskedAgain(asked.trim().to_owned())));
        }
        let text = |runner: &Self, template: &Template| {
            let text = runner.text(template);
            text.map_err(|error| Ending::Halt(runner.not_computable(&watch.step.id, &error)))
        };
        let line = match &answer.send {
            Some(send) => Some(text(self, &with_groups(send, &given.groups))?),
            None => None,
        };
        let prompt = match &answer.prompt {
            Some(prompt) => Some((prompt, text(self, &prompt.text)?)),
            None => None,
        };
        let left = watch.deadline.saturating_duration_since(Instant::now());
        match (prompt, line) {
            (Some((prompt, text)), Some(line)) if answer.until.is_none() => {
                self.let_hands_move(&prompt.hands, None);
                self.tell_prompt(&watch.step.id, &text, &prompt.hands, GoesOn::WithEnter, left);
                watch.conversation.open = Open::Held { line, until: None, prompt: text, stream };
            }
            (Some((prompt, text)), line) => {
                self.show_prompt(watch.step, prompt, &text, answer.until.as_ref(), left);
                let awaited = self.awaited(answer.until.as_ref()).or(watch.named);
                self.begin_teaching(watch, prompt, awaited);
                if let Some(line) = line {
                    let until = answer.until.as_ref();
                    watch.conversation.open = Open::Held { line, until, prompt: text, stream };
                }
            }
            (None, Some(line)) => self.send(watch, &line, stream, "the playbook")?,
            (None, None) => {}
        }
        Ok(())
    }

    /// What the tool has asked ends its line, as the ENTER key would at a terminal that shows what is typed.
    fn send(&mut self, watch: &mut Watch<'a, '_, '_>, line: &str, stream: Stream, by: &str) -> Result<(), Ending> {
        let question = watch.splitter(stream).tail().to_owned();
        let question = if question.trim().is_empty() { String::new() } else { understandable(watch, &question) };
        self.finish_line(watch, stream);
        watch.conversation.open = Open::Nothing;
        watch.lessons = None;
        watch.last_output = Instant::now();
        let line: String = line.chars().filter(|character| !character.is_control()).collect();
        if let Some(refused) = self.never_chosen(watch, &line) {
            return Err(Ending::Halt(refused));
        }
        watch.since_answer.clear();
        // A tool that never started has no input; its end is on its way.
        let sent = watch.tool.input.as_mut().map_or(Ok(()), |input| input.send(&line));
        self.tell(Event::ToolAnswered { step: watch.step.id.clone(), question, text: line, by: by.to_owned() });
        sent.map_err(|error| unanswered(&error.to_string()))
    }

    /// The tool goes on although the person has not answered.
    fn go_on_without_reply(&mut self, watch: &mut Watch<'a, '_, '_>) {
        if let Open::Asked { since, .. } = watch.conversation.open {
            watch.deadline += since.elapsed();
            self.tell(Event::Note { text: format!("{} goes on without an answer", watch.run.tool.value) });
        }
        watch.conversation.open = Open::Nothing;
    }
}

fn unforeseen(watch: &Watch<'_, '_, '_>, question: &str) -> Ending {
    unanswered(&understandable(watch, question))
}

/// The question on one line, with the line before it where it says nothing without.
fn understandable(watch: &Watch<'_, '_, '_>, question: &str) -> String {
    let lines = if question.trim().len() < QUESTION_LENGTH_MIN { 1 } else { 0 };
    watch.in_context(question, lines).replace('\n', " ")
}

fn unanswered(question: &str) -> Ending {
    Ending::As(ToolEnd::Unanswered(question.trim().to_owned()))
}

/// `$1` to `$9` replaced by the groups of the match.
fn with_groups(template: &Template, groups: &[String]) -> Template {
    let mut filled = template.clone();
    for part in &mut filled.parts {
        if let Part::Text(text) = part {
            *text = fill_groups(text, groups);
        }
    }
    filled
}

fn fill_groups(text: &str, groups: &[String]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let number = after[1..].chars().next().and_then(|digit| digit.to_digit(10)).filter(|digit| *digit > 0);
        match number.and_then(|number| groups.get(usize::try_from(number).ok()?)) {
            Some(group) => {
                filled.push_str(group);
                rest = &after[2..];
            }
            None => {
                filled.push('$');
                rest = &after[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}
