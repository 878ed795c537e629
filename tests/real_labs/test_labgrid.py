"""labgrid's own coordinator, exporter and client, and boards that are virtual: nobody's hands are needed."""

import asyncio
import getpass
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from conftest import (
    HANDS,
    WAIT_S,
    Mended,
    agreed,
    all_off,
    asked_directly,
    boards,
    device,
    devices,
    journal,
    moves,
    shown,
    the_record,
    wait_for,
)
from labgrid import Environment
from labgrid.exceptions import InvalidConfigError
from labgrid.remote.client import UserError
from labgrid.remote.generated import labgrid_coordinator_pb2 as messages
from labgrid.remote.generated import labgrid_coordinator_pb2_grpc as services
from labgrid.resource.remote import RemotePlaceManager
from labgrid.step import steps
from labgrid.strategy import StrategyError

from recover_board import ends
from recover_board.relays import RELAYS
from recover_board.run import program

HERE = Path(__file__).parent
FAR = "far.example"
LET_GO = sorted(f"{name} off" for name in RELAYS)
# In place of ssh: the other computer is this one, from another folder on. labgrid keeps `ssh HOST cat` alive as its connection.
SSH = """#!/bin/sh
while :; do case "$1" in -O) exit 0;; -x|-n) shift;; -o) shift 2;; *) break;; esac; done
echo "$*" >> "$FAR_HOME/ssh.log"
shift
[ "$1" != -- ] || shift
cd "$FAR_HOME" && exec sh -c "$*"
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder, *command):
    with open(folder / f"{command[2]}.log", "w", encoding="utf-8") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)


class Lab:
    """A coordinator, an exporter that knows nothing of recover, and a place for each port."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.environments = []
        self.url = f"127.0.0.1:{free_port()}"
        os.environ["LG_COORDINATOR"] = self.url
        os.environ["LG_USERNAME"] = os.environ["USER"] = getpass.getuser()
        there = folder / "there"
        there.mkdir()
        ssh = folder / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text(SSH)
        ssh.chmod(0o755)
        os.environ["FAR_HOME"] = str(there)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
        os.environ["PATH"] = os.pathsep.join([str(ssh.parent), str(Path(sys.executable).parent), os.environ["PATH"]])

    def open(self, ports):
        exports = {name: {"RecoverPort": port} for name, port in ports.items()}
        (self.folder / "exports.yaml").write_text(json.dumps(exports))
        self.processes.append(start(self.folder, sys.executable, "-m", "labgrid.remote.coordinator", "-l", self.url))
        channel = grpc.insecure_channel(self.url)
        grpc.channel_ready_future(channel).result(timeout=WAIT_S)
        coordinator = services.CoordinatorStub(channel)
        for name in ports:
            coordinator.AddPlace(messages.AddPlaceRequest(name=name))
            pattern = f"exporter/{name}/RecoverPort"
            coordinator.AddPlaceMatch(messages.AddPlaceMatchRequest(placename=name, pattern=pattern))
        channel.close()
        exporter = [sys.executable, "-m", "labgrid.remote.exporter", "-n", "exporter", "exports.yaml"]
        self.processes.append(start(self.folder, *exporter))
        wait_for("the exporter", lambda: self.client("resources").stdout.count("RecoverPort") == len(ports))

    def client(self, *words, check=True):
        command = [sys.executable, "-m", "labgrid.remote.client", *words]
        return subprocess.run(command, check=check, capture_output=True, text=True, cwd=self.folder)

    def acquire(self, *places):
        """All at once, by an environment that names them."""
        roles = {name: {"resources": {"RemotePlace": {"name": name}}} for name in places}
        (self.folder / "acquired.yaml").write_text(json.dumps({"targets": roles}))
        self.client("-c", "acquired.yaml", "acquire")

    def log(self, place):
        return self.folder / "moves" / f"{place}.log"

    def records(self, place):
        return self.folder / "records" / place

    def environment(self, *places, power=None, **options):
        """An environment file with a target for each place."""
        targets = {}
        for place in places:
            log = str(self.log(place))
            outputs = [{"WrittenOutput": {"name": name, "log": log}} for name in RELAYS[1:]]
            driver = {
                "bindings": {name: name for name in RELAYS[1:]},
                "records": str(self.records(place)),
                "options": ["--simulate"],
                "delay_s": 0,
                "press_s": 0,
                **options,
            }
            relays = [{"WrittenPower": {"log": log, **(power or {})}}, *outputs]
            drivers = [*relays, {"RecoverDriver": driver}, {"RecoverStrategy": {}}]
            targets[place] = {"resources": {"RemotePlace": {"name": place}}, "drivers": drivers}
        path = self.folder / f"{'-'.join(places)}.yaml"
        imports = ["relays", "recover_board.labgrid"]
        path.write_text(json.dumps({"targets": targets, "imports": imports, "tools": {"recover": program()}}))
        self.log("any").parent.mkdir(exist_ok=True)
        return path

    def target(self, place, **options):
        environment = Environment(str(self.environment(place, **options)))
        self.environments.append(environment)
        return environment.get_target(place)

    def holder(self, place):
        """Who has acquired it, as the session of this process hears."""
        manager = RemotePlaceManager.get()
        if manager.session is None:
            self.target("h7")
        manager.loop.run_until_complete(asyncio.sleep(0.05))
        return manager.session.places[place].acquired

    def close(self):
        for process in reversed(self.processes):
            # Asked to end, the coordinator takes five seconds.
            process.kill()
            process.wait(WAIT_S)


EIGHT = [f"h7-{number}" for number in range(8)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        ports = {board: {"host": "localhost", "port": port, "board": board} for board, port in boards().items()}
        ports |= {place: ports["h7"] for place in [*EIGHT, "stuck", "released", "loose", "shown"]}
        ports |= {"fuse": ports["rt1062"], "far": {**ports["h7"], "host": FAR}}
        for host, place in [("localhost", "killed"), (FAR, "far-killed"), ("localhost", "asked")]:
            ports[place] = {"host": host, "port": "1-2", "board": str(lab.folder / place / "camera.yaml")}
        lab.open(ports)
        lab.acquire(*(name for name in ports if name != "loose"))
        yield lab
    finally:
        lab.close()


@pytest.mark.parametrize("board", boards())
def test_every_board_is_recovered_without_a_person(lab, board):
    driver = lab.target(board).get_driver("RecoverDriver")
    wanted, shown = [], []

    def asked(event):
        wanted.extend(move for hand in event.data.get("hands", []) if event.kind == "prompted" for move in HANDS[hand])

    def seen(event):
        if "skip" in event.data or event.data.get("state") == "stop":
            shown.append(event.step.title)

    steps.subscribe(seen)
    try:
        if board == "arduino":
            with pytest.raises(ends.StepFailed) as refused:
                driver.recover(on_event=asked)
            assert refused.value.outcome == "refused-by-playbook"
            record = refused.value.record
        else:
            recovered = driver.recover(allow_irreversible=agreed(board), unit="SN-1", on_event=asked)
            assert recovered.finished.outcome == "recovered"
            record = recovered.record
            assert wanted
    finally:
        steps.unsubscribe(seen)
    done = moves(lab.log(board))
    assert done[: len(wanted)] == wanted
    assert sorted(done[len(wanted) :]) == LET_GO
    told = journal(record)
    assert told[-1]["event"] == "finished"
    assert [event["step"] for event in told if event["event"] == "step_finished"] == [
        title for title in shown if title in {event["step"] for event in told if event["event"] == "step_started"}
    ]


def test_what_is_not_acquired_is_not_run(lab):
    with pytest.raises(UserError, match="loose is not acquired"):
        lab.target("loose")
    driver = lab.target("released").get_driver("RecoverDriver")
    lab.client("-p", "released", "release")
    with pytest.raises(UserError, match="released is not acquired"):
        driver.recover()
    assert not moves(lab.log("loose")) and not moves(lab.log("released"))


def test_consent_comes_with_the_call_alone(lab):
    for option in ["--allow-irreversible=boot-fuse", "--allow-irreversible"]:
        with pytest.raises(InvalidConfigError, match="allow_irreversible"):
            lab.target("fuse", options=["--simulate", option])
    target = lab.target("fuse")
    strategy = target.get_driver("RecoverStrategy", activate=False)
    with pytest.raises(ends.Declined) as refused:
        strategy.transition("recovered")
    alone = asked_directly("rt1062", lab.folder)
    assert refused.value.exit_code == alone["exit_code"] == 6
    assert refused.value.next == alone["problem"]["next"] and len(refused.value.next) > 1
    assert (refused.value.what, refused.value.step, refused.value.state) == tuple(
        alone["problem"][key] for key in ("what", "step", "state")
    )
    assert all(line in str(refused.value) for line in [refused.value.what, *refused.value.next])
    assert strategy.status == "unknown" and all_off(lab.log("fuse"))
    with pytest.raises(TypeError):
        strategy.transition("recovered", allow_irreversible="boot-fuse")
    # And it is for this one call.
    assert strategy.transition("recovered", allow_irreversible=["boot-fuse"]).finished.outcome == "recovered"
    assert strategy.status == "recovered" and moves(lab.log("fuse"))[-1] == "power on"
    strategy.transition("unknown")
    with pytest.raises(ends.Declined):
        strategy.transition("recovered")
    strategy.transition("off")
    assert all_off(lab.log("fuse"))
    with pytest.raises(StrategyError, match="recovered or off"):
        strategy.transition("healed")


def test_a_relay_that_is_stuck_is_an_end_of_its_own(lab, monkeypatch):
    driver = lab.target("stuck").get_driver("RecoverDriver")
    monkeypatch.setenv("STUCK", "jumper on")
    with pytest.raises(ends.HandsFailed) as failed:
        driver.recover()
    assert failed.value.exit_code == 8 and "relay 2 is stuck" in failed.value.what and failed.value.next
    assert moves(lab.log("stuck"))[0] == "power off" and all_off(lab.log("stuck"))
    # One that does not let go keeps none of the others on.
    monkeypatch.setenv("STUCK", "power off")
    target = lab.target("stuck")
    with pytest.raises(ends.HandsFailed, match="relay 2 is stuck"):
        target.get_driver("RecoverDriver").recover()
    assert sorted(moves(lab.log("stuck"))[-3:]) == ["button off", "jumper off", "switch off"]


def test_eight_places_at_once(lab):
    environment = lab.environment(*EIGHT, power={"together": len(EIGHT)})
    for log in environment.parent.glob("moves/*.log"):
        log.unlink()
    command = [sys.executable, str(HERE / "client.py"), str(environment)]
    clients = [subprocess.Popen([*command, place], stdout=subprocess.PIPE, text=True) for place in EIGHT]
    assert [client.communicate(timeout=WAIT_S)[0] for client in clients] == ["recovered\n"] * len(EIGHT)
    assert all(all_off(lab.log(place)) for place in EIGHT)


def test_a_board_of_another_computer_is_recovered_there(lab):
    driver = lab.target("far").get_driver("RecoverDriver")
    recovered = driver.recover()
    assert journal(recovered.record)[-1]["outcome"] == "recovered"
    assert recovered.record.parent == lab.records("far")
    there = Path(os.environ["FAR_HOME"])
    assert (there / ".local/state/recover/runs" / recovered.run_id).is_dir()
    assert moves(there / "ssh.log")[0] == f"{FAR} cat" and all_off(lab.log("far"))


@pytest.mark.parametrize("place", ["killed", "far-killed"])
def test_a_client_that_is_killed_leaves_a_finished_step(lab, place):
    mended = Mended(lab.folder / place)
    here = lab.environment(place, options=mended.options, images={"image": mended.image})
    there = Path(os.environ["FAR_HOME"]) / ".local/state/recover/runs"
    before = set(there.glob("*"))
    client = subprocess.Popen([sys.executable, str(HERE / "client.py"), str(here), place])
    wait_for("the write", lambda: mended.calls() == ["begun"])
    assert lab.holder(place).endswith(f"/{getpass.getuser()}")
    client.send_signal(signal.SIGKILL)
    client.wait(WAIT_S)
    if place == "killed":
        record = the_record(lab.records(place))
    else:
        (record,) = set(there.glob("*")) - before
    wait_for("the wish to end", lambda: any(event["event"] == "interrupted" for event in journal(record)))
    # Power stays while something is written.
    assert moves(lab.log(place)) == ["power off", "jumper on", "power on"]
    mended.go_on()
    wait_for("the release of the place", lambda: lab.holder(place) is None)
    assert mended.calls() == ["begun", "ended"]
    assert sorted(moves(lab.log(place))[3:]) == LET_GO
    told = journal(record)
    assert [event["step"] for event in told if event["event"] == "step_finished"] == ["enter", "mend"]
    assert told[-1]["outcome"] == "interrupted"
    assert told[0]["station"] == place


def test_a_client_that_is_asked_to_end_waits_for_the_step(lab):
    mended = Mended(lab.folder / "asked")
    here = lab.environment("asked", options=mended.options, images={"image": mended.image})
    client = subprocess.Popen([sys.executable, str(HERE / "client.py"), str(here), "asked"], stderr=subprocess.DEVNULL)
    wait_for("the write", lambda: mended.calls() == ["begun"])
    client.send_signal(signal.SIGINT)
    record = the_record(lab.records("asked"))
    wait_for("the wish to end", lambda: any(event["event"] == "interrupted" for event in journal(record)))
    assert client.poll() is None and not all_off(lab.log("asked"))
    mended.go_on()
    assert client.wait(WAIT_S) != 0
    assert mended.calls() == ["begun", "ended"] and all_off(lab.log("asked"))
    # Whoever asked is still there, and so is their place.
    assert lab.holder("asked")


def test_what_is_attached_is_told(lab, tmp_path):
    target = lab.target("h7")
    target.env.config.data["tools"]["recover"] = devices(tmp_path, [device("1-3"), device("1-1")])
    there = target.get_driver("RecoverDriver").check()
    assert (there.port, there.state, there.boards, there.certain) == ("1-1", "recovery", ("A",), True)
    target.env.config.data["tools"]["recover"] = devices(tmp_path, [{"event": "blind", "reason": "no USB"}])
    with pytest.raises(ends.DeviceUnavailable, match="no USB"):
        target.get_driver("RecoverDriver").check()


def test_what_the_page_shows_recovers_a_board(lab, tmp_path):
    exports, environment, _ = shown()
    assert exports["bench-7"]["RecoverPort"].keys() == {"host", "port", "board"}
    target = environment["targets"]["main"]
    assert target["resources"]["RemotePlace"]["name"] in exports
    # The place is another one, relays are files, and the camera is virtual.
    target["resources"]["RemotePlace"]["name"] = "shown"
    power, wire, driver, _ = target["drivers"]
    relays = tmp_path / "relays"
    relays.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/power\n')
    relays.chmod(0o755)
    power["ExternalPowerDriver"] = {
        name: command.replace("relays", str(relays)) for name, command in power["ExternalPowerDriver"].items()
    }
    (tmp_path / "wire").touch()
    wire["FileDigitalOutputDriver"]["filepath"] = str(tmp_path / "wire")
    driver["RecoverDriver"] |= {"files": None, "options": ["--simulate"], "records": str(tmp_path / "records"), "delay_s": 0}
    (tmp_path / "shown.yaml").write_text(json.dumps({**environment, "tools": {"recover": program()}}))
    made = Environment(str(tmp_path / "shown.yaml")).get_target("main")
    recovered = made.get_driver("RecoverStrategy", activate=False).transition("recovered")
    assert recovered.record.parent == tmp_path / "records"
    assert moves(tmp_path / "power") == [f"power {word}" for word in ["off", "on", "off", "on", "off", "on"]]
    assert (tmp_path / "wire").read_text() == wire["FileDigitalOutputDriver"].get("false_repr", "0\n")


@pytest.fixture(scope="module", autouse=True)
def end_session():
    yield
    manager = RemotePlaceManager.get()
    if manager.session:
        manager.loop.run_until_complete(manager.session.stop())
