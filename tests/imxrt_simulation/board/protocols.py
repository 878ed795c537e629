"""The two protocols, report by report: SDP of the ROM, mboot of the RAM flashloader and of the SBL.

A report goes in; what comes of it is a `Reaction`. Sockets, USB and time are left to others.
"""

from dataclasses import dataclass, field
from typing import Callable, Optional

from .memory import OK

HAB_OPEN, HAB_CLOSED = 0x5678_7856, 0x1234_3412
FILE_WRITTEN, HAB_SUCCESS = 0x8888_8888, 0xF0F0_F0F0
VERSION_K2_8_0 = 0x4B02_0800
UNKNOWN_COMMAND, UNKNOWN_PROPERTY = 10000, 10300


@dataclass
class Reaction:
    answers: list = field(default_factory=list)
    # Seconds until the first of them is ready; what is sent meanwhile waits too.
    delay_s: float = 0
    # Seconds from each of them to the next.
    each_s: float = 0
    # Seconds from the command on until the board takes more of its data; whoever sends it waits. What a host is late with has
    # passed for the flash as well.
    busy_s: Optional[float] = None
    # "before": the report is not even taken. "now": it is taken, and the board is gone. "jump", "reset": once the answer
    # was read.
    leaves: Optional[str] = None


class Faulty:
    """Runs one command, or lets the fault that strikes it have its way."""

    def __init__(self, journal, strike):
        self.journal = journal
        self.strike = strike
        # Set while the command at hand has a fault that belongs to its data.
        self.data_fault = None

    def run(self, name, text, execute: Callable[[], Reaction], refusal: Callable[[int], list]):
        fault = self.strike(name) or {}
        kind = fault.get("kind")
        if kind == "vanish-before":
            return Reaction(leaves="before")
        self.journal.append(text)
        self.data_fault = fault if kind in DATA_FAULTS else None
        if kind == "ignored":
            return Reaction()
        if kind == "status":
            return Reaction(refusal(fault["code"]))
        reaction = execute() if fault.get("effect", True) else Reaction(refusal(OK))
        if kind == "no-answer":
            reaction.answers = []
        if kind == "vanish-after":
            return Reaction(leaves="now")
        if kind == "late":
            reaction.delay_s = fault["seconds"]
        return reaction

    def struck(self, kind):
        return self.data_fault is not None and self.data_fault["kind"] == kind


DATA_FAULTS = ["vanish-in-data", "abort", "status-at-end", "no-closing-answer", "odd-status", "lost-data"]


class Sdp:
    """Four report ids: 1 command out, 2 data out, 3 the security state in, 4 the status in. Words are big-endian."""

    def __init__(self, memory, hab_closed, journal, strike):
        self.memory = memory
        self.hab = HAB_CLOSED if hab_closed else HAB_OPEN
        self.faulty = Faulty(journal, strike)
        self.transfer = None
        self.jump_to = None

    def take(self, report):
        if report[0] == 1 and len(report) >= 17:
            return self._command(report[1:17])
        if report[0] == 2 and self.transfer is not None:
            return self._data(report[1:])
        return Reaction()

    def _command(self, command):
        tag = int.from_bytes(command[:2], "big")
        address = int.from_bytes(command[2:6], "big")
        count = int.from_bytes(command[7:11], "big")
        self.transfer = None
        if tag == 0x0404:
            text = f"write-file {address:#010x} {count}"
            return self.faulty.run("write-file", text, lambda: self._begin(address, count), lambda _: [])
        if tag == 0x0505:
            answers = self._answers(HAB_SUCCESS)
            return self.faulty.run("error-status", "error-status", lambda: Reaction(answers), lambda _: answers)
        if tag == 0x0B0B:
            text, answers = f"jump-address {address:#010x}", [self._hab()]
            return self.faulty.run("jump-address", text, lambda: self._jump(address), lambda _: answers)
        return Reaction()

    def _begin(self, address, count):
        self.transfer = (address, count, bytearray())
        return Reaction()

    def _data(self, data):
        address, count, received = self.transfer
        received += data[: count - len(received)]
        fault = self.faulty.data_fault
        if self.faulty.struck("vanish-in-data") and len(received) >= fault["bytes"]:
            return Reaction(leaves="before")
        if len(received) < count:
            return Reaction()
        self.transfer = None
        if self.faulty.struck("odd-status"):
            return Reaction(self._answers(fault["code"]))
        if self.faulty.struck("no-closing-answer"):
            return Reaction()
        if self.memory.ram.write(address, received) != OK:
            return Reaction(self._answers(0))
        self.memory.loaded[address] = 0 if self.faulty.struck("lost-data") else count
        return Reaction(self._answers(FILE_WRITTEN))

    def _jump(self, address):
        self.jump_to = address
        return Reaction([self._hab()], leaves="jump")

    def starts(self):
        """Does the program that the ROM jumped to run?"""
        return self.hab == HAB_OPEN and self.memory.holds_program(self.jump_to)

    def _hab(self):
        return b"\x03" + self.hab.to_bytes(4, "big")

    def _answers(self, status):
        return [self._hab(), b"\x04" + status.to_bytes(4, "big") + bytes(60)]


class Mboot:
    """Report ids 1 command out, 2 data out, 3 answer in, 4 data in; then 0, the payload's length, the payload."""

    def __init__(self, memory, packet_bytes, journal, strike, flash_s_per_mb):
        self.memory = memory
        self.packet_bytes = packet_bytes
        self.flash_s_per_mb = flash_s_per_mb
        self.faulty = Faulty(journal, strike)
        self.transfer = None

    def take(self, report):
        payload = report[4 : 4 + int.from_bytes(report[2:4], "little")]
        if report[0] == 1 and len(payload) >= 4:
            words = [int.from_bytes(payload[at : at + 4], "little") for at in range(4, len(payload), 4)]
            return self._command(payload[0], words[: payload[3]])
        if report[0] == 2 and self.transfer is not None:
            return self._data(payload)
        return Reaction()

    def _command(self, tag, words):
        self.transfer = None
        if tag not in COMMANDS or len(words) < COMMANDS[tag][1]:
            return Reaction([generic(UNKNOWN_COMMAND, tag)])
        name, count, text, method = COMMANDS[tag]
        text = " ".join([name, text.format(*words)]).strip()
        return self.faulty.run(name, text, lambda: method(self, *words[:count]), lambda code: [generic(code, tag)])

    def _erase(self, address, length):
        status = self.memory.flash.erase(address, length)
        return Reaction([generic(status, 0x02)], delay_s=self._takes("erase", address, length))

    def _takes(self, what, address, length):
        """What the flash takes for it, in seconds."""
        in_flash = self.memory.ram.place(address, length) is None
        return self.flash_s_per_mb.get(what, 0) * length / 1_000_000 if in_flash else 0

    def _read(self, address, length):
        data = self.memory.ram.read(address, length)
        status, data = (OK, data) if data is not None else self.memory.flash.read(address, length)
        if status != OK:
            return Reaction([generic(status, 0x03)])
        pieces = [data[at : at + self.packet_bytes] for at in range(0, length, self.packet_bytes)]
        head = answer(0xA3, [OK, length], flags=1)
        answers = [head, *(packet(4, piece) for piece in pieces), generic(OK, 0x03)]
        return Reaction(answers, each_s=self._takes("read", address, length) / max(len(pieces), 1))

    def _write(self, address, length):
        self.transfer = (address, length, bytearray())
        return Reaction([generic(OK, 0x04)])

    def _data(self, data):
        address, length, received = self.transfer
        received += data
        fault = self.faulty.data_fault
        if self.faulty.struck("vanish-in-data") and len(received) >= fault["bytes"]:
            self._store(address, received)
            return Reaction(leaves="before")
        if self.faulty.struck("abort") and len(received) >= fault["bytes"]:
            self.transfer = None
            return Reaction([packet(3, b""), generic(fault["code"], 0x04)])
        busy_s = self._takes("write", address, len(received))
        if len(received) < length:
            return Reaction(busy_s=busy_s)
        self.transfer = None
        if self.faulty.struck("status-at-end"):
            return Reaction([generic(fault["code"], 0x04)])
        status = OK if self.faulty.struck("lost-data") else self._store(address, received)
        answers = [] if self.faulty.struck("no-closing-answer") else [generic(status, 0x04)]
        return Reaction(answers, busy_s=busy_s)

    def _store(self, address, data):
        if self.memory.ram.place(address, len(data)):
            return self.memory.ram.write(address, data)
        return self.memory.flash.write(address, bytes(data))

    def _fill(self, address, length, pattern):
        data = (pattern.to_bytes(4, "little") * (length // 4 + 1))[:length]
        return Reaction([generic(self.memory.ram.write(address, data), 0x05)])

    def _property(self, number):
        known = {1: VERSION_K2_8_0, 11: self.packet_bytes}
        if number not in known:
            return Reaction([generic(UNKNOWN_PROPERTY, 0x07)])
        return Reaction([answer(0xA7, [OK, known[number]])])

    def _reset(self):
        return Reaction([generic(OK, 0x0B)], leaves="reset")

    def _burn(self, index, _length, value):
        return Reaction([generic(self.memory.fuses.burn(index, value), 0x0E)])

    def _read_fuse(self, index, _length):
        status, value = self.memory.fuses.read(index)
        return Reaction([answer(0xAF, [status, 4, value] if status == OK else [status, 0])])

    def _configure(self, memory_id, address):
        return Reaction([generic(self.memory.configure_flash(address), 0x11)])


# Tag: name, how many words it takes, how it is written down, what it does.
COMMANDS = {
    0x02: ("flash-erase-region", 2, "{0:#010x} {1:#x}", Mboot._erase),
    0x03: ("read-memory", 2, "{0:#010x} {1}", Mboot._read),
    0x04: ("write-memory", 2, "{0:#010x} {1}", Mboot._write),
    0x05: ("fill-memory", 3, "{0:#x} {1} {2:#010x}", Mboot._fill),
    0x07: ("get-property", 1, "{0}", Mboot._property),
    0x0B: ("reset", 0, "", Mboot._reset),
    0x0E: ("efuse-program-once", 3, "{0:#04x} {2:#010x}", Mboot._burn),
    0x0F: ("efuse-read-once", 2, "{0:#04x}", Mboot._read_fuse),
    0x11: ("configure-memory", 2, "{0} {1:#x}", Mboot._configure),
}


def packet(report_id, payload):
    return bytes([report_id, 0]) + len(payload).to_bytes(2, "little") + payload


def answer(tag, words, flags=0):
    return packet(3, bytes([tag, flags, 0, len(words)]) + b"".join(word.to_bytes(4, "little") for word in words))


def generic(status, tag):
    return answer(0xA0, [status, tag])
