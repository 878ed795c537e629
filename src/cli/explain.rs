//! `recover explain`: what a code of a diagnostic means.

use crate::cli::arguments::ExplainArgs;
use crate::cli::streams::{complain, say};
use crate::cli::style::{Look, Role};
use crate::engine::Outcome;
use crate::words::{Code, UnknownCode, meant_or_known, nearest};

pub(super) fn explain(args: &ExplainArgs, look: &Look) -> Outcome {
    let Some(text) = &args.code else {
        list(look);
        return Outcome::Recovered;
    };
    match text.parse::<Code>() {
        Ok(code) => {
            one(code, look);
            Outcome::Recovered
        }
        Err(error) => {
            complain(&format!("error: {}", unknown(&error)));
            Outcome::CommandLine
        }
    }
}

fn unknown(error: &UnknownCode) -> String {
    let words = || Code::ALL.iter().map(|code| code.word());
    match nearest(&error.text, words()) {
        Some(_) => format!("{error}; {}", meant_or_known(&error.text, words())),
        None => format!("{error}; `recover explain` lists all of them"),
    }
}

fn one(code: Code, look: &Look) {
    let explanation = code.explanation();
    say(&look.paint(Role::Title, code.word()));
    say("");
    say(explanation.about);
    for (title, example) in [("Wrong:", explanation.wrong), ("Right:", explanation.right)] {
        say("");
        say(title);
        for line in example.lines() {
            say(&format!("    {line}"));
        }
    }
}

fn list(look: &Look) {
    let width = Code::ALL.iter().map(|code| code.word().len()).max().unwrap_or(0);
    for code in Code::ALL {
        let about = code.explanation().about;
        let sentence = about.split_inclusive(['.', ':', ';']).next().unwrap_or(about).trim_end_matches([':', ';']);
        say(&format!("{}  {}", look.paint(Role::Title, &format!("{:width$}", code.word())), sentence.trim_end()));
    }
}
