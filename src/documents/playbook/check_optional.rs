//! Follows inputs that may be missing through the steps: where one is used, it must be known to be there.

use std::collections::BTreeSet;

use crate::documents::expression::{BinaryOperator, Expression, Function, Node, Part, Template, UnaryOperator};
use crate::documents::playbook::{Action, Contents, Input, Irreversible, Need, Playbook, Step};
use crate::words::{Code, Diagnostic, Id, Place, nearest};

/// Files that may be missing at some point of the procedure.
type Absent = BTreeSet<Id>;

pub(super) fn check_optional(playbook: &Playbook, diagnostics: &mut Vec<Diagnostic>) {
    for input in &playbook.inputs {
        if let Need::Without(other) = &input.need {
            let found = playbook.input(&other.value).filter(|found| found.name != input.name);
            match found.map(|found| &found.need) {
                Some(Need::Never) => {}
                Some(_) => diagnostics.push(
                    Diagnostic::error(Code::OptionalInput, &other.place, format!("`{}` is never missing", other.value))
                        .hint(format!("give `{}` the key `optional: true`", other.value)),
                ),
                None => {
                    let others = playbook.inputs.iter().map(|input| input.name.as_str());
                    let near = nearest(other.value.as_str(), others.filter(|name| *name != input.name.as_str()));
                    let mut diagnostic = Diagnostic::error(
                        Code::UnknownName,
                        &other.place,
                        format!("no other input is called `{}`", other.value),
                    );
                    diagnostic.hint = near.map(|near| format!("did you mean `{near}`?"));
                    diagnostics.push(diagnostic);
                }
            }
        }
    }
    for input in &playbook.inputs {
        if let Some(together) = input.together.as_ref().filter(|_| !matches!(input.need, Need::Never)) {
            let message = format!("`{}` is never missing, so it cannot go together with others", input.name);
            diagnostics.push(
                Diagnostic::error(Code::OptionalInput, &together.place, message)
                    .hint("give it the key `optional: true`"),
            );
        }
    }
    let optional = |input: &&Input| !matches!(input.need, Need::Always);
    let absent: Absent = playbook.inputs.iter().filter(optional).map(|input| input.name.clone()).collect();
    let mut follower = Follower { playbook, diagnostics };
    let absent = follower.steps(&playbook.steps, absent);
    for afterwards in &playbook.afterwards {
        let known = afterwards.when.as_ref().map(|when| {
            follower.expression(when, &absent);
            follower.known_there(&when.root, Truth::Holds)
        });
        follower.template(&afterwards.text, &without(&absent, &known.unwrap_or_default()));
    }
}

struct Follower<'a> {
    playbook: &'a Playbook,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Follower<'_> {
    /// Answers with what may be missing after the steps.
    fn steps(&mut self, steps: &[Step], absent: Absent) -> Absent {
        steps.iter().fold(absent, |absent, step| self.step(step, &absent))
    }

    fn step(&mut self, step: &Step, absent: &Absent) -> Absent {
        let mut inside = absent.clone();
        let mut skipped = Absent::new();
        if let Some(when) = &step.when {
            self.expression(when, absent);
            inside = without(absent, &self.known_there(&when.root, Truth::Holds));
            skipped = without(absent, &self.known_there(&when.root, Truth::Fails));
        }
        if let Some(retry) = &step.retry {
            self.steps(&retry.prepare, inside.clone());
        }
        if let Some(proof) = &step.proven_by {
            let after = self.steps(&proof.steps, inside.clone());
            self.expression(&proof.holds, &after);
        }
        if let Some(irreversible) = &step.irreversible {
            self.readings(irreversible, &inside);
        }
        match &step.action {
            Action::Steps(steps) => inside = self.steps(steps, inside),
            Action::Run(run) => {
                inside = without(&inside, &run.produces.iter().map(|name| name.value.clone()).collect());
                let prompts = run.prompt.iter().chain(run.answers.iter().filter_map(|answer| answer.prompt.as_ref()));
                let answers = run.answers.iter().filter_map(|answer| answer.send.as_ref());
                let texts = run.args.iter().chain(prompts.map(|prompt| &prompt.text)).chain(answers);
                texts.for_each(|text| self.template(text, &inside));
                for staged in &run.stage {
                    let (file, place) = (&staged.file.value, &staged.file.place);
                    let name = Node::Name { name: file.clone(), start: 0, end: place.end.saturating_sub(place.start) };
                    self.node(&name, place, &inside);
                }
            }
            Action::Prompt(prompt) => self.template(&prompt.text, &inside),
            Action::Check(check) => {
                self.expression(&check.holds, &inside);
                check.message.iter().for_each(|message| self.template(message, &inside));
            }
            Action::Write(write) => {
                if let Contents::Text(text) = &write.contents {
                    self.template(text, &inside);
                }
                inside.remove(&write.name);
            }
            Action::Refuse(refuse) => {
                refuse.next.iter().chain([&refuse.text]).for_each(|text| self.template(text, &inside));
                // Nothing comes after it.
                inside.clear();
            }
            Action::TellApart(tell_apart) => {
                inside = self.steps(&tell_apart.answers.steps, inside);
                self.expression(&tell_apart.answers.holds, &inside);
            }
            Action::Wait => step.ask.iter().for_each(|ask| self.template(&ask.prompt.text, &inside)),
        }
        inside.extend(skipped);
        inside
    }

    fn readings(&mut self, irreversible: &Irreversible, absent: &Absent) {
        for reading in [&irreversible.already_done, &irreversible.verify] {
            let after = self.steps(&reading.steps, absent.clone());
            self.expression(&reading.holds, &after);
        }
    }

    fn template(&mut self, template: &Template, absent: &Absent) {
        for part in &template.parts {
            if let Part::Expression(expression) = part {
                self.expression(expression, absent);
            }
        }
    }

    fn expression(&mut self, expression: &Expression, absent: &Absent) {
        self.node(&expression.root, &expression.place, absent);
    }

    fn node(&mut self, node: &Node, place: &Place, absent: &Absent) {
        match node {
            Node::Name { name, start, end } if absent.contains(name) => {
                let place = place.within(*start, end - start);
                self.diagnostics.push(
                    Diagnostic::error(Code::OptionalInput, &place, format!("`{name}` may be missing here"))
                        .label("optional input")
                        .hint(format!("add `when: given({name})` to this step, or to a group around it")),
                );
            }
            Node::Call { function: Function::Given, .. } => {}
            Node::Call { arguments, .. } => arguments.iter().for_each(|argument| self.node(argument, place, absent)),
            Node::Unary { operand, .. } => self.node(operand, place, absent),
            Node::Binary { operator, left, right, .. } => {
                self.node(left, place, absent);
                // The right side counts only where the left one has not decided already.
                let known = match operator {
                    BinaryOperator::And => self.known_there(left, Truth::Holds),
                    BinaryOperator::Or => self.known_there(left, Truth::Fails),
                    _ => Absent::new(),
                };
                self.node(right, place, &without(absent, &known));
            }
            Node::Name { .. } | Node::Integer(_) | Node::Text(_) | Node::Boolean(_) => {}
        }
    }

    /// The files that must be there for this condition to hold, or to fail.
    fn known_there(&self, condition: &Node, truth: Truth) -> Absent {
        match (condition, truth) {
            (Node::Call { function: Function::Given, arguments, .. }, _) => match (arguments.as_slice(), truth) {
                ([Node::Name { name, .. }], Truth::Holds) => self.given_with(name),
                ([Node::Name { name, .. }], Truth::Fails) => self.needed_without(name),
                _ => Absent::new(),
            },
            (Node::Unary { operator: UnaryOperator::Not, operand, .. }, _) => {
                self.known_there(operand, truth.opposite())
            }
            (Node::Binary { operator: BinaryOperator::And, left, right, .. }, Truth::Holds)
            | (Node::Binary { operator: BinaryOperator::Or, left, right, .. }, Truth::Fails) => {
                let mut known = self.known_there(left, truth);
                known.extend(self.known_there(right, truth));
                known
            }
            _ => Absent::new(),
        }
    }

    /// The input itself, and those that are only ever given together with it.
    fn given_with(&self, name: &Id) -> Absent {
        let word = |input: &Input| input.together.as_ref().map(|together| together.value.clone());
        let wanted = self.playbook.input(name).and_then(word);
        let together = self.playbook.inputs.iter().filter(|input| wanted.is_some() && word(input) == wanted);
        together.map(|input| input.name.clone()).chain([name.clone()]).collect()
    }

    fn needed_without(&self, name: &Id) -> Absent {
        let needs = |need: &Need| matches!(need, Need::Without(other) if other.value == *name);
        self.playbook.inputs.iter().filter(|input| needs(&input.need)).map(|input| input.name.clone()).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Truth {
    Holds,
    Fails,
}

impl Truth {
    fn opposite(self) -> Truth {
        match self {
            Truth::Holds => Truth::Fails,
            Truth::Fails => Truth::Holds,
        }
    }
}

fn without(absent: &Absent, known: &Absent) -> Absent {
    absent.difference(known).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::documents::catalog::shipped;
    use crate::documents::playbook::{Need, check, load};
    use crate::words::Source;

    const HEAD: &str = "\
format: 1
board: Board
inputs:
  table: {file: table.tsv, optional: true, names_files: {column: 2, comment: '#', except: [none]}}
  image: {file: image.bin, optional_with: table}
  extra: {file: extra.bin, optional: true}
devices:
  rom: {usb: '1209:0001', label: ROM}
steps:
";

    fn diagnostics(steps: &str) -> Vec<String> {
        faults_of(&format!("{HEAD}{steps}"))
    }

    fn faults_of(text: &str) -> Vec<String> {
        let source = Arc::new(Source { name: "test.yaml".into(), text: text.to_owned() });
        let loaded = load(&source, &|_| Err("there are none".to_owned()));
        let mut diagnostics = loaded.diagnostics;
        diagnostics.extend(loaded.playbook.iter().flat_map(|playbook| check(playbook, &shipped().expect("is sound"))));
        let line = |diagnostic: &crate::words::Diagnostic| {
            let place = diagnostic.place.as_ref().map(|place| place.position().line).unwrap_or_default();
            format!("{place}: {}", diagnostic.message)
        };
        diagnostics.iter().map(line).collect()
    }

    const WRITE_TABLE: &str = "  - write: {name: table, file: table.tsv, text: \"P\\t0x1\\tfsbl\\tBinary\\tnone\\t0x0\\t${image}\"}\n    when: not given(table)\n";
    const USE_TABLE: &str = "  - run: STM32_Programmer_CLI\n    args: [-c, port=USB1, -d, '${table}']\n";

    #[test]
    fn an_optional_input_must_be_known_to_be_there() {
        assert_eq!(diagnostics(USE_TABLE), ["11: `table` may be missing here"]);
        assert_eq!(diagnostics(&format!("{USE_TABLE}    when: given(table)\n")), [""; 0]);
        let either = format!("{USE_TABLE}    when: given(table) or given(extra)\n");
        assert_eq!(diagnostics(&either), ["11: `table` may be missing here"]);
        assert_eq!(diagnostics("  - check: size(extra) > 0\n"), ["10: `extra` may be missing here"]);
        assert_eq!(diagnostics("  - check: given(extra) and size(extra) > 0\n"), [""; 0]);
        assert_eq!(diagnostics("  - check: not given(extra) or size(extra) > 0\n"), [""; 0]);
        let group = "  - when: given(extra) and present(rom)\n    steps: [{check: size(extra) > 0}]\n";
        assert_eq!(diagnostics(group), [""; 0]);
    }

    #[test]
    fn inputs_that_go_together_are_there_together() {
        let together = |image: &str| {
            let pair = "image: {file: image.bin, optional: true, together: both}\n  \
                        extra: {file: extra.bin, optional: true, together: both}\n";
            let start = HEAD.find("image:").unwrap_or_default();
            let end = HEAD.find("devices:").unwrap_or_default();
            format!("{}{}{}  - check: given(image) and size(extra) > 0\n", &HEAD[..start], pair, &HEAD[end..])
                .replace("image.bin, optional: true", image)
        };
        assert_eq!(faults_of(&together("image.bin, optional: true")), [""; 0]);
        let needed = faults_of(&together("image.bin"));
        assert_eq!(needed, ["5: `image` is never missing, so it cannot go together with others"]);
    }

    #[test]
    fn what_a_step_writes_is_there_afterwards() {
        assert_eq!(diagnostics(&format!("{WRITE_TABLE}{USE_TABLE}")), [""; 0]);
        let other_condition = WRITE_TABLE.replace("not given(table)", "present(rom) and not given(table)");
        assert_eq!(diagnostics(&format!("{other_condition}{USE_TABLE}")), ["13: `table` may be missing here"]);
        let refused = "  - refuse: No table.\n    when: not given(table)\n";
        assert_eq!(diagnostics(&format!("{refused}{USE_TABLE}")), [""; 0]);
    }

    #[test]
    fn an_input_needed_without_another_is_there_where_the_other_is_not() {
        assert_eq!(
            diagnostics(&WRITE_TABLE.replace("    when: not given(table)\n", "")),
            ["10: `image` may be missing here"]
        );
        assert_eq!(
            diagnostics(&WRITE_TABLE.replace("not given(table)", "not given(extra)")),
            ["10: `image` may be missing here"]
        );
    }

    #[test]
    fn the_keys_of_an_input_are_read_and_checked() {
        let steps = "  - wait: {present: rom}\n";
        let with = |from: &str, to: &str| faults_of(&format!("{}{steps}", HEAD.replace(from, to)));
        assert_eq!(with("optional_with: table", "optional_with: tabel"), ["5: no other input is called `tabel`"]);
        let not_optional = with("table.tsv, optional: true", "table.tsv, optional: false");
        assert_eq!(not_optional, ["5: `table` is never missing"]);
        assert_eq!(with("column: 2", "column: 0"), ["4: 0 is out of range: 1 to 100"]);
        assert_eq!(with("column: 2, ", ""), ["4: `names_files` needs the key `column`, counted from 1"]);
        let both = with("optional_with: table", "optional: true, optional_with: table");
        assert_eq!(both, ["5: `optional` and `optional_with` say different things of one input; keep one"]);

        let source = Arc::new(Source { name: "test.yaml".into(), text: format!("{HEAD}{steps}") });
        let playbook = load(&source, &|_| Err("there are none".to_owned())).playbook.expect("is sound");
        let needs: Vec<_> = playbook.inputs.iter().map(|input| &input.need).collect();
        assert!(matches!(needs.as_slice(), [Need::Never, Need::Without(_), Need::Never]));
        let table = playbook.inputs[0].names_files.as_ref().expect("names files");
        assert_eq!(
            (table.column, table.comment.as_deref(), table.except.as_slice()),
            (2, Some("#"), &["none".into()][..])
        );
    }
}
