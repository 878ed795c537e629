//! Shows what a run would do, step by step, without doing any of it.

use console::Term;

use crate::cli::arguments::MessageFormat;
use crate::cli::interruptions::{self, Said};
use crate::cli::job::Job;
use crate::cli::json::write_line;
use crate::cli::planned_tools::{self, PlannedTool, Programs, planned_tools};
use crate::cli::refusal::{refuse, show_refusal};
use crate::cli::streams::{say as say_line, show, stdout};
use crate::cli::style::{Look, Role, Sign};
use crate::cli::wording::{clean, hang, milliseconds, wrap_command};
use crate::cli::workplace::{makes_up, new_scratch};
use crate::documents::playbook::Interruption;
use crate::engine::{
    Absent, Event, Files, GoesOn, Outcome, PlannedLine, PlannedStep, Refusal, Told, not_started, plan, refused_inputs,
    stage_inputs, without_problem,
};
use crate::world::Surroundings;

const INDENT: &str = "        ";

/// `recover run --dry-run`.
pub(super) fn dry_run(job: &Job, about_catalogs: &[Event]) -> Outcome {
    match planned(job) {
        Ok(planned) => tell(job, &planned, about_catalogs),
        Err(refusal) => show_refusal(&refusal, job.options.message_format),
    }
}

/// What a run would do, with what, and what it would need besides.
struct Planned {
    steps: Vec<PlannedStep>,
    tools: Vec<PlannedTool>,
    /// Files that are needed and not there yet: what depends on them stands in words.
    missing: Vec<String>,
}

fn planned(job: &Job) -> Result<Planned, Box<Refusal>> {
    let make = makes_up(job);
    let absent = make.as_deref().map_or(Absent::Named, Absent::MadeUp);
    let mut files = Files::new(new_scratch()?);
    stage_inputs(&job.playbook, &job.given, absent, &mut files, &mut |_| {})
        .map_err(|problems| refuse(Outcome::CommandLine, refused_inputs(&problems)))?;
    let known = job.playbook.inputs.iter().filter(|input| files.knows(&input.name) && files.size(&input.name).is_err());
    let missing = known.map(|input| input.file_name().to_owned()).collect();
    let surroundings = Surroundings::of_this_process();
    let given = |name: &str| job.options.tools.iter().rev().find(|given| given.tool == name);
    let explicit = |name: &str| given(name).map(|given| given.program.clone());
    let programs = match &job.bench {
        Some(_) => Programs::OnBench,
        None => Programs::Here { surroundings: &surroundings, explicit: &explicit },
    };
    let tools = planned_tools(&job.playbook, &job.catalog, &job.own_catalogs, &programs);
    let launcher = |name: &str| PlannedTool::launcher_of(&tools, name);
    let steps = plan(&job.playbook, &job.catalog, &files, &job.settings, &launcher);
    Ok(Planned { steps, tools, missing })
}

fn tell(job: &Job, planned: &Planned, about_catalogs: &[Event]) -> Outcome {
    let Planned { steps, tools, missing } = planned;
    let missing = (!missing.is_empty()).then(|| Event::Warning {
        text: format!(
            "Not there yet, so that a run would not start, and its size is not known: {}",
            missing.join(", ")
        ),
    });
    let end = not_started(steps);
    match job.options.message_format {
        MessageFormat::Human => {
            let look = Look::of(&Term::stdout());
            show(&render(steps, &look));
            show(&render_interruptions(steps, job, &look));
            show(&planned_tools::render(tools, &look));
            for event in missing.iter().chain(about_catalogs) {
                if let Event::Note { text } | Event::Warning { text } = event {
                    say_line(text);
                }
            }
        }
        MessageFormat::Json => {
            let steps = steps.iter().try_for_each(|step| write_line(&mut stdout(), step));
            let tools = steps.and_then(|()| tools.iter().try_for_each(|tool| write_line(&mut stdout(), tool)));
            let notes = missing.iter().chain(about_catalogs);
            let all = tools
                .and_then(|()| notes.into_iter().try_for_each(|event| write_line(&mut stdout(), &Told::now(event))));
            if end.is_none() {
                let _reader_gone =
                    all.and_then(|()| write_line(&mut stdout(), &Told::now(without_problem(Outcome::Planned))));
            }
        }
    }
    match end {
        Some((outcome, problem)) => show_refusal(&refuse(outcome, problem), job.options.message_format),
        None => Outcome::Planned,
    }
}

/// The steps for people, with a blank line between them.
pub fn render(steps: &[PlannedStep], look: &Look) -> String {
    let texts: Vec<String> = steps.iter().map(|step| render_step(step, look)).collect();
    texts.join("\n")
}

/// What is left of the board where the run is cut short, for the whole run; with a blank line before it.
fn render_interruptions(steps: &[PlannedStep], job: &Job, look: &Look) -> String {
    let known: Vec<Interruption> = steps.iter().filter_map(|step| step.interrupted.clone()).collect();
    let told = interruptions::told(&known, &job.playbook);
    if told.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", look.paint(Role::Title, interruptions::HEADING));
    for line in told {
        let (role, lead, line) = match line {
            Said::Item(line) => (Role::Quiet, String::new(), line),
            Said::Attention(line) => (Role::Failure, format!("{} ", look.sign(Sign::Attention)), line),
        };
        for line in hang(&lead, &line, look.width.saturating_sub(INDENT.len())) {
            text.push_str(&format!("{INDENT}{}\n", look.paint(role, &line)));
        }
    }
    text
}

fn render_step(step: &PlannedStep, look: &Look) -> String {
    let PlannedStep { number, total, .. } = step;
    let digits = total.to_string().len();
    let number = format!("[{number:>digits$}/{total}]");
    let title = format!("{} ({})", step.name, step.id);
    let mut lines: Vec<String> =
        hang(&format!("{number:<7} "), &title, look.width).iter().map(|line| look.paint(Role::Title, line)).collect();
    for note in &step.notes {
        lines.extend(say(look, Role::Quiet, "", note));
    }
    for line in &step.lines {
        lines.extend(render_line(line, look));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn render_line(line: &PlannedLine, look: &Look) -> Vec<String> {
    match line {
        PlannedLine::Command { command, limit_ms } => {
            let width = look.width.saturating_sub(INDENT.len() + 2);
            let mut lines: Vec<String> = wrap_command(command, width)
                .iter()
                .enumerate()
                .map(|(index, line)| format!("{}{line}", if index == 0 { "$ " } else { "  " }))
                .map(|line| format!("{INDENT}{}", look.paint(Role::Command, &line)))
                .collect();
            lines.extend(say(
                look,
                Role::Quiet,
                "  ",
                &format!("ended after {} at the latest", milliseconds(*limit_ms)),
            ));
            lines
        }
        PlannedLine::NotStarted { tool, why } => {
            let text = format!("{tool} would not be started: {why}");
            say(look, Role::Failure, &format!("{}       ", look.sign(Sign::Attention)), &text)
        }
        PlannedLine::Wait { text, limit_ms } => {
            say(look, Role::Quiet, "wait    ", &format!("{text}, for at most {}", milliseconds(*limit_ms)))
        }
        PlannedLine::Prompt { text, goes_on } => {
            let how = match goes_on {
                GoesOn::ByItself => "(goes on by itself)",
                GoesOn::WithEnter => "(press ENTER when done)",
                GoesOn::Either => "(goes on with ENTER or by itself)",
            };
            say(look, Role::Person, "you     ", &format!("{} {how}", text.trim_end()))
        }
        PlannedLine::Consent { why } => {
            let text = format!("THIS CANNOT BE UNDONE, so you are asked first\n{why}");
            say(look, Role::Failure, &format!("{}       ", look.sign(Sign::Attention)), &text)
        }
        PlannedLine::Answer { when, send, prompt } => {
            let key = |line: &String| if line.is_empty() { "press ENTER".to_owned() } else { format!("type {line}") };
            let mut lines = say(look, Role::Quiet, "answer  ", &format!("when it prints {when}"));
            lines.extend(prompt.iter().flat_map(|text| say(look, Role::Person, "        you: ", text)));
            lines.extend(send.iter().flat_map(|line| say(look, Role::Quiet, "        ", &key(line))));
            lines
        }
        PlannedLine::Check { text } => say(look, Role::Quiet, "check   ", text),
        PlannedLine::Write { file, text } => {
            let mut lines = say(look, Role::Quiet, "write   ", file);
            // The file's own lines are shown as they are, because their breaks and blanks may matter.
            let side = look.sign(Sign::BoxSide);
            lines.extend(text.lines().map(|line| format!("{INDENT}        {side} {}", clean(line))));
            lines
        }
        PlannedLine::Stage { file, path } => {
            say(look, Role::Quiet, "put     ", &format!("{file} at {path} in the tool's private folder"))
        }
        PlannedLine::Refuse { text } => say(look, Role::Failure, "refuse  ", text),
    }
}

fn say(look: &Look, role: Role, lead: &str, text: &str) -> Vec<String> {
    hang(lead, text, look.width.saturating_sub(INDENT.len()))
        .iter()
        .map(|line| format!("{INDENT}{}", look.paint(role, line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<PlannedStep> {
        let step = |number, id: &str, name: &str, lines| PlannedStep {
            number,
            total: 2,
            id: id.parse().unwrap(),
            name: name.to_owned(),
            notes: vec!["only when fuse == 0".to_owned()],
            lines,
            interrupted: None,
        };
        let command = "blhost -u 0x15A2,0x0073 -t 120000 -- write-memory 0x60001000 blhost_flash_loader.bin";
        vec![
            step(
                1,
                "enter-rom",
                "Enter the ROM",
                vec![
                    PlannedLine::Prompt {
                        text: "Connect a jumper, plug the camera in.".to_owned(),
                        goes_on: GoesOn::ByItself,
                    },
                    PlannedLine::Wait { text: "1fc9:0135 i.MX RT ROM comes".to_owned(), limit_ms: 300_000 },
                ],
            ),
            step(
                2,
                "fuse",
                "Burn the fuse",
                vec![
                    PlannedLine::Consent { why: "It can never be cleared.".to_owned() },
                    PlannedLine::Command { command: command.split(' ').map(str::to_owned).collect(), limit_ms: 30_000 },
                    PlannedLine::Check { text: "fuse == 0x10".to_owned() },
                    PlannedLine::Write { file: "config.json".to_owned(), text: "{\n  \"a\": 1\n}\n".to_owned() },
                    PlannedLine::Refuse { text: "This is another board.".to_owned() },
                ],
            ),
        ]
    }

    #[test]
    fn shows_everything_that_would_happen() {
        assert_eq!(
            render(&steps(), &Look::plain()),
            "\
[1/2]   Enter the ROM (enter-rom)
        only when fuse == 0
        you     Connect a jumper, plug the camera in. (goes on by itself)
        wait    1fc9:0135 i.MX RT ROM comes, for at most 5:00 min

[2/2]   Burn the fuse (fuse)
        only when fuse == 0
        !       THIS CANNOT BE UNDONE, so you are asked first
                It can never be cleared.
        $ blhost -u 0x15A2,0x0073 -t 120000 -- write-memory 0x60001000 \\
            blhost_flash_loader.bin
          ended after 30 s at the latest
        check   fuse == 0x10
        write   config.json
                │ {
                │   \"a\": 1
                │ }
        refuse  This is another board.
"
        );
    }

    #[test]
    fn has_a_form_for_programs() {
        let json = serde_json::to_string(&steps()[0]).unwrap();
        assert_eq!(
            json,
            "{\"event\":\"planned_step\",\"number\":1,\"total\":2,\"id\":\"enter-rom\",\"name\":\"Enter the ROM\",\
             \"notes\":[\"only when fuse == 0\"],\"lines\":[{\"prompt\":{\"text\":\"Connect a jumper, plug the camera in.\",\
             \"goes_on\":\"by-itself\"}},{\"wait\":{\"text\":\"1fc9:0135 i.MX RT ROM comes\",\"limit_ms\":300000}}]}"
        );
    }
}
