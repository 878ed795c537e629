//! Faults of a catalog that can never decide, because an earlier one of the same tool takes everything they match.
//!
//! What a pattern matches is tried out with texts made from it: one for each alternative in it and each of a few characters
//! of a class. So a fault that is told here may match some further text, but none that its author is likely to have meant.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::tool::{Catalog, FaultPattern, Tool};
use crate::words::{Code, Diagnostic};

/// Alternatives of alternatives multiply: more texts than these are not tried.
const SAMPLES_MAX: usize = 400;
/// Characters tried for a class, of those it has.
const LIKELY: [char; 9] = ['a', 'Z', '0', '1', ' ', '_', '.', '/', 'x'];
const OF_CLASS_MAX: usize = 3;

/// A warning for each fault of the catalog that can never decide.
pub fn never_decide(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for tool in &catalog.tools {
        for (index, fault) in tool.faults.iter().enumerate() {
            let Some((winner, text)) = taken_by(tool, index) else { continue };
            let position = winner.place.position();
            let message = "this fault can never decide: an earlier one takes every text that it matches";
            let hint = format!(
                "`{text}` is taken by the fault in line {} of {}; put this one before it, or leave it out",
                position.line, winner.place.source.name
            );
            let warning = Diagnostic::warning(Code::ShadowedPattern, &fault.place, message).hint(hint);
            // Tools that are `like` another share its faults.
            if !found.iter().any(|known| known.place == warning.place) {
                found.push(warning);
            }
        }
    }
    found
}

/// Texts that the fault's pattern matches, none of which its `unless` excepts.
pub fn samples_of(fault: &FaultPattern) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(fault.pattern.as_str()) else { return Vec::new() };
    let excepted = |text: &str| fault.unless.as_ref().is_some_and(|unless| unless.is_match(text));
    let mut samples = samples(&hir);
    samples.retain(|text| fault.pattern.is_match(text) && !excepted(text));
    samples
}

/// The earlier fault that takes a text of this one, if each of them is taken, and one such text.
fn taken_by(tool: &Tool, index: usize) -> Option<(&FaultPattern, String)> {
    let fault = tool.faults.get(index)?;
    let mut taken = None;
    for text in samples_of(fault) {
        let earlier = tool.faults.iter().take(index);
        let winner = earlier.filter(|earlier| holds_wherever(earlier, fault)).find(|earlier| {
            earlier.pattern.is_match(&text) && !earlier.unless.as_ref().is_some_and(|unless| unless.is_match(&text))
        })?;
        taken = Some((winner, text));
    }
    taken
}

/// Does the earlier one apply to every call and stream to which the later one does?
fn holds_wherever(earlier: &FaultPattern, later: &FaultPattern) -> bool {
    let commands = earlier.commands.is_empty()
        || (!later.commands.is_empty() && later.commands.iter().all(|command| earlier.commands.contains(command)));
    commands && (earlier.stream.is_none() || earlier.stream == later.stream)
}

fn samples(hir: &Hir) -> Vec<String> {
    let mut samples = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(class) => of_class(class),
        HirKind::Repetition(repetition) => {
            let once = samples(&repetition.sub);
            let min = usize::try_from(repetition.min).unwrap_or(usize::MAX).min(SAMPLES_MAX);
            let mut counts = vec![min.max(1)];
            counts.extend((min == 0).then_some(0));
            counts.extend(repetition.max.is_none().then_some(min + 2));
            counts.iter().flat_map(|count| once.iter().map(|one| one.repeat(*count))).collect()
        }
        HirKind::Capture(capture) => samples(&capture.sub),
        HirKind::Alternation(parts) => parts.iter().flat_map(samples).collect(),
        HirKind::Concat(parts) => joined(&parts.iter().map(samples).collect::<Vec<_>>()),
    };
    samples.truncate(SAMPLES_MAX);
    samples
}

/// Every text of each part beside the first texts of the others: all are tried, if not all together.
fn joined(parts: &[Vec<String>]) -> Vec<String> {
    let first = |part: &Vec<String>| part.first().cloned().unwrap_or_default();
    let plain: Vec<String> = parts.iter().map(first).collect();
    let mut texts = vec![plain.concat()];
    for (index, part) in parts.iter().enumerate() {
        for text in part.iter().skip(1) {
            let mut varied = plain.clone();
            varied[index].clone_from(text);
            texts.push(varied.concat());
        }
    }
    texts
}

fn of_class(class: &Class) -> Vec<String> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
        }
    };
    let has = |letter: &char| ranges.iter().any(|(start, end)| (start..=end).contains(&letter));
    let mut letters: Vec<char> = LIKELY.into_iter().filter(has).take(OF_CLASS_MAX).collect();
    letters.extend(ranges.first().map(|(start, _)| *start).filter(|_| letters.is_empty()));
    letters.extend(ranges.last().map(|(_, end)| *end).filter(|end| end.is_ascii_graphic() && !letters.contains(end)));
    letters.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::catalog::{load, shipped};
    use crate::words::Source;

    fn catalog(faults: &str) -> Catalog {
        let text = format!(
            r#"[flasher]
summary = "flashes"
programs = ["flasher"]
version = {{ args = ["-V"], flavours = [{{ pattern = '(?P<version>\d+)' }}] }}
commands = [{{ name = "write", with = ["write"] }}, {{ name = "read", with = ["read"] }}]
faults = [
{faults}
]
"#
        );
        load(&Arc::new(Source { name: "tools.toml".to_owned(), text })).unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    /// The lines of faults that never decide, and the lines of those that take their texts.
    fn dead(faults: &[&str]) -> Vec<(usize, String)> {
        let entry = |fault: &&str| format!("{{ {fault}, class = \"refused\", message = \"x\" }},\n");
        let told = never_decide(&catalog(&faults.iter().map(entry).collect::<String>()));
        let line = |fault: &Diagnostic| fault.place.as_ref().map_or(0, |place| place.position().line) - 6;
        told.iter().map(|fault| (line(fault), fault.hint.clone().unwrap_or_default())).collect()
    }

    fn lines(faults: &[&str]) -> Vec<usize> {
        dead(faults).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_fault_behind_one_that_takes_all_its_texts_is_told() {
        let told = dead(&["pattern = 'Error:'", "pattern = 'Error: (?:no board|no file)'"]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, 2);
        assert!(told[0].1.contains("`Error: no file` is taken by the fault in line 7 of tools.toml"), "{told:?}");
        assert_eq!(lines(&[r"pattern = '[A-Z]+ failed'", r"pattern = '^ERASE failed$'"]), [2]);
        assert_eq!(lines(&["pattern = '(?i)error'", r"pattern = 'Error \d+'", "pattern = 'ERROR'"]), [2, 3]);
        assert_eq!(lines(&["pattern = 'a'", "pattern = 'b'", "pattern = 'a1|b2'"]), [3], "taken by two together");
    }

    #[test]
    fn a_fault_with_a_text_of_its_own_is_none() {
        assert_eq!(lines(&["pattern = 'Error: no board'", "pattern = 'Error:'"]), [0; 0]);
        assert_eq!(lines(&["pattern = 'Error: a'", "pattern = 'Error: (?:a|b)'"]), [0; 0]);
        let numbers = [r"pattern = 'partition 0x0*1\b'", "pattern = 'partition 0x[0-9A-F]+'"];
        assert_eq!(lines(&numbers), [0; 0]);
        assert_eq!(lines(&["pattern = 'lost', unless = 'lost again'", "pattern = 'lost again'"]), [0; 0]);
        assert_eq!(lines(&["pattern = '^$'", "pattern = 'x?'"]), [0; 0]);
    }

    #[test]
    fn a_narrower_fault_takes_only_what_it_is_for() {
        assert_eq!(lines(&["pattern = 'lost', commands = [\"write\"]", "pattern = 'lost'"]), [0; 0]);
        assert_eq!(lines(&["pattern = 'lost', stream = \"stderr\"", "pattern = 'lost'"]), [0; 0]);
        let both = "commands = [\"write\", \"read\"]";
        let narrower = format!("pattern = 'lost', {both}");
        assert_eq!(lines(&[&narrower, "pattern = 'lost', commands = [\"read\"]"]), [2]);
        assert_eq!(lines(&["pattern = 'lost'", "pattern = 'lost', stream = \"stderr\""]), [2]);
    }

    #[test]
    fn every_fault_of_the_shipped_catalog_can_decide() {
        let catalog = shipped().expect("has no faults");
        let told = never_decide(&catalog);
        assert!(told.is_empty(), "{told:#?}");
        for tool in &catalog.tools {
            for fault in &tool.faults {
                assert!(
                    !samples_of(fault).is_empty(),
                    "{}: no text was made for `{}`",
                    tool.name,
                    fault.pattern.as_str()
                );
            }
        }
    }
}
