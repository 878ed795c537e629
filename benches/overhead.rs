//! What `recover` costs beside a `sh` script that does the same: per step, and to start.
//!
//! Both sides take turns, so that a busy machine slows both. Ratios are medians of the rounds; they hold for other
//! machines, the milliseconds only for this one.

#![expect(clippy::unwrap_used, reason = "what cannot be set up ends the measurement")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const STEPS: usize = 200;
const STEP_ROUNDS: usize = 11;
const START_ROUNDS: usize = 101;
const STEP_RATIO_AIM: f64 = 1.5;
const START_ABOVE_MS_AIM: f64 = 5.0;

const CATALOG: &str = r#"
[trivial]
summary = "prints its arguments"
programs = ["echo"]

[trivial.version]
args = ["trivial", "1.0"]
flavours = [{ pattern = '^trivial (?P<version>\d+\.\d+)$' }]

[[trivial.commands]]
name = "say"
with = ["done"]
success = ['^done$']
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

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    set_up(folder);
    per_step(folder);
    start_up(folder);
}

fn set_up(folder: &Path) {
    let mut playbook = "format: 1\nboard: Trivial board\nsteps:\n".to_owned();
    for _ in 0..STEPS {
        playbook.push_str("  - {run: trivial, args: [done]}\n");
    }
    let script = |text: &str| text.replace("STEPS", &STEPS.to_string());
    for (name, text) in [
        ("steps.yaml", playbook),
        ("vendor-tools.toml", CATALOG.to_owned()),
        ("steps.sh", script(SCRIPT)),
        ("bare.sh", script(BARE_SCRIPT)),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    // Leaves a bench with mock tools behind, to be started by themselves.
    time(folder, &recover(&["--playbook", "rt1062", "--simulate", "--bench", "bench"]));
}

fn per_step(folder: &Path) {
    let run = recover(&["--playbook", "steps.yaml", "--non-interactive", "--tool", "trivial=/bin/echo"]);
    let rounds = rounds(folder, STEP_ROUNDS, &[run, sh(&["steps.sh"]), sh(&["bare.sh"])]);
    println!("{STEPS} steps that each start a trivial program, {STEP_ROUNDS} rounds");
    let ratio = ratio(&rounds, 1);
    println!("  recover run : sh script that checks the output   {ratio:.2} ({})", aim(ratio, STEP_RATIO_AIM, "×"));
    println!("  recover run : sh script that only starts it      {:.2}", self::ratio(&rounds, 2));
}

fn start_up(folder: &Path) {
    let cases = [
        ("recover --version", recover(&["--version"])),
        (
            "a mock tool's --version",
            vec![folder.join("bench/bin/blhost").display().to_string(), "--version".to_owned()],
        ),
        ("recover check of one playbook", recover(&["check", "rt1062"])),
    ];
    let mut commands = vec![sh(&["-c", "true"])];
    commands.extend(cases.iter().map(|(_, command)| command.clone()));
    let rounds = rounds(folder, START_ROUNDS, &commands);
    println!("start-up, {START_ROUNDS} rounds");
    for (index, (name, _)) in cases.iter().enumerate() {
        let above = median(rounds.iter().map(|times| milliseconds(times[index + 1]) - milliseconds(times[0])));
        let ratio = median(rounds.iter().map(|times| milliseconds(times[index + 1]) / milliseconds(times[0])));
        let mut line = format!("  {name} : sh -c true");
        let _ = write!(line, "{:width$}{ratio:.2}", "", width = 51_usize.saturating_sub(line.len()));
        println!("{line}, {above:+.1} ms ({})", aim(above, START_ABOVE_MS_AIM, " ms above"));
    }
}

fn aim(value: f64, at_most: f64, unit: &str) -> String {
    let verdict = if value <= at_most { "met" } else { "MISSED" };
    format!("aim: at most {at_most}{unit}, {verdict}")
}

fn recover(args: &[&str]) -> Vec<String> {
    [env!("CARGO_BIN_EXE_recover")].iter().chain(args).map(|word| (*word).to_owned()).collect()
}

fn sh(args: &[&str]) -> Vec<String> {
    ["/bin/sh"].iter().chain(args).map(|word| (*word).to_owned()).collect()
}

/// The times of every command in every round, after one round that does not count.
fn rounds(folder: &Path, count: usize, commands: &[Vec<String>]) -> Vec<Vec<Duration>> {
    let round = |_| commands.iter().map(|command| time(folder, command)).collect();
    (0..=count).map(round).skip(1).collect()
}

fn time(folder: &Path, command: &[String]) -> Duration {
    let home = folder.join("home");
    std::fs::create_dir_all(&home).unwrap();
    let mut process = Command::new(&command[0]);
    process.args(&command[1..]).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"] {
        process.env(name, &home);
    }
    let begin = Instant::now();
    let status = process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let taken = begin.elapsed();
    assert!(status.success(), "{} ended with {status}", command.join(" "));
    taken
}

fn ratio(rounds: &[Vec<Duration>], other: usize) -> f64 {
    median(rounds.iter().map(|times| milliseconds(times[0]) / milliseconds(times[other])))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
