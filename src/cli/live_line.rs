//! The part of the terminal that changes while something takes its time: spinner, progress bar, countdown.
//!
//! It never leaves a trace: [`LiveLine::clear`] and dropping it take it off the screen. What must stay is printed above.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

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

/// Columns behind the last line that stay free: the terminal shows `^C` there when the person presses Ctrl-C, and nobody is
/// told where that has left the cursor.
const ECHO: usize = 3;
/// The longest of the times that stand at the end of a line: `(at most 59:59 min)`, and a little.
const TIME: usize = 21;

#[derive(Debug)]
pub(crate) struct LiveLine {
    bar: Option<ProgressBar>,
    /// When what is at work ends at the latest: then that is counted down in place of the time it has taken.
    ends: Option<Instant>,
    terminal: Arc<dyn TermLike>,
}

impl Default for LiveLine {
    fn default() -> Self {
        LiveLine { bar: None, ends: None, terminal: Arc::new(Term::buffered_stdout()) }
    }
}

const WORKING: &str = "        {spinner} {msg} {time}";
const PROGRESS: &str = "        {msg} [{bar:24}] {percent:>3} % {time}";
const WAITING: &str = "        {spinner} {msg}";

impl LiveLine {
    /// Something is at work and says nothing; the time since then is shown.
    pub(crate) fn working(&mut self, look: &Look, text: &str) {
        let bar = self.fresh(look, WORKING, TICK);
        bar.set_message(clip(text, look.width.saturating_sub(11 + TIME + ECHO)));
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
        bar.set_message(clip(label, look.width.saturating_sub(42 + TIME + ECHO).max(12)));
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
        let clipped: Vec<String> = lines.iter().map(|line| clip(line, look.width.saturating_sub(10 + ECHO))).collect();
        bar.set_message(clipped.join("\n          "));
    }

    /// Prints above the live part.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Somebody wants to end, and what is at work is finished or ended: from now on the time left is counted down.
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
        let terminal = OpenEnd { terminal: Arc::clone(&self.terminal), filler: Mutex::default() };
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal), DRAWN_PER_SECOND);
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
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
                format!("(at most {})", time_left(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)))
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

/// The terminal, on which the last line of the live part is not filled up to the edge with blanks: with the cursor at the
/// edge, the `^C` that the terminal shows by itself would begin another row, and a row of the live part would stay there.
#[derive(Debug)]
struct OpenEnd {
    terminal: Arc<dyn TermLike>,
    /// Blanks that fill a line which another one may follow. Each line was cleared before.
    filler: Mutex<String>,
}

impl OpenEnd {
    fn filler(&self) -> MutexGuard<'_, String> {
        self.filler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill_up(&self) -> io::Result<()> {
        let filler = std::mem::take(&mut *self.filler());
        if filler.is_empty() { Ok(()) } else { self.terminal.write_str(&filler) }
    }
}

impl TermLike for OpenEnd {
    fn width(&self) -> u16 {
        self.terminal.width()
    }

    fn height(&self) -> u16 {
        self.terminal.height()
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.terminal.move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.terminal.move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.terminal.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.terminal.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.fill_up()?;
        self.terminal.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.fill_up()?;
        if text.trim_matches(' ').is_empty() {
            text.clone_into(&mut self.filler());
            return Ok(());
        }
        self.terminal.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.terminal.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.filler().clear();
        self.terminal.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 40;

    /// A terminal that wraps as they do: only with the next character behind the edge.
    #[derive(Debug, Default)]
    struct Paper {
        state: Mutex<State>,
    }

    #[derive(Debug, Default)]
    struct State {
        rows: Vec<Vec<char>>,
        row: usize,
        column: usize,
    }

    impl Paper {
        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap()
        }

        /// What the terminal shows by itself, or a program prints.
        fn print(&self, text: &str) {
            let mut state = self.state();
            for character in text.chars() {
                match character {
                    '\n' => (state.row, state.column) = (state.row + 1, 0),
                    '\r' => state.column = 0,
                    _ => {
                        if state.column == WIDTH {
                            (state.row, state.column) = (state.row + 1, 0);
                        }
                        let (row, column) = (state.row, state.column);
                        let rows = state.rows.len().max(row + 1);
                        state.rows.resize_with(rows, Vec::new);
                        let length = state.rows[row].len().max(column + 1);
                        state.rows[row].resize(length, ' ');
                        state.rows[row][column] = character;
                        state.column += 1;
                    }
                }
            }
        }

        fn text(&self) -> String {
            let rows: Vec<String> =
                self.state().rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect();
            rows.join("\n").trim_end().to_owned()
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            WIDTH as u16
        }

        fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
            let mut state = self.state();
            state.row = state.row.saturating_sub(lines);
            Ok(())
        }

        fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
            self.state().row += lines;
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.print(&format!("{text}\n"));
            Ok(())
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.print(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            let mut state = self.state();
            state.column = 0;
            let row = state.row;
            if let Some(cleared) = state.rows.get_mut(row) {
                cleared.clear();
            }
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_is_left_of_it_when_ctrl_c_is_pressed() {
        let look = Look { width: WIDTH, ..Look::plain() };
        let paper = Arc::new(Paper::default());
        let terminal: Arc<dyn TermLike> = Arc::<Paper>::clone(&paper);
        let mut live = LiveLine { bar: None, ends: None, terminal };
        paper.print("the head\n");
        live.waiting(
            &look,
            &["waiting".into(), "for the camera".into(), "attached: a name that is much too long".into()],
        );
        while !paper.text().contains("attached") {
            std::thread::yield_now();
        }
        paper.print("^C");
        live.above(|| paper.print("Ctrl-C. Ending the run here.\n"));
        live.clear();
        paper.print("the verdict\n");
        assert_eq!(paper.text(), "the head\nCtrl-C. Ending the run here.\nthe verdict");
    }
}
