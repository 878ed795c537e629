"""Jumpstarter's own exporter and client, without a controller, and boards that are virtual: nobody's hands are needed."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
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
from jumpstarter.client import client_from_path
from jumpstarter.client.core import ExporterNotReady
from jumpstarter.common.utils import serve
from jumpstarter.config.exporter import ExporterConfigV1Alpha1DriverInstance
from jumpstarter.exporter import Session
from jumpstarter_driver_power.driver import MockPower, SyncMockPower

from recover_board import ends
from recover_board.jumpstarter import Recover
from recover_board.relays import RELAYS

HERE = Path(__file__).parent
LET_GO = sorted(f"{name} off" for name in RELAYS)


def write_down(log, word, stuck):
    if word == stuck:
        raise OSError("relay 2 is stuck")
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"{word}\n")


class WrittenPower(MockPower):
    """Jumpstarter's drivers may be coroutines, as this one is, or not."""

    async def on(self):
        write_down(self.log, "power on", self.stuck)

    async def off(self):
        write_down(self.log, "power off", self.stuck)


class WrittenOutput(SyncMockPower):
    def on(self):
        write_down(self.log, f"{self.relay} on", self.stuck)
        self.together.wait(WAIT_S)

    def off(self):
        write_down(self.log, f"{self.relay} off", self.stuck)


def written(log, stuck="", together=None):
    """Relays that only write down what they do, and can wait for others or be stuck."""
    relays = {"power": WrittenPower()} | {name: WrittenOutput() for name in RELAYS[1:]}
    for name, relay in relays.items():
        relay.log, relay.stuck, relay.relay = log, stuck, name
        relay.together = together or threading.Barrier(1)
    return relays


def driver(folder, board, stuck="", together=None, **more):
    children = written(folder / "moves", stuck, together)
    options = {"options": ["--simulate"], "records": str(folder / "there"), "delay_s": 0, "press_s": 0, **more}
    return Recover(board=board, port=boards()[board], children=children, **options)


@pytest.mark.parametrize("board", boards())
def test_every_board_is_recovered_without_a_person(tmp_path, board):
    wanted = []

    def asked(event):
        wanted.extend(move for hand in event.data.get("hands", []) if event.kind == "prompted" for move in HANDS[hand])

    with serve(driver(tmp_path, board)) as client:
        here = str(tmp_path / "here")
        if board == "arduino":
            with pytest.raises(ends.StepFailed) as refused:
                client.recover(on_event=asked, records=here)
            assert refused.value.outcome == "refused-by-playbook"
            record = refused.value.record
        else:
            recovered = client.recover(allow_irreversible=agreed(board), unit="SN-1", on_event=asked, records=here)
            assert recovered.finished.outcome == "recovered"
            record = recovered.record
            assert wanted
    done = moves(tmp_path / "moves")
    assert done[: len(wanted)] == wanted
    assert sorted(done[len(wanted) :]) == LET_GO
    there = the_record(tmp_path / "there")
    assert {file.name: file.read_bytes() for file in record.iterdir()} == {file.name: file.read_bytes() for file in there.iterdir()}
    assert journal(record)[-1]["event"] == "finished"


def test_what_is_not_leased_is_not_run(tmp_path):
    with start_blocking_portal() as portal, ExitStack() as stack, Session(root_device=driver(tmp_path, "h7")) as session:
        path = stack.enter_context(portal.wrap_async_context_manager(session.serve_unix_async()))
        opened = client_from_path(path, portal, stack, allow=[], unsafe=True)
        client = stack.enter_context(portal.wrap_async_context_manager(opened))
        with pytest.raises(ExporterNotReady):
            client.recover()
    assert not moves(tmp_path / "moves")


def test_consent_comes_with_the_call_alone(tmp_path):
    for option in ["--allow-irreversible=boot-fuse", "--allow-irreversible"]:
        with pytest.raises(ValueError, match="the client names the step"):
            driver(tmp_path, "rt1062", options=["--simulate", option])
    with serve(driver(tmp_path, "rt1062")) as client:
        with pytest.raises(ends.Declined) as refused:
            client.recover()
        alone = asked_directly("rt1062", tmp_path)
        assert refused.value.exit_code == alone["exit_code"] == 6
        assert refused.value.next == alone["problem"]["next"] and len(refused.value.next) > 1
        assert (refused.value.what, refused.value.step, refused.value.state) == tuple(
            alone["problem"][key] for key in ("what", "step", "state")
        )
        assert all_off(tmp_path / "moves")
        with pytest.raises(TypeError):
            client.recover(allow_irreversible="boot-fuse")
        # And it is for this one call.
        assert client.recover(allow_irreversible=["boot-fuse"]).finished.outcome == "recovered"
        with pytest.raises(ends.Declined):
            client.recover()


def test_a_relay_that_is_stuck_is_an_end_of_its_own(tmp_path):
    with serve(driver(tmp_path, "h7", stuck="jumper on")) as client:
        with pytest.raises(ends.HandsFailed, match="relay 2 is stuck") as failed:
            client.recover()
        assert failed.value.exit_code == 8 and failed.value.next
    assert moves(tmp_path / "moves")[0] == "power off" and all_off(tmp_path / "moves")
    with serve(driver(tmp_path, "h7", stuck="switch off")) as client:
        with pytest.raises(ends.HandsFailed, match="did not let go: relay 2 is stuck"):
            client.recover()
    # The others are off all the same.
    assert sorted(moves(tmp_path / "moves")[-3:]) == ["button off", "jumper off", "power off"]


def test_eight_places_at_once(tmp_path):
    together = threading.Barrier(8)

    def recover(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        with serve(driver(folder, "h7", together=together)) as client:
            client.recover()
        return all_off(folder / "moves")

    with ThreadPoolExecutor(8) as places:
        assert list(places.map(recover, range(8))) == [True] * 8


def test_a_client_that_is_killed_leaves_a_finished_step(tmp_path):
    mended = Mended(tmp_path / "mended")
    folder = mended.folder
    exporter = [
        sys.executable,
        str(HERE / "exporter.py"),
        str(folder),
        mended.board,
        "1-2",
        f"--set=image={mended.image}",
        *mended.options,
    ]
    with subprocess.Popen(exporter, stdout=subprocess.PIPE, text=True) as serving:
        try:
            there = {**os.environ, "JUMPSTARTER_HOST": serving.stdout.readline().strip(), "JMP_DRIVERS_ALLOW": "UNSAFE"}
            lessee = [sys.executable, str(HERE / "lessee.py")]
            client = subprocess.Popen(lessee, env=there)
            wait_for("the write", lambda: mended.calls() == ["begun"])
            # The port is taken as long as it ends.
            second = subprocess.run(lessee, env=there, capture_output=True, text=True, check=False)
            assert "BoardBusy" in second.stderr
            client.send_signal(signal.SIGKILL)
            client.wait(WAIT_S)
            record = the_record(folder / "records")
            wait_for("the wish to end", lambda: any(event["event"] == "interrupted" for event in journal(record)))
            # Power stays while something is written.
            assert moves(folder / "moves") == ["power off", "jumper on", "power on"]
            mended.go_on()
            wait_for("the end", lambda: len(moves(folder / "moves")) == 7)
            assert mended.calls() == ["begun", "ended"]
            assert sorted(moves(folder / "moves")[3:]) == LET_GO
            told = journal(record)
            assert [event["step"] for event in told if event["event"] == "step_finished"] == ["enter", "mend"]
            assert told[-1]["outcome"] == "interrupted"
            # And the port is free again.
            third = subprocess.run(lessee, env=there, capture_output=True, text=True, check=True)
            assert third.stdout.endswith("recovered\n")
        finally:
            serving.terminate()


def test_an_exporter_finds_the_driver_by_its_name():
    (entry,) = importlib.metadata.entry_points(group="jumpstarter.drivers", name="Recover")
    assert entry.load() is Recover
    *_, configuration = shown()
    recover = configuration["export"]["recover"]
    assert recover["type"] == entry.value.replace(":", ".")
    # Relays of this page need lines of a chip.
    recover["children"] = {name: {"type": "jumpstarter_driver_power.driver.MockPower"} for name in recover["children"]}
    made = ExporterConfigV1Alpha1DriverInstance.model_validate(recover).instantiate()
    assert isinstance(made, Recover) and made.children.keys() == {"power", "jumper"}


def test_what_is_attached_is_told(tmp_path):
    with serve(driver(tmp_path, "h7", tool=devices(tmp_path, [device("1-3"), device("1-1")]))) as client:
        there = client.check()
        assert (there.port, there.state, there.boards, there.certain) == ("1-1", "recovery", ("A",), True)
    with serve(driver(tmp_path, "h7", tool=devices(tmp_path, [{"event": "blind", "reason": "no USB"}]))) as client:
        with pytest.raises(ends.DeviceUnavailable, match="no USB"):
            client.check()
