//! How far each progress of one call came, and how often the lines came that must come a number of times.

use super::evidence::shortened;
use super::judge::Progress;
use crate::documents::catalog::{Command, SuccessCount, Times};

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// For each of the command's success counts: the lines that counted.
    seen: Vec<usize>,
    /// The progress that was shown last.
    current: Option<Course>,
    /// The line at which the first progress stopped that did not reach its size before another one began.
    cut_short: Option<String>,
}

#[derive(Debug)]
struct Course {
    last: Progress,
    line: String,
    /// A counted line has come for it: what follows is another progress, whatever its name.
    counted: bool,
}

impl Counts {
    pub(super) fn new(command: Option<&Command>) -> Self {
        Counts { seen: vec![0; command.map_or(0, |command| command.success_counts.len())], ..Counts::default() }
    }

    pub(super) fn take_progress(&mut self, progress: &Progress, line: &str) {
        if let Some(course) = &self.current
            && !course.goes_on(progress)
            && !is_complete(&course.last)
        {
            self.cut_short.get_or_insert_with(|| course.line.clone());
        }
        self.current = Some(Course { last: progress.clone(), line: shortened(line), counted: false });
    }

    pub(super) fn take_line(&mut self, command: Option<&Command>, line: &str) {
        let counts = command.map(|command| command.success_counts.as_slice()).unwrap_or_default();
        let complete = self.current.as_ref().is_some_and(|course| !course.counted && is_complete(&course.last));
        for (count, seen) in counts.iter().zip(&mut self.seen) {
            if !count.pattern.is_match(line) || (count.after_progress && !complete) {
                continue;
            }
            *seen += 1;
            if let Some(course) = self.current.as_mut().filter(|_| count.after_progress) {
                course.counted = true;
            }
        }
    }

    /// Did the lines come as often as they must?
    pub(super) fn are_met(&self, command: &Command, arguments: &[String]) -> bool {
        command.success_counts.iter().zip(&self.seen).all(|(count, seen)| is_met(count, *seen, arguments))
    }

    /// The line at which a progress stopped short of its size, the first of them.
    pub(super) fn cut_short(&self) -> Option<&String> {
        let last = self.current.as_ref().filter(|course| !is_complete(&course.last)).map(|course| &course.line);
        self.cut_short.as_ref().or(last)
    }
}

impl Course {
    fn goes_on(&self, progress: &Progress) -> bool {
        let same = self.last.label == progress.label && self.last.total == progress.total;
        same && !self.counted && self.last.bytes <= progress.bytes && self.last.percent <= progress.percent
    }
}

/// Percentages are rounded by the tools, so sizes count first.
fn is_complete(progress: &Progress) -> bool {
    match (progress.bytes, progress.total) {
        (Some(bytes), Some(total)) => bytes >= total,
        _ => progress.percent.is_some_and(|percent| percent >= 100.0),
    }
}

fn is_met(count: &SuccessCount, seen: usize, arguments: &[String]) -> bool {
    match &count.times {
        Times::Exactly(times) => seen == *times,
        Times::AtLeast(times) => seen >= *times,
        Times::AsInArguments(pattern) => {
            let times: usize = arguments.iter().map(|argument| pattern.find_iter(argument).count()).sum();
            seen == times && times > 0
        }
    }
}
