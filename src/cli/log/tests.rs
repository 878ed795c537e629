//! The log of a run: what stands in it, and that each run gets its own.

use super::*;
use crate::words::Stream;

impl<W: Write + std::fmt::Debug> Log<W> {
    fn told(&mut self, event: &Event) -> Option<String> {
        self.event(&Told { ms: 1_234, ..Told::now(event) })
    }
}

fn output(text: &str, transient: bool) -> Event {
    Event::ToolOutput { step: "sbl".parse().unwrap(), stream: Stream::Stderr, text: text.to_owned(), transient }
}

#[test]
fn times_count_from_the_start() {
    let mut log = Log::new(Vec::new(), "run.log".into());
    assert_eq!(log.told(&Event::Warning { text: "first\nsecond".to_owned() }), None);
    log.told(&output("Erase \u{1b}[K45%", true));
    let text = String::from_utf8(log.writer.unwrap()).unwrap();
    assert_eq!(text, "    1.234 warning\n          first\n          second\n    1.234   err~ Erase [K45%\n");
}

#[test]
fn it_tells_what_was_passed_over_and_why() {
    let mut log = Log::new(Vec::new(), "run.log".into());
    log.told(&Event::LookingForTools { tools: vec!["flasher".into()] });
    log.told(&Event::ToolPassedOver {
        tool: "flasher".into(),
        program: "/old/flasher".into(),
        found_by: "PATH".into(),
        reason: "it is version 0.9".into(),
    });
    let text = String::from_utf8(log.writer.unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start().split_once(' ').unwrap().1).collect();
    let passed_over = "tool flasher: passed over /old/flasher, found by PATH: it is version 0.9";
    assert_eq!(lines, ["still looking for flasher", passed_over]);
}

#[derive(Debug)]
struct FullDisk;

impl Write for FullDisk {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_once() {
    let mut log = Log::new(FullDisk, "run.log".into());
    let complaint = log.told(&output("a", false)).unwrap();
    assert!(complaint.contains("run.log"), "{complaint}");
    assert_eq!(log.told(&output("b", false)), None);
}

#[test]
fn output_has_a_limit() {
    let mut log = Log::new(Vec::new(), "run.log".into());
    log.output_bytes = OUTPUT_BYTES_MAX - 1;
    log.told(&output("a", false));
    log.told(&output("b", false));
    let text = String::from_utf8(log.writer.unwrap()).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("left out"), "{text}");
}

/// What stands before a line may be many times as long as the line.
#[test]
fn the_limit_counts_what_is_written() {
    let lines: String = (0..1000).map(|number| format!("{}\n", number % 10)).collect();
    let block = Event::ToolLines { step: "sbl".parse().unwrap(), stream: Stream::Stdout, text: lines };
    for events in [vec![block], (0..1000).map(|number| output(&(number % 10).to_string(), false)).collect()] {
        let mut log = Log::new(Vec::new(), "run.log".into());
        for event in &events {
            log.told(event);
        }
        assert_eq!(log.output_bytes, log.writer.unwrap().len() as u64);
    }
}

#[test]
fn a_line_that_comes_again_and_again_is_counted() {
    let block =
        |text: &str| Event::ToolLines { step: "sbl".parse().unwrap(), stream: Stream::Stderr, text: text.into() };
    let mut log = Log::new(Vec::new(), "run.log".into());
    for event in
        [output("y", false), block("y\ny\ny\ny\n"), output("z", false), output("z", true), block("z\nz\nz\nz\n")]
    {
        log.told(&event);
    }
    log.told(&Event::Warning { text: "over".to_owned() });
    let text = String::from_utf8(log.writer.unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| &line[10..]).collect();
    let y = ["  err| y", "  err| y", "  err| y", "  (the line before this one came 2 times more)"];
    let z = ["  err| z", "  err~ z", "  err| z", "  err| z", "  err| z", "  (the line before this one came once more)"];
    assert_eq!(lines, [&y[..], &z, &["warning", "over"]].concat());
}
