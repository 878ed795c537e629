//! What the board holds already. Before a part of its memory is written that an earlier run may have written, it is read back: what
//! is as it should be is neither erased nor written, and of what differs only the differing sectors are.
//!
//! How a part is read stands in the playbook, which reads it later to prove it; which arguments are addresses, lengths and files
//! says the catalog. Only what was read in this run, over this connection, counts.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use crate::documents::catalog::{ArgumentPlace, Command, RegionArguments};
use crate::documents::expression::Template;
use crate::documents::playbook::{Action, Reading, Run, Step, changes_board, leaves, procedure};
use crate::engine::board_state::number;
use crate::engine::event::Event;
use crate::engine::files::{FileError, Files};
use crate::engine::halt::Halt;
use crate::engine::ledger::{BoardRegion, Place, RegionState};
use crate::engine::proof::is_serial_port;
use crate::engine::runner::Runner;
use crate::engine::step::Shown;
use crate::output::Touched;
use crate::words::{FaultClass, Hex, Id};
use crate::world::World;

/// What may be on the board already, so that it is worth a reading before it is written.
#[derive(Debug, Clone, Default)]
pub enum Already {
    /// Nothing: all is written.
    #[default]
    Nothing,
    /// What an earlier run has done.
    Earlier(Earlier),
    Anything,
}

impl Already {
    fn is_nothing(&self) -> bool {
        match self {
            Already::Nothing => true,
            Already::Earlier(_) | Already::Anything => false,
        }
    }
}

/// What an earlier run has done, by its own account. The board must prove it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    /// What it wrote of the board's memory, or began to.
    pub regions: Vec<BoardRegion>,
    /// The steps that it finished.
    pub steps: BTreeSet<Id>,
    /// What was erased to its end, and perhaps written since, but not erased again.
    pub(super) erased: Vec<BoardRegion>,
    /// Where its board was.
    pub(super) port: Option<String>,
}

impl Earlier {
    /// From the events of that run, which may have been cut off anywhere.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e Event>) -> Earlier {
        let mut earlier = Earlier::default();
        let (mut at_work, mut before) = (None, None);
        for event in events {
            match event {
                Event::ToolStarted { region, .. } => {
                    // A call before it that has no end was cut, and so was the run that made it.
                    (at_work, before) = (None, None);
                    if let Some(region) = region {
                        before = Some((earlier.regions.clone(), earlier.erased.clone()));
                        at_work = Some(earlier.begins(region));
                    }
                }
                Event::ToolEnded { touched: Touched::Nothing, .. } if at_work.is_some() => {
                    at_work = None;
                    if let Some((regions, erased)) = before.take() {
                        (earlier.regions, earlier.erased) = (regions, erased);
                    }
                }
                Event::ToolEnded { touched, .. } => {
                    if let Some(region) = at_work.take().and_then(|index: usize| earlier.regions.get_mut(index)) {
                        region.state = match (region.state, touched) {
                            (RegionState::PartlyErased, Touched::Completely) => RegionState::Erased,
                            (RegionState::PartlyWritten, Touched::Completely) => RegionState::Written,
                            (state, _) => state,
                        };
                        if region.state == RegionState::Erased {
                            earlier.erased.push(region.clone());
                        }
                    }
                }
                Event::BoardProven { port, .. } if !is_serial_port(port) => {
                    if earlier.port.as_ref() != Some(port) {
                        earlier.erased.clear();
                    }
                    earlier.port = Some(port.clone());
                }
                Event::StepFinished { step, end, .. } if !end.is_failure() => {
                    earlier.steps.insert(step.clone());
                }
                _ => {}
            }
        }
        earlier
    }

    fn begins(&mut self, region: &BoardRegion) -> usize {
        let same = |known: &BoardRegion| {
            known.tool == region.tool && known.address == region.address && known.partition == region.partition
        };
        // Told by the file rather than by the place of the erase before it.
        self.regions.retain(|known| !same(known));
        // Until it has come to its end, an erase leaves nothing that lasts, whatever was erased there before.
        if region.state == RegionState::PartlyErased || region.address.is_none() {
            self.erased.retain(|known| known.tool != region.tool || !overlap(known, region));
        }
        self.regions.push(region.clone());
        self.regions.len() - 1
    }

    /// What it tells of the board's memory, as a text that differs where that does.
    pub(crate) fn of_memory(&self) -> String {
        format!("{:?} {:?} {:?}", self.regions, self.erased, self.port)
    }

    /// Was all of this erased to its end?
    fn has_erased(&self, tool: &str, begin: u64, length: u64) -> bool {
        self.erased.iter().any(|region| {
            let (Some(address), Some(extent)) = (region.address, region.length) else { return false };
            region.tool == tool && address <= begin && begin.saturating_add(length) <= address.saturating_add(extent)
        })
    }

    /// Where on the bus its board was, where that was proven.
    pub fn port(&self) -> Option<&str> {
        self.port.as_deref()
    }

    /// Was its board where the board of this run is?
    fn was_at(&self, port: Option<&str>) -> bool {
        self.port.is_some() && self.port.as_deref() == port
    }

    fn may_have_written(&self, tool: &str, begin: u64, length: u64) -> bool {
        self.regions.iter().any(|region| {
            let (Some(address), Some(extent)) = (region.address, region.length) else { return false };
            region.tool == tool && address < begin.saturating_add(length) && begin < address.saturating_add(extent)
        })
    }
}

/// Do they have bytes in common? One without an address may be anywhere.
fn overlap(one: &BoardRegion, other: &BoardRegion) -> bool {
    let bounds = |region: &BoardRegion| Some((region.address?, region.address?.saturating_add(region.length?)));
    match (bounds(one), bounds(other)) {
        (Some((begin, end)), Some((other_begin, other_end))) => begin < other_end && other_begin < end,
        _ => true,
    }
}

impl Differing {
    /// Is what begins there near enough to be one part with this? What is joined between two blank parts would have to be
    /// erased.
    fn reaches(&self, offset: u64) -> bool {
        let gap = offset - (self.offset + self.length);
        gap == 0 || !self.blank && gap <= JOINED_BYTES
    }
}

/// What was read back in this run.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Files that hold what the board holds, by the command that reads them and the looks at the bus until then.
    fresh: BTreeMap<Id, Fresh>,
    /// The parts of a step are being written, which was looked at as a whole.
    inside: bool,
    /// Steps of which a look has failed: there is no second one.
    failed: BTreeSet<Id>,
    /// The parts that were cut from files, by the file that each is a part of.
    cut: BTreeMap<Id, Id>,
    /// For people: what a reading showed to be right, the steps that were proven to be done, and what was written because it
    /// differed.
    found: BTreeSet<String>,
    done: BTreeSet<String>,
    written: BTreeSet<String>,
}

impl Held {
    /// What is within a step that was looked at is not looked at again.
    pub(super) fn goes_inside(&mut self, inside: bool) {
        self.inside = inside;
    }

    /// Something went wrong, so that nothing is taken for known any more.
    pub(super) fn nothing_is_fresh(&mut self) {
        self.fresh.clear();
    }

    /// A file is about to be made anew.
    pub(super) fn is_made_anew(&mut self, file: &Id) {
        self.fresh.remove(file);
    }

    /// The file that a part was cut from; every other file is its own.
    pub(super) fn whole<'f>(&'f self, file: &'f Id) -> &'f Id {
        self.cut.get(file).unwrap_or(file)
    }
}

#[derive(Debug)]
struct Fresh {
    tool: String,
    args: Vec<String>,
    looks: u64,
}

/// What a look at the board has shown of a step.
pub(super) enum Ahead<'a> {
    /// There was no look at it.
    Unknown,
    /// All of it is to be done.
    Whole,
    /// Nothing is to be done, because of this.
    Nothing(String),
    Parts(Parts<'a>),
}

/// The parts of a unit that the board does not hold.
pub(super) struct Parts<'a> {
    unit: Unit<'a>,
    parts: Vec<Part<'a>>,
}

/// A step, or a group, that does nothing but write one file to one place, after an erase of that place or without.
struct Unit<'a> {
    tool: &'a str,
    changes: Vec<&'a Step>,
    image: Id,
    begin: u64,
    length: u64,
    sector: Option<u64>,
    /// The step of the playbook that reads the same place into that file.
    reading: &'a Step,
    read: Id,
    /// The looks at the bus before it was read.
    looks: u64,
}

/// A part of a unit: steps of its own that erase, write and read it back.
struct Part<'a> {
    changes: &'a [Step],
    /// Nothing where the catalog does not say how a part is read.
    reading: Option<PartRead<'a>>,
}

/// How a part is read back, with what lies around it.
struct PartRead<'a> {
    steps: &'a [Step],
    file: Id,
    /// Where in the whole file that begins, and how long it is.
    offset: u64,
    length: u64,
}

/// Bytes of a file that the board does not hold.
struct Differing {
    offset: u64,
    length: u64,
    /// The flash there was erased to its end, and is still blank: it needs no erase. One that was cut short leaves cells that
    /// read as blank and do not last, so that the look alone is not enough.
    blank: bool,
}

/// Fewer calls count for more than so many bytes: starting a tool takes some tenths of a second, in which a NOR flash is erased
/// and written by about as much (18 s for each megabyte on an RT1062, as the virtual board has it).
const JOINED_BYTES: u64 = 0x4000;
/// No NOR flash erases more at once.
const LARGEST_SECTOR: u64 = 0x4_0000;
/// What erased NOR flash reads as. Where a chip's reads as something else, nothing is ever taken for blank.
const BLANK: u8 = 0xff;
/// Of one unit.
const PARTS_MAX: usize = 8;
/// Beyond the end of a file, where no sector's size is known.
const OVERHANG_MAX: u64 = 0x1_0000;

impl<'a, W: World> Runner<'a, W> {
    /// Is the step's work done already? Asked before its first attempt.
    pub(super) async fn look_ahead(&mut self, step: &'a Step, shown: Shown) -> Result<Ahead<'a>, Halt> {
        let off = self.settings.already.is_nothing();
        let failed = self.held.failed.contains(&step.id);
        if off || failed || shown == Shown::No || self.held.inside || step.irreversible.is_some() {
            return Ok(Ahead::Unknown);
        }
        if let Some(proof) = &step.proven_by {
            return if self.may_be_done(step) { self.proven_already(step, proof).await } else { Ok(Ahead::Unknown) };
        }
        let Some(unit) = self.unit(step).filter(|unit| self.may_be_held(unit)) else { return Ok(Ahead::Unknown) };
        if let Some(first) = leaves(slice::from_ref(step)).next() {
            let number = self.progress.number(&first.id).unwrap_or(0);
            self.progress.comes_to(first, number);
        }
        let name = self.name_of(&unit);
        self.tell(Event::Note { text: format!("Reading first whether the board holds {name} already.") });
        let could_not = format!("{name} could not be read back, so it is written");
        if let Err(halt) = self.steps(slice::from_ref(unit.reading), Shown::No).await {
            return self.unless_over(step, halt, could_not).await;
        }
        // What this computer cannot do for want of room is no failure of the file either.
        self.compared(unit, &name).or_else(|_: FileError| {
            self.held.failed.insert(step.id.clone());
            self.tell(Event::Note { text: could_not });
            Ok(Ahead::Whole)
        })
    }

    /// May an earlier run have done it?
    fn may_be_done(&self, step: &Step) -> bool {
        match &self.settings.already {
            Already::Nothing => false,
            Already::Earlier(earlier) => leaves(slice::from_ref(step)).all(|leaf| earlier.steps.contains(&leaf.id)),
            Already::Anything => true,
        }
    }

    fn may_be_held(&self, unit: &Unit<'_>) -> bool {
        match &self.settings.already {
            Already::Nothing => false,
            Already::Earlier(earlier) => earlier.may_have_written(unit.tool, unit.begin, unit.length),
            Already::Anything => true,
        }
    }

    async fn proven_already(&mut self, step: &'a Step, proof: &'a Reading) -> Result<Ahead<'a>, Halt> {
        match self.reading(step, proof).await {
            Ok(true) => {
                self.held.done.insert(step.name.clone());
                Ok(Ahead::Nothing("it is done already: a reading shows it".to_owned()))
            }
            Ok(false) => {
                // It may have been proven before the run went back.
                self.held.done.remove(&step.name);
                self.held.written.insert(step.name.clone());
                Ok(Ahead::Whole)
            }
            Err(halt) => {
                let text = format!("\"{}\" could not be proven, so it is done", step.name);
                self.unless_over(step, halt, text).await
            }
        }
    }

    async fn unless_over(&mut self, step: &'a Step, halt: Halt, text: String) -> Result<Ahead<'a>, Halt> {
        self.held.failed.insert(step.id.clone());
        self.held.done.remove(&step.name);
        let prepare = step.retry.as_ref().map(|retry| retry.prepare.as_slice()).unwrap_or_default();
        self.look_failed(halt, text, prepare).await.map(|()| Ahead::Whole)
    }

    /// A reading beforehand that fails is no failure, unless nothing can go on. What it may have left between tool and board is
    /// put right before the run goes on, as before a further attempt.
    pub(super) async fn look_failed(&mut self, halt: Halt, text: String, prepare: &'a [Step]) -> Result<(), Halt> {
        self.held.nothing_is_fresh();
        let over = match &halt {
            Halt::Failure(_) => {
                matches!(halt.fault_class(), None | Some(FaultClass::DeviceLost | FaultClass::NoDevice))
            }
            Halt::Refused(_) => true,
            Halt::Restart { .. } => false,
        };
        if over || self.stopping.wish().is_some() {
            return Err(halt);
        }
        self.tell(Event::Note { text });
        self.steps(prepare, Shown::No).await
    }

    fn compared(&mut self, unit: Unit<'a>, name: &str) -> Result<Ahead<'a>, FileError> {
        let differing = self.differing(&unit)?;
        if differing.is_empty() {
            self.board.ledger.note_held(unit.tool, unit.begin, unit.length, self.files.file_name(&unit.image).ok());
            self.held.found.insert(name.to_owned());
            self.keep_fresh(&unit);
            return Ok(Ahead::Nothing(format!(
                "the board holds {name} already: it was read back and is equal to the file"
            )));
        }
        let bytes: u64 = differing.iter().map(|part| part.length).sum();
        let parts = self.parts(&unit, &differing)?;
        if parts.is_empty() {
            self.held.written.insert(name.to_owned());
            self.tell(Event::Note {
                text: format!("The board holds something else in place of {name}, so it is written."),
            });
            return Ok(Ahead::Whole);
        }
        self.held.written.insert(format!("{bytes} of the {} bytes of {name}", unit.length));
        let text = format!("Of {name}, {bytes} of {} bytes differ from the file; only these are written.", unit.length);
        self.tell(Event::Note { text });
        Ok(Ahead::Parts(Parts { unit, parts }))
    }

    /// Writes the parts, and reads each of them back.
    pub(super) async fn write_parts(&mut self, Parts { unit, parts }: &Parts<'a>, shown: Shown) -> Result<(), Halt> {
        let mut all_read = true;
        for part in parts {
            self.steps(part.changes, shown).await?;
            let Some(PartRead { steps, file, offset, length }) = &part.reading else {
                all_read = false;
                continue;
            };
            self.steps(steps, Shown::No).await?;
            // What is not known so is read once more, as a whole, where the playbook proves it.
            all_read &= self.files.size(file).is_ok_and(|size| size == *length)
                && self.files.patch(&unit.read, *offset, file).is_ok();
        }
        if all_read {
            self.keep_fresh(unit);
        }
        Ok(())
    }

    fn name_of(&self, unit: &Unit<'_>) -> String {
        let file = self.files.file_name(&unit.image).unwrap_or_else(|_| unit.image.to_string());
        format!("{file} at {:#010x}", unit.begin)
    }

    fn keep_fresh(&mut self, unit: &Unit<'_>) {
        let Some(run) = unit.reading.call() else { return };
        let fresh = Fresh { tool: unit.tool.to_owned(), args: self.arguments_now(run), looks: unit.looks };
        self.held.fresh.insert(unit.read.clone(), fresh);
    }

    /// Would the step only read again what was read a moment ago?
    pub(super) fn is_fresh(&self, step: &Step, shown: Shown) -> bool {
        let Some(run) = only_reads(step).filter(|_| shown == Shown::Yes) else { return false };
        let [read] = run.produces.as_slice() else { return false };
        let looks = self.bus.looks_changed();
        self.held.fresh.get(&read.value).is_some_and(|fresh| {
            fresh.looks == looks && fresh.tool == run.tool.value && fresh.args == self.arguments_now(run)
        })
    }

    /// What of the board was as it should be, and what was not.
    pub(super) fn tell_held(&mut self) {
        if self.settings.already.is_nothing() {
            return;
        }
        let left: BTreeSet<String> = self.board.ledger.held().chain(self.held.done.iter().cloned()).collect();
        let names = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        // The run has written since, to a place that it does not know, or to this one.
        let since: BTreeSet<String> = self.held.found.difference(&left).cloned().collect();
        if left.is_empty() && since.is_empty() && self.held.written.is_empty() {
            let text = "Nothing of what was written could be read back before, so all of it was written.".to_owned();
            self.tell(Event::Note { text });
        }
        if !left.is_empty() {
            let text = format!("Left as it was, because a reading showed that it is right: {}.", names(&left));
            self.tell(Event::Note { text });
        }
        if !since.is_empty() {
            let text = format!("As it should be when it was read, and perhaps written since: {}.", names(&since));
            self.tell(Event::Note { text });
        }
        if !self.held.written.is_empty() {
            let written = names(&self.held.written);
            self.tell(Event::Note { text: format!("Written again, because a reading did not show that: {written}.") });
        }
    }

    fn unit(&self, step: &'a Step) -> Option<Unit<'a>> {
        let alone = |inner: &Step| {
            inner.until.is_none() && inner.sets.is_none() && inner.restart_at.is_none() && inner.proven_by.is_none()
        };
        let mut within = procedure(slice::from_ref(step)).skip(1);
        if step.until.is_some() || step.sets.is_some() || !within.all(|inner| alone(inner) && inner.when.is_none()) {
            return None;
        }
        let changes: Vec<&Step> = leaves(slice::from_ref(step)).collect();
        let (mut erased, mut written) = (None, None);
        for leaf in &changes {
            let run = plain_call(leaf)?;
            let args = self.arguments_now(run);
            let command = self.catalog.tool(&run.tool.value)?.command(&args)?;
            if !changes_board(run, Some(command)) || run.changes.is_some() {
                return None;
            }
            if let Some(Place::Range { address, length }) = self.erased(command, &args) {
                // An erase behind the write would take it away.
                (erased.is_none() && written.is_none()).then_some(())?;
                erased = Some((address, length));
            } else {
                let (place, image) = self.written(run, command, command.writes.as_ref()?, &args)?;
                let Place::Range { address, length } = place else { return None };
                written.is_none().then_some(())?;
                written = Some((*leaf, run, image, address, length));
            }
        }
        let (_, run, image, begin, length) = written?;
        let sector = step.sector.as_ref().map(|sector| u64::from(sector.value));
        if let Some((address, erased_length)) = erased {
            let overhang = erased_length.checked_sub(length)?;
            (address == begin && overhang < sector.unwrap_or(OVERHANG_MAX)).then_some(())?;
        }
        // What this run itself has begun to change is written whole.
        (!self.board.ledger.has_touched(&run.tool.value, begin, length)).then_some(())?;
        let (reading, read) = self.reading_of(run, begin, changes.last()?)?;
        let sector = sector.filter(|_| erased.is_some());
        let looks = self.bus.looks_changed();
        Some(Unit { tool: &run.tool.value, changes, image, begin, length, sector, reading, read, looks })
    }

    /// The first step behind the write that reads there with the same tool, and does nothing else. One before it may be there to
    /// keep what was written before.
    fn reading_of(&self, write: &Run, begin: u64, last: &Step) -> Option<(&'a Step, Id)> {
        let tool = self.catalog.tool(&write.tool.value)?;
        let args = self.arguments_now(write);
        let command = tool.command(&args)?;
        let others_of_write = others(command, command.writes.as_ref()?, &args);
        let playbook = self.playbook;
        let behind = leaves(&playbook.steps).skip_while(|step| step.id != last.id).skip(1);
        behind.into_iter().find_map(|step| {
            let run = only_reads(step)?;
            let [read] = run.produces.as_slice() else { return None };
            let device = |run: &Run| run.device.as_ref().map(|device| device.value.clone());
            (run.tool.value == write.tool.value && device(run) == device(write)).then_some(())?;
            let args = self.arguments_now(run);
            let command = tool.command(&args)?;
            let reads = command.reads.as_ref()?;
            let file = run.args.get(command.argument(&reads.extent, &args)?)?.only_name()?;
            let there = number(command, reads.address()?, &args)? == begin;
            // With another option it may be another memory that has the same address.
            let same = others(command, reads, &args) == others_of_write;
            (there && same && *file == read.value && !changes_board(run, Some(command)))
                .then(|| (step, read.value.clone()))
        })
    }

    /// Which bytes of the file the board does not hold, in whole sectors where these are known.
    fn differing(&self, unit: &Unit<'_>) -> Result<Vec<Differing>, FileError> {
        let whole = || vec![Differing { offset: 0, length: unit.length, blank: false }];
        if self.files.size(&unit.read)? != unit.length {
            return Ok(whole());
        }
        if self.files.sha256(&unit.read)? == self.files.sha256(&unit.image)? {
            return Ok(Vec::new());
        }
        let Some(sector) = unit.sector.filter(|sector| unit.begin.is_multiple_of(*sector)) else { return Ok(whole()) };
        let erased = |offset: u64, length: u64| match &self.settings.already {
            Already::Earlier(earlier) => {
                let here = self.bus.proven_port();
                earlier.was_at(here.as_deref()) && earlier.has_erased(unit.tool, unit.begin + offset, length)
            }
            Already::Nothing | Already::Anything => false,
        };
        let mut found: Vec<Differing> = Vec::new();
        let mut offset = 0;
        while offset < unit.length {
            let length = sector.min(unit.length - offset);
            let held = self.files.bytes(&unit.read, offset, length)?;
            if held != self.files.bytes(&unit.image, offset, length)? {
                // Where a write was cut in its first moment, the flash still reads as blank: the first sector is erased again.
                let goes_on = found.last().is_some_and(|last| last.offset + last.length == offset);
                let blank = goes_on && held.iter().all(|byte| *byte == BLANK) && erased(offset, length);
                match found.last_mut() {
                    Some(last) if last.blank == blank && last.reaches(offset) => {
                        last.length = offset + length - last.offset;
                    }
                    _ => found.push(Differing { offset, length, blank }),
                }
            }
            offset += length;
        }
        // An image whose digest is that of its file has no sector that differs; nothing else is expected.
        Ok(if found.is_empty() || found.len() > PARTS_MAX { whole() } else { found })
    }

    /// Steps for each part; none where all of it differs, or parts cannot be written.
    fn parts(&mut self, unit: &Unit<'a>, differing: &[Differing]) -> Result<Vec<Part<'a>>, FileError> {
        let all = |part: &Differing| part.length == unit.length && !part.blank;
        let Some(sector) = unit.sector.filter(|_| !differing.iter().any(all)) else { return Ok(Vec::new()) };
        let mut parts = Vec::new();
        for (index, Differing { offset, length, blank }) in differing.iter().enumerate() {
            let (Ok(image), Ok(read)) = (part_name(&unit.image, index), part_name(&unit.read, index)) else {
                return Ok(Vec::new());
            };
            // Nothing of the playbook's may be overwritten.
            let taken = |part: &Id| {
                let own = self.held.cut.contains_key(part);
                !own && (self.files.knows(part) || self.files.called(&Files::produced_name(part)).is_some())
            };
            if taken(&image) || taken(&read) {
                return Ok(Vec::new());
            }
            self.files.cut(&image, &unit.image, *offset, *length)?;
            self.held.cut.insert(image.clone(), unit.image.clone());
            self.held.cut.insert(read.clone(), unit.read.clone());
            let place = PlaceOfPart { begin: unit.begin + offset, length: *length, sector };
            let suffix = format!(" (part {} of {})", index + 1, differing.len());
            let changes = unit.changes.iter().filter(|step| !(*blank && self.is_erase(step)));
            let changes: Option<Vec<Step>> = changes.map(|step| self.step_for(step, &place, &image, &suffix)).collect();
            let Some(changes) = changes else { return Ok(Vec::new()) };
            let around = place.around(unit);
            let reading = self.reading_for(unit.reading, &around, &read, &suffix);
            let made = self.made;
            let reading = reading.map(|step| PartRead {
                steps: made.push_get(vec![step]),
                file: read,
                offset: around.begin - unit.begin,
                length: around.length,
            });
            parts.push(Part { changes: made.push_get(changes), reading });
        }
        Ok(parts)
    }

    fn is_erase(&self, step: &Step) -> bool {
        let command = step.call().and_then(|run| {
            let args = self.arguments_now(run);
            self.catalog.tool(&run.tool.value)?.command(&args)
        });
        command.is_some_and(|command| command.erases.is_some())
    }

    fn step_for(&self, step: &Step, place: &PlaceOfPart, image: &Id, suffix: &str) -> Option<Step> {
        let run = step.call()?;
        let args = self.arguments_now(run);
        let command = self.catalog.tool(&run.tool.value)?.command(&args)?;
        let mut part = step.clone();
        part.name.push_str(suffix);
        let Action::Run(run) = &mut part.action else { return None };
        let erases = command.erases.as_ref();
        let region = erases.or(command.writes.as_ref())?;
        let extent = command.argument(&region.extent, &args)?;
        *run.args.get_mut(extent)? = match erases {
            Some(_) => number_text(run.args.get(extent)?, place.length.next_multiple_of(place.sector)),
            None => Template::of_name(image.clone(), run.args.get(extent)?.place.clone()),
        };
        put_address(run, command, region, &args, place.begin)?;
        Some(part)
    }

    fn reading_for(&self, step: &Step, place: &PlaceOfPart, read: &Id, suffix: &str) -> Option<Step> {
        let args = self.arguments_now(step.call()?);
        let mut part = step.clone();
        part.name.push_str(suffix);
        let Action::Run(run) = &mut part.action else { return None };
        let command = self.catalog.tool(&run.tool.value)?.command(&args)?;
        let region = command.reads.as_ref()?;
        let length = command.argument(region.length.as_ref()?, &args)?;
        *run.args.get_mut(length)? = number_text(run.args.get(length)?, place.length);
        let file = command.argument(&region.extent, &args)?;
        *run.args.get_mut(file)? = Template::of_name(read.clone(), run.args.get(file)?.place.clone());
        put_address(run, command, region, &args, place.begin)?;
        run.produces.first_mut()?.value = read.clone();
        Some(part)
    }
}

struct PlaceOfPart {
    begin: u64,
    length: u64,
    sector: u64,
}

impl PlaceOfPart {
    /// With what lies beside it in the unit, as far as an erase could reach that takes more at once than the playbook says.
    fn around(&self, unit: &Unit<'_>) -> PlaceOfPart {
        let end = (self.begin + self.length).next_multiple_of(LARGEST_SECTOR).min(unit.begin + unit.length);
        let begin = (self.begin / LARGEST_SECTOR * LARGEST_SECTOR).max(unit.begin);
        PlaceOfPart { begin, length: end - begin, sector: self.sector }
    }
}

/// The arguments that are neither the region nor the words that make the command what it is.
fn others<'s>(command: &Command, region: &RegionArguments, args: &'s [String]) -> Vec<&'s String> {
    let places = [region.address(), Some(&region.extent), region.length.as_ref()];
    let is_word = |index: usize, arg: &String| {
        let of_place = |place: &ArgumentPlace| match place {
            ArgumentPlace::AfterWord(word) => word == arg,
            ArgumentPlace::AfterCommand(_) => false,
        };
        let argument = |place: &ArgumentPlace| command.argument(place, args) == Some(index) || of_place(place);
        command.with.contains(arg) || places.into_iter().flatten().any(argument)
    };
    args.iter().enumerate().filter(|(index, arg)| !is_word(*index, arg)).map(|(_, arg)| arg).collect()
}

/// A step that reads something into a file, and does nothing else.
fn only_reads(step: &Step) -> Option<&Run> {
    let alone = step.until.is_none()
        && step.when.is_none()
        && step.sets.is_none()
        && step.restart_at.is_none()
        && step.irreversible.is_none()
        && step.proven_by.is_none()
        && step.if_stopped.is_none()
        && step.next.is_empty();
    let run = step.call().filter(|_| alone)?;
    let plain = run.capture.is_empty()
        && run.on_fault.is_empty()
        && run.stage.is_empty()
        && run.answers.is_empty()
        && run.prompt.is_none();
    plain.then_some(run)
}

/// A call whose only effect is what its arguments say.
fn plain_call(step: &Step) -> Option<&Run> {
    let run = step.call()?;
    let plain = run.capture.is_empty()
        && run.produces.is_empty()
        && run.on_fault.is_empty()
        && run.stage.is_empty()
        && run.answers.is_empty()
        && run.prompt.is_none();
    (plain && step.irreversible.is_none()).then_some(run)
}

fn part_name(file: &Id, index: usize) -> Result<Id, crate::words::IdError> {
    format!("{file}_part{}", index + 1).parse()
}

fn number_text(in_place_of: &Template, number: u64) -> Template {
    Template::of_text(Hex(number).to_string(), in_place_of.place.clone())
}

fn put_address(run: &mut Run, command: &Command, region: &RegionArguments, args: &[String], begin: u64) -> Option<()> {
    let place: &ArgumentPlace = region.address()?;
    let index = command.argument(place, args)?;
    // What stands behind the number there is not known to be right for another address.
    (!args.get(index)?.contains(':')).then_some(())?;
    let arg = run.args.get_mut(index)?;
    *arg = number_text(arg, begin);
    Some(())
}
