//! The events for programs: one JSON object per line.

use std::io::Write;

use crate::cli::harmless::is_order;
use crate::cli::reader::Reader;
use crate::engine::{Event, Told};
use crate::words::steers;

/// Writes every event but the overwritten pieces of progress bars. The last line is [`Event::Finished`].
#[derive(Debug)]
pub struct Json<W> {
    /// None once the other end has closed: then nobody reads, and the run goes on unheard.
    writer: Option<W>,
}

impl<W: Write> Json<W> {
    pub fn new(writer: W) -> Json<W> {
        Json { writer: Some(writer) }
    }
}

impl<W: Write + std::fmt::Debug> Reader for Json<W> {
    fn event(&mut self, told: &Told<&Event>) -> Option<String> {
        let lines = in_lines(told, |told| {
            let mut line = Vec::new();
            write_line(&mut line, told).map(|()| line)
        });
        let writer = self.writer.as_mut()?;
        if lines.and_then(|lines| writer.write_all(&lines)).and_then(|()| writer.flush()).is_err() {
            self.writer = None;
        }
        None
    }
}

/// The event as programs are told it and as it is kept: one for each line of a tool, and none for what the tool overwrites.
pub(super) fn in_lines(
    told: &Told<&Event>,
    mut line_of: impl FnMut(&Told<&Event>) -> std::io::Result<Vec<u8>>,
) -> std::io::Result<Vec<u8>> {
    match told.event {
        Event::ToolOutput { transient: true, .. } => Ok(Vec::new()),
        Event::ToolLines { step, stream, text } => {
            let mut lines = Vec::new();
            for line in text.lines() {
                let (step, text) = (step.clone(), line.to_owned());
                let event = Event::ToolOutput { step, stream: *stream, text, transient: false };
                lines.extend(line_of(&Told { event: &event, ..*told })?);
            }
            Ok(lines)
        }
        _ => line_of(told),
    }
}

/// One value as one line, handed on at once: a reader must not wait for the next event to see this one.
pub fn write_line<W: Write>(writer: &mut W, value: &impl serde::Serialize) -> std::io::Result<()> {
    let mut line = escaped(serde_json::to_string(value)?);
    line.push('\n');
    writer.write_all(line.as_bytes())?;
    writer.flush()
}

/// The same JSON, without characters that steer a terminal and without orders to whatever runs us as one of its jobs: both
/// can stand in texts only, and there in this form.
fn escaped(json: String) -> String {
    if json.bytes().all(|byte| matches!(byte, b' '..=b'"' | b'$'..=b'~')) {
        return json;
    }
    let mut text = String::with_capacity(json.len());
    for (index, character) in json.char_indices() {
        if steers(character) || (character == '#' && is_order(&json[index + 1..])) {
            let mut units = [0; 2];
            text.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Outcome;
    use crate::words::Stream;

    fn output(transient: bool) -> Event {
        Event::ToolOutput { step: "sbl".parse().unwrap(), stream: Stream::Stdout, text: "45 %".to_owned(), transient }
    }

    fn finished() -> Event {
        Event::Finished {
            outcome: Outcome::Declined,
            exit_code: Outcome::Declined.exit_code(),
            problem: None,
            next: Vec::new(),
            elapsed_ms: 12,
            steps_done: 1,
            steps_skipped: 0,
            retries: 0,
            restarts: 0,
            warnings: 0,
        }
    }

    #[test]
    fn one_object_per_line_and_no_progress_bars() {
        let mut json = Json::new(Vec::new());
        for event in [output(true), output(false), finished()] {
            assert_eq!(json.event(&Told::now(&event)), None);
        }
        let text = String::from_utf8(json.writer.unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| line.rsplit_once(",\"ms\":").unwrap().0).collect();
        assert_eq!(
            lines,
            [
                r#"{"event":"tool_output","step":"sbl","stream":"stdout","text":"45 %","transient":false"#,
                "{\"event\":\"finished\",\"outcome\":\"declined\",\"exit_code\":6,\"problem\":null,\"next\":[],\"elapsed_ms\":12,\
                 \"steps_done\":1,\"steps_skipped\":0,\"retries\":0,\"restarts\":0,\"warnings\":0"
            ]
        );
    }

    #[test]
    fn texts_are_the_same_and_steer_nothing() {
        let text = "ä \u{1b}[31m \u{9b} \u{202e} \u{200b} \u{e0041} \n##[error]x # ##";
        let mut line = Vec::new();
        write_line(&mut line, &text).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(!line.trim_end().chars().any(steers) && !line.contains("##["), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn a_closed_pipe_ends_the_writing_and_nothing_else() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut json = Json::new(writer);
        assert_eq!(json.event(&Told::now(&output(false))), None);
        assert!(json.writer.is_none());
        assert_eq!(json.event(&Told::now(&finished())), None);
    }
}
