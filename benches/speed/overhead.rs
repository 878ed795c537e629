//! What `recover` costs beside a `sh` script that does the same: per step, and to start.

use std::process::Command;
use std::time::Duration;

use crate::place::{of_house, time};
use crate::spread::Spread;
use crate::support::House;
use crate::table::{Aim, Rows};

const STEPS: usize = 200;
const STEP_ROUNDS: usize = 11;
const START_ROUNDS: usize = 101;

const CATALOG: &str = r#"
[trivial]
summary = "prints its arguments"
programs = ["echo"]

[trivial.version]
args = ["trivial", "1.0"]
flavours = [{ pattern = '^trivial (?P<version>\d+\.\d+)$' }]

[[trivial.commands]]
name = "say"
reversible = true
with = ["done"]
success = ['^done$']

[[trivial.commands]]
name = "change"
reversible = true
with = ["change"]
success = ['^change$']
changes_board = true
"#;

/// Starts the program, looks for the evidence of success, says so, and stops at the first failure.
const SCRIPT: &str = r#"
step=0
while [ "$step" -lt STEPS ]; do
    output=$(/bin/echo done) || exit 1
    case "$output" in done) ;; *) exit 1 ;; esac
    step=$((step + 1))
    echo "[$step/STEPS] done"
done
"#;

/// Only starts the program.
const BARE_SCRIPT: &str = r#"
step=0
while [ "$step" -lt STEPS ]; do
    /bin/echo done || exit 1
    step=$((step + 1))
done
"#;

pub(crate) fn measure(rows: &mut Rows) {
    let house = House::new();
    let steps = "  - {run: trivial, args: [done]}\n".repeat(STEPS);
    house.write("steps.yaml", format!("format: 1\nboard: Trivial board\nsteps:\n{steps}"));
    house.write("../home/config/recover/vendor-tools.toml", CATALOG);
    for (name, text) in [("steps.sh", SCRIPT), ("bare.sh", BARE_SCRIPT)] {
        house.write(name, text.replace("STEPS", &STEPS.to_string()));
    }
    let recover = |args: &'static [&str]| move |house: &House| house.command(args);
    let run = recover(&["--playbook", "steps.yaml", "--non-interactive", "--tool", "trivial=/bin/echo"]);
    let times =
        rounds(&house, STEP_ROUNDS, &[&run, &|house| sh(house, &["steps.sh"]), &|house| sh(house, &["bare.sh"])]);
    let what = format!("{STEPS} steps with a trivial program: recover : `sh`");
    rows.add(&what, Aim::AtMost(1.3), &Spread::ratio(&times[0], &times[1]), "×", 2);
    let bare = Spread::ratio(&times[0], &times[2]);
    rows.remark(format!("recover : a script that does not look at the output of its steps {}×.", bare.shown(2)));

    let changes = "  - {run: trivial, args: [change]}\n".repeat(STEPS);
    house.write("changes.yaml", format!("format: 1\nboard: Trivial board\nsteps:\n{changes}"));
    let run = ["--playbook", "changes.yaml", "--non-interactive", "--tool", "trivial=/bin/echo"];
    let recorded = |house: &House| house.command(&run);
    let unrecorded = |house: &House| house.command(&[&run[..], &["--no-record"]].concat());
    let times = rounds(&house, STEP_ROUNDS, &[&recorded, &unrecorded]);
    let each = times[0]
        .iter()
        .zip(&times[1])
        .map(|(with, without)| (with.as_secs_f64() - without.as_secs_f64()) * 1e3 / STEPS as f64);
    let what = "The record of a step that changes the board, with its two syncs";
    rows.add(what, Aim::None, &Spread::of(each), " ms", 2);

    let times = rounds(
        &house,
        START_ROUNDS,
        &[&|house| sh(house, &["-c", "true"]), &recover(&["--version"]), &recover(&["check", "rt1062"])],
    );
    let above = |index: usize| {
        let pairs = times[index].iter().zip(&times[0]);
        Spread::of(pairs.map(|(one, sh)| (one.as_secs_f64() - sh.as_secs_f64()) * 1e3))
    };
    rows.add("Start of `recover --version`, above `sh -c true`", Aim::AtMost(3.0), &above(1), " ms", 1);
    rows.remark(format!("`recover check rt1062` takes {} ms above `sh -c true`.", above(2).shown(1)));
}

fn sh(house: &House, args: &[&str]) -> Command {
    of_house(house, "/bin/sh", args)
}

/// The times of each command, after one round that does not count. All take turns, so that a busy machine slows all.
fn rounds(house: &House, count: usize, commands: &[&dyn Fn(&House) -> Command]) -> Vec<Vec<Duration>> {
    let mut times = vec![Vec::new(); commands.len()];
    for round in 0..=count {
        for (times, command) in times.iter_mut().zip(commands) {
            let taken = time(&mut command(house));
            if round > 0 {
                times.push(taken);
            }
        }
    }
    times
}
