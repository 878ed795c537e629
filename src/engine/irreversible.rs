//! What can never be undone: read first, consent bound to this very step, one attempt, read afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::documents::catalog::Fuse;
use crate::documents::expression::evaluate_condition;
use crate::documents::playbook::{Irreversible, Reading, Run, Step, leaves, procedure};
use crate::engine::call::Prepared;
use crate::engine::event::{Agreed, FuseChange};
use crate::engine::halt::Halt;
use crate::engine::moves::moving;
use crate::engine::runner::Runner;
use crate::engine::step::Shown;
use crate::engine::{Event, milliseconds};
use crate::words::{Fault, FaultClass, Id};
use crate::world::{Ask, Consent, Reply, World};

/// How long the question for consent stands.
const CONSENT_LIMIT: Duration = Duration::from_secs(10 * 60);
/// A typing error should not end a run that has written a whole flash.
const CONSENT_TRIES: u32 = 3;

/// What of this run cannot be undone.
#[derive(Debug, Default)]
pub(super) struct Acts {
    /// What the person has agreed to for the next call.
    pub(super) consent: Option<Consent>,
    /// The steps that were carried out.
    attempted: BTreeSet<Id>,
    /// Those that were read beforehand: had they been done by then?
    announced: BTreeMap<Id, Announced>,
}

#[derive(Debug, Clone, Copy)]
struct Announced {
    done: bool,
    /// The looks at the bus until then.
    looks: u64,
}

impl Acts {
    pub(super) fn is_none(&self) -> bool {
        self.attempted.is_empty()
    }
}

impl<'a, W: World> Runner<'a, W> {
    /// Answers `false` when the step was skipped because its work had been done before.
    pub(super) async fn irreversible(&mut self, step: &'a Step, irreversible: &'a Irreversible) -> Result<bool, Halt> {
        let Some(run) = step.call() else { return Ok(true) };
        // What was done stays done, and the board is the same.
        let looks = self.bus.looks_changed();
        if self.acts.announced.get(&step.id).is_some_and(|announced| announced.done && announced.looks == looks) {
            let reason = "it was done before: the reading at the beginning showed it; nothing is to be changed";
            self.skip(step, Shown::Yes, reason);
            return Ok(false);
        }
        self.tell(Event::Note { text: "Reading first whether this has been done before.".to_owned() });
        if self.reading(step, &irreversible.already_done).await? {
            let reason = match self.acts.attempted.contains(&step.id) {
                true => "it was done earlier in this run: a reading shows it",
                false => "it was done before: a reading shows it; nothing is to be changed",
            };
            self.tell_fuse(step, run, irreversible);
            self.skip(step, Shown::Yes, reason);
            return Ok(false);
        }
        self.board.ledger.note_act(&step.name, &run.tool.value, Some(false));
        if self.acts.attempted.contains(&step.id) {
            let message = "this was carried out once in this run and a reading shows no effect; it is not repeated";
            return Err(self.halt_here(&step.id, Fault::new(FaultClass::Unknown, message)));
        }
        if let Some(by) = self.stopping.wish() {
            return Err(self.interrupt(&step.id, by));
        }
        if self.settings.record.as_ref().is_some_and(|record| !record.is_kept()) {
            return Err(self.without_record(step));
        }
        let prepared = self.prepare(step, run)?;
        let fuse = self.fuse_change(step, run, irreversible, &prepared)?;
        self.ask_consent(step, irreversible, &prepared, fuse).await?;
        // For exactly this call, and for one start of it.
        self.acts.consent = Some(Consent::to(&prepared.call));

        self.acts.attempted.insert(step.id.clone());
        // To the end of the second reading.
        self.stopping.shield();
        let attempted = self.call(step, run, "").await;
        // What was not used counts for nothing else.
        self.acts.consent = None;
        self.tell(Event::Note { text: "Reading whether it worked; only this reading decides.".to_owned() });
        let verified = self.reading(step, &irreversible.verify).await;
        self.stopping.unshield();
        self.tell_fuse(step, run, irreversible);
        self.board.ledger.note_act(&step.name, &run.tool.value, verified.as_ref().ok().copied());
        match (verified, attempted) {
            (Ok(true), Ok(())) => Ok(true),
            (Ok(true), Err(_)) => {
                let text = "the tool reported a fault, but the reading shows that it worked".to_owned();
                self.tell(Event::Warning { text });
                Ok(true)
            }
            (Ok(false), Ok(())) => {
                let message = "the tool said that it worked, but a reading shows no effect";
                let mut fault = Fault::new(FaultClass::Refused, message);
                fault.help =
                    Some("Keep the log and ask the maker of the board: the chip may not allow this step".to_owned());
                Err(self.halt_here(&step.id, fault))
            }
            (Ok(false), Err(halt)) => Err(match halt {
                // Whatever the tool said: the reading proves that nothing happened, so the outcome is known now.
                Halt::Failure(mut failure) if failure.fault.class.outcome_unknown() => {
                    failure.fault.class = FaultClass::Refused;
                    failure.fault.message += "; a reading shows no effect";
                    Halt::Failure(failure)
                }
                other => other,
            }),
            (Err(halt), _) => Err(halt),
        }
    }

    /// A step has ended: what cannot be undone and comes later may be announced now. Whoever will not agree learns it before
    /// anything is written, and not after minutes.
    pub(super) async fn announce(&mut self, after: &Id) -> Result<(), Halt> {
        let playbook = self.playbook;
        for step in leaves(&playbook.steps) {
            let Some(irreversible) = &step.irreversible else { continue };
            let due = irreversible.announced_after.as_ref().is_some_and(|step| step.value == *after);
            if due && !self.acts.announced.contains_key(&step.id) {
                // The steps of the reading end as well, and lead back to here.
                let looks = self.bus.looks_changed();
                self.acts.announced.insert(step.id.clone(), Announced { done: false, looks });
                match self.comes(step) {
                    Some(false) => {}
                    known => {
                        let announced = self.announced(step, irreversible, known.is_some()).await;
                        // Where the run goes back, it is read once more: nobody has learned of it yet.
                        if announced.is_err() {
                            self.acts.announced.remove(&step.id);
                        }
                        announced?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Is the step carried out, by the conditions on it and around it? Nothing where that is not known yet.
    fn comes(&self, step: &Step) -> Option<bool> {
        let around = procedure(&self.playbook.steps).filter(|outer| outer.whole().any(|inner| inner.id == step.id));
        let conditions = around.filter_map(|outer| outer.when.as_ref());
        let mut known = Some(true);
        for when in conditions {
            match evaluate_condition(when, &self.facts()) {
                Ok(true) => {}
                Ok(false) => return Some(false),
                Err(_) => known = None,
            }
        }
        known
    }

    async fn announced(&mut self, step: &'a Step, irreversible: &'a Irreversible, comes: bool) -> Result<(), Halt> {
        let name = &step.name;
        let text = format!("Reading whether \"{name}\", which cannot be undone, is to be done later.");
        self.tell(Event::Note { text });
        let done = match self.reading(step, &irreversible.already_done).await {
            Ok(done) => done,
            Err(halt) => {
                let text = format!("That cannot be read now. It is read again before \"{name}\".");
                let retries = irreversible.already_done.steps.iter().filter_map(|step| step.retry.as_ref());
                let prepare = retries.map(|retry| retry.prepare.as_slice()).next_back().unwrap_or_default();
                return self.look_failed(halt, text, prepare).await.map_err(|halt| at(step, halt));
            }
        };
        if let Some(run) = step.call() {
            self.tell_fuse(step, run, irreversible);
        }
        let looks = self.bus.looks_changed();
        self.acts.announced.insert(step.id.clone(), Announced { done, looks });
        if done {
            let text = format!("\"{name}\" was done before, so it is not done again.");
            self.tell(Event::Note { text });
            return Ok(());
        }
        if comes && self.settings.record.as_ref().is_some_and(|record| !record.is_kept()) {
            return Err(at(step, self.without_record(step)));
        }
        if self.settings.allow_irreversible.contains(&step.id) {
            let text = format!("\"{name}\" is still to be done, later in this run; --allow-irreversible agrees to it.");
            self.tell(Event::Note { text });
            return Ok(());
        }
        if self.world.who_agrees().is_none() {
            return if comes { Err(at(step, self.nobody_agrees(step))) } else { Ok(()) };
        }
        let untouched = if self.board.ledger.changed() { "" } else { " Nothing has been written yet." };
        let text = format!(
            "Later in this run you are asked to agree to something that cannot be undone, \"{name}\": {} Whoever does not \
             want that can stop the run now.{untouched}",
            irreversible.why
        );
        self.tell(Event::Note { text });
        Ok(())
    }

    pub(super) async fn reading(&mut self, step: &'a Step, reading: &'a Reading) -> Result<bool, Halt> {
        self.steps(&reading.steps, Shown::No).await?;
        self.holds(&reading.holds, step)
    }

    /// The call has read values. Where the proof of what this run has done rests on them, it is looked at again.
    pub(super) fn note_acts_read(&mut self, run: &Run) {
        let is_read = |name: &&Id| run.capture.iter().any(|capture| capture.name.value == **name);
        for step in procedure(&self.playbook.steps) {
            let Some(irreversible) = &step.irreversible else { continue };
            let proof = &irreversible.verify.holds;
            if self.acts.attempted.contains(&step.id)
                && proof.names().iter().any(is_read)
                && let Ok(done) = evaluate_condition(proof, &self.facts())
            {
                self.board.ledger.note_act_read(&step.name, done);
            }
        }
    }

    /// What the call is to make of which word of fuses. What the word holds already must not stand against it.
    fn fuse_change(
        &mut self,
        step: &Step,
        run: &Run,
        irreversible: &Irreversible,
        prepared: &Prepared<'_>,
    ) -> Result<Option<FuseChange>, Halt> {
        let Some(Fuse { word, bits: Some(wanted) }) = self.fuse(run, prepared.command.get(1..).unwrap_or_default())
        else {
            return Ok(None);
        };
        let Some(before) = self.bits_read(irreversible, word) else {
            let message = format!("what word {word} of the fuses holds was not read before, so it is not burnt");
            return Err(self.halt_here(&step.id, Fault::new(FaultClass::BadUsage, message)));
        };
        self.tell(Event::FuseRead { step: step.id.clone(), word, bits: before });
        if before & !wanted != 0 {
            let message = format!(
                "word {word} of the fuses holds {before:#010x}, which this procedure does not know beside {wanted:#010x}; \
                 nothing was burnt"
            );
            let mut fault = Fault::new(FaultClass::Protected, message);
            fault.help = Some("Keep the log and ask the maker of the board what these fuses mean".to_owned());
            return Err(self.halt_here(&step.id, fault));
        }
        Ok(Some(FuseChange { word, before, after: before | wanted }))
    }

    /// What its word of fuses reads, where the catalog knows that it is one.
    fn tell_fuse(&mut self, step: &Step, run: &Run, irreversible: &Irreversible) {
        if let Some(Fuse { word, .. }) = self.fuse(run, &self.arguments_now(run))
            && let Some(bits) = self.bits_read(irreversible, word)
        {
            self.tell(Event::FuseRead { step: step.id.clone(), word, bits });
        }
    }

    /// Nobody could tell later what was done to the chip, and on whose word.
    fn without_record(&self, step: &Step) -> Halt {
        let message = format!(
            "\"{}\" cannot be undone, and no record is kept of this run; nothing irreversible is done without one",
            step.name
        );
        let mut halt = self.declined(&step.id, message);
        if let Halt::Failure(failure) = &mut halt {
            failure.fault.help = Some(
                "Run recover again without --no-record, with room on the disk, or name a folder for the record with \
                 --runs-dir DIR"
                    .to_owned(),
            );
        }
        halt
    }

    fn nobody_agrees(&self, step: &Step) -> Halt {
        let message = format!(
            "\"{}\" cannot be undone, and nobody who could agree is at a terminal; to agree beforehand, add \
             --allow-irreversible {}",
            step.name, step.id
        );
        let mut halt = self.declined(&step.id, message);
        if let Halt::Failure(failure) = &mut halt {
            failure.fault.help = Some(format!(
                "To let this step happen, run the same command again with --allow-irreversible {} added, or in a \
                 terminal, without --non-interactive, to be asked",
                step.id
            ));
        }
        halt
    }

    fn tell_consent(&mut self, step: &Step, by: &str, how: Agreed, fuse: Option<FuseChange>) {
        let (step, by, operator) = (step.id.clone(), by.to_owned(), self.settings.operator.clone());
        self.tell(Event::ConsentGiven { step, by, how, operator, fuse });
    }

    async fn ask_consent(
        &mut self,
        step: &'a Step,
        irreversible: &Irreversible,
        prepared: &Prepared<'_>,
        fuse: Option<FuseChange>,
    ) -> Result<(), Halt> {
        if self.settings.allow_irreversible.contains(&step.id) {
            self.tell_consent(step, "--allow-irreversible", Agreed::Beforehand, fuse);
            return Ok(());
        }
        let Some(who) = self.world.who_agrees() else { return Err(self.nobody_agrees(step)) };
        // Before it is shown: what was typed until then is dropped, and nothing that is typed after it.
        self.world.ask(Ask::Consent { step: &step.id });
        self.tell(Event::ConsentAsked {
            step: step.id.clone(),
            why: irreversible.why.clone(),
            // Everything that goes out behind the program, also what its table puts first.
            command: prepared.command.iter().take(1).chain(&prepared.call.args).cloned().collect(),
            fuse,
            phrase: step.id.to_string(),
            limit_ms: milliseconds(CONSENT_LIMIT),
        });
        let deadline = Instant::now() + CONSENT_LIMIT;
        for _ in 0..CONSENT_TRIES {
            let world = self.world;
            let reply = loop {
                tokio::select! {
                    by = world.interrupted() => return Err(self.interrupt(&step.id, by)),
                    moving = moving(world) => self.hear_moving(&step.id, moving)?,
                    reply = world.reply() => break reply,
                    () = tokio::time::sleep_until(deadline) => {
                        return Err(self.declined(&step.id, "nobody answered the question for consent".to_owned()));
                    }
                }
            };
            match reply {
                Reply::Line(line) if line.trim() == step.id.as_str() => {
                    self.tell_consent(step, who, Agreed::Typed, fuse);
                    return Ok(());
                }
                Reply::Line(line) if line.trim().is_empty() || line.trim().eq_ignore_ascii_case("no") => break,
                Reply::Line(_) => {
                    let text = format!("That is not `{}`. Type it to agree, or press ENTER to stop here.", step.id);
                    self.tell(Event::Note { text });
                }
                Reply::Gone => break,
            }
        }
        Err(self.declined(&step.id, "you did not agree to the step that cannot be undone".to_owned()))
    }
}

/// The step that is the reason is not the one at work.
fn at(step: &Step, mut halt: Halt) -> Halt {
    if let Halt::Failure(failure) = &mut halt {
        failure.step = step.id.clone();
        failure.step_name.clone_from(&step.name);
    }
    halt
}
