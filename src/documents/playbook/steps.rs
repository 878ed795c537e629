//! The one way to walk over steps: what stands below a step, and every step of a list. What depends on the kind of a step is
//! asked here as well, so that a new action is thought about once.

use std::slice;
use std::time::Duration;

use crate::documents::playbook::{Action, HandMove, Playbook, Run, Step, WAIT_LIMIT, WriteStep};

/// Why steps stand below another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// The step is these, in order.
    Group,
    /// They ask each of several devices whether it is the one.
    TellApart,
    /// They come before each further attempt.
    Prepare,
    /// They read whether the step's work is done already.
    ProvenBy,
    /// They read whether what cannot be undone has been done before, and whether it has worked.
    AlreadyDone,
    Verify,
}

impl Step {
    /// Does it ask for something without saying to programs what hands are to do? A choice has an answer without anybody, and
    /// beside a call such a prompt says at most what to leave alone: the tool itself shows what comes of it.
    pub fn only_by_person(&self) -> bool {
        let of_action = match &self.action {
            Action::Prompt(prompt) => self.sets.is_none() && prompt.hands.is_empty(),
            Action::Run(run) => {
                run.answers.iter().filter_map(|answer| answer.prompt.as_ref()).any(|prompt| prompt.hands.is_empty())
            }
            Action::Wait
            | Action::Check(_)
            | Action::Refuse(_)
            | Action::Write(_)
            | Action::TellApart(_)
            | Action::Steps(_) => false,
        };
        of_action || self.ask.as_ref().is_some_and(|ask| ask.prompt.hands.is_empty())
    }

    /// Every list of steps that stands below this one, in the order of their coming.
    pub fn children(&self) -> impl Iterator<Item = (Below, &[Step])> {
        // Every key is named, so that a new one that holds steps is thought of.
        let Step {
            action,
            retry,
            irreversible,
            proven_by,
            id: _,
            place: _,
            filling: _,
            key_places: _,
            name: _,
            when: _,
            timeout: _,
            restart_at: _,
            until: _,
            sets: _,
            if_met: _,
            if_unmet: _,
            instead: _,
            hints: _,
            ask: _,
            sector: _,
            if_stopped: _,
            third_time: _,
            next: _,
        } = self;
        let of_action = match action {
            Action::Steps(steps) => Some((Below::Group, steps)),
            Action::TellApart(tell_apart) => Some((Below::TellApart, &tell_apart.answers.steps)),
            Action::Run(_)
            | Action::Prompt(_)
            | Action::Wait
            | Action::Check(_)
            | Action::Refuse(_)
            | Action::Write(_) => None,
        };
        let prepare = retry.as_ref().map(|retry| (Below::Prepare, &retry.prepare));
        let readings = irreversible.iter().flat_map(|guarded| {
            [(Below::AlreadyDone, &guarded.already_done.steps), (Below::Verify, &guarded.verify.steps)]
        });
        let proof = proven_by.as_ref().map(|proof| (Below::ProvenBy, &proof.steps));
        of_action
            .into_iter()
            .chain(prepare)
            .chain(proof)
            .chain(readings)
            .map(|(below, steps)| (below, steps.as_slice()))
    }

    /// The steps that stand below it for that reason.
    pub fn below(&self, why: Below) -> &[Step] {
        self.children().find(|(below, _)| *below == why).map(|(_, steps)| steps).unwrap_or_default()
    }

    /// The same, to be changed; nothing where there is no such list.
    pub fn below_mut(&mut self, why: Below) -> Option<&mut Vec<Step>> {
        match why {
            Below::Group => match &mut self.action {
                Action::Steps(steps) => Some(steps),
                Action::Run(_)
                | Action::Prompt(_)
                | Action::Wait
                | Action::Check(_)
                | Action::Refuse(_)
                | Action::Write(_)
                | Action::TellApart(_) => None,
            },
            Below::TellApart => match &mut self.action {
                Action::TellApart(tell_apart) => Some(&mut tell_apart.answers.steps),
                Action::Run(_)
                | Action::Prompt(_)
                | Action::Wait
                | Action::Check(_)
                | Action::Refuse(_)
                | Action::Write(_)
                | Action::Steps(_) => None,
            },
            Below::Prepare => self.retry.as_mut().map(|retry| &mut retry.prepare),
            Below::ProvenBy => self.proven_by.as_mut().map(|proof| &mut proof.steps),
            Below::AlreadyDone => self.irreversible.as_mut().map(|guarded| &mut guarded.already_done.steps),
            Below::Verify => self.irreversible.as_mut().map(|guarded| &mut guarded.verify.steps),
        }
    }

    /// The steps of a group; nothing for a step that acts itself.
    pub fn group(&self) -> Option<&[Step]> {
        self.children().find(|(below, _)| *below == Below::Group).map(|(_, steps)| steps)
    }

    /// What hands do while it asks for them.
    pub fn hands(&self) -> &[HandMove] {
        match &self.action {
            Action::Prompt(prompt) => &prompt.hands,
            Action::Run(_)
            | Action::Wait
            | Action::Check(_)
            | Action::Refuse(_)
            | Action::Write(_)
            | Action::TellApart(_)
            | Action::Steps(_) => &[],
        }
    }

    /// The call of a tool that it is.
    pub fn call(&self) -> Option<&Run> {
        match &self.action {
            Action::Run(run) => Some(run),
            Action::Prompt(_)
            | Action::Wait
            | Action::Check(_)
            | Action::Refuse(_)
            | Action::Write(_)
            | Action::TellApart(_)
            | Action::Steps(_) => None,
        }
    }

    /// How long it waits for devices, and for the person.
    pub fn wait_limit(&self) -> Duration {
        self.timeout.map_or(WAIT_LIMIT, |timeout| timeout.base)
    }

    /// The file that it makes by itself.
    pub fn writes(&self) -> Option<&WriteStep> {
        match &self.action {
            Action::Write(write) => Some(write),
            Action::Run(_)
            | Action::Prompt(_)
            | Action::Wait
            | Action::Check(_)
            | Action::Refuse(_)
            | Action::TellApart(_)
            | Action::Steps(_) => None,
        }
    }

    /// It and everything below it.
    pub fn whole(&self) -> Walk<'_> {
        every_step(slice::from_ref(self))
    }
}

/// Steps one after another, each before what is below it.
#[derive(Debug)]
pub struct Walk<'a> {
    /// What is left of each list, the innermost last.
    lists: Vec<&'a [Step]>,
    enters: fn(Below) -> bool,
}

impl<'a> Iterator for Walk<'a> {
    type Item = &'a Step;

    fn next(&mut self) -> Option<&'a Step> {
        loop {
            match self.lists.pop()?.split_first() {
                None => {}
                Some((step, rest)) => {
                    self.lists.push(rest);
                    let first = self.lists.len();
                    let entered = step.children().filter(|(below, _)| (self.enters)(*below));
                    self.lists.extend(entered.map(|(_, steps)| steps));
                    self.lists[first..].reverse();
                    return Some(step);
                }
            }
        }
    }
}

/// Every step, those in groups, readings and preparations too.
pub fn every_step(steps: &[Step]) -> Walk<'_> {
    Walk { lists: vec![steps], enters: |_| true }
}

/// The procedure itself: these steps and those in groups, the groups included, without readings and preparations.
pub fn procedure(steps: &[Step]) -> Walk<'_> {
    Walk { lists: vec![steps], enters: |below| below == Below::Group }
}

/// The steps of the procedure that are no groups.
pub fn leaves(steps: &[Step]) -> impl Iterator<Item = &Step> {
    procedure(steps).filter(|step| step.group().is_none())
}

/// The tools that those of the steps run that may come, readings and preparations included, in order of first use; then
/// those that devices are asked with who they are.
pub fn tools_of(playbook: &Playbook, comes: &dyn Fn(&Step) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    add_tools(&playbook.steps, comes, &mut found);
    for reading in playbook.identifying_readings() {
        add_tools(&reading.steps, comes, &mut found);
    }
    found
}

fn add_tools(steps: &[Step], comes: &dyn Fn(&Step) -> bool, found: &mut Vec<String>) {
    for step in steps.iter().filter(|step| comes(step)) {
        let tool = step.call().map(|run| &run.tool.value);
        found.extend(tool.filter(|tool| !found.contains(tool)).cloned());
        step.children().for_each(|(_, steps)| add_tools(steps, comes, found));
    }
}

/// Id and reason of each step that cannot be undone.
pub fn irreversible_steps(steps: &[Step]) -> Vec<(String, String)> {
    let reason = |step: &Step| Some((step.id.to_string(), step.irreversible.as_ref()?.why.clone()));
    procedure(steps).filter_map(reason).collect()
}

/// Every call of these steps, those in groups too.
pub fn runs_of(steps: &[Step]) -> Vec<&Run> {
    procedure(steps).filter_map(Step::call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::load;
    use crate::words::Source;
    use std::sync::Arc;

    const STEPS: &str = "\
format: 1
board: x
devices: {rom: {usb: \"1fc9:0135\", label: ROM}}
steps:
  - id: apart
    tell_apart: {device: rom, steps: [{id: asks, run: a}], holds: \"true\"}
  - id: group
    retry: {attempts: 2, on: refused, prepare: [{id: prepares, run: b}]}
    steps:
      - {id: first, run: a}
      - id: fuse
        irreversible:
          why: It stays.
          already_done: {steps: [{id: before, run: c}], holds: \"true\"}
          verify: {steps: [{id: after, steps: [{id: deep, run: d}]}], holds: \"true\"}
        run: e
  - {id: last, wait: {gone: rom}}
";

    fn ids<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<&'a str> {
        steps.map(|step| step.id.as_str()).collect()
    }

    #[test]
    fn a_walk_comes_to_each_step_once_and_to_what_is_below_it_next() {
        let loaded = load(&Arc::new(Source { name: "x".to_owned(), text: STEPS.to_owned() }), &|_| Err(String::new()));
        let playbook = loaded.playbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let steps = &playbook.steps;
        assert_eq!(
            ids(every_step(steps)),
            ["apart", "asks", "group", "first", "fuse", "before", "after", "deep", "prepares", "last"]
        );
        assert_eq!(ids(procedure(steps)), ["apart", "group", "first", "fuse", "last"]);
        assert_eq!(ids(leaves(steps)), ["apart", "first", "fuse", "last"]);
        assert_eq!(ids(steps[1].below(Below::Prepare).iter()), ["prepares"]);
        assert_eq!(ids(steps[2].whole()), ["last"]);
        assert_eq!(tools_of(&playbook, &|_| true), ["a", "e", "c", "d", "b"]);
        assert_eq!(irreversible_steps(steps), [("fuse".to_owned(), "It stays.".to_owned())]);
    }
}
