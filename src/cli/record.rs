//! `recover run --record`: a run kept as a scene, a test file and the playbook, so that it can be run again without hardware.

mod case;
mod folder;
pub(super) mod redaction;
mod scene_of;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::arguments::RunOptions;
use crate::cli::places::FoundPlaybook;
use crate::cli::record::case::{Ended, test_file};
use crate::cli::record::folder::{FolderUnusable, RecordedFile};
use crate::cli::record::redaction::Redaction;
use crate::cli::record::scene_of::{in_lines, scene_of};
use crate::documents::playbook::Playbook;
use crate::documents::scene::{GivenFile, SCENE_BYTES_MAX, Scene, ToolFolderFile, write_scene};
use crate::engine::{Event, Outcome, ReadyTool, file_of_tool};
use crate::words::{Id, Source};
use crate::world::{Recorder, Surroundings, TEXT_BYTES_MAX, open_file};

/// What is kept of a run, from its beginning to its last event.
#[derive(Debug)]
pub(super) struct Recording {
    recorder: Recorder,
    folder: PathBuf,
    redact: bool,
    files: PathBuf,
    /// Names the files.
    stem: String,
    playbook: Arc<Source>,
    families: Vec<(String, Arc<Source>)>,
    catalogs: Vec<Arc<Source>>,
    /// Tools, and paths below their folders.
    tool_files: Vec<(String, String)>,
    /// Given on the command line.
    given: Given,
    heard: RefCell<Heard>,
}

#[derive(Debug)]
struct Given {
    set: BTreeMap<Id, String>,
    allow: Vec<Id>,
    nobody: bool,
    port: Option<String>,
    serial: Option<String>,
}

#[derive(Debug, Default)]
struct Heard {
    files: BTreeMap<Id, GivenFile>,
    launchers: BTreeMap<String, Vec<OsString>>,
    /// By tool.
    tool_files: BTreeMap<String, Vec<ToolFolderFile>>,
    /// What cannot be kept, in words.
    left_out: Vec<String>,
    done: bool,
}

const CATALOG_FILE: &str = "vendor-tools.toml";

impl Recording {
    /// None when nothing is to be recorded. Whether the folder can be used is found out before anything has started.
    pub(super) fn begin(
        options: &RunOptions,
        playbook: &Playbook,
        found: &FoundPlaybook,
        catalogs: &[Arc<Source>],
    ) -> Result<Option<Recording>, FolderUnusable> {
        let Some(folder) = &options.record else { return Ok(None) };
        folder::prepare(folder)?;
        let stem = Path::new(&found.source.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let of_variables = options.settings.iter().filter(|setting| playbook.input(&setting.name).is_none());
        Ok(Some(Recording {
            recorder: Recorder::default(),
            folder: folder.clone(),
            redact: options.redact,
            files: options.files.clone(),
            stem: stem.unwrap_or_else(|| "recording".to_owned()),
            playbook: Arc::clone(&found.source),
            families: found.families(),
            catalogs: catalogs.to_vec(),
            tool_files: playbook
                .tool_files
                .iter()
                .map(|file| (file.tool.value.clone(), file.file.value.clone()))
                .collect(),
            given: Given {
                set: of_variables.map(|setting| (setting.name.clone(), setting.value.clone())).collect(),
                allow: options.allow_irreversible.clone(),
                nobody: options.non_interactive,
                port: options.port.clone(),
                serial: options.serial.clone(),
            },
            heard: RefCell::new(Heard {
                files: playbook.inputs.iter().map(|input| (input.name.clone(), GivenFile::NotGiven)).collect(),
                ..Heard::default()
            }),
        }))
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(super) fn tools(&self, tools: &BTreeMap<String, ReadyTool>) {
        let launchers = tools.iter().map(|(name, tool)| (name.clone(), tool.launcher.clone()));
        let mut heard = self.heard.borrow_mut();
        heard.launchers = launchers.collect();
        for (tool, below) in &self.tool_files {
            let Some(path) = tools.get(tool).and_then(|ready| file_of_tool(ready, below)) else { continue };
            match tool_file(below, &path) {
                Ok(file) => heard.tool_files.entry(tool.clone()).or_default().push(file),
                Err(error) => heard.left_out.push(format!("the file {below} of {tool}, which cannot be read: {error}")),
            }
        }
    }

    /// Hears every event before anybody else. With the last one the recording is written; the answer says what came of that.
    pub(super) fn event(&self, event: &Event) -> Vec<Event> {
        match event {
            Event::InputReady { name, size, .. } => {
                let mut heard = self.heard.borrow_mut();
                if let Some(file) = heard.files.get_mut(name) {
                    *file = GivenFile::Size(*size);
                }
            }
            Event::ToolStarted { tool, .. } => self.recorder.tool(tool),
            // Nothing has run, so there is nothing to play again.
            Event::Finished { outcome: Outcome::CommandLine | Outcome::BoardBusy, .. } => {}
            Event::Finished { outcome, exit_code, problem, .. } => {
                let class = problem.as_ref().map(|problem| problem.class.to_string());
                return self.finish(&Ended { outcome: *outcome, exit_code: *exit_code, class });
            }
            _ => {}
        }
        Vec::new()
    }

    fn finish(&self, ended: &Ended) -> Vec<Event> {
        let mut heard = self.heard.borrow_mut();
        if std::mem::replace(&mut heard.done, true) {
            return Vec::new();
        }
        let recorded = self.recorder.take();
        let mut told = Vec::new();
        let mut warn = |text: String| told.push(Event::Warning { text });
        if recorded.left_out_bytes > 0 {
            let (kept, left_out) = (TEXT_BYTES_MAX / 1024 / 1024, recorded.left_out_bytes);
            warn(format!(
                "a recording keeps at most {kept} MB of what tools print; {left_out} bytes were left out of this one, so that \
                 it may not replay as the run was"
            ));
        }
        for what in recorded.left_out.iter().chain(&heard.left_out) {
            warn(format!("left out of the recording: {what}; it may not replay as the run was"));
        }
        let (interrupted, folders) = (recorded.interrupted, recorded.folders.clone());
        let mut scene = scene_of(recorded, &heard.launchers);
        let mut parts = Vec::new();
        for tool in &mut scene.tools {
            tool.files = heard.tool_files.remove(&tool.name.value).unwrap_or_default();
            parts.extend(tool.files.iter().filter_map(|file| only_a_part(&tool.name.value, file)));
        }
        self.add_given(&mut scene, &heard.files);
        if self.redact {
            let surroundings = Surroundings::of_this_process();
            Redaction::of(&scene, &surroundings, &self.files, &folders).apply(&mut scene);
        }
        in_lines(&mut scene);
        let scene_name = format!("{}.scene.yaml", self.stem);
        let remarks = [
            format!("Recorded by recover {} on {}.", env!("CARGO_PKG_VERSION"), today()),
            format!("Replay it: recover run {}.yaml --scene {scene_name}", self.stem),
        ];
        let text = write_scene(&scene, &remarks);
        if text.len() > SCENE_BYTES_MAX {
            warn(format!(
                "the recording has {} bytes, and no scene of more than {SCENE_BYTES_MAX} is read",
                text.len()
            ));
        }
        let mut files = self.documents();
        if !interrupted {
            let text = test_file(&self.stem, &scene_name, &today(), &scene, ended);
            files.push(RecordedFile { name: format!("{}.test.yaml", self.stem), text });
        }
        files.push(RecordedFile { name: scene_name.clone(), text });
        match folder::write(&self.folder, &files) {
            Err(error) => {
                let folder = self.folder.display();
                warn(format!("the recording cannot be written to {folder}: {error}; the run itself is not concerned"));
            }
            Ok(()) => {
                let shown = self.folder.join(&scene_name);
                told.push(Event::Note { text: format!("The run is recorded in {}.", shown.display()) });
                told.extend(parts.into_iter().map(|text| Event::Note { text }));
                if interrupted {
                    let text =
                        "The run was interrupted, which a scene does not repeat: the recording has no test file.";
                    told.push(Event::Note { text: text.to_owned() });
                }
            }
        }
        told
    }

    fn add_given(&self, scene: &mut Scene, files: &BTreeMap<Id, GivenFile>) {
        scene.files.clone_from(files);
        scene.set.clone_from(&self.given.set);
        scene.allow.clone_from(&self.given.allow);
        scene.nobody = self.given.nobody;
        scene.port.clone_from(&self.given.port);
        scene.serial.clone_from(&self.given.serial);
    }

    /// The playbook, and what it needs beside what is shipped.
    fn documents(&self) -> Vec<RecordedFile> {
        let playbook = RecordedFile { name: format!("{}.yaml", self.stem), text: self.playbook.text.clone() };
        let family =
            |(path, source): &(String, Arc<Source>)| RecordedFile { name: path.clone(), text: source.text.clone() };
        let mut files = vec![playbook];
        files.extend(self.families.iter().map(family));
        // The last one wins over the others, and is found beside the scene.
        for (number, catalog) in self.catalogs.iter().rev().enumerate() {
            let name = if number == 0 { CATALOG_FILE.to_owned() } else { format!("{}-{CATALOG_FILE}", number + 1) };
            files.push(RecordedFile { name, text: catalog.text.clone() });
        }
        files
    }
}

/// A file that comes with a tool: its header is what playbooks read, and the rest is the vendor's.
fn tool_file(below: &str, path: &Path) -> std::io::Result<ToolFolderFile> {
    const KEPT_BYTES_MAX: u64 = 256;
    let file = open_file(path)?;
    let size_bytes = file.metadata()?.len();
    let mut beginning = Vec::new();
    file.take(KEPT_BYTES_MAX).read_to_end(&mut beginning)?;
    Ok(ToolFolderFile { path: below.to_owned(), beginning, size_bytes })
}

/// Said of a file that is not kept whole.
fn only_a_part(tool: &str, file: &ToolFolderFile) -> Option<String> {
    let (path, kept, size) = (&file.path, file.beginning.len(), file.size_bytes);
    let whole = size <= kept as u64;
    (!whole).then(|| format!("Of the file {path} of {tool} the recording keeps the first {kept} of {size} bytes."))
}

fn today() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d").to_string()
}
