//! Words, commands and numbers as people read them: quoting, wrapping, counting. Pure.

use std::time::Duration;

use console::measure_text_width;

use crate::cli::harmless::{columns, replaced};
use crate::documents::catalog::OperatingSystem;
use crate::documents::playbook::HandMove;
use crate::words::describe_time;
use crate::world::{LET_GO, quoted};

/// Ends a line of a command that goes on in the next one.
const CONTINUATION: &str = " \\";
const CONTINUED_INDENT: &str = "  ";
/// Begins a line of a text that is a command.
pub(super) const COMMAND_INDENT: &str = "  ";

/// "unplug, fit-jumper", or what a program is told that moves in place of hands and is to let go.
pub fn moves(hands: &[HandMove]) -> String {
    match hands {
        [] => LET_GO.to_owned(),
        hands => hands.iter().map(|hand| hand.word()).collect::<Vec<_>>().join(", "),
    }
}

/// One argument as a person would type it into a shell of this computer.
pub fn quote(argument: &str) -> String {
    quoted(argument, OperatingSystem::current())
}

/// A whole command, to be pasted into a shell.
pub fn quote_command(command: &[String]) -> String {
    command.iter().map(|argument| quote(argument)).collect::<Vec<_>>().join(" ")
}

/// A command in lines of at most `width` columns, unless one argument alone is wider: nothing is ever cut.
pub fn wrap_command(command: &[String], width: usize) -> Vec<String> {
    wrap_command_for(OperatingSystem::current(), command, width)
}

fn wrap_command_for(system: OperatingSystem, command: &[String], width: usize) -> Vec<String> {
    break_command(system, command.iter().map(|argument| clean(&quoted(argument, system))).collect(), width)
}

/// Text in lines of at most `width` columns; its own line breaks are kept, and words wider than a line stay whole. Lines
/// that begin with two blanks are commands to be pasted: they are broken as a shell goes on with them.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut lines = text.trim_end().split('\n');
    while let Some(line) = lines.next() {
        if !line.starts_with(COMMAND_INDENT) || line.trim().is_empty() {
            wrapped.extend(fill(words_of(line), width));
            continue;
        }
        let mut command = line.trim().to_owned();
        while let Some(begun) = command.strip_suffix('\\') {
            command = begun.to_owned();
            let Some(rest) = lines.next() else { break };
            command.push_str(rest.trim());
        }
        let system = OperatingSystem::current();
        let broken = break_command(system, shell_words(&command), width.saturating_sub(COMMAND_INDENT.len()));
        wrapped.extend(broken.into_iter().map(|line| format!("{COMMAND_INDENT}{line}")));
    }
    wrapped
}

/// Splits where a shell does, and keeps each word as it is written: blanks within quotes do not separate.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, letter) if letter.is_whitespace() => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                continue;
            }
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            // Not within '…', where a backslash means itself.
            (None | Some('"'), '\\') => {
                word.push(letter);
                word.extend(letters.next());
                continue;
            }
            _ => {}
        }
        word.push(letter);
    }
    words.extend((!word.is_empty()).then_some(word));
    words.iter().map(|word| clean(word)).collect()
}

/// The two shells of Windows go on in different ways, so that a command stays one line there, however long.
fn break_command(system: OperatingSystem, words: Vec<String>, width: usize) -> Vec<String> {
    if system == OperatingSystem::Windows {
        return vec![words.join(" ")];
    }
    let mut lines = fill(words, width.saturating_sub(CONTINUATION.len() + CONTINUED_INDENT.len()));
    let last = lines.len().saturating_sub(1);
    for line in &mut lines[..last] {
        line.push_str(CONTINUATION);
    }
    for line in lines.iter_mut().skip(1) {
        line.insert_str(0, CONTINUED_INDENT);
    }
    lines
}

/// The first line after `first`, the others below it.
pub fn hang(first: &str, text: &str, width: usize) -> Vec<String> {
    let indent = columns(first);
    let mut lines = wrap(text, width.saturating_sub(indent).max(1));
    for (index, line) in lines.iter_mut().enumerate() {
        let lead = if index == 0 { first.to_owned() } else { " ".repeat(indent) };
        line.insert_str(0, &lead);
    }
    lines
}

/// What it means that the system does not keep itself awake.
pub(super) fn may_sleep(reason: &str) -> String {
    format!("this computer is not kept awake while the board is written: {reason}")
}

/// Text from a document or a tool must not move the cursor or change colours.
pub fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    replaced(&text)
}

/// At most `width` columns of one line.
pub fn clip(text: &str, width: usize) -> String {
    console::truncate_str(&clean(text), width, "...").into_owned()
}

/// `1 retry`, `2 retries`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `1,048,576 bytes`: exact, because people compare it with the file in front of them.
pub fn bytes(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let unit = if number == 1 { "byte" } else { "bytes" };
    format!("{grouped} {unit}")
}

pub fn milliseconds(number: u64) -> String {
    describe_time(Duration::from_millis(number))
}

/// A countdown in whole seconds: tenths would only flicker.
pub fn time_left(remaining_ms: u64) -> String {
    let seconds = remaining_ms.div_ceil(1000);
    if seconds < 100 { format!("{seconds} s") } else { milliseconds(seconds * 1000) }
}

fn words_of(line: &str) -> Vec<String> {
    line.split_whitespace().map(clean).collect()
}

fn fill(words: Vec<String>, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words {
        let columns = measure_text_width(&word);
        if used > 0 && used + 1 + columns > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&word);
            used += columns;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn quotes_what_a_shell_would_split_or_expand() {
        let shown =
            quote_command(&command(&["blhost", "-u", "0x15A2,0x0073", "--", "a b", "it's", "", "$HOME", "a;b"]));
        assert_eq!(shown, r"blhost -u 0x15A2,0x0073 -- 'a b' 'it'\''s' '' '$HOME' 'a;b'");
    }

    #[test]
    fn on_windows_both_shells_take_what_is_quoted() {
        let shown = |word: &str| quoted(word, OperatingSystem::Windows);
        assert_eq!(shown(",0483:df11"), "\",0483:df11\"");
        assert_eq!(shown("0x15A2,0x0073"), "\"0x15A2,0x0073\"");
        assert_eq!(shown(r"C:\cam\firmware.bin"), r"C:\cam\firmware.bin");
        assert_eq!(shown(r"C:\my cam\"), r#""C:\my cam\\""#);
        assert_eq!(shown("it's"), "\"it's\"");
        assert_eq!(shown(r#"say "a""#), r#""say \"a\"""#);
        assert_eq!([shown(""), shown("a&b"), shown("@1")], ["\"\"", "\"a&b\"", "\"@1\""]);
    }

    #[test]
    fn wraps_commands_without_losing_anything() {
        let written = command(&["dfu-util", "-d", "0483:df11", "-a", "0", "-D", "firmware.bin"]);
        let lines = wrap_command_for(OperatingSystem::Linux, &written, 26);
        assert_eq!(lines, ["dfu-util -d 0483:df11 \\", "  -a 0 -D firmware.bin"]);
        let lines = wrap_command_for(OperatingSystem::Windows, &written, 26);
        assert_eq!(lines, ["dfu-util -d 0483:df11 -a 0 -D firmware.bin"]);
        assert_eq!(
            wrap_command(&command(&["a", &"x".repeat(50)]), 10),
            ["a \\".to_owned(), format!("  {}", "x".repeat(50))]
        );
        assert!(wrap_command(&[], 10).concat().is_empty());
    }

    #[test]
    fn commands_in_texts_can_be_pasted_whatever_the_width() {
        let command = r#"printf '%s\n' 'SUBSYSTEM=="usb", ATTRS{idVendor}=="0483", MODE="0666"' "two words" | sudo tee /etc/x.rules"#;
        let text = format!("Allow it with these commands, then plug it in again:\n  {command}\n  sudo udevadm trigger");
        for width in [20, 44, 60, 80, 400] {
            let lines = hang("  Do next    1. ", &text, width);
            let shown: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
            let begin = shown.iter().position(|line| line.starts_with("printf")).unwrap();
            let joined = shown[begin..].join("\n").replace("\\\n", "");
            let pasted: Vec<Vec<String>> = joined.lines().map(shell_words).collect();
            assert_eq!(pasted, [shell_words(command), shell_words("sudo udevadm trigger")], "{width}: {lines:#?}");
        }
    }

    #[test]
    fn a_command_of_several_lines_stays_one() {
        assert_eq!(wrap("Do:\n  a 'b c' \\\n  d\n  e", 40), ["Do:", "  a 'b c' d", "  e"]);
        assert_eq!(shell_words(r#"a 'b \' "c \" d" e\ f"#), ["a", r"'b \'", r#""c \" d""#, r"e\ f"]);
        assert_eq!(wrap("  ", 10), [""]);
    }

    #[test]
    fn wraps_text_and_keeps_its_paragraphs() {
        assert_eq!(wrap("one two three\n\nfour", 8), ["one two", "three", "", "four"]);
        assert_eq!(hang("  ! ", "one two three", 12), ["  ! one two", "    three"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(wrap("\u{1b}[31mred\u{7}\u{8}", 20), ["[31mred"]);
        assert_eq!(clip("a\tlong line", 8), "a lon...");
    }

    #[test]
    fn counts_and_groups() {
        assert_eq!(count(1, "retry", "retries"), "1 retry");
        assert_eq!(count(0, "step", "steps"), "0 steps");
        assert_eq!(bytes(1_048_576), "1,048,576 bytes");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(time_left(28_400), "29 s");
        assert_eq!(time_left(299_000), "4:59 min");
    }
}
