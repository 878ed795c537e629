//! The person: at the keyboard, read line by line, or at a page.
//!
//! The terminal stays in its ordinary mode: a prompt that is given up then leaves nothing to repair. Showing what is asked
//! is for the readers of the engine's events.

use std::fmt;
use std::future::poll_fn;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread;

use tokio::sync::mpsc;

use crate::world::Reply;
use crate::world::system::drop_typed_ahead;

/// Lines kept unread; more than a person types ahead.
const LINES_MAX: usize = 16;

/// Longest line that is kept, in bytes.
const LINE_BYTES_MAX: u64 = 4096;

pub struct Person {
    lines: Mutex<Lines>,
    seat: Seat,
    /// Their wishes to end the run, where those come by the channel of their answers.
    ends: Mutex<Option<mpsc::Receiver<()>>>,
    /// Nobody else reads what is typed there.
    types_alone: bool,
    /// A question stands, or stood last, that is not for what moves in place of hands.
    asked: Arc<AtomicBool>,
}

/// Does a person see what they are asked?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Questions {
    /// On a terminal.
    Shown,
    /// They go into a file, or to another program.
    PassedOn,
}

/// Where questions are shown and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seat {
    /// Shown on a terminal, and the answers are typed there.
    Terminal,
    /// Shown on recover's own page, which hands on only what answers a question that it has shown.
    Page,
    /// Nobody knows: a pipe, a file, another program.
    Elsewhere,
}

impl Seat {
    /// Whose word it is, for the log; none where no person is known to see the questions.
    fn who(self) -> Option<&'static str> {
        match self {
            Seat::Terminal => Some("the person at the terminal"),
            Seat::Page => Some("the person at the page"),
            Seat::Elsewhere => None,
        }
    }
}

/// By which a page hands on what its person answers and wishes. Without it nobody is there any more.
#[derive(Debug, Clone)]
pub struct PersonChannel {
    lines: mpsc::Sender<String>,
    ends: mpsc::Sender<()>,
}

impl PersonChannel {
    /// Hands on a line. Whether it could be: a run that reads nothing takes no more than a few.
    pub fn answer(&self, line: String) -> bool {
        self.lines.try_send(line).is_ok()
    }

    /// The person wishes to end the run, as by Ctrl-C.
    pub fn end(&self) -> bool {
        self.ends.try_send(()).is_ok()
    }
}

enum Lines {
    Nobody,
    /// Reading begins with the first question, so that a run that asks nothing takes nothing from the input.
    NotYet(Box<dyn Read + Send>),
    Reading(mpsc::Receiver<String>),
}

impl Person {
    /// Whoever is at the standard input.
    pub fn at_stdin(questions: Questions) -> Self {
        let at_terminal = questions == Questions::Shown && std::io::stdin().is_terminal();
        let seat = if at_terminal { Seat::Terminal } else { Seat::Elsewhere };
        Person { seat, ..Person::answering(std::io::stdin()) }
    }

    /// Whoever is at a page of recover's, and the channel by which it hands on their word.
    pub fn at_page() -> (Self, PersonChannel) {
        let (lines, receiver) = mpsc::channel(LINES_MAX);
        let (ends, of_ends) = mpsc::channel(LINES_MAX);
        let person = Person::with(Lines::Reading(receiver), Seat::Page);
        *person.ends.lock().unwrap_or_else(PoisonError::into_inner) = Some(of_ends);
        (person, PersonChannel { lines, ends })
    }

    /// Whoever writes to the standard input, where what moves in place of hands answers, too. Its lines are JSON objects, and
    /// come apart, with what answers no question. This is nobody at a terminal, whatever the input is.
    pub fn beside_hands(input: impl Read + Send + 'static) -> (Self, mpsc::Receiver<String>) {
        let asked = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel(LINES_MAX);
        let (to_hands, of_hands) = mpsc::channel(LINES_MAX);
        let is_asked = Arc::clone(&asked);
        let pass_on = move |line: String| {
            if line.trim_start().starts_with('{') || !is_asked.load(Ordering::Relaxed) {
                let _nothing_moves = to_hands.blocking_send(line);
            } else {
                // A person who does not read their answers must not keep hands from theirs.
                let _not_read = sender.try_send(line);
            }
            true
        };
        // Where it does not start, the input has ended for both.
        let _started = read_in_background(input, pass_on);
        (Person { asked, ..Person::with(Lines::Reading(receiver), Seat::Elsewhere) }, of_hands)
    }

    /// Somebody to whom lines are passed on that were typed for this place of several. What is typed ahead is not dropped here:
    /// it may be for another place.
    pub fn at_place(lines: mpsc::Receiver<String>, questions: Questions) -> Self {
        let seat = if questions == Questions::Shown { Seat::Terminal } else { Seat::Elsewhere };
        Person { types_alone: false, ..Person::with(Lines::Reading(lines), seat) }
    }

    /// Nobody: every question is answered by [`Reply::Gone`].
    pub fn nobody() -> Self {
        Person::with(Lines::Nobody, Seat::Elsewhere)
    }

    /// Somebody whose lines come from `input`.
    pub fn answering(input: impl Read + Send + 'static) -> Self {
        Person::with(Lines::NotYet(Box::new(input)), Seat::Elsewhere)
    }

    fn with(lines: Lines, seat: Seat) -> Self {
        Person { lines: Mutex::new(lines), seat, ends: Mutex::new(None), types_alone: true, asked: Arc::default() }
    }

    /// Can anybody answer? No longer so once the end of the input has been met.
    pub fn present(&self) -> bool {
        !matches!(*self.lock(), Lines::Nobody)
    }

    /// Whose word an answer is, where a person sees the questions and answers them, rather than another program.
    pub fn who(&self) -> Option<&'static str> {
        self.seat.who().filter(|_| self.present())
    }

    /// Drops what was typed before the question, and begins to listen.
    pub fn ask(&self) {
        if self.seat == Seat::Terminal && self.types_alone {
            drop_typed_ahead();
        }
        let mut lines = self.lock();
        if let Lines::Reading(receiver) = &mut *lines {
            while receiver.try_recv().is_ok() {}
        }
        lines.begin();
        self.asked.store(true, Ordering::Relaxed);
    }

    /// What is asked now is not for them.
    pub(in crate::world) fn ask_nothing(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }

    /// The next line.
    pub async fn reply(&self) -> Reply {
        let line = poll_fn(|context| {
            let mut lines = self.lock();
            lines.begin();
            match &mut *lines {
                Lines::Reading(receiver) => receiver.poll_recv(context),
                Lines::Nobody | Lines::NotYet(_) => Poll::Ready(None),
            }
        })
        .await;
        match line {
            Some(line) => Reply::Line(line),
            None => {
                *self.lock() = Lines::Nobody;
                Reply::Gone
            }
        }
    }

    /// Completes with each wish to end the run that comes by the channel of the answers; by others it may come as well.
    pub async fn wishes_to_end(&self) {
        poll_fn(|context| {
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            match ends.as_mut().map(|ends| ends.poll_recv(context)) {
                Some(Poll::Ready(Some(()))) => Poll::Ready(()),
                Some(Poll::Ready(None) | Poll::Pending) | None => Poll::Pending,
            }
        })
        .await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a question before anything has begun: `show` shows it, and the answer is the next line, or nothing at the end of the
/// input. What was typed before the question does not count.
pub fn ask_line(show: impl FnOnce()) -> Option<String> {
    drop_typed_ahead();
    show();
    let mut line = Vec::new();
    let read = std::io::stdin().lock().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
    read.ok().filter(|bytes| *bytes > 0).map(|_| String::from_utf8_lossy(&line).trim().to_owned())
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("present", &self.present()).finish_non_exhaustive()
    }
}

impl Lines {
    fn begin(&mut self) {
        if let Lines::NotYet(_) = self
            && let Lines::NotYet(input) = std::mem::replace(self, Lines::Nobody)
        {
            let (sender, receiver) = mpsc::channel(LINES_MAX);
            let pass_on = move |line| sender.blocking_send(line).is_ok();
            if read_in_background(input, pass_on).is_ok() {
                *self = Lines::Reading(receiver);
            }
        }
    }
}

/// Passes each line on, until one is not wanted. Detached, because a read from a terminal cannot be called off; the end of the process ends it.
pub fn read_in_background(
    input: impl Read + Send + 'static,
    pass_on: impl Fn(String) -> bool + Send + 'static,
) -> std::io::Result<()> {
    thread::Builder::new().name("person".to_owned()).spawn(move || read_lines(input, pass_on)).map(drop)
}

/// Until the end of the input, or until a line is not wanted.
fn read_lines(input: impl Read, pass_on: impl Fn(String) -> bool) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                if !pass_on(text.trim_end_matches(['\r', '\n']).to_owned()) {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn lines_come_without_their_ends_and_then_nobody_is_there() {
        let person = Person::answering(&b"boot-fuse\r\nyes\n\nlast"[..]);
        assert!(person.present());
        block_on(async {
            for line in ["boot-fuse", "yes", "", "last"] {
                assert_eq!(person.reply().await, Reply::Line(line.to_owned()));
            }
            assert_eq!(person.reply().await, Reply::Gone);
            assert_eq!(person.reply().await, Reply::Gone);
        });
        assert!(!person.present());
        person.ask();
        assert_eq!(block_on(person.reply()), Reply::Gone);
    }

    #[test]
    fn a_question_drops_what_was_typed_before_it() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let person = Person::answering(reader);
        block_on(async {
            writer.write_all(b"first\nstray\n").unwrap();
            person.ask();
            assert_eq!(person.reply().await, Reply::Line("first".to_owned()));
            // The thread may still be on its way with the stray line.
            while !matches!(&*person.lock(), Lines::Reading(receiver) if receiver.len() == 1) {
                thread::yield_now();
            }
            person.ask();
            writer.write_all(b"second\n").unwrap();
            assert_eq!(person.reply().await, Reply::Line("second".to_owned()));
        });
    }

    #[test]
    fn the_person_at_a_page_answers_agrees_and_ends_by_its_channel() {
        let (person, channel) = Person::at_page();
        assert_eq!(person.who(), Some("the person at the page"));
        assert!(channel.answer("early".to_owned()));
        person.ask();
        assert!(channel.answer("yes".to_owned()) && channel.end());
        block_on(async {
            assert_eq!(person.reply().await, Reply::Line("yes".to_owned()));
            person.wishes_to_end().await;
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(std::pin::pin!(person.wishes_to_end()).poll(&mut context).is_pending());
            drop(channel);
            assert_eq!(person.reply().await, Reply::Gone);
        });
        assert_eq!(person.who(), None);
    }

    #[test]
    fn nobody_answers_nothing() {
        let person = Person::nobody();
        person.ask();
        assert!(!person.present());
        assert_eq!(block_on(person.reply()), Reply::Gone);
    }
}
