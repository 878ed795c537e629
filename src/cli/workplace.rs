//! Where a run of the command line takes place: at this computer, with its tools and its board, or on a bench.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::stdin;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::bench::{Answers, Bench, BenchWorld, HandsOf, WhichBoard, generate_image};
use crate::cli::arguments::HandsBy;
use crate::cli::job::Job;
use crate::cli::refusal::{refuse, unknown_tool};
use crate::cli::run_lock::lock;
use crate::cli::run_options::{hands_of, is_attended};
use crate::cli::scene::finish;
use crate::cli::streams::shown_on_terminal;
use crate::engine::{
    Clock, Event, Files, MakeImage, Order, Outcome, ReadyTool, Refusal, Tell, Workplace, before_anything, run,
};
use crate::words::FaultClass;
use crate::world::{
    BoardLock, Finder, HandsFor, Interrupts, Machine, MovingHands, Person, Questions, RecordingWorld, Scratch,
    Surroundings, ToolStarter, World, process,
};

pub(super) struct PlaceOfRun<'j> {
    job: &'j Job,
    surroundings: Surroundings,
    /// Programs that the person named, by tool.
    explicit: BTreeMap<String, PathBuf>,
    /// Whoever is at the page, where the run has one; taken when it begins.
    at_page: Cell<Option<Person>>,
    /// Of a real board, held until the run is over.
    lock: Option<BoardLock>,
}

impl<'j> PlaceOfRun<'j> {
    /// `at_page` is the person at the run's page, where it has one.
    pub(super) fn of(job: &'j Job, at_page: Option<Person>) -> Self {
        let surroundings = job.bench.as_ref().map_or_else(Surroundings::of_this_process, |bench| bench.surroundings());
        let given = job.options.tools.iter();
        let explicit = given.map(|given| (given.tool.clone(), given.program.clone())).collect();
        PlaceOfRun { job, surroundings, explicit, at_page: Cell::new(at_page), lock: None }
    }

    /// Runs the playbook in this world, and keeps what passes where the run is recorded.
    async fn in_world<W: World>(&self, order: Order<'_>, files: Files, world: &W, tell: &mut Tell<'_>) -> Outcome {
        let mut tell = |event: &Event| tell(event);
        let finish = match &self.job.recording {
            Some(recording) => {
                run(order, files, &RecordingWorld::new(world, recording.recorder().clone()), &mut tell).await
            }
            None => run(order, files, world, &mut tell).await,
        };
        finish.outcome
    }

    async fn on_bench(
        &self,
        bench: &Rc<Bench>,
        order: Order<'_>,
        files: Files,
        tell: &mut Tell<'_>,
    ) -> Result<Outcome, Box<Refusal>> {
        let options = &self.job.options;
        let interrupts = Rc::new(Interrupts::listen()?);
        let next = Box::new(move || {
            let interrupts = Rc::clone(&interrupts);
            Box::pin(async move { interrupts.next().await }) as Pin<Box<dyn Future<Output = _>>>
        });
        // What a scene shows is the board of its recording, unless it says otherwise.
        let which_board = if options.scene.is_some() { WhichBoard::ItIs } else { WhichBoard::default() };
        let answers = if options.non_interactive { Answers::Withheld } else { Answers::Given { which_board } };
        let (person, moving) = self.hands();
        let world = BenchWorld::new(Rc::clone(bench), answers, Box::new(process::start), next)
            .with_person(person)
            .with_moving_hands(moving)
            .with_hands_of(hands_of(options));
        if options.scene.is_none() {
            return Ok(self.in_world(order, files, &world, tell).await);
        }
        let mut last = None;
        let mut hold_last = |event: &Event| match event {
            Event::Finished { .. } => last = Some(event.clone()),
            event => tell(event),
        };
        let outcome = self.in_world(order, files, &world, &mut hold_last).await;
        Ok(last.map_or(outcome, |last| finish(bench, last, tell)))
    }
}

impl Workplace for PlaceOfRun<'_> {
    type Error = Box<Refusal>;

    fn clock(&self) -> Clock {
        // Whoever rehearses needs the time that people need.
        let at_once = self.job.bench.is_some() && hands_of(&self.job.options) == HandsOf::VirtualPerson;
        if at_once { Clock::Paused } else { Clock::Running }
    }

    fn scratch(&self) -> Result<Scratch, Box<Refusal>> {
        new_scratch()
    }

    fn makes_up(&self) -> Option<Box<MakeImage<'_>>> {
        makes_up(self.job)
    }

    fn take_board(&mut self) -> Result<(), Box<Refusal>> {
        let Job { playbook, catalog, options, lock: of_bench, .. } = self.job;
        if of_bench.is_none() {
            self.lock = Some(lock(&BoardLock::default_folder(&self.surroundings), playbook, options)?);
        }
        if let Some(unknown) = self.explicit.keys().find(|name| catalog.tool(name).is_none()) {
            let what = unknown_tool(unknown);
            return Err(refuse(Outcome::CommandLine, before_anything(FaultClass::BadUsage, what, Vec::new())));
        }
        Ok(())
    }

    fn finder(&self) -> Finder<'_> {
        let Job { catalog, recording, .. } = self.job;
        let start: ToolStarter = Arc::new(process::start);
        let start = match recording {
            Some(recording) => recording.recorder().starter(start),
            None => start,
        };
        let (explicit, installers, surroundings) = (&self.explicit, &catalog.installers, &self.surroundings);
        Finder { explicit, installers, surroundings, start }
    }

    fn found(&self, tools: &BTreeMap<String, ReadyTool>) {
        if let Some(recording) = &self.job.recording {
            recording.tools(tools);
        }
    }

    async fn carry_out(&self, order: Order<'_>, files: Files, tell: &mut Tell<'_>) -> Result<Outcome, Box<Refusal>> {
        match &self.job.bench {
            Some(bench) => self.on_bench(bench, order, files, tell).await,
            None => {
                let (person, moving) = self.hands();
                let machine = Machine::new(person)?.with_moving_hands(moving);
                Ok(self.in_world(order, files, &machine, tell).await)
            }
        }
    }
}

/// What to do where the folder for temporary files takes nothing.
pub(super) const OTHER_TEMPORARY_FOLDER: &str = match cfg!(windows) {
    true => "Make room there, or name another folder in the variable TMP.",
    false => "Make room there, or name another folder in the variable TMPDIR.",
};

pub(super) fn new_scratch() -> Result<Scratch, Box<Refusal>> {
    Scratch::create().map_err(|problem| {
        let next = vec![OTHER_TEMPORARY_FOLDER.to_owned()];
        refuse(Outcome::StepFailed, before_anything(FaultClass::Unknown, problem.to_string(), next))
    })
}

/// Images are made up only for a bench.
pub(super) fn makes_up(job: &Job) -> Option<Box<MakeImage<'static>>> {
    job.bench.as_ref().map(|_| make_up())
}

pub(super) fn make_up() -> Box<MakeImage<'static>> {
    Box::new(|input, size, words| Some(generate_image(input, size, words)))
}

impl PlaceOfRun<'_> {
    /// Who is asked, and what moves in place of their hands.
    fn hands(&self) -> (Person, Option<MovingHands>) {
        let options = &self.job.options;
        let (person, hands) = match &options.hands {
            None | Some(HandsBy::Person | HandsBy::Auto) => return (self.person(), None),
            Some(HandsBy::Json) => {
                let (at_input, answers) = Person::beside_hands(stdin());
                let person = match (self.at_page.take(), options.non_interactive) {
                    (Some(at_page), _) => at_page,
                    (None, true) => Person::nobody(),
                    (None, false) => at_input,
                };
                (person, MovingHands::answering(answers))
            }
            Some(HandsBy::Program(program)) => {
                let (port, unit) = (options.port.clone(), options.unit.clone());
                let of = HandsFor { board: self.job.playbook.board.clone(), port, unit };
                (self.person(), MovingHands::program(program.clone(), of))
            }
        };
        (person, Some(if is_attended(options) { hands.beside_person() } else { hands }))
    }

    fn person(&self) -> Person {
        match (self.at_page.take(), self.job.options.non_interactive) {
            (Some(at_page), _) => at_page,
            (None, true) => Person::nobody(),
            (None, false) => Person::at_stdin(if shown_on_terminal() { Questions::Shown } else { Questions::PassedOn }),
        }
    }
}
