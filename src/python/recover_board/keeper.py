"""Starts recover and outlives whoever asked for it, so that a writing step ends and relays go back however that one ends.

It is a program of its own, which imports nothing of this package: for a board on another computer its text is started there.

    keeper [--far] [--then JSON] -- COMMAND...

COMMAND's output is passed on, and so is what comes in, but for two lines: `stop` lets the step that is at work end and then ends
the run; `released` says that the asker has put everything back itself. When the input ends without `released`, the run is ended
in the same way, and then the command of `--then`, a list in JSON, is run. `--far` says that COMMAND is a way to another keeper.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading


def keep(command: list[str], far: bool, then: list[str] | None) -> int:
    """Runs it to its end, and answers with its exit code."""
    try:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127

    assert child.stdin is not None and child.stdout is not None
    said, told = child.stdout.fileno(), child.stdin

    def tell(line: bytes) -> None:
        try:
            told.write(line)
            told.flush()
        except OSError:
            # It has ended, and reads no more.
            pass

    def stop(*_signal: object) -> None:
        if far:
            tell(b"stop\n")
        else:
            child.terminate()

    released = threading.Event()

    def listen() -> None:
        for line in sys.stdin.buffer:
            if line == b"stop\n":
                stop()
            elif line == b"released\n":
                released.set()
            else:
                tell(line)
        if not released.is_set():
            stop()
        if far:
            told.close()

    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    heard = True
    while True:
        piece = os.read(said, 65536)
        if not piece:
            break
        # Read to the end even when nobody hears it any more: a way to another computer would break otherwise.
        try:
            while heard and piece:
                piece = piece[os.write(1, piece) :]
        except OSError:
            heard = False
    code = child.wait()
    if then:
        # Whoever reads sees the end, and puts everything back.
        os.close(1)
        listener.join()
        if not released.is_set():
            subprocess.run(then, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    options = sys.argv[1:]
    at = options.index("--")
    after = json.loads(options[options.index("--then") + 1]) if "--then" in options[:at] else None
    result = keep(options[at + 1 :], "--far" in options[:at], after)
    sys.stderr.flush()
    # The thread may still be waiting for a line.
    os._exit(result)
