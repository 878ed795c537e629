//! Tools are known before anybody is asked to touch anything: real processes that take their time to say their version.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::House;

const PLAYBOOK: &str = r#"
format: 1
board: Patient
devices:
  rom: {serial: "1209:0001", label: ROM}
steps:
  - {id: enter, prompt: Hold the button., until: {present: rom}, timeout: 2s}
  - {id: list, run: dfu-util, args: ["-l"], timeout: 10s}
"#;

const TOO_OLD: &str = "echo 'dfu-util 0.9'";
const USABLE: &str = "echo 'dfu-util 0.11'";

/// `place` is where the tool lies: `bin` is on PATH.
fn house(tools: &[(&str, String)]) -> House {
    let mut house = House::new();
    house.write("patient.yaml", PLAYBOOK);
    for (place, text) in tools {
        house.script(&format!("{place}/dfu-util"), text);
    }
    house.set("PATH", format!("{}:/usr/bin:/bin", house.path("work/bin").display()));
    house
}

const RUN: [&str; 3] = ["run", "./patient.yaml", "--non-interactive"];

#[test]
fn nobody_holds_a_button_for_a_tool_that_is_too_old() {
    let house = house(&[("bin", format!("sleep 1; {TOO_OLD}"))]);
    let tool = format!("dfu-util={}", house.path("work/bin/dfu-util").display());
    let ran = house.run(&[&RUN[..], &["--tool", tool.as_str()]].concat()).exits(4);
    ran.says("looking for dfu-util").says("0.9").never_says("Hold the button").never_says("To install dfu-util");
    // One that answers in time is asked for by nobody.
    let house = self::house(&[("bin", USABLE.to_owned())]);
    house.run(&RUN).says("Hold the button").never_says("looking for");
}

#[test]
fn the_wait_for_tools_can_be_ended() {
    let house = house(&[("bin", format!("sleep 15; {USABLE}"))]);
    let mut run = house.command(&RUN).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut screen = BufReader::new(run.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("looking for") {
        line.clear();
        assert_ne!(screen.read_line(&mut line).unwrap(), 0, "it never says that it looks for a tool");
    }
    let began = Instant::now();
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130), "{rest}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(!rest.contains("Hold the button"), "{rest}");
}

#[test]
fn what_is_passed_over_is_in_the_log_and_shown_on_request() {
    let mut house =
        house(&[("bin", USABLE.to_owned()), ("home/openmvide/share/qtcreator/dfu-util/linux64", TOO_OLD.to_owned())]);
    let home = house.path("work/home");
    house.set("HOME", &home);
    let reason = "it is version 0.9, and at least 0.11 is needed";
    let ran = house.run(&RUN).says("dfu-util 0.11").never_says(reason);
    house.run(&[&RUN[..], &["--verbose"]].concat()).says("no tool").says("openmvide").says(reason);
    let events = house.run(&[&RUN[..], &["--message-format", "json"]].concat()).events();
    let passed_over: Vec<_> = events.iter().filter(|event| event["event"] == "tool_passed_over").collect();
    assert_eq!((passed_over.len(), passed_over[0]["reason"].as_str()), (1, Some(reason)));
    let log = ran.text();
    let path = log.split("Log").nth(1).unwrap().trim().lines().next().unwrap().trim().to_owned();
    assert!(std::fs::read_to_string(path).unwrap().contains(&format!("found by {}", home.display())));
}
