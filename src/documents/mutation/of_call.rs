//! What an author gets wrong in a call of a tool: arguments, evidence, answers, files, devices.

use crate::documents::catalog::Catalog;
use crate::documents::expression::{BinaryOperator, Function, Node, Part, Template};
use crate::documents::mutation::of_step::mention;
use crate::documents::mutation::spot::Change;
use crate::documents::mutation::{of_expression, of_pattern, of_text};
use crate::documents::playbook::{Action, Need, Playbook, Run, Step};
use crate::words::{FaultClass, Place};

pub(super) fn changes(step: &Step, run: &Run, playbook: &Playbook, catalog: &Catalog) -> Vec<Change> {
    let mut changes = Vec::new();
    arguments(run, playbook, &mut changes);
    erased_lengths(run, catalog, &mut changes);
    evidence(step, run, &mut changes);
    conversation(step, run, &mut changes);
    surroundings(step, run, playbook, &mut changes);
    changes
}

fn change(place: &Place, name: impl Into<String>, apply: impl Fn(&mut Run) + 'static) -> Change {
    Change::new(place, name, move |step| {
        if let Action::Run(run) = &mut step.action {
            apply(run);
        }
    })
}

fn arguments(run: &Run, playbook: &Playbook, changes: &mut Vec<Change>) {
    for (index, arg) in run.args.iter().enumerate() {
        let place = if arg.place.end > arg.place.start { &arg.place } else { &run.tool.place };
        for (part_index, part) in arg.parts.iter().enumerate() {
            let others: Vec<(String, Part)> = match part {
                Part::Text(text) => {
                    of_text::changed(text).into_iter().map(|(name, text)| (name, Part::Text(text))).collect()
                }
                Part::Expression(expression) => {
                    let changed = of_expression::changed(expression).into_iter();
                    changed.map(|(name, other)| (name, Part::Expression(other))).collect()
                }
            };
            for (name, other) in others {
                changes.push(change(place, name, move |run| run.args[index].parts[part_index] = other.clone()));
            }
        }
        // Two files whose names were mixed up.
        let input = arg.only_name().and_then(|name| playbook.input(name));
        let other = |input: &crate::documents::playbook::Input| {
            let fits = |other: &&crate::documents::playbook::Input| {
                other.name != input.name && matches!(other.need, Need::Always)
            };
            playbook.inputs.iter().find(fits).map(|other| other.name.clone())
        };
        if let Some((input, other)) = input.and_then(|input| Some((input, other(input)?))) {
            let name = format!("file {} → {other}", input.name);
            changes.push(change(place, name, move |run| {
                if let Some(Part::Expression(expression)) = run.args[index].parts.first_mut() {
                    expression.root = Node::Name { name: other.clone(), start: 0, end: 0 };
                }
            }));
        }
        if let Some(flag) = flag(run, index) {
            changes.push(change(place, format!("{flag} dropped"), move |run| drop(run.args.remove(index))));
        }
    }
}

/// An argument that switches something on by itself: what follows it is a switch as well.
fn flag(run: &Run, index: usize) -> Option<String> {
    let literal = |arg: &Template| match arg.parts.as_slice() {
        [Part::Text(text)] => Some(text.clone()),
        _ => None,
    };
    let is_switch = |text: &String| text.starts_with('-') && text != "--";
    let flag = literal(run.args.get(index)?).filter(is_switch)?;
    run.args.get(index + 1).and_then(literal).filter(is_switch).map(|_| flag)
}

fn erased_lengths(run: &Run, catalog: &Catalog, changes: &mut Vec<Change>) {
    let shown: Vec<String> = run.args.iter().map(shown).collect();
    let command = catalog.tool(&run.tool.value).and_then(|tool| tool.command(&shown));
    let extent = command.and_then(|command| Some((command, command.erases.as_ref()?)));
    let Some(index) = extent.and_then(|(command, erases)| command.argument(&erases.extent, &shown)) else { return };
    let place = &run.args[index].place;
    match run.args[index].parts.as_slice() {
        // Literal lengths are changed as numbers are, but to longer ones.
        [Part::Text(text)] => {
            if let Ok(length) = crate::words::parse_integer(text) {
                let half = format!("{:#x}", length / 2);
                let name = format!("erases {text} → {half}");
                changes.push(change(place, name, move |run| run.args[index].parts = vec![Part::Text(half.clone())]));
            }
        }
        [Part::Expression(expression)] => {
            let mut short = expression.clone();
            if let Node::Call { function: Function::Hex, arguments, .. } = &mut short.root
                && let [length] = arguments.as_mut_slice()
            {
                let (left, right) = (Box::new(length.clone()), Box::new(Node::Integer(2)));
                *length = Node::Binary { operator: BinaryOperator::Divide, left, right, start: 0, end: 0 };
                changes.push(change(place, "erases half of it", move |run| {
                    run.args[index].parts = vec![Part::Expression(short.clone())];
                }));
            }
        }
        _ => {}
    }
}

fn shown(arg: &Template) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Expression(_) => "${}".to_owned(),
    };
    arg.parts.iter().map(part).collect()
}

fn evidence(step: &Step, run: &Run, changes: &mut Vec<Change>) {
    for (index, pattern) in run.expect.iter().enumerate() {
        let place = mention(step, "expect");
        if let Some(anything) = of_pattern::anything() {
            changes.push(change(&place, format!("expect '{pattern}' → anything"), move |run| {
                run.expect[index] = anything.clone();
            }));
        }
    }
    if let Some(unmet) = &run.unmet
        && unmet.class != FaultClass::Unknown
    {
        let name = format!("class {} → unknown", unmet.class);
        changes.push(change(&mention(step, "class"), name, |run| {
            if let Some(unmet) = &mut run.unmet {
                unmet.class = FaultClass::Unknown;
            }
        }));
    }
    for (index, fail_on) in run.fail_on.iter().enumerate() {
        let name = format!("fail_on '{}' dropped", fail_on.pattern);
        let place = mention(step, "fail_on");
        changes.push(change(&place, name, move |run| drop(run.fail_on.remove(index))));
        if fail_on.unless.is_some() {
            let name = format!("fail_on '{}' without `unless`", fail_on.pattern);
            changes.push(change(&place, name, move |run| run.fail_on[index].unless = None));
        }
        if fail_on.stop {
            let name = format!("fail_on '{}' does not stop the tool", fail_on.pattern);
            changes.push(change(&place, name, move |run| run.fail_on[index].stop = false));
        }
    }
    for (index, capture) in run.capture.iter().enumerate() {
        if let Some(other) = of_pattern::changed(&capture.pattern) {
            let name = format!("capture '{}' → '{other}'", capture.pattern);
            let place = mention(step, capture.name.as_str());
            changes.push(change(&place, name, move |run| run.capture[index].pattern = other.clone()));
        }
    }
    for (index, on_fault) in run.on_fault.iter().enumerate() {
        let place = mention(step, "on_fault");
        let set = &on_fault.set;
        changes.push(change(&place, format!("on_fault {set} dropped"), move |run| drop(run.on_fault.remove(index))));
        for class in on_fault.classes.iter().copied().filter(|_| on_fault.classes.len() > 1) {
            changes.push(change(&place, format!("on_fault {set} not on {class}"), move |run| {
                run.on_fault[index].classes.retain(|on| *on != class);
            }));
        }
        if on_fault.code.is_some() {
            changes.push(change(&place, format!("on_fault {set} with any code"), move |run| {
                run.on_fault[index].code = None;
            }));
        }
    }
}

fn conversation(step: &Step, run: &Run, changes: &mut Vec<Change>) {
    if run.prompt.is_some() {
        changes.push(change(&mention(step, "prompt"), "prompt beside the tool dropped", |run| run.prompt = None));
    }
    for (index, answer) in run.answers.iter().enumerate() {
        let place = mention(step, "answers");
        let question = &answer.when;
        changes.push(change(&place, format!("answer to '{question}' dropped"), move |run| {
            run.answers.remove(index);
        }));
        let sent = answer.send.as_ref().map(shown);
        if sent.as_deref() == Some("n") {
            changes.push(change(&place, format!("answer to '{question}' n → y"), move |run| {
                if let Some(send) = &mut run.answers[index].send {
                    send.parts = vec![Part::Text("y".to_owned())];
                }
            }));
        }
    }
}

fn surroundings(step: &Step, run: &Run, playbook: &Playbook, changes: &mut Vec<Change>) {
    if let Some(device) = &run.device {
        let place = mention(step, "device");
        let other = playbook.devices.iter().find(|other| {
            playbook.device(device).is_some_and(|device| device.ids.iter().all(|id| !other.ids.contains(id)))
        });
        if let Some(other) = other.map(|other| other.name.clone()) {
            changes.push(change(&place, format!("device {device} → {other}"), move |run| {
                run.device = run.device.take().map(|device| device.map(|_| other.clone()));
            }));
        }
    }
    for (index, staged) in run.stage.iter().enumerate() {
        let name = format!("stage {} dropped", staged.path.value);
        changes.push(change(&staged.path.place, name, move |run| drop(run.stage.remove(index))));
        let next = (index + 1) % run.stage.len();
        if next > index {
            let name = format!("stage {} swapped with {}", staged.path.value, run.stage[next].path.value);
            changes.push(change(&staged.path.place, name, move |run| {
                let (one, other) = (run.stage[index].file.clone(), run.stage[next].file.clone());
                run.stage[index].file = other;
                run.stage[next].file = one;
            }));
        }
    }
}
