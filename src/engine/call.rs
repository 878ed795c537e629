//! One call of a tool: started, watched against its limits, and judged by its output.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::documents::catalog::{ChosenNode, Command, Pattern, Tool};
use crate::documents::expression::{Value, expand};
use crate::documents::playbook::{CaptureKind, CutCall, OnFault, Run, Step, all_arguments, is_guarded};
use crate::engine::call_again::{Again, Tries};
use crate::engine::command_line::{CommandLine, Wanted, command_line, typed};
use crate::engine::devices::{BoardChoice, several, unplug_others};
use crate::engine::facts::RunFacts;
use crate::engine::halt::Halt;
use crate::engine::limit::extended;
use crate::engine::runner::Runner;
use crate::engine::stopping::Stopping;
use crate::engine::watch::Watched;
use crate::engine::{Event, Outcome, milliseconds};
use crate::output::{Expectations, Judge, Judgement, Touched};
use crate::words::{Fault, FaultClass, Id, ToolEnd, Verdict, parse_integer};
use crate::world::{Cleared, ToolCall, ToolInput, World};

/// How the last call of a tool went, to be told with a failure.
#[derive(Debug)]
pub(super) struct LastCall {
    command: Vec<String>,
    end: ToolEnd,
    output: Vec<String>,
    touched: Touched,
}

/// What one call needs, worked out before it starts.
pub(super) struct Prepared<'c> {
    pub(super) call: ToolCall,
    /// As a person would type it.
    pub(super) command: Vec<String>,
    kind: Option<&'c Command>,
    /// For the call, with what the tool takes to start.
    pub(super) limit: Duration,
    /// For what the call is to bring about on the bus afterwards.
    until_limit: Duration,
    pub(super) silence: Option<Duration>,
    pub(super) changes_board: bool,
    pub(super) questions: &'c [Pattern],
    /// What the person is to do while the tool runs.
    pub(super) prompt: Option<String>,
    /// The board, where its node is what tells the tool which one is meant.
    pub(super) chosen: Option<ChosenNode>,
}

impl<'c> Prepared<'c> {
    /// For whoever wants to cut it short.
    pub(super) fn cut_by(&self, stopping: &Stopping) -> CutCall<'c> {
        let never_cut = self.kind.and_then(|kind| kind.never_cut.as_deref());
        CutCall { guarded: self.changes_board, never_cut, is_final: stopping.is_shielded() }
    }
}

impl<'a, W: World> Runner<'a, W> {
    /// Runs the step's tool and, with `until`, waits for the device that proves the success.
    pub(super) async fn call(&mut self, step: &'a Step, run: &'a Run, purpose: &str) -> Result<(), Halt> {
        let catalog = self.catalog;
        if let Some(device) = &run.device {
            self.device_ready(device).await.map_err(|fault| self.halt_here(&step.id, fault))?;
        }
        if let Some(message) = self.files.changed_since_checked() {
            let mut fault = Fault::new(FaultClass::BadFile, message);
            fault.help = Some(
                "Make sure that nothing cleans the folder for temporary files, and that the disk is sound".to_owned(),
            );
            return Err(self.halt_here(&step.id, fault));
        }
        for name in &run.produces {
            self.held.is_made_anew(name);
            let made_room = self.files.expect_new(name);
            made_room
                .map_err(|problem| self.halt_here(&step.id, Fault::new(FaultClass::BadFile, problem.to_string())))?;
        }
        self.wait_for_others(step, run).await?;
        let mut prepared = self.prepare(step, run)?;
        self.sure_of_the_board(step, run, &prepared).await?;
        if let Some(tool) = catalog.tool(&run.tool.value) {
            self.in_private_folder(step, run, tool, &mut prepared.call)?;
        }
        let mut tries = Tries::default();
        let (mut judgement, watched, took) = loop {
            let started = Instant::now();
            let (judgement, watched) = self.told_call(step, run, &prepared, purpose).await?;
            let Some(again) = self.again(step, run, &judgement, &mut tries) else {
                break (judgement, watched, started.elapsed());
            };
            let Verdict::Fault(because) = judgement.verdict else {
                break (judgement, watched, started.elapsed());
            };
            let Again { attempt, attempts_max, pause } = again;
            let step_id = step.id.clone();
            self.tell(Event::Retrying { step: step_id, attempt, attempts_max, pause_ms: milliseconds(pause), because });
            self.pause(&step.id, pause).await?;
            if let Some(device) = &run.device {
                self.device_ready(device).await.map_err(|fault| self.halt_here(&step.id, fault))?;
            }
            self.sure_of_the_board(step, run, &prepared).await?;
            for name in &run.produces {
                let made_room = self.files.expect_new(name);
                made_room.map_err(|problem| {
                    self.halt_here(&step.id, Fault::new(FaultClass::BadFile, problem.to_string()))
                })?;
            }
        };
        if let (Verdict::Fault(fault), Some(tool)) = (&mut judgement.verdict, catalog.tool(&run.tool.value)) {
            self.at_last(fault, tool, run, &tries);
        }
        let Judgement { mut verdict, touched, captured } = judgement;
        if let Verdict::Fault(fault) = &verdict
            && matches!(fault.class, FaultClass::TimedOut | FaultClass::NoAnswer)
        {
            self.note_limit_used_up(step, &prepared, &watched.end, took);
        }
        if !matches!(verdict, Verdict::Fault(_))
            && let Some(tool) = catalog.tool(&run.tool.value)
        {
            self.note_read(run, tool, prepared.kind, prepared.command.get(1..).unwrap_or_default());
        }
        if let (Verdict::Fault(fault), Some(meaning)) = (&mut verdict, watched.instead) {
            fault.help = Some(meaning.to_owned());
        }
        self.last_call =
            Some(LastCall { command: prepared.command, end: watched.end, output: watched.output, touched });
        match verdict {
            Verdict::Succeeded => {}
            Verdict::SucceededWithWarning(text) => self.tell(Event::Warning { text }),
            Verdict::Fault(fault) if self.tried_again(step, &fault) => return Err(self.call_failed(step, fault)),
            Verdict::Fault(fault) if self.foreseen(run, Some(&fault)) => {
                let warning = run.on_fault.iter().find(|on| on.is(&fault)).and_then(|on| on.warning.as_deref());
                self.tell(match warning {
                    Some(warning) => Event::Warning { text: format!("{}. {warning}", fault.message) },
                    None => Event::Note { text: format!("{}; the playbook goes on with that", fault.message) },
                });
                return Ok(());
            }
            Verdict::Fault(fault) => return self.device_decides(step, fault, prepared.until_limit).await,
        }
        self.foreseen(run, None);
        self.keep_captured(step, run, &captured)?;
        self.check_produced(step, run)?;
        match &step.until {
            Some(until) => self.wait_until(step, until, prepared.until_limit, false).await,
            None => Ok(()),
        }
    }

    /// Makes the call, and tells of its beginning and its end.
    async fn told_call(
        &mut self,
        step: &'a Step,
        run: &'a Run,
        prepared: &Prepared<'a>,
        purpose: &str,
    ) -> Result<(Judgement, Watched<'a>), Halt> {
        let _turn = self.call_turn(step, run).await?;
        self.same_node(step, run, prepared)?;
        self.hold_board(step, run)?;
        let cleared = self.cleared(step, run, prepared)?;
        let args = prepared.command.get(1..).unwrap_or_default();
        let tool = self.catalog.tool(&run.tool.value);
        let region = tool.and_then(|tool| self.region_of_call(step, run, (tool, prepared.kind, args)));
        self.tell(Event::ToolStarted {
            step: step.id.clone(),
            tool: run.tool.value.clone(),
            command: prepared.command.clone(),
            limit_ms: milliseconds(prepared.limit),
            changes_board: prepared.changes_board,
            purpose: purpose.to_owned(),
            region,
        });
        if prepared.changes_board {
            self.stay_awake();
        }
        let started = Instant::now();
        self.bus.call_begins(run.device.as_deref());
        let watched = self.watched_call(step, run, prepared, &cleared).await;
        self.bus.call_ended();
        self.tell_sleepiness();
        let (mut judgement, watched) = watched?;
        if run.changes_nothing_that_lasts() {
            judgement.touched = Touched::Nothing;
        }
        if let Some(tool) = tool {
            self.note_call(step, run, (tool, prepared.kind, args), judgement.touched);
        }
        let exit_code = match watched.end {
            ToolEnd::Exited(code) => Some(code),
            _ => None,
        };
        self.tell(Event::ToolEnded {
            step: step.id.clone(),
            tool: run.tool.value.clone(),
            command: prepared.command.clone(),
            end: watched.end.clone(),
            exit_code,
            verdict: judgement.verdict.clone(),
            touched: judgement.touched,
            warm: self.world.was_warm(),
            elapsed_ms: milliseconds(started.elapsed()),
        });
        Ok((judgement, watched))
    }

    /// Another run may be at work on this very device, whoever started it.
    fn hold_board(&self, step: &Step, run: &Run) -> Result<(), Halt> {
        let device = run.device.as_ref().and_then(|name| self.playbook.device(name));
        let attached = device.map(|device| self.bus.matching(device).unwrap_or_default()).unwrap_or_default();
        let [board] = attached.as_slice() else { return Ok(()) };
        self.world.hold(board).map_err(|holders| {
            let holders: Vec<String> =
                holders.iter().map(|holder| format!("{}, process {}", holder.name, holder.process)).collect();
            let by = if holders.is_empty() { String::new() } else { format!(" ({})", holders.join("; ")) };
            let message = format!("another run{by} is working on {} at {}", board.id, board.port);
            let mut fault = Fault::new(FaultClass::NoPermission, message);
            fault.help = Some("Wait until the other run has ended".to_owned());
            Halt::Failure(Box::new(self.failure(&step.id, fault, Outcome::BoardBusy)))
        })
    }

    /// After a call whose outcome is unknown, the device that the call was to bring, or to send away, decides.
    async fn device_decides(&mut self, step: &'a Step, fault: Fault, limit: Duration) -> Result<(), Halt> {
        let may_have_worked = matches!(fault.class, FaultClass::NoAnswer | FaultClass::DeviceLost);
        if let Some(until) = &step.until
            && may_have_worked
            && self.wait_until(step, until, limit, false).await.is_ok()
        {
            self.tell(Event::Warning {
                text: format!("{}; but the device did what it was told, and that decides", fault.message),
            });
            return Ok(());
        }
        Err(self.call_failed(step, fault))
    }

    /// Sets the values that tell which of the foreseen faults came; answers whether one did.
    fn foreseen(&mut self, run: &Run, fault: Option<&Fault>) -> bool {
        let is = |on: &&OnFault| fault.is_some_and(|fault| on.is(fault));
        for on in &run.on_fault {
            self.values.insert(on.set.value.clone(), Value::Boolean(false));
        }
        let mut any = false;
        for on in run.on_fault.iter().filter(is) {
            self.values.insert(on.set.value.clone(), Value::Boolean(true));
            any = true;
        }
        any
    }

    fn call_failed(&self, step: &Step, fault: Fault) -> Halt {
        let by_us = self.last_call.as_ref().is_some_and(|last| last.end == ToolEnd::Cancelled);
        let outcome = match fault.class.outcome() {
            // A tool that says it was cancelled, when nobody here did that, has failed like any other.
            Outcome::Interrupted if !by_us => Outcome::StepFailed,
            outcome => outcome,
        };
        let mut failure = self.failure(&step.id, fault, outcome);
        if let Some(last) = &self.last_call {
            failure.command = Some(last.command.clone());
            failure.end = Some(last.end.clone());
            failure.output.clone_from(&last.output);
            failure.touched = last.touched;
        }
        Halt::Failure(Box::new(failure))
    }

    pub(super) fn prepare(&self, step: &Step, run: &Run) -> Result<Prepared<'a>, Halt> {
        let catalog = self.catalog;
        let missing = |what: &str| {
            let message = format!("{} {what}", run.tool.value);
            self.halt_here(&step.id, Fault::new(FaultClass::ToolMissing, message))
        };
        let tool = catalog.tool(&run.tool.value).ok_or_else(|| missing("is not in the catalog"))?;
        let ready = self.tools.get(&run.tool.value).ok_or_else(|| missing("was not found"))?;
        let used_up = self.attempts.used_up(&step.id);
        let BoardChoice { args, node } = self.choice(step, run, tool)?;
        let wanted = Wanted { step, run, tool, files: &self.files, used_up, choice: args };
        let worked_out = command_line(wanted, |template, limit| {
            expand(template, &RunFacts { limit_ms: Some(milliseconds(limit)), ..self.facts() })
        });
        let CommandLine { args, kind, limit } = worked_out.map_err(|error| self.not_computable(&step.id, &error))?;
        let starting = ready.start_allowance();
        let command = typed(run, &args);
        let prompt = run.prompt.as_ref().map(|prompt| self.text(&prompt.text)).transpose();
        let prompt = prompt.map_err(|error| self.not_computable(&step.id, &error))?;
        let talks = tool.terminal || !tool.questions.is_empty() || !run.answers.is_empty();
        // What cannot be undone is done by a process that nothing was done in before.
        let cold = self.settings.single_calls || talks || step.irreversible.is_some() || tool.private_folder;
        let warm = ready.warm.clone().filter(|_| !cold);
        Ok(Prepared {
            call: ToolCall {
                launcher: ready.launcher.clone(),
                args: all_arguments(tool, &args),
                environment: ready.environment.clone(),
                environment_remove: ready.environment_remove.clone(),
                folder: PathBuf::from(self.files.scratch().folder()),
                terminal: tool.terminal,
                input: if talks { ToolInput::Open } else { ToolInput::Nothing },
                warm,
            },
            command,
            limit: limit + starting,
            until_limit: limit,
            silence: kind.and_then(|kind| kind.silence).map(|silence| extended(silence, used_up) + starting),
            changes_board: is_guarded(kind),
            kind,
            questions: &tool.questions,
            prompt,
            chosen: node,
        })
    }

    /// A further try gets a longer limit where this one has had all of its own in vain.
    fn note_limit_used_up(&mut self, step: &Step, prepared: &Prepared<'_>, end: &ToolEnd, elapsed: Duration) {
        let gave_up = match end {
            ToolEnd::TimedOut(_) | ToolEnd::Silent(_) => true,
            // Tools have limits of their own, which are the greater part of ours.
            _ => elapsed.saturating_mul(2) >= prepared.until_limit,
        };
        if gave_up {
            self.attempts.note_used_up(&step.id);
        }
    }

    /// Arguments that tell the tool which of several boards is meant, when the person chose one.
    fn choice(&self, step: &Step, run: &Run, tool: &Tool) -> Result<BoardChoice, Halt> {
        if !self.bus.is_chosen() {
            return Ok(BoardChoice::default());
        }
        let Some(device) = run.device.as_ref().and_then(|name| self.playbook.device(name)) else {
            return Ok(self.bus.choice_of_unseen(tool, &self.arguments_now(run)));
        };
        // A tool that is told the same for another one takes whichever it finds first, so there may be no other.
        let Some((board, others)) = self.others_alike(run) else {
            let chosen = self.bus.matching(device).unwrap_or_default();
            return Ok(chosen.first().map(|board| self.bus.choice_of(tool, board)).unwrap_or_default());
        };
        let help = unplug_others(&run.tool.value, &board, &others);
        let mut all = others;
        all.push(board);
        all.sort_by(|a, b| a.port.cmp(&b.port));
        let mut fault = several(device, &all);
        fault.help = Some(help);
        Err(self.halt_here(&step.id, fault))
    }

    /// Since the call was worked out another board may have come to the node that it names, such as while it waited for its turn.
    fn same_node(&self, step: &Step, run: &Run, prepared: &Prepared<'_>) -> Result<(), Halt> {
        let Some(tool) = self.catalog.tool(&run.tool.value).filter(|_| prepared.chosen.is_some()) else {
            return Ok(());
        };
        if self.choice(step, run, tool)?.node == prepared.chosen {
            return Ok(());
        }
        let message = format!("{} was not started: the board is not where it was just now", run.tool.value);
        Err(self.halt_here(&step.id, Fault::new(FaultClass::DeviceLost, message)))
    }

    async fn watched_call(
        &mut self,
        step: &'a Step,
        run: &'a Run,
        prepared: &Prepared<'a>,
        cleared: &Cleared,
    ) -> Result<(Judgement, Watched<'a>), Halt> {
        let catalog = self.catalog;
        let Some(tool) = catalog.tool(&run.tool.value) else {
            let fault = Fault::new(FaultClass::ToolMissing, format!("{} is not in the catalog", run.tool.value));
            return Err(self.halt_here(&step.id, fault));
        };
        let device = run.device.as_ref().and_then(|name| self.playbook.device(name));
        let device_ids: Vec<String> =
            device.map(|device| device.ids.iter().map(ToString::to_string).collect()).unwrap_or_default();
        let expectations = Expectations {
            expect: &run.expect,
            unmet: run.unmet.as_ref(),
            fail_on: &run.fail_on,
            capture: &run.capture,
            device_ids: &device_ids,
            arguments: prepared.command.get(1..).unwrap_or_default(),
        };
        let mut judge = Judge::new(tool, prepared.kind, expectations);
        let before = self.bus.comings(run.device.as_deref());
        let watched = self.watch(step, run, (prepared, cleared), &mut judge).await?;
        Ok((self.judged(&mut judge, &watched.end, run, &before).await, watched))
    }

    fn keep_captured(&mut self, step: &'a Step, run: &'a Run, captured: &[(Id, String)]) -> Result<(), Halt> {
        for capture in &run.capture {
            let text = captured.iter().rev().find(|(name, _)| *name == *capture.name).map(|(_, text)| text);
            let value = match text {
                Some(text) => match capture.kind {
                    CaptureKind::Integer => parse_integer(text).ok().map(Value::Integer),
                    CaptureKind::Version => text.parse().ok().map(Value::Version),
                    CaptureKind::Text => Some(Value::Text(text.clone())),
                },
                None => None,
            };
            let Some(value) = value else {
                let message = format!("{} did not print the value `{}`", run.tool.value, capture.name);
                return Err(self.call_failed(step, Fault::new(FaultClass::Unknown, message)));
            };
            self.values.insert(capture.name.value.clone(), value);
        }
        self.note_acts_read(run);
        Ok(())
    }

    fn check_produced(&self, step: &Step, run: &Run) -> Result<(), Halt> {
        for name in &run.produces {
            if !self.files.size(name).is_ok_and(|size| size > 0) {
                let message = format!("{} said that it worked, but it made no file `{name}`", run.tool.value);
                return Err(self.call_failed(step, Fault::new(FaultClass::Unknown, message)));
            }
        }
        Ok(())
    }
}
