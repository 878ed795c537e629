//! The part of the terminal that changes while something takes its time: spinner, progress bar, countdown.
//!
//! It never leaves a trace: [`LiveLine::clear`] and dropping it take it off the screen. What must stay is printed above.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::style::{Look, Signs};
use crate::cli::wording::{clip, time_left};
use crate::words::describe_time;

/// Redrawn by a thread of its own, so that a silent tool is seen to be alive.
const TICK: Duration = Duration::from_millis(45);
/// While the person is awaited, nothing but the spinner moves, and the processor may rest.
const WAITING_TICK: Duration = Duration::from_millis(250);
/// At most so many times a second, whatever else asks for it.
const DRAWN_PER_SECOND: u8 = 25;
const STEPS_OF_BAR: u64 = 1000;

#[derive(Debug, Default)]
pub(crate) struct LiveLine {
    bar: Option<ProgressBar>,
    /// When what is at work ends at the latest: then that is counted down in place of the time it has taken.
    ends: Option<Instant>,
}

const WORKING: &str = "        {spinner} {msg} {time}";
const PROGRESS: &str = "        {msg} [{bar:24}] {percent:>3} % {time}";
const WAITING: &str = "        {spinner} {msg}";

impl LiveLine {
    /// Something is at work and says nothing; the time since then is shown.
    pub(crate) fn working(&mut self, look: &Look, text: &str) {
        let bar = self.fresh(look, WORKING, TICK);
        bar.set_message(clip(text, look.width.saturating_sub(24)));
    }

    /// `percent` is 0 to 100.
    pub(crate) fn progress(&mut self, look: &Look, label: &str, percent: f32) {
        let bar = match &self.bar {
            Some(bar) if bar.length() == Some(STEPS_OF_BAR) => bar.clone(),
            _ => {
                // The time goes on from the start of the call, not from its first sign of progress.
                let elapsed = self.bar.as_ref().map(ProgressBar::elapsed).unwrap_or_default();
                let bar = self.fresh(look, PROGRESS, TICK);
                bar.set_elapsed(elapsed);
                bar.set_length(STEPS_OF_BAR);
                bar
            }
        };
        bar.set_message(clip(label, look.width.saturating_sub(60).max(12)));
        bar.set_position(((percent.clamp(0.0, 100.0) / 100.0) * STEPS_OF_BAR as f32) as u64);
    }

    /// Waiting for the hardware; `lines` already hold the time left.
    pub(crate) fn waiting(&mut self, look: &Look, lines: &[String]) {
        let bar = match &self.bar {
            Some(bar) if bar.prefix() == "waiting" => bar.clone(),
            _ => {
                let bar = self.fresh(look, WAITING, WAITING_TICK);
                bar.set_prefix("waiting");
                bar
            }
        };
        let clipped: Vec<String> = lines.iter().map(|line| clip(line, look.width.saturating_sub(10))).collect();
        bar.set_message(clipped.join("\n          "));
    }

    /// Prints above the live part.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// What is at work is finished although somebody wants to end: from now on the time left is counted down.
    pub(crate) fn ends_within(&mut self, look: &Look, left: Duration) {
        self.ends = Some(Instant::now() + left);
        if let Some(bar) = &self.bar {
            let template = if bar.length() == Some(STEPS_OF_BAR) { PROGRESS } else { WORKING };
            bar.set_style(style(look, template, self.ends));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.ends = None;
        self.take_off();
    }

    fn take_off(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn fresh(&mut self, look: &Look, template: &str, tick: Duration) -> ProgressBar {
        self.take_off();
        let style = style(look, template, self.ends);
        let bar =
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout_with_hz(DRAWN_PER_SECOND)).with_style(style);
        bar.enable_steady_tick(tick);
        self.bar.insert(bar).clone()
    }
}

fn style(look: &Look, template: &str, ends: Option<Instant>) -> ProgressStyle {
    let (spinner, bar_characters) = match look.signs {
        Signs::Unicode => ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "█▓░"),
        Signs::Ascii => (r"|/-\ ", "=> "),
    };
    let time = move |state: &ProgressState, to: &mut dyn std::fmt::Write| {
        let text = match ends {
            Some(ends) => {
                let left = ends.saturating_duration_since(Instant::now());
                format!("(ends within {})", time_left(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)))
            }
            None => describe_time(state.elapsed()),
        };
        // Nothing can be done about a terminal that does not take the text.
        let _ = to.write_str(&text);
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("time", time)
        .tick_chars(spinner)
        .progress_chars(bar_characters)
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.clear();
    }
}
