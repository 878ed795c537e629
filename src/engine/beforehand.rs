//! What is known before the first step to come out wrong later: a division by zero, a length below zero. It is told before
//! anything is touched, and not when half of the board is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::expression::{EvaluationError, Expression, Part, Template, Value, evaluate, evaluate_condition};
use crate::documents::playbook::{Action, Contents, Playbook, Step};
use crate::engine::facts::{Coming, Made, RunFacts};
use crate::engine::files::Files;
use crate::words::Id;

/// The first step that cannot be carried out as things stand, and why.
pub(super) fn wrong_beforehand(
    playbook: &Playbook,
    files: &Files,
    variables: &BTreeMap<Id, Value>,
) -> Option<(Id, String)> {
    let mut assigned = BTreeSet::new();
    collect_assigned(&playbook.steps, &mut assigned);
    let coming = Coming { made: &BTreeMap::new(), are_made: Made::NotYet, assigned: &assigned };
    let known = Known(RunFacts::before(files, variables, coming));
    match known.steps(&playbook.steps) {
        Walk::Wrong { step, what } => Some((step, what)),
        Walk::On | Walk::Ends => None,
    }
}

enum Walk {
    On,
    /// The run ends here by itself, and has words for it.
    Ends,
    Wrong {
        step: Id,
        what: String,
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
        let wrong = |what: String| Walk::Wrong { step: step.id.clone(), what };
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
    fn condition(&self, condition: &Expression) -> Result<Option<bool>, String> {
        match evaluate_condition(condition, &self.0) {
            Ok(holds) => Ok(Some(holds)),
            Err(error) => told(condition, &error).map_or(Ok(None), Err),
        }
    }

    fn text(&self, template: &Template) -> Option<String> {
        expressions(template).find_map(|expression| told(expression, &evaluate(expression, &self.0).err()?))
    }

    /// Addresses and lengths are what numbers in arguments are.
    fn below_zero(&self, arg: &Template) -> Option<String> {
        expressions(arg).find_map(|expression| match evaluate(expression, &self.0) {
            Ok(Value::Integer(number)) if number < 0 => Some(format!("`{}` is {number}, below zero", expression.text)),
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

fn told(expression: &Expression, error: &EvaluationError) -> Option<String> {
    match error {
        EvaluationError::OutOfRange | EvaluationError::NotAVersion(_) | EvaluationError::WrongKind => {
            Some(format!("`{}`: {error}", expression.text))
        }
        EvaluationError::NotKnown(_) | EvaluationError::Facts(_) | EvaluationError::NoDevice(_) => None,
    }
}

fn collect_assigned<'a>(steps: &'a [Step], into: &mut BTreeSet<&'a Id>) {
    for step in steps {
        into.extend(step.sets.as_deref());
        into.extend(step.instead.iter().filter_map(|instead| instead.enough.as_ref()).map(|enough| &enough.sets.value));
        for reading in step.irreversible.iter().flat_map(|it| [&it.already_done, &it.verify]) {
            collect_assigned(&reading.steps, into);
        }
        if let Some(retry) = &step.retry {
            collect_assigned(&retry.prepare, into);
        }
        match &step.action {
            Action::Steps(steps) => collect_assigned(steps, into),
            Action::TellApart(tell_apart) => collect_assigned(&tell_apart.answers.steps, into),
            Action::Run(run) => {
                into.extend(run.capture.iter().map(|capture| &capture.name.value));
                into.extend(run.on_fault.iter().map(|on| &on.set.value));
                into.extend(run.produces.iter().map(|name| &name.value));
            }
            Action::Write(write) => drop(into.insert(&write.name)),
            Action::Prompt(_) | Action::Wait | Action::Check(_) | Action::Refuse(_) => {}
        }
    }
}
