//! Two accounts of the same scenario agree, or the difference is shown.

use snapbox::Data;
use snapbox::report::{Palette, write_diff};

use crate::account::Account;

/// Fails with the lines that differ, the real tool's marked `-` and the mock's `+`.
#[track_caller]
pub(crate) fn assert_agree(scenario: &str, real: &Account, mock: &Account) {
    if let Some(difference) = difference(real, mock) {
        panic!("the mock does not do what the real tool does: {scenario}\n{difference}");
    }
}

fn difference(real: &Account, mock: &Account) -> Option<String> {
    let (real, mock) = (real.text(), mock.text());
    if real == mock {
        return None;
    }
    let mut difference = String::new();
    let names: [Option<&dyn std::fmt::Display>; 2] = [Some(&"the real tool"), Some(&"the mock")];
    write_diff(&mut difference, &Data::text(real), &Data::text(mock), names[0], names[1], Palette::plain()).unwrap();
    Some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Leeway;

    fn account(text: &str) -> Account {
        let leeway = Leeway { written_as: vec![(regex::Regex::new(r"port \d-").unwrap(), "port ")], bar_lengths: 25 };
        let events = [
            r#"{"event": "tool_started", "command": ["acmeflash", "write"]}"#,
            r#"{"event": "tool_output", "stream": "stderr", "text": "ready"}"#,
            r#"{"event": "progress", "label": "Write", "percent": 41.0, "bytes": 12, "total": null}"#,
            text,
            r#"{"event": "tool_ended", "end": {"exited": 0}, "verdict": "succeeded", "touched": "partly"}"#,
        ];
        Account::of(&events.join("\n"), &leeway)
    }

    fn line(text: &str) -> String {
        format!(r#"{{"event": "tool_output", "stream": "stdout", "text": "{text}"}}"#)
    }

    #[test]
    fn another_text_is_shown_with_its_surroundings() {
        let shown = difference(&account(&line("Done!")), &account(&line("done"))).unwrap();
        for said in ["- stdout| Done!", "+ stdout| done", "| $ acmeflash write", "| verdict: succeeded"] {
            assert!(shown.contains(said), "no `{said}` in:\n{shown}");
        }
        assert_eq!(difference(&account(&line("Done!")), &account(&line("Done!"))), None);
    }

    #[test]
    fn only_what_is_told_beforehand_may_differ() {
        assert_eq!(difference(&account(&line("at port 1-3")), &account(&line("at port 9-3"))), None);
        assert!(difference(&account(&line("at port 1-3")), &account(&line("at port 1-4"))).is_some());
    }

    #[test]
    fn a_bar_that_is_drawn_again_counts_once() {
        let bar = |percent, bytes| {
            format!(
                r#"{{"event": "progress", "label": "Write", "percent": {percent}, "bytes": {bytes}, "total": null}}"#
            )
        };
        let before = account(r#"{"event": "step_started"}"#);
        assert_eq!(difference(&before, &account(&bar(43.0, 15))), None);
        assert!(difference(&before, &account(&bar(44.0, 15))).is_some());
    }
}
