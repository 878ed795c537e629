"""The bench with the simulated boards, a process of its own: `python3 serve.py OPTIONS`, where OPTIONS is JSON.

    {"socket": PATH, "usb": FOLDER or null, "board": {…}}    what every board is like, see `board/life.py`

Prints `ready` and serves until its standard input ends. Each connection asks with one line of JSON and is answered with one:

    of tools    hello {tool, argv}; list; open {path}; write {handle, report}; read {handle, timeout_ms}; close {handle}
    of tests    plug {port, wire, program}; unplug {port}; state; flash {port, address, length}; change {port, options}
"""

import itertools
import json
import os
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True

from board.life import SHOWN, Board  # noqa: E402
from board.usb_tree import UsbTree  # noqa: E402


class Bench:
    def __init__(self, options):
        self.changed = threading.Condition(threading.RLock())
        self.tree = UsbTree(options.get("usb"))
        self.board_options = options.get("board", {})
        self.boards = {}
        self.calls = []

    def board(self, port):
        """A board comes out of its box when it is first touched."""
        if port not in self.boards:
            self.boards[port] = Board(port, self.tree, self.changed, self.board_options)
        return self.boards[port]

    def find(self, device):
        return next((board for board in self.boards.values() if device is not None and board.device is device), None)


class Session:
    """One connection: a process of a tool, or a test."""

    def __init__(self, bench):
        self.bench = bench
        self.handles = {}
        self.numbers = itertools.count(1)
        self.commands = None

    def serve(self, connection):
        with connection, connection.makefile("rwb") as stream:
            for line in stream:
                try:
                    question = json.loads(line)
                    with self.bench.changed:
                        answer = getattr(self, "do_" + question.pop("do"))(**question)
                except Exception as error:  # The asker shows it.
                    answer = {"error": f"{type(error).__name__}: {error}"}
                stream.write(json.dumps(answer).encode() + b"\n")
                stream.flush()

    def do_hello(self, tool, argv):
        self.commands = []
        self.bench.calls.append({"tool": tool, "argv": argv, "commands": self.commands})
        return {}

    def do_list(self):
        devices = []
        for _, board in sorted(self.bench.boards.items()):
            if board.device is not None and board.device.shown["hid"]:
                vendor, product = board.device.shown["id"]
                devices.append({"path": board.device.path, "vendor_id": vendor, "product_id": product,
                                "product": board.device.shown["product"]})
        return {"devices": devices}

    def do_open(self, path):
        for board in self.bench.boards.values():
            if board.device is not None and board.device.path == path and board.open():
                handle = next(self.numbers)
                self.handles[handle] = board.device
                return {"handle": handle}
        return {"handle": None}

    def do_write(self, handle, report):
        board = self.bench.find(self.handles.get(handle))
        report = bytes.fromhex(report)
        if board is None:
            return {"written": -1}
        board.journal_of_call = self.commands
        written = len(report) if board.write(report) else -1
        while (left := board.busy_until - time.monotonic()) > 0:
            self.bench.changed.wait(left)
        return {"written": written}

    def do_read(self, handle, timeout_ms):
        device = self.handles.get(handle)
        give_up = time.monotonic() + timeout_ms / 1000
        while True:
            board, now = self.bench.find(device), time.monotonic()
            if board is None:
                return {"report": "", "read": -1}
            answer = board.take_answer(now)
            if answer is not None:
                return {"report": answer.hex(), "read": len(answer)}
            if now >= give_up:
                return {"report": "", "read": 0}
            until = min(give_up, board.next_answer_at() or give_up)
            self.bench.changed.wait(until - now)

    def do_close(self, handle):
        self.handles.pop(handle, None)
        return {}

    def do_plug(self, port, wire, program=None):
        self.bench.board(port).plug(wire, program)
        return {}

    def do_unplug(self, port):
        self.bench.board(port).unplug()
        return {}

    def do_change(self, port, options):
        self.bench.board(port).options.update(options)
        return {}

    def do_state(self):
        boards = {port: board.state() for port, board in self.bench.boards.items()}
        return {"boards": boards, "calls": self.bench.calls}

    def do_flash(self, port, address, length):
        return {"content": self.bench.board(port).memory.flash.peek(address, length).hex()}


def main():
    options = json.loads(sys.argv[1])
    bench = Bench(options)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(options["socket"])
    listener.listen(16)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=Session(bench).serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print("ready", flush=True)
    # Whoever started this holds the other end, so that it never outlives its test.
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
