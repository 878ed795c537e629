//! What a run costs while it waits for a device: memory and processor time.

use std::time::Duration;

use crate::place::{AtWork, needs_simulated_bus, recover};
use crate::spread::Spread;
use crate::stand_in::tool;
use crate::support::House;
use crate::table::{Aim, Rows};
use crate::terminal::{Screen, screen};
use crate::usb_simulation::UsbSimulation;

const RUNS: usize = 5;
const UNTIL_IDLE: Duration = Duration::from_secs(2);
const SPAN: Duration = Duration::from_secs(10);

struct Waiting {
    run: AtWork,
    _bus: UsbSimulation,
    _house: House,
}

/// All wait at the same time.
pub(crate) fn measure(rows: &mut Rows) {
    needs_simulated_bus();
    let quiet: Vec<Waiting> = (0..RUNS).map(|_| waiting(None)).collect();
    let (at_terminal, screens): (Vec<Waiting>, Vec<Screen>) = (0..RUNS)
        .map(|_| {
            let (screen, ends) = screen();
            (waiting(Some(ends)), screen)
        })
        .unzip();
    std::thread::sleep(UNTIL_IDLE);
    let used = |all: &[Waiting]| all.iter().map(|waiting| waiting.run.processor_time()).collect::<Option<Vec<_>>>();
    let spent = |before: Option<Vec<Duration>>, after: Option<Vec<Duration>>| {
        let (before, after) = before.zip(after).unwrap_or_else(|| panic!("recover did not wait"));
        let share = |(after, before): (Duration, Duration)| {
            100.0 * after.saturating_sub(before).as_secs_f64() / SPAN.as_secs_f64()
        };
        Spread::of(after.into_iter().zip(before).map(share))
    };
    let before = (used(&quiet), used(&at_terminal));
    std::thread::sleep(SPAN);
    let after = (used(&quiet), used(&at_terminal));
    let memory: Option<Vec<f64>> = quiet.iter().map(|waiting| waiting.run.memory_mib("VmRSS")).collect();
    let memory = memory.unwrap_or_else(|| panic!("recover did not wait"));
    rows.add("Waiting for a device: resident memory", Aim::AtMost(12.0), &Spread::of(memory), " MiB", 1);
    rows.add("– processor time, of one core", Aim::AtMost(0.1), &spent(before.0, after.0), " %", 2);
    rows.remark(format!("At a terminal, where a spinner turns, it is {} %.", spent(before.1, after.1).shown(2)));
    drop(at_terminal);
    let frames = screens.into_iter().map(|screen| screen.seen().frames as f64 / (UNTIL_IDLE + SPAN).as_secs_f64());
    rows.remark(format!("While it waits, the screen changes {} times a second.", Spread::of(frames).shown(0)));
}

/// The shipped playbook, up to the moment at which the person has to connect the board.
fn waiting(terminal: Option<[std::process::Stdio; 2]>) -> Waiting {
    let (house, bus) = (House::new(), UsbSimulation::new());
    house.images();
    let tools = ["blhost", "sdphost"].map(|name| tool(&house, name));
    let args = ["--playbook", "rt1062", "--files", "images", "--tool", &tools[0], "--tool", &tools[1]];
    let mut command = recover(&house, &bus, &[&args[..], &["--non-interactive"]].concat());
    if let Some([stdout, stderr]) = terminal {
        command.stdout(stdout).stderr(stderr).env("TERM", "xterm-256color");
    }
    let run = AtWork::start(&mut command);
    // The command holds the terminal's other end open.
    drop(command);
    Waiting { run, _bus: bus, _house: house }
}
