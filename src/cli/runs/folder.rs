//! Where records of runs are kept, how their folders are named, and which of them are old enough to go.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::documents::catalog::OperatingSystem;
use crate::documents::settings::KeepRuns;
use crate::engine::{Event, Told};

/// Names the folder, for whoever does not want the one of the system.
const VARIABLE: &str = "RECOVER_RUNS_DIR";
pub(in crate::cli) const JOURNAL: &str = "journal.jsonl";
pub(in crate::cli) const SUMMARY: &str = "run.json";
pub(in crate::cli) const LOG: &str = "log.txt";
/// Takes up space until a full disk needs it.
pub(in crate::cli) const RESERVE: &str = "reserve";
/// Everything that recover puts into a record.
const FILES: [&str; 4] = [JOURNAL, SUMMARY, LOG, RESERVE];
/// Runs of the same playbook started in the same second.
const SAME_NAME_MAX: u32 = 100;
/// Whatever its size, a run may still be at work, or about to be looked at.
const YOUNG: Duration = Duration::from_secs(24 * 60 * 60);

/// The folder for the records of this user; none when the environment says nothing about the user.
pub(in crate::cli) fn runs_folder(given: Option<&Path>) -> Option<PathBuf> {
    given.map(Path::to_owned).or_else(|| folder_by(OperatingSystem::current(), |name| std::env::var_os(name)))
}

/// Where recover keeps, for this user, what is neither a record nor a setting: beside the records of the system.
pub(in crate::cli) fn state_folder() -> Option<PathBuf> {
    let own = |name: &str| std::env::var_os(name).filter(|_| name != VARIABLE);
    Some(folder_by(OperatingSystem::current(), own)?.parent()?.to_owned())
}

fn folder_by(system: OperatingSystem, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(named) = variable(VARIABLE).filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    // The XDG specification: a relative path there is to be ignored.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match system {
        OperatingSystem::Windows => Some(folder("LOCALAPPDATA")?.join("recover").join("runs")),
        OperatingSystem::Macos => Some(folder("HOME")?.join("Library/Logs/recover")),
        OperatingSystem::Linux => {
            let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
            Some(state.join("recover/runs"))
        }
    }
}

/// Makes a new folder in `folder`, named after the time and the playbook.
pub(super) fn new_record(folder: &Path, playbook: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    let name = format!("{now}-{}", name_part(playbook));
    let mut path = folder.join(&name);
    for number in 2..=SAME_NAME_MAX {
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = folder.join(format!("{name}-{number}"));
            }
            made => return made.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// In file names everywhere.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// The playbook's name, fit for a file name everywhere.
fn name_part(playbook: &str) -> String {
    const LENGTH_MAX: usize = 40;
    let stem = Path::new(playbook).file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let name: String = stem.chars().map(|c| if is_of_name(c) { c } else { '_' }).take(LENGTH_MAX).collect();
    if name.is_empty() { "playbook".to_owned() } else { name }
}

/// The names of the records in the folder, the newest first.
pub(in crate::cli) fn records(folder: &Path) -> io::Result<Vec<String>> {
    names_of(folder, |path| is_file(&path.join(JOURNAL)))
}

/// Folders that are named as records and have something of one, but no journal.
pub(in crate::cli) fn without_journal(folder: &Path) -> io::Result<Vec<String>> {
    let has = |path: &Path, files: &[&str]| files.iter().any(|file| is_file(&path.join(file)));
    names_of(folder, |path| has(path, &[SUMMARY, LOG]) && !has(path, &[JOURNAL]))
}

fn names_of(folder: &Path, is_one: impl Fn(&Path) -> bool) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let name = |entry: io::Result<fs::DirEntry>| Some(entry.ok()?.file_name().into_string().ok()).flatten();
    let wanted = |name: &String| {
        let path = folder.join(name);
        is_named_as_record(name) && path.symlink_metadata().is_ok_and(|data| data.is_dir()) && is_one(&path)
    };
    let mut names: Vec<String> = entries.filter_map(name).filter(wanted).collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names)
}

/// As [`new_record`] names them, so that it is the name of something in a folder, and of nothing elsewhere.
pub(super) fn is_named_as_record(name: &str) -> bool {
    let bytes = name.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let begins = digits(0..8) && digits(9..15) && bytes.get(8) == Some(&b'-') && bytes.get(15) == Some(&b'-');
    begins && name.chars().all(is_of_name)
}

/// When it began, by the clock here, as its name says.
pub(in crate::cli) fn time_of(name: &str) -> Option<jiff::Timestamp> {
    let time = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", name.get(..15)?).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::system()).ok()?.timestamp())
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|data| data.is_file())
}

/// Removes what is old.
pub(super) fn sweep(folder: &Path, keep: &KeepRuns, now: SystemTime) {
    let Ok(names) = records(folder) else { return };
    let sized = names.iter().map(|name| (name, size_and_time(&folder.join(name)))).collect::<Vec<_>>();
    let all: u64 = sized.iter().map(|(_, (size, _))| size).sum();
    if names.len() <= keep.runs && all <= keep.bytes {
        return;
    }
    // What is not recover's is not counted either, or it would push out what is.
    let own = sized.into_iter().filter(|(name, _)| names_itself(&folder.join(name), name));
    let mut bytes = 0;
    for (index, (name, (size, changed))) in own.enumerate() {
        bytes += size;
        let age = changed.and_then(|changed| now.duration_since(changed).ok()).unwrap_or_default();
        let many = index >= keep.runs && age > Duration::from_secs(keep.days.saturating_mul(24 * 60 * 60));
        if age > YOUNG && (many || bytes > keep.bytes) {
            bytes -= size;
            remove(&folder.join(name));
        }
    }
}

/// Its first line tells of a run of this name: recover has made it, and nobody has moved it.
fn names_itself(record: &Path, name: &str) -> bool {
    const LINE_MAX: u64 = 1024 * 1024;
    let Ok(file) = fs::File::open(record.join(JOURNAL)) else { return false };
    let mut line = Vec::new();
    let read = BufReader::new(file.take(LINE_MAX)).read_until(b'\n', &mut line);
    let told = read.ok().and_then(|_| serde_json::from_slice::<Told<Event>>(&line).ok());
    matches!(told, Some(Told { event: Event::RunStarted { run, .. }, .. }) if run.run_id == name)
}

fn size_and_time(record: &Path) -> (u64, Option<SystemTime>) {
    let data: Vec<fs::Metadata> = FILES.iter().filter_map(|file| record.join(file).symlink_metadata().ok()).collect();
    (data.iter().map(fs::Metadata::len).sum(), data.iter().filter_map(|data| data.modified().ok()).max())
}

/// The files that recover has put there, and the folder if nothing else is in it. The journal goes last: a record that could
/// not be removed whole is still known as one.
pub(super) fn remove(record: &Path) {
    for file in FILES.iter().filter(|file| **file != JOURNAL).chain([&JOURNAL]) {
        let _not_there = fs::remove_file(record.join(file));
    }
    // Fails where somebody has put something of their own beside them, and that is right.
    let _stays = fs::remove_dir(record);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::RunDetails;

    #[cfg(target_os = "linux")]
    #[test]
    fn follows_the_xdg_base_directories() {
        let with = |own: Option<&str>, state: Option<&str>, home: Option<&str>| {
            folder_by(OperatingSystem::Linux, |name| match name {
                VARIABLE => own.map(OsString::from),
                "XDG_STATE_HOME" => state.map(OsString::from),
                "HOME" => home.map(OsString::from),
                _ => None,
            })
        };
        assert_eq!(with(None, Some("/state"), Some("/home/a")), Some("/state/recover/runs".into()));
        assert_eq!(with(None, Some("relative"), Some("/home/a")), Some("/home/a/.local/state/recover/runs".into()));
        assert_eq!(with(Some("here"), Some("/state"), None), Some("here".into()));
        assert_eq!(with(Some(""), None, None), None);
    }

    #[test]
    fn records_are_kept_where_the_system_keeps_such_things() {
        // An absolute path on every system that tests run on.
        let root = std::env::temp_dir();
        let on = |system, name: &'static str| {
            folder_by(system, |variable| (variable == name).then(|| root.clone().into_os_string()))
        };
        assert_eq!(on(OperatingSystem::Windows, "LOCALAPPDATA"), Some(root.join("recover").join("runs")));
        assert_eq!(on(OperatingSystem::Windows, "HOME"), None);
        assert_eq!(on(OperatingSystem::Macos, "HOME"), Some(root.join("Library/Logs/recover")));
        assert_eq!(on(OperatingSystem::Linux, "HOME"), Some(root.join(".local/state/recover/runs")));
    }

    #[test]
    fn names_folders_after_the_playbook() {
        assert_eq!(name_part("boards/my board.yaml"), "my_board");
        assert_eq!(name_part("rt1062"), "rt1062");
        assert_eq!(name_part(".."), "playbook");
    }

    #[test]
    fn each_run_has_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("deep/runs");
        let made = [(); 3].map(|()| new_record(&runs, "rt1062.yaml").unwrap());
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 3);
        assert!(made[0].to_string_lossy().ends_with("-rt1062"));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(new_record(&file, "rt1062").is_err());
    }

    fn record(folder: &Path, name: &str, bytes: usize) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir(&path).unwrap();
        let run = Box::new(RunDetails { run_id: name.to_owned(), ..RunDetails::default() });
        let text = |text: &str| text.to_owned();
        let started = Event::RunStarted {
            board: text("Board"),
            playbook: text("h7"),
            shipped: true,
            simulated: false,
            steps_total: 1,
            summary: Some(" ".repeat(bytes)),
            run,
        };
        fs::write(path.join(JOURNAL), serde_json::to_string(&Told::now(started)).unwrap()).unwrap();
        path
    }

    #[test]
    fn old_ones_go_when_there_are_many_or_they_are_large() {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let keep = KeepRuns { runs: 2, days: 30, bytes: 25_000 };
        let names = |folder: &Path| records(folder).unwrap();
        let made = || {
            let folder = tempfile::tempdir().unwrap();
            for day in 1..=4 {
                record(folder.path(), &format!("2026010{day}-120000-h7"), 5_000);
            }
            folder
        };
        // Not many days ago: all of them stay.
        let folder = made();
        sweep(folder.path(), &keep, SystemTime::now() + 29 * DAY);
        assert_eq!(names(folder.path()).len(), 4);
        // Long ago: the last two.
        sweep(folder.path(), &keep, SystemTime::now() + 31 * DAY);
        assert_eq!(names(folder.path()), ["20260104-120000-h7", "20260103-120000-h7"]);
        // Too large: as many as fit, but never one that may be at work.
        let (folder, keep) = (made(), KeepRuns { bytes: 12_000, ..keep });
        sweep(folder.path(), &keep, SystemTime::now());
        assert_eq!(names(folder.path()).len(), 4);
        sweep(folder.path(), &keep, SystemTime::now() + 2 * DAY);
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn what_is_not_a_record_stays() {
        let folder = tempfile::tempdir().unwrap();
        let own = record(folder.path(), "20260101-120000-h7", 1);
        fs::write(own.join("notes.txt"), "mine").unwrap();
        fs::create_dir(folder.path().join("20260101-120000-empty")).unwrap();
        record(folder.path(), "holiday", 1);
        // Somebody else's, in a folder of such a name; and one that was copied.
        let other = folder.path().join("20260101-120000-photos");
        fs::create_dir(&other).unwrap();
        fs::write(other.join(JOURNAL), "{\"day\": 1}\n").unwrap();
        let copy = folder.path().join("20260102-120000-h7");
        fs::create_dir(&copy).unwrap();
        fs::copy(own.join(JOURNAL), copy.join(JOURNAL)).unwrap();
        fs::write(folder.path().join("20260101-120000-h7.log"), "").unwrap();
        sweep(folder.path(), &KeepRuns { runs: 0, days: 0, bytes: 0 }, SystemTime::now() + 9 * YOUNG);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
        assert!(other.join(JOURNAL).exists() && copy.join(JOURNAL).exists());
        assert!(own.join("notes.txt").exists() && !own.join(JOURNAL).exists());
    }
}
