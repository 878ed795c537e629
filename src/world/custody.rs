//! In whose hands a file is: who beside this user could have written what stands in it.
//!
//! Asked of the opened file, so that it is the same that is read. Root counts as this user: whoever is root decides which
//! programs run anyway. Where permissions say nothing (Windows), a file below the user's reach counts as the user's own.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::world::open_file;
use crate::world::system::{everybody_may_write, is_same_file, is_somebody_elses, others_may_read};

/// Why what stands in a file may be somebody else's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    Owner,
    EverybodyMayWrite,
    /// Everybody may put another file in its place; a sticky folder such as `/tmp` is none better, because everybody may be
    /// the first to put one there.
    EverybodyMayReplace {
        folder: PathBuf,
    },
    /// It was replaced between opening it and looking where it lies.
    Replaced,
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Foreign::Owner => f.write_str("it belongs to another user"),
            Foreign::EverybodyMayWrite => f.write_str("every user of this computer may write it"),
            Foreign::EverybodyMayReplace { folder } => {
                write!(f, "every user of this computer may write in its folder {}", folder.display())
            }
            Foreign::Replaced => f.write_str("it was replaced while it was read"),
        }
    }
}

/// Why a file keeps no secret.
#[derive(Debug, thiserror::Error)]
pub enum NotPrivate {
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    #[error("{0}")]
    Foreign(Foreign),
    #[error("others may read it")]
    OthersMayRead,
}

/// A secret is short.
const PRIVATE_BYTES_MAX: u64 = 4096;

/// What stands in a file that only this user may read, and nobody else could have put there.
pub fn read_private(path: &Path) -> Result<String, NotPrivate> {
    let file = open_file(path)?;
    if let (_, Some(foreign)) = custody(&file, path)? {
        return Err(NotPrivate::Foreign(foreign));
    }
    if others_may_read(&file.metadata()?) {
        return Err(NotPrivate::OthersMayRead);
    }
    let mut text = String::new();
    file.take(PRIVATE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Where an opened file really lies, links aside, and why it may be somebody else's.
pub fn custody(file: &File, path: &Path) -> io::Result<(PathBuf, Option<Foreign>)> {
    let real = path.canonicalize()?;
    let found = file.metadata()?;
    if !is_same_file(&found, &std::fs::metadata(&real)?) {
        return Ok((real, Some(Foreign::Replaced)));
    }
    if is_somebody_elses(&found) {
        return Ok((real, Some(Foreign::Owner)));
    }
    if everybody_may_write(&found) {
        return Ok((real, Some(Foreign::EverybodyMayWrite)));
    }
    // The folder of a link decides where it leads.
    for folder in [folder_of(&real), folder_of(path)] {
        if everybody_may_write(&std::fs::metadata(&folder)?) {
            return Ok((real, Some(Foreign::EverybodyMayReplace { folder })));
        }
    }
    Ok((real, None))
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn of(path: &Path) -> Option<Foreign> {
        custody(&File::open(path).unwrap(), path).unwrap().1
    }

    #[test]
    fn what_everybody_may_write_is_nobodys_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tools.toml");
        std::fs::write(&file, "").unwrap();
        mode(&file, 0o644);
        assert_eq!(of(&file), None);
        mode(&file, 0o664);
        assert_eq!(of(&file), None, "a group of one's own is common");
        mode(&file, 0o646);
        assert_eq!(of(&file), Some(Foreign::EverybodyMayWrite));
        mode(&file, 0o644);
        for everybodys in [0o777, 0o1777] {
            mode(folder.path(), everybodys);
            assert!(matches!(of(&file), Some(Foreign::EverybodyMayReplace { .. })));
        }
    }

    #[test]
    fn a_secret_is_read_from_a_file_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "secret").unwrap();
        for open in [0o640, 0o604, 0o660] {
            mode(&file, open);
            assert!(matches!(read_private(&file), Err(NotPrivate::OthersMayRead)), "{open:o}");
        }
        mode(&file, 0o600);
        assert_eq!(read_private(&file).unwrap(), "secret");
        mode(folder.path(), 0o777);
        assert!(matches!(read_private(&file), Err(NotPrivate::Foreign(_))));
        assert!(matches!(read_private(folder.path()), Err(NotPrivate::Unreadable(_))));
    }

    #[test]
    fn a_link_is_as_safe_as_both_its_ends() {
        let (shared, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = own.path().join("tools.toml");
        std::fs::write(&file, "").unwrap();
        let link = shared.path().join("tools.toml");
        symlink(&file, &link).unwrap();
        assert_eq!(of(&link), None);
        mode(shared.path(), 0o1777);
        assert_eq!(of(&link), Some(Foreign::EverybodyMayReplace { folder: shared.path().to_owned() }));
    }

    #[test]
    fn what_belongs_to_another_user_is_theirs() {
        const SOMEBODY: u32 = 54_321;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tools.toml");
        std::fs::write(&file, "").unwrap();
        // Only root can give a file away.
        if chown(&file, Some(SOMEBODY), None).is_ok() {
            assert_eq!(of(&file), Some(Foreign::Owner));
        }
    }

    #[test]
    fn a_file_that_was_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tools.toml");
        std::fs::write(&path, "shown").unwrap();
        let opened = File::open(&path).unwrap();
        std::fs::write(folder.path().join("other"), "used").unwrap();
        std::fs::rename(folder.path().join("other"), &path).unwrap();
        assert_eq!(custody(&opened, &path).unwrap().1, Some(Foreign::Replaced));
    }
}
