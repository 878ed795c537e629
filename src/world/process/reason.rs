//! Why a tool could not be started, in words for the person.

use std::io;
use std::path::Path;

use crate::world::ToolCall;
use crate::world::system::{is_foreign_program, is_out_of_files};

/// How the reason begins where the computer, and not the tool, is at fault.
pub const TOO_MANY_FILES: &str = "too many files are open";

pub(super) fn reason_not_started(call: &ToolCall, error: &io::Error) -> String {
    let Some(program) = call.launcher.first().map(Path::new) else {
        return "no program is given".to_owned();
    };
    let name = program.display();
    if is_foreign_program(error) {
        return format!("`{name}` is not a program for this kind of computer: wrong architecture, or damaged");
    }
    if is_out_of_files(error) {
        return format!("{TOO_MANY_FILES}, which has nothing to do with `{name}`; see `ulimit -n`");
    }
    match error.kind() {
        io::ErrorKind::NotFound if !call.folder.is_dir() => {
            format!("the folder `{}` it should run in does not exist", call.folder.display())
        }
        // The kernel says "not found" also when it is the loader named inside the file that is missing.
        io::ErrorKind::NotFound if program.is_absolute() && program.exists() => {
            format!("`{name}` exists, but not what it needs to run: built for another kind of computer, perhaps")
        }
        io::ErrorKind::NotFound => format!("`{name}` was not found"),
        io::ErrorKind::PermissionDenied => format!("`{name}` is not executable, or this user may not run it"),
        io::ErrorKind::ExecutableFileBusy => format!("`{name}` is being written to at the moment"),
        io::ErrorKind::ArgumentListTooLong => "the command line is too long".to_owned(),
        _ => format!("`{name}`: {error}"),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::world::ToolInput;

    #[test]
    fn a_computer_without_room_is_no_fault_of_the_tool() {
        let call = ToolCall {
            launcher: vec!["/usr/bin/mender".into()],
            args: Vec::new(),
            environment: Default::default(),
            environment_remove: Vec::new(),
            folder: std::env::temp_dir(),
            terminal: false,
            input: ToolInput::Nothing,
            warm: None,
        };
        // EMFILE and ENFILE, which Linux and macOS number alike.
        for limit in [24, 23] {
            let told = reason_not_started(&call, &io::Error::from_raw_os_error(limit));
            assert!(told.starts_with("too many files are open"), "{told}");
        }
    }
}
