//! In which state the board is: what this run has changed of the memory that lasts, what is proven of it, and the authors'
//! words that fit. Noted from calls and comparisons.

use std::slice;

use crate::documents::catalog::{ArgumentPlace, Command, RegionArguments, RegionBegin, Tool};
use crate::documents::expression::{Expression, FilePiece, Template, pieces_that_differ, pieces_that_fail};
use crate::documents::playbook::{Changes, Run, Step, changes_board, procedure};
use crate::engine::ledger::{BoardRegion, Came, Change, ChangeKind, Ledger, Place};
use crate::engine::runner::Runner;
use crate::output::Touched;
use crate::words::{Id, Located, parse_integer};
use crate::world::World;

#[derive(Debug, Default)]
pub(super) struct BoardState<'a> {
    pub(super) ledger: Ledger,
    /// From the outermost group to the step at work.
    words: Vec<StateWords<'a>>,
    /// After going back: until the step of this number is reached again, these words stay true, and no others are.
    carried: Option<(usize, Option<String>)>,
}

/// A step, or a group, at work of which the author says how it leaves the board, or what to do when the run ends there.
#[derive(Debug)]
struct StateWords<'a> {
    step: &'a Step,
    /// Something within it can change memory that lasts, without a reading first.
    changes: bool,
    /// Something within it has begun to.
    began: bool,
}

impl<'a> BoardState<'a> {
    /// Words about a change are true once that has begun. Where a step changes nothing itself, they are about what the
    /// steps before it have left.
    pub(super) fn author_words(&self) -> Option<String> {
        if let Some((_, words)) = &self.carried {
            return words.clone();
        }
        let changed = self.ledger.changed();
        let fits = |words: &&StateWords<'_>| words.began || (changed && !words.changes);
        self.words.iter().rev().filter(fits).find_map(|words| words.step.if_stopped.clone())
    }

    fn advice(&self) -> &'a [Template] {
        let next = self.words.iter().rev().map(|words| words.step.next.as_slice());
        next.into_iter().find(|next| !next.is_empty()).unwrap_or_default()
    }

    /// The run goes back to an earlier step; the words of this failure count until it comes to this number again.
    pub(super) fn goes_back(&mut self, number: usize, words: Option<String>) {
        let until = self.carried.as_ref().map_or(number, |(until, _)| (*until).max(number));
        self.carried = Some((until, words));
    }

    /// The step of this number begins.
    pub(super) fn comes_to(&mut self, number: usize) {
        self.carried.take_if(|(until, _)| number >= *until);
    }

    fn note(&mut self, change: Change) {
        if change.came != Came::NotBegun {
            self.words.iter_mut().for_each(|words| words.began = true);
        }
        self.ledger.note(change);
    }
}

impl<'a, W: World> Runner<'a, W> {
    /// The step begins, or the group; answers what [`Self::leave`] is told at its end.
    pub(super) fn enter(&mut self, step: &'a Step) -> usize {
        let depth = self.board.words.len();
        if step.if_stopped.is_some() || !step.next.is_empty() {
            let changes = self.changes_memory(step);
            self.board.words.push(StateWords { step, changes, began: false });
        }
        depth
    }

    pub(super) fn leave(&mut self, depth: usize) {
        self.board.words.truncate(depth);
    }

    /// What the author advises here; what cannot be worked out is left out rather than to spoil the rest.
    pub(super) fn author_advice(&self) -> Vec<String> {
        self.board.advice().iter().filter_map(|text| self.text(text).ok()).collect()
    }

    fn changes_memory(&self, step: &Step) -> bool {
        let unread = |step: &&Step| step.irreversible.is_none();
        procedure(slice::from_ref(step)).filter(unread).filter_map(Step::call).any(|run| self.call_changes_memory(run))
    }

    fn call_changes_memory(&self, run: &Run) -> bool {
        let args = self.arguments_now(run);
        let command = self.catalog.tool(&run.tool.value).and_then(|tool| tool.command(&args));
        changes_board(run, command)
    }

    /// Notes what a call has done. `args` are those of the call as it was made.
    pub(super) fn note_call(
        &mut self,
        step: &Step,
        run: &Run,
        (tool, command, args): (&Tool, Option<&Command>, &[String]),
        touched: Touched,
    ) {
        let lasting = changes_board(run, command);
        if lasting {
            let came = match touched {
                Touched::Nothing => Came::NotBegun,
                Touched::Partly => Came::Partly,
                Touched::Completely => Came::Completely,
            };
            let change = self.change(step, run, (tool, command, args), came);
            if came != Came::NotBegun {
                // Wherever it was meant to be: what it really reached shows only when all is read.
                self.held.nothing_is_fresh();
            }
            self.board.note(change);
        }
    }

    /// What a call that is about to begin changes of the memory that lasts, if anything; what cannot be undone is read from the chip.
    pub(super) fn region_of_call(
        &self,
        step: &Step,
        run: &Run,
        (tool, command, args): (&Tool, Option<&Command>, &[String]),
    ) -> Option<Box<BoardRegion>> {
        let of_memory = changes_board(run, command) && step.irreversible.is_none();
        of_memory.then(|| Box::new(Ledger::region_of(self.change(step, run, (tool, command, args), Came::Partly))))
    }

    fn change(
        &self,
        step: &Step,
        run: &Run,
        (tool, command, args): (&Tool, Option<&Command>, &[String]),
        came: Came,
    ) -> Change {
        let erased = command.and_then(|command| self.erased(command, args));
        let written = command.and_then(|command| self.written(run, command, command.writes.as_ref()?, args));
        let kind = if erased.is_some() { ChangeKind::Erase } else { ChangeKind::Write };
        let of_step = match run.changes.as_ref().map(|changes| &changes.value) {
            Some(Changes::Range { address, length }) => Some(Place::Range { address: *address, length: *length }),
            Some(Changes::Files(_)) => Some(Place::Somewhere),
            Some(Changes::Nothing) | None => None,
        };
        let said = match run.changes.as_ref().map(|changes| &changes.value) {
            Some(Changes::Files(names)) => names.as_slice(),
            Some(Changes::Range { .. } | Changes::Nothing) | None => &[],
        };
        let act = step.irreversible.is_some().then(|| Place::Act(step.name.clone()));
        let file = || match self.inputs_of(run) {
            names if names.is_empty() => None,
            names => Some(names.join(", ")),
        };
        let (place, file) = match (act.or(of_step).or(erased), written) {
            (Some(Place::Somewhere), _) => (Place::Somewhere, self.names_of(said)),
            (Some(place), _) => (place, None),
            (None, Some((place, file))) => (place, self.files.file_name(self.held.whole(&file)).ok()),
            (None, None) => (Place::Somewhere, file()),
        };
        Change { tool: tool.name.clone(), place, file, kind, came }
    }

    pub(super) fn erased(&self, command: &Command, args: &[String]) -> Option<Place> {
        let erases = command.erases.as_ref()?;
        let address = number(command, erases.address()?, args)?;
        Some(Place::Range { address, length: number(command, &erases.extent, args)? })
    }

    pub(super) fn written(
        &self,
        run: &Run,
        command: &Command,
        region: &RegionArguments,
        args: &[String],
    ) -> Option<(Place, Id)> {
        let file_name = args.get(command.argument(&region.extent, args)?)?;
        let named = |name: &&Id| self.files.file_name(name).is_ok_and(|known| known == *file_name);
        let file = run.args.iter().filter_map(|arg| arg.only_name()).find(named)?;
        let place = match &region.begin {
            RegionBegin::Address(place) => {
                Place::Range { address: number(command, place, args)?, length: self.files.size(file).ok()? }
            }
            RegionBegin::Partition(place) => Place::Partition(args.get(command.argument(place, args)?)?.clone()),
        };
        Some((place, file.clone()))
    }

    /// A call succeeded that reads from the board.
    pub(super) fn note_read(&mut self, run: &Run, tool: &Tool, command: Option<&Command>, args: &[String]) {
        let read = command.and_then(|command| self.written(run, command, command.reads.as_ref()?, args));
        if let Some((place, file)) = read {
            self.board.ledger.note_read(file, tool.name.clone(), place);
        }
    }

    /// Notes what a check tells of regions that were read.
    pub(super) fn note_check(&mut self, check: &Expression) {
        let pieces = pieces_that_fail(check, &self.facts());
        self.note_comparisons(check, &pieces);
    }

    /// The same of the condition under which a step is done: a deviation that it asks for counts as one.
    pub(super) fn note_condition(&mut self, condition: &Expression) {
        let pieces = pieces_that_differ(condition, &self.facts());
        self.note_comparisons(condition, &pieces);
    }

    /// Which regions a condition compares with files, as in `sha256(read) == sha256(image)`, and what else is otherwise than
    /// it should be.
    fn note_comparisons(&mut self, condition: &Expression, other: &[FilePiece<'_>]) {
        for (one, other) in condition.files_held_together() {
            let (Ok(left), Ok(right)) = (self.files.sha256(one), self.files.sha256(other)) else { continue };
            for (read, with) in [(one, other), (other, one)] {
                let with = self.files.file_name(with).ok();
                self.board.ledger.note_compared(read, with.as_deref(), left == right);
            }
        }
        for FilePiece { file, offset, length } in other {
            self.board.ledger.note_differing(file, *offset, *length);
        }
    }

    /// Files, by the names that tools see; of several that may be meant, those that are there.
    fn names_of(&self, files: &[Located<Id>]) -> Option<String> {
        let names: Vec<String> = files.iter().filter_map(|file| self.files.file_name(file).ok()).collect();
        (!names.is_empty()).then(|| names.join(" or "))
    }

    /// The person's files that a call is given.
    fn inputs_of(&self, run: &Run) -> Vec<String> {
        let named = run.args.iter().filter_map(|arg| arg.only_name());
        let staged = run.stage.iter().map(|staged| &staged.file.value);
        let inputs = named.chain(staged).filter(|name| self.playbook.input(name).is_some());
        inputs.filter_map(|name| self.files.file_name(name).ok()).collect()
    }
}

/// The number in front of modifiers such as those in `0x08000000:leave`.
pub(super) fn number(command: &Command, place: &ArgumentPlace, args: &[String]) -> Option<u64> {
    let text = args.get(command.argument(place, args)?)?;
    let number = text.split(':').next().unwrap_or(text);
    parse_integer(number).ok().and_then(|number| u64::try_from(number).ok())
}
