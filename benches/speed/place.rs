//! Programs at work, measured from outside.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::House;
use crate::usb_simulation::{PRELOAD_LIBRARY, UsbSimulation};

/// Nothing that is measured takes so long.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// A process that does not outlive its measurement.
#[derive(Debug)]
pub(crate) struct AtWork(pub(crate) Child);

impl AtWork {
    pub(crate) fn start(command: &mut Command) -> AtWork {
        AtWork(command.spawn().unwrap())
    }

    /// Did it end well, and in time?
    pub(crate) fn ends_well(&mut self) -> bool {
        let give_up = Instant::now() + HANGS_AFTER;
        loop {
            match self.0.try_wait().unwrap() {
                Some(status) => return status.success(),
                None if Instant::now() > give_up => return false,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Processor time so far, of all its threads; none once it has ended.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).ok()?;
        let of_task = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
        };
        tasks.flatten().map(of_task).sum()
    }

    /// A line of `/proc/PID/status` in MiB, such as `VmRSS`.
    pub(crate) fn memory_mib(&self, key: &str) -> Option<f64> {
        memory_mib(self.0.id(), key)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn memory_mib(process: u32, key: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kibibytes| kibibytes / 1024.0)
}

/// `recover` in front of a simulated bus.
pub(crate) fn recover(house: &House, bus: &UsbSimulation, args: &[&str]) -> Command {
    let mut command = house.command(args);
    command.env("LD_PRELOAD", PRELOAD_LIBRARY).env("UMOCKDEV_DIR", bus.folder());
    let screen = File::create(house.path("screen")).unwrap();
    command.stdout(screen.try_clone().unwrap()).stderr(screen);
    command
}

/// The end of what `recover` has shown, in one line.
pub(crate) fn shown(house: &House) -> String {
    let text = fs::read_to_string(house.path("screen")).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    words[words.len().saturating_sub(60)..].join(" ")
}

/// Another program, where `recover` would run.
pub(crate) fn of_house(house: &House, program: &str, args: &[&str]) -> Command {
    let like = house.command(&[]);
    let mut command = Command::new(program);
    command.args(args).current_dir(like.get_current_dir().unwrap()).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Says so, and ends the measurement, where there is no simulated bus.
pub(crate) fn needs_simulated_bus() {
    let output = Command::new("/bin/sh").args(["-c", "true"]).env("LD_PRELOAD", PRELOAD_LIBRARY).output().unwrap();
    let missing = String::from_utf8_lossy(&output.stderr).contains("cannot be preloaded");
    assert!(!missing, "{PRELOAD_LIBRARY} is missing (package umockdev)");
}

/// How long it takes from start to end.
pub(crate) fn time(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().unwrap();
    let taken = begin.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    taken
}
