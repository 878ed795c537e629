//! What a playbook may do: the tools it runs, the devices it uses, the files it reads and makes, the memories it writes, and
//! what of that can never be undone. For somebody who decides whether to let it.
//!
//! Read from the steps and the catalog, not from what the playbook says of itself. An argument that is only known later
//! stands in the list as it is written.

use std::collections::BTreeSet;
use std::convert::Infallible;

use crate::documents::catalog::{ArgumentPlace, Catalog, Command, RegionArguments, RegionBegin, knows_chip};
use crate::documents::expression::expand_as_far_as_known;
use crate::documents::playbook::check_flash::address_of;
use crate::documents::playbook::declared::Declared;
use crate::documents::playbook::{
    Changes, Contents, Device, Playbook, Reading, Run, Step, arguments, every_step, tools_of,
};
use crate::words::Id;

/// Everything a playbook may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MayDo {
    /// In the order of their kinds; none stands here twice.
    pub deeds: Vec<Deed>,
    /// Parts of memory with known addresses; those of one tool do not overlap.
    pub ranges: Vec<MemoryRange>,
}

/// One thing that a playbook may do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    RunTool(String),
    /// Id and kind, not what the playbook calls it.
    UseDevice(String),
    ReadFile(String),
    /// In the private folder of the run, or of a tool.
    MakeFile(String),
    /// A part of memory that its arguments name otherwise than by a known address.
    WriteMemory {
        tool: String,
        what: String,
    },
    /// Memory of a chip that the catalog does not know, so that only the playbook says that it is plain.
    TakeForPlain(String),
    NeverUndo {
        step: Id,
        command: String,
    },
}

/// As the end of "it may …"; the same as long as the deed is.
impl std::fmt::Display for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Deed::RunTool(tool) => write!(f, "run {tool}"),
            Deed::UseDevice(id) => write!(f, "use {id}"),
            Deed::ReadFile(file) => write!(f, "read {file}"),
            Deed::MakeFile(file) => write!(f, "make {file}"),
            Deed::WriteMemory { tool, what } => write!(f, "write memory with {tool}: {what}"),
            Deed::TakeForPlain(range) => {
                write!(f, "take {range} for plain memory of a chip that recover does not know")
            }
            Deed::NeverUndo { step, command } => {
                write!(f, "do what can never be undone, in the step {step}: {command}")
            }
        }
    }
}

/// A part of the board's memory, by the first and the last address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryRange {
    pub tool: String,
    pub from: u64,
    /// None where there is no limit to the length.
    pub to: Option<u64>,
}

impl MemoryRange {
    /// Is everything in `other` in here, too?
    pub fn covers(&self, other: &MemoryRange) -> bool {
        let reaches = match (self.to, other.to) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => own >= others,
        };
        self.tool == other.tool && self.from <= other.from && reaches
    }

    fn touches(&self, later: &MemoryRange) -> bool {
        self.tool == later.tool && self.to.is_none_or(|to| later.from <= to.saturating_add(1))
    }
}

impl std::fmt::Display for MemoryRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.to {
            Some(to) => write!(f, "write memory with {}: {:#010x} to {to:#010x}", self.tool, self.from),
            None => write!(f, "write memory with {}: {:#010x} and everything behind it", self.tool, self.from),
        }
    }
}

/// Everything the playbook may do with these tools.
pub fn may_do(playbook: &Playbook, catalog: &Catalog) -> MayDo {
    let mut found = Found { playbook, catalog, made: BTreeSet::new(), deeds: BTreeSet::new(), ranges: Vec::new() };
    found.deeds.extend(tools_of(playbook, &|_| true).into_iter().map(Deed::RunTool));
    found.deeds.extend(playbook.devices.iter().flat_map(devices));
    for input in &playbook.inputs {
        let more = if input.names_files.is_some() { " and the files that it names" } else { "" };
        found.deeds.insert(Deed::ReadFile(format!("{}{more}", input.file.value)));
    }
    for file in &playbook.tool_files {
        found.deeds.insert(Deed::ReadFile(format!("{} of {}", file.file.value, file.tool.value)));
    }
    let known = playbook.devices.iter().flat_map(|device| &device.ids).any(|id| knows_chip(*id));
    if !known {
        let ranges = playbook.memories().into_iter().map(|range| Deed::TakeForPlain(range.to_string()));
        found.deeds.extend(ranges);
    }
    found.files_made(&playbook.steps);
    found.steps(&playbook.steps);
    for reading in playbook.identifying_readings() {
        found.reading(reading);
    }
    MayDo { deeds: found.deeds.into_iter().collect(), ranges: joined(found.ranges) }
}

fn devices(device: &Device) -> impl Iterator<Item = Deed> {
    device.ids.iter().map(|id| Deed::UseDevice(id.to_string()))
}

/// Sorted, and one where several have no gap between them.
fn joined(mut ranges: Vec<MemoryRange>) -> Vec<MemoryRange> {
    ranges.sort();
    let mut joined: Vec<MemoryRange> = Vec::new();
    for range in ranges {
        match joined.last_mut().filter(|last| last.touches(&range)) {
            Some(last) => last.to = last.to.zip(range.to).map(|(one, other)| one.max(other)),
            None => joined.push(range),
        }
    }
    joined
}

struct Found<'a> {
    playbook: &'a Playbook,
    catalog: &'a Catalog,
    /// Files that steps make, by name.
    made: BTreeSet<Id>,
    deeds: BTreeSet<Deed>,
    ranges: Vec<MemoryRange>,
}

impl Found<'_> {
    /// Names come first, because arguments may name what a later step makes.
    fn files_made(&mut self, steps: &[Step]) {
        let mut made = Vec::new();
        for step in every_step(steps) {
            if let Some(run) = step.call() {
                made.extend(run.produces.iter().map(|name| (name.value.clone(), name.to_string())));
                made.extend(run.stage.iter().map(|staged| (staged.file.value.clone(), staged.path.value.clone())));
            }
            made.extend(step.writes().map(|write| (write.name.value.clone(), write.file.value.clone())));
        }
        for (name, file) in made {
            self.made.insert(name);
            self.deeds.insert(Deed::MakeFile(file));
        }
    }

    fn reading(&mut self, reading: &Reading) {
        self.files_made(&reading.steps);
        self.steps(&reading.steps);
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in every_step(steps) {
            if let Some(run) = step.call() {
                self.run(run, step.irreversible.is_some().then(|| step.id.clone()));
            }
        }
    }

    fn run(&mut self, run: &Run, irreversible: Option<Id>) {
        let size = |file: &Id| self.largest(file);
        let facts = Declared { playbook: self.playbook, made: &self.made, size: &size };
        let Ok(args) = arguments(run, |arg| Ok::<_, Infallible>(expand_as_far_as_known(arg, &facts)));
        let tool = run.tool.value.clone();
        let never_undone = irreversible.is_some();
        if let Some(step) = irreversible {
            let command = std::iter::once(tool.as_str()).chain(args.iter().map(String::as_str));
            let command = command.collect::<Vec<_>>().join(" ");
            self.deeds.insert(Deed::NeverUndo { step, command });
        }
        if let Some(changes) = &run.changes
            && let Changes::Range { address, length } = &changes.value
        {
            let to = Some(address.saturating_add(length.saturating_sub(1)));
            self.ranges.push(MemoryRange { tool: tool.clone(), from: *address, to });
        }
        let Some(command) = self.catalog.tool(&tool).and_then(|known| known.command(&args)) else {
            let what = "a call that the catalog does not know".to_owned();
            self.deeds.insert(Deed::WriteMemory { tool, what });
            return;
        };
        let regions = [command.erases.as_ref(), command.writes.as_ref()];
        let mut told = false;
        for region in regions.into_iter().flatten() {
            told = true;
            match self.region(run, command, region, &args) {
                Where::Range { from, to } => self.ranges.push(MemoryRange { tool: tool.clone(), from, to }),
                Where::Named(what) => drop(self.deeds.insert(Deed::WriteMemory { tool: tool.clone(), what })),
            }
        }
        // What is told otherwise needs no second line; that only files are named does not tell where they go.
        let unsaid = run.changes.as_ref().is_none_or(|changes| matches!(changes.value, Changes::Files(_)));
        if command.changes_board && !told && unsaid && !never_undone {
            let what = format!("its call {} does not say where", command.name);
            self.deeds.insert(Deed::WriteMemory { tool, what });
        }
    }

    fn region(&self, run: &Run, command: &Command, region: &RegionArguments, args: &[String]) -> Where {
        let text = |place: &ArgumentPlace| command.argument(place, args).map_or("", |index| args[index].as_str());
        let address = match &region.begin {
            RegionBegin::Partition(place) => return Where::Named(format!("partition {}", text(place))),
            RegionBegin::Address(place) => text(place),
        };
        let Some(from) = address_of(address) else { return Where::Named(format!("at {address}")) };
        let extent = command.argument(&region.extent, args);
        let file = extent.and_then(|index| run.args.get(index)?.only_name());
        let length = match file {
            Some(file) => self.largest(file),
            None => extent.and_then(|index| address_of(&args[index])),
        };
        Where::Range { from, to: length.map(|length| from.saturating_add(length.saturating_sub(1))) }
    }

    /// The size that a file may have at most, in bytes.
    fn largest(&self, file: &Id) -> Option<u64> {
        let zeros = || {
            let written = every_step(&self.playbook.steps).filter_map(Step::writes);
            written
                .filter(|write| write.name == *file)
                .filter_map(|write| match &write.contents {
                    Contents::Zeros(length) => Some(u64::from(*length)),
                    Contents::Text(_) => None,
                })
                .last()
        };
        self.playbook.input(file).and_then(|input| input.max_size).or_else(zeros)
    }
}

enum Where {
    Range { from: u64, to: Option<u64> },
    Named(String),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::documents::catalog::shipped;
    use crate::documents::playbook::load;
    use crate::words::Source;

    fn of(text: &str) -> MayDo {
        let source = Arc::new(Source { name: "p.yaml".to_owned(), text: text.to_owned() });
        let loaded = load(&source, &|_| Err(String::new()));
        let playbook = loaded.playbook.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        may_do(&playbook, &shipped().unwrap())
    }

    const PLAYBOOK: &str = r#"
format: 1
board: Board
inputs:
  firmware: {file: out/firmware.bin, max_size: 0x20000}
  endless: {file: endless.bin}
devices:
  rom: {usb: "0483:df11"}
steps:
  - id: write
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000:leave", "-D", "${firmware}"]
  - id: endless
    run: dfu-util
    device: rom
    args: ["-d", ",0483:df11", "-a", "0", "-s", "0x90000000", "-D", "${endless}"]
  - id: loop
    steps:
      - id: read
        run: dfu-util
        device: rom
        args: ["-d", ",0483:df11", "-a", "0", "-s", "0x08000000:${size(firmware)}", "-U", "${copy}"]
        produces: copy
"#;

    #[test]
    fn everything_stands_in_the_list() {
        let MayDo { deeds, ranges } = of(PLAYBOOK);
        assert_eq!(
            deeds,
            [
                Deed::RunTool("dfu-util".to_owned()),
                Deed::UseDevice("0483:df11".to_owned()),
                Deed::ReadFile("endless.bin".to_owned()),
                Deed::ReadFile("out/firmware.bin".to_owned()),
                Deed::MakeFile("copy".to_owned()),
            ]
        );
        let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        assert_eq!(
            ranges,
            [
                "write memory with dfu-util: 0x08000000 to 0x0801ffff",
                "write memory with dfu-util: 0x90000000 and everything behind it"
            ]
        );
    }

    #[test]
    fn words_for_people_change_nothing_in_it() {
        let edited = PLAYBOOK
            .replace("board: Board", "board: Another\nsummary: Says more.")
            .replace("id: write", "id: rewrite\n    name: Write it\n    timeout: 1m")
            .replace("{usb: \"0483:df11\"}", "{usb: \"0483:df11\", label: The ROM}");
        assert_ne!(edited, PLAYBOOK);
        assert_eq!(of(&edited), of(PLAYBOOK));
    }

    #[test]
    fn what_is_never_undone_and_what_nobody_knows_is_in_it() {
        let steps = r#"
  - id: fuse
    run: blhost
    args: ["-u", "0x15A2,0x0073", "--", "efuse-program-once", "6", "00000010"]
    irreversible:
      why: It can never be cleared.
      already_done:
        steps: [{run: blhost, args: ["--", "efuse-read-once", "6"], capture: {fuse: {integer: '(\d+)'}}}]
        holds: fuse == 16
      verify:
        steps: [{run: blhost, args: ["--", "efuse-read-once", "6"], capture: {now: {integer: '(\d+)'}}}]
        holds: now == 16
  - {id: strange, run: blhost, args: [frobnicate]}
"#;
        let MayDo { deeds, .. } = of(&format!("{PLAYBOOK}{steps}"));
        let command = "blhost -u 0x15A2,0x0073 -- efuse-program-once 6 00000010".to_owned();
        assert!(deeds.contains(&Deed::NeverUndo { step: "fuse".parse().unwrap(), command }), "{deeds:#?}");
        let writes = deeds.iter().filter(|deed| matches!(deed, Deed::WriteMemory { .. })).count();
        assert_eq!(writes, 1, "the fuse is told once: {deeds:#?}");
        let what = "a call that the catalog does not know".to_owned();
        assert!(deeds.contains(&Deed::WriteMemory { tool: "blhost".to_owned(), what }), "{deeds:#?}");
    }

    #[test]
    fn ranges_know_what_they_cover() {
        let range = |from, to| MemoryRange { tool: "t".to_owned(), from, to };
        assert!(range(0, Some(9)).covers(&range(3, Some(9))));
        assert!(!range(0, Some(9)).covers(&range(3, Some(10))));
        assert!(!range(0, Some(9)).covers(&range(3, None)));
        assert!(range(0, None).covers(&range(3, None)));
        assert_eq!(joined(vec![range(5, Some(9)), range(0, Some(4)), range(20, None)]).len(), 2);
    }
}
