//! The folder a tool lives in, and private copies of it: some tools start only there, and write there.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// Limits of a copy; the folders of the vendors' tools hold some hundred files and some hundred megabytes.
const FILES_MAX: usize = 5_000;
const BYTES_MAX: u64 = 1024 * 1024 * 1024;
const DEPTH_MAX: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum FolderProblem {
    #[error("`{}` stands in no folder", program.display())]
    NoFolder { program: PathBuf },
    #[error(
        "the folder `{}` has more than {FILES_MAX} files, so it is hardly that of one tool; unpack the tool into a folder of its own",
        folder.display()
    )]
    TooManyFiles { folder: PathBuf },
    #[error(
        "the folder `{}` holds more than {} MB, so it is hardly that of one tool; unpack the tool into a folder of its own",
        folder.display(),
        BYTES_MAX / (1024 * 1024)
    )]
    TooLarge { folder: PathBuf },
    #[error("the folder `{}` is nested too deeply", folder.display())]
    TooDeep { folder: PathBuf },
    #[error("the link `{}` leads out of its folder, to `{}`", link.display(), target.display())]
    LeadsOut { link: PathBuf, target: PathBuf },
    #[error("`{}` cannot be copied: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

/// The folder that belongs to a program. A link of the same name as the program, as they stand in folders of PATH, is
/// followed to the program's real folder.
pub fn tool_folder(program: &Path) -> Option<PathBuf> {
    let real = program.canonicalize().ok().filter(|real| real.file_name() == program.file_name());
    real.as_deref().unwrap_or(program).parent().map(Path::to_owned)
}

/// Copies the folder of a program, with everything in it, to `copy`, which must not be there yet. Links to files and
/// folders within are replaced by what they lead to; a link to the program itself stays a link.
pub fn copy_tool_folder(program: &Path, copy: &Path) -> Result<(), FolderProblem> {
    let folder = tool_folder(program).ok_or_else(|| FolderProblem::NoFolder { program: program.to_owned() })?;
    let real = |path: &Path| path.canonicalize().map_err(|source| unreadable(path, source));
    let mut copying = Copying { root: real(&folder)?, program: real(program)?, files: 0, bytes: 0 };
    copying.folder(&folder, copy, 0)
}

struct Copying {
    /// Both without any links.
    root: PathBuf,
    program: PathBuf,
    files: usize,
    bytes: u64,
}

impl Copying {
    fn folder(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), FolderProblem> {
        if depth > DEPTH_MAX {
            return Err(FolderProblem::TooDeep { folder: self.root.clone() });
        }
        std::fs::create_dir(to).map_err(|source| unwritable(to, source))?;
        for entry in std::fs::read_dir(from).map_err(|source| unreadable(from, source))? {
            let entry = entry.map_err(|source| unreadable(from, source))?;
            self.entry(&entry.path(), &to.join(entry.file_name()), depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), FolderProblem> {
        self.files += 1;
        if self.files > FILES_MAX {
            return Err(FolderProblem::TooManyFiles { folder: self.root.clone() });
        }
        let found = std::fs::symlink_metadata(from).map_err(|source| unreadable(from, source))?;
        if found.is_symlink() {
            let target = from.canonicalize().map_err(|source| unreadable(from, source))?;
            if target == self.program {
                return link_or_copy(&target, to).map_err(|source| unwritable(to, source));
            }
            if !target.starts_with(&self.root) {
                return Err(FolderProblem::LeadsOut { link: from.to_owned(), target });
            }
        }
        let found = std::fs::metadata(from).map_err(|source| unreadable(from, source))?;
        if found.is_dir() { self.folder(from, to, depth + 1) } else { self.file(from, to, &found) }
    }

    /// Sockets, pipes and devices are left out: opening one might never end.
    fn file(&mut self, from: &Path, to: &Path, found: &Metadata) -> Result<(), FolderProblem> {
        if !found.is_file() {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(found.len());
        if self.bytes > BYTES_MAX {
            return Err(FolderProblem::TooLarge { folder: self.root.clone() });
        }
        std::fs::copy(from, to).map_err(|source| unreadable(from, source))?;
        // The copy is the run's own, so that what was read-only for the person may be replaced in it.
        make_writable(to).map_err(|source| unwritable(to, source))
    }
}

#[cfg(unix)]
fn link_or_copy(target: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, to)
}

/// Links need a privilege there.
#[cfg(not(unix))]
fn link_or_copy(target: &Path, to: &Path) -> io::Result<()> {
    std::fs::copy(target, to).map(drop)
}

#[cfg(unix)]
fn make_writable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    const OWNER_WRITES: u32 = 0o200;
    let mut permissions = std::fs::metadata(file)?.permissions();
    permissions.set_mode(permissions.mode() | OWNER_WRITES);
    std::fs::set_permissions(file, permissions)
}

#[cfg(not(unix))]
fn make_writable(file: &Path) -> io::Result<()> {
    let mut permissions = std::fs::metadata(file)?.permissions();
    permissions.set_readonly(false);
    std::fs::set_permissions(file, permissions)
}

fn unreadable(path: &Path, source: io::Error) -> FolderProblem {
    FolderProblem::Unreadable { path: path.to_owned(), source }
}

fn unwritable(path: &Path, source: io::Error) -> FolderProblem {
    FolderProblem::Unwritable { path: path.to_owned(), source }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn tool(parent: &Path) -> PathBuf {
        let folder = parent.join("tools");
        std::fs::create_dir_all(folder.join("utils")).unwrap();
        std::fs::write(folder.join("flasher"), "#!/bin/sh").unwrap();
        std::fs::set_permissions(folder.join("flasher"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(folder.join("utils/parts.db"), "parts").unwrap();
        folder.join("flasher")
    }

    #[test]
    fn copies_all_files_and_makes_them_writable() {
        let parent = tempfile::tempdir().unwrap();
        let program = tool(parent.path());
        let file = parent.path().join("tools/utils/parts.db");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
        symlink("utils", parent.path().join("tools/same")).unwrap();
        let copy = parent.path().join("copy");
        copy_tool_folder(&program, &copy).unwrap();
        assert_eq!(std::fs::metadata(copy.join("flasher")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(std::fs::read_to_string(copy.join("same/parts.db")).unwrap(), "parts");
        assert!(!std::fs::symlink_metadata(copy.join("same")).unwrap().is_symlink());
        std::fs::write(copy.join("utils/parts.db"), "changed").unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "parts");
    }

    #[test]
    fn links_stay_inside_or_lead_to_the_program() {
        let parent = tempfile::tempdir().unwrap();
        let elsewhere = parent.path().join("multi");
        std::fs::write(&elsewhere, "one program for all").unwrap();
        std::fs::create_dir(parent.path().join("bin")).unwrap();
        let program = parent.path().join("bin/flasher");
        symlink(&elsewhere, &program).unwrap();
        symlink(&elsewhere, parent.path().join("bin/other")).unwrap();
        copy_tool_folder(&program, &parent.path().join("copy")).unwrap();
        assert!(std::fs::symlink_metadata(parent.path().join("copy/other")).unwrap().is_symlink());

        symlink("/etc/passwd", parent.path().join("bin/users")).unwrap();
        let problem = copy_tool_folder(&program, &parent.path().join("copy-2")).unwrap_err();
        assert!(matches!(problem, FolderProblem::LeadsOut { .. }), "{problem}");
    }

    #[test]
    fn a_folder_that_contains_itself_is_given_up() {
        let parent = tempfile::tempdir().unwrap();
        let program = tool(parent.path());
        symlink(".", parent.path().join("tools/again")).unwrap();
        let problem = copy_tool_folder(&program, &parent.path().join("copy")).unwrap_err();
        assert!(matches!(problem, FolderProblem::TooDeep { .. } | FolderProblem::TooManyFiles { .. }), "{problem}");
    }

    #[test]
    fn a_link_in_a_folder_of_path_leads_to_the_tools_own_folder() {
        let parent = tempfile::tempdir().unwrap();
        let program = tool(parent.path());
        std::fs::create_dir(parent.path().join("bin")).unwrap();
        let link = parent.path().join("bin/flasher");
        symlink(&program, &link).unwrap();
        assert_eq!(tool_folder(&link), program.canonicalize().unwrap().parent().map(Path::to_owned));
        assert_eq!(tool_folder(Path::new("/nowhere/flasher")), Some(PathBuf::from("/nowhere")));
    }
}
