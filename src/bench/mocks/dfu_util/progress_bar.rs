//! dfu-util's progress bar: 25 characters, drawn anew when they or the clock's second have changed.

use crate::bench::Console;

const WIDTH: u64 = 25;

/// What was drawn last.
#[derive(Debug, Default)]
pub(super) struct ProgressBar {
    last: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Progress<'a> {
    pub(super) label: &'a str,
    pub(super) current: u64,
    pub(super) maximum: u64,
}

impl ProgressBar {
    pub(super) fn show(&mut self, progress: Progress<'_>, second: u64, console: &mut Console) {
        let Progress { label, current, maximum } = progress;
        let maximum = if maximum < current { current + 1 } else { maximum.max(1) };
        let filled = WIDTH * current / maximum;
        if self.last == Some((filled, second)) {
            return;
        }
        self.last = Some((filled, second));
        let bar = "=".repeat(filled as usize) + &" ".repeat((WIDTH - filled) as usize);
        console.out(&format!("\r{label}\t[{bar}] {:3}% {current:12} bytes", 100 * current / maximum));
        if filled == WIDTH {
            console.out(&format!("\n{label} done.\n"));
        }
    }
}
