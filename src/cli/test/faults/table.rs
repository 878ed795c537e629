//! The matrix: a row for each step, a column for each mishap.

use crate::bench::{MISHAPS, MishapRow, RunPoint, TrialEnd};
use crate::cli::streams::say;
use crate::cli::style::{Look, Role, Signs};
use crate::cli::test::faults::Tried;

/// What stands in one field of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    NotApplicable,
    Mended,
    Failed,
    Broken,
    Excused,
}

impl Mark {
    fn of(tried: &Tried<'_>) -> Self {
        match (&tried.end, tried.broken.is_empty(), tried.excuse) {
            (_, false, Some(_)) => Mark::Excused,
            (_, false, None) => Mark::Broken,
            (TrialEnd::Mended, true, _) => Mark::Mended,
            (TrialEnd::Failed(_) | TrialEnd::Killed, true, _) => Mark::Failed,
        }
    }

    fn text(self, look: &Look) -> String {
        let (unicode, ascii, role) = match self {
            Mark::NotApplicable => ("·", ".", Role::Quiet),
            Mark::Mended => ("✓", "+", Role::Success),
            Mark::Failed => ("o", "o", Role::Title),
            Mark::Broken => ("✗", "X", Role::Failure),
            Mark::Excused => ("!", "!", Role::Warning),
        };
        look.paint(role, if look.signs == Signs::Unicode { unicode } else { ascii })
    }
}

/// Columns with gaps between the groups take so much; the rest is for the names of steps.
fn columns_width() -> usize {
    MISHAPS.len() + MISHAPS.windows(2).filter(|pair| pair[0].group != pair[1].group).count()
}

pub(super) fn show(tried: &[Tried<'_>], look: &Look) {
    let mut boards: Vec<&str> = Vec::new();
    for tried in tried {
        if boards.last() != Some(&tried.board.target.name.as_str()) {
            boards.push(&tried.board.target.name);
        }
    }
    for board in boards {
        let of_board: Vec<&Tried<'_>> = tried.iter().filter(|tried| tried.board.target.name == board).collect();
        one(board, &of_board, look);
    }
    legend(look);
}

fn one(name: &str, tried: &[&Tried<'_>], look: &Look) {
    let Some(first) = tried.first() else { return };
    let matrix = &first.board.matrix;
    let points: Vec<&RunPoint> = matrix.points().collect();
    let longest = points.iter().map(|point| point.to_string().chars().count()).max().unwrap_or(0);
    let width = longest.min(look.width.saturating_sub(columns_width() + 2).max(8));
    say(&look.paint(Role::Title, name));
    for line in 0..2 {
        let head = row(|mishap| mishap.code.chars().nth(line).map(String::from).unwrap_or_default());
        say(&format!("{:width$} {head}", ""));
    }
    for point in points {
        let label = shortened(&point.to_string(), width);
        if !matrix.reached(point) {
            say(&format!("{label} {}", look.paint(Role::Quiet, "no run without a mishap comes here")));
            continue;
        }
        let here: Vec<&&Tried<'_>> = tried.iter().filter(|tried| tried.trial.point == *point).collect();
        if here.is_empty() {
            continue;
        }
        let marks = row(|mishap| {
            let found = here.iter().find(|tried| tried.trial.mishap == mishap.mishap);
            found.map_or(Mark::NotApplicable, |tried| Mark::of(tried)).text(look)
        });
        say(&format!("{label} {marks}"));
    }
    say("");
}

fn row(trial: impl Fn(&MishapRow) -> String) -> String {
    let mut text = String::new();
    for (index, mishap) in MISHAPS.iter().enumerate() {
        if index > 0 && MISHAPS[index - 1].group != mishap.group {
            text.push(' ');
        }
        text.push_str(&trial(mishap));
    }
    text
}

fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text:width$}");
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}~")
}

fn legend(look: &Look) {
    for mishap in MISHAPS {
        say(&format!("  {}  {:20} {}", mishap.code, mishap.name, mishap.meaning));
    }
    let mark = |mark: Mark| mark.text(look);
    say(&format!(
        "  {} mended itself   {} ended as a failure, or was killed   {} broke a rule   {} excused   {} cannot happen",
        mark(Mark::Mended),
        mark(Mark::Failed),
        mark(Mark::Broken),
        mark(Mark::Excused),
        mark(Mark::NotApplicable)
    ));
    say("");
}
