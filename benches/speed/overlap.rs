//! A tool that is slow to tell its version, while the person moves the jumper.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::netlink::{is_alone, tell};
use crate::place::{AtWork, needs_simulated_bus, recover, shown};
use crate::spread::Spread;
use crate::stand_in::{SLOW, SLOW_STAMP, STAMP, Stamps, tool, write_catalog};
use crate::support::House;
use crate::table::{Aim, Rows};
use crate::usb_simulation::UsbSimulation;
use crate::usb_simulation::onlooked::{Onlooked, Opened};

const ROUNDS: usize = 5;
/// How long the hands take after the screen has told what to do.
const HANDS: Duration = Duration::from_millis(1200);

pub(crate) fn measure(rows: &mut Rows) {
    needs_simulated_bus();
    assert!(is_alone(), "no network of its own can be had (`unshare -rn`), so no hot-plug messages");
    let pairs: Vec<[Times; 2]> = (0..ROUNDS).map(|_| [SLOW_STAMP, STAMP].map(run)).collect();
    let spread =
        |index: usize, of: &dyn Fn(&Times) -> Duration| Spread::milliseconds(pairs.iter().map(|pair| of(&pair[index])));
    let slow = SLOW.as_secs();
    let added = |of: &dyn Fn(&Times) -> Duration| {
        Spread::of(pairs.iter().map(|[slow, quick]| (of(slow).as_secs_f64() - of(quick).as_secs_f64()) * 1e3))
    };
    let what = format!("Tool that takes {slow} s to tell its version: first step later by");
    rows.add(&what, Aim::AtMost(5.0), &added(&|times| times.acted), " ms", 1);
    rows.remark(format!(
        "With a quick tool the person is asked after {} ms and the first step runs {} ms after the device came; with the \
         slow one after {} ms and {} ms.",
        spread(1, &|times| times.prompted).shown(0),
        spread(1, &|times| times.acted).shown(1),
        spread(0, &|times| times.prompted).shown(0),
        spread(0, &|times| times.acted).shown(1),
    ));
}

struct Times {
    /// From the start until the person is asked.
    prompted: Duration,
    /// From the device's coming until the first step's tool runs.
    acted: Duration,
}

fn run(name: &str) -> Times {
    let (mut house, bus) = (House::new(), UsbSimulation::new());
    let stamps = Stamps::new(&mut house);
    write_catalog(&house);
    house.write(
        "camera.yaml",
        format!(
            "format: 1\nboard: Camera\ndevices:\n  camera: {{hid: \"1209:0001\", label: Camera}}\nsteps:\n  - prompt: \
             Connect the camera.\n    until: {{present: camera}}\n    timeout: 1m\n  - run: {name}\n    device: camera\n    \
             args: [act]\n"
        ),
    );
    let option = tool(&house, name);
    let args = ["--playbook", "camera.yaml", "--non-interactive", "--tool", &option];
    let began = Instant::now();
    let mut run = AtWork::start(recover(&house, &bus, &args).stdout(Stdio::piped()));
    let mut screen = BufReader::new(run.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(screen.any(|line| line.contains("YOU")), "nobody is asked to connect the camera");
    let prompted = began.elapsed();
    let rest = std::thread::spawn(move || screen.for_each(drop));
    std::thread::sleep(HANDS);
    let camera = Onlooked::plug(&bus, (0x1209, 1), "99-1", Opened::Hid { node_after: Duration::ZERO }, tell);
    let stamp =
        stamps.next(Duration::from_secs(10)).unwrap_or_else(|| panic!("the tool did not run: {}", shown(&house)));
    let acted = stamp.duration_since(camera.there_since).unwrap_or_default();
    assert!(run.ends_well(), "the run failed: {}", shown(&house));
    rest.join().unwrap();
    camera.unplug();
    Times { prompted, acted }
}
