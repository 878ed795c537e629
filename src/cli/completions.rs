//! `recover completions` and `recover man`: made from the command line's own declaration.

use crate::cli::arguments::{CompletionsArgs, command_with_boards};
use crate::cli::streams::show;
use crate::engine::Outcome;

pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command_with_boards(), "recover", &mut script);
    show(&String::from_utf8_lossy(&script));
    Outcome::Recovered
}

/// One page, with the commands in it.
pub(super) fn man() -> Outcome {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command_with_boards());
    match man.render(&mut page) {
        Ok(()) => {
            show(&String::from_utf8_lossy(&page));
            Outcome::Recovered
        }
        // Writing into memory does not fail.
        Err(_) => Outcome::Defect,
    }
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
}
