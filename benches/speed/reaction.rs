//! From the moment a device is there until the next step's tool runs, and devices that are away only for a moment.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::netlink::{is_alone, tell, wait_for_listener};
use crate::place::{AtWork, needs_simulated_bus, of_house, recover, shown};
use crate::spread::Spread;
use crate::stand_in::{STAMP, Stamps, tool, write_catalog};
use crate::support::House;
use crate::table::{Aim, Rows};
use crate::usb_simulation::onlooked::{Onlooked, Opened};
use crate::usb_simulation::{PRELOAD_LIBRARY, UsbSimulation};

const ROUNDS: usize = 5;
const SAMPLES: usize = 20;
const BLINKS: usize = 10;
const ID: (u16, u16) = (0x1209, 0x0001);
const PORT: &str = "99-1";
/// udev makes a node and sets its mode some time after the bus has told of the device.
const NODE_AFTER: Duration = Duration::from_millis(20);
const P50_AIM_MS: f64 = 1.0;
const P99_AIM_MS: f64 = 5.0;
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn measure(rows: &mut Rows) {
    needs_simulated_bus();
    assert!(is_alone(), "no network of its own can be had (`unshare -rn`), so no hot-plug messages");
    let hid = |node_after| Opened::Hid { node_after };
    let late = format!(", node {} ms later", NODE_AFTER.as_millis());
    for (what, device, opened) in [
        ("HID device", "{hid: \"1209:0001\", label: Camera}", hid(Duration::ZERO)),
        (&format!("HID device{late}"), "{hid: \"1209:0001\", label: Camera}", hid(NODE_AFTER)),
        ("USB device, `settle: 0s`", "{usb: \"1209:0001\", label: Camera, settle: 0s}", Opened::Usb),
    ] {
        let runs: Vec<Vec<Duration>> = (0..ROUNDS).map(|_| reactions(device, opened)).collect();
        let p50 = Spread::of(runs.iter().map(|run| Spread::milliseconds(run.iter().copied()).median()));
        let all = Spread::milliseconds(runs.into_iter().flatten());
        let p99 = all.percentile(99);
        let shown = format!("p50 {} ms, p99 {p99:.1} ms", p50.shown(2));
        let met = p50.median() <= P50_AIM_MS && p99 <= P99_AIM_MS;
        let aim = format!("≤ {P50_AIM_MS} ms, {P99_AIM_MS} ms");
        rows.add_judged(&format!("{what} there → the next tool runs"), &aim, Some(met), &shown);
        rows.remark(format!("{what}: {} samples in {ROUNDS} runs, the slowest {:.1} ms.", all.count(), all.largest()));
    }
    let alone = Spread::milliseconds(starts_alone());
    rows.note(format!(
        "Starting that tool takes {} ms by itself, which is part of each reaction; the rest is what recover adds.",
        alone.shown(2)
    ));
    let seen: usize = (0..ROUNDS).map(|_| blinks()).sum();
    let shown = format!("{seen} of {}", ROUNDS * BLINKS);
    let what = "Device away for 1 to 50 ms: seen";
    rows.add_value(what, Aim::AtLeast((ROUNDS * BLINKS) as f64), seen as f64, "", &shown);
}

/// One run in which the device comes many times.
fn reactions(device: &str, opened: Opened) -> Vec<Duration> {
    let (mut house, bus) = (House::new(), UsbSimulation::new());
    let stamps = Stamps::new(&mut house);
    write_catalog(&house);
    let mut playbook = format!("format: 1\nboard: Camera\ndevices:\n  camera: {device}\nsteps:\n");
    for _ in 0..SAMPLES {
        playbook.push_str("  - {wait: {present: camera}, timeout: 1m}\n");
        playbook.push_str("  - {run: stamp, device: camera, args: [act]}\n");
        playbook.push_str("  - {wait: {gone: camera}, timeout: 1m}\n");
    }
    house.write("camera.yaml", playbook);
    let stamp = tool(&house, STAMP);
    let args = ["--playbook", "camera.yaml", "--non-interactive", "--tool", &stamp];
    let mut run = AtWork::start(&mut recover(&house, &bus, &args));
    assert!(wait_for_listener(PATIENCE), "recover does not listen for devices: {}", shown(&house));
    let mut times = Vec::new();
    for index in 0..SAMPLES {
        // Long enough for the wait to have begun, and not always the same.
        std::thread::sleep(Duration::from_millis(30 + 7 * (index as u64 % 5)));
        let camera = Onlooked::plug(&bus, ID, PORT, opened, tell);
        let began = stamps.next(PATIENCE).unwrap_or_else(|| panic!("the tool did not run: {}", shown(&house)));
        times.push(began.duration_since(camera.there_since).unwrap_or_default());
        // The tool has to end with its device there.
        std::thread::sleep(Duration::from_millis(20));
        camera.unplug();
    }
    assert!(run.ends_well(), "the run failed: {}", shown(&house));
    times
}

/// From the decision to start the tool until it runs.
fn starts_alone() -> Vec<Duration> {
    let mut house = House::new();
    let stamps = Stamps::new(&mut house);
    let option = tool(&house, STAMP);
    let program = option.split_once('=').unwrap().1;
    let start = || {
        let begin = SystemTime::now();
        let mut command = of_house(&house, program, &["act"]);
        command.env("LD_PRELOAD", PRELOAD_LIBRARY).stdout(Stdio::null());
        assert!(AtWork::start(&mut command).ends_well());
        stamps.next(PATIENCE).unwrap().duration_since(begin).unwrap_or_default()
    };
    (0..=SAMPLES).map(|_| start()).skip(1).collect()
}

/// How often the device was noticed to have been away.
fn blinks() -> usize {
    let (house, bus) = (House::new(), UsbSimulation::new());
    let device = "camera: {hid: \"1209:0001\", label: Camera}";
    let steps = "  - {wait: {again: camera}, timeout: 3s}\n".repeat(BLINKS);
    house.write("camera.yaml", format!("format: 1\nboard: Camera\ndevices:\n  {device}\nsteps:\n{steps}"));
    let opened = Opened::Hid { node_after: Duration::ZERO };
    let mut camera = Onlooked::plug(&bus, ID, PORT, opened, tell);
    let args = ["--playbook", "camera.yaml", "--non-interactive", "--message-format", "json"];
    let mut run = AtWork::start(recover(&house, &bus, &args).stdout(Stdio::piped()));
    let events = BufReader::new(run.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (mut seen, mut tried) = (0, 0);
    // The wait has begun when it says so, and says so once a second.
    let mut begun = false;
    for line in events {
        if line.contains(r#""event":"step_started""#) {
            begun = true;
        } else if line.contains(r#""event":"waiting""#) && begun && tried < BLINKS {
            begun = false;
            std::thread::sleep(Duration::from_millis(5));
            camera.unplug();
            std::thread::sleep(Duration::from_millis([1, 5, 10, 20, 50][tried % 5]));
            tried += 1;
            camera = Onlooked::plug(&bus, ID, PORT, opened, tell);
        } else if line.contains(r#""event":"wait_over""#) && line.contains(r#""end":"met""#) {
            seen += 1;
        }
    }
    seen
}
