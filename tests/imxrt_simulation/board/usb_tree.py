"""The folder that umockdev's preload library shows to programs as /sys and /dev: USB devices, HID nodes, hot plug.

As in `tests/usb_simulation`, and written again on purpose: this whole folder shares nothing with what it tests.
"""

import os
import shutil
import socket
import struct

# The host has neither this bus nor these nodes: what is missing in the folder is looked up in the host's /dev.
BUS = 99
FIRST_HIDRAW = 990
FIRST_ADDRESS = 5
# Far more than anybody opens one node.
OPENED_TIMES_MAX = 100

HASH_OF_USB, HASH_OF_USB_DEVICE = 0x0577C5E5, 0x27F8F50C


class UsbTree:
    """Without a folder it only counts: then nobody watches the bus."""

    def __init__(self, root):
        self.root = root
        self.count = 0
        if root:
            for folder in ["sys/bus/usb/devices", "sys/class/hidraw", f"sys/devices/usb{BUS}", "dev/.node"]:
                os.makedirs(os.path.join(root, folder), exist_ok=True)
            os.makedirs(os.path.join(root, f"dev/bus/usb/{BUS:03}"), exist_ok=True)

    def attach(self, port, shown, options):
        device = Attached(self, port, shown, self.count)
        self.count += 1
        device.is_on_usb = bool(self.root) and options["on_usb"]
        if device.is_on_usb:
            device.appear(options["hidraw_permitted"])
        return device

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def write(self, path, text):
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def announce(self, message):
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for name in os.listdir(self.root):
            if name.startswith("event"):
                try:
                    sender.sendto(message, self.path(name))
                except OSError:
                    pass  # It has ended since.
        sender.close()


class Attached:
    """One enumeration of a device, under an address and a node that no other ever gets."""

    def __init__(self, tree, port, shown, count):
        self.tree, self.port, self.shown = tree, port, shown
        self.address = FIRST_ADDRESS + count
        self.hidraw = f"hidraw{FIRST_HIDRAW + count}"
        self.node = f"bus/usb/{BUS:03}/{self.address:03}"
        self.folder = f"sys/devices/usb{BUS}/{port}"
        # What a tool opens.
        self.path = f"/dev/{self.hidraw}"
        self.sockets = {}
        self.is_on_usb = False

    def appear(self, permitted):
        """Last comes the link by which others find it, since they may look at any moment."""
        vendor, product = self.shown["id"]
        is_hid = self.shown["hid"]
        self._make_node(self.node)
        if is_hid and permitted:
            self._make_node(self.hidraw)
        lines = {
            "busnum": BUS, "devnum": self.address, "devpath": self.port.split("-")[1],
            "idVendor": f"{vendor:04x}", "idProduct": f"{product:04x}", "bcdDevice": "0101",
            "version": " 2.00", "speed": "480", "manufacturer": "NXP SemiConductors Inc", "product": self.shown["product"],
            "bConfigurationValue": "1", "bNumConfigurations": "1", "bNumInterfaces": " 1",
            "bDeviceClass": "00", "bDeviceSubClass": "00", "bDeviceProtocol": "00",
            "dev": f"189:{self._minor()}",
        }
        os.makedirs(self.tree.path(self.folder))
        for name, line in lines.items():
            self.tree.write(f"{self.folder}/{name}", f"{line}\n")
        uevent = f"DEVTYPE=usb_device\nDEVNAME={self.node}\nMAJOR=189\nMINOR={self._minor()}\n"
        self.tree.write(f"{self.folder}/uevent", uevent)
        os.symlink("../../../bus/usb", self.tree.path(self.folder, "subsystem"))
        if is_hid:
            self._appear_as_hid(vendor, product)
        os.symlink(f"../../../devices/usb{BUS}/{self.port}", self.tree.path("sys/bus/usb/devices", self.port))
        self.tree.announce(self._message("add"))

    def _make_node(self, node):
        """The preload library connects to a socket when a node is opened, and speaks only when there is an ioctl: never here."""
        path = self.tree.path("ioctl/dev", node)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        listener = self.sockets[path] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(OPENED_TIMES_MAX)
        self.tree.write(f"dev/{node}", "")

    def _appear_as_hid(self, vendor, product):
        interface = f"{self.folder}/{self.port}:1.0"
        hid = f"{interface}/0003:{vendor:04X}:{product:04X}.{self.address:04X}"
        node = f"{hid}/hidraw/{self.hidraw}"
        os.makedirs(self.tree.path(node))
        interface_lines = {"bInterfaceNumber": "00", "bAlternateSetting": " 0", "bInterfaceClass": "03",
                           "bInterfaceSubClass": "00", "bInterfaceProtocol": "00"}
        for name, line in interface_lines.items():
            self.tree.write(f"{interface}/{name}", f"{line}\n")
        uevent = f"DRIVER=hid-generic\nHID_ID=0003:{vendor:08X}:{product:08X}\nHID_NAME={self.shown['product']}\n"
        self.tree.write(f"{hid}/uevent", uevent)
        os.symlink("../..", self.tree.path(node, "device"))
        os.symlink(f"../../{node[len('sys/'):]}", self.tree.path("sys/class/hidraw", self.hidraw))

    def disappear(self):
        if not self.is_on_usb:
            return
        # The message last: whoever it wakes sees that the device is gone.
        os.unlink(self.tree.path("sys/bus/usb/devices", self.port))
        for path in [f"sys/class/hidraw/{self.hidraw}", f"dev/{self.hidraw}", f"dev/{self.node}"]:
            if os.path.lexists(self.tree.path(path)):
                os.unlink(self.tree.path(path))
        shutil.rmtree(self.tree.path(self.folder))
        for path, listener in self.sockets.items():
            os.unlink(path)
            listener.close()
        self.tree.announce(self._message("remove"))

    def _minor(self):
        return (BUS - 1) * 128 + self.address - 1

    def _message(self, action):
        """What udev's daemon sends to those who listen."""
        properties = [
            f"ACTION={action}", f"DEVPATH=/{self.folder[len('sys/'):]}", "SUBSYSTEM=usb", "SEQNUM=1", "DEVTYPE=usb_device",
            f"DEVNAME=/dev/{self.node}", "MAJOR=189", f"MINOR={self._minor()}",
            f"BUSNUM={BUS:03}", f"DEVNUM={self.address:03}",
        ]
        body = b"".join(line.encode() + b"\0" for line in properties)
        head = b"libudev\0" + struct.pack(">I", 0xFEEDCAFE) + struct.pack("=III", 40, 40, len(body))
        return head + struct.pack(">II", HASH_OF_USB, HASH_OF_USB_DEVICE) + bytes(8) + body
