//! Reads steps: the part of a playbook that is ordered.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::documents::expression::Template;
use crate::documents::forms::{CLASS, HAND, ID, PARAMETER, SCALAR, TEXTS};
use crate::documents::keys::{Field, Keys, Shape, Way, Ways, keys};
use crate::documents::playbook::procedure::{count_step, is_bare_call, made_id, read_call};
use crate::documents::playbook::read_answers::AnswerKeys;
use crate::documents::playbook::read_input::NUMBER;
use crate::documents::playbook::read_input::{is_part_of_a_program, part_of_a_program};
use crate::documents::playbook::read_reading::{
    IrreversibleKeys, ProofKeys, TellApartKeys, read_irreversible, read_proof, read_tell_apart,
};
use crate::documents::playbook::read_run::{CaptureKeys, ChangesKeys, FailOnKeys, NOTHING, OnFaultKeys, read_run};
use crate::documents::playbook::{
    Action, Backoff, CheckStep, Contents, Enough, HandMove, Hint, Instead, LateAsk, Prompt, RefuseStep, RestartAt,
    Retry, Step, ThirdFailure, Timeout, Until, WriteStep,
};
use crate::documents::reader::{Parts, Reader};
use crate::documents::{Yaml, YamlKind};
use crate::words::{Code, Diagnostic, FaultClass, Id, Located, Place, ThirdTime, meant_or_known, nearest, parse_time};

const ATTEMPTS_MAX: u32 = 20;
const RESTARTS_MAX: u32 = 10;
const TOLD_MAX: u32 = 10;
/// Of one step; nobody reads more while they wait.
const HINTS_MAX: usize = 12;
const RESTARTS_DEFAULT: u32 = 2;
const BACKOFF_DEFAULT: Duration = Duration::from_millis(500);
pub(super) const GROUP_DEPTH_MAX: usize = 8;
/// What a sector of flash may have, in bytes.
const SECTORS: RangeInclusive<u32> = 0x100..=0x10_0000;
/// More than any flash has.
const ZEROS_MAX: u32 = 0x400_0000;

pub(super) const STEPS: Shape = Shape::Part("steps", "", &Shape::SomeList(&Shape::Map(StepKeys::kind)));
pub(super) const HANDS: Shape = Shape::Part("hands", "", &Shape::Either(&[HAND, Shape::List(&HAND)]));
const CLASS_OR_GROUP: Shape = Shape::Part(
    "class_or_group",
    "",
    &Shape::Either(&[CLASS, Shape::About("A name of `fault_groups`.", &ID), PARAMETER]),
);
pub(super) const CLASSES: Shape =
    Shape::Part("classes", "", &Shape::Either(&[CLASS_OR_GROUP, Shape::List(&CLASS_OR_GROUP)]));
/// In a family a parameter may stand in its place.
pub(super) const TIME: Shape = Shape::Part("time", "With its unit: 500ms, 30s, 5m.", &Shape::Text);
pub(super) const EXPRESSION_PART: &str = "expression";
pub(super) const ABOUT_EXPRESSION: &str = "Such as size(firmware) > 0x1000; ${…} around it may be left out.";
pub(super) const EXPRESSION: Shape = Shape::Part(EXPRESSION_PART, ABOUT_EXPRESSION, &Shape::Scalar);

keys! {
    STEP: StepKeys = "a step", part("step"),
        about("Exactly one of run, prompt, wait, write, check, refuse, tell_apart, steps and do; run may have a \
         prompt too."),
    ways(Ways::OneOf(&[
        Way::With(&["run"]),
        Way::Without("prompt", "run"),
        Way::With(&["wait"]),
        Way::With(&["write"]),
        Way::With(&["check"]),
        Way::With(&["refuse"]),
        Way::With(&["tell_apart"]),
        Way::With(&["steps"]),
        Way::With(&["do"]),
    ]));
    id: Shape::Text, "The step's name for other steps, for tests and for the person: small letters, digits, - and _.";
    name: Shape::Text, "What people see; the id in words without it.";
    when: EXPRESSION, "The step is skipped where this does not hold.";
    timeout: Shape::Either(&[TIME, Shape::Map(TimeoutKeys::kind)]),
        "How long it may take; without it 10 minutes for a prompt or a wait, and what the catalog says for a call. \
         With per_mb it grows with the files that are handed to the tool, and with what it erases. A call that has \
         used all of it doubles it for the next one, twice at most.", beside(&[&["run"], &["prompt"], &["wait"]]);
    retry: Shape::Map(RetryKeys::kind), "Tried again after faults of these classes.";
    until: Shape::Map(UntilKeys::kind),
        "The step goes on when the devices are so: after a prompt or a call.", beside(&[&["run"], &["prompt"]]);
    instead: Shape::Either(&[PARAMETER, Shape::Named(&Shape::Either(&[Shape::Text, Shape::Map(InsteadKeys::kind)]))]),
        "What it means when one of these devices comes in place of the wanted one.";
    ask: Shape::Map(AskKeys::kind),
        "What a wait asks the person to do before it fails: hands help where the hardware does not come by itself.",
        beside(&[&["wait"]]);
    hints: Shape::Either(&[PARAMETER, Shape::Named(&TEXTS)]),
        "What else may be the reason where the devices of a prompt or a wait do not come, or a tool beside a prompt waits in \
         vain, by how long it has waited: \
         {20s: a text, 1m: [texts]}. Each is told once, beside what recover knows for any board.",
        beside(&[&["prompt"], &["wait"], &["until"]]);
    sets: Shape::Text, "A value that says whether a wait was met, or which way the person chose.";
    irreversible: Shape::Map(IrreversibleKeys::kind),
        "Can never be undone: asked for, tried once, and only a reading decides.";
    proven_by: Shape::Map(ProofKeys::kind),
        "How it shows that the step's work is done already. Looked at only where a run starts from what an earlier one has left, \
         or writes only what differs; flash that is written from a file and read back later needs no words.";
    sector: NUMBER,
        "The flash that this group erases and writes is erased in pieces of so many bytes: where the board holds a part of the \
         file already, only the pieces that differ are erased and written.", beside(&[&["steps"], &["do"]]);
    restart_at: Shape::Either(&[Shape::Text, Shape::Map(RestartAtKeys::kind)]),
        "Goes back to an earlier step when the board is lost: its id, or more about it.";
    if_met: Shape::Text, "What is told when a wait with `sets` was met in time.", beside(&[&["prompt"], &["wait"]]);
    if_unmet: Shape::Text, "What is told when it was not.", beside(&[&["prompt"], &["wait"]]);
    if_stopped: Shape::Text, "In which state the board is when the run ends here.";
    third_time: Shape::Map(ThirdTimeKeys::kind),
        "What it means when the step fails for the third time with a fault of one of these classes; steps within \
         groups only.";
    run: Shape::Text, "A tool of the catalog.";
    args: Shape::List(&SCALAR),
        "Its arguments; ${…} is filled in. Nothing passes through a shell.", beside(&[&["run"]]);
    device: Shape::Text,
        "The device this call acts on: whether it is there helps to judge the output.", beside(&[&["run"]]);
    expect: TEXTS, "Patterns; each must match some line of the output.", beside(&[&["run"]]);
    fail_on: Shape::List(&Shape::Map(FailOnKeys::kind)),
        "Output that is a fault, beside what the catalog knows of the tool.", beside(&[&["run"]]);
    capture: Shape::Named(&Shape::Map(CaptureKeys::kind)),
        "Values by name, taken from the output: the first group of the last match.", beside(&[&["run"]]);
    produces: TEXTS, "Files this call makes, by names that arguments and expressions use.", beside(&[&["run"]]);
    answers: Shape::List(&Shape::Map(AnswerKeys::kind)),
        "What the tool is answered when it asks; the first that fits is given.", beside(&[&["run"]]);
    stage: Shape::Named(&Shape::Text),
        "Files put into the tool's private folder before it starts, by their path there.", beside(&[&["run"]]);
    on_fault: Shape::List(&Shape::Map(OnFaultKeys::kind)),
        "Faults that are no failure: each makes a value true, and the playbook goes on. Where retry is for such a \
         fault too, only that of the last attempt counts.", beside(&[&["run"]]);
    changes: Shape::Either(&[Shape::Only(NOTHING), Shape::Map(ChangesKeys::kind), Shape::List(&Shape::Text)]),
        "What the call changes of the memory that lasts, where its arguments do not show it: nothing (only memory \
         that the next loss of power clears), a range, or a list of the files that are written, each in its own place.", beside(&[&["run"]]);
    prompt: Shape::Text, "What the person is asked to do; beside run, shown while the tool runs.";
    hands: HANDS, "What the virtual person does, or what `--hands` calls.", beside(&[&["prompt"]]);
    wait: Shape::Map(UntilKeys::kind), "Waits until the devices are so.";
    write: Shape::Map(WriteKeys::kind), "Writes a file, with exactly one of text and zeros.";
    check: EXPRESSION, "Must hold, or the run fails here.";
    refuse: Shape::Text, "Ends the run here, saying why.";
    next: TEXTS, "What to do when the run ends in this step, beside the general advice; groups hand it down. Of a refusal: what to do now.",
        beside(&[&["run"], &["prompt"], &["wait"], &["check"], &["refuse"], &["steps"], &["do"]]);
    tell_apart: Shape::Map(TellApartKeys::kind),
        "Of several devices with one id: the steps are carried out for each alone; the one that is meant is the one \
         for which it holds.";
    steps: STEPS, "A group: its steps are retried, skipped and restarted as one.";
    call "do": Shape::Text,
        "A procedure. Alone, its steps stand here; with `id`, `when`, `retry` and the like it is a group of them, and \
         an `id` goes before theirs.";
    with: Shape::AnyMap, "The procedure's parameters.", beside(&[&["do"]]);
    class: CLASS,
        "What kind of fault it is when `check` does not hold, or `expect` is not met.",
        beside(&[&["run", "expect"], &["check"]]);
    message: Shape::Text, "What that means, for the person.", beside(&[&["run", "expect"], &["check"]]);
}

keys! {
    TIMEOUT: TimeoutKeys = "`timeout`";
    base: TIME, "For any file.", required();
    per_mb: TIME, "For each started 1,000,000 bytes more.", required();
    at_least: TIME, "However small the files are.";
}

keys! {
    RETRY: RetryKeys = "`retry`";
    attempts: Shape::Integer(2, ATTEMPTS_MAX), "In all, the first included.", required();
    on: CLASSES, "Classes of fault after which another attempt makes sense.", required();
    backoff: TIME, "The pause before the second attempt; it doubles each time, up to 30 s.";
    prepare: STEPS, "Done before each further attempt, to bring board and tool back in step.";
}

keys! {
    RESTART_AT: RestartAtKeys = "`restart_at`";
    step: Shape::Text, "The step to go back to.", required();
    on: CLASSES, "Classes of fault after which it goes back; device-lost without it.";
    times: Shape::Integer(1, RESTARTS_MAX), "How often in one run; 2 without it.";
}

keys! {
    UNTIL: UntilKeys = "a wait", part("until"), ways(Ways::AtLeastOneOf(&[Way::With(&["present"]), Way::With(&["again"]), Way::With(&["gone"])]));
    present: TEXTS, "Devices that must be there.";
    again: TEXTS, "Devices that must have been away and have come back.";
    gone: TEXTS, "Devices that must not be there.";
    lasting "for": TIME, "The state must last so long.";
}

keys! {
    INSTEAD: InsteadKeys = "`instead`";
    say: Shape::Text, "What it means, and what to do.", required();
    hands: HANDS, "What the virtual person does about it, or what `--hands` calls.";
    times: Shape::Integer(1, TOLD_MAX),
        "Told so often in a wait or a prompt, and there again: then it has another reason, and the wait ends.",
        beside(&[&["sets"]]);
    sets: Shape::Text,
        "A value that is true when the wait has ended so, for the steps that look for the reason.",
        beside(&[&["times"]]);
}

keys! {
    ASK: AskKeys = "`ask`";
    after: TIME, "So long after the wait has begun.", required();
    prompt: Shape::Text, "What the person is to do.", required();
    hands: HANDS, "What the virtual person does about it, or what `--hands` calls.";
}

keys! {
    THIRD_TIME: ThirdTimeKeys = "`third_time`";
    on: CLASSES, "Classes of fault that count.", required();
    unchanged: Shape::Text, "Only where this file, which a tool has made, holds the same as the time before.";
    unlike: Shape::Text,
        "And only where that file differs from this one in more than single places. Needs `unchanged`.";
    class: CLASS, "What kind of fault it is then; the same without it.";
    message: Shape::Text, "What is told.", required();
    help: Shape::Text, "What to do.";
}

keys! {
    WRITE: WriteKeys = "`write`", ways(Ways::OneOf(&[Way::With(&["text"]), Way::With(&["zeros"])]));
    name: Shape::Text, "Under this name arguments and expressions use the file.", required();
    file: Shape::Text, "Its name, without any folder.", required();
    text: Shape::Text, "What it holds; ${…} is filled in.";
    zeros: NUMBER, "So many bytes of zero.";
}

const ACTIONS: [Field<StepKeys>; 9] =
    [STEP.run, STEP.prompt, STEP.wait, STEP.write, STEP.check, STEP.refuse, STEP.tell_apart, STEP.steps, STEP.call];

/// Reads a list of steps. `prefix` makes ids for steps that have none.
pub(super) fn read_steps(reader: &mut Reader, yaml: &Yaml, prefix: &str, depth: usize) -> Vec<Step> {
    if depth > GROUP_DEPTH_MAX {
        reader.report(Diagnostic::error(Code::TooMuch, &yaml.place, "groups are nested too deeply here"));
        return Vec::new();
    }
    let mut steps = Vec::new();
    read_list(reader, yaml, &mut ListReading { prefix, depth, number: 0, steps: &mut steps });
    steps
}

/// A list of steps that is being read; calls of procedures add theirs to it.
struct ListReading<'a> {
    prefix: &'a str,
    depth: usize,
    /// Of the step before.
    number: usize,
    steps: &'a mut Vec<Step>,
}

fn read_list(reader: &mut Reader, yaml: &Yaml, list: &mut ListReading<'_>) {
    let items = reader.list(yaml, "steps");
    if items.is_empty() && matches!(yaml.kind, YamlKind::List(_)) {
        reader.report(Diagnostic::error(Code::EmptyList, &yaml.place, "at least one step is needed here"));
    }
    for item in items {
        if is_bare_call(item) {
            if let Some(call) = reader.parts(item, &STEP) {
                read_call(reader, &call, None, |reader, steps| read_list(reader, steps, list));
            }
        } else {
            list.number += 1;
            list.steps.extend(read_step(reader, item, &format!("{}-{}", list.prefix, list.number), list.depth));
        }
    }
}

fn read_step(reader: &mut Reader, yaml: &Yaml, default_id: &str, depth: usize) -> Option<Step> {
    let entries = reader.parts(yaml, &STEP)?;
    let place = entries.place().clone();

    if reader.procedures.filling().is_some() && !count_step(reader, &place) {
        return None;
    }

    let given_id = entries.get(STEP.id).and_then(|given| read_id(reader, given)).map(|id| id.value);
    let id = given_id.clone().map_or_else(|| made_id(default_id), Ok);
    let id = id.map_err(|message| reader.report(id_too_long(&place, message))).ok()?;
    let name = entries.get(STEP.name).and_then(|name| reader.name_of_lines(name));
    let action = read_action(reader, &entries, &StepIds { id: &id, is_given: given_id.is_some() }, depth);
    let step = Step {
        filling: reader.procedures.filling(),
        name: name.unwrap_or_else(|| in_words(&id)),
        when: entries.get(STEP.when).and_then(|when| reader.expression(when)),
        timeout: entries.get(STEP.timeout).and_then(|timeout| read_timeout(reader, timeout)),
        retry: entries.get(STEP.retry).and_then(|retry| read_retry(reader, retry, &id, depth)),
        restart_at: entries.get(STEP.restart_at).and_then(|restart| read_restart(reader, restart)),
        until: entries.get(STEP.until).or(entries.get(STEP.wait)).and_then(|until| read_until(reader, until)),
        sets: entries.get(STEP.sets).and_then(|name| reader.named_value(name)),
        if_met: entries.get(STEP.if_met).and_then(|text| reader.prose(text)),
        if_unmet: entries.get(STEP.if_unmet).and_then(|text| reader.prose(text)),
        instead: entries.get(STEP.instead).map(|instead| read_instead(reader, instead)).unwrap_or_default(),
        hints: entries.get(STEP.hints).map(|hints| read_hints(reader, hints)).unwrap_or_default(),
        ask: entries.get(STEP.ask).and_then(|ask| read_ask(reader, ask)),
        irreversible: entries
            .get(STEP.irreversible)
            .and_then(|irreversible| read_irreversible(reader, irreversible, &id, depth)),
        proven_by: entries.get(STEP.proven_by).and_then(|proof| read_proof(reader, proof, &id, depth)),
        sector: entries.get(STEP.sector).and_then(|sector| read_sector(reader, sector)),
        if_stopped: entries.get(STEP.if_stopped).and_then(|text| reader.prose(text)),
        third_time: entries.get(STEP.third_time).and_then(|third| read_third_time(reader, third)),
        next: match &action {
            // Of a refusal it is part of what is said.
            Some(Action::Refuse(_)) | None => Vec::new(),
            Some(_) => read_next(reader, &entries),
        },
        action: action?,
        id,
        place,
        key_places: entries.all().iter().map(|(key, _)| (key.text.clone(), key.place.clone())).collect(),
    };
    Some(step)
}

/// No flash is erased in other pieces.
fn read_sector(reader: &mut Reader, yaml: &Yaml) -> Option<Located<u32>> {
    let value = reader.count(yaml, SECTORS)?;
    if !value.is_power_of_two() {
        let message = format!("a sector of flash has a power of two as its size, and {value:#x} is none");
        reader.report(Diagnostic::error(Code::BadNumber, &yaml.place, message));
        return None;
    }
    Some(Located { value, place: yaml.place.clone() })
}

/// The id of a step of this list or around it, as it is in the place of a call.
pub(super) fn read_id(reader: &mut Reader, yaml: &Yaml) -> Option<Located<Id>> {
    let Located { value, place } = reader.parsed::<Id>(yaml)?;
    match reader.procedures.id_here(value) {
        Ok(value) => Some(Located { value, place }),
        Err(message) => {
            reader.report(id_too_long(&place, message));
            None
        }
    }
}

fn id_too_long(place: &Place, message: String) -> Diagnostic {
    Diagnostic::error(Code::BadName, place, message)
        .hint("it begins with the id of what is around it: make that one shorter")
}

/// A step's id, and whether its author gave it.
struct StepIds<'a> {
    id: &'a Id,
    is_given: bool,
}

fn read_next(reader: &mut Reader, entries: &Parts<'_, StepKeys>) -> Vec<Template> {
    let next = entries.get(STEP.next).map(|next| reader.one_or_more(next, "texts")).unwrap_or_default();
    next.iter().filter_map(|text| reader.prose_template(text)).collect()
}

fn in_words(id: &Id) -> String {
    let words = id.as_str().replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

fn read_action(reader: &mut Reader, entries: &Parts<'_, StepKeys>, id: &StepIds<'_>, depth: usize) -> Option<Action> {
    // In the order of the document: the second of two is the one to be marked.
    let mut given: Vec<Field<StepKeys>> = Vec::new();
    for (action, ..) in entries.given(&ACTIONS) {
        // A key that is given twice has been reported as such.
        if !given.contains(&action) {
            given.push(action);
        }
    }
    // A step whose action is missing or misspelt is told just that.
    if !given.is_empty() {
        let names: Vec<&str> = given.iter().map(|action| action.name).collect();
        let label = format!("has no meaning beside `{}`", names.join("`, `"));
        let belongs = |key: &str, actions: &str| format!("`{key}` belongs to a step with {actions}");
        reader.companions_labelled(entries, belongs, Some(&label));
    }
    let action = match given.as_slice() {
        // The prompt is shown while the tool runs.
        [one, other] if [*one, *other] == [STEP.run, STEP.prompt] || [*one, *other] == [STEP.prompt, STEP.run] => {
            STEP.run
        }
        [] => {
            // A misspelt action has been reported as an unknown key.
            let (known, actions) = (StepKeys::kind().names(), ACTIONS.map(|action| action.name));
            let misspelt = |key: &str| !known.contains(&key) && nearest(key, actions).is_some();
            if !entries.all().iter().any(|(key, _)| misspelt(&key.text)) {
                reader.report(
                    Diagnostic::error(Code::ExclusiveKeys, entries.place(), "this step does nothing")
                        .hint(format!("give it one of {}", actions.join(", "))),
                );
            }
            return None;
        }
        [action] => *action,
        [first, others @ ..] => {
            for other in others {
                let place = entries.key_place(*other).unwrap_or(entries.place());
                reader.report(
                    Diagnostic::error(
                        Code::ExclusiveKeys,
                        place,
                        format!("this step has two actions: `{}` and `{}`", first.name, other.name),
                    )
                    .label("second action")
                    .hint("make it two steps, or a group with `steps`"),
                );
            }
            // Both are read all the same, so that what is wrong within them shows now and not after the next try.
            for other in others {
                read_one_action(reader, entries, *other, id, depth);
            }
            *first
        }
    };
    read_one_action(reader, entries, action, id, depth)
}

fn read_one_action(
    reader: &mut Reader,
    entries: &Parts<'_, StepKeys>,
    action: Field<StepKeys>,
    ids: &StepIds<'_>,
    depth: usize,
) -> Option<Action> {
    let id = ids.id;
    let value = entries.get(action)?;
    Some(match action {
        _ if action == STEP.run => Action::Run(Box::new(read_run(reader, entries, value)?)),
        _ if action == STEP.prompt => Action::Prompt(read_prompt(reader, value, entries.get(STEP.hands))?),
        _ if action == STEP.wait => Action::Wait,
        _ if action == STEP.tell_apart => Action::TellApart(Box::new(read_tell_apart(reader, value, id, depth)?)),
        _ if action == STEP.write => Action::Write(read_write(reader, value)?),
        _ if action == STEP.check => Action::Check(CheckStep {
            holds: reader.expression(value)?,
            text: reader.text(value)?.value,
            class: match entries.get(STEP.class) {
                Some(class) => read_class(reader, class)?,
                None => FaultClass::Unknown,
            },
            message: entries.get(STEP.message).and_then(|message| reader.prose_template(message)),
        }),
        _ if action == STEP.refuse => {
            let next = read_next(reader, entries);
            Action::Refuse(RefuseStep { text: reader.prose_template(value)?, next })
        }
        _ if action == STEP.call => {
            let given = ids.is_given.then(|| id.clone());
            let read = |reader: &mut Reader, steps: &Yaml| read_steps(reader, steps, id.as_str(), depth + 1);
            Action::Steps(read_call(reader, entries, given, read)?)
        }
        _ => Action::Steps(read_steps(reader, value, id.as_str(), depth + 1)),
    })
}

fn read_write(reader: &mut Reader, yaml: &Yaml) -> Option<WriteStep> {
    let parts = reader.parts(yaml, &WRITE)?;
    let name = parts.get(WRITE.name)?;
    let file = parts.get(WRITE.file)?;
    let contents = match (parts.get(WRITE.text), parts.get(WRITE.zeros)) {
        (Some(text), None) => Contents::Text(reader.template(text)?),
        (None, Some(zeros)) => Contents::Zeros(reader.count(zeros, 1..=ZEROS_MAX)?),
        _ => {
            let diagnostic = Diagnostic::error(
                Code::ExclusiveKeys,
                parts.place(),
                "`write` needs exactly one of `text` and `zeros`",
            );
            reader.report(diagnostic.hint("`zeros: 4096` writes a file of so many zero bytes"));
            return None;
        }
    };
    Some(WriteStep { name: reader.named_value(name)?, file: plain_file_name(reader, file)?, contents })
}

/// A prompt, with what the hands do.
pub(super) fn read_prompt(reader: &mut Reader, text: &Yaml, hands: Option<&Yaml>) -> Option<Prompt> {
    Some(Prompt {
        text: reader.prose_template(text)?,
        hands: hands.map(|hands| read_hands(reader, hands)).unwrap_or_default(),
    })
}

/// A name without any folder: it ends up in the run's own folder.
fn plain_file_name(reader: &mut Reader, yaml: &Yaml) -> Option<Located<String>> {
    let name = reader.name(yaml)?;
    if name.value.is_empty() || name.value.starts_with('.') || name.value.contains(['/', '\\', ':', '\0']) {
        reader.report(Diagnostic::error(
            Code::Malformed,
            &name.place,
            "a plain file name is needed here, without any folder",
        ));
        return None;
    }
    if is_part_of_a_program(&name.value) {
        reader.report(part_of_a_program(&name));
        return None;
    }
    Some(name)
}

pub(super) fn read_class(reader: &mut Reader, yaml: &Yaml) -> Option<FaultClass> {
    read_class_beside(reader, yaml, |_| Vec::new())
}

/// A class where one of these groups might stand as well.
fn read_class_beside(reader: &mut Reader, yaml: &Yaml, groups: fn(&Reader) -> Vec<Id>) -> Option<FaultClass> {
    let text = reader.text(yaml)?;
    let parsed = text.value.parse::<FaultClass>();
    parsed
        .map_err(|error| {
            let groups = groups(reader);
            let message = match groups.as_slice() {
                [] => error.to_string(),
                _ => format!("`{}` is neither a class of fault nor a group of them", text.value),
            };
            let known = FaultClass::words().into_iter().chain(groups.iter().map(Id::as_str));
            reader.report(
                Diagnostic::error(Code::UnknownWord, &text.place, message).hint(meant_or_known(&text.value, known)),
            );
        })
        .ok()
}

/// One class or several, and groups of them by their names.
pub(super) fn read_classes(reader: &mut Reader, yaml: &Yaml) -> Vec<FaultClass> {
    let mut classes = Vec::new();
    for item in reader.one_or_more(yaml, "classes of fault") {
        let name = match &item.kind {
            YamlKind::Scalar { text, .. } => text.parse::<Id>().ok(),
            _ => None,
        };
        match name.and_then(|name| reader.fault_groups.get(&name)) {
            Some(group) => add_classes(&mut classes, group.iter().copied()),
            None => {
                let class = read_class_beside(reader, item, |reader| reader.fault_groups.keys().cloned().collect());
                add_classes(&mut classes, class);
            }
        }
    }
    classes
}

/// Each class once: groups hold few, however often they are named.
pub(super) fn add_classes(classes: &mut Vec<FaultClass>, more: impl IntoIterator<Item = FaultClass>) {
    for class in more {
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
}

pub(in crate::documents) fn read_hands(reader: &mut Reader, yaml: &Yaml) -> Vec<HandMove> {
    let items = reader.one_or_more(yaml, "what the hands do");
    let one = |item| reader.one_of(item, &HandMove::ALL, |word| format!("hands cannot `{word}`"));
    items.iter().filter_map(one).map(|hand_move| hand_move.value).collect()
}

fn read_timeout(reader: &mut Reader, yaml: &Yaml) -> Option<Timeout> {
    if !matches!(yaml.kind, YamlKind::Map(_)) {
        return reader.time(yaml).map(|base| Timeout { base, per_mb: Duration::ZERO, at_least: Duration::ZERO });
    }
    let parts = reader.parts(yaml, &TIMEOUT)?;
    let base = parts.get(TIMEOUT.base)?;
    let per_mb = parts.get(TIMEOUT.per_mb)?;
    let at_least = match parts.get(TIMEOUT.at_least) {
        Some(time) => reader.time(time)?,
        None => Duration::ZERO,
    };
    Some(Timeout { base: reader.time(base)?, per_mb: reader.time(per_mb)?, at_least })
}

fn read_retry(reader: &mut Reader, yaml: &Yaml, id: &Id, depth: usize) -> Option<Retry> {
    let parts = reader.parts(yaml, &RETRY)?;
    let attempts = parts.get(RETRY.attempts);
    let on = parts.get(RETRY.on);
    let prefix = format!("{id}-prepare");
    Some(Retry {
        attempts_max: reader.count(attempts?, 2..=ATTEMPTS_MAX)?,
        on: read_classes(reader, on?),
        backoff: Backoff {
            first: match parts.get(RETRY.backoff) {
                Some(backoff) => reader.time(backoff)?,
                None => BACKOFF_DEFAULT,
            },
        },
        prepare: parts
            .get(RETRY.prepare)
            .map(|steps| read_steps(reader, steps, &prefix, depth + 1))
            .unwrap_or_default(),
    })
}

fn read_restart(reader: &mut Reader, yaml: &Yaml) -> Option<RestartAt> {
    if !matches!(yaml.kind, YamlKind::Map(_)) {
        let step = read_id(reader, yaml)?;
        return Some(RestartAt { step, on: vec![FaultClass::DeviceLost], times_max: RESTARTS_DEFAULT });
    }
    let parts = reader.parts(yaml, &RESTART_AT)?;
    let step = parts.get(RESTART_AT.step)?;
    Some(RestartAt {
        step: read_id(reader, step)?,
        on: match parts.get(RESTART_AT.on) {
            Some(on) => read_classes(reader, on),
            None => vec![FaultClass::DeviceLost],
        },
        times_max: match parts.get(RESTART_AT.times) {
            Some(times) => reader.count(times, 1..=RESTARTS_MAX)?,
            None => RESTARTS_DEFAULT,
        },
    })
}

pub(super) fn read_until(reader: &mut Reader, yaml: &Yaml) -> Option<Until> {
    let parts = reader.parts(yaml, &UNTIL)?;
    let mut names = |key: Field<UntilKeys>| -> Vec<Located<Id>> {
        let items = parts.get(key).map(|list| reader.one_or_more(list, "devices")).unwrap_or_default();
        items.iter().filter_map(|item| reader.parsed(item)).collect()
    };
    let (mut present, again, gone) = (names(UNTIL.present), names(UNTIL.again), names(UNTIL.gone));
    if parts.given(&[UNTIL.present, UNTIL.again, UNTIL.gone]).is_empty() {
        reader.report(
            Diagnostic::error(
                Code::MissingKey,
                parts.place(),
                "a wait needs `present`, `again` or `gone`, with names of devices",
            )
            .hint("`again` waits until the device has been away and has come back"),
        );
        return None;
    }
    let anew = !again.is_empty();
    present.extend(again);
    let lasting = match parts.get(UNTIL.lasting) {
        Some(time) => reader.time(time)?,
        None => Duration::ZERO,
    };
    Some(Until { present, gone, anew, lasting })
}

/// By device either the meaning alone, or the meaning and what the hands do about it.
fn read_instead(reader: &mut Reader, yaml: &Yaml) -> Vec<Instead> {
    let mut found = Vec::new();
    for (device, key, value) in reader.named(yaml, "`instead`") {
        let device = Located { value: device, place: key.place.clone() };
        let (say, hands, enough) = match value.kind {
            YamlKind::Map(_) => {
                let Some(parts) = reader.parts(value, &INSTEAD) else { continue };
                let hands = parts.get(INSTEAD.hands).map(|hands| read_hands(reader, hands)).unwrap_or_default();
                (parts.get(INSTEAD.say), hands, read_enough(reader, &parts))
            }
            _ => (Some(value), Vec::new(), None),
        };
        if let Some(meaning) = say.and_then(|say| reader.prose(say)) {
            found.push(Instead { device, meaning: meaning.trim_end_matches('.').to_owned(), hands, enough });
        }
    }
    found
}

fn read_enough(reader: &mut Reader, parts: &Parts<'_, InsteadKeys>) -> Option<Enough> {
    for (wanted, other) in [(INSTEAD.times, INSTEAD.sets), (INSTEAD.sets, INSTEAD.times)] {
        if parts.has(other) && !parts.has(wanted) {
            let message = format!("`instead` needs the key `{}`", wanted.name);
            reader.report(Diagnostic::error(Code::MissingKey, parts.place(), message));
        }
    }
    let (times, sets) = (parts.get(INSTEAD.times)?, reader.named_value(parts.get(INSTEAD.sets)?)?);
    Some(Enough { times: reader.count(times, 1..=TOLD_MAX)?, sets })
}

/// By time one text or several; the soonest first.
fn read_hints(reader: &mut Reader, yaml: &Yaml) -> Vec<Hint> {
    let Some(map) = reader.open_map(yaml, "`hints`, by time") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, texts) in map.all() {
        let after = match parse_time(&key.text) {
            Ok(after) => after,
            Err(error) => {
                let diagnostic = Diagnostic::error(Code::BadTime, &key.place, error.to_string());
                reader.report(diagnostic.hint("each key is how long the wait has lasted, such as `20s` or `2m`"));
                continue;
            }
        };
        let texts = reader.one_or_more(texts, "texts").iter().filter_map(|text| reader.prose(text));
        found.extend(texts.map(|text| Hint { after: Located { value: after, place: key.place.clone() }, text }));
    }
    if found.len() > HINTS_MAX {
        let message = format!("{} hints are more than anybody reads while they wait: at most {HINTS_MAX}", found.len());
        reader.report(Diagnostic::error(Code::TooMuch, map.place(), message));
    }
    found.sort_by_key(|hint| hint.after.value);
    found
}

fn read_ask(reader: &mut Reader, yaml: &Yaml) -> Option<LateAsk> {
    let parts = reader.parts(yaml, &ASK)?;
    let after = parts.get(ASK.after);
    let prompt = parts.get(ASK.prompt);
    Some(LateAsk { after: reader.time(after?)?, prompt: read_prompt(reader, prompt?, parts.get(ASK.hands))? })
}

/// What a step's failure means once it has come for the third time.
fn read_third_time(reader: &mut Reader, yaml: &Yaml) -> Option<ThirdFailure> {
    let parts = reader.parts(yaml, &THIRD_TIME)?;
    let on = parts.get(THIRD_TIME.on);
    let message = parts.get(THIRD_TIME.message);
    Some(ThirdFailure {
        place: parts.place().clone(),
        on: read_classes(reader, on?),
        unchanged: parts.get(THIRD_TIME.unchanged).and_then(|name| reader.parsed(name)),
        unlike: parts.get(THIRD_TIME.unlike).and_then(|name| reader.parsed(name)),
        meaning: ThirdTime {
            class: parts.get(THIRD_TIME.class).and_then(|class| read_class(reader, class)),
            message: reader.prose(message?)?,
            help: parts.get(THIRD_TIME.help).and_then(|help| reader.prose(help)),
        },
    })
}
