//! What the person can do about a tool that cannot be had, worked out from what was found and what this computer has.

use std::path::{Path, PathBuf};

use super::{Surroundings, Trouble, Unusable, program};
use crate::documents::catalog::{Installer, OperatingSystem, Tool};

/// A link that leads to so many others is no real one.
const LINKS_MAX: usize = 16;

/// What a remedy depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remedies<'a> {
    pub(super) tool: &'a Tool,
    pub(super) installers: &'a [Installer],
    pub(super) surroundings: &'a Surroundings,
}

/// The command of an installer that is wanted.
type CommandOf = fn(&Installer) -> Option<&str>;

impl<'a> Remedies<'a> {
    /// Sentences and commands to paste, the likeliest first.
    pub(super) fn of(self, trouble: &Trouble) -> Vec<String> {
        let mut remedies = match trouble {
            Trouble::NotFound { .. } => self.fresh(),
            Trouble::NotThere { .. } => Vec::new(),
            Trouble::NoneUsable { found, .. } => {
                let mut remedies = Vec::new();
                for found in found {
                    for remedy in self.against(&found.why, installed_at(&found.program)) {
                        if !remedies.contains(&remedy) {
                            remedies.push(remedy);
                        }
                    }
                }
                if remedies.is_empty() { self.fresh() } else { remedies }
            }
            Trouble::GivenUnusable { found, .. } => self.against(&found.why, installed_at(&found.program)),
        };
        let name = &self.tool.name;
        remedies.push(match trouble {
            Trouble::NotFound { .. } | Trouble::NoneUsable { .. } => {
                format!("If a usable one is installed elsewhere, say where: `--tool {name}=PATH`")
            }
            Trouble::NotThere { given_by, .. } => format!("Correct the path that {given_by} gives, or leave it out"),
            Trouble::GivenUnusable { found, .. } => {
                format!("Name another with `--tool {name}=PATH`, or leave out what {} gives", found.found_by)
            }
        });
        remedies
    }

    fn against(self, why: &Unusable, path: Option<&Path>) -> Vec<String> {
        match why {
            Unusable::TooOld { .. } | Unusable::KnownBad { .. } => self.newer(path),
            Unusable::Failed { .. } => self.anew(path),
            Unusable::Killed if self.surroundings.system == OperatingSystem::Macos => {
                path.map(|path| self.released(path)).into_iter().collect()
            }
            Unusable::Killed => self.anew(path),
            Unusable::NotExecutable => match (self.surroundings.system, path) {
                (OperatingSystem::Windows, _) | (_, None) => self.anew(path),
                (OperatingSystem::Linux | OperatingSystem::Macos, Some(path)) => {
                    let path = quoted(&path.display().to_string(), self.surroundings.system);
                    vec![format!("Allow it to be run:\nchmod +x {path}")]
                }
            },
            Unusable::AnotherProgram { .. } | Unusable::NoRoom { .. } | Unusable::Refused { .. } => Vec::new(),
        }
    }

    /// Nothing of it is on this computer.
    fn fresh(self) -> Vec<String> {
        let Remedies { tool, installers, .. } = self;
        let usable = |installer: &&Installer| {
            installer.install.is_some() && installer.package(tool).is_some() && !self.ships_too_old(installer)
        };
        let here = installers.iter().filter(usable).find(|installer| self.is_here(installer));
        let command =
            here.and_then(|installer| self.command(installer, |installer| installer.install.as_deref(), None));
        let command = command.or_else(|| {
            installers.iter().filter(usable).find_map(|installer| {
                let brought = self.brought(installer)?;
                let command = self.command(installer, |installer| installer.install.as_deref(), None)?;
                Some(format!("{brought}\n{command}"))
            })
        });
        match (command, tool.install.on(self.surroundings.system)) {
            (Some(command), _) => vec![format!("To install {}:\n{command}", tool.name)],
            (None, Some(how)) => vec![format!("To install {}: {}", tool.name, without_stop(how))],
            (None, None) => Vec::new(),
        }
    }

    /// It is installed, and too old.
    fn newer(self, path: Option<&Path>) -> Vec<String> {
        let upgrade: CommandOf = |installer| installer.upgrade.as_deref();
        let mut remedies = self.by_owner(path, upgrade, "To get a newer version");
        let of_system = path.and_then(|path| self.owner(path)).is_some_and(|owner| owner.of_system);
        if let Some(how) = self.tool.install.on(self.surroundings.system)
            && (of_system || remedies.is_empty())
        {
            let lead = if remedies.is_empty() { "To get a newer version" } else { "If that brings no newer one" };
            remedies.push(format!("{lead}: {}", without_stop(how)));
        }
        remedies
    }

    /// It is installed, and broken.
    fn anew(self, path: Option<&Path>) -> Vec<String> {
        let reinstall: CommandOf = |installer| installer.reinstall.as_deref();
        let remedies = self.by_owner(path, reinstall, "To install it anew");
        match self.tool.install.on(self.surroundings.system) {
            Some(how) if remedies.is_empty() => vec![format!("To install it anew: {}", without_stop(how))],
            _ => remedies,
        }
    }

    /// macOS ends programs that are not signed and carry the mark of a download.
    fn released(self, path: &Path) -> String {
        let marked = path.parent().filter(|_| self.tool.private_folder).unwrap_or(path);
        format!(
            "Perhaps macOS does not let it run because it was downloaded and is not signed. If you trust where you have it \
             from, allow it under System Settings, Privacy & Security, Allow Anyway, or take the mark of the download \
             away:\nxattr -dr com.apple.quarantine {}",
            quoted(&marked.display().to_string(), self.surroundings.system)
        )
    }

    /// By what has installed it; where that is not known, each way in which it may have come.
    fn by_owner(self, path: Option<&Path>, which: CommandOf, lead: &str) -> Vec<String> {
        if let Some(path) = path
            && let Some(owner) = self.owner(path)
        {
            return self
                .command(owner, which, Some(path))
                .map(|command| format!("{lead}:\n{command}"))
                .into_iter()
                .collect();
        }
        let ways = |may_be_here: &dyn Fn(&Installer) -> bool| -> Vec<String> {
            let fits =
                |installer: &&Installer| installer.program.is_some() && !installer.of_system && may_be_here(installer);
            let line =
                |installer: &Installer| Some(format!("{} ({})", self.command(installer, which, None)?, installer.name));
            self.installers.iter().filter(fits).filter_map(line).collect()
        };
        let mut lines = ways(&|installer| self.is_here(installer) || self.brought(installer).is_some());
        // What cannot have brought it is better than nothing, and worse than the table's own words.
        if lines.is_empty() && self.tool.install.on(self.surroundings.system).is_none() {
            lines = ways(&|_| true);
        }
        match lines.as_slice() {
            [] => Vec::new(),
            [_] => vec![format!("{lead}, if it came in this way:\n{}", lines.join("\n"))],
            _ => vec![format!("{lead}, in the way in which it came:\n{}", lines.join("\n"))],
        }
    }

    /// The command of this installer for this tool, ready to paste.
    fn command(self, installer: &Installer, which: CommandOf, path: Option<&Path>) -> Option<String> {
        let template = which(installer)?;
        let package = installer.package(self.tool);
        // What is about a package is of no use for a tool that has none there.
        if template.contains("{package}") && package.is_none() {
            return None;
        }
        let filled = template.replace("{package}", package.unwrap_or_default());
        if !filled.contains("{folder}") {
            return Some(filled);
        }
        let folder = path?.parent()?.display().to_string();
        // A quoted program is run by cmd, and by PowerShell only with a sign before it that cmd does not know.
        if self.surroundings.system == OperatingSystem::Windows
            && let Some(rest) = filled.strip_prefix("{folder}/")
            && quoted(&folder, self.surroundings.system) != folder
        {
            return Some(format!("pushd \"{folder}\"\n.\\{rest}"));
        }
        let word = |word: &str| match word.contains("{folder}") {
            true => quoted(&word.replace("{folder}", &folder), self.surroundings.system),
            false => word.to_owned(),
        };
        Some(filled.split(' ').map(word).collect::<Vec<_>>().join(" "))
    }

    /// How to get an installer that is not here by one that is.
    fn brought(self, installer: &Installer) -> Option<String> {
        let bringing = self.installers.iter().filter(|other| self.is_here(other));
        bringing
            .filter_map(|other| {
                let package = installer.packages.get(&other.source)?;
                Some(other.install.as_ref()?.replace("{package}", package))
            })
            .next()
    }

    fn is_here(self, installer: &Installer) -> bool {
        let search_path = self.surroundings.search_path.as_deref().unwrap_or_default();
        let found = |name: &String| {
            !program::in_search_path(name.as_ref(), search_path, &self.surroundings.current_folder).is_empty()
        };
        installer.program.as_ref().is_some_and(found)
    }

    /// Does the operating system itself have only a version that is too old?
    fn ships_too_old(self, installer: &Installer) -> bool {
        let Some(release) = &self.surroundings.release else { return false };
        let is = |listed: &String| {
            release.strip_prefix(listed.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        installer.of_system && self.tool.packages_too_old.iter().any(is)
    }

    /// What has installed the program of this path, as far as that shows.
    fn owner(self, path: &Path) -> Option<&'a Installer> {
        let paths = followed(path);
        let marked = |path: &PathBuf, mark: &String| path.parent().is_some_and(|folder| folder.join(mark).exists());
        let owns = |installer: &&Installer| {
            let named = |path: &PathBuf| installer.owns(&path.to_string_lossy().replace('\\', "/"));
            paths.iter().any(named)
                || installer.marked_by.as_ref().is_some_and(|mark| paths.iter().any(|path| marked(path, mark)))
        };
        // What belongs to an operating system belongs to the one that runs here.
        self.installers.iter().filter(owns).find(|installer| !installer.of_system || self.is_here(installer))
    }
}

/// The path, and where it leads if it is a link, and so on.
fn followed(path: &Path) -> Vec<PathBuf> {
    let mut paths = vec![path.to_owned()];
    while let Some(last) = paths.last()
        && paths.len() <= LINKS_MAX
        && let Ok(target) = last.read_link()
    {
        let folder = last.parent().unwrap_or(Path::new(""));
        paths.push(folder.join(target));
    }
    paths
}

/// Only of a single word: the path of a program that starts another says nothing about that one.
fn installed_at(program: &str) -> Option<&Path> {
    Some(Path::new(program)).filter(|path| path.is_file())
}

fn without_stop(sentence: &str) -> &str {
    sentence.trim_end().trim_end_matches('.')
}

/// One word of a command as a person would type it into a shell of this system: on Windows so that cmd and PowerShell both
/// take it, of which the second makes a list of `,0483:df11` and something else of `@1`, and the first keeps no single quotes.
pub fn quoted(word: &str, system: OperatingSystem) -> String {
    let plain = match system {
        OperatingSystem::Windows => r"-_./\:=+",
        OperatingSystem::Linux | OperatingSystem::Macos => "-_./:,=+@%^",
    };
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || plain.contains(c)) {
        return word.to_owned();
    }
    match system {
        // To the programs themselves a backslash before a quotation mark takes away its meaning.
        OperatingSystem::Windows => {
            let last = word.len() - word.trim_end_matches('\\').len();
            format!("\"{}{}\"", word.replace('"', "\\\""), "\\".repeat(last))
        }
        OperatingSystem::Linux | OperatingSystem::Macos => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
