//! Which calls may share a process with others.

use crate::documents::catalog::{OperatingSystem, Tool};
use crate::documents::playbook::{Run, Step};
use crate::engine::ReadyTool;
use crate::engine::runner::Runner;
use crate::world::{SessionCall, World};

impl<W: World> Runner<'_, W> {
    /// How the call is made by a process that makes several, where both the tool and the step allow it. An irreversible
    /// act never is, nor one that asks the person for something.
    #[expect(clippy::unused_self, reason = "one of the questions that a call is prepared with")]
    pub(super) fn session(
        &self,
        step: &Step,
        run: &Run,
        tool: &Tool,
        ready: &ReadyTool,
        args: &[String],
    ) -> Option<SessionCall> {
        let session = tool.session.as_ref()?;
        let opening = session.args.on(OperatingSystem::current());
        let flavour_fits = session.flavour.is_none() || session.flavour == ready.flavour;
        let version_fits = session.minimum.as_ref().is_none_or(|minimum| ready.version >= *minimum);
        let plain = step.irreversible.is_none() && run.prompt.is_none() && run.stage.is_empty();
        if opening.is_empty() || !flavour_fits || !version_fits || !plain || tool.private_folder || tool.terminal {
            return None;
        }
        let begins = args.iter().position(|arg| *arg == session.after)? + 1;
        let (before, command) = args.split_at(begins);
        if command.is_empty() || !command.iter().all(|word| means_itself(word)) {
            return None;
        }
        Some(SessionCall {
            args: tool.first_args.iter().chain(before).chain(opening).cloned().collect(),
            line: command.join(" "),
            probe: session.probe.clone(),
            begins: session.begins.clone(),
            goes_on: session.goes_on.clone(),
            probe_ends: session.probe_ends.clone(),
            // Whether the device does what it is told is seen on the bus, and no probe is to disturb it. And tools may
            // write the files they make only when they end (so does SPSDK's `read-memory`).
            last: step.until.is_some() || !run.produces.is_empty(),
        })
    }
}

/// No tool takes any of it for a quote, a comment or a blank, by whatever rules it splits a line.
fn means_itself(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,=+@%".contains(c);
    !word.is_empty() && word.chars().all(plain)
}
