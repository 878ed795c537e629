//! A command line that cannot be read: told as clap does, or to programs as the one event of a run that never began.

use std::ffi::OsString;

use clap::Error;

use crate::cli::json::write_line;
use crate::cli::streams::{complain_at_length, printed, stdout};
use crate::engine::{Event, Outcome, Told, before_anything, finished};
use crate::words::{FaultClass, steers};

/// Tells what is wrong, or shows the help that was asked for.
pub(super) fn refuse(error: &Error, arguments: impl IntoIterator<Item = OsString>) -> Outcome {
    // Help and version are wanted as they are, whoever asks.
    if !error.use_stderr() {
        printed(error.print());
        return Outcome::Recovered;
    }
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let steering = arguments.iter().any(|word| word.to_string_lossy().chars().any(steers));
    if wants_json(arguments) {
        let _reader_gone = write_line(&mut stdout(), &Told::now(event(error)));
    } else if steering {
        complain_at_length(&error.render().to_string());
    } else {
        printed(error.print());
    }
    Outcome::CommandLine
}

fn event(error: &Error) -> Event {
    let text = error.render().to_string();
    let mut parts = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    let what = parts.next().unwrap_or_default();
    let what = what.strip_prefix("error:").unwrap_or(what).trim();
    let next = parts.map(str::to_owned).collect();
    finished(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what.to_owned(), next))
}

/// The rest of the command line cannot be trusted, but this wish is understood.
fn wants_json(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = arguments.into_iter().skip(1).take_while(|word| word != "--").collect();
    let option = |word: &OsString| word == "--message-format";
    words.iter().any(|word| word == "--message-format=json")
        || words.windows(2).any(|pair| option(&pair[0]) && pair[1] == "json")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::arguments::Arguments;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_wish_for_json_is_understood_anywhere() {
        for wished in ["recover run --message-format json --nonsense", "recover --nonsense --message-format=json"] {
            assert!(wants_json(words(wished)), "{wished}");
        }
        for not in ["recover run x", "recover --message-format human json", "recover run -- --message-format=json"] {
            assert!(!wants_json(words(not)), "{not}");
        }
    }

    #[test]
    fn what_is_wrong_comes_first_and_every_failure_has_a_class() {
        let error = Arguments::try_parse_from(words("recover run rt1062 --prot 1-1")).unwrap_err();
        let told = serde_json::to_value(event(&error)).unwrap();
        assert_eq!(told["event"], "finished");
        assert_eq!((&told["outcome"], &told["exit_code"]), (&"command-line".into(), &2.into()));
        assert_eq!(told["problem"]["class"], "bad-usage");
        let what = told["problem"]["what"].as_str().unwrap();
        assert!(what.starts_with("unexpected argument '--prot' found"), "{what}");
        assert!(told["problem"]["next"].as_array().is_some_and(|next| !next.is_empty()));
    }
}
