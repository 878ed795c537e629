"""What both labs are tried with: boards, relays that only write down what they do, and a tool that can be stopped in mid-write."""

import json
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from recover_board.run import program

WAIT_S = 120
HANDS = {
    "unplug": ["power off"],
    "plug-in": ["power on"],
    "fit-jumper": ["jumper on"],
    "remove-jumper": ["jumper off"],
    "switch-on": ["switch on"],
    "switch-off": ["switch off"],
    "press-button": ["button on", "button off"],
}
CATALOG = """
[mender]
summary = "mends"
programs = ["mender"]
timeout = "60s"
version = { args = ["--version"], flavours = [{ pattern = '^mender (?P<version>\\S+)' }] }

[[mender.commands]]
name = "write"
reversible = true
with = ["write"]
changes_board = true
success = ['^done$']
"""
PLAYBOOK = """
format: 1
board: Camera
inputs: {image: {file: image.bin}}
steps:
  - {id: enter, prompt: Connect the wire., hands: [unplug, fit-jumper, plug-in]}
  - {id: mend, run: mender, args: [write, "${image}"]}
  - {id: more, run: mender, args: [write, "${image}"]}
"""
TOOL = """#!/bin/sh
case "$1" in --version) echo 'mender 1.0'; exit 0;; esac
cd "$(dirname "$0")"
echo begun >> calls
while [ ! -e go ]; do sleep 0.05; done
echo ended >> calls
echo done
"""


def wait_for(what, look):
    """Answers with what `look` finds, which it does soon, or never."""
    by = time.monotonic() + WAIT_S
    while time.monotonic() < by:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come")


def boards():
    """All boards that are shipped, each with the port at which its virtual one is."""
    listed = subprocess.run([program(), "list"], check=True, capture_output=True, text=True).stdout
    # What goes on in a further line begins with a space.
    rows = [line for line in listed.split("\n\n")[0].splitlines() if not line.startswith(" ")]
    return {row.split()[0]: "1-1" if row.endswith("· dfu-util") else "1-2" for row in rows}


def shown():
    """The blocks of YAML in the part of docs/command-line.md about labs, in their order."""
    page = (Path(__file__).parents[2] / "docs/command-line.md").read_text()
    blocks = page.split("## From a lab\n")[1].split("```yaml\n")[1:]
    return [yaml.safe_load(block.split("```")[0]) for block in blocks]


def agreed(board):
    """What has to be agreed to, of the boards that are shipped."""
    return ["boot-fuse"] if board == "rt1062" else []


def moves(log):
    """What the relays have done."""
    path = Path(log)
    return path.read_text().splitlines() if path.exists() else []


def all_off(log):
    """How each relay stands that was moved at all."""
    done = dict(line.split() for line in moves(log))
    return set(done.values()) == {"off"}


class Mended:
    """A board that a tool writes which stops in the middle until it may go on."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "vendor-tools.toml").write_text(CATALOG)
        (folder / "camera.yaml").write_text(PLAYBOOK)
        self.image = str(folder / "made.bin")
        Path(self.image).write_bytes(b"\7" * 100)
        tool = folder / "mender"
        tool.write_text(TOOL)
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        self.board = str(folder / "camera.yaml")
        self.options = [f"--catalog={folder / 'vendor-tools.toml'}", f"--tool=mender={tool}"]

    def calls(self):
        """Each write, as it begins and ends."""
        return moves(self.folder / "calls")

    def go_on(self):
        """Lets the tool end what it has begun."""
        (self.folder / "go").touch()


def device(port):
    """A device as `recover devices` tells it to programs."""
    named = {"id": "1fc9:0135", "port": port, "serial": None, "product": None, "access": "permitted", "label": "ROM"}
    return {"event": "device", **named, "state": "recovery", "boards": [{"board": "A", "playbook": "a"}], "certain": True}


def devices(folder, told):
    """A program in place of recover that sees these devices: there may be no bus where this is tried."""
    tool = folder / "devices"
    lines = "\n".join(map(json.dumps, told))
    code = 5 if any(event["event"] == "blind" for event in told) else 0
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\nexit {code}\n")
    tool.chmod(0o755)
    return str(tool)


def journal(record):
    """The events of a record, those that are there."""
    path = Path(record) / "journal.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def the_record(records):
    """The only record in this folder."""
    found = list(Path(records).iterdir()) if Path(records).is_dir() else []
    return found[0] if len(found) == 1 else None


def asked_directly(board, folder):
    """How the same run ends where nobody but recover itself is in it."""
    command = [program(), "run", board, "--simulate", "--non-interactive", "--message-format=json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory):
    """Nothing of whoever runs this counts."""
    home = tmp_path_factory.mktemp("home")
    for variable, name in {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"}.items():
        os.environ[variable] = str(home / name)
