//! A tool that prints a lot: how fast it is read and logged, with how much memory, and how alive the screen stays.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::place::memory_mib;
use crate::spread::Spread;
use crate::stand_in::{FLOOD, LINE_BYTES, tool, write_catalog};
use crate::support::House;
use crate::table::{Aim, Rows};
use crate::terminal::{Seen, screen};

const ROUNDS: usize = 5;
const TRIAL_BYTES: usize = 4_000_000;
/// Less than what the log takes of one run.
const BYTES_MAX: usize = 200_000_000;
/// So long one round is to take.
const ROUND: Duration = Duration::from_secs(2);

struct Flood {
    taken: Duration,
    peak_mib: f64,
    logged_bytes: u64,
    seen: Seen,
}

pub(crate) fn measure(rows: &mut Rows) {
    let trial = flood(TRIAL_BYTES);
    let fitting = TRIAL_BYTES as f64 * ROUND.as_secs_f64() / trial.taken.as_secs_f64();
    let bytes = (fitting as usize).clamp(TRIAL_BYTES, BYTES_MAX);
    let floods: Vec<Flood> = (0..ROUNDS).map(|_| flood(bytes)).collect();
    let speed = Spread::of(floods.iter().map(|flood| bytes as f64 / 1e6 / flood.taken.as_secs_f64()));
    let peak = Spread::of(floods.iter().map(|flood| flood.peak_mib));
    let what = format!("{} MB of a tool's output read and logged; memory", bytes / 1_000_000);
    let shown = format!("{} MB/s; {} MiB", speed.shown(0), peak.shown(0));
    rows.add_value(&what, Aim::AtLeast(300.0), speed.median(), " MB/s", &shown);
    let frames = floods.iter().map(|flood| flood.seen.frames as f64 / flood.taken.as_secs_f64());
    rows.add("– meanwhile the screen is redrawn", Aim::AtLeast(20.0), &Spread::of(frames), "/s", 0);
    let still = Spread::milliseconds(floods.iter().map(|flood| flood.seen.longest_still));
    let logged = floods.iter().map(|flood| flood.logged_bytes).min().unwrap_or_default();
    let whole = if logged >= bytes as u64 { "all of it" } else { "not all of it" };
    rows.remark(format!(
        "The longest time without a new frame was {} ms; the log (on the disk of the folder for temporary files) holds \
         {whole}.",
        still.shown(0)
    ));
}

fn flood(bytes: usize) -> Flood {
    let house = House::new();
    write_catalog(&house);
    let lines = bytes / LINE_BYTES;
    house.write(
        "flood.yaml",
        format!("format: 1\nboard: Camera\nsteps:\n  - {{run: flood, args: [act, \"{lines}\"], timeout: 5m}}\n"),
    );
    let option = tool(&house, FLOOD);
    let mut command = house.command(&["--playbook", "flood.yaml", "--non-interactive", "--tool", &option]);
    let (screen, [stdout, stderr]) = screen();
    command.stdout(stdout).stderr(stderr).env("TERM", "xterm-256color");
    let began = Instant::now();
    let mut run = command.spawn().unwrap();
    drop(command);
    let process = run.id();
    let (done, asked) = std::sync::mpsc::channel::<()>();
    let peak = std::thread::spawn(move || {
        let mut peak: f64 = 0.0;
        // The peak itself is kept by the system; the last look before the end counts.
        while asked
            .recv_timeout(Duration::from_millis(20))
            .is_err_and(|end| end == std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            peak = peak.max(memory_mib(process, "VmHWM").unwrap_or_default());
        }
        peak
    });
    let status = run.wait().unwrap();
    let taken = began.elapsed();
    drop(done);
    let peak_mib = peak.join().unwrap();
    let seen = screen.seen();
    assert!(status.success(), "the run failed: {}", String::from_utf8_lossy(&seen.text));
    Flood { taken, peak_mib, logged_bytes: bytes_below(&house.path("home/state")), seen }
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of =
        |path: PathBuf| if path.is_dir() { bytes_below(&path) } else { path.metadata().map_or(0, |file| file.len()) };
    entries.map(|entry| of(entry.path())).sum()
}
