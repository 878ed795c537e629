//! Words, commands and numbers as people read them: quoting, wrapping, counting. Pure.

use std::time::Duration;

use console::measure_text_width;

use crate::words::describe_time;

/// Ends a line of a command that goes on in the next one.
const CONTINUATION: &str = " \\";
const CONTINUED_INDENT: &str = "  ";

/// One argument as a person would type it into a shell.
pub fn quote(argument: &str) -> String {
    const PLAIN: &str = "-_./:,=+@%^";
    let plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

/// A whole command, to be pasted into a shell.
pub fn quote_command(command: &[String]) -> String {
    command.iter().map(|argument| quote(argument)).collect::<Vec<_>>().join(" ")
}

/// A command in lines of at most `width` columns, unless one argument alone is wider: nothing is ever cut.
pub fn wrap_command(command: &[String], width: usize) -> Vec<String> {
    let words: Vec<String> = command.iter().map(|argument| clean(&quote(argument))).collect();
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

/// Text in lines of at most `width` columns; its own line breaks are kept, and words wider than a line stay whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    text.trim_end().split('\n').flat_map(|line| fill(words_of(line), width)).collect()
}

/// The first line after `first`, the others below it.
pub fn hang(first: &str, text: &str, width: usize) -> Vec<String> {
    let indent = measure_text_width(first);
    let mut lines = wrap(text, width.saturating_sub(indent).max(1));
    for (index, line) in lines.iter_mut().enumerate() {
        let lead = if index == 0 { first.to_owned() } else { " ".repeat(indent) };
        line.insert_str(0, &lead);
    }
    lines
}

/// Text from a document or a tool must not move the cursor or change colours.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
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
    fn wraps_commands_without_losing_anything() {
        let lines = wrap_command(&command(&["dfu-util", "-d", "0483:df11", "-a", "0", "-D", "firmware.bin"]), 26);
        assert_eq!(lines, ["dfu-util -d 0483:df11 \\", "  -a 0 -D firmware.bin"]);
        assert_eq!(
            wrap_command(&command(&["a", &"x".repeat(50)]), 10),
            ["a \\".to_owned(), format!("  {}", "x".repeat(50))]
        );
        assert!(wrap_command(&[], 10).concat().is_empty());
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
