//! The catalog's types: one [`Tool`] per table of `vendor-tools.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::image_folders::ImageFolders;
use super::installer::Installer;
use super::pattern::Pattern;
use crate::words::{AddressRange, FaultClass, Place, Stream, ThirdTime, ToolVersion, UsbId};

/// Every tool that playbooks may run, by name. The order of the document is kept.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub tools: Vec<Tool>,
    /// Variables of the person's environment that no tool gets.
    pub environment_remove: Vec<String>,
    /// Variables that every tool gets.
    pub environment_set: BTreeMap<String, String>,
    /// USB ids that boards of many makers show, and whose they are.
    pub shared_ids: BTreeMap<UsbId, String>,
    /// The first that fits is offered.
    pub installers: Vec<Installer>,
    /// What is known of the memory of chips.
    pub chips: Vec<Chip>,
    /// Fuses, option bytes and registers: never plain memory, and what they hold.
    pub special_memories: Vec<(AddressRange, String)>,
    /// Where the files of boards come with other programs.
    pub image_folders: Vec<ImageFolders>,
    /// What a system needs before tools can open devices.
    pub drivers: Vec<Driver>,
    /// Programs known to take boards for something else, by the name of their process, and what to do about each.
    pub holders: BTreeMap<String, String>,
}

impl Catalog {
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// What this system needs before a tool can open one of these.
    pub fn driver(&self, ids: &[UsbId], system: OperatingSystem) -> Option<&str> {
        let about = self.drivers.iter().filter(|driver| driver.ids.iter().any(|id| ids.contains(id)));
        about.filter_map(|driver| driver.needs.on(system).as_deref()).next()
    }

    /// Does it say anything of what shows this id?
    pub fn knows_id(&self, id: UsbId) -> bool {
        self.shared_ids.contains_key(&id) || self.chips.iter().any(|chip| chip.ids.contains(&id))
    }
}

/// Devices that a system does not let tools at by itself.
#[derive(Debug, Clone)]
pub struct Driver {
    pub name: String,
    pub ids: Vec<UsbId>,
    /// What to do; nothing where nothing is needed.
    pub needs: PerOperatingSystem<Option<String>>,
}

/// A family of chips, as the tools that write them see it.
#[derive(Debug, Clone, Default)]
pub struct Chip {
    pub name: String,
    /// Under which it shows itself while tools write it.
    pub ids: Vec<UsbId>,
    /// Tools that write nothing else, whose arguments name no id.
    pub tools: Vec<String>,
    /// Memory that can be written again.
    pub plain: Vec<AddressRange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatingSystem {
    Linux,
    Macos,
    Windows,
}

impl OperatingSystem {
    /// As catalogs name them, each with a line about what stands under it.
    pub(super) fn words() -> Vec<(&'static str, &'static str)> {
        let all = [OperatingSystem::Linux, OperatingSystem::Macos, OperatingSystem::Windows];
        all.into_iter().map(|system| (system.word(), system.place())).collect()
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            OperatingSystem::Linux => "linux",
            OperatingSystem::Macos => "macos",
            OperatingSystem::Windows => "windows",
        }
    }

    fn place(self) -> &'static str {
        match self {
            OperatingSystem::Linux => "On Linux.",
            OperatingSystem::Macos => "On macOS.",
            OperatingSystem::Windows => "On Windows.",
        }
    }

    /// The one this program was built for; anything else is treated as a Linux.
    pub const fn current() -> Self {
        if cfg!(target_os = "windows") {
            OperatingSystem::Windows
        } else if cfg!(target_os = "macos") {
            OperatingSystem::Macos
        } else {
            OperatingSystem::Linux
        }
    }
}

/// The one this program was built for.
impl Default for OperatingSystem {
    fn default() -> Self {
        OperatingSystem::current()
    }
}

#[derive(Debug, Clone, Default)]
pub struct PerOperatingSystem<T> {
    pub linux: T,
    pub macos: T,
    pub windows: T,
}

impl<T> PerOperatingSystem<T> {
    pub fn on(&self, system: OperatingSystem) -> &T {
        match system {
            OperatingSystem::Linux => &self.linux,
            OperatingSystem::Macos => &self.macos,
            OperatingSystem::Windows => &self.windows,
        }
    }
}

/// The name of a port as recover shows it, among the arguments that choose a board.
pub const PORT: &str = "{port}";
/// The same as libusb has it, which numbers buses in its own way.
pub const LIBUSB_PORT: &str = "{libusb_port}";
/// The device's HID node, by the hash of its path.
pub const HID_NODE: &str = "{hid_node}";
pub const SERIAL: &str = "{serial}";

/// One vendor tool.
#[derive(Debug, Clone)]
pub struct Tool {
    /// The word playbooks use after `run:`.
    pub name: String,
    pub place: Place,
    pub summary: String,
    /// File names looked for, without `.exe`, the preferred one first.
    pub programs: Vec<String>,
    /// Folders beside PATH; `~`, `$NAME` and globs are allowed.
    pub folders: PerOperatingSystem<Vec<String>>,
    /// Other programs that it can be started through, tried last.
    pub via: PerOperatingSystem<Vec<Via>>,
    /// Put before the playbook's arguments at every call.
    pub first_args: Vec<String>,
    /// Variables set for this tool; `{scratch}` stands for the run's private folder, `{program_folder}` for the one that
    /// the program lies in.
    pub environment: BTreeMap<String, String>,
    /// Variables set as well when the home folder cannot be written.
    pub environment_without_home: BTreeMap<String, String>,
    pub version: VersionProbe,
    /// In which packages it comes, by the source that installers take them from.
    pub packages: BTreeMap<String, String>,
    /// Operating systems whose own packages are too old: `ID` and `VERSION_ID` of os-release, or the beginning of that.
    pub packages_too_old: Vec<String>,
    /// Where else to get it: for systems on which no package fits.
    pub install: PerOperatingSystem<Option<String>>,
    /// May several processes of this tool run at once?
    pub parallel: bool,
    /// Holds its output back on a pipe, or asks: runs on a terminal.
    pub terminal: bool,
    /// Wants to be started in its own folder, or writes there: each run works on a copy of the folder.
    pub private_folder: bool,
    /// Questions: held against the unfinished last line of the output. Where there are some, the tool is answered when
    /// one of them stands there.
    pub questions: Vec<Pattern>,
    /// Arguments put in when the person chose a board; [`PORT`], [`LIBUSB_PORT`] and [`HID_NODE`] are replaced. Empty: it
    /// cannot be told a port.
    pub select_port: Vec<String>,
    /// Only builds of this flavour can be told; `None`: all.
    pub select_flavour: Option<String>,
    /// Older versions cannot be told.
    pub select_minimum: Option<ToolVersion>,
    /// They take the place of this option and its value, where the call has it.
    pub select_replaces: Option<String>,
    /// The same where `select_port` cannot tell it: [`SERIAL`] is replaced.
    pub select_serial: Vec<String>,
    /// The arguments that choose a board stand right after the first argument that matches; without it, first.
    pub select_after: Option<Pattern>,
    /// Finds the USB id of the device the tool really took, in group `id`.
    pub device_taken: Option<Pattern>,
    pub progress: Vec<ProgressPattern>,
    /// Numbered answers of the board.
    pub statuses: Vec<StatusPattern>,
    /// Tried in order, on both streams unless one is named.
    pub faults: Vec<FaultPattern>,
    /// The first whose words fit the arguments tells what success looks like.
    pub commands: Vec<Command>,
    /// Arguments that no playbook may use, or only under a condition.
    pub rules: Vec<ArgumentRule>,
    /// All options that are known as harmless, each with the form of its value, if it has one. Where there are none, the
    /// kind of a call alone says whether it is reversible.
    pub options: BTreeMap<String, Option<Pattern>>,
    /// Words that may stand at any place.
    pub anywhere: Vec<Pattern>,
    /// The first letters of files that bring the addresses of their parts.
    pub brings_addresses: Option<String>,
    /// What follows the first word is no option, however it looks.
    pub words_end_options: bool,
    /// A file and its address, as often as they stand in one argument.
    pub pairs: Option<Pattern>,
    /// Options of which a call has one at most: each is another kind of work.
    pub one_of: Vec<String>,
    /// Which files a step may put into the tool's private folder, by their paths there.
    pub stages: Vec<Pattern>,
    /// Which files of the tool's own folder a playbook may name.
    pub files: Vec<Pattern>,
    /// A line of its answer to the question for its version by which the program is known under any name.
    pub banner: Option<Pattern>,
    /// Menus from which a typed number chooses.
    pub menu: Option<Menu>,
    /// Limit of a call for which neither the step nor the command gives one.
    pub timeout: Duration,
    /// How calls are made without starting the tool anew.
    pub warm: Option<Warm>,
}

/// A tool inside of another program, such as a module of Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The beginning of the command. Its first word is a program on PATH, or a path with `~`, `$NAME` and globs.
    pub command: Vec<String>,
    /// Variables set as well; `{program_folder}` stands for the folder in which the first word was found.
    pub environment: BTreeMap<String, String>,
}

/// A tool whose launcher is a script of Python: an interpreter that has imported its modules forks a process for each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warm {
    /// Only builds of this flavour are; `None`: all.
    pub flavour: Option<String>,
    /// The modules that take the time.
    pub imports: Vec<String>,
}

impl Tool {
    /// What kind of call these arguments make; `None` when the catalog does not know it.
    pub fn command(&self, args: &[String]) -> Option<&Command> {
        self.commands.iter().find(|command| command.fits(args))
    }

    /// Everything that it may be started with, where it is not known with which.
    pub fn launchers(&self) -> Vec<String> {
        let via = [&self.via.linux, &self.via.macos, &self.via.windows].into_iter().flatten();
        self.programs.iter().chain(via.flat_map(|way| &way.command)).cloned().collect()
    }

    /// Can the tool be told there which board to take, by a name that is known there?
    pub fn can_choose_on(&self, system: OperatingSystem) -> bool {
        let nodes = system == OperatingSystem::Linux || !self.select_port.iter().any(|arg| arg.contains(HID_NODE));
        !self.select_serial.is_empty() || (!self.select_port.is_empty() && nodes)
    }

    /// Can this build be told which board to take?
    pub fn can_be_told(&self, flavour: Option<&str>, version: &ToolVersion) -> bool {
        let of_flavour = self.select_flavour.as_deref().is_none_or(|told| flavour == Some(told));
        of_flavour && self.select_minimum.as_ref().is_none_or(|minimum| version >= minimum)
    }

    /// Which of a call's arguments those that choose a board are put in place of.
    pub fn select_position(&self, args: &[String]) -> std::ops::Range<usize> {
        let replaces = self.select_replaces.as_ref();
        if let Some(index) = replaces.and_then(|option| args.iter().position(|arg| arg == option)) {
            return index..args.len().min(index + 2);
        }
        let after = self.select_after.as_ref();
        let at = after.and_then(|pattern| args.iter().position(|arg| pattern.is_match(arg)));
        let at = at.map_or(0, |index| index + 1);
        at..at
    }
}

/// Numbered lines that the tool prints, of which one is chosen by its number.
#[derive(Debug, Clone)]
pub struct Menu {
    /// With the groups `number` and `label`.
    pub entry: Pattern,
    /// Labels that may be chosen.
    pub harmless: Vec<Pattern>,
}

/// How to ask for the version, and what the answers mean.
#[derive(Debug, Clone)]
pub struct VersionProbe {
    pub args: Vec<String>,
    /// The first whose pattern matches a line of the output.
    pub flavours: Vec<Flavour>,
    /// Taken before the others where several are installed.
    pub prefer: Option<String>,
}

/// One family of builds of a tool, told apart by how it prints its version.
#[derive(Debug, Clone)]
pub struct Flavour {
    /// Shown to the person when a tool has several; `None` when it has one.
    pub name: Option<String>,
    /// With a group `version`.
    pub pattern: Pattern,
    pub minimum: Option<ToolVersion>,
    /// Versions that must not be used, with the reason.
    pub known_bad: Vec<(ToolVersion, String)>,
}

/// Groups: `percent`, `bytes`, `total`, `label`, all optional but one of `percent` and `bytes`.
#[derive(Debug, Clone)]
pub struct ProgressPattern {
    pub pattern: Pattern,
}

/// A numbered status: the last match of a call counts. Matched by a call, all its statuses must say success.
#[derive(Debug, Clone)]
pub struct StatusPattern {
    /// With a group `code`.
    pub pattern: Pattern,
    /// Only for these commands (names of [`Command`]); empty: for all.
    pub commands: Vec<String>,
    /// Codes that mean success, as printed.
    pub success: Vec<String>,
    /// The class of each special code.
    pub classes: BTreeMap<String, FaultClass>,
    /// The class of all other codes.
    pub otherwise: FaultClass,
    /// Codes with which the board refuses before it has changed anything.
    pub refused_before: Vec<String>,
    /// What a code means, in words.
    pub meanings: BTreeMap<String, String>,
}

/// A text that tells a fault. No pattern is held against empty lines, but the empty text is held against all of them
/// when a tool printed nothing whatever: so `^$` means "without a word". A group `code` gives the fault its code.
#[derive(Debug, Clone)]
pub struct FaultPattern {
    pub place: Place,
    pub pattern: Pattern,
    /// A line that this matches too is none of the fault.
    pub unless: Option<Pattern>,
    pub class: FaultClass,
    /// The fault's code where the line itself has none: a word by which playbooks know this fault.
    pub code: Option<String>,
    pub stream: Option<Stream>,
    /// A sentence for the person, without a full stop.
    pub message: String,
    pub help: PerOperatingSystem<Option<String>>,
    /// Only for these commands (names of [`Command`]); empty: for all.
    pub commands: Vec<String>,
    /// Decides even where a status says success or the evidence of success is there.
    pub overrides_success: bool,
    /// The same call would end in it again, so it is not tried again.
    pub lasting: bool,
    /// What it means when a step has failed with it for the third time.
    pub third_time: Option<ThirdTime>,
    /// The board refuses so before it does anything: where no progress was made, all is as it was.
    pub refused_before: bool,
}

/// A kind of call, known by words among its arguments.
#[derive(Debug, Clone)]
pub struct Command {
    pub name: String,
    /// All of these are among the arguments.
    pub with: Vec<String>,
    /// None of these is.
    pub without: Vec<String>,
    /// Each of these matches some argument.
    pub with_matching: Vec<Pattern>,
    /// Can all that the call does be done again? What no catalog says this of needs consent.
    pub reversible: bool,
    /// The forms of the words that are no options, in order. The groups `id`, `address`, `length` and `file` say what they
    /// are; what stands in `length` and `free` may differ from call to call.
    pub words: Vec<Pattern>,
    /// Words that may follow these.
    pub further_words: Vec<Pattern>,
    /// Options without which it is not known what the call is about.
    pub needs: Vec<String>,
    /// The forms of the lines of the file that is written, where the file says what goes where.
    pub layout_rows: Vec<Pattern>,
    /// Which arguments say what fuse is read or burnt.
    pub fuse: Option<FuseArguments>,
    /// Does the call change memory that lasts? Then it is never cut short lightly, and it needs evidence.
    pub changes_board: bool,
    /// What it would break to cut such a call short: that takes a third Ctrl-C. A sentence for the person, without a full
    /// stop.
    pub never_cut: Option<String>,
    /// Each must match some line; a call without all of them has not succeeded.
    pub success: Vec<Pattern>,
    /// How often lines must have come, beside `success`.
    pub success_counts: Vec<SuccessCount>,
    /// Every progress that began must have ended at its full size.
    pub progress_complete: bool,
    /// The tool itself never says what it did: only what the step expects can prove the success.
    pub success_from_step: bool,
    /// Exit codes of a plain success; none where a call can never be shown to have done anything.
    pub success_exit_codes: Vec<i32>,
    /// Exit codes that, with the evidence, are a success worth a warning.
    pub warning_exit_codes: Vec<i32>,
    /// What it means when neither the evidence nor a known fault is there; without it, an `unknown` fault.
    pub missing_evidence: Option<MissingEvidence>,
    /// The tool shows progress from its first change on: a call without any has touched nothing.
    pub progress_shows_changes: bool,
    /// Which arguments say what part of the board's memory is erased: its address and its length in bytes.
    pub erases: Option<RegionArguments>,
    /// Which arguments say what is written where: the address or the partition, and the file.
    pub writes: Option<RegionArguments>,
    /// Which arguments say what is read back into which file. The region is as long as the file becomes.
    pub reads: Option<RegionArguments>,
    pub timeout: Option<Duration>,
    /// Longest silence before the tool counts as hung.
    pub silence: Option<Duration>,
}

/// Where the arguments stand that say which region of memory a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionArguments {
    pub begin: RegionBegin,
    /// The length, or the file whose size it is.
    pub extent: ArgumentPlace,
    /// Where the length stands beside a file that the call makes.
    pub length: Option<ArgumentPlace>,
}

/// Where the arguments stand that name a word of fuses, and the bits to burn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuseArguments {
    pub word: ArgumentPlace,
    /// Hexadecimal digits; nothing where the word is only read.
    pub bits: Option<ArgumentPlace>,
    /// How the tool prints what it has read: playbooks take the value from there and from nowhere else.
    pub value: Option<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegionBegin {
    Address(ArgumentPlace),
    /// A part of the memory that the tool knows by a name or number of its own.
    Partition(ArgumentPlace),
}

impl RegionArguments {
    pub fn address(&self) -> Option<&ArgumentPlace> {
        match &self.begin {
            RegionBegin::Address(place) => Some(place),
            RegionBegin::Partition(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentPlace {
    /// So many arguments after the command's first word.
    AfterCommand(usize),
    /// Right after this word.
    AfterWord(String),
}

impl Command {
    /// The index of an argument, if there are so many.
    pub fn argument(&self, place: &ArgumentPlace, args: &[String]) -> Option<usize> {
        let after = |word: &String| args.iter().position(|arg| arg == word);
        let index = match place {
            ArgumentPlace::AfterCommand(count) => after(self.with.first()?)? + count,
            ArgumentPlace::AfterWord(word) => after(word)? + 1,
        };
        (index < args.len()).then_some(index)
    }

    fn fits(&self, args: &[String]) -> bool {
        let has = |word: &String| args.iter().any(|arg| arg == word);
        let matches = |pattern: &Pattern| args.iter().any(|arg| pattern.is_match(arg));
        self.with.iter().all(has) && !self.without.iter().any(has) && self.with_matching.iter().all(matches)
    }
}

/// Lines that must have come a number of times.
#[derive(Debug, Clone)]
pub struct SuccessCount {
    pub pattern: Pattern,
    pub times: Times,
    /// Only those lines count that come when a progress stands at its full size, and one for each progress.
    pub after_progress: bool,
}

#[derive(Debug, Clone)]
pub enum Times {
    Exactly(usize),
    AtLeast(usize),
    /// Exactly as often as this matches within the arguments of the call, and at least once.
    AsInArguments(Pattern),
}

#[derive(Debug, Clone)]
pub struct MissingEvidence {
    pub class: FaultClass,
    /// A sentence for the person, without a full stop.
    pub message: String,
}

/// A rule on arguments, held against every playbook by `recover check`, and against what goes out by the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentRule {
    /// The rule applies when every one of these matches some whole argument…
    pub with: Vec<Pattern>,
    /// …and none of these matches any.
    pub without: Vec<Pattern>,
    /// …and this matches all arguments, joined by single blanks.
    pub line: Option<Pattern>,
    /// Allowed when the step gives a `timeout` of its own.
    pub unless_timeout: bool,
    /// Allowed in a step marked `irreversible`.
    pub unless_irreversible: bool,
    pub message: String,
    pub hint: Option<String>,
}

/// What a step says of itself that a rule may take for an excuse.
#[derive(Debug, Clone, Copy)]
pub struct Excuses {
    /// It gives a limit of its own.
    pub has_timeout: bool,
    /// It is marked as one that cannot be undone.
    pub is_irreversible: bool,
}

impl ArgumentRule {
    /// Does the rule forbid these arguments in such a step?
    pub fn forbids(&self, args: &[String], excuses: Excuses) -> bool {
        let is_excused =
            (self.unless_timeout && excuses.has_timeout) || (self.unless_irreversible && excuses.is_irreversible);
        !is_excused && self.applies(args)
    }

    /// Do these arguments fall under the rule?
    pub(super) fn applies(&self, args: &[String]) -> bool {
        let some = |pattern: &Pattern| args.iter().any(|arg| pattern.is_match(arg));
        self.with.iter().all(some)
            && !self.without.iter().any(some)
            && self.line.as_ref().is_none_or(|line| line.is_match(&args.join(" ")))
    }
}

/// The catalog for the bench, which brings its own tools: without places in which programs are looked for, and with no
/// variables but those of the shipped one, because a variable, too, can make a program load another.
pub fn without_programs(mut catalog: Catalog, shipped: &Catalog) -> Catalog {
    for tool in &mut catalog.tools {
        let known = shipped.tool(&tool.name);
        tool.folders = PerOperatingSystem::default();
        tool.via = PerOperatingSystem::default();
        tool.environment = known.map(|known| known.environment.clone()).unwrap_or_default();
        tool.environment_without_home = known.map(|known| known.environment_without_home.clone()).unwrap_or_default();
    }
    catalog.environment_set.clone_from(&shipped.environment_set);
    catalog.environment_remove.clone_from(&shipped.environment_remove);
    catalog
}
