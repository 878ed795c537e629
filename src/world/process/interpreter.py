"""Imports the modules of a tool once, and forks a process for each call of it.

What starts it stands in `interpreter.rs`, which speaks to it on descriptor 0, a socket:

    here   "ready\n"                  all modules named in the arguments are imported
    there  a length of four bytes, then so many: folder, "file" or "module", program or module, and the arguments, with a
           zero byte between them; with it come the three standard streams of the call
    here   "process NUMBER\n"         it leads a group of its own, and waits
    there  "g" (go) or "r"            it becomes the tool; without that word it never does
    here   "exited CODE\n" or "signalled NUMBER\n"
    there  "r" (reap)                 from then on the number of the process may be another's

The end of the socket ends it and the call that is at work.
"""

import sys

# Before anything is imported: nothing is taken from the folder that this or a call is started in.
sys.path[:] = [entry for entry in sys.path if entry.startswith("/")]

import errno
import gc
import importlib
import os
import runpy
import select
import signal
import socket
import struct
import types

REQUEST_BYTES_MAX = 128 * 1024


def main():
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if not silently(lambda: [importlib.import_module(name) for name in sys.argv[1:]]):
        os._exit(1)
    # A process that is forked has one thread, and may wait for ever for what another one was holding.
    if len(os.listdir("/proc/self/task")) > 1:
        os._exit(1)
    gc.collect()
    gc.freeze()
    heard, wake = os.pipe()
    os.set_blocking(heard, False)
    os.set_blocking(wake, False)
    before = signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    control.sendall(b"ready\n")
    while True:
        request, streams = receive(control)
        if request is None:
            os._exit(0)
        gate, go = os.pipe()
        process = os.fork()
        if process == 0:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, before)
            control.close()
            for number in (heard, wake, go):
                os.close(number)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            allowed = os.read(gate, 1) == b"g"
            os.close(gate)
            if not allowed:
                os._exit(1)
            return request
        for stream in streams:
            os.close(stream)
        os.close(gate)
        try:
            os.setpgid(process, process)
        except OSError:
            # It has done so itself, or is over.
            pass
        control.sendall(b"process %d\n" % process)
        follow(control, heard, go, process)


def silently(act):
    """Does it; true when nothing was printed, because the calls would have to print that, too."""
    kept = [os.dup(1), os.dup(2)]
    said = os.memfd_create("said")
    os.dup2(said, 1)
    os.dup2(said, 2)
    act()
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(kept[0], 1)
    os.dup2(kept[1], 2)
    silent = os.fstat(said).st_size == 0
    for number in (*kept, said):
        os.close(number)
    return silent


def receive(control):
    head, streams = b"", []
    while len(head) < 4:
        piece, ancillary, _, _ = control.recvmsg(4 - len(head), socket.CMSG_SPACE(3 * 4))
        if not piece:
            return None, []
        head += piece
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                streams.extend(struct.unpack("%di" % (len(data) // 4), data))
    (length,) = struct.unpack(">I", head)
    if length > REQUEST_BYTES_MAX or len(streams) != 3:
        os._exit(1)
    body = b""
    while len(body) < length:
        piece = control.recv(length - len(body))
        if not piece:
            return None, []
        body += piece
    return [os.fsdecode(field) for field in body.split(b"\0")], streams


def follow(control, heard, go, process):
    """Tells the end of the process, which keeps its number until it is reaped."""
    told = False
    while True:
        ready, _, _ = select.select([control, heard], [], [])
        if heard in ready:
            try:
                while os.read(heard, 512):
                    pass
            except BlockingIOError:
                pass
        if not told:
            told = tell_end(control, process, os.WNOHANG)
        if control in ready:
            word = control.recv(1)
            if word == b"g":
                # One that has ended before has no use for it.
                try:
                    os.write(go, word)
                except BrokenPipeError:
                    pass
            elif word == b"r":
                # One that still waits for its word has none to wait for.
                os.close(go)
                if not told:
                    tell_end(control, process, 0)
                os.waitpid(process, 0)
                return
            else:
                end_group(process)
                os._exit(0)


def tell_end(control, process, options):
    end = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT | options)
    if end is None:
        return False
    how = b"exited" if end.si_code == os.CLD_EXITED else b"signalled"
    control.sendall(b"%s %d\n" % (how, end.si_status))
    return True


def end_group(process):
    try:
        os.killpg(process, signal.SIGKILL)
    except OSError as error:
        if error.errno != errno.ESRCH:
            raise


def become(request):
    """Does what the interpreter itself does for `PROGRAM ARGUMENTS` or `-m MODULE ARGUMENTS`."""
    folder, kind, name = request[:3]
    os.chdir(folder)
    sys.argv = [name] + request[3:]
    sys.modules["__main__"] = program = types.ModuleType("__main__")
    if kind == "module":
        # As a program it is run once more; Python warns where it is imported already.
        sys.modules.pop(name, None)
        runpy._run_module_as_main(name)
        return
    with open(name, "rb") as file:
        code = compile(file.read(), name, "exec", dont_inherit=True)
    program.__file__ = name
    program.__builtins__ = __builtins__
    exec(code, program.__dict__)


def without_us(kind, error, trace):
    """A traceback begins in the tool, and not in this file."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __own_name:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


__own_name = main.__code__.co_filename
call = main()
sys.excepthook = without_us
become(call)
