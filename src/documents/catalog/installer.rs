//! Ways in which programs come to a computer: package managers, and programs that bring others along.

use std::collections::BTreeMap;

use super::pattern::Pattern;
use super::reader::{Diagnostics, Reader};
use super::tool::Tool;
use crate::words::{Diagnostic, Located, nearest};

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

pub(super) fn installer(name: &Located<String>, reader: Reader<'_>) -> Installer {
    let text = |key| reader.text(key).map(|text: Located<String>| text.value);
    let installer = Installer {
        name: name.value.clone(),
        source: text("source").unwrap_or_else(|| name.value.clone()),
        program: text("program"),
        of_system: reader.flag("of_system"),
        owns: reader.patterns("owns"),
        marked_by: text("marked_by"),
        install: text("install"),
        upgrade: text("upgrade"),
        reinstall: text("reinstall"),
        packages: reader.plain_text_map("packages"),
    };
    reader.finish();
    installer
}

/// Packages of a source that no installer takes them from would never be offered.
pub(super) fn check_source(source: &Located<String>, installers: &[Installer], diagnostics: &Diagnostics) {
    let known: Vec<&str> = installers.iter().map(|installer| installer.source.as_str()).collect();
    if known.contains(&source.value.as_str()) {
        return;
    }
    let diagnostic = Diagnostic::error(&source.place, format!("no installer takes packages from `{}`", source.value));
    diagnostics.report(match nearest(&source.value, known.iter().copied()) {
        Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
        None => diagnostic.hint("describe one below `installers`"),
    });
}
