//! Runs the targets on every core, and counts what each input takes.
//!
//! An input is told by its number alone, so that it can be made again. What is at work stands in a file, for the case that
//! the process itself does not survive it.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::MEMORY;
use crate::corpus;
use crate::mutate::Pool;
use crate::targets::Target;

/// An input that takes longer has found something; of the thread's own time, so that a loaded machine makes no difference.
const TIME_MAX: Duration = Duration::from_secs(2);
/// And after so long it is not waited for any more.
const HANGS_AFTER: Duration = Duration::from_secs(120);
/// More than this, in bytes, has found something. All threads together: what takes little is no matter here.
const MEMORY_MAX: usize = 256 * 1024 * 1024;
/// What the program's main thread has on the system that gives it least.
const STACK_BYTES: usize = 1 << 20;
/// Then one knows.
const FINDINGS_MAX: usize = 20;

pub(crate) struct Settings {
    pub(crate) time: Duration,
    /// Number of the first input.
    pub(crate) first: u64,
    /// Every seed as it is, however long that takes; else as many as there is time for, but what was found before.
    pub(crate) all_seeds: bool,
}

/// The same inputs each time.
pub(crate) fn short(time: Duration) -> Settings {
    Settings { time, first: 1, all_seeds: false }
}

#[derive(Debug)]
pub(crate) struct Finding {
    target: &'static str,
    /// None: one of the seeds themselves.
    number: Option<u64>,
    words: String,
    kept: PathBuf,
}

#[derive(Default)]
struct Counted {
    inputs: u64,
    slowest: Duration,
    slowest_number: Option<u64>,
    time: Duration,
}

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    counted: Vec<(&'static str, Counted)>,
    memory_max: usize,
    first: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "target          inputs   per second   slowest")?;
        for (name, counted) in &self.counted {
            let per_second = counted.inputs as f64 / counted.time.as_secs_f64().max(1e-9);
            let slowest = counted.slowest.as_secs_f64() * 1e3;
            let number = counted.slowest_number.map(|number| format!(" ({name}:{number})")).unwrap_or_default();
            writeln!(f, "{name:<12} {:>9} {per_second:>12.0} {slowest:>6.1} ms{number}", counted.inputs)?;
        }
        let inputs: u64 = self.counted.iter().map(|(_, counted)| counted.inputs).sum();
        let memory = self.memory_max / (1024 * 1024);
        writeln!(
            f,
            "{inputs} inputs from number {} on; at most {memory} MiB; {} findings",
            self.first,
            self.findings.len()
        )?;
        for Finding { target, number, words, kept } in &self.findings {
            let number = number.map_or("seed".to_owned(), |number| number.to_string());
            writeln!(f, "{target}:{number}: {words}\n    kept as {}", kept.display())?;
        }
        Ok(())
    }
}

thread_local! {
    /// What the last panic of this thread said.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Turns a panic of a thread that fuzzes into words; others are told as ever.
fn listen() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some("fuzz") {
            return before(panic);
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let words = (panic.payload().downcast_ref::<String>().map(String::as_str))
            .or_else(|| panic.payload().downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words");
        SAID.set(Some(format!("{place}: {}", words.chars().take(600).collect::<String>())));
    }));
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn keep(target: &str, number: Option<u64>, input: &[u8]) -> PathBuf {
    let number = number.map_or_else(|| format!("seed-{}", input.len()), |number| number.to_string());
    let path = folder().join(format!("{target}-{number}"));
    std::fs::write(&path, input).unwrap();
    path
}

/// What one thread is about to do.
struct Worker<'a> {
    at_work: File,
    /// In milliseconds since the start; 0: nothing.
    began_ms: &'a AtomicU64,
    started: Instant,
    report: &'a Mutex<Report>,
}

impl Worker<'_> {
    /// The thread's own time that the input took.
    fn try_input(&mut self, target: &'static Target, number: Option<u64>, input: &[u8]) -> Duration {
        let named = format!("{}:{:<24}\n", target.name, number.map_or("seed".to_owned(), |number| number.to_string()));
        self.at_work.rewind().and_then(|()| self.at_work.write_all(named.as_bytes())).unwrap();
        self.began_ms.store(milliseconds(self.started).max(1), Ordering::Relaxed);
        let before = own_time();
        let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
        let took = own_time().saturating_sub(before);
        self.began_ms.store(0, Ordering::Relaxed);
        let memory = MEMORY.peak_usage();
        let words = if ended.is_err() {
            SAID.take()
        } else if took > TIME_MAX {
            Some(format!("it took {} s", took.as_secs_f64()))
        } else if memory > MEMORY_MAX {
            Some(format!("{} MiB are held, by this or by what another thread does", memory >> 20))
        } else {
            None
        };
        let mut report = self.report.lock().unwrap();
        report.memory_max = report.memory_max.max(memory);
        if memory > MEMORY_MAX {
            MEMORY.reset_peak_usage();
        }
        if let Some(words) = words
            && report.findings.len() < FINDINGS_MAX
            && !report.findings.iter().any(|known| known.target == target.name && alike(&known.words, &words))
        {
            let kept = keep(target.name, number, input);
            report.findings.push(Finding { target: target.name, number, words, kept });
        }
        let (_, counted) = report.counted.iter_mut().find(|(name, _)| *name == target.name).unwrap();
        counted.inputs += 1;
        counted.time += took;
        if took > counted.slowest {
            counted.slowest = took;
            counted.slowest_number = number;
        }
        took
    }
}

/// From the same place in the program.
fn alike(one: &str, other: &str) -> bool {
    let place = |words: &str| words.split(": ").next().map(str::to_owned);
    place(one) == place(other)
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap()
}

#[cfg(unix)]
fn own_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

#[cfg(not(unix))]
fn own_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}

/// First every seed as it is, then inputs made of them, target by target, so that each gets the same share of the time.
pub(crate) fn fuzz(targets: &[&'static Target], settings: &Settings) -> Report {
    listen();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let pools: Vec<Pool> = targets.iter().map(|target| Pool::new((target.seeds)())).collect();
    let counted = targets.iter().map(|target| (target.name, Counted::default())).collect();
    let report = Mutex::new(Report { counted, first: settings.first, ..Report::default() });
    let began: Vec<Arc<AtomicU64>> = (0..threads).map(|_| Arc::new(AtomicU64::new(0))).collect();
    // What was found before comes first, of each target; then the others, a few of each.
    let mut seeds: Vec<(usize, usize, &[u8])> = Vec::new();
    for (index, pool) in pools.iter().enumerate() {
        let found = corpus::found(targets[index].name).len();
        seeds.extend(
            pool.seeds()
                .iter()
                .enumerate()
                .map(|(rank, seed)| ((rank + 1).saturating_sub(found), index, seed.as_slice())),
        );
    }
    seeds.sort_by_key(|(rank, ..)| *rank);
    let next_seed = AtomicUsize::new(0);
    // Of each target: a faster machine goes further, along the same inputs.
    let next_numbers: Vec<AtomicU64> = targets.iter().map(|_| AtomicU64::new(settings.first)).collect();
    let started = Instant::now();
    let left = AtomicUsize::new(threads);
    std::thread::scope(|scope| {
        for (thread, began_ms) in began.iter().enumerate() {
            let (report, seeds, pools, next_seed, next_numbers, left) =
                (&report, &seeds, &pools, &next_seed, &next_numbers, &left);
            let work = move || {
                let at_work = File::create(folder().join(format!("at-work-{thread}"))).unwrap();
                let mut worker = Worker { at_work, began_ms, started, report };
                while let Some((rank, target, seed)) = seeds.get(next_seed.fetch_add(1, Ordering::Relaxed)) {
                    // Half of a short time is for inputs that are new.
                    if *rank > 0 && !settings.all_seeds && started.elapsed() > settings.time / 2 {
                        break;
                    }
                    worker.try_input(targets[*target], None, seed);
                }
                let mut spent = vec![Duration::ZERO; targets.len()];
                while started.elapsed() < settings.time {
                    // The one that has had least.
                    let index = (0..targets.len()).min_by_key(|index| spent[*index]).unwrap();
                    let number = next_numbers[index].fetch_add(1, Ordering::Relaxed);
                    let before = own_time();
                    let input = pools[index].input(number);
                    worker.try_input(targets[index], Some(number), &input);
                    spent[index] += own_time().saturating_sub(before);
                }
                left.fetch_sub(1, Ordering::Relaxed);
            };
            std::thread::Builder::new()
                .name("fuzz".to_owned())
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, work)
                .unwrap();
        }
        while left.load(Ordering::Relaxed) > 0 {
            for (thread, began_ms) in began.iter().enumerate() {
                let began_ms = began_ms.load(Ordering::Relaxed);
                let took = milliseconds(started).saturating_sub(began_ms);
                if began_ms > 0 && u128::from(took) > HANGS_AFTER.as_millis() {
                    let path = folder().join(format!("at-work-{thread}"));
                    eprintln!("it hangs: {}", std::fs::read_to_string(path).unwrap());
                    std::process::abort();
                }
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    report.into_inner().unwrap()
}

/// One input again, alone and unguarded.
pub(crate) fn one(target: &'static Target, number: u64) {
    let input = Pool::new((target.seeds)()).input(number);
    println!("kept as {}", keep(target.name, Some(number), &input).display());
    let run = move || {
        let before = own_time();
        (target.run)(&input);
        println!("{} s, {} MiB", (own_time() - before).as_secs_f64(), MEMORY.peak_usage() >> 20);
    };
    let ended = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap().join();
    assert!(ended.is_ok(), "it panicked");
}
