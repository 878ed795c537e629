//! What one call comes to, in a run and in its plan: arguments, kind and limit.

use std::convert::Infallible;
use std::time::Duration;

use crate::documents::catalog::{Command, Tool};
use crate::documents::expression::Template;
use crate::documents::playbook::{Run, Step, arguments, with_choice};
use crate::engine::Files;
use crate::engine::limit::{extended, limit_of};
use crate::engine::runner::Runner;
use crate::world::World;

/// A call that is to be worked out.
pub(super) struct Wanted<'c, 'f> {
    pub(super) step: &'f Step,
    pub(super) run: &'f Run,
    pub(super) tool: &'c Tool,
    pub(super) files: &'f Files,
    /// How often such a call has used up its limit.
    pub(super) used_up: u32,
    /// The arguments that choose a board.
    pub(super) choice: Vec<String>,
}

/// As it goes out, behind the program and the tool's own first arguments.
pub(super) struct CommandLine<'c> {
    pub(super) args: Vec<String>,
    pub(super) kind: Option<&'c Command>,
    pub(super) limit: Duration,
}

/// `text` works out an argument, when it is told the call's limit.
pub(super) fn command_line<'c, E>(
    wanted: Wanted<'c, '_>,
    text: impl Fn(&Template, Duration) -> Result<String, E>,
) -> Result<CommandLine<'c>, E> {
    let Wanted { step, run, tool, files, used_up, choice } = wanted;
    // A file that the call itself is to make counts nothing yet.
    let in_args = run.args.iter().filter_map(|template| template.only_name());
    let handed = in_args.chain(run.stage.iter().map(|staged| &staged.file.value));
    let bytes = handed.filter_map(|name| files.size(name).ok()).sum();
    // What is erased is among the arguments, and counts for the limit; the limit may be an argument, too.
    let args = arguments(run, |arg| text(arg, Duration::ZERO))?;
    let limit = extended(limit_of(step, tool, tool.command(&args), &args, bytes), used_up);
    let args = with_choice(tool, arguments(run, |arg| text(arg, limit))?, choice);
    let kind = tool.command(&args);
    Ok(CommandLine { args, kind, limit })
}

impl<W: World> Runner<'_, W> {
    /// What a call's own arguments come to at this moment; those that cannot be worked out yet are empty.
    pub(super) fn arguments_now(&self, run: &Run) -> Vec<String> {
        let Ok(args) = arguments(run, |arg| Ok::<_, Infallible>(self.text(arg).unwrap_or_default()));
        args
    }
}

/// The call as a person would type it.
pub(super) fn typed(run: &Run, args: &[String]) -> Vec<String> {
    std::iter::once(&run.tool.value).chain(args).cloned().collect()
}
