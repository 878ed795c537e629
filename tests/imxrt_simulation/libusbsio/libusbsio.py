"""The part of NXP's libusbsio that SPSDK uses, spoken to the board server instead of to /dev/hidraw*.

Each process has one connection, a Unix stream socket at $RECOVER_IMXRT_SOCKET: a line of JSON there, a line of JSON back.
"""

import json
import logging
import os
import socket
import sys

SOCKET_VARIABLE = "RECOVER_IMXRT_SOCKET"


class LIBUSBSIO_Exception(Exception):
    pass


class Connection:
    """Made by the first question, so that `--version` and usage errors never reach the server."""

    def __init__(self):
        self._stream = None

    def ask(self, do, **more):
        if self._stream is None:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            link.connect(os.environ[SOCKET_VARIABLE])
            self._stream = link.makefile("rwb")
            self.ask("hello", tool=os.path.basename(sys.argv[0]), argv=sys.argv[1:])
        self._stream.write(json.dumps(dict(more, do=do)).encode() + b"\n")
        self._stream.flush()
        line = self._stream.readline()
        if not line:
            raise LIBUSBSIO_Exception("the board server has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise LIBUSBSIO_Exception("board server: " + answer["error"])
        return answer


SERVER = Connection()


class DeviceInfo:
    """SPSDK reads it both as `info["path"]` and through `vars(info)`."""

    def __init__(self, listed):
        self.path = listed["path"].encode()
        self.vendor_id = listed["vendor_id"]
        self.product_id = listed["product_id"]
        self.serial_number = ""
        self.manufacturer_string = "NXP SemiConductors Inc"
        self.product_string = listed["product"]
        self.interface_number = 0
        self.release_number = 0x0101

    def __getitem__(self, key):
        return vars(self)[key]


class HidDevice:
    """Closed until `Open`. As in the real package, `Open` answers False where the device cannot be opened."""

    def __init__(self):
        self._handle = None

    def Open(self, path):
        self._handle = SERVER.ask("open", path=path.decode())["handle"]
        if self._handle is None:
            logging.getLogger("libusbsio.hidapi.dev").error("HID device '%s' opening failed.", path)
        return self._handle is not None

    def Close(self):
        SERVER.ask("close", handle=self._opened())
        self._handle = None
        return True

    def Write(self, data, size=0, timeout_ms=0):
        return SERVER.ask("write", handle=self._opened(), report=bytes(data).hex())["written"]

    def Read(self, size, timeout_ms=0):
        answer = SERVER.ask("read", handle=self._opened(), timeout_ms=timeout_ms)
        report = bytes.fromhex(answer["report"])[:size]
        return report, answer["read"]

    def _opened(self):
        if self._handle is None:
            raise LIBUSBSIO_Exception("LIBUSBSIO: HID DEVICE is not open.")
        return self._handle


class LIBUSBSIO:
    HID_DEVICE = HidDevice
    HIDAPI_DEVICE_INFO_T = DeviceInfo

    def GetNumPorts(self, vidpids=None):
        return 0

    def HIDAPI_Enumerate(self, vidpid=None, read_ex_info=False):
        return [DeviceInfo(listed) for listed in SERVER.ask("list")["devices"]]

    def HIDAPI_DeviceCreate(self):
        return HidDevice()


def usbsio(dllpath=None, loglevel=0, autoload=True):
    return LIBUSBSIO()
