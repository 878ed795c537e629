//! What the run changes of the memory that lasts: noted from calls and comparisons, for the words on the board's state.

use crate::documents::catalog::{ArgumentPlace, Command, RegionArguments, RegionBegin, Tool};
use crate::documents::expression::{BinaryOperator, Expression, Function, Node};
use crate::documents::playbook::{Action, Changes, Run, Step};
use crate::engine::ledger::{Came, Change, ChangeKind, Place};
use crate::engine::runner::Runner;
use crate::output::Touched;
use crate::words::{Id, parse_integer};
use crate::world::World;

/// A step, or a group, at work of which the author says how it leaves the board, or what to do when the run ends there.
#[derive(Debug, Clone)]
pub(in crate::engine) struct StateWords<'a> {
    pub(super) step: &'a Step,
    /// Something within it can change memory that lasts, without a reading first.
    pub(super) changes: bool,
    /// Something within it has begun to.
    pub(super) began: bool,
}

impl<W: World> Runner<'_, W> {
    /// Words about a change are true once that has begun. Where a step changes nothing itself, they are about what the
    /// steps before it have left.
    pub(super) fn author_words(&self) -> Option<String> {
        if let Some((_, words)) = &self.carried {
            return words.clone();
        }
        let changed = self.ledger.changed();
        let fits = |state: &&StateWords<'_>| state.began || (changed && !state.changes);
        self.states.iter().rev().filter(fits).find_map(|state| state.step.if_stopped.clone())
    }

    /// What the author advises here; what cannot be worked out is left out rather than to spoil the rest.
    pub(super) fn author_advice(&self) -> Vec<String> {
        let advice = self.states.iter().rev().map(|state| &state.step.next).find(|next| !next.is_empty());
        advice.into_iter().flatten().filter_map(|text| self.text(text).ok()).collect()
    }

    pub(super) fn changes_memory(&self, step: &Step) -> bool {
        match &step.action {
            Action::Steps(steps) => steps.iter().any(|step| self.changes_memory(step)),
            Action::Run(run) => step.irreversible.is_none() && self.call_changes_memory(run),
            _ => false,
        }
    }

    fn call_changes_memory(&self, run: &Run) -> bool {
        let args = self.arguments_now(run);
        let command = self.catalog.tool(&run.tool.value).and_then(|tool| tool.command(&args));
        !only_volatile(run) && command.is_none_or(|command| command.changes_board)
    }

    /// Notes what a call has done. `args` are those of the call as it was made.
    pub(in crate::engine) fn note_call(
        &mut self,
        step: &Step,
        run: &Run,
        (tool, command, args): (&Tool, Option<&Command>, &[String]),
        touched: Touched,
    ) {
        let lasting = !only_volatile(run) && command.is_none_or(|command| command.changes_board);
        if lasting {
            let came = match touched {
                Touched::Nothing => Came::NotBegun,
                Touched::Partly => Came::Partly,
                Touched::Completely => Came::Completely,
            };
            let change = self.change(step, run, (tool, command, args), came);
            self.ledger.note(change);
            if came != Came::NotBegun {
                self.states.iter_mut().for_each(|state| state.began = true);
            }
        }
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
            Some(Changes::Nothing) | None => None,
        };
        let act = step.irreversible.is_some().then(|| Place::Act(step.name.clone()));
        let file = || match self.inputs_of(run) {
            names if names.is_empty() => None,
            names => Some(names.join(", ")),
        };
        let (place, file) = match (act.or(of_step).or(erased), written) {
            (Some(place), _) => (place, None),
            (None, Some((place, file))) => (place, self.files.file_name(&file).ok()),
            (None, None) => (Place::Somewhere, file()),
        };
        Change { tool: tool.name.clone(), place, file, kind, came }
    }

    fn erased(&self, command: &Command, args: &[String]) -> Option<Place> {
        let erases = command.erases.as_ref()?;
        let address = number(command, erases.address()?, args)?;
        Some(Place::Range { address, length: number(command, &erases.extent, args)? })
    }

    fn written(&self, run: &Run, command: &Command, region: &RegionArguments, args: &[String]) -> Option<(Place, Id)> {
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
    pub(in crate::engine) fn note_read(&mut self, run: &Run, tool: &Tool, command: Option<&Command>, args: &[String]) {
        let read = command.and_then(|command| self.written(run, command, command.reads.as_ref()?, args));
        if let Some((place, file)) = read {
            self.ledger.note_read(file, tool.name.clone(), place);
        }
    }

    /// Notes which regions a condition compares with files: `sha256(read) == sha256(image)`.
    pub(super) fn note_compared(&mut self, condition: &Expression) {
        let mut pairs = Vec::new();
        comparisons(&condition.root, &mut pairs);
        for (one, other) in pairs {
            let (Ok(left), Ok(right)) = (self.files.sha256(&one), self.files.sha256(&other)) else { continue };
            for read in [&one, &other] {
                self.ledger.note_compared(read, left == right);
            }
        }
    }

    /// The person's files that a call is given.
    fn inputs_of(&self, run: &Run) -> Vec<String> {
        let named = run.args.iter().filter_map(|arg| arg.only_name());
        let staged = run.stage.iter().map(|staged| &staged.file.value);
        let inputs = named.chain(staged).filter(|name| self.playbook.input(name).is_some());
        inputs.filter_map(|name| self.files.file_name(name).ok()).collect()
    }
}

fn only_volatile(run: &Run) -> bool {
    run.changes.as_ref().is_some_and(|changes| changes.value == Changes::Nothing)
}

/// The number in front of modifiers such as those in `0x08000000:leave`.
fn number(command: &Command, place: &ArgumentPlace, args: &[String]) -> Option<u64> {
    let text = args.get(command.argument(place, args)?)?;
    let number = text.split(':').next().unwrap_or(text);
    parse_integer(number).ok().and_then(|number| u64::try_from(number).ok())
}

fn comparisons(node: &Node, pairs: &mut Vec<(Id, Id)>) {
    let hashed = |node: &Node| match node {
        Node::Call { function: Function::Sha256, arguments, .. } => match arguments.as_slice() {
            [Node::Name { name, .. }] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    };
    if let Node::Binary { operator, left, right, .. } = node {
        match operator {
            BinaryOperator::And => {
                comparisons(left, pairs);
                comparisons(right, pairs);
            }
            BinaryOperator::Equal => pairs.extend(hashed(left).zip(hashed(right))),
            _ => {}
        }
    }
}
