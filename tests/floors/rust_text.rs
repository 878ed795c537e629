//! Reads Rust text into words: enough to see what a file names, with comments and test modules left out.
//!
//! It is no parser: macros and types are only words to it.

/// One word of a Rust text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// An identifier or keyword.
    Name(String),
    /// What stands between the quotes of a string, escapes as written.
    Text(String),
    /// `::`
    Path,
    /// Any other single character that is not a blank.
    Sign(char),
}

impl Word {
    pub(crate) fn is(&self, sign: char) -> bool {
        *self == Word::Sign(sign)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Word::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// The words of a text, without comments.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = blank_or_comment(rest) {
            rest = &rest[length..];
        } else if let Some((content, length)) = string(rest) {
            words.push(Word::Text(content.to_owned()));
            rest = &rest[length..];
        } else if let Some(length) = character(rest) {
            rest = &rest[length..];
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            words.push(Word::Name(rest[..length].to_owned()));
            rest = &rest[length..];
        } else if let Some(after) = rest.strip_prefix("::") {
            words.push(Word::Path);
            rest = after;
        } else {
            words.push(Word::Sign(first));
            rest = &rest[first.len_utf8()..];
        }
    }
    words
}

/// The same without items under `#[cfg(test)]`, whole modules or single functions.
pub(crate) fn without_tests(words: &[Word]) -> Vec<Word> {
    let mark = self::words("#[cfg(test)]");
    let mut kept = Vec::new();
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        if let Some(item) = rest.strip_prefix(mark.as_slice()) {
            rest = &item[item_length(item)..];
        } else {
            kept.push(first.clone());
            rest = after;
        }
    }
    kept
}

/// Up to the first `;` or closing brace outside of everything else.
fn item_length(words: &[Word]) -> usize {
    let mut depth = 0_usize;
    for (index, word) in words.iter().enumerate() {
        match word {
            Word::Sign('{' | '(' | '[') => depth += 1,
            Word::Sign('}' | ')' | ']') => {
                depth = depth.saturating_sub(1);
                if depth == 0 && word.is('}') {
                    return index + 1;
                }
            }
            Word::Sign(';') if depth == 0 => return index + 1,
            _ => {}
        }
    }
    words.len()
}

fn blank_or_comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return text.chars().next().filter(|c| c.is_whitespace()).map(char::len_utf8);
    }
    let (mut depth, mut index) = (0_usize, 0);
    while index < text.len() {
        let rest = &text.as_bytes()[index..];
        if rest.starts_with(b"/*") {
            depth += 1;
            index += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return Some(index);
            }
        } else {
            index += 1;
        }
    }
    Some(text.len())
}

/// Content and whole length of a string, plain, raw or of bytes.
fn string(text: &str) -> Option<(&str, usize)> {
    let begin = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let prefix = text.len() - begin.len();
    if let Some(raw) = begin.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let content = raw[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let length = content.find(&close).unwrap_or(content.len());
        return Some((&content[..length], prefix + 1 + hashes + 1 + length + close.len()));
    }
    let content = begin.strip_prefix('"')?;
    let mut escaped = false;
    let length = content
        .char_indices()
        .find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        })
        .map_or(content.len(), |(index, _)| index);
    Some((&content[..length], prefix + 1 + length + 1))
}

/// The length of a character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let content = text.strip_prefix("b'").or_else(|| text.strip_prefix('\''))?;
    let prefix = text.len() - content.len();
    let length = match content.strip_prefix('\\') {
        Some(escape) => 1 + 1 + escape.char_indices().skip(1).find(|(_, c)| *c == '\'')?.0 - 1,
        None => content.chars().next()?.len_utf8(),
    };
    content[length..].starts_with('\'').then_some(prefix + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        words(text).iter().filter_map(|word| word.name().map(str::to_owned)).collect()
    }

    #[test]
    fn comments_characters_and_lifetimes_hide_nothing() {
        let text = "a // b\n/* c /* d */ e */ f 'g' h '\\'' i '\\u{1f}' b'\"' j<'k> \"l // m\" n r#\"o\"p\"# q";
        assert_eq!(names(text), ["a", "f", "h", "i", "j", "k", "n", "q"]);
        assert!(words(text).contains(&Word::Text("l // m".into())));
        assert!(words(text).contains(&Word::Text("o\"p".into())));
        assert_eq!(words(r#""a\\" "b\"c""#), [Word::Text(r"a\\".into()), Word::Text(r#"b\"c"#.into())]);
    }

    #[test]
    fn tests_are_left_out() {
        let text = "a; #[cfg(test)] mod tests { fn b() { c[d]; } } e; #[cfg(test)] #[cfg(unix)] mod f; g";
        let kept: Vec<_> =
            without_tests(&words(text)).iter().filter_map(|word| word.name().map(str::to_owned)).collect();
        assert_eq!(kept, ["a", "e", "g"]);
    }
}
