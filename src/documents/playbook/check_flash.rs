//! Looks at the memory that a playbook erases and writes: an erase must reach as far as the file that is written there,
//! and no two files may have room in common.
//!
//! The catalog says which arguments are addresses, lengths and files. What they come to depends on the sizes of the
//! files, so a few telling sizes are tried.

use std::collections::BTreeSet;
use std::convert::Infallible;

use crate::documents::catalog::{ArgumentPlace, Catalog, RegionArguments};
use crate::documents::expression::{Template, expand};
use crate::documents::playbook::declared::Declared;
use crate::documents::playbook::{Input, Playbook, Run, StartPart, Step, arguments, procedure};
use crate::words::{
    AddressRange, Code, Diagnostic, Hex, Id, Located, Place, Severity, end_reached, parse_integer, without_repetitions,
};

/// The smallest file, and one that is just longer than a sector of 4 KiB; the largest one comes from `max_size`.
const TELLING_SIZES_BYTES: [u64; 2] = [SMALLEST_BYTES, 4097];
const SMALLEST_BYTES: u64 = 1;

pub(super) fn check_flash(playbook: &Playbook, catalog: &Catalog, diagnostics: &mut Vec<Diagnostic>) {
    let mut found = Found { playbook, catalog, erases: Vec::new(), writes: Vec::new() };
    found.steps(&playbook.steps, Taken::Always);
    // An address in none of them is one that the guard doubts.
    let declared: Vec<Room> =
        playbook.memories.iter().map(|(name, range)| Room::of_memory(name, range.value)).collect();
    let inside = |write: &&Write<'_>| end_reached(write.address, &declared.iter().map(Room::range)) > write.address;
    diagnostics.extend(found.writes.iter().filter(inside).filter_map(|write| beyond(write, &declared)));
    for (index, write) in found.writes.iter().enumerate() {
        let before = |erase: &&Erase<'_>| erase.number < write.number && erase.tool == write.tool;
        let erase = found.erases.iter().filter(before).rev().find(|erase| erase.address == write.address);
        diagnostics.extend(erase.and_then(|erase| found.too_short(erase, write)));
        diagnostics.extend(found.writes[..index].iter().find_map(|earlier| overlapping(earlier, write)));
    }
    let sectors = procedure(&playbook.steps).filter_map(|step| Some((step, step.sector.as_ref()?)));
    diagnostics.extend(sectors.filter_map(|(step, sector)| sector_out_of_place(playbook, catalog, step, sector)));
}

/// `sector` is about what one group erases and writes, in whole sectors.
fn sector_out_of_place(
    playbook: &Playbook,
    catalog: &Catalog,
    step: &Step,
    sector: &Located<u32>,
) -> Option<Diagnostic> {
    let mut found = Found { playbook, catalog, erases: Vec::new(), writes: Vec::new() };
    found.steps(step.group().unwrap_or_default(), Taken::Always);
    let size = u64::from(sector.value);
    let of_write = |write: &Write<'_>| found.erases.iter().find(|erase| erase.address == write.address);
    let Some(erase) = found.writes.iter().find_map(of_write) else {
        let message = "nothing within this group is erased and then written from a file, at one address";
        let diagnostic = Diagnostic::error(Code::KeyOutOfPlace, &sector.place, message);
        return Some(diagnostic.hint("put `sector` on the group that erases one part of the flash and writes it"));
    };
    let facts = Declared { playbook, made: &BTreeSet::new(), size: &|_| Some(SMALLEST_BYTES) };
    let length = expand(erase.length, &facts).ok().and_then(|text| parse_integer(&text).ok());
    let length = length.map(|length| u64::try_from(length).unwrap_or(0));
    let message = if erase.address % size != 0 || length.is_some_and(|length| length % size != 0) {
        format!("what is erased here does not begin and end with whole sectors of {size:#x} bytes")
    } else {
        let erased = length.filter(|length| *length != size)?;
        format!(
            "for a file of one byte {erased:#x} bytes are erased here, which is more than one sector of {size:#x} bytes"
        )
    };
    let hint = "the size of the chip's sectors is needed, as the length of the erase is rounded up to it";
    Some(Diagnostic::error(Code::KeyOutOfPlace, &sector.place, message).hint(hint))
}

/// Memories that are told where an address is in none of them.
const ROOMS_SHOWN_MAX: usize = 4;

/// Memory that a board has, and how people call it.
#[derive(Debug, Clone)]
pub struct Room {
    pub name: String,
    pub start: u64,
    /// The first address behind it.
    pub end: u64,
}

impl Room {
    fn of_memory(name: &Id, range: AddressRange) -> Room {
        Room { name: format!("the memory `{name}`"), start: u64::from(range.start), end: range.end() }
    }

    fn range(&self) -> (u64, u64) {
        (self.start, self.end)
    }
}

/// Writes that go beyond these memories: the largest file that one may get is held against what is there behind its address.
/// Warnings, because a board of the bench may be smaller than the one it stands for.
pub fn check_rooms(playbook: &Playbook, catalog: &Catalog, rooms: &[Room]) -> Vec<Diagnostic> {
    let mut found = Found { playbook, catalog, erases: Vec::new(), writes: Vec::new() };
    found.steps(&playbook.steps, Taken::Always);
    let parts = playbook.devices.iter().flat_map(|device| &device.starts_from);
    let nowhere = parts.filter_map(|part| start_outside(part, rooms));
    let beyond = found.writes.iter().filter_map(|write| beyond(write, rooms)).chain(nowhere);
    without_repetitions(beyond.map(|diagnostic| Diagnostic { severity: Severity::Warning, ..diagnostic }).collect())
}

/// A device cannot start from where the board has no memory.
fn start_outside(part: &Located<StartPart>, rooms: &[Room]) -> Option<Diagnostic> {
    let StartPart::Range(range) = &part.value else { return None };
    let names = names_of(rooms.iter())?;
    let start = u64::from(range.start);
    if end_reached(start, &rooms.iter().map(Room::range)) >= range.end() {
        return None;
    }
    let message = format!("{range} does not lie within {}", names.join(" and "));
    Some(Diagnostic::error(Code::OutsideMemory, &part.place, message).hint(whereabouts(rooms)))
}

fn whereabouts(rooms: &[Room]) -> String {
    let reach = |(start, end): (u64, u64)| format!("{} to {}", Hex(start), Hex(end - 1));
    let reach: Vec<String> = stretches(rooms).into_iter().take(ROOMS_SHOWN_MAX).map(reach).collect();
    format!("memory is at {}", reach.join(", "))
}

fn beyond(write: &Write<'_>, rooms: &[Room]) -> Option<Diagnostic> {
    let Write { address, input, address_place, .. } = write;
    let end = end_reached(*address, &rooms.iter().map(Room::range));
    if end == *address {
        let names = names_of(rooms.iter())?;
        let message = format!("{} lies outside of {}", Hex(*address), names.join(" and "));
        return Some(Diagnostic::error(Code::OutsideMemory, address_place, message).hint(whereabouts(rooms)));
    }
    let (room_bytes, max) = (end - address, input.max_size?);
    let names = names_of(rooms.iter().filter(|room| room.start < end && *address < room.end))?;
    (max > room_bytes).then(|| {
        let message = format!(
            "`{}` may have {} bytes, and from {} on {} {} only {}",
            input.name,
            Hex(max),
            Hex(*address),
            names.join(" and "),
            if names.len() == 1 { "has" } else { "have" },
            Hex(room_bytes)
        );
        let hint = format!("give `{}` a `max_size` of {} at most", input.name, Hex(room_bytes));
        Diagnostic::error(Code::NoRoom, address_place, message).hint(hint)
    })
}

/// Each name once; `None` where there is no room at all.
fn names_of<'r>(rooms: impl Iterator<Item = &'r Room>) -> Option<Vec<&'r str>> {
    let mut names: Vec<&str> = Vec::new();
    for Room { name, .. } in rooms {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    (!names.is_empty()).then_some(names)
}

/// Where memory begins and ends, neighbours in one, in the order of their addresses.
fn stretches(rooms: &[Room]) -> Vec<(u64, u64)> {
    let mut starts: Vec<u64> = rooms.iter().map(|room| room.start).collect();
    starts.sort_unstable();
    let mut found: Vec<(u64, u64)> = Vec::new();
    for start in starts {
        if found.last().is_none_or(|(_, end)| start >= *end) {
            found.push((start, end_reached(start, &rooms.iter().map(Room::range))));
        }
    }
    found
}

/// Is a step part of every run?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Always,
    Sometimes,
}

struct Erase<'a> {
    number: usize,
    tool: &'a str,
    address: u64,
    length: &'a Template,
}

struct Write<'a> {
    number: usize,
    tool: &'a str,
    /// All arguments but address and file: a call with others may be about another memory.
    others: Vec<String>,
    taken: Taken,
    address: u64,
    address_place: &'a Place,
    input: &'a Input,
}

impl Write<'_> {
    /// The first address behind the largest file.
    fn end(&self) -> u64 {
        self.address.saturating_add(self.input.max_size.unwrap_or(1))
    }
}

struct Found<'a> {
    playbook: &'a Playbook,
    catalog: &'a Catalog,
    erases: Vec<Erase<'a>>,
    writes: Vec<Write<'a>>,
}

impl<'a> Found<'a> {
    fn steps(&mut self, steps: &'a [Step], taken: Taken) {
        for step in steps {
            let taken = if step.when.is_some() { Taken::Sometimes } else { taken };
            if let Some(run) = step.call() {
                self.run(run, taken);
            }
            self.steps(step.group().unwrap_or_default(), taken);
        }
    }

    fn run(&mut self, run: &'a Run, taken: Taken) {
        let facts = Declared { playbook: self.playbook, made: &BTreeSet::new(), size: &|_| Some(SMALLEST_BYTES) };
        let Ok(shown) = arguments(run, |arg| Ok::<_, Infallible>(expand(arg, &facts).unwrap_or_default()));
        let Some(tool) = self.catalog.tool(&run.tool.value) else { return };
        let Some(command) = tool.command(&shown) else { return };
        let number = self.erases.len() + self.writes.len();
        let argument = |place: &ArgumentPlace| command.argument(place, &shown);
        let region =
            |arguments: &RegionArguments| Some((argument(arguments.address()?)?, argument(&arguments.extent)?));
        if let Some((address, length)) = command.erases.as_ref().and_then(region)
            && let Some(address) = address_of(&shown[address])
        {
            self.erases.push(Erase { number, tool: &tool.name, address, length: &run.args[length] });
        }
        if let Some((address_index, file)) = command.writes.as_ref().and_then(region)
            && let Some(address) = address_of(&shown[address_index])
            && let Some(input) = run.args[file].only_name().and_then(|name| self.playbook.input(name))
        {
            let others = shown.iter().enumerate().filter(|(index, _)| ![address_index, file].contains(index));
            self.writes.push(Write {
                number,
                tool: &tool.name,
                others: others.map(|(_, arg)| arg.clone()).collect(),
                taken,
                address,
                address_place: &run.args[address_index].place,
                input,
            });
        }
    }

    fn too_short(&self, erase: &Erase<'_>, write: &Write<'_>) -> Option<Diagnostic> {
        let Input { name, max_size, .. } = write.input;
        let room = max_size.unwrap_or(u64::MAX);
        let sizes: BTreeSet<u64> =
            TELLING_SIZES_BYTES.into_iter().chain(*max_size).map(|size| size.min(room)).collect();
        sizes.into_iter().find_map(|bytes| {
            // All others are as small as can be.
            let size = |file: &Id| Some(if file == name { bytes } else { SMALLEST_BYTES });
            let facts = Declared { playbook: self.playbook, made: &BTreeSet::new(), size: &size };
            let length = expand(erase.length, &facts).ok().and_then(|text| parse_integer(&text).ok())?;
            let message =
                format!("a `{name}` of {bytes} bytes is longer than what is erased for it, {length:#x} bytes");
            let diagnostic = Diagnostic::error(Code::EraseTooShort, &erase.length.place, message).label("too short");
            let hint = format!("write `${{hex(align(size({name}), 0x1000))}}`, with the size of the chip's sectors");
            (u64::try_from(length).unwrap_or(0) < bytes).then(|| diagnostic.hint(hint))
        })
    }
}

/// Two files that are written in every run, into the same memory, with room in common.
fn overlapping(earlier: &Write<'_>, later: &Write<'_>) -> Option<Diagnostic> {
    let both_always = earlier.taken == Taken::Always && later.taken == Taken::Always;
    let same_memory = earlier.tool == later.tool && earlier.others == later.others;
    let in_common = earlier.address < later.end() && later.address < earlier.end();
    if !both_always || !same_memory || !in_common || earlier.input.name == later.input.name {
        return None;
    }
    let (one, other) = (&earlier.input.name, &later.input.name);
    let room = |write: &Write<'_>| format!("{:#010x} to {:#010x}", write.address, write.end() - 1);
    let message = format!("`{other}` ({}) and `{one}` ({}) have room in common", room(later), room(earlier));
    let line = earlier.address_place.position().line;
    Some(
        Diagnostic::error(Code::OverlappingRegions, later.address_place, message)
            .hint(format!("`{one}` is written in line {line}; give it a smaller `max_size`, or move one of them")),
    )
}

/// The number in front of modifiers such as those in `0x08000000:leave`.
pub(super) fn address_of(text: &str) -> Option<u64> {
    let number = text.split(':').next().unwrap_or(text);
    parse_integer(number).ok().and_then(|address| u64::try_from(address).ok())
}
