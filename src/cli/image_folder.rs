//! In which folder a run's files lie, where the person does not say it: where they are, in a folder there that is called as
//! the board, or where the program that brings them keeps them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cli::desk::{Desk, ask};
use crate::cli::refusal::refuse;
use crate::cli::wording::quote;
use crate::documents::catalog::{Catalog, ImageFolders};
use crate::documents::playbook::{Input, Need, Playbook};
use crate::engine::{Event, GivenFiles, Outcome, Refusal, before_anything};
use crate::words::FaultClass;
use crate::world::{Surroundings, existing_folders};

const TRIES: usize = 3;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder that holds what a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageFolder {
    pub(super) path: PathBuf,
    /// When the newest of the files was written.
    written: Option<SystemTime>,
    /// What brought it there.
    from: String,
}

impl ImageFolder {
    /// "/opt/openmvide/…/OPENMV4, from OpenMV IDE, 12 days old".
    pub(super) fn words(&self) -> String {
        format!("{}, from {}{}", self.path.display(), self.from, self.age(SystemTime::now()))
    }

    fn age(&self, now: SystemTime) -> String {
        let age = self.written.and_then(|written| now.duration_since(written).ok());
        match age.map(|age| age.as_secs() / DAY.as_secs()) {
            None => String::new(),
            Some(0) => ", written today".to_owned(),
            Some(1) => ", one day old".to_owned(),
            Some(days) => format!(", {days} days old"),
        }
    }
}

/// Without a person a run does not choose, and what only looks takes the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chooser {
    At(Desk),
    TheNewest,
}

/// Replaces the folder of the given files by the one that is meant; what was taken instead is told.
pub(super) fn settle_folder(
    given: &mut GivenFiles,
    playbook: &Playbook,
    catalog: &Catalog,
    surroundings: &Surroundings,
    chooser: Chooser,
) -> Result<Option<Event>, Box<Refusal>> {
    let from = folders_of(playbook, catalog);
    given.to_be_had = from.and_then(|from| from.get.on(surroundings.system).clone());
    if holds_any(&given.folder, playbook, given) {
        return Ok(None);
    }
    if let Some(own) = names(playbook).map(|name| given.folder.join(name)).find(|own| holds_any(own, playbook, given)) {
        let text = format!("The files are taken from {}, which is called as the board.", own.display());
        given.folder = own;
        return Ok(Some(Event::Note { text }));
    }
    // Whoever names a folder means it.
    if given.folder != Path::new(".") {
        return Ok(None);
    }
    let found = image_folders(given, playbook, catalog, surroundings);
    let chosen = match (found.as_slice(), chooser) {
        ([], _) => return Ok(None),
        ([newest], _) | ([newest, ..], Chooser::TheNewest) => newest,
        (several, Chooser::At(Desk::Nobody)) => return Err(several_folders(several, "and nobody can be asked which")),
        (several, Chooser::At(Desk::Person)) => choose(several, playbook)?,
    };
    given.folder.clone_from(&chosen.path);
    let of_several = match (found.len(), chooser) {
        (several @ 2.., Chooser::TheNewest) => {
            format!(", the newest of {several} such folders: a run asks which, or name it with `--files`")
        }
        _ => String::new(),
    };
    Ok(Some(Event::Note { text: format!("The files are taken from {}{of_several}.", chosen.words()) }))
}

/// Every folder of that kind which holds all that is needed, the newest files first.
fn image_folders(
    given: &GivenFiles,
    playbook: &Playbook,
    catalog: &Catalog,
    surroundings: &Surroundings,
) -> Vec<ImageFolder> {
    let Some(ImageFolders { from, folders, .. }) = folders_of(playbook, catalog) else { return Vec::new() };
    let needed: Vec<&Input> =
        taken_from_folder(playbook, given).filter(|input| matches!(input.need, Need::Always)).collect();
    let homes = folders.on(surroundings.system).iter().flat_map(|pattern| existing_folders(pattern, surroundings));
    let own = homes.flat_map(|home| names(playbook).map(move |name| home.join(name)).collect::<Vec<_>>());
    let complete = own.filter(|own| {
        holds_any(own, playbook, given) && needed.iter().all(|input| own.join(&input.file.value).is_file())
    });
    let mut found: Vec<ImageFolder> = complete
        .map(|path| ImageFolder { written: newest(&path, playbook, given), path, from: from.clone() })
        .collect();
    found.sort_by_key(|folder| std::cmp::Reverse(folder.written));
    // A link beside a folder of another version leads to the same files.
    let mut seen = BTreeSet::new();
    found.retain(|folder| seen.insert(folder.path.canonicalize().unwrap_or_else(|_| folder.path.clone())));
    found
}

fn folders_of<'c>(playbook: &Playbook, catalog: &'c Catalog) -> Option<&'c ImageFolders> {
    let name = &playbook.images.as_ref()?.value;
    catalog.image_folders.iter().find(|folders| folders.name == *name)
}

/// What a folder of this board's files may be called: a name, and no way to somewhere else.
fn names(playbook: &Playbook) -> impl Iterator<Item = &str> {
    let names = playbook.aliases.iter().map(|alias| alias.value.as_str());
    names.filter(|name| matches!(Path::new(name).components().collect::<Vec<_>>().as_slice(), [Component::Normal(_)]))
}

fn taken_from_folder<'p>(playbook: &'p Playbook, given: &GivenFiles) -> impl Iterator<Item = &'p Input> {
    playbook.inputs.iter().filter(|input| !given.set.contains_key(&input.name))
}

fn holds_any(folder: &Path, playbook: &Playbook, given: &GivenFiles) -> bool {
    taken_from_folder(playbook, given).any(|input| folder.join(&input.file.value).is_file())
}

fn newest(folder: &Path, playbook: &Playbook, given: &GivenFiles) -> Option<SystemTime> {
    let files = taken_from_folder(playbook, given).map(|input| folder.join(&input.file.value));
    files.filter_map(|file| file.metadata().ok()?.modified().ok()).max()
}

fn several_folders(several: &[ImageFolder], why: &str) -> Box<Refusal> {
    let what = format!("several folders hold files for this board, {why}");
    let mut problem = before_anything(FaultClass::BadUsage, what, Vec::new());
    problem.output = several.iter().map(ImageFolder::words).collect();
    problem.next = several.iter().map(|folder| format!("--files {}", quote(&folder.path.to_string_lossy()))).collect();
    problem.next.insert(0, "Add the one that you mean to the command; the newest comes first.".to_owned());
    refuse(Outcome::CommandLine, problem)
}

fn choose<'f>(several: &'f [ImageFolder], playbook: &Playbook) -> Result<&'f ImageFolder, Box<Refusal>> {
    let list: Vec<String> =
        several.iter().enumerate().map(|(place, folder)| format!("{:>4}  {}", place + 1, folder.words())).collect();
    let mut question = format!(
        "Several folders hold files for the {}:\n{}\nENTER for the first, or the number of another one:",
        playbook.board,
        list.join("\n")
    );
    for _ in 0..TRIES {
        let answer = ask(&question);
        let chosen = match answer.trim() {
            "" => Some(0),
            number => number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)),
        };
        if let Some(folder) = chosen.and_then(|place| several.get(place)) {
            return Ok(folder);
        }
        question = format!("That is none of them. A number from 1 to {}:", several.len());
    }
    Err(several_folders(several, "and none of them was chosen"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::documents::catalog::shipped;
    use crate::documents::library::shipped as shipped_board;

    struct House {
        folder: tempfile::TempDir,
        surroundings: Surroundings,
    }

    impl House {
        fn new() -> House {
            let folder = tempfile::tempdir().unwrap();
            let surroundings = Surroundings {
                home: Some(folder.path().to_owned()),
                current_folder: folder.path().to_owned(),
                ..Surroundings::default()
            };
            House { folder, surroundings }
        }

        fn put(&self, folder: &str, file: &str, age_days: u64) {
            let folder = self.folder.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            let made = std::fs::File::create(folder.join(file)).unwrap();
            made.set_modified(SystemTime::now() - DAY * u32::try_from(age_days).unwrap()).unwrap();
        }

        fn settle(&self, given: &str) -> (PathBuf, Option<String>) {
            let path = if given == "." { PathBuf::from(".") } else { self.folder.path().join(given) };
            let mut given = GivenFiles { folder: path, set: BTreeMap::new(), to_be_had: None };
            let told = settle_folder(
                &mut given,
                &shipped_board("h7").unwrap(),
                &shipped().unwrap(),
                &self.surroundings,
                Chooser::At(Desk::Nobody),
            );
            let told = match told {
                Ok(told) => told.map(|event| format!("{event:?}")),
                Err(refusal) => Some(format!("{:?} {:?}", refusal.problem.output, refusal.problem.next)),
            };
            let folder = given.folder.strip_prefix(self.folder.path()).map(Path::to_owned).unwrap_or(given.folder);
            (folder, told)
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn files_are_found_where_their_program_keeps_them() {
        let house = House::new();
        let ide = "openmvide-5.0/share/qtcreator/firmware";
        house.put(&format!("{ide}/OPENMV3"), "bootloader.bin", 1);
        assert_eq!(house.settle("."), (".".into(), None), "another board's");
        house.put(&format!("{ide}/OPENMV4"), "firmware.bin", 12);
        assert_eq!(house.settle("."), (".".into(), None), "without what is needed");
        house.put(&format!("{ide}/OPENMV4"), "bootloader.bin", 12);
        let (folder, told) = house.settle(".");
        assert_eq!(folder, Path::new(ide).join("OPENMV4"));
        assert!(told.unwrap().contains("from OpenMV IDE, 12 days old"));

        // A link is no second one.
        #[cfg(unix)]
        std::os::unix::fs::symlink("openmvide-5.0", house.folder.path().join("openmvide")).unwrap();
        assert!(house.settle(".").1.unwrap().contains("from OpenMV IDE, 12 days old"));

        // Of several, nobody but a person chooses.
        let copies = ".config/OpenMV/qtcreator/firmware/OPENMV4";
        house.put(copies, "bootloader.bin", 2);
        let (folder, told) = house.settle(".");
        let told = told.unwrap();
        assert_eq!(folder, Path::new("."));
        let (newer, older) = (told.find(".config").unwrap(), told.find("openmvide-5.0").unwrap());
        assert!(newer < older && told.contains("--files "), "{told}");
    }

    #[test]
    fn a_folder_that_was_given_may_hold_one_for_the_board() {
        let house = House::new();
        house.put("given/OPENMV4", "bootloader.bin", 0);
        let (folder, told) = house.settle("given");
        assert_eq!(folder, Path::new("given/OPENMV4"));
        assert!(told.unwrap().contains("which is called as the board"));
        // What lies in it comes first.
        house.put("given", "bootloader.bin", 0);
        assert_eq!(house.settle("given"), ("given".into(), None));
        // One that holds nothing is meant all the same.
        house.put("other", "x", 0);
        assert_eq!(house.settle("other"), ("other".into(), None));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_none() {
        let mut playbook = shipped_board("h7").unwrap();
        playbook.aliases[0].value = "../elsewhere".to_owned();
        assert_eq!(names(&playbook).count(), 0);
    }
}
