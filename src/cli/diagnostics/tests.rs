//! Diagnostics as a person sees them, character by character.

use super::*;
use crate::words::Code;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { name: "board.yaml".to_owned(), text: text.to_owned() })
}

fn place(source: &Arc<Source>, word: &str) -> Place {
    let start = source.text.find(word).unwrap();
    Place::new(Arc::clone(source), start, start + word.len())
}

#[test]
fn looks_like_rustc() {
    let source = source("format: 1\nsteps:\n  - runn: dfu-util # über\n    timeout: soon\n");
    let diagnostics = [
        Diagnostic::warning(Code::BadTime, &place(&source, "soon"), "this is not a time span"),
        Diagnostic::error(Code::UnknownKey, &place(&source, "runn"), "unknown key `runn`")
            .label("no such action")
            .hint("write `run`"),
        Diagnostic::of_document(Code::Syntax, "the file ends too early"),
    ];
    assert_eq!(
        render(&diagnostics, &Look::plain()),
        "\
error[syntax]: the file ends too early

error[unknown-key]: unknown key `runn`
 --> board.yaml:3:5
  |
3 |   - runn: dfu-util # über
  |     ^^^^ no such action
  |
  = help: write `run`

warning[bad-time]: this is not a time span
 --> board.yaml:4:14
  |
4 |     timeout: soon
  |              ^^^^

2 errors, 1 warning
"
    );
}

#[test]
fn a_huge_line_is_shown_as_a_window() {
    let source = source(&format!("a: 1\nb: {}WRONG{}\n", "é".repeat(500_000), "é".repeat(500_000)));
    let shown =
        render(&[Diagnostic::error(Code::Malformed, &place(&source, "WRONG"), "this is wrong")], &Look::plain());
    assert!(shown.contains("--> board.yaml:2:500004\n"), "{shown}");
    assert!(shown.contains("WRONG") && shown.contains("^^^^^"), "{shown}");
    assert!(shown.len() < 2_000, "{} bytes", shown.len());
}

#[test]
fn a_huge_document_is_counted_once() {
    let source = source(&"key: value\n".repeat(2_000_000));
    let diagnostics: Vec<_> = (0..300)
        .map(|index| Place::new(Arc::clone(&source), 21_000_000 + 11 * index, 21_000_003 + 11 * index))
        .map(|place| Diagnostic::error(Code::Malformed, &place, "wrong"))
        .collect();
    let shown = render(&diagnostics, &Look::plain());
    assert!(shown.contains("200 more are not shown"), "{shown}");
    assert!(shown.ends_with("300 errors\n"));
}

#[test]
fn many_places_in_one_huge_line_are_no_trouble() {
    let source = source(&"{ü: 1}, ".repeat(1_000_000));
    let places = (0..100).map(|index| Place::new(Arc::clone(&source), 1 + 90_000 * index, 3 + 90_000 * index));
    let diagnostics: Vec<_> =
        places.map(|place| Diagnostic::error(Code::Malformed, &place, "w".repeat(10_000_000 / 100))).collect();
    let shown = render(&diagnostics, &Look::plain());
    assert!(shown.contains("--> board.yaml:1:80002\n"), "{}", &shown[..5_000]);
    assert!(shown.len() < 400_000, "{} bytes", shown.len());
}

#[test]
fn places_at_the_edges_are_no_trouble() {
    for (text, start, end) in
        [("", 0, 0), ("", 5, 9), ("a: ü", 4, 4), ("a\r\nb", 0, 3), ("a\n", 2, 2), ("\u{1b}[31m", 0, 4), ("a", 1, 0)]
    {
        let place = Place::new(source(text), start, end);
        let shown = render(&[Diagnostic::error(Code::Malformed, &place, "wrong")], &Look::plain());
        assert!(shown.contains("board.yaml:") && !shown.contains('\u{1b}'), "{text:?} {shown}");
    }
    assert_eq!(render(&[], &Look::plain()), "");
}
