//! From a step to its command line: the only place where a call's arguments are put together. The run, its plan, the gate
//! and `recover check` differ only in what they know for the expressions.

use crate::documents::catalog::Tool;
use crate::documents::expression::Template;
use crate::documents::playbook::Run;

/// The arguments behind the tool's own first ones, without those that choose a board; `text` works one of them out.
pub fn arguments<E>(run: &Run, text: impl FnMut(&Template) -> Result<String, E>) -> Result<Vec<String>, E> {
    run.args.iter().map(text).collect()
}

/// What is known of the board that is chosen among several.
#[derive(Debug, Clone, Copy)]
pub struct ChosenBoard<'a> {
    pub port: &'a str,
    pub serial: Option<&'a str>,
}

/// The arguments that choose this board; none where the tool takes whichever it finds.
pub fn choosing(tool: &Tool, board: ChosenBoard<'_>) -> Vec<String> {
    if !tool.select_port.is_empty() {
        return tool.select_port.iter().map(|arg| arg.replace("{port}", board.port)).collect();
    }
    let serial = |arg: &String| Some(arg.replace("{serial}", board.serial?));
    tool.select_serial.iter().filter_map(serial).collect()
}

/// Puts what chooses a board where the tool wants it.
pub fn with_choice(tool: &Tool, mut args: Vec<String>, choice: Vec<String>) -> Vec<String> {
    let at = tool.select_position(&args);
    args.splice(at..at, choice);
    args
}

/// All of a call's arguments, as they stand behind the program.
pub fn all_arguments(tool: &Tool, args: &[String]) -> Vec<String> {
    tool.first_args.iter().chain(args).cloned().collect()
}
