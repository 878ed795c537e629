//! Ways in which programs come to a computer: package managers, and programs that bring others along.

use std::collections::BTreeMap;

use super::pattern::{Pattern, patterns};
use super::read_tool::{PATTERNS, VARIABLES};
use super::tool::Tool;
use crate::documents::keys::{Shape, keys};
use crate::documents::reader::Reader;
use crate::documents::tree::{Key, Tree};
use crate::words::{Code, Diagnostic, nearest};

/// One table below `installers`. In the order of the document the first that fits is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installer {
    pub name: String,
    /// What [`Tool::packages`] calls its packages: several installers may take them from one place.
    pub source: String,
    /// It is on this computer where this program is on PATH; without one it is known only by what it has installed.
    pub program: Option<String>,
    /// Its packages come with a release of the operating system, and stay as old as that is.
    pub of_system: bool,
    /// Match the paths of what it has installed.
    pub owns: Vec<Pattern>,
    /// A file beside what it has installed, as a path from the program's folder.
    pub marked_by: Option<String>,
    /// Command lines with `{package}` in them, and `{folder}` for the folder that the program lies in.
    pub install: Option<String>,
    pub upgrade: Option<String>,
    pub reinstall: Option<String>,
    /// The packages in which it comes itself, by source.
    pub packages: BTreeMap<String, String>,
}

impl Installer {
    /// The name of the tool's package here.
    pub fn package<'t>(&self, tool: &'t Tool) -> Option<&'t str> {
        tool.packages.get(&self.source).map(String::as_str)
    }

    /// Does a program of this path, with `/` between its folders, look as if it was installed by it?
    pub fn owns(&self, path: &str) -> bool {
        self.owns.iter().any(|pattern| pattern.is_match(path))
    }
}

keys! {
    INSTALLER: InstallerKeys = "an installer", part("installer");
    source: Shape::Text, "What `packages` calls its packages; without it, its own name.";
    program: Shape::Text, "It is on this computer where this program is on PATH.";
    of_system: Shape::Boolean, "Its packages are as old as the release of the operating system.";
    owns: PATTERNS, "Match the paths of what it has installed, with / between folders.";
    marked_by: Shape::Text, "A file beside what it has installed, as a path from the program's folder.";
    install: Shape::Text, "A command to paste; {package} is the package.";
    upgrade: Shape::Text, "A command to paste, for what is too old; {folder} is the folder of the program.";
    reinstall: Shape::Text, "A command to paste, for what is broken; {folder} is the folder of the program.";
    packages: VARIABLES, "The packages in which it comes itself, by source.";
}

pub(super) fn installer(reader: &mut Reader, name: &Key, tree: &Tree) -> Option<Installer> {
    let parts = reader.parts_of_named((&name.text, &name.place), tree, &INSTALLER)?;
    Some(Installer {
        name: name.text.clone(),
        source: reader.plain_text(parts.get(INSTALLER.source)).unwrap_or_else(|| name.text.clone()),
        program: reader.plain_text(parts.get(INSTALLER.program)),
        of_system: reader.is_yes(parts.get(INSTALLER.of_system)),
        owns: patterns(reader, parts.get(INSTALLER.owns)),
        marked_by: reader.plain_text(parts.get(INSTALLER.marked_by)),
        install: reader.plain_text(parts.get(INSTALLER.install)),
        upgrade: reader.plain_text(parts.get(INSTALLER.upgrade)),
        reinstall: reader.plain_text(parts.get(INSTALLER.reinstall)),
        packages: reader.plain_text_map(parts.get(INSTALLER.packages)),
    })
}

/// Packages of a source that no installer takes them from would never be offered.
pub(super) fn check_source(reader: &mut Reader, source: &Key, installers: &[Installer]) {
    let known: Vec<&str> = installers.iter().map(|installer| installer.source.as_str()).collect();
    if known.contains(&source.text.as_str()) {
        return;
    }
    let diagnostic = Diagnostic::error(
        Code::UnknownWord,
        &source.place,
        format!("no installer takes packages from `{}`", source.text),
    );
    reader.report(match nearest(&source.text, known.iter().copied()) {
        Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
        None => diagnostic.hint("describe one below `installers`"),
    });
}
