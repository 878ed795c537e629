//! Readers of a run's events, and the one place that feeds them all.

use std::fmt;

use jiff::Timestamp;

use crate::bench::HandsOf;
use crate::cli::arguments::MessageFormat;
use crate::cli::job::Job;
use crate::cli::json::Json;
use crate::cli::run_options::hands_of;
use crate::cli::runs::record::Record;
use crate::cli::screen::Screen;
use crate::cli::streams::stdout;
use crate::engine::{Event, Stamps, Told};

/// Takes the events of a run, one by one, until [`Event::Finished`].
///
/// A reader never fails: a run that writes to a board goes on when nobody can be told about it any more.
pub trait Reader: fmt::Debug {
    /// Answers with a sentence for the other readers when this one has just become unable to do its work.
    fn event(&mut self, told: &Told<&Event>) -> Option<String>;
}

/// What the person or program at the other end reads, and the record beside it.
#[derive(Debug)]
pub(super) struct Readers {
    shown: Vec<Box<dyn Reader>>,
    record: Option<Record>,
    stamps: Stamps,
}

/// Does a real person's ENTER stand for what hands would do to a real board?
pub(super) fn rehearses(job: &Job) -> bool {
    job.bench.is_some() && hands_of(&job.options) == HandsOf::RealPerson
}

impl Readers {
    /// With a page, that shows everything, and the terminal only how it ends.
    pub(super) fn of(job: &Job, record: Option<Record>, page: Option<Box<dyn Reader>>) -> Readers {
        let hands = job.bench.is_some().then(|| hands_of(&job.options));
        let shown: Box<dyn Reader> = match job.options.message_format {
            MessageFormat::Human => {
                let screen = Screen::stdout().with_log(record.as_ref().map(|record| record.log_path().to_owned()));
                let screen = if job.bench.is_none() && record.is_none() { screen.without_record() } else { screen };
                let screen = if rehearses(job) { screen.rehearsing() } else { screen };
                Box::new(match (job.options.verbose, job.options.quiet) {
                    _ if page.is_some() => screen.beside_page(),
                    (true, _) => screen.verbose(),
                    (_, true) => screen.quiet(),
                    _ => screen,
                })
            }
            MessageFormat::Json => Box::new(Json::new(stdout())),
        };
        let stamps = match hands {
            Some(HandsOf::VirtualPerson) => Stamps::of_simulation(Timestamp::now()),
            Some(HandsOf::RealPerson | HandsOf::UnhurriedPerson) | None => Stamps::of_computer(),
        };
        let shown = std::iter::once(shown).chain(page).collect();
        Readers { shown, record, stamps }
    }

    /// The record goes first, so that its trouble is told before the last event.
    pub(super) fn tell(&mut self, event: &Event) {
        let told = self.stamps.stamp(event);
        if let Some(text) = self.record.as_mut().and_then(|record| record.event(&told)) {
            let warning = Told { event: &Event::Warning { text }, ..told };
            // Whoever reads the record must know of it, too; behind the last event nothing comes.
            if let Some(record) = self.record.as_mut().filter(|_| !matches!(event, Event::Finished { .. })) {
                let _told_already = record.event(&warning);
            }
            self.show(&warning);
        }
        self.show(&told);
    }

    fn show(&mut self, told: &Told<&Event>) {
        for shown in &mut self.shown {
            shown.event(told);
        }
    }
}
