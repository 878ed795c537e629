//! The command line: its verbs, their options and their help texts.
//!
//! What the verbs do stands in a file of each. A wrong command line ends with exit code 2, which is clap's own.

mod values;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::cli::style::ColourChoice;
use crate::cli::version::version;
use crate::documents::library::{BEGINNINGS, Beginning, shipped_boards, shipped_playbooks};
use crate::documents::playbook::irreversible_steps;
use crate::words::{Code, Id, nearest};
use crate::world::meant_port;

pub use values::{HandsBy, HandsError, Listen, Setting, Shard, Simulation, ToolPath, ValueError, When};

const EXAMPLES: &str = "\
Examples:
  recover                              what is attached, and what can be done
  recover list                         which cameras can be rescued
  recover rt1062 --simulate            try it without camera and tools
  recover rt1062 --files x --dry-run   show every command, run nothing
  recover rt1062 --files x             rescue the camera
  recover devices --watch              see whether the jumper makes contact
  recover check my-board.yaml          find what is wrong in a playbook";

const RESCUE: &str = "\
Bring a dead OpenMV camera back by driving the vendors' own tools

To rescue a camera:
  1. Connect it, and see what it is:   recover
  2. Try the rescue without it:        recover BOARD --simulate
  3. Rescue it:                        recover BOARD --files FIRMWARE-FOLDER
You are told what to connect and when, and asked before anything irreversible.";

const RUN_EXAMPLES: &str = "\
Examples:
  recover run rt1062 --files images
  recover run rt1062 --simulate
  recover run ./my-board.yaml --set firmware=build/firmware.bin
  recover run rt1062 --non-interactive --allow-irreversible boot-fuse

Exit codes:
  0 recovered                     5 device absent, ambiguous or not permitted
  1 a step failed                 6 the person declined
  2 command line wrong            7 another run holds the board
  3 playbook or catalog refused   70 defect in recover
  4 tool missing or too old       74 output could not be written
                                  130 interrupted";

const OPEN_EXAMPLES: &str = "\
Examples:
  recover open rt1062 --files images
  recover open rt1062 --simulate
  recover open rt1062 --listen 0.0.0.0 --token-file token   from a phone, too

The address lets in whoever has it. Exit codes are those of `recover run`.";

const STATION_EXAMPLES: &str = "\
Examples:
  recover station h7 --simulate --count 8      try it with eight virtual boards
  recover station h7 --learn                   which port is which place
  recover station h7 --files images            the places that were learned
  recover station h7 --files images --hub 1-1 --count 100

An answer begins with the number of the place: `3` and ENTER when it is done
there, `3 boot-fuse` to agree to that step there. `?` tells how far it is.

Exit codes: 0 every board that was begun is recovered, or healthy; else that of
the first one that is not";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  recover doctor                        tools and permissions for all boards
  recover doctor rt1062 --files images  all that this board needs
  recover doctor --fix                  write udev's rules for all boards (Linux)

Exit codes: 0 nothing stands in the way, else as a run would end";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  recover completions bash > ~/.local/share/bash-completion/completions/recover
  recover completions zsh > ~/.zfunc/_recover
  recover completions fish > ~/.config/fish/completions/recover.fish
  recover completions powershell >> $PROFILE";

const MAN_EXAMPLES: &str = "\
Examples:
  recover man | man -l -
  recover man --to pages     for whoever makes a package of them

Exit codes: 0 told or written, 1 the files could not be written, 2 command line,
or a page is there already";

const CHECK_EXAMPLES: &str = "\
Examples:
  recover check my-board.yaml
  recover check boards
  recover check boards --format sarif > report.sarif

Exit codes: 0 nothing wrong, 2 command line, 3 something is wrong";

const TEST_EXAMPLES: &str = "\
Examples:
  recover test my-board.test.yaml
  recover test boards --filter fuse
  recover test boards --format junit > report.xml
  recover test my-board.yaml --faults
  recover test my-board.yaml --cuts

A test file stands beside its playbook: my-board.test.yaml beside my-board.yaml.

Exit codes: 0 all passed, 1 some failed, 2 command line, 3 a document is wrong";

const NEW_EXAMPLES: &str = "\
Examples:
  recover new \"My Board\"
  recover new \"My Board\" --family tool --dir boards/mine

Exit codes: 0 made, 1 the files could not be written, 2 command line, or a file
is there already";

const RUNS_EXAMPLES: &str = "\
Exit codes: 0 listed, 1 the folder could not be read, 2 command line";

const REPORT_EXAMPLES: &str = "\
Examples:
  recover report last
  recover report last --format html --output report.html
  recover report --since 06:00 --until 14:00 --format html -o shift.html
  recover report --since 2026-11-01 --format csv -o november.csv
  recover report --unit 4711
  recover report last --bundle run.jsonl     to be sent: names, paths and serial
                                             numbers are replaced
  recover report run.jsonl                   what somebody has sent

Exit codes: 0 told, 1 a record is not as it was written, or could not be read
or written, 2 command line, or no run is what you asked for";

const TRUST_EXAMPLES: &str = "\
It decides which programs run, so the one of a folder counts only once it is
trusted, or where a run names it with --catalog.

Exit codes: 0 trusted, 1 it could not be kept, 2 command line, 3 the catalog is
wrong, or others may write it";

/// The command line as clap reads it; [`Arguments::request`] says what it means.
#[derive(Debug, Parser)]
#[command(
    name = "recover",
    version = version(),
    about = RESCUE,
    after_long_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    max_term_width = 100
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// Board to rescue, by name; or a playbook, by path
    ///
    /// Any of its names, in as many words as it has: `recover openmv cam h7`.
    #[arg(value_name = "BOARD", conflicts_with = "playbook", num_args = 0..)]
    board: Vec<String>,

    /// Playbook to run: a shipped one, or a file
    #[arg(long, value_name = "NAME|PATH")]
    playbook: Option<String>,

    /// Whether texts have colours
    #[arg(hide_short_help = true, long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    color: ColourChoice,

    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Rescue a camera: run a playbook
    #[command(after_help = RUN_EXAMPLES, override_usage = "recover run [OPTIONS] <NAME|PATH>")]
    Run(Box<RunVerb>),
    /// Rescue a camera on a page in your browser
    #[command(after_help = OPEN_EXAMPLES, override_usage = "recover open [OPTIONS] [NAME|PATH]")]
    Open(Box<OpenVerb>),
    /// Rescue many cameras on one bench: a place for each port, one board after the other
    #[command(after_help = STATION_EXAMPLES, override_usage = "recover station [OPTIONS] <NAME|PATH>")]
    Station(Box<StationArgs>),
    /// List the playbooks there are
    List(ListArgs),
    /// Show what is attached, and which board that is
    Devices(DevicesArgs),
    /// Find everything about this computer that stands in the way
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Show a board's procedure, for a person to read
    Show(ShowArgs),
    /// Find everything wrong with playbooks
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Prove playbooks on virtual boards, without hardware
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArgs),
    /// Make a playbook for a new board, with a virtual board and tests that pass
    #[command(after_help = NEW_EXAMPLES)]
    New(NewArgs),
    /// Let a vendor-tools.toml count in real runs, as it is now
    #[command(after_help = TRUST_EXAMPLES)]
    Trust(TrustArgs),
    /// List what earlier runs came to
    #[command(after_help = RUNS_EXAMPLES)]
    Runs(RunsArgs),
    /// Tell what happened in earlier runs: as text, as a page, for programs, or to be sent
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Say what a code of a diagnostic means, or list all codes
    Explain(ExplainArgs),
    /// Print the JSON schema of playbooks, test files, events or answers
    Schema(SchemaArgs),
    /// Print what completes commands and boards in a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
}

#[derive(Debug, Args)]
struct RunVerb {
    /// Playbook to run: a shipped one, or a file
    #[arg(value_name = "NAME|PATH", required_unless_present = "named", conflicts_with = "named")]
    playbook: Option<String>,

    // Hidden because the help already shows one way; people will try the other one, too.
    #[arg(id = "named", long = "playbook", value_name = "NAME|PATH", hide = true)]
    named: Option<String>,

    #[command(flatten)]
    options: RunOptions,
}

#[derive(Debug, Args)]
struct OpenVerb {
    /// Playbook to run: a shipped one, or a file; without it recover asks which board is yours
    #[arg(value_name = "NAME|PATH", conflicts_with = "named")]
    playbook: Option<String>,

    // Hidden as in `run`.
    #[arg(id = "named", long = "playbook", value_name = "NAME|PATH", hide = true)]
    named: Option<String>,

    #[command(flatten)]
    page: PageArgs,

    #[command(flatten)]
    options: RunOptions,
}

/// Where a run's page is, and who gets to it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PageArgs {
    /// Listen at this address of the computer, such as 0.0.0.0 or 192.168.1.7:8080, so that a phone can open the page
    ///
    /// Without it only this computer can. What is typed there can be read on the way: use it in a network that you trust.
    #[arg(long, value_name = "ADDR", requires = "token_file")]
    pub listen: Option<Listen>,

    /// What has to be typed to get in; only you may read the file
    #[arg(long, value_name = "FILE", requires = "listen")]
    pub token_file: Option<PathBuf>,

    /// Open no browser; the address is printed
    #[arg(long)]
    pub no_browser: bool,
}

#[derive(Debug, Clone, Args)]
pub struct StationArgs {
    /// Playbook for every board: a shipped one, or a file
    #[arg(value_name = "NAME|PATH", required_unless_present = "named", conflicts_with = "named")]
    playbook: Option<String>,

    #[arg(id = "named", long = "playbook", value_name = "NAME|PATH", hide = true)]
    named: Option<String>,

    /// Ports of the places, in their order; without it those that were learned last
    #[arg(long, value_name = "PATH,PATH…", value_delimiter = ',', value_parser = port, group = "where")]
    pub ports: Vec<String>,

    /// All ports below this hub, as boards appear there
    #[arg(long, value_name = "PATH", value_parser = port, group = "where")]
    pub hub: Option<String>,

    /// Find out which port is which place: a board is plugged into one after the other. It is kept for the next time
    #[arg(long, group = "where", conflicts_with_all = ["simulate", "non_interactive"])]
    pub learn: bool,

    /// End when so many boards have been begun and have ended
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: Option<u32>,

    /// Folder with the firmware files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub files: PathBuf,

    /// Path of an input or value of a variable
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<Setting>,

    /// Run on virtual cameras, without any hardware: one for each place, or so many as --count says
    ///
    /// Names after `=`, with commas between them, choose how the virtual boards start and what goes wrong with them; `3:NAME` is about place 3.
    #[arg(long, value_name = "NAMES", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub simulate: Option<Simulation>,

    /// Folder for the records of runs; without it that of the system, or RECOVER_RUNS_DIR
    #[arg(long, value_name = "DIR", conflicts_with = "no_record")]
    pub runs_dir: Option<PathBuf>,

    /// Keep no records; then nothing is done that cannot be undone
    #[arg(long)]
    pub no_record: bool,

    /// Who does it, for the records
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,

    /// The name of this bench, for the records
    #[arg(long, value_name = "NAME")]
    pub station: Option<String>,

    /// Never ask: what needs a person to answer is an error
    #[arg(long)]
    pub non_interactive: bool,

    /// Agree beforehand, for every board, to one step that can never be undone (repeatable)
    #[arg(long, value_name = "STEP-ID")]
    pub allow_irreversible: Vec<Id>,

    /// Rewrite cameras that run their firmware, too; without it they are left alone, and counted as healthy
    #[arg(long)]
    pub even_if_healthy: bool,

    /// Use this program for a tool (repeatable)
    #[arg(long = "tool", value_name = "NAME=PATH", conflicts_with = "simulate")]
    pub tools: Vec<ToolPath>,

    /// Take this catalog of tools, a vendor-tools.toml, as it is (repeatable)
    #[arg(long = "catalog", value_name = "FILE")]
    pub catalogs: Vec<PathBuf>,

    /// Run only playbooks, with their catalogs, that are shipped or signed by a trusted key
    #[arg(long)]
    pub only_signed: bool,

    /// Show all places on a page in your browser, and answer there
    #[arg(long)]
    pub page: bool,

    #[command(flatten)]
    pub at_page: PageArgs,

    /// For whom to write: a person, or a program reading one JSON object per line, each with its place
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub message_format: MessageFormat,
}

impl StationArgs {
    /// What holds of the run of every board.
    pub fn run(&self) -> RunArgs {
        let args = self.clone();
        let options = RunOptions {
            files: args.files,
            settings: args.settings,
            simulate: args.simulate.map(|simulation| simulation.of_all()),
            scene: None,
            page: None,
            hands: None,
            bench: None,
            record: None,
            redact: false,
            runs_dir: args.runs_dir,
            no_record: args.no_record,
            unit: None,
            operator: args.operator,
            station: args.station,
            single_calls: false,
            dry_run: false,
            non_interactive: args.non_interactive,
            allow_irreversible: args.allow_irreversible,
            even_if_healthy: args.even_if_healthy,
            resume: false,
            from_scratch: false,
            only_what_differs: false,
            port: None,
            serial: None,
            tools: args.tools,
            catalogs: args.catalogs,
            only_signed: args.only_signed,
            verbose: false,
            quiet: false,
            message_format: args.message_format,
        };
        RunArgs { playbook: args.playbook.or(args.named).unwrap_or_default(), options }
    }
}

/// What can be said about a run beside its playbook.
///
/// The short help shows what a rescue at a desk needs, so that it fits one screen with the way to the rescue on top.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("virtual").multiple(true))]
pub struct RunOptions {
    /// Folder with the firmware files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub files: PathBuf,

    /// Path of an input or value of a variable
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<Setting>,

    /// Run on a virtual camera, without any hardware
    ///
    /// No vendor's tool is needed either. Names after `=`, with commas between them, choose how the virtual board starts and what goes wrong with it.
    #[arg(long, value_name = "NAMES", num_args = 0..=1, require_equals = true, default_missing_value = "", group = "virtual")]
    pub simulate: Option<Simulation>,

    /// Run with the scripted tools of a scene file, without any hardware
    #[arg(hide_short_help = true, long, value_name = "FILE", group = "virtual")]
    pub scene: Option<PathBuf>,

    /// Shown and asked on a page, and nowhere else: `recover open`.
    #[arg(skip)]
    pub page: Option<PageArgs>,

    /// Who moves cable, wire and switch: you, another program, or in a simulation the virtual person
    ///
    /// At a terminal a simulation goes at the speed of people, and ENTER stands for what your hands would do; with `auto` the virtual person does it. Elsewhere, and with --non-interactive, the virtual person does it at once. With `exec:PROGRAM` a program of yours is called for each move, as `PROGRAM unplug`, and as `PROGRAM off` at the end; with `json` whoever reads --message-format json moves, and answers on standard input.
    #[arg(hide_short_help = true, long, value_name = "person|auto|json|exec:PROGRAM")]
    pub hands: Option<HandsBy>,

    /// Folder in which the virtual camera is kept: board.json, calls.jsonl and the log; an older one is replaced
    #[arg(hide_short_help = true, long, value_name = "DIR", requires = "virtual")]
    pub bench: Option<PathBuf>,

    /// Keep what the tools print, and what comes and goes on USB, as a scene that can be replayed
    ///
    /// The folder gets a scene, a test file, the playbook, and nothing of the firmware but its sizes.
    #[arg(hide_short_help = true, long, value_name = "DIR", conflicts_with = "dry_run")]
    pub record: Option<PathBuf>,

    /// Replace personal paths, the user's name and serial numbers in what is recorded
    #[arg(hide_short_help = true, long, requires = "record")]
    pub redact: bool,

    /// Folder for the records of runs; without it that of the system, or RECOVER_RUNS_DIR
    #[arg(hide_short_help = true, long, value_name = "DIR", conflicts_with = "no_record")]
    pub runs_dir: Option<PathBuf>,

    /// Keep no record of this run; then nothing is done that cannot be undone
    #[arg(hide_short_help = true, long)]
    pub no_record: bool,

    /// Serial number, or other name, of the unit that is recovered, for the record
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub unit: Option<String>,

    /// Who does it, for the record
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub operator: Option<String>,

    /// The place at which it is done, for the record
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub station: Option<String>,

    /// Start the tool anew for each command, even where an interpreter of it is kept ready
    ///
    /// Slower. The commands and their order are the same.
    #[arg(hide_short_help = true, long, conflicts_with_all = ["dry_run", "simulate"])]
    pub single_calls: bool,

    /// Show all commands and prompts, run nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Never ask: what needs a person to answer is an error
    #[arg(hide_short_help = true, long)]
    pub non_interactive: bool,

    /// Agree beforehand to one step that can never be undone (repeatable)
    #[arg(hide_short_help = true, long, value_name = "STEP-ID")]
    pub allow_irreversible: Vec<Id>,

    /// Rewrite a camera that runs its firmware, without asking
    #[arg(hide_short_help = true, long)]
    pub even_if_healthy: bool,

    /// Go on from what the last run has left, without a question: what that run has written is read back first, and written
    /// again only where it differs
    #[arg(long, conflicts_with_all = ["dry_run", "from_scratch", "only_what_differs"])]
    pub resume: bool,

    /// Write everything, whatever an earlier run has left
    #[arg(hide_short_help = true, long, conflicts_with_all = ["dry_run", "only_what_differs"])]
    pub from_scratch: bool,

    /// Read back first whatever can be read, and write only what differs from the files
    #[arg(hide_short_help = true, long, conflicts_with = "dry_run")]
    pub only_what_differs: bool,

    /// Port of the camera, when several are attached
    #[arg(hide_short_help = true, long, value_name = "PATH", value_parser = port, conflicts_with = "serial")]
    pub port: Option<String>,

    /// Serial number of the camera, when several are attached
    #[arg(hide_short_help = true, long, value_name = "SN")]
    pub serial: Option<String>,

    /// Use this program for a tool (repeatable)
    #[arg(hide_short_help = true, long = "tool", value_name = "NAME=PATH", conflicts_with = "virtual")]
    pub tools: Vec<ToolPath>,

    /// Take this catalog of tools, a vendor-tools.toml, as it is (repeatable)
    ///
    /// It decides which programs run. Without this option, one in the current folder or beside the playbook counts only once you trust it.
    #[arg(hide_short_help = true, long = "catalog", value_name = "FILE")]
    pub catalogs: Vec<PathBuf>,

    /// Run only playbooks, with their catalogs, that are shipped or signed by a trusted key
    #[arg(hide_short_help = true, long)]
    pub only_signed: bool,

    /// Show more: what was passed over, and why
    #[arg(hide_short_help = true, long)]
    pub verbose: bool,

    /// Show less: only what you are asked for and what fails; and no bell
    ///
    /// Without it the terminal's bell sounds when you are needed after a while.
    #[arg(hide_short_help = true, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// For whom to write: a person, or a program reading one JSON object per line
    #[arg(hide_short_help = true, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub message_format: MessageFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MessageFormat {
    #[default]
    Human,
    Json,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ListArgs {
    /// Playbooks to tell everything about: shipped ones, or files
    #[arg(value_name = "NAME|PATH")]
    pub playbooks: Vec<String>,

    /// List the virtual boards that a playbook can put on the bench, with their settings
    #[arg(long, conflicts_with_all = ["playbooks", "verbose"])]
    pub models: bool,

    /// Show the ids, files, tools and steps that cannot be undone, too
    #[arg(long, short)]
    pub verbose: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DevicesArgs {
    /// Go on telling what comes and goes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,

    /// For whom to write: a person, or a program reading one JSON object per line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub message_format: MessageFormat,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DoctorArgs {
    /// Board to look for, by name; or a playbook, by path
    #[arg(value_name = "BOARD")]
    pub board: Option<String>,

    /// Folder with the firmware files
    #[arg(long, value_name = "DIR", default_value = ".", requires = "board")]
    pub files: PathBuf,

    /// Use this program for a tool (repeatable)
    #[arg(long = "tool", value_name = "NAME=PATH")]
    pub tools: Vec<ToolPath>,

    /// Write the rules that let you at the devices of all boards (Linux); they are shown first
    #[arg(long, conflicts_with_all = ["tools", "message_format"])]
    pub fix: bool,

    /// Print these rules and nothing else, for whoever makes a package of them
    #[arg(long, conflicts_with_all = ["board", "tools", "message_format", "fix"])]
    pub rules: bool,

    /// For whom to write: a person, or a program reading one JSON object per line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub message_format: MessageFormat,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ShowArgs {
    /// Board, by name; or a playbook, by path
    #[arg(value_name = "BOARD")]
    pub board: String,

    /// How to write it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: ShowFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ShowFormat {
    #[default]
    Plain,
    Markdown,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ManArgs {
    /// Write it into this folder instead, with a page for each verb
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CheckArgs {
    /// Playbooks, test files (`*.test.yaml`), scenes (`*.scene.yaml`) and catalogs of tools (`*.toml`), or folders of them
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// How to report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: CheckFormat,

    /// Take a warning for as bad as an error
    #[arg(long)]
    pub deny_warnings: bool,

    /// They must be signed, too, by this public key of minisign
    ///
    /// MANIFEST, as sha256sum prints it, and MANIFEST.minisig lie beside them. The families and the catalog that a playbook takes must stand in it.
    #[arg(long, value_name = "KEY")]
    pub signed_by: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckFormat {
    #[default]
    Human,
    /// One object per line
    Json,
    /// Marks in the files of a pull request on GitHub
    Github,
    /// For services that look at code
    Sarif,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExplainArgs {
    /// As it stands in the message: of `error[unknown-key]` it is unknown-key
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RunsArgs {
    /// Only runs for this unit
    #[arg(long, value_name = "NAME")]
    pub unit: Option<String>,

    /// At most so many, the last ones
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub number: u32,

    /// Folder of the records; without it that of the system, or RECOVER_RUNS_DIR
    #[arg(long, value_name = "DIR")]
    pub runs_dir: Option<PathBuf>,

    /// For whom to write: a person, or a program reading one JSON object per line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub message_format: MessageFormat,
}

/// Of one run, or of many together.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(group = clap::ArgGroup::new("many").multiple(true))]
pub struct ReportArgs {
    /// The run: its name as `recover runs` shows it, or the beginning of it, `last`, or a file that --bundle has made; several are told together
    #[arg(value_name = "RUN", required_unless_present_any = ["since", "until", "unit"], conflicts_with = "many")]
    pub runs: Vec<String>,

    /// All runs that began then or later: `today`, 2026-11-29, 14:00, 2026-11-29T14:00, or so long ago: 8h, 2d
    #[arg(long, value_name = "WHEN", group = "many")]
    pub since: Option<When>,

    /// Only those that began before; a day counts with its evening
    #[arg(long, value_name = "WHEN", group = "many")]
    pub until: Option<When>,

    /// Only runs for this unit
    #[arg(long, value_name = "NAME", group = "many")]
    pub unit: Option<String>,

    /// Take in simulated runs, too
    #[arg(long, requires = "many")]
    pub simulated: bool,

    /// How to tell it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: RunReportFormat,

    /// Write it to this file, which must not be there yet; `openhtf` of several runs, to a file for each in this folder
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Say whether the record is as it was written
    #[arg(long, conflicts_with_all = ["format", "output", "bundle", "many"])]
    pub verify: bool,

    /// Write all of it to one file to be sent, with names, paths and serial numbers replaced
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "output", "many"])]
    pub bundle: Option<PathBuf>,

    /// Folder of the records; without it that of the system, or RECOVER_RUNS_DIR
    #[arg(long, value_name = "DIR")]
    pub runs_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RunReportFormat {
    /// The log; of several runs, what they came to
    #[default]
    Text,
    /// What the run came to, as one JSON object; of several, one in a line for each
    Json,
    /// A test report: each step is a case
    Junit,
    /// One page that needs nothing else; of several runs, a page of the shift
    Html,
    /// A row for each unit, for spreadsheets
    Csv,
    /// A test record in the form of OpenHTF
    Openhtf,
}

/// Each with what it is for.
fn families() -> PossibleValuesParser {
    PossibleValuesParser::new(BEGINNINGS.map(|Beginning { name, about, .. }| PossibleValue::new(name).help(about)))
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NewArgs {
    /// Name of the board, for people
    #[arg(value_name = "BOARD")]
    pub board: String,

    /// What leads into it
    #[arg(long, value_name = "FAMILY", default_value = BEGINNINGS[0].name, value_parser = families())]
    pub family: String,

    /// Folder for the files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TrustArgs {
    /// The catalog
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Take the trust back
    #[arg(long)]
    pub forget: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SchemaArgs {
    /// Of which documents
    #[arg(value_name = "DOCUMENT", value_enum, default_value_t)]
    pub of: SchemaOf,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaOf {
    #[default]
    Playbook,
    /// Test files, *.test.yaml
    Tests,
    /// Scripted tools, *.scene.yaml
    Scene,
    /// The catalog, vendor-tools.toml
    Tools,
    /// What `run --message-format json` prints, and the journal of a run
    Events,
    /// What `run --hands json` reads
    Hands,
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TestArgs {
    /// Test files, playbooks with a test file beside them, or folders of both
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// Break things: let each mishap happen at each step where it can
    ///
    /// Each mishap is a run of its own, and a second one on the camera as the first has left it. Playbooks need no test file for this.
    #[arg(long, group = "in_parts")]
    pub faults: bool,

    /// Cut a run at every sector, page, fuse, call and line of output, and run again on what that leaves
    ///
    /// By killing recover, by pulling the cable, and by a loss of power. Cuts that leave the same state are tried once. Playbooks need a virtual board for this, and no test file.
    #[arg(long, group = "in_parts")]
    pub cuts: bool,

    /// Change the playbooks as an author might get them wrong, and tell which changes no case notices
    #[arg(long, group = "in_parts")]
    pub mutate: bool,

    /// Only cases, mishaps, changes or cuts whose file and name hold this text (repeatable)
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,

    /// Try only one part of N of the mishaps, changes or cuts, the Kth: 1/4 to 4/4 are all of them
    #[arg(long, value_name = "K/N", requires = "in_parts")]
    pub shard: Option<Shard>,

    /// How to report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: ReportFormat,

    /// Cases that run at once; without it, one for each processor
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    #[default]
    Human,
    /// One object per line
    Json,
    /// For CI systems
    Junit,
}

/// A run's playbook and options, however they were given.
#[derive(Debug, Clone)]
pub struct RunArgs {
    /// As given: the name of a shipped playbook, or a path.
    pub playbook: String,
    pub options: RunOptions,
}

/// What the person wants.
#[derive(Debug, Clone)]
pub enum Request {
    Run(Box<RunArgs>),
    Station(Box<StationArgs>),
    /// No board is named.
    LookAround(Box<RunOptions>),
    Devices(DevicesArgs),
    Doctor(DoctorArgs),
    Show(ShowArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    List(ListArgs),
    Check(CheckArgs),
    Explain(ExplainArgs),
    Runs(RunsArgs),
    Report(ReportArgs),
    Test(TestArgs),
    Schema(SchemaArgs),
    Trust(TrustArgs),
    New(NewArgs),
}

impl OpenVerb {
    /// The run whose page it is.
    fn run(self) -> Result<(Option<String>, RunOptions), clap::Error> {
        let OpenVerb { playbook, named, page, mut options } = self;
        let without = [("--dry-run", options.dry_run), ("--non-interactive", options.non_interactive)];
        if let Some((option, _)) = without.into_iter().find(|(_, given)| *given) {
            let text = format!("a page is there to show a run and to ask: it cannot be used with '{option}'");
            return Err(Arguments::command().error(ErrorKind::ArgumentConflict, text));
        }
        options.page = Some(page);
        Ok((playbook.or(named), options))
    }
}

impl Arguments {
    pub fn colour(&self) -> ColourChoice {
        self.color
    }

    /// Without a verb it is a run. Errors print themselves: see [`clap::Error::exit`].
    pub fn request(self) -> Result<Request, clap::Error> {
        let (playbook, options) = match self.verb {
            Some(Verb::Station(args)) => return Ok(Request::Station(args)),
            Some(Verb::List(args)) => return Ok(Request::List(args)),
            Some(Verb::Devices(args)) => return Ok(Request::Devices(args)),
            Some(Verb::Doctor(args)) => return Ok(Request::Doctor(args)),
            Some(Verb::Show(args)) => return Ok(Request::Show(args)),
            Some(Verb::Completions(args)) => return Ok(Request::Completions(args)),
            Some(Verb::Man(args)) => return Ok(Request::Man(args)),
            Some(Verb::Check(args)) => return Ok(Request::Check(args)),
            Some(Verb::Runs(args)) => return Ok(Request::Runs(args)),
            Some(Verb::Report(args)) => return Ok(Request::Report(args)),
            Some(Verb::Explain(args)) => return Ok(Request::Explain(args)),
            Some(Verb::Test(args)) => return Ok(Request::Test(args)),
            Some(Verb::New(args)) => return Ok(Request::New(args)),
            Some(Verb::Trust(args)) => return Ok(Request::Trust(args)),
            Some(Verb::Schema(args)) => return Ok(Request::Schema(args)),
            Some(Verb::Run(run)) => (run.playbook.or(run.named), run.options),
            Some(Verb::Open(open)) => open.run()?,
            None => (self.playbook.or_else(|| (!self.board.is_empty()).then(|| self.board.join(" "))), self.options),
        };
        match playbook {
            Some(playbook) => Ok(Request::Run(Box::new(RunArgs { playbook, options }))),
            // A program has to say what it wants.
            None if options.message_format == MessageFormat::Json => {
                Err(Arguments::command().error(ErrorKind::MissingRequiredArgument, "no playbook is given"))
            }
            None => Ok(Request::LookAround(Box::new(options))),
        }
    }
}

/// The command line for completions and the manual, with the names of the shipped boards where one is wanted.
pub(super) fn command_with_boards() -> clap::Command {
    let steps: Vec<String> = shipped_playbooks()
        .flat_map(|playbook| irreversible_steps(&playbook.steps).into_iter().map(|(id, _)| id).collect::<Vec<_>>())
        .collect();
    let with_steps = |command: clap::Command| {
        command.mut_arg("allow_irreversible", |arg| arg.value_parser(PossibleValuesParser::new(steps.clone())))
    };
    let boards = || PossibleValuesParser::new(shipped_boards());
    let with_boards =
        |command: clap::Command, name: &'static str| command.mut_arg(name, |arg| arg.value_parser(boards()));
    let command = with_steps(with_boards(with_boards(Arguments::command(), "board"), "playbook"));
    let command = command.mut_subcommand("run", |run| with_steps(with_boards(with_boards(run, "playbook"), "named")));
    let command =
        command.mut_subcommand("open", |open| with_steps(with_boards(with_boards(open, "playbook"), "named")));
    let command = command.mut_subcommand("station", |station| {
        // `open` always has a page.
        let of_page = ["listen", "token_file", "no_browser"].into_iter();
        let station = of_page.fold(station, |station, name| station.mut_arg(name, |arg| arg.requires("page")));
        with_steps(with_boards(with_boards(station, "playbook"), "named"))
    });
    let command = command.mut_subcommand("list", |list| with_boards(list, "playbooks"));
    let codes = PossibleValuesParser::new(Code::ALL.iter().map(|code| code.word()));
    let command = command.mut_subcommand("explain", |explain| explain.mut_arg("code", |arg| arg.value_parser(codes)));
    let command = command.mut_subcommand("doctor", |doctor| with_boards(doctor, "board"));
    command.mut_subcommand("show", |show| with_boards(show, "board"))
}

/// The verb that was most likely meant by a word that is no board.
pub(super) fn verb_like(word: &str) -> Option<String> {
    let command = Arguments::command();
    nearest(word, command.get_subcommands().map(clap::Command::get_name)).map(str::to_owned)
}

/// Whatever form it is typed in, it is compared, locked and recorded in one.
fn port(typed: &str) -> Result<String, std::convert::Infallible> {
    Ok(meant_port(typed))
}

#[cfg(test)]
mod tests;
