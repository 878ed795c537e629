//! Each event as lines of the log.

use crate::cli::wording::{bytes, clean, may_sleep, milliseconds, moves, quote_command};
use crate::engine::{Cause, Event, GoesOn, Problem, RunDetails, RunDocument, StepEnd, WaitEnd};
use crate::words::{Fault, Id, Stream, Verdict};

/// `out` or `err`, as it stands before each line of a tool; what the tool itself overwrites has another mark.
pub(super) fn output_lead(stream: Stream, transient: bool) -> String {
    let stream = match stream {
        Stream::Stdout => "out",
        Stream::Stderr => "err",
    };
    format!("  {stream}{} ", if transient { '~' } else { '|' })
}

/// What names this run, as far as it is given, and the documents that it rests on.
fn run_details(run: &RunDetails) -> Vec<String> {
    let named = [
        ("run", Some(&run.run_id).filter(|id| !id.is_empty())),
        ("host", run.host.as_ref()),
        ("station", run.station.as_ref()),
        ("operator", run.operator.as_ref()),
        ("unit", run.unit.as_ref()),
        ("port", run.port.as_ref()),
        ("serial number", run.serial.as_ref()),
    ];
    let names: Vec<String> = named.iter().filter_map(|(name, value)| Some(format!("{name} {}", (*value)?))).collect();
    let names = Some(names.join(", ")).filter(|names| !names.is_empty());
    let document = |document: &RunDocument| format!("{} {}, SHA-256 {}", document.role, document.name, document.sha256);
    names.into_iter().chain(run.documents.iter().map(document)).collect()
}

/// The first line says what happened, the others belong to it.
pub(super) fn lines(event: &Event) -> Vec<String> {
    match event {
        Event::RunStarted { board, playbook, shipped, simulated, steps_total, summary, run } => {
            let origin = if *shipped { "shipped" } else { "file" };
            let kind = if *simulated { "simulated run" } else { "run" };
            let mut lines = vec![
                format!("{kind} for {board}: playbook {playbook} ({origin}), {steps_total} steps"),
                format!("recover {}, {}", run.recover, run.system),
            ];
            lines.extend(summary.clone());
            lines.extend(run_details(run));
            lines
        }
        Event::LookingForTools { tools } => vec![format!("still looking for {}", tools.join(", "))],
        Event::ToolPassedOver { tool, program, found_by, reason } => {
            vec![format!("tool {tool}: passed over {program}, found by {found_by}: {reason}")]
        }
        Event::ToolFound { tool, program, version, flavour, found_by } => {
            let flavour = flavour.as_ref().map(|flavour| format!(" ({flavour})")).unwrap_or_default();
            vec![format!("tool {tool} {version}{flavour}: {program}, found by {found_by}")]
        }
        Event::InputReady { name, file, path, size, sha256, generated } => {
            let origin = match path {
                Some(path) => format!("from {path}"),
                None if *generated => "made up for the simulation".to_owned(),
                None => "made by recover".to_owned(),
            };
            vec![format!("input {name}: {file}, {}, {origin}", bytes(*size)), format!("sha256 {sha256}")]
        }
        Event::StepStarted { step, name, number, total } => vec![format!("step {number}/{total} {step}: {name}")],
        Event::StepSkipped { step, name, number, total, reason } => {
            vec![format!("step {number}/{total} {step}: {name}: skipped: {reason}")]
        }
        Event::ToolStarted { step, tool, command, limit_ms, changes_board, purpose, region: _ } => {
            let purpose = if purpose.is_empty() { String::new() } else { format!("{purpose}; ") };
            let writes = if *changes_board { ", changes the board" } else { "" };
            vec![
                format!("{step}: {tool} started ({purpose}at most {}{writes})", milliseconds(*limit_ms)),
                format!("$ {}", quote_command(command)),
            ]
        }
        Event::ToolLines { stream, text, .. } => {
            text.lines().map(|line| format!("{}{line}", output_lead(*stream, false))).collect()
        }
        Event::ToolOutput { stream, text, transient, .. } => {
            vec![format!("{}{}", output_lead(*stream, *transient), clean(text))]
        }
        Event::Progress { label, percent, bytes, total, .. } => {
            let label = label.as_deref().unwrap_or("progress");
            let percent = percent.map(|percent| format!(" {percent:.0} %")).unwrap_or_default();
            let bytes = bytes.map(|bytes| format!(" {bytes}")).unwrap_or_default();
            let total = total.map(|total| format!(" of {total} bytes")).unwrap_or_default();
            vec![format!("  {label}{percent}{bytes}{total}")]
        }
        Event::ToolAsked { step, text, limit_ms } => {
            with_text(format!("{step}: the tool asks the person (at most {})", milliseconds(*limit_ms)), text)
        }
        Event::ToolAnswered { step, text, by, .. } => vec![format!("{step}: answered by {by}: `{}`", clean(text))],
        Event::ToolEnded { step, tool, end, verdict, touched, warm, elapsed_ms, .. } => {
            let warm = if *warm { " (by an interpreter that was there already)" } else { "" };
            let mut lines = vec![format!(
                "{step}: {tool}: {end}{warm}, after {}, board touched: {}",
                milliseconds(*elapsed_ms),
                word(touched)
            )];
            match verdict {
                Verdict::Succeeded => lines.push("verdict: succeeded".to_owned()),
                Verdict::SucceededWithWarning(text) => {
                    lines.push(format!("verdict: succeeded, with a warning: {text}"));
                }
                Verdict::Fault(fault) => lines.extend(fault_lines("verdict", fault)),
            }
            lines
        }
        Event::Prompted { step, text, without_person: true, limit_ms, .. } => {
            with_text(format!("{step}: asked what moves in place of hands (at most {})", milliseconds(*limit_ms)), text)
        }
        Event::Prompted { step, text, goes_on, limit_ms, .. } => {
            let how = match goes_on {
                GoesOn::ByItself => "goes on by itself",
                GoesOn::WithEnter => "wants ENTER",
                GoesOn::Either => "wants ENTER, or what it says",
            };
            with_text(format!("{step}: asked the person ({how}, at most {})", milliseconds(*limit_ms)), text)
        }
        Event::HandsMoving { step, hands: _, command, limit_ms } => vec![
            format!("{}: moving in place of hands (at most {})", of_step(step.as_ref()), milliseconds(*limit_ms)),
            format!("$ {}", quote_command(command)),
        ],
        Event::HandsOutput { stream, text } => vec![format!("{}{}", output_lead(*stream, false), clean(text))],
        Event::HandsMoved { step, hands, failed, elapsed_ms } => {
            let hands = moves(hands);
            let end = match failed {
                None => "done".to_owned(),
                Some(why) => format!("not done: {why}"),
            };
            vec![format!("{}: {hands}: {end}, after {}", of_step(step.as_ref()), milliseconds(*elapsed_ms))]
        }
        Event::Waiting { step, waiting_for, attached, remaining_ms } => vec![format!(
            "{step}: waiting: {waiting_for}; attached: {}; {} left",
            list(attached),
            milliseconds(*remaining_ms)
        )],
        Event::Hinted { step, text, after_ms } => {
            with_text(format!("{step}: hint after {}", milliseconds(*after_ms)), text)
        }
        Event::Flapping { step, device, times, within_ms, text } => with_text(
            format!("{step}: the {device} came and went, {times} times within {}", milliseconds(*within_ms)),
            text,
        ),
        Event::WaitOver { step, end, text, elapsed_ms } => {
            let end = match end {
                WaitEnd::Met => "wait over",
                WaitEnd::NotMet => "not met, which is no fault",
                WaitEnd::InVain => "waited in vain",
            };
            vec![format!("{step}: {end} after {}: {text}", milliseconds(*elapsed_ms))]
        }
        Event::ConsentAsked { step, why, command, fuse, phrase, limit_ms } => {
            let mut lines = vec![
                format!("{step}: asked for consent by typing {phrase} (at most {})", milliseconds(*limit_ms)),
                why.clone(),
                format!("$ {}", quote_command(command)),
            ];
            lines.extend(fuse.map(|fuse| format!("fuses, {fuse}")));
            lines
        }
        Event::FuseRead { step, word, bits } => vec![format!("{step}: fuses, word {word} reads {bits:#010x}")],
        Event::BoardAsked { step, device, found, text, phrase, limit_ms } => {
            let about = format!(
                "{step}: asked whether the {device} at {} is the board, by typing {phrase} (at most {})",
                found.port,
                milliseconds(*limit_ms)
            );
            with_text(about, text)
        }
        Event::HealthyAsked { device, found, text, phrase, limit_ms } => {
            let about = format!(
                "asked whether the {device} at {} is to be rewritten all the same, by typing {phrase} (at most {})",
                found.port,
                milliseconds(*limit_ms)
            );
            with_text(about, text)
        }
        Event::LeftAlone { device, found } => {
            vec![format!("the {device} at {} is healthy, and is left as it is", found.port)]
        }
        Event::PlaceEmpty { port, text } => {
            with_text(format!("waiting for a board at {port}"), text.as_deref().unwrap_or_default())
        }
        Event::StationFinished { exit_code, recovered, left_alone, failed, elapsed_ms } => vec![format!(
            "station finished: {recovered} recovered, {left_alone} left alone, {failed} failed, exit code {exit_code}, after {}",
            milliseconds(*elapsed_ms)
        )],
        Event::BoardProven { step, device, port, serial, by } => {
            let serial = serial.as_ref().map(|serial| format!(", serial number {serial},")).unwrap_or_default();
            vec![format!("{step}: the {device} at {port}{serial} is the board: {}", by.because())]
        }
        Event::ConsentGiven { step, by, operator, fuse, .. } => {
            let operator = operator.as_ref().map(|operator| format!(" ({operator})")).unwrap_or_default();
            let fuse = fuse.map(|fuse| format!(", for {fuse}")).unwrap_or_default();
            vec![format!("{step}: consent given: {by}{operator}{fuse}")]
        }
        Event::Retrying { step, attempt, attempts_max, pause_ms, because } => {
            let mut lines = vec![format!("{step}: attempt {attempt} of {attempts_max} in {}", milliseconds(*pause_ms))];
            lines.extend(fault_lines("because", because));
            lines
        }
        Event::Restarting { from, at, time, times_max, because, .. } => {
            let mut lines = vec![format!("{from}: goes back to {at} (time {time} of {times_max})")];
            lines.extend(fault_lines("because", because));
            lines
        }
        Event::Interrupted { by, finishing, breaks, leaves, remaining_ms } => {
            let what = if *finishing { "finishing the step first" } else { "ending now" };
            let breaks = breaks.as_ref().map(|breaks| format!(" (if it is cut short, {breaks})")).unwrap_or_default();
            let leaves = leaves.as_ref().map(|leaves| format!(" (cut short: {leaves})")).unwrap_or_default();
            let within = remaining_ms.map(|left| format!(", at most {} more", milliseconds(left))).unwrap_or_default();
            vec![format!("interrupted ({}): {what}{within}{breaks}{leaves}", word(by))]
        }
        Event::Warning { text } => with_text("warning".to_owned(), text),
        Event::Note { text } => with_text("note".to_owned(), text),
        Event::MaySleep { reason } => vec![may_sleep(reason)],
        Event::StepFinished { step, number, total, end, elapsed_ms, .. } => {
            let head = format!("step {number}/{total} {step}");
            let time = milliseconds(*elapsed_ms);
            match end {
                StepEnd::Succeeded => vec![format!("{head}: done in {time}")],
                StepEnd::SucceededWithWarning(text) => vec![format!("{head}: done in {time}, with a warning: {text}")],
                StepEnd::Failed(fault) => {
                    let mut lines = vec![format!("{head}: failed after {time}")];
                    lines.extend(fault_lines("fault", fault));
                    lines
                }
            }
        }
        Event::Finished {
            outcome,
            exit_code,
            problem,
            next,
            elapsed_ms,
            steps_done,
            steps_skipped,
            retries,
            restarts,
            warnings,
        } => {
            let mut lines = vec![
                format!("finished: {}, exit code {exit_code}, after {}", word(outcome), milliseconds(*elapsed_ms)),
                format!(
                    "done {steps_done}, skipped {steps_skipped}, retries {retries}, restarts {restarts}, warnings {warnings}"
                ),
            ];
            lines.extend(problem.iter().flat_map(problem_lines));
            lines.extend(next.iter().map(|next| format!("next: {next}")));
            lines
        }
    }
}

fn problem_lines(problem: &Problem) -> Vec<String> {
    let mut lines = vec![format!("what happened: {}", problem.what)];
    let mut add = |name: &str, value: Option<String>| lines.extend(value.map(|value| format!("{name}: {value}")));
    add("class", Some(problem.class.to_string()));
    add("step", problem.step.as_ref().map(ToString::to_string));
    add("command", problem.command.as_ref().map(|command| quote_command(command)));
    add("end", problem.end.clone());
    lines.extend(problem.output.iter().map(|line| format!("  | {}", clean(line))));
    for Cause { what, class, step, command, .. } in &problem.causes {
        let command = command.as_ref().map(|command| format!(": {}", quote_command(command))).unwrap_or_default();
        lines.push(format!("before that: {what} ({class}), at {step}{command}"));
    }
    lines.push(format!("state of the board: {}", problem.state));
    lines.extend(problem.regions.iter().map(|region| format!("region: {}, {}", region.name, word(&region.state))));
    lines.push(format!("attached: {}", list(&problem.attached)));
    lines.extend(problem.next.iter().map(|next| format!("next: {next}")));
    lines
}

fn fault_lines(name: &str, fault: &Fault) -> Vec<String> {
    let code = fault.code_for_people().map(|code| format!(", code {code}")).unwrap_or_default();
    let mut lines = vec![format!("{name}: {} ({}{code})", fault.message, fault.class)];
    lines.extend(fault.evidence.iter().map(|line| format!("evidence: {}", clean(line))));
    lines.extend(fault.help.iter().map(|help| format!("help: {help}")));
    lines
}

fn with_text(head: String, text: &str) -> Vec<String> {
    std::iter::once(head).chain(text.trim_end().lines().map(clean)).collect()
}

/// What belongs to no step is the end of the run.
fn of_step(step: Option<&Id>) -> &str {
    step.map_or("end", Id::as_str)
}

fn list(devices: &[String]) -> String {
    if devices.is_empty() { "nothing known".to_owned() } else { devices.join(", ") }
}

/// The word an enumeration has in the JSON form, so that both say the same.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
