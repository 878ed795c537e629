//! Which port is which place: as it was said, or as it was learned by plugging one after the other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::cli::refusal::refuse;
use crate::cli::runs::folder::state_folder;
use crate::cli::streams::say;
use crate::engine::{Outcome, Refusal, before_anything};
use crate::words::FaultClass;
use crate::world::{UsbBus, read_in_background, write_whole};

/// A port in a line, the first place first.
const FILE: &str = "places";
/// So often the bus is looked at while somebody plugs.
const LOOK: Duration = Duration::from_millis(200);
/// A bench has hubs, but not so many.
pub(super) const PLACES_MAX: usize = 256;

fn file() -> Option<PathBuf> {
    state_folder().map(|folder| folder.join(FILE))
}

/// The ports that were learned last.
pub(super) fn learned() -> Vec<String> {
    file().and_then(|file| std::fs::read_to_string(file).ok()).map(|text| read(&text)).unwrap_or_default()
}

fn read(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).take(PLACES_MAX).collect()
}

/// Binds ports to places, in the order in which something is plugged into them, until ENTER is pressed; keeps them.
pub(super) fn learn() -> Result<Vec<String>, Box<Refusal>> {
    let bus = UsbBus::default();
    let look = || bus.others(&[]).map(|devices| devices.into_iter().map(|device| device.port).collect::<BTreeSet<_>>());
    let failed =
        |what: String| refuse(Outcome::DeviceUnavailable, before_anything(FaultClass::NoDevice, what, Vec::new()));
    let mut learning = Learning::new(look().map_err(|error| failed(error.to_string()))?);
    let (typed, lines) = channel();
    // Only one line: what is typed behind it is for the station.
    read_in_background(std::io::stdin(), move |line| {
        let _nobody_listens = typed.send(line);
        false
    })?;
    say(
        "Plug any board, or another USB device, into the port of place 1, then into that of place 2, and so on; the same one will do.",
    );
    say("Press ENTER when all places have had theirs.");
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = look().map_err(|error| failed(error.to_string()))?;
        if let Some(port) = learning.look(now) {
            say(&format!("Place {} is port {port}.", learning.ports.len()));
        }
    }
    if learning.ports.is_empty() {
        let what = "nothing was plugged in, so no place is known".to_owned();
        return Err(refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what, Vec::new())));
    }
    match file().map(|file| keep(&file, &learning.ports)) {
        Some(Ok(file)) => say(&format!("Kept in {}.", file.display())),
        Some(Err(error)) => say(&format!("The places could not be kept for the next time: {error}.")),
        None => say("The places are not kept for the next time, because HOME is not set."),
    }
    Ok(learning.ports)
}

fn keep(file: &Path, ports: &[String]) -> std::io::Result<PathBuf> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text: String = ports.iter().map(|port| format!("{port}\n")).collect();
    write_whole(file, text.as_bytes())?;
    Ok(file.to_owned())
}

#[derive(Debug)]
struct Learning {
    before: BTreeSet<String>,
    ports: Vec<String>,
}

impl Learning {
    fn new(before: BTreeSet<String>) -> Learning {
        Learning { before, ports: Vec::new() }
    }

    /// The port that has become a place with this look. Where several came at once nobody knows their order.
    fn look(&mut self, now: BTreeSet<String>) -> Option<String> {
        let came: Vec<&String> = now.difference(&self.before).collect();
        let new = match came.as_slice() {
            [only] if !self.ports.contains(*only) && self.ports.len() < PLACES_MAX => Some((*only).clone()),
            _ => None,
        };
        self.before = now;
        self.ports.extend(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_become_places_in_the_order_in_which_something_is_plugged_in() {
        let set = |ports: &[&str]| ports.iter().map(|port| (*port).to_owned()).collect::<BTreeSet<_>>();
        let mut learning = Learning::new(set(&["1-5"]));
        let looks: [&[&str]; 9] = [
            &["1-5"],
            &["1-5", "1-1.2"],
            &["1-5"],
            &["1-5", "1-1.2"],
            &["1-5", "1-1.1"],
            &["1-1.1", "2-1", "2-2"],
            &["1-1.1"],
            &["1-1.1", "2-2"],
            &["1-5", "2-2"],
        ];
        let told: Vec<Option<String>> = looks.iter().map(|ports| learning.look(set(ports))).collect();
        assert_eq!(learning.ports, ["1-1.2", "1-1.1", "2-2", "1-5"]);
        assert_eq!(told.iter().flatten().collect::<Vec<_>>(), learning.ports.iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_was_learned_is_taken_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/places");
        let ports = ["1-1.2".to_owned(), "1-1.1".to_owned()];
        keep(&file, &ports).unwrap();
        assert_eq!(read(&std::fs::read_to_string(&file).unwrap()), ports);
        assert_eq!(read("# my bench\n\n 1-2 \n"), ["1-2"]);
    }
}
