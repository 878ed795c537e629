//! Reads steps: the part of a playbook that is ordered.

use std::time::Duration;

use crate::documents::expression::Template;
use crate::documents::playbook::procedure::{count_step, is_bare_call, read_call};
use crate::documents::playbook::read_input::{is_part_of_a_program, part_of_a_program};
use crate::documents::playbook::read_reading::{read_irreversible, read_tell_apart};
use crate::documents::playbook::read_run::read_run;
use crate::documents::playbook::reader::{Entries, Reader};
use crate::documents::playbook::{
    Action, Backoff, CheckStep, Contents, Enough, HandMove, Instead, LateAsk, Prompt, RefuseStep, RestartAt, Retry,
    Step, ThirdFailure, Timeout, Until, WriteStep,
};
use crate::documents::{Yaml, YamlKind};
use crate::words::{Diagnostic, FaultClass, Id, Located, ThirdTime, meant_or_known, nearest};

const ACTIONS: [&str; 9] = ["run", "prompt", "wait", "write", "check", "refuse", "tell_apart", "steps", "do"];
const STEP_KEYS: &[&str] = &[
    "id",
    "name",
    "when",
    "timeout",
    "retry",
    "until",
    "instead",
    "ask",
    "sets",
    "if_met",
    "if_unmet",
    "irreversible",
    "restart_at",
    "if_stopped",
    "third_time",
    "run",
    "args",
    "device",
    "expect",
    "fail_on",
    "capture",
    "produces",
    "answers",
    "stage",
    "on_fault",
    "changes",
    "prompt",
    "hands",
    "wait",
    "write",
    "check",
    "refuse",
    "next",
    "tell_apart",
    "steps",
    "do",
    "with",
    "class",
    "message",
];
/// Keys that only make sense beside some actions.
const COMPANIONS: [(&[&str], &[&str]); 9] = [
    (
        &["run"],
        &["args", "device", "expect", "fail_on", "capture", "produces", "answers", "stage", "on_fault", "changes"],
    ),
    (&["prompt"], &["hands"]),
    (&["run", "check"], &["class", "message"]),
    (&["run", "prompt"], &["until"]),
    (&["run", "prompt", "wait"], &["timeout"]),
    (&["run", "prompt", "wait", "check", "refuse", "steps", "do"], &["next"]),
    (&["do"], &["with"]),
    (&["wait"], &["ask"]),
    (&["prompt", "wait"], &["if_met", "if_unmet"]),
];
const ATTEMPTS_MAX: u32 = 20;
const RESTARTS_MAX: u32 = 10;
const TOLD_MAX: u32 = 10;
const RESTARTS_DEFAULT: u32 = 2;
const BACKOFF_DEFAULT: Duration = Duration::from_millis(500);
const GROUP_DEPTH_MAX: usize = 8;
/// More than any flash has.
const ZEROS_MAX: u32 = 0x400_0000;

/// Reads a list of steps. `prefix` makes ids for steps that have none.
pub(super) fn read_steps(reader: &mut Reader, yaml: &Yaml, prefix: &str, depth: usize) -> Vec<Step> {
    if depth > GROUP_DEPTH_MAX {
        reader.report(Diagnostic::error(&yaml.place, "groups are nested too deeply here"));
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
        reader.report(Diagnostic::error(&yaml.place, "at least one step is needed here"));
    }
    for item in items {
        if is_bare_call(item) {
            if let Some(call) = reader.map(item, "a step", STEP_KEYS) {
                read_call(reader, &call, None, |reader, steps| read_list(reader, steps, list));
            }
        } else {
            list.number += 1;
            list.steps.extend(read_step(reader, item, &format!("{}-{}", list.prefix, list.number), list.depth));
        }
    }
}

fn read_step(reader: &mut Reader, yaml: &Yaml, default_id: &str, depth: usize) -> Option<Step> {
    let entries = reader.map(yaml, "a step", STEP_KEYS)?;
    let place = entries.place().clone();
    if reader.procedures.filling().is_some() && !count_step(reader, &place) {
        return None;
    }

    let given_id = entries.get("id").and_then(|given| read_id(reader, given)).map(|id| id.value);
    let id = given_id.clone().or_else(|| default_id.parse().ok())?;
    let name = entries.get("name").and_then(|name| reader.name_of_lines(name));
    let action = read_action(reader, &entries, &StepIds { id: &id, is_given: given_id.is_some() }, depth);
    let step = Step {
        filling: reader.procedures.filling(),
        name: name.unwrap_or_else(|| in_words(&id)),
        when: entries.get("when").and_then(|when| reader.expression(when)),
        timeout: entries.get("timeout").and_then(|timeout| read_timeout(reader, timeout)),
        retry: entries.get("retry").and_then(|retry| read_retry(reader, retry, &id, depth)),
        restart_at: entries.get("restart_at").and_then(|restart| read_restart(reader, restart)),
        until: entries.get("until").or(entries.get("wait")).and_then(|until| read_until(reader, until)),
        sets: entries.get("sets").and_then(|name| {
            let text = reader.text(name)?;
            reader.value_name(&text.value, &text.place)
        }),
        if_met: entries.get("if_met").and_then(|text| reader.prose(text)),
        if_unmet: entries.get("if_unmet").and_then(|text| reader.prose(text)),
        instead: entries.get("instead").map(|instead| read_instead(reader, instead)).unwrap_or_default(),
        ask: entries.get("ask").and_then(|ask| read_ask(reader, ask)),
        irreversible: entries
            .get("irreversible")
            .and_then(|irreversible| read_irreversible(reader, irreversible, &id, depth)),
        if_stopped: entries.get("if_stopped").and_then(|text| reader.prose(text)),
        third_time: entries.get("third_time").and_then(|third| read_third_time(reader, third)),
        next: match &action {
            // Of a refusal it is part of what is said.
            Some(Action::Refuse(_)) | None => Vec::new(),
            Some(_) => read_next(reader, &entries),
        },
        action: action?,
        id,
        place,
    };
    Some(step)
}

/// The id of a step of this list or around it, as it is in the place of a call.
fn read_id(reader: &mut Reader, yaml: &Yaml) -> Option<Located<Id>> {
    let Located { value, place } = reader.parsed::<Id>(yaml)?;
    match reader.procedures.id_here(value) {
        Ok(value) => Some(Located { value, place }),
        Err(message) => {
            reader.report(Diagnostic::error(&place, message));
            None
        }
    }
}

/// A step's id, and whether its author gave it.
struct StepIds<'a> {
    id: &'a Id,
    is_given: bool,
}

fn read_next(reader: &mut Reader, entries: &Entries<'_>) -> Vec<Template> {
    let next = entries.get("next").map(|next| reader.one_or_more(next, "texts")).unwrap_or_default();
    next.iter().filter_map(|text| reader.prose_template(text)).collect()
}

fn in_words(id: &Id) -> String {
    let words = id.as_str().replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

fn read_action(reader: &mut Reader, entries: &Entries<'_>, id: &StepIds<'_>, depth: usize) -> Option<Action> {
    // In the order of the document: the second of two is the one to be marked.
    let keys = entries.all().iter().map(|(key, _)| key.text.as_str());
    let given: Vec<&'static str> = keys.filter_map(|key| ACTIONS.into_iter().find(|action| *action == key)).collect();
    // A step whose action is missing or misspelt is told just that.
    for (actions, companions) in COMPANIONS.iter().filter(|_| !given.is_empty()) {
        for companion in *companions {
            if let Some(place) = entries.key_place(companion)
                && !actions.iter().any(|action| given.contains(action))
            {
                let fitting: Vec<String> = actions.iter().map(|action| format!("`{action}`")).collect();
                let message = format!("`{companion}` belongs to a step with {}", fitting.join(" or "));
                let label = format!("has no meaning beside `{}`", given.join("`, `"));
                reader.report(Diagnostic::error(place, message).label(label));
            }
        }
    }
    let given = without_repetitions(given);
    let action = match given.as_slice() {
        // The prompt is shown while the tool runs.
        ["run", "prompt"] | ["prompt", "run"] => "run",
        [] => {
            // A misspelt action has been reported as an unknown key.
            let misspelt = |key: &str| !STEP_KEYS.contains(&key) && nearest(key, ACTIONS).is_some();
            if !entries.all().iter().any(|(key, _)| misspelt(&key.text)) {
                reader.report(
                    Diagnostic::error(entries.place(), "this step does nothing")
                        .hint(format!("give it one of {}", ACTIONS.join(", "))),
                );
            }
            return None;
        }
        [action] => *action,
        [first, others @ ..] => {
            for other in others {
                let place = entries.key_place(other).unwrap_or(entries.place());
                reader.report(
                    Diagnostic::error(place, format!("this step has two actions: `{first}` and `{other}`"))
                        .label("second action")
                        .hint("make it two steps, or a group with `steps`"),
                );
            }
            // Both are read all the same, so that what is wrong within them shows now and not after the next try.
            for other in others {
                read_one_action(reader, entries, other, id, depth);
            }
            first
        }
    };
    read_one_action(reader, entries, action, id, depth)
}

/// A key that is given twice has been reported as such.
fn without_repetitions(mut given: Vec<&'static str>) -> Vec<&'static str> {
    let mut seen = Vec::new();
    given.retain(|action| {
        let new = !seen.contains(action);
        seen.push(*action);
        new
    });
    given
}

fn read_one_action(
    reader: &mut Reader,
    entries: &Entries<'_>,
    action: &str,
    ids: &StepIds<'_>,
    depth: usize,
) -> Option<Action> {
    let id = ids.id;
    let value = entries.get(action)?;
    Some(match action {
        "run" => Action::Run(Box::new(read_run(reader, entries, value)?)),
        "prompt" => Action::Prompt(read_prompt(reader, entries, value)?),
        "wait" => Action::Wait,
        "tell_apart" => Action::TellApart(Box::new(read_tell_apart(reader, value, id, depth)?)),
        "write" => Action::Write(read_write(reader, value)?),
        "check" => Action::Check(CheckStep {
            holds: reader.expression(value)?,
            text: reader.text(value)?.value,
            class: match entries.get("class") {
                Some(class) => read_class(reader, class)?,
                None => FaultClass::Unknown,
            },
            message: entries.get("message").and_then(|message| reader.prose_template(message)),
        }),
        "refuse" => {
            let next = read_next(reader, entries);
            Action::Refuse(RefuseStep { text: reader.prose_template(value)?, next })
        }
        "do" => {
            let given = ids.is_given.then(|| id.clone());
            let read = |reader: &mut Reader, steps: &Yaml| read_steps(reader, steps, id.as_str(), depth + 1);
            Action::Steps(read_call(reader, entries, given, read)?)
        }
        _ => Action::Steps(read_steps(reader, value, id.as_str(), depth + 1)),
    })
}

fn read_write(reader: &mut Reader, yaml: &Yaml) -> Option<WriteStep> {
    let parts = reader.map(yaml, "`write`", &["name", "file", "text", "zeros"])?;
    let name = required(reader, &parts, "name", "write")?;
    let file = required(reader, &parts, "file", "write")?;
    let contents = match (parts.get("text"), parts.get("zeros")) {
        (Some(text), None) => Contents::Text(reader.template(text)?),
        (None, Some(zeros)) => Contents::Zeros(reader.count(zeros, 1..=ZEROS_MAX)?),
        _ => {
            let diagnostic = Diagnostic::error(parts.place(), "`write` needs exactly one of `text` and `zeros`");
            reader.report(diagnostic.hint("`zeros: 4096` writes a file of so many zero bytes"));
            return None;
        }
    };
    let name = reader.text(name)?;
    Some(WriteStep {
        name: reader.value_name(&name.value, &name.place)?,
        file: plain_file_name(reader, file)?,
        contents,
    })
}

/// A prompt, with what the hands do in the same map.
pub(super) fn read_prompt(reader: &mut Reader, entries: &Entries<'_>, text: &Yaml) -> Option<Prompt> {
    Some(Prompt {
        text: reader.prose_template(text)?,
        hands: entries.get("hands").map(|hands| read_hands(reader, hands)).unwrap_or_default(),
    })
}

pub(super) fn required<'y>(reader: &mut Reader, entries: &Entries<'y>, key: &str, of: &str) -> Option<&'y Yaml> {
    let found = entries.get(key);
    if found.is_none() {
        reader.report(Diagnostic::error(entries.place(), format!("`{of}` needs the key `{key}`")));
    }
    found
}

/// A name without any folder: it ends up in the run's own folder.
fn plain_file_name(reader: &mut Reader, yaml: &Yaml) -> Option<String> {
    let name = reader.name(yaml)?;
    if name.value.is_empty() || name.value.starts_with('.') || name.value.contains(['/', '\\', ':', '\0']) {
        reader.report(Diagnostic::error(&name.place, "a plain file name is needed here, without any folder"));
        return None;
    }
    if is_part_of_a_program(&name.value) {
        reader.report(part_of_a_program(&name));
        return None;
    }
    Some(name.value)
}

pub(super) fn read_class(reader: &mut Reader, yaml: &Yaml) -> Option<FaultClass> {
    let text = reader.text(yaml)?;
    let parsed = text.value.parse::<FaultClass>();
    parsed
        .map_err(|error| {
            let words = FaultClass::ALL.iter().map(|class| class.word());
            let diagnostic = Diagnostic::error(&text.place, error.to_string());
            reader.report(diagnostic.hint(meant_or_known(&text.value, words)));
        })
        .ok()
}

/// One class or several, and groups of them by their names.
pub(super) fn read_classes(reader: &mut Reader, yaml: &Yaml) -> Vec<FaultClass> {
    let mut classes = Vec::new();
    for item in reader.one_or_more(yaml, "classes of fault") {
        let group = match &item.kind {
            YamlKind::Scalar { text, .. } => reader.fault_groups.iter().find(|(name, _)| name.as_str() == text),
            _ => None,
        };
        match group {
            Some((_, group)) => classes.extend(group.iter().copied()),
            None => classes.extend(read_one_of_classes(reader, item)),
        }
    }
    classes
}

fn read_one_of_classes(reader: &mut Reader, yaml: &Yaml) -> Option<FaultClass> {
    let text = reader.text(yaml)?;
    if let Ok(class) = text.value.parse::<FaultClass>() {
        return Some(class);
    }
    let groups = reader.fault_groups.keys().map(Id::as_str);
    let known = meant_or_known(&text.value, FaultClass::ALL.iter().map(|class| class.word()).chain(groups));
    let message = format!("`{}` is neither a class of fault nor a group of them", text.value);
    reader.report(Diagnostic::error(&text.place, message).hint(known));
    None
}

pub(in crate::documents) fn read_hands(reader: &mut Reader, yaml: &Yaml) -> Vec<HandMove> {
    let mut moves = Vec::new();
    for item in reader.one_or_more(yaml, "what the hands do") {
        let Some(text) = reader.text(item) else { continue };
        match HandMove::ALL.into_iter().find(|(word, _)| *word == text.value) {
            Some((_, hand_move)) => moves.push(hand_move),
            None => {
                let words = HandMove::ALL.map(|(word, _)| word);
                let diagnostic = Diagnostic::error(&text.place, format!("hands cannot `{}`", text.value));
                reader.report(diagnostic.hint(meant_or_known(&text.value, words)));
            }
        }
    }
    moves
}

fn read_timeout(reader: &mut Reader, yaml: &Yaml) -> Option<Timeout> {
    if !matches!(yaml.kind, YamlKind::Map(_)) {
        return reader.time(yaml).map(|base| Timeout { base, per_mb: Duration::ZERO, at_least: Duration::ZERO });
    }
    let parts = reader.map(yaml, "`timeout`", &["base", "per_mb", "at_least"])?;
    let base = required(reader, &parts, "base", "timeout")?;
    let per_mb = required(reader, &parts, "per_mb", "timeout")?;
    let at_least = match parts.get("at_least") {
        Some(time) => reader.time(time)?,
        None => Duration::ZERO,
    };
    Some(Timeout { base: reader.time(base)?, per_mb: reader.time(per_mb)?, at_least })
}

fn read_retry(reader: &mut Reader, yaml: &Yaml, id: &Id, depth: usize) -> Option<Retry> {
    let parts = reader.map(yaml, "`retry`", &["attempts", "on", "backoff", "prepare"])?;
    let attempts = required(reader, &parts, "attempts", "retry");
    let on = required(reader, &parts, "on", "retry");
    let prefix = format!("{id}-prepare");
    Some(Retry {
        attempts_max: reader.count(attempts?, 2..=ATTEMPTS_MAX)?,
        on: read_classes(reader, on?),
        backoff: Backoff {
            first: match parts.get("backoff") {
                Some(backoff) => reader.time(backoff)?,
                None => BACKOFF_DEFAULT,
            },
        },
        prepare: parts.get("prepare").map(|steps| read_steps(reader, steps, &prefix, depth + 1)).unwrap_or_default(),
    })
}

fn read_restart(reader: &mut Reader, yaml: &Yaml) -> Option<RestartAt> {
    if !matches!(yaml.kind, YamlKind::Map(_)) {
        let step = read_id(reader, yaml)?;
        return Some(RestartAt { step, on: vec![FaultClass::DeviceLost], times_max: RESTARTS_DEFAULT });
    }
    let parts = reader.map(yaml, "`restart_at`", &["step", "on", "times"])?;
    let step = required(reader, &parts, "step", "restart_at")?;
    Some(RestartAt {
        step: read_id(reader, step)?,
        on: match parts.get("on") {
            Some(on) => read_classes(reader, on),
            None => vec![FaultClass::DeviceLost],
        },
        times_max: match parts.get("times") {
            Some(times) => reader.count(times, 1..=RESTARTS_MAX)?,
            None => RESTARTS_DEFAULT,
        },
    })
}

pub(super) fn read_until(reader: &mut Reader, yaml: &Yaml) -> Option<Until> {
    let parts = reader.map(yaml, "a wait", &["present", "again", "gone", "for"])?;
    let mut names = |key: &str| -> Vec<Id> {
        let items = parts.get(key).map(|list| reader.one_or_more(list, "devices")).unwrap_or_default();
        items.iter().filter_map(|item| reader.parsed::<Id>(item)).map(|id: Located<Id>| id.value).collect()
    };
    let (mut present, again, gone) = (names("present"), names("again"), names("gone"));
    if ["present", "again", "gone"].iter().all(|key| parts.get(key).is_none()) {
        reader.report(
            Diagnostic::error(parts.place(), "a wait needs `present`, `again` or `gone`, with names of devices")
                .hint("`again` waits until the device has been away and has come back"),
        );
        return None;
    }
    let anew = !again.is_empty();
    present.extend(again);
    let lasting = match parts.get("for") {
        Some(time) => reader.time(time)?,
        None => Duration::ZERO,
    };
    Some(Until { present, gone, anew, lasting })
}

/// By device either the meaning alone, or the meaning and what the hands do about it.
fn read_instead(reader: &mut Reader, yaml: &Yaml) -> Vec<Instead> {
    let mut found = Vec::new();
    for (device, _, value) in reader.named(yaml, "`instead`") {
        let (say, hands, enough) = match value.kind {
            YamlKind::Map(_) => {
                let Some(parts) = reader.map(value, "`instead`", &["say", "hands", "times", "sets"]) else { continue };
                let hands = parts.get("hands").map(|hands| read_hands(reader, hands)).unwrap_or_default();
                (required(reader, &parts, "say", "instead"), hands, read_enough(reader, &parts))
            }
            _ => (Some(value), Vec::new(), None),
        };
        if let Some(meaning) = say.and_then(|say| reader.prose(say)) {
            found.push(Instead { device, meaning: meaning.trim_end_matches('.').to_owned(), hands, enough });
        }
    }
    found
}

fn read_enough(reader: &mut Reader, parts: &Entries<'_>) -> Option<Enough> {
    if parts.get("times").is_none() && parts.get("sets").is_none() {
        return None;
    }
    let times = required(reader, parts, "times", "instead");
    let sets = required(reader, parts, "sets", "instead");
    let sets = reader.text(sets?)?;
    Some(Enough { times: reader.count(times?, 1..=TOLD_MAX)?, sets: reader.value_name(&sets.value, &sets.place)? })
}

fn read_ask(reader: &mut Reader, yaml: &Yaml) -> Option<LateAsk> {
    let parts = reader.map(yaml, "`ask`", &["after", "prompt", "hands"])?;
    let after = required(reader, &parts, "after", "ask");
    let prompt = required(reader, &parts, "prompt", "ask");
    Some(LateAsk { after: reader.time(after?)?, prompt: read_prompt(reader, &parts, prompt?)? })
}

/// What a step's failure means once it has come for the third time.
fn read_third_time(reader: &mut Reader, yaml: &Yaml) -> Option<ThirdFailure> {
    let parts = reader.map(yaml, "`third_time`", &["on", "unchanged", "unlike", "class", "message", "help"])?;
    let on = required(reader, &parts, "on", "third_time");
    let message = required(reader, &parts, "message", "third_time");
    Some(ThirdFailure {
        place: parts.place().clone(),
        on: read_classes(reader, on?),
        unchanged: parts.get("unchanged").and_then(|name| reader.parsed::<Id>(name)).map(|name| name.value),
        unlike: parts.get("unlike").and_then(|name| reader.parsed::<Id>(name)).map(|name| name.value),
        meaning: ThirdTime {
            class: parts.get("class").and_then(|class| read_class(reader, class)),
            message: reader.prose(message?)?,
            help: parts.get("help").and_then(|help| reader.prose(help)),
        },
    })
}
