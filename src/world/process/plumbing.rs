//! The pipes or the terminal between us and one tool.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};
#[cfg(windows)]
use std::process::Stdio;

use crate::words::Stream;
#[cfg(unix)]
use crate::world::process::Expression;
use crate::world::system::{Terminal, open_terminal};
use crate::world::{ToolCall, ToolInput};

pub(super) type Output = (Stream, Box<dyn Read + Send>);

/// Both ends of everything.
pub(super) struct Plumbing {
    /// Ours.
    pub(super) outputs: Vec<Output>,
    pub(super) input: Option<InputEnd>,
    /// The tool's.
    pub(super) tools: ToolsEnds,
}

/// Where answers go in.
#[derive(Debug)]
pub(super) enum InputEnd {
    Pipe(PipeWriter),
    Terminal(File),
}

pub(super) struct ToolsEnds {
    stdin: Stdin,
    streams: Streams,
}

enum Stdin {
    Nothing,
    Pipe(PipeReader),
    Terminal(File),
}

enum Streams {
    Pipes { stdout: PipeWriter, stderr: PipeWriter },
    Terminal { stdout: File, stderr: File },
}

impl Plumbing {
    pub(super) fn of(call: &ToolCall) -> io::Result<Self> {
        match call.terminal.then(open_terminal).transpose()?.flatten() {
            Some(terminal) => Plumbing::terminal(terminal, call.input),
            None => Plumbing::pipes(call.input),
        }
    }

    fn terminal(Terminal { ours, tools }: Terminal, input: ToolInput) -> io::Result<Self> {
        let (input, stdin) = match input {
            ToolInput::Nothing => (None, Stdin::Nothing),
            ToolInput::Open => (Some(InputEnd::Terminal(ours.try_clone()?)), Stdin::Terminal(tools.try_clone()?)),
        };
        let streams = Streams::Terminal { stdout: tools.try_clone()?, stderr: tools };
        Ok(Plumbing { outputs: vec![(Stream::Stdout, Box::new(ours))], input, tools: ToolsEnds { stdin, streams } })
    }

    fn pipes(input: ToolInput) -> io::Result<Self> {
        let (from_stdout, stdout) = io::pipe()?;
        let (from_stderr, stderr) = io::pipe()?;
        let (input, stdin) = match input {
            ToolInput::Nothing => (None, Stdin::Nothing),
            ToolInput::Open => {
                let (stdin, input) = io::pipe()?;
                (Some(InputEnd::Pipe(input)), Stdin::Pipe(stdin))
            }
        };
        Ok(Plumbing {
            outputs: vec![(Stream::Stdout, Box::new(from_stdout)), (Stream::Stderr, Box::new(from_stderr))],
            input,
            tools: ToolsEnds { stdin, streams: Streams::Pipes { stdout, stderr } },
        })
    }
}

impl ToolsEnds {
    /// Standard input, output and error, in this order.
    #[cfg(target_os = "linux")]
    pub(super) fn files(self) -> io::Result<[std::os::fd::OwnedFd; 3]> {
        let stdin = match self.stdin {
            Stdin::Nothing => File::open("/dev/null")?.into(),
            Stdin::Pipe(pipe) => pipe.into(),
            Stdin::Terminal(terminal) => terminal.into(),
        };
        Ok(match self.streams {
            Streams::Pipes { stdout, stderr } => [stdin, stdout.into(), stderr.into()],
            Streams::Terminal { stdout, stderr } => [stdin, stdout.into(), stderr.into()],
        })
    }

    #[cfg(windows)]
    pub(super) fn stdio(self) -> [Stdio; 3] {
        let stdin = match self.stdin {
            Stdin::Nothing => Stdio::null(),
            Stdin::Pipe(pipe) => pipe.into(),
            Stdin::Terminal(terminal) => terminal.into(),
        };
        match self.streams {
            Streams::Pipes { stdout, stderr } => [stdin, stdout.into(), stderr.into()],
            Streams::Terminal { stdout, stderr } => [stdin, stdout.into(), stderr.into()],
        }
    }

    #[cfg(unix)]
    pub(super) fn connect(self, expression: &Expression) -> Expression {
        let expression = match self.stdin {
            Stdin::Nothing => expression.stdin_null(),
            Stdin::Pipe(pipe) => expression.stdin_file(pipe),
            Stdin::Terminal(terminal) => expression.stdin_file(terminal),
        };
        match self.streams {
            Streams::Pipes { stdout, stderr } => expression.stdout_file(stdout).stderr_file(stderr),
            Streams::Terminal { stdout, stderr } => expression.stdout_file(stdout).stderr_file(stderr),
        }
    }
}
