"""One board from plug to unplug: which program runs in it, how it shows on USB, what it answers when, what goes wrong."""

import threading
import time
from collections import deque

from .memory import Memory
from .protocols import Mboot, Sdp

SHOWN = {
    "rom": {"id": (0x1FC9, 0x0135), "product": "SE Blank RT Family", "hid": True},
    "flashloader": {"id": (0x15A2, 0x0073), "product": "USB COMPOSITE DEVICE", "hid": True},
    "sbl": {"id": (0x15A2, 0x0073), "product": "USB COMPOSITE DEVICE", "hid": True},
    "running": {"id": (0x37C5, 0x1060), "product": "OpenMV Cam", "hid": False},
}

DEFAULTS = {
    "boot_fuse_word": 0,
    "hab_closed": False,
    "packet_bytes": 1016,
    # {"erase": S, "write": S, "read": S}: seconds that the flash takes for each MB; without, it takes none.
    "flash_s_per_mb": {},
    # Nothing is on the bus for so long after a jump, a reset or a plug.
    "start_s": 1.5,
    # Nor after a reset with the wire in place: the ROM is back at once.
    "rom_after_reset_s": 0.2,
    # How long the SBL shows itself before it starts the firmware.
    "sbl_s": 1.0,
    # Do answers that nobody has read wait for the next process?
    "keep_answers": True,
    # False: the node is there, or not, and cannot be opened.
    "tools_may_open": True,
    "hidraw_permitted": True,
    # False: only the tools find it.
    "on_usb": True,
    # {"command": NAME, "time": N, "kind": KIND, …}: what goes wrong with the command's N-th time, from 1; 0 is always. Kinds:
    #   vanish-before, vanish-after      the board leaves before it takes the command, or after it has done it
    #   ignored, no-answer               nothing comes back, and the command was not done, or done
    #   late {seconds}                   the answer comes so much later
    #   status {code}                    refused at once
    #   success                          nothing goes wrong, for use with `effect`
    # With data only:
    #   vanish-in-data {bytes}, abort {bytes, code}
    #   status-at-end {code}, odd-status {code}, no-closing-answer
    #   lost-data                        success is reported, and nothing was stored
    # `"effect": false` makes any of them report what it would without doing it.
    "faults": [],
    # What the person does: each time the board has left by itself for the reason `after`, the first one of these that
    # fits happens: unplug, and after `hands_s` plug in again, with or without the wire between SBL and 3.3V.
    "replugs": [],
    "hands_s": 0.1,
}

# An answer that announces the end of the program is read, or the program ends without.
LEAVES_ANYHOW_S = 1.0


class Board:
    """Every method is called with `changed` held."""

    def __init__(self, port, tree, changed, options):
        unknown = set(options) - set(DEFAULTS)
        if unknown:
            raise ValueError(f"unknown options: {sorted(unknown)}")
        self.options = {**DEFAULTS, **options}
        self.port, self.tree, self.changed = port, tree, changed
        self.memory = Memory(self.options["boot_fuse_word"])
        self.faults = [dict(fault) for fault in self.options["faults"]]
        self.replugs = list(self.options["replugs"])
        self.commands = []
        self.losses = 0
        self.mode = "off"
        self.wire = False
        # Counts power-ups and departures, so that a timer of an earlier life does nothing.
        self.life = 0
        self.device = None
        self.program = None
        self.queue = deque()
        self.command_at = self.busy_until = 0
        self.leaving = None
        self.journal_of_call = None

    # --- What the person does.

    def plug(self, wire, program=None):
        """With `program` the board is as far at once, and its flash is set up: for tests of a single command."""
        self.unplug()
        self.wire = wire
        self.memory.power_on()
        if program is None:
            self._start_after(self.options["start_s"], self._first_program())
        else:
            self.memory.flash.configured = True
            self._start(program)

    def unplug(self):
        self._leave_bus()
        self.mode = "off"

    # --- The programs in the chip, one after the other.

    def _first_program(self):
        return "rom" if self.wire or self.memory.boots() is None else "sbl"

    def _start_after(self, seconds, mode):
        self.mode = "starting"
        self._after(seconds, lambda: self._start(mode))

    def _start(self, mode):
        self.mode = mode
        if mode == "rom":
            self.program = Sdp(self.memory, self.options["hab_closed"], self, self._strike)
        elif mode in ("flashloader", "sbl"):
            self.program = Mboot(
                self.memory, self.options["packet_bytes"], self, self._strike, self.options["flash_s_per_mb"]
            )
        else:
            self.program = None
        self.device = self.tree.attach(self.port, SHOWN[mode], self.options)
        if mode == "sbl" and self.memory.boots() == "firmware":
            self._after(self.options["sbl_s"], self._start_firmware)

    def _start_firmware(self):
        self._leave_bus()
        self._start_after(0.05, "running")

    def _leave(self, why):
        """The board goes by itself: "lost" stands for a loose cable, which leaves it without power."""
        jumped = why == "jump" and self.program.starts()
        self._leave_bus()
        if why == "lost":
            self.losses += 1
            self.mode = "off"
        elif why == "reset":
            self.memory.power_on()
            first = self._first_program()
            self._start_after(self.options["rom_after_reset_s" if first == "rom" else "start_s"], first)
        elif jumped:
            self._start_after(self.options["start_s"], "flashloader")
        else:
            self.mode = "hung"
        for index, replug in enumerate(self.replugs):
            if replug["after"] == why:
                del self.replugs[index]
                self._after(self.options["hands_s"], self.unplug, lambda: self._after(
                    self.options["hands_s"], lambda: self.plug(replug["wire"])))
                break

    def _leave_bus(self):
        self.life += 1
        self.queue.clear()
        self.leaving = None
        self.busy_until = 0
        if self.device is not None:
            device, self.device = self.device, None
            device.disappear()
        self.changed.notify_all()

    def _after(self, seconds, *actions):
        life = self.life

        def act():
            with self.changed:
                if self.life == life:
                    for action in actions:
                        action()
                    self.changed.notify_all()

        timer = threading.Timer(seconds, act)
        timer.daemon = True
        timer.start()

    # --- What a tool does.

    def open(self):
        if not self.options["tools_may_open"]:
            return False
        if not self.options["keep_answers"]:
            self.queue.clear()
        return True

    def write(self, report):
        """True when the board has taken the report."""
        reaction = self.program.take(report)
        if reaction.leaves == "before":
            self._leave("lost")
            return False
        if reaction.leaves == "now":
            self._leave("lost")
            return True
        ready_at = max([time.monotonic()] + [at for at, _ in self.queue]) + reaction.delay_s
        self.queue.extend((ready_at + index * reaction.each_s, answer) for index, answer in enumerate(reaction.answers))
        if reaction.busy_s is None:
            self.command_at = time.monotonic()
        else:
            self.busy_until = self.command_at + reaction.busy_s
        if reaction.leaves is not None:
            self.leaving = reaction.leaves
            self._after(LEAVES_ANYHOW_S, lambda: self._leave(reaction.leaves))
        self.changed.notify_all()
        return True

    def take_answer(self, now):
        """The next answer if it is ready."""
        if not self.queue or self.queue[0][0] > now:
            return None
        _, answer = self.queue.popleft()
        if self.leaving is not None and not self.queue:
            self._leave(self.leaving)
        return answer

    def next_answer_at(self):
        return self.queue[0][0] if self.queue else None

    def append(self, command):
        """The programs write down here what they were told."""
        self.commands.append(command)
        if self.journal_of_call is not None:
            self.journal_of_call.append(command)

    def _strike(self, command):
        struck = None
        for fault in self.faults:
            if fault["command"] != command:
                continue
            if fault.get("time", 1) == 0:
                struck = fault
                continue
            fault["left"] = fault.get("left", fault.get("time", 1)) - 1
            if fault["left"] == 0:
                struck = fault
        return struck

    def state(self):
        fuses = self.memory.fuses
        return {
            "mode": self.mode,
            "wire": self.wire,
            "commands": self.commands,
            "losses": self.losses,
            "fuses": {f"{index:#04x}": value for index, value in fuses.words.items()},
            "locked_fuses": sorted(fuses.locked),
            "burns": fuses.burns,
            "regions": self.memory.flash.regions(),
            "erased_sectors": self.memory.flash.erased_sectors,
            "faults_left": [fault for fault in self.faults if fault.get("left", 1) > 0],
        }
