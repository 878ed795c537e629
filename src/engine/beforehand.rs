//! What is known before the first step to come out wrong later: a division by zero, a length below zero. It is told before
//! anything is touched, and not when half of the board is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::expression::{EvaluationError, Expression, Part, Template, Value, evaluate, evaluate_condition};
use crate::documents::playbook::{Action, Contents, Playbook, Step, every_step};
use crate::engine::facts::{Coming, Made, RunFacts};
use crate::engine::files::Files;
use crate::engine::plan::produced_files;
use crate::words::Id;

/// The first step that cannot be carried out as things stand, and why.
pub(super) fn wrong_beforehand(
    playbook: &Playbook,
    files: &Files,
    variables: &BTreeMap<Id, Value>,
) -> Option<(Id, Foreseen)> {
    let assigned = assigned(&playbook.steps);
    let coming = Coming { made: &BTreeMap::new(), are_made: Made::NotYet, assigned: &assigned };
    let known = Known(RunFacts::before(files, variables, coming));
    match known.steps(&playbook.steps) {
        Walk::Wrong { step, what } => Some((step, what)),
        Walk::On | Walk::Ends => None,
    }
}

/// What will be wrong with an expression when the run comes to it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Foreseen {
    #[error("`{text}`: {source}")]
    NoValue { text: String, source: EvaluationError },
    #[error("`{text}` is {number}, below zero")]
    BelowZero { text: String, number: i64 },
}

enum Walk {
    On,
    /// The run ends here by itself, and has words for it.
    Ends,
    Wrong {
        step: Id,
        what: Foreseen,
    },
}

/// Inputs and variables, as long as no step gives them another value.
struct Known<'a>(RunFacts<'a>);

impl Known<'_> {
    fn steps(&self, steps: &[Step]) -> Walk {
        for step in steps {
            match self.step(step) {
                Walk::On => {}
                end => return end,
            }
        }
        Walk::On
    }

    fn step(&self, step: &Step) -> Walk {
        let wrong = |what: Foreseen| Walk::Wrong { step: step.id.clone(), what };
        if let Some(when) = &step.when {
            match self.condition(when) {
                Ok(Some(true)) => {}
                // Whether it comes is seen when it does.
                Ok(Some(false) | None) => return Walk::On,
                Err(what) => return wrong(what),
            }
        }
        let texts: Vec<&Template> = match &step.action {
            Action::Steps(steps) => return self.steps(steps),
            Action::Run(run) => {
                for arg in &run.args {
                    if let Some(what) = self.text(arg).or_else(|| self.below_zero(arg)) {
                        return wrong(what);
                    }
                }
                run.prompt.iter().map(|prompt| &prompt.text).collect()
            }
            Action::Check(check) => match self.condition(&check.holds) {
                Ok(Some(false)) => return Walk::Ends,
                Ok(Some(true) | None) => Vec::new(),
                Err(what) => return wrong(what),
            },
            Action::Refuse(_) => return Walk::Ends,
            Action::Prompt(prompt) => vec![&prompt.text],
            Action::Write(write) => match &write.contents {
                Contents::Text(text) => vec![text],
                Contents::Zeros(_) => Vec::new(),
            },
            Action::Wait | Action::TellApart(_) => Vec::new(),
        };
        texts.into_iter().find_map(|text| self.text(text)).map_or(Walk::On, wrong)
    }

    /// Nothing where it is not known yet.
    fn condition(&self, condition: &Expression) -> Result<Option<bool>, Foreseen> {
        match evaluate_condition(condition, &self.0) {
            Ok(holds) => Ok(Some(holds)),
            Err(error) => told(condition, error).map_or(Ok(None), Err),
        }
    }

    fn text(&self, template: &Template) -> Option<Foreseen> {
        expressions(template).find_map(|expression| told(expression, evaluate(expression, &self.0).err()?))
    }

    /// Addresses and lengths are what numbers in arguments are.
    fn below_zero(&self, arg: &Template) -> Option<Foreseen> {
        expressions(arg).find_map(|expression| match evaluate(expression, &self.0) {
            Ok(Value::Integer(number)) if number < 0 => {
                Some(Foreseen::BelowZero { text: expression.text.clone(), number })
            }
            Ok(_) | Err(_) => None,
        })
    }
}

fn expressions(template: &Template) -> impl Iterator<Item = &Expression> {
    template.parts.iter().filter_map(|part| match part {
        Part::Expression(expression) => Some(expression),
        Part::Text(_) => None,
    })
}

fn told(expression: &Expression, error: EvaluationError) -> Option<Foreseen> {
    match error {
        EvaluationError::OutOfRange | EvaluationError::NotAVersion(_) | EvaluationError::WrongKind => {
            Some(Foreseen::NoValue { text: expression.text.clone(), source: error })
        }
        EvaluationError::NotKnown(_) | EvaluationError::Facts(_) | EvaluationError::NoDevice(_) => None,
    }
}

/// Says which steps the given files and the variables' values rule out.
#[derive(Debug)]
pub struct RuledOut<'a> {
    files: &'a Files,
    produced: BTreeMap<Id, String>,
    variables: &'a BTreeMap<Id, Value>,
}

impl<'a> RuledOut<'a> {
    pub fn new(playbook: &Playbook, files: &'a Files, variables: &'a BTreeMap<Id, Value>) -> Self {
        RuledOut { files, produced: produced_files(&playbook.steps), variables }
    }

    /// Its condition does not hold, whatever else comes.
    pub fn rules_out(&self, step: &Step) -> bool {
        let Some(when) = &step.when else { return false };
        // A file that steps make may be there by then, or not.
        [Made::Already, Made::NotYet].into_iter().all(|made| {
            let coming = Coming { made: &self.produced, are_made: made, assigned: &BTreeSet::new() };
            let facts = RunFacts::before(self.files, self.variables, coming);
            evaluate_condition(when, &facts) == Ok(false)
        })
    }
}

/// The names that some step gives a value.
fn assigned(steps: &[Step]) -> BTreeSet<&Id> {
    let mut assigned = BTreeSet::new();
    for step in every_step(steps) {
        assigned.extend(step.sets.as_deref());
        assigned
            .extend(step.instead.iter().filter_map(|instead| instead.enough.as_ref()).map(|enough| &enough.sets.value));
        assigned.extend(step.writes().map(|write| &write.name.value));
        if let Some(run) = step.call() {
            assigned.extend(run.capture.iter().map(|capture| &capture.name.value));
            assigned.extend(run.on_fault.iter().map(|on| &on.set.value));
            assigned.extend(run.produces.iter().map(|name| &name.value));
        }
    }
    assigned
}
