//! The blocks of the README and what they show.

/// What stands between two fences, without the indentation of the list it may be in.
#[derive(Debug)]
pub(crate) struct Block {
    language: String,
    text: String,
}

/// One command of a `console` block.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) command: String,
    pub(crate) exit_code: i32,
    /// Lines of its output, with elisions.
    pub(crate) shown: Vec<String>,
}

pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else { continue };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let content = lines.by_ref().take_while(|line| line.trim_start() != "```");
        let content = content.map(|line| line.strip_prefix(indentation).unwrap_or(line).to_owned() + "\n").collect();
        found.push(Block { language: language.to_owned(), text: content });
    }
    found
}

impl Block {
    pub(crate) fn examples(&self) -> Vec<Example> {
        let mut examples: Vec<Example> = Vec::new();
        if self.language != "console" {
            return examples;
        }
        for line in self.text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                let (command, exit_code) = command.split_once("  # exit code ").unwrap_or((command, "0"));
                let (command, exit_code) = (command.to_owned(), exit_code.parse().unwrap());
                examples.push(Example { command, exit_code, shown: Vec::new() });
            } else if let Some(example) = examples.last_mut() {
                example.shown.push(line.to_owned());
            }
        }
        examples
    }

    /// A document, with the file name of its first line.
    pub(crate) fn document(&self) -> Option<(&str, &str)> {
        let name = self.text.lines().next()?.strip_prefix("# ")?;
        ["yaml", "toml"].contains(&self.language.as_str()).then_some((name, self.text.as_str()))
    }
}

/// The first shown line that the output does not have in its place. A command shown alone may print anything.
pub(crate) fn mismatch(shown: &[String], output: &str) -> Option<String> {
    let mut rest: Vec<&str> = output.lines().collect();
    let mut anywhere = shown.is_empty();
    for line in shown {
        if line == "…" {
            anywhere = true;
            continue;
        }
        let found = rest.iter().position(|printed| fits(line, printed));
        match found {
            Some(index) if index == 0 || anywhere => rest.drain(..=index),
            _ => return Some(line.clone()),
        };
        anywhere = false;
    }
    (!anywhere && !rest.is_empty()).then(|| format!("(its end, where it goes on with `{}`)", rest[0]))
}

/// Is this the line that is shown, where each `…` stands for any text?
fn fits(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown == printed,
        Some((begin, after)) => printed
            .strip_prefix(begin)
            .is_some_and(|rest| rest.char_indices().any(|(index, _)| fits(after, &rest[index..])) || after.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(shown: &str, output: &str) -> Option<String> {
        mismatch(&shown.lines().map(str::to_owned).collect::<Vec<_>>(), output)
    }

    #[test]
    fn what_is_not_printed_is_noticed() {
        assert_eq!(wrong("a\n…\nc … e", "a\nb\nc d e\n"), None);
        assert_eq!(wrong("…\nb", "a\nb\n"), None);
        assert_eq!(wrong("a … c", "a c\n"), Some("a … c".into()));
        assert_eq!(wrong("b", "a\nb\n"), Some("b".into()));
        assert_eq!(wrong("…\nc", "a\nb\n"), Some("c".into()));
        assert_eq!(wrong("…\nb\n…\na", "a\nb\n"), Some("a".into()));
        assert!(wrong("a", "a\nb\n").is_some());
        assert_eq!(wrong("", "a\nb\n"), None);
    }

    #[test]
    fn blocks_are_read_as_written() {
        let text =
            "1. x\n\n   ```console\n   $ recover a  # exit code 6\n     b\n   ```\n\n```yaml\n# c.yaml\nd: e\n```\n";
        let blocks = blocks(text);
        let examples = blocks[0].examples();
        assert_eq!((examples[0].command.as_str(), examples[0].exit_code), ("recover a", 6));
        assert_eq!(examples[0].shown, ["  b"]);
        assert_eq!(blocks[1].document(), Some(("c.yaml", "# c.yaml\nd: e\n")));
    }
}
