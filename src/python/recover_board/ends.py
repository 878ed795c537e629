"""How a run ends that did not recover the board: an exception for each exit code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class RecoverError(Exception):
    """It is not known how the run ended: recover, or the way to it, went away without a word."""

    exit_code: int | None = None

    def __init__(self, finished: Mapping[str, Any], *, run_id: str = "") -> None:
        """`finished` is the last event of the run, as `recover schema events` describes it."""
        super().__init__(dict(finished), run_id)
        problem: Mapping[str, Any] = finished.get("problem") or {}
        self.finished = dict(finished)
        """The last event, whole."""
        self.run_id = run_id
        """The name of the run's record, where one is kept."""
        self.record: Path | None = None
        """Where the record is on this computer, if it was fetched."""
        self.exit_code = finished.get("exit_code", self.exit_code)
        self.outcome: str = finished.get("outcome", "")
        """How the run ended, in one word."""
        self.what: str = problem.get("what") or str(type(self).__doc__)
        """What happened."""
        self.step: str | None = problem.get("step")
        """At which step; none before the first."""
        self.step_name: str | None = problem.get("step_name")
        self.command: list[str] = problem.get("command") or []
        """The call of a tool at which it happened, if it was one."""
        self.output: list[str] = problem.get("output") or []
        """The last lines that the tool has printed."""
        self.state: str = problem.get("state") or ""
        """In which state the board is now."""
        self.next: list[str] = problem.get("next") or []
        """What to do now, and whether running again is safe."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _built, (type(self), self.finished, self.run_id)

    def __str__(self) -> str:
        where = f"at step {self.step}" + (f" ({self.step_name})" if self.step_name else "") if self.step else ""
        command = "$ " + " ".join(self.command) if self.command else ""
        lines = [self.what, where, command, *self.output, self.state, *self.next]
        return "\n".join(line for line in lines if line)


class StepFailed(RecoverError):
    """A step failed."""


class CommandLineWrong(RecoverError):
    """The command line, or a file that it names, is wrong."""


class PlaybookInvalid(RecoverError):
    """A playbook or a catalog of tools is invalid, or nobody trusts it."""


class ToolMissing(RecoverError):
    """A tool is missing or too old."""


class DeviceUnavailable(RecoverError):
    """The camera is absent, one of several, or you may not use it."""


class Declined(RecoverError):
    """The person declined."""


class BoardBusy(RecoverError):
    """Another run holds the camera."""


class HandsFailed(RecoverError):
    """What moves in place of your hands failed, or did not let go."""


class Defect(RecoverError):
    """A defect in `recover`."""


class OutputLost(RecoverError):
    """All went well, but standard output could not be written, such as on a full disk."""


class Interrupted(RecoverError):
    """Interrupted."""


ENDS: dict[int, type[RecoverError]] = {
    1: StepFailed,
    2: CommandLineWrong,
    3: PlaybookInvalid,
    4: ToolMissing,
    5: DeviceUnavailable,
    6: Declined,
    7: BoardBusy,
    8: HandsFailed,
    70: Defect,
    74: OutputLost,
    130: Interrupted,
}
"""The exit codes but 0, as `docs/command-line.md` lists them, with its words."""


def error(finished: Mapping[str, Any], *, run_id: str = "") -> RecoverError:
    """The exception for a run that ended so."""
    return ENDS.get(finished.get("exit_code", -1), RecoverError)(finished, run_id=run_id)


def _built(kind: type[RecoverError], finished: Mapping[str, Any], run_id: str) -> RecoverError:
    return kind(finished, run_id=run_id)
