//! Mishaps of the run's folder: images that are cut short under a run, and places that cannot be written.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use crate::bench::faults::point::PointFacts;

/// Cuts the files in half. True when that was possible.
pub(crate) fn truncate(scratch: &Path, names: &[String]) -> bool {
    let cut = |name: &String| -> std::io::Result<()> {
        let file = OpenOptions::new().write(true).open(scratch.join(name))?;
        file.set_len(file.metadata()?.len() / 2)
    };
    let cut: Vec<bool> = names.iter().map(|name| cut(name).is_ok()).collect();
    cut.contains(&true)
}

/// Puts something into the way of what the step is to write, before it does. True when that was possible.
pub(crate) fn block(scratch: &Path, facts: &PointFacts) -> bool {
    let mut blocked = false;
    if let Some(name) = &facts.writes {
        blocked |= put_folder(&scratch.join(name));
    }
    // Where tools work in a copy of their folder.
    let copy = scratch.join(".tool-1");
    for below in &facts.stages {
        blocked |= if copy.is_dir() { put_folder(&copy.join(below)) } else { std::fs::write(&copy, "").is_ok() };
    }
    blocked
}

fn put_folder(path: &Path) -> bool {
    let _not_there_yet = std::fs::remove_file(path);
    std::fs::create_dir_all(path).is_ok()
}

/// Lets the files that a tool is about to make end on a full disk. True when that was possible.
#[cfg(unix)]
pub(crate) fn fill(scratch: &Path, names: &[String]) -> bool {
    let full = PathBuf::from("/dev/full");
    let target = if full.exists() { full } else { scratch.join("no-such-folder").join("file") };
    let made: Vec<bool> =
        names.iter().map(|name| std::os::unix::fs::symlink(&target, scratch.join(name)).is_ok()).collect();
    made.contains(&true)
}

#[cfg(not(unix))]
pub(crate) fn fill(scratch: &Path, names: &[String]) -> bool {
    names.iter().map(|name| put_folder(&scratch.join(name))).fold(false, |any, made| any | made)
}

/// The file that a call would write most of, as it is; put back by dropping.
#[derive(Debug)]
pub(crate) struct Halved {
    path: PathBuf,
    whole: Vec<u8>,
}

impl Halved {
    /// Cuts the largest file that the arguments name, or else the largest in the folder.
    pub(crate) fn cut(folder: &Path, args: &[String]) -> Option<Self> {
        let named = args.iter().flat_map(|arg| arg.split(' ')).map(|word| folder.join(word));
        let size =
            |path: &PathBuf| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
        let largest = |paths: &mut dyn Iterator<Item = PathBuf>| {
            paths.filter_map(|path| Some((size(&path)?, path))).filter(|(size, _)| *size >= IMAGE_BYTES_MIN).max()
        };
        let beside = || std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let named_any = args.iter().any(|arg| folder.join(arg).is_file());
        let found = largest(&mut named.into_iter());
        let (_, path) = found.or_else(|| named_any.then(|| largest(&mut beside())).flatten())?;
        let whole = std::fs::read(&path).ok()?;
        std::fs::write(&path, &whole[..whole.len() / 2]).ok()?;
        Some(Halved { path, whole })
    }
}

/// Smaller files are lists and settings.
const IMAGE_BYTES_MIN: u64 = 1024;

impl Drop for Halved {
    fn drop(&mut self) {
        let _shown_by_the_next_call = std::fs::write(&self.path, &self.whole);
    }
}
