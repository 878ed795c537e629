//! `recover completions` and `recover man`: made from the command line's own declaration.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Command;

use crate::cli::arguments::{CompletionsArgs, ManArgs, command_with_boards};
use crate::cli::streams::{complain, show};
use crate::engine::Outcome;

pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command_with_boards(), "recover", &mut script);
    show(&String::from_utf8_lossy(&script));
    Outcome::Recovered
}

/// One page, with the commands in it; or all of them, in a folder.
pub(super) fn man(args: &ManArgs) -> Outcome {
    let pages = match &args.to {
        // Writing into memory does not fail.
        None => {
            return page(command_with_boards()).map_or(Outcome::Defect, |page| {
                show(&String::from_utf8_lossy(&page));
                Outcome::Recovered
            });
        }
        Some(folder) => write_pages(folder),
    };
    match pages {
        Ok(()) => Outcome::Recovered,
        Err((path, error)) => {
            complain(&format!("error: {} cannot be written: {error}", path.display()));
            match error.kind() {
                ErrorKind::AlreadyExists => Outcome::CommandLine,
                _ => Outcome::StepFailed,
            }
        }
    }
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

/// Those that the first one refers to, such as recover-run(1), and itself. What is there already stays.
fn write_pages(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let mut whole = command_with_boards().disable_help_subcommand(true);
    whole.build();
    let verbs: Vec<Command> = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    fs::create_dir_all(folder).map_err(|error| (folder.to_owned(), error))?;
    for command in std::iter::once(whole).chain(verbs) {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let path = folder.join(format!("{name}.1"));
        let page = page(command).map_err(|error| (path.clone(), error))?;
        let mut file = fs::File::create_new(&path).map_err(|error| (path.clone(), error))?;
        if let Err(error) = file.write_all(&page) {
            // Half a page is none, and this one is ours.
            drop(fs::remove_file(&path));
            return Err((path, error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::*;

    #[test]
    fn every_shell_completes_verbs_and_boards() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command_with_boards(), "recover", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("doctor"), "{shell}");
            // PowerShell's completes no values.
            let values = script.contains("rt1062") && script.contains("boot-fuse");
            assert!(shell == Shell::PowerShell || values, "{shell}");
        }
    }

    #[test]
    fn every_page_that_the_manual_refers_to_is_written_and_none_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("pages");
        let args = ManArgs { to: Some(pages.clone()) };
        assert_eq!(man(&args), Outcome::Recovered);
        let text = fs::read_to_string(pages.join("recover.1")).unwrap().replace('\\', "");
        let named: Vec<&str> = text.split_whitespace().filter_map(|word| word.strip_suffix("(1)")).collect();
        assert!(named.contains(&"recover-run") && named.len() > 10, "{named:?}");
        for name in &named {
            let text = fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{name}");
        }
        assert_eq!(fs::read_dir(&pages).unwrap().count(), named.len() + 1);
        assert_eq!(man(&args), Outcome::CommandLine);
    }
}
