//! `recover doctor`: everything about this computer that may stand in the way of a rescue, found before a hand moves.
//!
//! What is looked at follows from playbooks and catalog: their tools, files and devices. Nothing is changed; the rules for
//! devices are written only with `--fix`, in the file of that name.

mod fix;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::arguments::{DoctorArgs, MessageFormat};
use crate::cli::boards::Boards;
use crate::cli::catalogs::of_user;
use crate::cli::configuration::Configuration;
use crate::cli::diagnostics::render;
use crate::cli::image_folder::{Chooser, settle_folder};
use crate::cli::json::write_line;
use crate::cli::refusal::unknown_tool;
use crate::cli::runs::folder::runs_folder;
use crate::cli::sound_playbook::sound_playbook;
use crate::cli::streams::{complain, complain_at_length, say, stdout};
use crate::cli::style::{Look, Role, Sign};
use crate::cli::wording::{bytes, hang};
use crate::cli::workplace::OTHER_TEMPORARY_FOLDER;
use crate::documents::catalog::{Catalog, Driver, OperatingSystem, Tool};
use crate::documents::playbook::{DeviceKind, Playbook, tools_of};
use crate::engine::{
    Absent, Clock, Event, Files, GivenFiles, Outcome, RULES_FILE, fix_command, outcome_without_tools, permits,
    remedy_for, stage_inputs,
};
use crate::words::{Diagnostic, UsbId};
use crate::world::{
    Access, Finder, FoundTool, Host, Machine, Scratch, Surroundings, ToolProblem, Trouble, device_rules, examine_tools,
    free_bytes, is_administrator, may_write_in, process, running_programs, tool_environment,
};

/// Images, their copies and what is read back, of the largest board.
const ROOM_BYTES: u64 = 128 * 1024 * 1024;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
enum About {
    Computer,
    Disk,
    Tool,
    File,
    Device,
    Driver,
    Rules,
    Service,
    Settings,
    Records,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Good,
    /// It may matter.
    Note,
    /// A rescue cannot work like this.
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
struct Finding {
    about: About,
    level: Level,
    /// What it is about, in a word or two.
    name: String,
    what: String,
    /// The likeliest first.
    remedies: Vec<String>,
    /// How a run would end.
    #[serde(skip)]
    outcome: Outcome,
}

#[derive(serde::Serialize)]
#[serde(tag = "event", rename = "finding")]
struct Told<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
}

/// What is looked at.
struct Subject {
    playbooks: Vec<Playbook>,
    /// One board was asked about, so that whatever it needs is needed.
    one: bool,
    catalog: Catalog,
    surroundings: Surroundings,
}

pub(super) fn doctor(args: &DoctorArgs, look: &Look) -> Outcome {
    if args.rules {
        return fix::print_rules();
    }
    let subject = match subject(args, look) {
        Ok(subject) => subject,
        Err(outcome) => return outcome,
    };
    if args.fix {
        return fix::fix(subject.playbooks.first().filter(|_| subject.one), look);
    }
    let findings = match findings(&subject, args) {
        Ok(findings) => findings,
        Err(error) => {
            complain(&format!("error: recover could not set itself up: {error}"));
            return Outcome::Defect;
        }
    };
    match args.message_format {
        MessageFormat::Json => {
            // A reader that has gone away needs no more lines.
            let told = |finding: &Finding| write_line(&mut stdout(), &Told { finding });
            let _reader_gone = findings.iter().try_for_each(told);
        }
        MessageFormat::Human => {
            findings.iter().flat_map(|finding| lines_of(finding, look)).for_each(|line| say(&line));
            say("");
            say(&conclusion(&subject, &findings));
        }
    }
    let bad = findings.iter().find(|finding| finding.level == Level::Bad);
    bad.map_or(Outcome::Recovered, |finding| finding.outcome)
}

fn subject(args: &DoctorArgs, look: &Look) -> Result<Subject, Outcome> {
    let surroundings = Surroundings::of_this_process();
    let catalog = of_user(&surroundings).map_err(|diagnostics| {
        complain_at_length(&render(&diagnostics, look));
        Outcome::PlaybookInvalid
    })?;
    if let Some(unknown) = args.tools.iter().find(|given| catalog.tool(&given.tool).is_none()) {
        complain(&format!("error: {}", unknown_tool(&unknown.tool)));
        return Err(Outcome::CommandLine);
    }
    let (playbooks, one) = match &args.board {
        Some(name) => (vec![sound_playbook(name, |_| Ok(catalog.clone()), look)?.1], true),
        None => (Boards::all().playbooks, false),
    };
    Ok(Subject { playbooks, one, catalog, surroundings })
}

/// What a run says before it asks anybody to move: whatever of this computer may stand in its way, but for files and tools,
/// which it finds itself. Looks only, and takes some milliseconds.
pub(super) fn before_a_run(playbook: &Playbook, catalog: &Catalog) -> Vec<Event> {
    let subject = Subject {
        playbooks: vec![playbook.clone()],
        one: true,
        catalog: catalog.clone(),
        surroundings: Surroundings::of_this_process(),
    };
    let mut findings: Vec<Finding> = of_disk().into_iter().collect();
    findings.extend(of_devices(&subject, &Machine::that_looks()));
    findings.extend(of_services(&subject));
    // The administrator is let at everything without a rule.
    let needs_rules = !is_administrator();
    findings.retain(|finding| finding.level != Level::Good && (needs_rules || finding.about != About::Rules));
    findings.into_iter().map(|finding| Event::Warning { text: in_one_text(&finding) }).collect()
}

fn in_one_text(finding: &Finding) -> String {
    let Finding { name, what, remedies, .. } = finding;
    let remedies = remedies.iter().map(|remedy| format!("\n{remedy}"));
    format!("{name}: {what}{}", remedies.collect::<String>())
}

fn findings(subject: &Subject, args: &DoctorArgs) -> std::io::Result<Vec<Finding>> {
    let runtime = Clock::Running.runtime()?;
    let scratch = Scratch::create();
    let mut findings = of_computer();
    findings.extend(match &scratch {
        Ok(_) => of_disk(),
        Err(problem) => {
            let remedies = vec![OTHER_TEMPORARY_FOLDER.to_owned()];
            Some(bad(About::Disk, "disk", problem.to_string(), remedies, Outcome::StepFailed))
        }
    });
    // Tools that are only asked for their version put nothing into it.
    let folder = scratch.as_ref().map_or_else(|_| std::env::temp_dir(), |scratch| scratch.folder().to_owned());
    findings.extend(runtime.block_on(of_tools(subject, args, &folder)));
    if let (true, [playbook], Ok(scratch)) = (subject.one, subject.playbooks.as_slice(), scratch) {
        findings.extend(of_files(subject, playbook, args, &mut Files::new(scratch)));
    }
    findings.extend(of_devices(subject, &Machine::that_looks()));
    findings.extend(of_services(subject));
    findings.extend(of_settings(&Configuration::of(&subject.surroundings)));
    findings.push(of_records(runs_folder(None).as_deref()));
    Ok(findings)
}

fn good(about: About, name: &str, what: String) -> Finding {
    let (name, outcome) = (name.to_owned(), Outcome::Recovered);
    Finding { about, level: Level::Good, name, what, remedies: Vec::new(), outcome }
}

fn note(about: About, name: &str, what: String, remedies: Vec<String>) -> Finding {
    Finding { level: Level::Note, remedies, ..good(about, name, what) }
}

fn bad(about: About, name: &str, what: String, remedies: Vec<String>, outcome: Outcome) -> Finding {
    Finding { level: Level::Bad, remedies, outcome, ..good(about, name, what) }
}

fn of_computer() -> Vec<Finding> {
    let (what, remedy) = match Host::of_this_computer() {
        Host::Plain => return Vec::new(),
        Host::Wsl => (
            "this is Linux within Windows (WSL), which sees only the USB devices that it is given",
            "Give it each device, in each of its states, with usbipd; or run recover on Windows itself",
        ),
        Host::VirtualMachine => (
            "this is a virtual machine, which sees only the USB devices that it is given",
            "Give it the board's ids for good (as filters): the board comes back as another device each time",
        ),
        Host::Container => (
            "this is a container, which sees only the USB devices that it is given",
            "Give it the whole bus, with /dev/bus/usb and the rights to use it; or run recover outside",
        ),
    };
    vec![note(About::Computer, "computer", what.to_owned(), vec![remedy.to_owned()])]
}

fn of_disk() -> Option<Finding> {
    let folder = std::env::temp_dir();
    let free = free_bytes(&folder)?;
    if free >= ROOM_BYTES {
        return Some(good(About::Disk, "disk", format!("{} free in {}", bytes(free), folder.display())));
    }
    let what = format!("only {} are free in {}, where the files of a run are kept", bytes(free), folder.display());
    Some(bad(About::Disk, "disk", what, vec![OTHER_TEMPORARY_FOLDER.to_owned()], Outcome::StepFailed))
}

/// Nothing where there is no file of settings.
fn of_settings(configuration: &Configuration) -> Vec<Finding> {
    let Some(path) = configuration.settings_file() else { return Vec::new() };
    let name = "settings";
    let told = |diagnostic: &Diagnostic| match &diagnostic.place {
        Some(place) => format!("{place}: {}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let remedies = |diagnostic: &Diagnostic| diagnostic.hint.iter().cloned().collect();
    match configuration.settings() {
        Ok((_, left_out)) if left_out.is_empty() => {
            vec![good(About::Settings, name, format!("{} can be read", path.display()))]
        }
        Ok((_, left_out)) => left_out
            .iter()
            .map(|it| note(About::Settings, name, format!("{}; it is left out", told(it)), remedies(it)))
            .collect(),
        Err(diagnostics) => diagnostics
            .iter()
            .map(|it| bad(About::Settings, name, told(it), remedies(it), Outcome::PlaybookInvalid))
            .collect(),
    }
}

/// A run makes a record first, and without one it does not begin unless it is told to.
fn of_records(folder: Option<&Path>) -> Finding {
    let remedies = || {
        vec![
            "Name another folder for records with --runs-dir DIR, or RECOVER_RUNS_DIR".to_owned(),
            "To go without a record, add --no-record to the run; then nothing is done that cannot be undone".to_owned(),
        ]
    };
    let cannot = |what: String| bad(About::Records, "records", what, remedies(), Outcome::CommandLine);
    let Some(folder) = folder else {
        return cannot("no folder for records of runs is known, because HOME is not set".to_owned());
    };
    // What is not there yet is made in what is.
    let Some(found) = folder.ancestors().find(|path| path.symlink_metadata().is_ok()) else {
        return cannot(format!("{} cannot be made", folder.display()));
    };
    if !found.is_dir() {
        return cannot(format!("records of runs go into {}, and {} is no folder", folder.display(), found.display()));
    }
    match may_write_in(found) {
        Some(false) => cannot(format!(
            "records of runs go into {}, and this user may not write in {}",
            folder.display(),
            found.display()
        )),
        Some(true) | None => good(About::Records, "records", format!("kept in {}", folder.display())),
    }
}

async fn of_tools(subject: &Subject, args: &DoctorArgs, scratch: &Path) -> Vec<Finding> {
    let Subject { playbooks, one, catalog, surroundings } = subject;
    let mut needed: Vec<(&Tool, Vec<&str>)> = Vec::new();
    for playbook in playbooks {
        for tool in tools_of(playbook, &|_| true).iter().filter_map(|name| catalog.tool(name)) {
            match needed.iter_mut().find(|(known, _)| known.name == tool.name) {
                Some((_, boards)) => boards.push(&playbook.board),
                None => needed.push((tool, vec![&playbook.board])),
            }
        }
    }
    let explicit: BTreeMap<String, PathBuf> =
        args.tools.iter().map(|given| (given.tool.clone(), given.program.clone())).collect();
    let finder =
        Finder { explicit: &explicit, installers: &catalog.installers, surroundings, start: Arc::new(process::start) };
    let wanted: Vec<&Tool> = needed.iter().map(|(tool, _)| *tool).collect();
    let environment = |tool: &Tool| tool_environment(catalog, tool, scratch, surroundings);
    let found = examine_tools(&wanted, finder, environment, |_| {}).await;
    let told = needed.iter().zip(found).map(|((tool, boards), found)| match found {
        Ok(found) => of_tool(&found),
        Err(problem) => missing_tool(&problem, tool, (!one).then_some(boards.as_slice())),
    });
    told.collect()
}

fn of_tool(found: &FoundTool) -> Finding {
    let launcher: Vec<_> = found.launcher.iter().map(|word| word.to_string_lossy()).collect();
    let flavour = found.flavour.as_ref().map(|flavour| format!(" ({flavour})")).unwrap_or_default();
    let passed =
        found.passed_over.iter().map(|passed| format!("; passed over {}, because {}", passed.program, passed.why));
    let what = format!(
        "version {}{flavour}, {} (found by {}){}",
        found.version,
        launcher.join(" "),
        found.found_by,
        passed.collect::<String>()
    );
    good(About::Tool, &found.name, what)
}

/// Whoever asked about no board may have none that needs it.
fn missing_tool(problem: &ToolProblem, tool: &Tool, only_for: Option<&[&str]>) -> Finding {
    let remedies = problem.remedies.clone();
    let what = match &problem.trouble {
        // Where it was looked for fills a screen, and a run tells it.
        Trouble::NotFound { .. } => "it is not found on this computer".to_owned(),
        Trouble::NoneUsable { .. } | Trouble::NotThere { .. } | Trouble::GivenUnusable { .. } => problem.to_string(),
    };
    match only_for {
        Some(boards) => {
            let what = format!("{what}; needed for {}", boards.join(", "));
            note(About::Tool, &tool.name, what, remedies)
        }
        None => {
            let outcome = outcome_without_tools(std::slice::from_ref(problem));
            bad(About::Tool, &tool.name, what, remedies, outcome)
        }
    }
}

fn of_files(subject: &Subject, playbook: &Playbook, args: &DoctorArgs, files: &mut Files) -> Vec<Finding> {
    let Subject { catalog, surroundings, .. } = subject;
    let mut given = GivenFiles { folder: args.files.clone(), set: BTreeMap::new(), to_be_had: None };
    // Of several a run asks which.
    let _folder_that_nobody_chose = settle_folder(&mut given, playbook, catalog, surroundings, Chooser::TheNewest);
    let mut ready = Vec::new();
    let staged = stage_inputs(playbook, &given, Absent::Refused, files, &mut |event| ready.push(event.clone()));
    match staged {
        Ok(()) => ready
            .iter()
            .filter_map(|event| match event {
                Event::InputReady { file, path, size, .. } => {
                    let path = path.clone().unwrap_or_default();
                    Some(good(About::File, file, format!("{}, {path}", bytes(*size))))
                }
                _ => None,
            })
            .collect(),
        Err(problems) => {
            let told = |problem: &crate::engine::InputProblem| {
                let name = playbook.input(&problem.input).map_or("file", |input| input.file_name());
                bad(
                    About::File,
                    name,
                    problem.message.clone(),
                    problem.hint.iter().cloned().collect(),
                    Outcome::CommandLine,
                )
            };
            problems.iter().map(told).collect()
        }
    }
}

fn of_devices(subject: &Subject, machine: &Machine) -> Vec<Finding> {
    let mut findings = Vec::new();
    let boards = Boards::of(subject.playbooks.clone());
    let sight = boards.look(machine);
    if let Some(reason) = &sight.blind {
        let remedy =
            "Run recover on the computer that the board is connected to, not in a container or a virtual machine";
        let outcome = Outcome::DeviceUnavailable;
        findings.push(bad(About::Computer, "USB", reason.clone(), vec![remedy.to_owned()], outcome));
    }
    for device in &sight.known {
        let attached = &device.attached;
        let name = format!("{} at {}", attached.id, attached.port);
        let told = boards.tell(device);
        findings.push(match attached.access {
            Access::Denied => {
                let remedy = device.shown_by.first().and_then(|(place, shown)| {
                    let about = (&boards.playbooks[*place], &subject.catalog);
                    remedy_for(shown, Some(attached), None, machine, about)
                });
                let what = format!("{told}; you may not use it");
                bad(About::Device, &name, what, remedy.into_iter().collect(), Outcome::DeviceUnavailable)
            }
            Access::Permitted => good(About::Device, &name, format!("{told}; you may use it")),
            Access::Unknown => good(About::Device, &name, told),
        });
    }
    for other in sight.others.iter().filter(|other| boards.has_no_port(other)) {
        let name = format!("{} at {}", other.id, other.port);
        let what = "this adapter has no serial port, so its driver is missing, or another program has taken it";
        let remedy =
            "Look whether brltty runs, which takes such adapters; else install the driver of the adapter's maker";
        let outcome = Outcome::DeviceUnavailable;
        findings.push(bad(About::Device, &name, what.to_owned(), vec![remedy.to_owned()], outcome));
    }
    let attached: Vec<UsbId> = sight.known.iter().map(|device| device.attached.id).collect();
    findings.extend(of_drivers(subject, &attached, OperatingSystem::current()));
    if OperatingSystem::current() == OperatingSystem::Linux {
        findings.push(of_rules(&subject.playbooks, &device_rules()));
    }
    findings
}

/// What this system needs before tools can open the board in each of its states; of boards that nobody asked about only in
/// that in which they are attached.
fn of_drivers(subject: &Subject, attached: &[UsbId], system: OperatingSystem) -> Vec<Finding> {
    let of_board =
        || subject.playbooks.iter().flat_map(|playbook| &playbook.devices).flat_map(|device| device.ids.clone());
    let ids: Vec<UsbId> = if subject.one { of_board().collect() } else { attached.to_vec() };
    let told = |driver: &Driver| {
        let needs = driver.needs.on(system).clone()?;
        let about: Vec<String> = driver.ids.iter().filter(|id| ids.contains(id)).map(ToString::to_string).collect();
        let what = format!("tools can open {} only when that is set up once", about.join(", "));
        (!about.is_empty()).then(|| note(About::Driver, &driver.name, what, vec![needs]))
    };
    subject.catalog.drivers.iter().filter_map(told).collect()
}

/// Whether users will be let at the board in each of its states: it is attached in one of them at most.
fn of_rules(playbooks: &[Playbook], rules: &[String]) -> Finding {
    let devices = playbooks.iter().flat_map(|playbook| &playbook.devices);
    let ids = devices.flat_map(|device| device.ids.iter().map(|id| (*id, device.kind)));
    // A group does for serial ports.
    let mut open: Vec<UsbId> =
        ids.filter(|(id, kind)| *kind != DeviceKind::Serial && !permits(rules, *kind, *id)).map(|(id, _)| id).collect();
    open.sort_by_key(|id| (id.vendor, id.product));
    open.dedup();
    if open.is_empty() {
        return good(About::Rules, "rules", "rules of udev's cover the board in each of its states".to_owned());
    }
    let ids: Vec<String> = open.iter().map(ToString::to_string).collect();
    let what = format!("no rule of udev's lets users at {}", ids.join(", "));
    let command = match playbooks {
        [only] => fix_command(only),
        _ => "recover doctor --fix".to_owned(),
    };
    let remedy = format!("{command}, which writes {RULES_FILE} and shows it before");
    note(About::Rules, "rules", what, vec![remedy])
}

/// Programs that take serial ports for themselves, as the catalog knows them.
fn of_services(subject: &Subject) -> Vec<Finding> {
    let serial = |playbook: &Playbook| playbook.devices.iter().any(|device| device.kind == DeviceKind::Serial);
    if !subject.playbooks.iter().any(serial) {
        return Vec::new();
    }
    let running = running_programs();
    let holders = subject.catalog.holders.iter().filter(|(name, _)| running.contains(name));
    let told = |(name, advice): (&String, &String)| {
        note(About::Service, name, "it is running".to_owned(), vec![advice.clone()])
    };
    holders.map(told).collect()
}

fn lines_of(finding: &Finding, look: &Look) -> Vec<String> {
    const NAME_WIDTH: usize = 20;
    let (sign, role) = match finding.level {
        Level::Good => (Sign::Done, Role::Success),
        Level::Note => (Sign::Attention, Role::Warning),
        Level::Bad => (Sign::Failed, Role::Failure),
    };
    let first = format!("{} {:<NAME_WIDTH$} ", look.paint(role, look.sign(sign)), finding.name);
    let mut lines = hang(&first, &finding.what, look.width);
    for remedy in &finding.remedies {
        lines.extend(hang("    do: ", remedy, look.width));
    }
    lines
}

fn conclusion(subject: &Subject, findings: &[Finding]) -> String {
    let number = findings.iter().filter(|finding| finding.level == Level::Bad).count();
    match (number, subject.playbooks.as_slice()) {
        (0, [only]) if subject.one => format!("Nothing here stands in the way of rescuing the {}.", only.board),
        (0, _) => {
            "Nothing here stands in the way. `recover doctor BOARD` looks at the files of a board, too.".to_owned()
        }
        (1, _) => "One thing stands in the way.".to_owned(),
        (several, _) => format!("{several} things stand in the way."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::style::Colours;
    use crate::documents::catalog::shipped;
    use crate::documents::library::shipped_playbooks;

    fn h7() -> Vec<Playbook> {
        shipped_playbooks().filter(|playbook| playbook.board == "OpenMV Cam H7").collect()
    }

    #[test]
    fn rules_must_cover_every_state_of_the_board() {
        let none = of_rules(&h7(), &[]);
        assert_eq!((none.level, none.about), (Level::Note, About::Rules));
        assert!(none.what.ends_with("0483:df11, 37c5:1204, 37c5:9204"), "{}", none.what);
        assert!(none.remedies[0].starts_with("recover doctor --fix"), "{:?}", none.remedies);
        let some = of_rules(&h7(), &["SUBSYSTEM==\"usb\", ATTR{idVendor}==\"37c5\", TAG+=\"uaccess\"".to_owned()]);
        assert!(some.what.ends_with(" 0483:df11"), "{}", some.what);
        assert_eq!(of_rules(&h7(), &[crate::engine::rules_for(&h7(), "")]).level, Level::Good);
    }

    #[test]
    fn each_system_is_told_what_lets_tools_at_the_board() {
        let told = |board: &str, one, attached: &[&str], system| -> Vec<String> {
            let playbooks = shipped_playbooks().filter(|playbook| playbook.board == board).collect();
            let (catalog, surroundings) = (shipped().unwrap(), Surroundings::default());
            let subject = Subject { playbooks, one, catalog, surroundings };
            let attached: Vec<UsbId> = attached.iter().map(|id| id.parse().unwrap()).collect();
            let findings = of_drivers(&subject, &attached, system);
            findings.iter().map(|finding| format!("{}: {}", finding.what, finding.remedies[0])).collect()
        };
        let (linux, macos, windows) = (OperatingSystem::Linux, OperatingSystem::Macos, OperatingSystem::Windows);
        let h7 = told("OpenMV Cam H7", true, &[], windows);
        assert_eq!(h7.len(), 2, "{h7:?}");
        assert!(h7[0].contains("0483:df11") && h7[0].contains("Zadig"), "{h7:?}");
        assert!(h7[1].contains("37c5:9204") && !h7[1].contains("37c5:9202"), "{h7:?}");
        // Windows opens HID devices without more.
        assert_eq!(told("OpenMV Cam RT1062", true, &[], windows), [""; 0]);
        let rt = told("OpenMV Cam RT1062", true, &[], macos);
        assert!(rt[0].contains("Input Monitoring"), "{rt:?}");
        assert_eq!(told("OpenMV Cam H7", true, &[], macos), [""; 0]);
        for board in ["OpenMV Cam H7", "OpenMV Cam RT1062", "OpenMV Cam AE3"] {
            assert_eq!(told(board, true, &["0483:df11"], linux), [""; 0]);
            assert_eq!(told(board, false, &["0483:df11"], windows).len(), 1, "only what is there");
        }
    }

    #[test]
    fn records_need_a_folder_that_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let level = |path: &Path| of_records(Some(path)).level;
        assert_eq!(level(&folder.path().join("deep/runs")), Level::Good);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let finding = of_records(Some(&file.join("runs")));
        assert_eq!((finding.level, finding.outcome), (Level::Bad, Outcome::CommandLine));
        assert!(finding.what.ends_with(&format!("{} is no folder", file.display())), "{}", finding.what);
        assert_eq!(of_records(None).level, Level::Bad);
        assert!(!folder.path().join("deep").exists(), "nothing is changed");
    }

    #[test]
    fn colours_take_no_room() {
        let finding =
            note(About::Disk, "disk", "a text that is long enough for more than one line ".repeat(3), Vec::new());
        let coloured = Look { colours: Colours::On, ..Look::plain() };
        assert_eq!(lines_of(&finding, &coloured).len(), lines_of(&finding, &Look::plain()).len());
    }

    #[test]
    fn each_finding_is_a_line_with_its_remedy_below() {
        let finding = bad(
            About::Tool,
            "dfu-util",
            "it is not there".to_owned(),
            vec!["Install it".to_owned()],
            Outcome::ToolMissing,
        );
        assert_eq!(
            lines_of(&finding, &Look::plain()),
            ["✗ dfu-util             it is not there", "    do: Install it"]
        );
    }
}
