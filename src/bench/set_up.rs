//! Setting a bench up: a virtual board in its starting state, and mock tools that ordinary discovery finds.

use std::io;
use std::path::{Path, PathBuf};
#[cfg(not(unix))]
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::bench::boards::virtual_model::mock_tools;
use crate::bench::folder::{BenchFiles, BenchFolder, folder_error};
use crate::bench::kit::board::unknown_name;
use crate::bench::kit::mishaps::MishapName;
use crate::bench::scenes::{FileProblem, ScenePlayer, SceneStore, bring, scene_faults, unmade_calls};
use crate::bench::state::{BenchState, HeldState};
use crate::bench::{BenchError, SceneFault, Stage, UnmadeCall, VirtualModel};
use crate::documents::catalog::Catalog;
use crate::documents::playbook::Playbook;
use crate::documents::scene::{Scene, SceneTool};
use crate::world::Surroundings;
#[cfg(not(unix))]
use crate::world::TemporaryFolder;

/// A bench that stands ready. Dropping it removes a temporary folder.
#[derive(Debug)]
pub struct Bench {
    folder: BenchFolder,
    tools: Vec<String>,
    program: MockProgram,
}

/// Longer than a camera takes to start.
const MOMENT_MS: u64 = 10_000;

#[cfg(not(unix))]
const COPY_NAME: &str = "mock.exe";

/// Tells a mock tool where its bench is.
pub const BENCH_VARIABLE: &str = "RECOVER_BENCH";

/// The person's doing, whatever the board.
const WIRE_FORGOTTEN: MishapName =
    ("wire-forgotten", "the person overlooks once that a wire is to be removed, or a switch to be set to off");

impl Bench {
    /// Builds the board the playbook asks for, in the starting state and with the mishaps that `names` choose.
    pub fn set_up(folder: BenchFolder, playbook: &Playbook, names: &[&str]) -> Result<Self, BenchError> {
        let model = VirtualModel::new(playbook, names)?;
        let known = Bench::names_of(&model);
        if let Some(name) = names.iter().find(|name| !known.iter().any(|(known, _)| known == *name)) {
            return Err(unknown_name(name, known));
        }
        let tools = mock_tools().iter().map(|tool| tool.name.to_owned()).collect();
        Bench::with(folder, Stage::Board(model), tools, &|_, state| {
            state.forgets = names.contains(&WIRE_FORGOTTEN.0);
            Ok(())
        })
    }

    /// A bench on which nothing but the scene's own tools is found, which do as the scene says.
    pub fn set_up_scene(folder: BenchFolder, scene: &Scene, catalog: &Catalog) -> Result<Self, BenchError> {
        let player = Stage::Scene(Box::new(ScenePlayer::new(scene)));
        let tools = scene.tools.iter().map(|tool| tool.name.value.clone()).collect();
        Bench::with(folder, player, tools, &|files, _| {
            SceneStore::of(files).save(scene, catalog)?;
            scene.tools.iter().try_for_each(|tool| furnish(files, tool))
        })
    }

    /// `lay_out` puts down what belongs to the stage, before the first look at it.
    fn with(
        folder: BenchFolder,
        stage: Stage,
        tools: Vec<String>,
        lay_out: &dyn Fn(&BenchFiles, &mut BenchState) -> Result<(), BenchError>,
    ) -> Result<Self, BenchError> {
        let files = folder.files();
        let program = MockProgram::here().map_err(folder_error(&std::env::temp_dir()))?;
        let prepare = || {
            files.clean()?;
            std::fs::create_dir_all(files.tools())?;
            files.own_tool_folders().iter().try_for_each(std::fs::create_dir_all)?;
            std::fs::create_dir_all(files.memory())?;
            std::fs::create_dir_all(files.given())?;
            program.link(&files, &tools)?;
            std::fs::write(files.calls(), "")
        };
        prepare().map_err(folder_error(folder.path()))?;
        let mut state = BenchState::new(stage);
        lay_out(&files, &mut state)?;
        if let Some(board) = state.stage.board_mut() {
            board.use_folder(&files.memory());
            board.fill_memories().map_err(folder_error(&files.memory()))?;
            board.lay_out_tools(&files).map_err(folder_error(files.folder()))?;
        }
        state.save(&files)?;
        HeldState::take(&files)?.save()?;
        Ok(Bench { folder, tools, program })
    }

    /// The starting states and mishaps that the playbook's virtual board knows, with one line about each.
    pub fn names(playbook: &Playbook) -> Result<Vec<MishapName>, BenchError> {
        Ok(Bench::names_of(&VirtualModel::new(playbook, &[])?))
    }

    fn names_of(model: &VirtualModel) -> Vec<MishapName> {
        model.board().mishap_names().into_iter().chain([WIRE_FORGOTTEN]).collect()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn files(&self) -> BenchFiles {
        self.folder.files()
    }

    /// The board's cable is plugged in there, and not where its model would be.
    pub fn plug_into(&self, port: &str) -> Result<(), BenchError> {
        let mut held = HeldState::take(&self.files())?;
        held.state.plugged_into = Some(port.to_owned());
        held.save()
    }

    /// So late it is now. What happens between two calls of tools leaves no time behind by itself.
    pub(crate) fn time_is(&self, now_ms: u64) -> Result<(), BenchError> {
        let mut held = HeldState::take(&self.files())?;
        held.state.now_ms = held.state.now_ms.max(now_ms);
        held.save()
    }

    /// Nothing goes wrong any more on this bench; the board stays as it is, and a moment passes.
    pub fn heal(&self) -> Result<(), BenchError> {
        let files = self.files();
        let mut held = HeldState::take(&files)?;
        held.close_call()?;
        if let Some(board) = held.state.stage.board_mut() {
            board.heal();
        }
        held.state.now_ms = held.state.now_ms.saturating_add(MOMENT_MS);
        held.state.versions.clear();
        held.save()?;
        self.program.link(&files, &self.tools).map_err(folder_error(self.folder()))
    }

    /// A scene stands at its beginning, and takes that something goes wrong which it does not script. A board stays as it is.
    pub(crate) fn begin_trial(&self) -> Result<(), BenchError> {
        let mut held = HeldState::take(&self.files())?;
        let now_ms = held.state.now_ms;
        let Some(scene) = held.state.stage.scene_mut() else { return Ok(()) };
        scene.begin_trial(now_ms);
        held.save()
    }

    /// Takes a tool away.
    pub fn remove_tool(&self, name: &str) -> Result<(), BenchError> {
        let path = self.files().tool(name);
        std::fs::remove_file(&path).map_err(folder_error(&path))
    }

    /// Lets a tool say that it is of another version than it is.
    pub fn set_tool_version(&self, name: &str, version: &str) -> Result<(), BenchError> {
        let mut held = HeldState::take(&self.files())?;
        held.state.versions.insert(name.to_owned(), version.to_owned());
        held.save()
    }

    /// What did not go as the scene says, in the order in which it happened. Each such call has failed.
    pub fn scene_faults(&self) -> Result<Vec<SceneFault>, BenchError> {
        scene_faults(&self.files())
    }

    /// The calls that the scene declares and that were not made, or not as often.
    pub fn unmade_calls(&self) -> Result<Vec<UnmadeCall>, BenchError> {
        unmade_calls(&self.files())
    }

    /// Leaves the folder where it is, for somebody to look at.
    pub fn keep(self) -> std::path::PathBuf {
        self.folder.keep()
    }

    /// In which discovery finds the mock tools before any real one, and the mock tools their bench.
    pub fn surroundings(&self) -> Surroundings {
        let files = self.files();
        let tool = |name: &String| {
            let variable = format!("RECOVER_TOOL_{}", name.to_uppercase().replace('-', "_"));
            (variable, files.tool(name).into_os_string())
        };
        let bench = (BENCH_VARIABLE.to_owned(), self.folder().as_os_str().to_owned());
        let there = |name: &&String| files.tool(name).symlink_metadata().is_ok();
        let variables = self.tools.iter().filter(there).map(tool).chain([bench]).collect();
        Surroundings { variables, current_folder: self.folder().to_owned(), ..Surroundings::default() }
    }
}

/// Lays the files that come with a tool beside it. Tools of one folder may bring the same file.
fn furnish(files: &BenchFiles, tool: &SceneTool) -> Result<(), BenchError> {
    let program = files.tool(&tool.name.value);
    let Some(folder) = program.parent() else { return Ok(()) };
    for file in &tool.files {
        let path = folder.join(&file.path);
        match bring(folder, file) {
            Err(FileProblem::Failed(error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(FileProblem::Failed(error)) => return Err(folder_error(&path)(error)),
            Err(FileProblem::Outside(why)) => return Err(folder_error(&path)(io::Error::other(why))),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The program that all mock tools are: this one.
#[derive(Debug)]
struct MockProgram {
    path: PathBuf,
    /// Shared by all benches of this process, and gone with the last.
    #[cfg(not(unix))]
    _copy: Arc<TemporaryFolder>,
}

impl MockProgram {
    #[cfg(unix)]
    fn here() -> io::Result<Self> {
        Ok(MockProgram { path: std::env::current_exe()? })
    }

    /// Symbolic links need a privilege on Windows, and other names of a program that runs cannot be removed: they are names of
    /// a copy.
    #[cfg(not(unix))]
    fn here() -> io::Result<Self> {
        static COPY: Mutex<Weak<TemporaryFolder>> = Mutex::new(Weak::new());
        let mut shared = COPY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = shared.upgrade() {
            return Ok(MockProgram { path: copy.path().join(COPY_NAME), _copy: copy });
        }
        let copy = Arc::new(TemporaryFolder::create_in(&std::env::temp_dir(), "mocks-")?);
        let path = copy.path().join(COPY_NAME);
        std::fs::copy(std::env::current_exe()?, &path)?;
        *shared = Arc::downgrade(&copy);
        Ok(MockProgram { path, _copy: copy })
    }

    /// Gives it the names of these tools, where they are not there yet.
    fn link(&self, files: &BenchFiles, tools: &[String]) -> io::Result<()> {
        let mut missing = tools.iter().filter(|name| files.tool(name).symlink_metadata().is_err());
        missing.try_for_each(|name| name_also(&self.path, &files.tool(name)))
    }
}

#[cfg(unix)]
fn name_also(program: &Path, name: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, name)
}

#[cfg(not(unix))]
fn name_also(program: &Path, name: &Path) -> io::Result<()> {
    // On another drive, or where the file system has no links.
    std::fs::hard_link(program, name).or_else(|_| std::fs::copy(program, name).map(drop))
}
