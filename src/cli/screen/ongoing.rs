//! What takes its time: a tool at work, its progress, a wait for the hardware.
//!
//! On a terminal the live line shows it; in a file a few lasting lines do.

use std::io::Write;
use std::time::Duration;

use crate::cli::screen::page::Page;
use crate::cli::style::{Role, Sign};
use crate::cli::told_wait::ToldWait;
use crate::cli::wording::time_left;

/// In percent.
const PROGRESS_STRIDE: u32 = 25;

/// What has been told about it in lasting lines.
#[derive(Debug, Default)]
pub(super) struct Ongoing {
    wait: ToldWait,
    /// Phase, and how many strides of it have been told.
    progress: Option<(String, u32)>,
    /// A program moves in place of hands, which is what is waited for.
    moves: bool,
}

/// How long a wait goes on, what for, and what is there instead.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    pub(super) waiting_for: &'a str,
    pub(super) attached: &'a [String],
    pub(super) remaining_ms: u64,
}

impl Ongoing {
    pub(super) fn end<W: Write>(&mut self, page: &mut Page<W>) {
        self.wait.forget();
        self.progress = None;
        self.moves = false;
        page.end_live();
    }

    /// Before the first step, while nothing is known yet.
    pub(super) fn looking<W: Write>(&mut self, page: &mut Page<W>, text: &str) {
        match &mut page.live {
            Some(live) => live.working(&page.look, text),
            None => page.say(Role::Quiet, None, &format!("{text} ...")),
        }
    }

    pub(super) fn tool<W: Write>(&mut self, page: &mut Page<W>, tool: &str, changes_board: bool) {
        let Some(live) = &mut page.live else { return };
        let text = if changes_board {
            format!("{tool} is writing: do not unplug the board")
        } else {
            format!("{tool} is working")
        };
        live.working(&page.look, &text);
    }

    /// A program moves in place of hands; what it has left of its limit is counted down.
    pub(super) fn moving<W: Write>(&mut self, page: &mut Page<W>, command: &str, limit: Duration) {
        self.moves = true;
        if let Some(live) = &mut page.live {
            live.working(&page.look, &format!("{command} is moving"));
            live.ends_within(&page.look, limit);
        }
    }

    /// `percent` is 0 to 100.
    pub(super) fn progress<W: Write>(&mut self, page: &mut Page<W>, label: &str, percent: f32) {
        if let Some(live) = &mut page.live {
            live.progress(&page.look, label, percent);
            return;
        }
        let strides = (percent.clamp(0.0, 100.0) as u32) / PROGRESS_STRIDE;
        let told = self.progress.as_ref().filter(|(told, _)| told == label).map_or(0, |(_, strides)| *strides);
        if strides > told {
            page.say(Role::Quiet, None, &format!("{label} {} %", strides * PROGRESS_STRIDE));
            self.progress = Some((label.to_owned(), strides));
        }
    }

    pub(super) fn wait<W: Write>(&mut self, page: &mut Page<W>, wait: &Wait<'_>) {
        let left = time_left(wait.remaining_ms);
        let attached =
            if wait.attached.is_empty() { "no device of this board".to_owned() } else { wait.attached.join(", ") };
        if let Some(live) = &mut page.live {
            if !page.answer_awaited && !self.moves {
                let lines = [
                    format!("waiting for at most {left} more"),
                    wait.waiting_for.to_owned(),
                    format!("attached: {attached}"),
                ];
                live.waiting(&page.look, &lines);
            }
        } else if self.wait.is_news(wait.waiting_for, wait.attached, wait.remaining_ms) {
            let dot = page.look.sign(Sign::Dot);
            let text = format!("waiting: {} {dot} {left} left {dot} attached: {attached}", wait.waiting_for);
            page.say(Role::Quiet, None, &text);
        }
    }
}
