//! Floor 6: one file per verb; screen, JSON and log are readers of the events.

mod admission;
mod approval;
pub mod arguments;
mod boards;
mod catalogs;
mod check;
mod command_line;
mod completions;
mod configuration;
mod defect;
mod desk;
mod devices;
pub mod diagnostics;
mod doctor;
mod drawing;
pub mod dry_run;
mod explain;
mod harmless;
mod image_folder;
mod interruptions;
mod job;
pub mod json;
mod junit;
mod list;
mod live_line;
pub mod log;
mod look_around;
mod new;
mod open;
mod other_folder;
mod parallel;
mod places;
mod planned_tools;
pub mod reader;
mod record;
mod refusal;
mod report;
mod resume;
mod run;
mod run_lock;
mod run_options;
mod runs;
mod scene;
mod schema;
pub mod screen;
mod show;
mod signed;
mod sound_playbook;
mod station;
mod stopping;
mod streams;
pub mod style;
mod summary;
mod test;
mod told_wait;
mod trust;
mod trust_store;
mod version;
mod which_playbook;
pub mod wording;
mod workplace;

use std::process::ExitCode;

use clap::Parser;
use console::Term;

use crate::bench::mock_main;
use crate::cli::arguments::{Arguments, MessageFormat, Request};
use crate::cli::style::Look;
use crate::engine::Outcome;
use crate::words::OUTPUT_LOST;
use crate::world::{process, sweep_folders};

/// The whole program: plays a mock tool when started as one, else does what the command line asks.
pub fn main() -> ExitCode {
    if let Some(code) = mock_main() {
        return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
    }
    if process::guard_main() {
        return ExitCode::SUCCESS;
    }
    process::guard_tools();
    let parsed = Arguments::try_parse().and_then(|arguments| {
        style::choose_colour(arguments.colour());
        arguments.request()
    });
    let request = match parsed {
        Ok(request) => request,
        Err(error) => return ExitCode::from(exit_code(command_line::refuse(&error, std::env::args_os()))),
    };
    if matches!(request, Request::Run(_) | Request::Station(_) | Request::LookAround(_) | Request::Test(_)) {
        sweep_folders(&std::env::temp_dir());
    }
    defect::listen();
    let format = match &request {
        Request::Run(args) => args.options.message_format,
        Request::Station(args) => args.message_format,
        _ => MessageFormat::Human,
    };
    let outcome = defect::or_told(format, || match request {
        Request::Run(args) => run::run(*args, &Look::of(&Term::stderr())),
        Request::Station(args) => station::station(&args, &Look::of(&Term::stdout())),
        Request::LookAround(options) => look_around::look_around(*options, &Look::of(&Term::stdout())),
        Request::Devices(args) => devices::devices(&args, &Look::of(&Term::stdout())),
        Request::Doctor(args) => doctor::doctor(&args, &Look::of(&Term::stdout())),
        Request::Show(args) => show::show(&args, &Look::of(&Term::stdout())),
        Request::Completions(args) => completions::completions(&args),
        Request::Man(args) => completions::man(&args),
        Request::List(args) => list::list(&args, &Look::of(&Term::stdout())),
        Request::Explain(args) => explain::explain(&args, &Look::of(&Term::stdout())),
        Request::Runs(args) => runs::runs(&args, &Look::of(&Term::stdout())),
        Request::Report(args) => report::report(&args),
        Request::Schema(args) => schema::schema(&args),
        Request::Test(args) => test::test(&args, &Look::of(&Term::stdout())),
        Request::New(args) => new::new(&args),
        Request::Trust(args) => trust::trust(&args, &Look::of(&Term::stderr())),
        Request::Check(args) => check::check(&args, &Look::of(&Term::stderr())),
    });
    ExitCode::from(exit_code(outcome))
}

/// What was asked for is not done where it could not be told.
fn exit_code(outcome: Outcome) -> u8 {
    let Some(reason) = streams::lost() else { return outcome.exit_code() };
    streams::complain(&format!("error: not everything could be written to the output ({reason})"));
    if outcome.exit_code() == 0 { OUTPUT_LOST } else { outcome.exit_code() }
}
