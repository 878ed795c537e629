//! Holds a test file against its playbook: names in it must be names there, or the case could never fail.

use crate::documents::cases::{Case, Expect, TestFile};
use crate::documents::playbook::{Action, Playbook, Step, irreversible_steps, procedure, tools_of};
use crate::words::{Code, Diagnostic, Id, Located, Place, nearest, without_repetitions};

/// Everything wrong with a test file that has been read.
pub fn check(tests: &TestFile, playbook: &Playbook) -> Vec<Diagnostic> {
    let names = Names {
        steps: procedure(&playbook.steps).map(|step| step.id.as_str()).collect(),
        inputs: playbook.inputs.iter().map(|input| input.name.as_str()).collect(),
        variables: playbook.variables.iter().map(|variable| variable.name.as_str()).collect(),
        tools: tools_of(playbook, &|_| true),
        irreversible: irreversible_steps(&playbook.steps).into_iter().map(|(id, _)| id).collect(),
    };
    let mut diagnostics = Vec::new();
    for case in &tests.cases {
        names.case(case, playbook, &mut diagnostics);
        for expect in [Some(&case.expect), case.again.as_ref()].into_iter().flatten() {
            names.expect(expect, &mut diagnostics);
        }
    }
    without_repetitions(diagnostics)
}

struct Names<'a> {
    steps: Vec<&'a str>,
    inputs: Vec<&'a str>,
    variables: Vec<&'a str>,
    tools: Vec<String>,
    irreversible: Vec<String>,
}

/// ENTER ends such a prompt, and so does what it asks for.
fn leaves_a_choice(step: &Step) -> bool {
    match &step.action {
        Action::Prompt(_) => step.until.is_some() && step.sets.is_some(),
        Action::Run(_)
        | Action::Wait
        | Action::Check(_)
        | Action::Refuse(_)
        | Action::Write(_)
        | Action::TellApart(_)
        | Action::Steps(_) => false,
    }
}

impl Names<'_> {
    fn case(&self, case: &Case, playbook: &Playbook, diagnostics: &mut Vec<Diagnostic>) {
        for (name, _) in &case.files {
            known(name.value.as_str(), &name.place, "input", &self.inputs, diagnostics);
        }
        for (name, value) in &case.set {
            known(name.value.as_str(), &name.place, "variable", &self.variables, diagnostics);
            let variable = playbook.variables.iter().find(|variable| variable.name == name.value);
            if let Some(Err(error)) = variable.map(|variable| variable.read(&value.value)) {
                diagnostics.push(error.told_at(&value.place));
            }
        }
        let irreversible: Vec<&str> = self.irreversible.iter().map(String::as_str).collect();
        for step in case.allow.iter().chain(case.agrees.iter().flatten()) {
            known(step.value.as_str(), &step.place, "irreversible step", &irreversible, diagnostics);
        }
        for (step, _) in &case.chooses {
            known(step.value.as_str(), &step.place, "step", &self.steps, diagnostics);
            let mut named = procedure(&playbook.steps).filter(|known| known.id == step.value).peekable();
            if named.peek().is_some() && !named.any(leaves_a_choice) {
                let message = format!("the step `{}` leaves no choice", step.value);
                let diagnostic = Diagnostic::error(Code::Contradiction, &step.place, message);
                diagnostics.push(diagnostic.hint("a choice is a prompt with both `until` and `sets`"));
            }
        }
        let tools: Vec<&str> = self.tools.iter().map(String::as_str).collect();
        for treated in &case.tools {
            known(&treated.tool.value, &treated.tool.place, "tool", &tools, diagnostics);
        }
    }

    fn expect(&self, expect: &Expect, diagnostics: &mut Vec<Diagnostic>) {
        let prompts = expect.prompts.iter().flat_map(|prompts| &prompts.value);
        let lists = [&expect.done, &expect.skipped, &expect.retried, &expect.restarted_at, &expect.not_reached];
        let steps: Vec<&Located<Id>> = lists.into_iter().flatten().chain(prompts).chain(&expect.step).collect();
        for step in steps {
            known(step.value.as_str(), &step.place, "step", &self.steps, diagnostics);
        }
        for (input, _) in &expect.holds {
            known(input.value.as_str(), &input.place, "input", &self.inputs, diagnostics);
        }
        let times = expect.times_called.iter().map(|(pattern, _)| pattern);
        let exactly = expect.calls.iter().flat_map(|calls| &calls.value);
        for pattern in exactly.chain(&expect.called).chain(&expect.never_called).chain(times) {
            let tool = pattern.text.split([' ', '*']).next().unwrap_or_default();
            // A pattern that begins with a star is for any tool.
            if !tool.is_empty() && !self.tools.iter().any(|known| known == tool) {
                let diagnostic =
                    Diagnostic::error(Code::UnknownTool, &pattern.place, format!("this playbook never runs `{tool}`"));
                diagnostics.push(diagnostic.hint(format!("it runs {}", list(self.tools.iter().map(String::as_str)))));
            }
        }
        if let Some(code) = &expect.exit_code
            && code.value != expect.outcome.value.exit_code()
        {
            let outcome = expect.outcome.value;
            let message = format!("a run that ends `{outcome}` has the exit code {}", outcome.exit_code());
            diagnostics.push(Diagnostic::error(Code::Contradiction, &code.place, message));
        }
    }
}

fn known(name: &str, place: &Place, what: &str, known: &[&str], diagnostics: &mut Vec<Diagnostic>) {
    if known.contains(&name) {
        return;
    }
    let diagnostic = Diagnostic::error(Code::UnknownName, place, format!("the playbook has no {what} `{name}`"));
    diagnostics.push(match nearest(name, known.iter().copied()) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => diagnostic.hint(format!("it has no {what} at all")),
        None => diagnostic.hint(format!("it has {}", list(known.iter().copied()))),
    });
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
