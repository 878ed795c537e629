//! The part of the terminal that changes while something takes its time: spinner, progress bar, countdown.
//!
//! It never leaves a trace: [`LiveLine::clear`] and dropping it take it off the screen. What must stay is printed above.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::style::{Look, Signs};
use crate::cli::wording::clip;
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
}

impl LiveLine {
    /// Something is at work and says nothing; the time since then is shown.
    pub(crate) fn working(&mut self, look: &Look, text: &str) {
        let bar = self.fresh(look, "        {spinner} {msg} {time}", TICK);
        bar.set_message(clip(text, look.width.saturating_sub(24)));
    }

    /// `percent` is 0 to 100.
    pub(crate) fn progress(&mut self, look: &Look, label: &str, percent: f32) {
        let bar = match &self.bar {
            Some(bar) if bar.length() == Some(STEPS_OF_BAR) => bar.clone(),
            _ => {
                // The time goes on from the start of the call, not from its first sign of progress.
                let elapsed = self.bar.as_ref().map(ProgressBar::elapsed).unwrap_or_default();
                let bar = self.fresh(look, "        {msg} [{bar:24}] {percent:>3} % {time}", TICK);
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
                let bar = self.fresh(look, "        {spinner} {msg}", WAITING_TICK);
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

    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn fresh(&mut self, look: &Look, template: &str, tick: Duration) -> ProgressBar {
        self.clear();
        let (spinner, bar_characters) = match look.signs {
            Signs::Unicode => ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "█▓░"),
            Signs::Ascii => (r"|/-\ ", "=> "),
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("time", |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                // Nothing can be done about a terminal that does not take the text.
                let _ = to.write_str(&describe_time(state.elapsed()));
            })
            .tick_chars(spinner)
            .progress_chars(bar_characters);
        let bar =
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout_with_hz(DRAWN_PER_SECOND)).with_style(style);
        bar.enable_steady_tick(tick);
        self.bar.insert(bar).clone()
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.clear();
    }
}
