"""Starts recover, hears its events, and moves what a person's hands would move."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from recover_board import ends, keeper
from recover_board.events import Event, Finished, Prompted, RunStarted, ToolStarted
from recover_board.events import event as read_event

CONSENT = "--allow-irreversible"


def is_run_id(text: str) -> bool:
    """Is it the name of a record, and of nothing outside of the folder of records?"""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", text) is not None


class Hands(Protocol):
    """What moves in place of a person's hands."""

    def move(self, hand: str) -> None:
        """Does one move, such as `plug-in`; `recover schema hands` lists them. An exception says that it was not done."""

    def let_go(self) -> None:
        """Puts everything back to where it is without a run; called at every end."""


@dataclass(frozen=True)
class Order:
    """Which board is to be recovered, and how."""

    board: str
    """A board's name, or the path of a playbook."""
    port: str | None = None
    """Where it is on the bus, such as `1-2.3`."""
    serial: str | None = None
    files: str | None = None
    """Folder with the input files."""
    unit: str | None = None
    operator: str | None = None
    station: str | None = None
    runs_dir: str | None = None
    """Where the record of the run is kept."""
    allow_irreversible: Sequence[str] = ()
    """Steps that cannot be undone, and are agreed to: by their ids, each for this run alone."""
    options: Sequence[str] = ()
    """More options of `recover run`."""

    def __post_init__(self) -> None:
        if isinstance(self.allow_irreversible, str):
            raise TypeError("allow_irreversible is a list of step ids, not one text")
        for option in self.options:
            if option.startswith(CONSENT):
                raise ValueError(f"{CONSENT} is no option of a set-up: name the step in allow_irreversible of the call")

    def arguments(self) -> list[str]:
        """The words after `recover`."""
        named = {
            "--port": self.port,
            "--serial": self.serial,
            "--files": self.files,
            "--unit": self.unit,
            "--operator": self.operator,
            "--station": self.station,
            "--runs-dir": self.runs_dir,
        }
        given = [f"{name}={value}" for name, value in named.items() if value is not None]
        agreed = [f"{CONSENT}={step}" for step in self.allow_irreversible]
        spoken = ["--hands=json", "--message-format=json", "--non-interactive"]
        return ["run", *spoken, *given, *agreed, *self.options, "--", self.board]


@dataclass(frozen=True)
class Recovered:
    """A run that recovered its board."""

    run_id: str
    """The name of its record, where one is kept."""
    finished: Finished
    record: Path | None = None
    """Where the record is on this computer."""

    @property
    def next(self) -> list[str]:
        """What may be done now."""
        return list(self.finished.data.get("next") or [])


class Way:
    """How a command gets to the computer that has the board: this one."""

    far = False

    def command(self, command: Sequence[str]) -> list[str]:
        """What is started here for it."""
        return list(command)


def program() -> str:
    """The recover that came with this package, else the one in PATH; RECOVER_PROGRAM names another."""
    named = os.environ.get("RECOVER_PROGRAM")
    if named:
        return named
    beside = Path(sysconfig.get_path("scripts")) / ("recover.exe" if os.name == "nt" else "recover")
    return str(beside) if beside.is_file() else shutil.which("recover") or "recover"


def kept(command: Sequence[str], way: Way, then: Sequence[str] | None = None) -> list[str]:
    """The command with a keeper before it, on each of the two computers."""
    source = Path(keeper.__file__)
    here = [sys.executable, "-I", "-S", str(source)]
    after = ["--then", json.dumps(list(then))] if then else []
    if not way.far:
        return [*here, *after, "--", *command]
    there = ["python3", "-I", "-c", source.read_text(encoding="utf-8"), "--", *command]
    return [*here, "--far", *after, "--", *way.command(there)]


class Run:
    """A run of recover: iterate over its events, then ask for its `result()`. To be used with `with`.

    Leaving it early lets a writing step end, and ends the run. Hands let go at every end; where this process is killed, `then`
    is started for that, as soon as recover has ended.
    """

    def __init__(
        self,
        order: Order,
        hands: Hands,
        *,
        tool: str | None = None,
        way: Way | None = None,
        then: Sequence[str] | None = None,
    ) -> None:
        """`tool` is another recover than `program()`."""
        way = way or Way()
        self._hands = hands
        self._command = kept([tool or ("recover" if way.far else program()), *order.arguments()], way, then)
        self._process: subprocess.Popen[str] | None = None
        self._telling = threading.Lock()
        self._far = way.far
        self._writes_until_s = 0.0
        self._over = self._stopped = False
        self._let_go: Exception | None = None
        self.run_id = ""
        self.finished: Finished | None = None

    def __enter__(self) -> Run:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            # Ctrl-C at the terminal is for this process, which asks the run to end.
            start_new_session=True,
        )
        if self._stopped:
            self.stop()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        for event in self._events():
            yield event
            if isinstance(event, Prompted) and event.hands:
                self._move(event)

    def stop(self) -> None:
        """Lets a writing step end, and then ends the run; may be called from another thread."""
        self._stopped = True
        self._tell("stop")

    def close(self) -> None:
        """Ends the run if it is still at work, and lets go of everything."""
        process = self._process
        if self._over or process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        if self.finished is None:
            self.stop()
        for _event in self._events():
            pass
        self._over = True
        if self.finished is None and (self._far or self._keeper_was_killed()):
            # The way broke off. The call goes on to its end, and needs power as long.
            time.sleep(max(0.0, self._writes_until_s - time.monotonic()))
        try:
            self._hands.let_go()
        except Exception as error:
            self._let_go = error
        # Even so nobody else is to let go, or to give up the place, beside a client that lives.
        self._tell("released")
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.wait()
        process.stdout.close()

    def result(self) -> Recovered:
        """What the run came to; one of `ENDS` is raised if that is not a recovered board."""
        self.close()
        finished = self.finished
        if finished is None:
            raise ends.RecoverError(lost(self._process.returncode if self._process else None), run_id=self.run_id)
        if finished.exit_code != 0:
            raise ends.error(finished.data, run_id=self.run_id)
        if self._let_go is not None:
            raise ends.HandsFailed(not_let_go(finished, self._let_go), run_id=self.run_id) from self._let_go
        return Recovered(self.run_id, finished)

    def _events(self) -> Iterator[Event]:
        assert self._process is not None and self._process.stdout is not None, "a run begins with `with`"
        for line in self._process.stdout:
            try:
                # On the way others may print as well, and another version may tell other things.
                event = read_event(line) if line.startswith("{") else None
            except (ValueError, KeyError, TypeError):
                event = None
            if event is None:
                continue
            if isinstance(event, RunStarted):
                self.run_id = event.run_id
            elif isinstance(event, Finished):
                self.finished = event
            elif isinstance(event, ToolStarted) and event.changes_board:
                self._writes_until_s = time.monotonic() + event.limit_ms / 1000
            elif event.kind == "tool_ended":
                self._writes_until_s = 0.0
            yield event

    def _keeper_was_killed(self) -> bool:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(1) < 0
        return False

    def _move(self, prompted: Prompted) -> None:
        for hand in prompted.hands:
            try:
                self._hands.move(hand)
            except Exception as error:
                why = str(error) or type(error).__name__
                return self._tell(json.dumps({"failed": prompted.prompt, "why": why, "hand": hand}))
        return self._tell(json.dumps({"done": prompted.prompt}))

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        # A run that is over reads no more.
        with self._telling, contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


def not_let_go(finished: Finished, why: Exception) -> dict[str, object]:
    """The end of a run that did all its steps, after which something stayed where it was set."""
    problem = {
        "what": f"every step was done, but what moves in place of your hands did not let go: {why}",
        "state": "Every step of this run was done.",
        "next": ["Look whether the board's power and wires are as they are without a run."],
    }
    return {**finished.data, "outcome": "hands-failed", "exit_code": 8, "problem": problem}


def lost(code: int | None) -> dict[str, object]:
    """The end of a run of which there was no last word."""
    problem = {
        "what": f"{ends.RecoverError.__doc__} Exit code: {code}.",
        "state": "Nothing is known of the board's state.",
        "next": [
            "Where the board is, `recover runs` lists the run, if it has begun, and `recover report last` says how far it got."
        ],
    }
    return {"outcome": "", "exit_code": None, "problem": problem}


def ask(words: Sequence[str], *, tool: str | None = None, way: Way | None = None) -> tuple[int, list[dict]]:
    """Runs recover with these words and `--message-format=json`; its exit code, and what it says."""
    way = way or Way()
    command = [tool or ("recover" if way.far else program()), *words, "--message-format=json"]
    done = subprocess.run(way.command(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return done.returncode, [json.loads(line) for line in lines if line.startswith("{")]


@dataclass(frozen=True)
class Attached:
    """A device that a playbook knows."""

    id: str
    """Vendor and product, such as `1fc9:0135`."""
    port: str
    label: str
    state: str | None
    """Such as `healthy` or `recovery`, where the playbook says so."""
    boards: tuple[str, ...]
    """One of these boards, as far as it can be told."""
    certain: bool
    """It can be no other board."""
    access: str
    serial: str | None


def attached(*, tool: str | None = None, way: Way | None = None) -> list[Attached]:
    """Every device that a playbook knows. `DeviceUnavailable` where the bus cannot be seen."""
    code, told = ask(["devices"], tool=tool, way=way)
    for event in told:
        if event["event"] == "blind":
            raise ends.DeviceUnavailable({"exit_code": 5, "problem": {"what": event["reason"]}})
    if code != 0:
        raise ends.RecoverError(lost(code))
    return [
        Attached(
            id=device["id"],
            port=device["port"],
            label=device["label"],
            state=device["state"],
            boards=tuple(board["board"] for board in device["boards"]),
            certain=device["certain"],
            access=device["access"],
            serial=device["serial"],
        )
        for device in told
        if device["event"] == "device"
    ]
