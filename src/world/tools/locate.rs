//! Where a tool might be, in the order in which places are tried.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::program::{self, Lying};
use super::{Surroundings, folders};
use crate::documents::catalog::{Tool, Via};

/// A way to start the tool, not yet tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) launcher: Vec<OsString>,
    /// Of the way in which it is started, beside what the tool gets anyhow.
    pub(super) environment: BTreeMap<String, OsString>,
    /// For the person: `--tool`, a variable's name, a folder or PATH.
    pub(super) found_by: String,
    /// Only the program that would start the tool was found: the tool itself may be missing.
    pub(super) indirect: bool,
    pub(super) executable: bool,
}

impl Candidate {
    pub(super) fn program(&self) -> &Path {
        self.launcher.first().map_or(Path::new(""), Path::new)
    }

    /// As a person would type it.
    pub(super) fn command(&self) -> String {
        let words: Vec<_> = self.launcher.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }
}

/// What the person named, which nothing takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// `--tool`, or the name of the variable.
    pub(super) by: String,
    pub(super) path: PathBuf,
}

#[derive(Debug, Default)]
pub(super) struct Search {
    /// In the order in which they are tried.
    pub(super) candidates: Vec<Candidate>,
    pub(super) looked_in: Vec<String>,
}

pub(super) fn given(tool: &Tool, explicit: Option<&Path>, surroundings: &Surroundings) -> Option<Given> {
    if let Some(path) = explicit {
        return Some(Given { by: "--tool".to_owned(), path: surroundings.absolute(path) });
    }
    let by = variable_name(&tool.name);
    let path = surroundings.absolute(Path::new(surroundings.variable(&by)?));
    Some(Given { by, path })
}

/// What lies where the person said; `None` where nothing does.
pub(super) fn at_given(given: &Given) -> Option<Candidate> {
    let lying = match program::at(&given.path) {
        Some(program) => Lying::Runnable(program),
        None if given.path.exists() => Lying::NotExecutable(given.path.clone()),
        None => return None,
    };
    Some(direct(lying, given.by.clone()))
}

/// Everything that may be the tool where the person named nothing: beside this program, in the catalog's folders, on PATH,
/// and through other programs.
pub(super) fn search(tool: &Tool, surroundings: &Surroundings) -> Search {
    let mut search = Search::default();
    search.looked_in.push(format!("${} (not set)", variable_name(&tool.name)));
    // Where recover was unpacked among downloads, whatever lies there too is nobody's choice.
    let own_folder = surroundings.own_folder.as_ref().filter(|folder| **folder != surroundings.current_folder);
    if let Some(folder) = own_folder {
        search.in_folder(tool, folder, surroundings);
        search.looked_in.push("the folder of recover itself".to_owned());
    }
    for pattern in tool.folders.on(surroundings.system) {
        for folder in folders::expand(pattern, surroundings) {
            search.in_folder(tool, &folder, surroundings);
        }
        search.looked_in.push(pattern.clone());
    }
    search.on_path(tool, surroundings);
    search.looked_in.push("PATH".to_owned());
    for via in tool.via.on(surroundings.system) {
        search.through(via, surroundings);
    }
    // The same program may be found by several ways.
    let mut seen = BTreeSet::new();
    search.candidates.retain(|candidate| seen.insert(candidate.launcher.clone()));
    search
}

impl Search {
    fn in_folder(&mut self, tool: &Tool, folder: &Path, surroundings: &Surroundings) {
        let lying = |name: &String| program::in_folder(name, folder, surroundings.system);
        let found = tool.programs.iter().filter_map(lying);
        self.candidates.extend(found.map(|lying| direct(lying, folder.display().to_string())));
    }

    fn on_path(&mut self, tool: &Tool, surroundings: &Surroundings) {
        let search_path = surroundings.search_path.as_deref().unwrap_or_default();
        for name in &tool.programs {
            let paths = program::in_search_path(name.as_ref(), search_path, &surroundings.current_folder);
            let found = paths.into_iter().map(|path| direct(Lying::Runnable(path), "PATH".to_owned()));
            self.candidates.extend(found);
        }
        // What cannot be run is passed over by a shell, too, so it comes last.
        for folder in std::env::split_paths(search_path) {
            for name in &tool.programs {
                if let Some(lying @ Lying::NotExecutable(_)) = program::in_folder(name, &folder, surroundings.system) {
                    self.candidates.push(direct(lying, "PATH".to_owned()));
                }
            }
        }
    }

    fn through(&mut self, via: &Via, surroundings: &Surroundings) {
        let Some((first, rest)) = via.command.split_first() else { return };
        let is_path = first.contains('/');
        let search_path = surroundings.search_path.as_deref().unwrap_or_default();
        let programs = if is_path {
            folders::expand_files(first, surroundings)
        } else {
            let found = program::in_search_path(first.as_ref(), search_path, &surroundings.current_folder);
            found.into_iter().take(1).collect()
        };
        let words = via.command.join(" ");
        if programs.is_empty() {
            self.looked_in.push(format!("`{words}` (there is no `{first}`)"));
        }
        for program in programs {
            // As it was matched, whatever it may be a link to: what belongs to it lies around it.
            let folder = program.parent().unwrap_or(Path::new("")).to_owned();
            let filled = |value: &String| super::environment::filled_in(value, "{program_folder}", &folder);
            self.candidates.push(Candidate {
                environment: via.environment.iter().map(|(name, value)| (name.clone(), filled(value))).collect(),
                launcher: std::iter::once(program.into()).chain(rest.iter().map(Into::into)).collect(),
                found_by: format!("`{words}`"),
                indirect: true,
                executable: true,
            });
        }
    }
}

/// `RECOVER_TOOL_` and the tool's name in capitals, with `_` for `-`.
pub(super) fn variable_name(tool: &str) -> String {
    let word: String =
        tool.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("RECOVER_TOOL_{word}")
}

fn direct(lying: Lying, found_by: String) -> Candidate {
    let (path, executable) = match lying {
        Lying::Runnable(path) => (path, true),
        Lying::NotExecutable(path) => (path, false),
    };
    Candidate { launcher: vec![path.into()], environment: BTreeMap::new(), found_by, indirect: false, executable }
}

/// The program that is asked first whether it is the tool; what it answers decides whether it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstTried {
    /// Program and, for tools started through another program, its leading arguments.
    pub launcher: Vec<String>,
    /// As a person would type it, with what the catalog puts before every call's arguments.
    pub program: String,
    /// `--tool`, a variable's name, a folder, `PATH`, or the words it is started through.
    pub found_by: String,
}

/// None where nothing is found that could be the tool.
pub fn first_tried(tool: &Tool, explicit: Option<&Path>, surroundings: &Surroundings) -> Option<FirstTried> {
    let candidate = match given(tool, explicit, surroundings) {
        Some(given) => at_given(&given),
        None => search(tool, surroundings).candidates.into_iter().find(|candidate| candidate.executable),
    }?;
    let launcher: Vec<String> = candidate.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let program = launcher.iter().chain(&tool.first_args).cloned().collect::<Vec<_>>().join(" ");
    Some(FirstTried { launcher, program, found_by: candidate.found_by })
}
