//! Patterns that look at the wrong thing.

use regex::Regex;

/// Matches every line, and has a group like those that captures need.
pub(super) fn anything() -> Option<Regex> {
    Regex::new("^").ok()
}

/// The pattern with its first plain digit or, without one, its first plain letter exchanged.
pub(super) fn changed(pattern: &Regex) -> Option<Regex> {
    let text = pattern.as_str();
    let plain = plain_characters(text);
    let exchange = |fits: fn(char) -> bool| {
        let (at, found) = plain.iter().copied().find(|(_, letter)| fits(*letter))?;
        let other = match found {
            '9' => '0',
            'z' => 'a',
            'Z' => 'A',
            found => char::from_u32(u32::from(found) + 1)?,
        };
        let mut text = text.to_owned();
        text.replace_range(at..at + found.len_utf8(), &other.to_string());
        Regex::new(&text).ok()
    };
    exchange(|letter| letter.is_ascii_digit()).or_else(|| exchange(|letter| letter.is_ascii_alphabetic()))
}

/// Characters that stand for themselves, outside of classes, counts, escapes and the heads of groups.
fn plain_characters(text: &str) -> Vec<(usize, char)> {
    let mut plain = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let closing = match letter {
            '\\' => {
                letters.next();
                continue;
            }
            '[' => ']',
            '{' => '}',
            '(' if letters.peek().is_some_and(|(_, next)| *next == '?') => match text[at..].find([':', '>']) {
                Some(_) => ':',
                None => ')',
            },
            letter => {
                plain.push((at, letter));
                continue;
            }
        };
        while let Some((_, inner)) = letters.next() {
            if inner == '\\' {
                letters.next();
            } else if inner == closing || closing == ':' && inner == '>' {
                break;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_for_itself_is_exchanged() {
        let text = |pattern: &str| changed(&Regex::new(pattern).unwrap()).unwrap().to_string();
        assert_eq!(text(r"Response word 2 = (\d+) "), r"Response word 3 = (\d+) ");
        assert_eq!(text(r"^SES\s[A-Z]\d{1,2} v"), r"^TES\s[A-Z]\d{1,2} v");
        assert_eq!(text(r"(?P<version>\d+) done"), r"(?P<version>\d+) eone");
        assert!(changed(&Regex::new(r"\d+").unwrap()).is_none());
    }
}
