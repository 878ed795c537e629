"""Takes the place of the package of this name through PYTHONPATH: HID devices of the simulated boards."""

from .libusbsio import LIBUSBSIO, LIBUSBSIO_Exception, usbsio

__all__ = ["LIBUSBSIO", "LIBUSBSIO_Exception", "usbsio"]
