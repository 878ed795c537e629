"""recover for Jumpstarter: a driver for the exporter that has the board at a port, and its client.

An exporter's configuration names it as `type: recover_board.jumpstarter.Recover`. Its children `power`, `jumper` (the wire),
`switch` and `button` have the methods `on` and `off`, as Jumpstarter's power and GPIO drivers have them.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jumpstarter.client import DriverClient
from jumpstarter.driver import Driver, export

from recover_board import ends, run
from recover_board.events import Event, Finished, RunStarted
from recover_board.events import event as read_event
from recover_board.relays import RELAYS, Relays

PIECE = 1 << 20
"""Characters of a record that are sent at once; gRPC takes 4 MB."""


@dataclass(kw_only=True)
class Recover(Driver):
    """Recovers the board at a port of this computer."""

    board: str
    """Its name, as `recover list` shows it, or the path of a playbook."""
    port: str | None = None
    """The place on the bus, such as `1-2.3`."""
    files: str | None = None
    """Folder with the input files."""
    records: str | None = None
    """Folder for the records of runs; without it they are where recover keeps them."""
    options: list[str] = field(default_factory=list)
    """More options of `recover run`; consent is none of them."""
    tool: str | None = None
    """Another recover than the one that came with this package."""
    delay_s: float = 2.0
    """So long is the board without power at least."""
    press_s: float = 0.5
    """So long is the button pressed."""
    _at_work: run.Run | None = field(init=False, repr=False, default=None)
    _thread: threading.Thread | None = field(init=False, repr=False, default=None)
    _closing: bool = field(init=False, repr=False, default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(option.startswith(run.CONSENT) for option in self.options):
            raise ValueError(f"{run.CONSENT} is no option of an exporter: the client names the step in each call")
        unknown = self.children.keys() - set(RELAYS)
        if unknown:
            raise ValueError(f"recover has no use for {', '.join(sorted(unknown))}: it moves {', '.join(RELAYS)}")

    @classmethod
    def client(cls) -> str:
        """The class that a client makes of it."""
        return "recover_board.jumpstarter.RecoverClient"

    @export
    async def recover(self, allow_irreversible: list[str], unit: str | None, operator: str | None) -> AsyncGenerator[str, None]:
        """Events of the run as they come, the last one `finished`. A client that goes away ends the run."""
        if self._thread is not None and self._thread.is_alive():
            yield json.dumps(BUSY)
            return
        order = run.Order(
            self.board,
            port=self.port,
            files=self.files,
            unit=unit,
            operator=operator,
            runs_dir=self.records,
            allow_irreversible=allow_irreversible,
            options=self.options,
        )
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[str | None] = asyncio.Queue()

        def tell(event: dict[str, Any] | None) -> None:
            line = None if event is None else json.dumps(event)
            # An exporter that ends has no loop any more, and nobody hears it.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(told.put_nowait, line)

        running = run.Run(order, ChildRelays(self, loop), tool=self.tool)
        self._at_work = running
        # What has begun is brought to its end even when the call is cut off, or the client is gone.
        self._thread = threading.Thread(target=_carry_out, args=(running, tell), name="recover")
        self._thread.start()
        try:
            while (line := await told.get()) is not None:
                yield line
        finally:
            running.stop()

    @export
    def check(self) -> dict[str, Any] | None:
        """What is attached at the port, if a playbook knows it, or why that cannot be told."""
        try:
            there = run.attached(tool=self.tool)
        except ends.RecoverError as error:
            return {"finished": error.finished}
        return next(({"device": vars(device)} for device in there if device.port == self.port), None)

    @export
    async def record(self, run_id: str) -> AsyncGenerator[list[str], None]:
        """The files of a run's record, in pieces: each a name and some text."""
        if self.records is None or not run.is_run_id(run_id):
            return
        for file in sorted((Path(self.records) / run_id).iterdir()):
            text = file.read_text(encoding="utf-8")
            for begin in range(0, len(text), PIECE):
                yield [file.name, text[begin : begin + PIECE]]

    def close(self) -> None:
        """A run that is at work ends before its relays are closed."""
        self._closing = True
        if self._at_work is not None:
            self._at_work.stop()
        if self._thread is not None:
            self._thread.join()
        super().close()


BUSY = {
    "event": "finished",
    "outcome": "board-busy",
    "exit_code": 7,
    "problem": {
        "what": "another run at this port is at work, or about to end",
        "state": "Nothing has been done to the board, and no tool has run.",
        "next": ["Wait until it has ended, and run this again."],
    },
}


def _carry_out(running: run.Run, tell: Callable[[dict[str, Any] | None], None]) -> None:
    end: dict[str, Any] = {"event": "finished", "outcome": "", "exit_code": -1}
    try:
        with running:
            for event in running:
                # How it has ended is known only when everything has let go.
                if not isinstance(event, Finished):
                    tell(dict(event.data))
        end.update(running.result().finished.data)
    except ends.RecoverError as error:
        end.update(error.finished)
    finally:
        tell(end)
        tell(None)


class ChildRelays(Relays):
    """Relays that are children of the driver, by their names."""

    def __init__(self, driver: Recover, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(delay_s=driver.delay_s, press_s=driver.press_s)
        self._driver = driver
        self._loop = loop

    def has(self, relay: str) -> bool:
        """Whether something is there by this name."""
        return relay in self._driver.children

    def set(self, relay: str, on: bool) -> None:
        """Switches it."""
        child: Any = self._driver.children[relay]
        self._call(child.on if on else child.off)

    def _call(self, method: Callable[[], Any]) -> None:
        if not inspect.iscoroutinefunction(method):
            method()
            return
        if not self._driver._closing:
            done = asyncio.run_coroutine_threadsafe(method(), self._loop)
            while not self._driver._closing:
                try:
                    return done.result(timeout=0.1)
                except TimeoutError:
                    if done.done():
                        raise
            done.cancel()
        # The exporter's own loop waits for this thread.
        asyncio.run(method())


@dataclass(kw_only=True)
class RecoverClient(DriverClient):
    """Recovers the board at the exporter's port."""

    def recover(
        self,
        *,
        allow_irreversible: Sequence[str] = (),
        unit: str | None = None,
        operator: str | None = None,
        on_event: Callable[[Event], None] | None = None,
        records: str | None = None,
    ) -> run.Recovered:
        """Recovers the board, or raises one of `recover_board.ENDS`; the record is fetched into the folder `records`.

        Nothing that cannot be undone is done unless `allow_irreversible` names the step, in this call.
        """
        run.Order("", allow_irreversible=allow_irreversible)
        # The exporter of Jumpstarter 0.9 means to refuse a call outside of a lease, and does not.
        self.portal.call(self.check_exporter_status)
        run_id, finished = "", None
        for line in self.streamingcall("recover", list(allow_irreversible), unit, operator):
            event = read_event(line)
            if isinstance(event, RunStarted):
                run_id = event.run_id
            elif isinstance(event, Finished):
                finished = event
            self._show(event)
            if on_event is not None:
                on_event(event)
        record = self._fetch(run_id, records)
        if finished is None or finished.exit_code != 0:
            error = ends.error(finished.data if finished else {}, run_id=run_id)
            error.record = record
            raise error
        return run.Recovered(run_id, finished, record)

    def check(self) -> run.Attached | None:
        """What is attached at the port; nothing, where no playbook knows it, or nothing is there."""
        told = self.call("check")
        if told is None:
            return None
        if "finished" in told:
            raise ends.error(told["finished"])
        return run.Attached(**{**told["device"], "boards": tuple(told["device"]["boards"])})

    def _show(self, event: Event) -> None:
        name, end = event.data.get("name"), event.data.get("end")
        if event.kind in ("step_started", "step_skipped", "step_finished"):
            self.logger.info("%s: %s%s", event.kind.replace("_", " "), name, f" ({end})" if end else "")

    def _fetch(self, run_id: str, records: str | None) -> Path | None:
        if records is None or not run.is_run_id(run_id):
            return None
        record = Path(records) / run_id
        for name, text in self.streamingcall("record", run_id):
            record.mkdir(parents=True, exist_ok=True)
            with open(record / Path(name).name, "a", encoding="utf-8", newline="") as file:
                file.write(text)
        return record if record.is_dir() else None
