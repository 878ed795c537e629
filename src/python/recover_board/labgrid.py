"""recover for labgrid: a port at which a dead board is, the driver that recovers it, and a strategy.

A labgrid environment loads it with `imports: [recover_board.labgrid]`. The exporter needs nothing of it: a class that it does not
know it passes on as data.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attr
from labgrid import Environment, target_factory
from labgrid.driver import Driver
from labgrid.exceptions import InvalidConfigError
from labgrid.protocol import DigitalOutputProtocol, PowerProtocol
from labgrid.resource.common import NetworkResource
from labgrid.resource.remote import RemotePlace, RemotePlaceManager
from labgrid.step import Step, step, steps
from labgrid.strategy import Strategy, StrategyError
from labgrid.util.managedfile import ManagedFile

from recover_board import run
from recover_board.ends import RecoverError, StepFailed
from recover_board.events import Event, Finished, StepFinished, StepSkipped, StepStarted
from recover_board.relays import RELAYS, Relays

RECORD = ("journal.jsonl", "run.json", "log.txt")
"""What the record of a run consists of."""
OUTPUTS = set(RELAYS) - {"power"}
"""Digital outputs that a RecoverDriver can be bound to, each by the name of its driver."""
RECORDS_THERE = ".local/state/recover/runs"
"""Where records are on another computer, from its user's home on: recover's own folder on Linux."""


@target_factory.reg_resource
@attr.s(eq=False)
class RecoverPort(NetworkResource):
    """A port of a computer at which a board is to be recovered.

    It is a port and no device: a dead board shows none, or one that many boards show.

    Args:
        host (str): the computer that has the port
        port (str): the place on its bus, such as `1-2.3`
        board (str): name of the board, as `recover list` shows it, or path of a playbook there

    """

    port = attr.ib(validator=attr.validators.instance_of(str))
    board = attr.ib(validator=attr.validators.instance_of(str))


class Wire(run.Way):
    """The way of labgrid to the computer that has the port: none, or ssh."""

    def __init__(self, port: RecoverPort) -> None:
        """Where an exporter is isolated, it is reached by its proxy even from here."""
        here = {"localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn()}
        extra: Mapping[str, Any] = getattr(port, "extra", {})
        self.far = port.host not in here or bool(extra.get("proxy_required"))
        self._port = port

    def command(self, command: Sequence[str]) -> list[str]:
        """With labgrid's ssh before it, if it is another computer."""
        return self._port.wrap_command(list(command)) if self.far else list(command)


class BoundRelays(Relays):
    """Relays that are drivers of labgrid, by the names that they are bound as."""

    def __init__(self, bound: Mapping[str, PowerProtocol | DigitalOutputProtocol], *, delay_s: float, press_s: float) -> None:
        super().__init__(delay_s=delay_s, press_s=press_s)
        self._bound = bound

    def has(self, relay: str) -> bool:
        """Whether something is there by this name."""
        return relay in self._bound

    def set(self, relay: str, on: bool) -> None:
        """Switches it."""
        driver = self._bound[relay]
        if isinstance(driver, DigitalOutputProtocol):
            driver.set(on)
        elif on:
            driver.on()
        else:
            driver.off()


class Shown:
    """Shows the steps of a run as steps of labgrid, within the one that is at work."""

    def __init__(self, source: Driver) -> None:
        self._source = source
        self._open: list[tuple[str, Step]] = []

    def event(self, event: Event) -> None:
        """Shows one event, if it is about a step."""
        if isinstance(event, StepStarted):
            self._begin(event.step or "", event.name)
        elif isinstance(event, StepSkipped):
            self._begin(event.step or "", event.name).skip(event.reason)
            self._end(event.step)
        elif isinstance(event, StepFinished):
            self._end(event.step, event.end)
        elif isinstance(event, Finished):
            self.close(event.outcome)

    def close(self, outcome: str = "") -> None:
        """Ends what is still open, the innermost first."""
        while self._open:
            self._end(self._open[-1][0], outcome)

    def _begin(self, title: str, name: str) -> Step:
        shown = steps.get_new(title, None, self._source, (__file__, Path(__file__).name, 0))
        shown.args = {"name": name}
        shown.start()
        self._open.append((title, shown))
        return shown

    def _end(self, title: str | None, end: Any = None) -> None:
        if title not in [opened for opened, _ in self._open]:
            return
        while self._open:
            opened, shown = self._open.pop()
            if isinstance(end, dict) and "failed" in end:
                shown.exception = StepFailed({"problem": {"what": end["failed"]["message"], "step": opened}})
            else:
                shown.result = end
            shown.stop()
            if opened == title:
                return


@target_factory.reg_driver
@attr.s(eq=False)
class RecoverDriver(Driver):
    """Recovers the board at a RecoverPort.

    Power is what `unplug` and `plug-in` are done with; `jumper` (the wire), `switch` and `button` are digital outputs, which
    `bindings` names. What a board does not need may be left out.

    Args:
        files (str): folder with the input files, on the computer that has the port
        images (dict): inputs by name, each an image of the environment or a path here; they are brought there
        records (str): folder here for the records of runs
        options (list): more options of `recover run`; consent is none of them
        delay_s (float): so long is the board without power at least
        press_s (float): so long is the button pressed

    """

    bindings = {"port": RecoverPort, "power": {PowerProtocol, None}}

    files = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))
    images = attr.ib(factory=dict, validator=attr.validators.instance_of(dict))
    records = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))
    options = attr.ib(factory=list, validator=attr.validators.instance_of(list))
    delay_s = attr.ib(default=2.0, converter=float)
    press_s = attr.ib(default=0.5, converter=float)

    def __attrs_post_init__(self) -> None:
        # An output counts only for what it is bound to by name. labgrid would take the only one that there is for all three.
        named = self.target._binding_map.keys() & OUTPUTS
        self.bindings = {**self.bindings, **{name: Driver.NamedBinding(DigitalOutputProtocol) for name in named}}
        super().__attrs_post_init__()
        if any(str(option).startswith(run.CONSENT) for option in self.options):
            raise InvalidConfigError(
                f"{run.CONSENT} is no option of a driver: name the step where recover() is called, in allow_irreversible"
            )
        if self.target.env is None:
            raise InvalidConfigError(
                "RecoverDriver needs an environment file: if this process is killed, another one reads it to let go of relays"
            )

    @property
    def relays(self) -> BoundRelays:
        """What moves in place of hands."""
        bound = {name: driver for name in RELAYS if (driver := getattr(self, name, None)) is not None}
        return BoundRelays(bound, delay_s=self.delay_s, press_s=self.press_s)

    @Driver.check_active
    @step(args=["unit", "allow_irreversible"], result=True)
    def recover(
        self,
        *,
        allow_irreversible: Sequence[str] = (),
        unit: str | None = None,
        operator: str | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> run.Recovered:
        """Recovers the board, or raises one of `recover_board.ENDS`.

        Nothing that cannot be undone is done unless `allow_irreversible` names the step, in this call.
        """
        self._held()
        wire = Wire(self.port)
        order = run.Order(
            self.port.board,
            port=self.port.port,
            files=self.files,
            unit=unit,
            operator=operator,
            station=next((place.name for place in _places(self.target)), self.target.name),
            runs_dir=self._runs_dir(wire),
            allow_irreversible=allow_irreversible,
            options=[*map(str, self.options), *self._images(wire)],
        )
        shown = Shown(self)
        with run.Run(order, self.relays, tool=self._tool(), way=wire, then=self._after_a_kill()) as running:
            try:
                for event in running:
                    shown.event(event)
                    if on_event is not None:
                        on_event(event)
            finally:
                shown.close()
        record = self._fetch(running.run_id, wire)
        try:
            recovered = running.result()
        except RecoverError as error:
            error.record = record
            raise
        return dataclasses.replace(recovered, record=record)

    @Driver.check_active
    @step(result=True)
    def check(self) -> run.Attached | None:
        """What is attached at the port; nothing, where no playbook knows it, or nothing is there."""
        self._held()
        wire = Wire(self.port)
        there = run.attached(tool=self._tool(), way=wire)
        return next((device for device in there if device.port == self.port.port), None)

    def _held(self) -> None:
        """Labgrid refuses a place that is not, or no longer, acquired by this user on this computer."""
        for place in _places(self.target):
            place.poll()
            RemotePlaceManager.get().session.get_acquired_place(place.name)

    def _tool(self) -> str | None:
        tool = self.target.env.config.get_tool("recover")
        return None if tool == "recover" else tool

    def _runs_dir(self, wire: Wire) -> str | None:
        if self.records is None:
            return None
        return RECORDS_THERE if wire.far else os.path.abspath(self.records)

    def _images(self, wire: Wire) -> Iterator[str]:
        config = self.target.env.config
        for name, image in self.images.items():
            with contextlib.suppress(KeyError):
                image = config.get_image_path(image)
            if wire.far:
                file = ManagedFile(image, self.port)
                file.sync_to_resource()
                image = file.get_remote_path()
            else:
                image = os.path.abspath(image)
            yield f"--set={name}={image}"

    def _fetch(self, run_id: str, wire: Wire) -> Path | None:
        if self.records is None or not run.is_run_id(run_id):
            return None
        record = Path(os.path.abspath(self.records)) / run_id
        if wire.far:
            record.mkdir(parents=True, exist_ok=True)
            for name in RECORD:
                with open(record / name, "wb") as file:
                    read = wire.command(["cat", f"{RECORDS_THERE}/{run_id}/{name}"])
                    if subprocess.run(read, stdin=subprocess.DEVNULL, stdout=file, check=False).returncode != 0:
                        self.logger.warning("the record of run %s cannot be fetched from %s", run_id, self.port.host)
                        return None
        return record if record.is_dir() else None

    def _after_a_kill(self) -> list[str]:
        call = "import sys; from recover_board.labgrid import let_go; let_go(*sys.argv[1:])"
        url = str(RemotePlaceManager.get().url or "") if any(_places(self.target)) else ""
        config = os.path.abspath(self.target.env.config_file)
        return [sys.executable, "-c", call, config, self.target.name, self.name or "", url]


@target_factory.reg_driver
@attr.s(eq=False)
class RecoverStrategy(Strategy):
    """Brings a board from `unknown` to `recovered`; `off` takes its power away.

    A transition agrees to nothing that cannot be undone, unless it is named there.
    """

    bindings = {"recover": RecoverDriver, "power": {PowerProtocol, None}}

    status = attr.ib(default="unknown", validator=attr.validators.instance_of(str))

    @step(args=["status"])
    def transition(self, status: str, *, allow_irreversible: Sequence[str] = (), unit: str | None = None) -> run.Recovered | None:
        """Changes the status. What `recover()` raises comes through as it is, and leaves `unknown`."""
        if status == self.status:
            return None
        recovered = None
        if status == "recovered":
            self.status = "unknown"
            self.target.activate(self.recover)
            recovered = self.recover.recover(allow_irreversible=allow_irreversible, unit=unit)
            if self.power is not None:
                # All relays have let go; whoever goes on needs the board, which must have been off for long enough.
                self.target.activate(self.power)
                time.sleep(self.recover.delay_s)
                self.power.on()
        elif status == "off":
            if self.power is not None:
                self.target.activate(self.power)
                self.power.off()
        elif status != "unknown":
            raise StrategyError(f"there is no status {status!r}: it is unknown, recovered or off")
        self.status = status
        return recovered


def _places(target: Any) -> list[RemotePlace]:
    return [resource for resource in target.resources if isinstance(resource, RemotePlace)]


def let_go(config: str, role: str, name: str, url: str) -> None:
    """After the process was killed that moved the relays: puts them back, and releases the place, which nobody holds any more."""
    environment = Environment(config)
    if url:
        environment.config.set_option("coordinator_address", url)
    target = environment.get_target(role)
    try:
        target.get_driver(RecoverDriver, name=name or None).relays.let_go()
    finally:
        for place in _places(target):
            client = [sys.executable, "-m", "labgrid.remote.client", *(["-x", url] if url else [])]
            subprocess.run([*client, "-p", place.name, "release"], check=True)
