"""Relays of a labgrid environment that only write down what they do, and can wait for others or be stuck."""

import os
import time
from pathlib import Path

import attr
from labgrid import target_factory
from labgrid.driver import Driver
from labgrid.protocol import DigitalOutputProtocol, PowerProtocol


def write_down(log, name, word):
    if f"{name} {word}" == os.environ.get("STUCK"):
        raise OSError("relay 2 is stuck")
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"{name} {word}\n")


@target_factory.reg_driver
@attr.s(eq=False)
class WrittenPower(Driver, PowerProtocol):
    log = attr.ib()
    # So many places are on at once, before one of them goes on.
    together = attr.ib(default=1)

    def on(self):
        write_down(self.log, "power", "on")
        while len(list(Path(self.log).parent.glob("*.log"))) < self.together:
            time.sleep(0.02)

    def off(self):
        write_down(self.log, "power", "off")

    def cycle(self):
        self.off()
        self.on()


@target_factory.reg_driver
@attr.s(eq=False)
class WrittenOutput(Driver, DigitalOutputProtocol):
    log = attr.ib()

    def get(self):
        return False

    def set(self, status):
        write_down(self.log, self.name, "on" if status else "off")
