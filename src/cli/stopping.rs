//! What a wish to end the run comes to, as people are told it: by keys at a terminal, or by the button of a page.

use crate::cli::wording::time_left;
use crate::engine::Event;
use crate::world::Interrupt;

/// How the person says it, and says it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Keys,
    Button,
    /// At a terminal beside a page.
    Either,
}

impl Again {
    fn asked(self, by: Interrupt) -> &'static str {
        match (by, self) {
            (Interrupt::Interrupt, Again::Keys) => "Ctrl-C",
            // It may have been keys at the terminal all the same.
            (Interrupt::Interrupt, Again::Button | Again::Either) => "Stopping",
            (Interrupt::Terminate, _) => "Asked to end",
        }
    }

    fn press(self, again: &str) -> String {
        match self {
            Again::Keys => format!("Press Ctrl-C {again}"),
            Again::Button => format!("Press Stop {again}"),
            Again::Either => format!("Press Ctrl-C, or Stop on the page, {again}"),
        }
    }
}

/// Nothing where the event is about something else.
pub(super) fn stopping(event: &Event, again: Again) -> Option<String> {
    let Event::Interrupted { by, finishing, breaks, leaves, remaining_ms } = event else { return None };
    let within = |before: &str, behind: &str| {
        remaining_ms.map(|left| format!("{before}{}{behind}", time_left(left))).unwrap_or_default()
    };
    let text = match (finishing, breaks) {
        (false, _) => match remaining_ms {
            Some(left) => format!("Ending the tool and the run, within {} at the latest.", time_left(*left)),
            None => "Ending the run here.".to_owned(),
        },
        (true, Some(breaks)) => format!(
            "Still finishing this{}: if it is cut short, {breaks}. {} to end the tool all the same.",
            within(", for ", " at most"),
            again.press("once more")
        ),
        (true, None) => {
            let left = leaves.as_ref().map(|leaves| format!(": {leaves}")).unwrap_or_default();
            let press = match by {
                Interrupt::Interrupt => format!(" {} to end the tool.", again.press("again")),
                Interrupt::Terminate => String::new(),
            };
            format!(
                "The run ends when this step is finished{}. Cutting it short would leave the board half written{left}.{press}",
                within(", in ", " at the latest")
            )
        }
    };
    Some(format!("{}. {text}", again.asked(*by)))
}
