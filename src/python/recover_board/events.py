"""What recover tells of a run, one JSON object a line; `recover schema events` describes each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """One thing that happened. Kinds without a class of their own are only this."""

    kind: str
    step: str | None
    ms: int
    """Milliseconds since the run began."""
    data: Mapping[str, Any]
    """All that was told, whole."""


@dataclass(frozen=True)
class RunStarted(Event):
    """The first one."""

    run_id: str
    board: str


@dataclass(frozen=True)
class StepStarted(Event):
    """A step begins."""

    name: str


@dataclass(frozen=True)
class StepSkipped(Event):
    """A step is left out."""

    name: str
    reason: str


@dataclass(frozen=True)
class StepFinished(Event):
    """A step has ended."""

    name: str
    end: Any
    """`"succeeded"`, or an object with `succeeded-with-warning` or `failed`."""


@dataclass(frozen=True)
class Prompted(Event):
    """Somebody is to move something; where `hands` is not empty, a program can."""

    text: str
    prompt: int = 0
    """Counted from 1; programs of before did not."""
    hands: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolStarted(Event):
    """A tool was called."""

    command: list[str]
    changes_board: bool
    """Cutting this call short would leave the board half written."""
    limit_ms: int
    """So long it takes at most."""


@dataclass(frozen=True)
class Finished(Event):
    """Always the last one."""

    outcome: str
    exit_code: int


KINDS: dict[str, type[Event]] = {
    "run_started": RunStarted,
    "step_started": StepStarted,
    "step_skipped": StepSkipped,
    "step_finished": StepFinished,
    "prompted": Prompted,
    "tool_started": ToolStarted,
    "finished": Finished,
}


def event(line: str) -> Event:
    """One line of what recover prints."""
    data = json.loads(line)
    kind = KINDS.get(data["event"], Event)
    own = {name: data[name] for name in kind.__dataclass_fields__ if name in data and name not in Event.__dataclass_fields__}
    if "hands" in own:
        own["hands"] = tuple(own["hands"])
    return kind(kind=data["event"], step=data.get("step"), ms=data.get("ms", 0), data=data, **own)
