//! Before its first real run, a playbook that is not shipped shows what it may do, and a person agrees to that list.
//!
//! Not to the file: whoever edits it all day is asked again only when the list grows. Without a person, naming the file is the
//! decision, and the list stands among what the run tells.

use std::path::{Path, PathBuf};

use crate::cli::desk::{Desk, agrees, piece};
use crate::cli::places::FoundPlaybook;
use crate::cli::refusal::refuse;
use crate::cli::trust_store::{News, TrustStore};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::{Deed, MayDo, Playbook, may_do};
use crate::engine::{Event, Outcome, Refusal, before_anything};
use crate::words::FaultClass;

/// Lets the playbook run, with what is to be told about that; or does not, because the person declined.
pub(super) fn approve(
    found: &FoundPlaybook,
    (playbook, catalog): (&Playbook, &Catalog),
    desk: Desk,
    store: &TrustStore,
) -> Result<Vec<Event>, Box<Refusal>> {
    if found.is_shipped() {
        return Ok(Vec::new());
    }
    let path = Path::new(&found.source.name);
    let path = path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
    let may_do = may_do(playbook, catalog);
    let news = store.news(&path, &may_do);
    if news.is_nothing() {
        return Ok(Vec::new());
    }
    let name = piece(&found.source.name);
    let list = list(&may_do, &news).join("\n");
    if desk == Desk::Nobody {
        return Ok(vec![Event::Note { text: format!("{name} is not one of recover's own playbooks. It may\n{list}") }]);
    }
    let agreed = agrees(&format!(
        "{name} is not one of recover's own playbooks. It may\n{list}\n\
         You are asked again only when this list grows. Type yes to let it:"
    ));
    if !agreed {
        let what = format!("{} was not started, because you did not agree to what it may do", found.source.name);
        let next = vec!["To try it without any hardware, add --simulate; --dry-run shows every command.".to_owned()];
        return Err(refuse(Outcome::Declined, before_anything(FaultClass::Cancelled, what, next)));
    }
    let kept = store.agree(&path, &may_do);
    Ok(kept
        .err()
        .map(|error| Event::Warning { text: format!("your answer cannot be kept: {error}") })
        .into_iter()
        .collect())
}

/// A line for each thing it may do, or for those of a kind; what has come since the last time is marked.
fn list(may_do: &MayDo, news: &News) -> Vec<String> {
    let old = news.deeds.len() < may_do.deeds.len() || news.ranges.len() < may_do.ranges.len();
    let mark = |is_new: bool| if old && is_new { " (new)" } else { "" };
    let (mut lines, mut never_undone): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut kind = None;
    for (index, deed) in may_do.deeds.iter().enumerate() {
        let mark = mark(news.deeds.contains(&index));
        let (verb, what) = match deed {
            Deed::RunTool(tool) => (Some("run"), tool),
            Deed::UseDevice(id) => (Some("use"), id),
            Deed::ReadFile(file) => (Some("read"), file),
            Deed::MakeFile(file) => (Some("make, in the run's own folder,"), file),
            Deed::WriteMemory { .. } | Deed::TakeForPlain(_) => (None, &String::new()),
            Deed::NeverUndo { .. } => {
                never_undone.push(format!("- {}{mark}", piece(&deed.to_string())));
                continue;
            }
        };
        match (verb, lines.last_mut()) {
            (Some(_), Some(line)) if verb == kind => line.push_str(&format!(", {}{mark}", piece(what))),
            (Some(verb), _) => lines.push(format!("- {verb} {}{mark}", piece(what))),
            (None, _) => lines.push(format!("- {}{mark}", piece(&deed.to_string()))),
        }
        kind = verb;
    }
    let ranges = may_do.ranges.iter().enumerate();
    lines.extend(ranges.map(|(index, range)| format!("- {range}{}", mark(news.ranges.contains(&index)))));
    // Nearest to the question.
    lines.extend(never_undone);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::MemoryRange;

    #[test]
    fn things_of_a_kind_stand_together_and_new_ones_are_marked() {
        let may_do = MayDo {
            deeds: vec![
                Deed::RunTool("a".to_owned()),
                Deed::RunTool("b\u{1b}\n- run nothing".to_owned()),
                Deed::ReadFile("c.bin".to_owned()),
                Deed::NeverUndo { step: "fuse".parse().unwrap(), command: "a burn".to_owned() },
            ],
            ranges: vec![MemoryRange { tool: "a".to_owned(), from: 0, to: Some(255) }],
        };
        let first = News { deeds: vec![0, 1, 2, 3], ranges: vec![0] };
        let told = list(&may_do, &first);
        assert_eq!(
            told,
            [
                "- run a, b\u{fffd}\u{fffd}- run nothing",
                "- read c.bin",
                "- write memory with a: 0x00000000 to 0x000000ff",
                "- do what can never be undone, in the step fuse: a burn",
            ]
        );
        let told = list(&may_do, &News { deeds: vec![1], ranges: vec![0] });
        assert_eq!(told[0], "- run a, b\u{fffd}\u{fffd}- run nothing (new)");
        assert!(told[2].ends_with(" (new)") && !told[1].contains("new") && !told[3].contains("new"), "{told:?}");
    }
}
