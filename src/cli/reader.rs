//! Readers of a run's events, and the one place that feeds them all.

use std::fmt;

use crate::bench::HandsOf;
use crate::cli::arguments::MessageFormat;
use crate::cli::job::Job;
use crate::cli::json::Json;
use crate::cli::log::{Log, LogError};
use crate::cli::run_options::hands_of;
use crate::cli::screen::Screen;
use crate::cli::streams::stdout;
use crate::engine::Event;

/// Takes the events of a run, one by one, until [`Event::Finished`].
///
/// A reader never fails: a run that writes to a board goes on when nobody can be told about it any more.
pub trait Reader: fmt::Debug {
    /// Answers with a sentence for the other readers when this one has just become unable to do its work.
    fn event(&mut self, event: &Event) -> Option<String>;
}

/// What the person or program at the other end reads, and the log beside it.
#[derive(Debug)]
pub struct Readers {
    shown: Box<dyn Reader>,
    log: Option<Log>,
}

impl Readers {
    /// Those of a run, and why there is no log where there should be one.
    pub(super) fn of(job: &Job) -> (Readers, Option<LogError>) {
        let (log, without_log) = match log(job) {
            Ok(log) => (log, None),
            Err(error) => (None, Some(error)),
        };
        let shown: Box<dyn Reader> = match job.options.message_format {
            MessageFormat::Human => {
                let screen = Screen::stdout().with_log(log.as_ref().map(|log| log.path().to_owned()));
                let screen = match job.bench.is_some().then(|| hands_of(&job.options)) {
                    Some(HandsOf::PersonAtTerminal) => screen.rehearsing(),
                    Some(HandsOf::VirtualPerson | HandsOf::UnhurriedPerson) | None => screen,
                };
                Box::new(match (job.options.verbose, job.options.quiet) {
                    (true, _) => screen.verbose(),
                    (_, true) => screen.quiet(),
                    _ => screen,
                })
            }
            MessageFormat::Json => Box::new(Json::new(stdout())),
        };
        (Readers::new(shown, log), without_log)
    }

    pub fn new(shown: Box<dyn Reader>, log: Option<Log>) -> Readers {
        Readers { shown, log }
    }
}

impl Reader for Readers {
    /// The log goes first, so that its trouble is told before the last event.
    fn event(&mut self, event: &Event) -> Option<String> {
        if let Some(text) = self.log.as_mut().and_then(|log| log.event(event)) {
            self.shown.event(&Event::Warning { text });
        }
        self.shown.event(event)
    }
}

/// A real run leaves a log in the person's folder for logs, a simulation only in a bench that is kept.
fn log(job: &Job) -> Result<Option<Log>, LogError> {
    let name = &job.settings.playbook_name;
    match (&job.bench, &job.options.bench) {
        (None, _) => Log::create_default(name).map(Some),
        (Some(bench), Some(_)) => Log::create(bench.folder(), name).map(Some),
        (Some(_), None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::style::Look;

    #[derive(Debug, Clone, Default)]
    struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Linux has a device that is always full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_log_that_ends_is_a_warning_on_the_screen() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let seen = Shared::default();
        let screen = Screen::new(seen.clone(), Look::plain());
        let mut readers = Readers::new(Box::new(screen), Some(Log::new(full, "run.log".into())));
        for text in ["first", "second"] {
            assert_eq!(readers.event(&Event::Note { text: text.to_owned() }), None);
        }
        let text = String::from_utf8(seen.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("warning: the log ends here, because run.log cannot").count(), 1, "{text}");
        assert!(text.find("warning").unwrap() < text.find("first").unwrap(), "{text}");
    }
}
