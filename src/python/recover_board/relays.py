"""Which relay does what a person's hands would do."""

from __future__ import annotations

import time

MOVES: dict[str, tuple[str, bool | None]] = {
    "unplug": ("power", False),
    "plug-in": ("power", True),
    "fit-jumper": ("jumper", True),
    "remove-jumper": ("jumper", False),
    "switch-on": ("switch", True),
    "switch-off": ("switch", False),
    "press-button": ("button", None),
}
"""The moves of `recover schema hands`: a relay, and whether it is on then; a button is on for a moment."""

RELAYS = tuple(dict.fromkeys(relay for relay, _ in MOVES.values()))
"""Power first: it goes off before anything else lets go."""


class Relays:
    """The hands of a bench; what sets a relay there, a class of that bench adds."""

    def __init__(self, *, delay_s: float, press_s: float) -> None:
        """The board is without power for `delay_s` at least, and a button is pressed for `press_s`."""
        self._delay_s = delay_s
        self._press_s = press_s
        self._off_since: float | None = None

    def has(self, relay: str) -> bool:
        """Whether this bench has such a relay."""
        raise NotImplementedError

    def set(self, relay: str, on: bool) -> None:
        """Switches it, and comes back when that is done."""
        raise NotImplementedError

    def move(self, hand: str) -> None:
        """Does one move."""
        relay, on = MOVES[hand]
        if not self.has(relay):
            raise LookupError(f"`{hand}` needs a relay, and this bench has none that is named `{relay}`")
        if on is None:
            self.set(relay, True)
            time.sleep(self._press_s)
            self.set(relay, False)
            return
        if hand == "plug-in" and self._off_since is not None:
            time.sleep(max(0.0, self._off_since + self._delay_s - time.monotonic()))
        self.set(relay, on)
        if hand == "unplug":
            self._off_since = time.monotonic()

    def let_go(self) -> None:
        """Everything off; one that fails keeps none of the others from it."""
        failed: Exception | None = None
        for relay in filter(self.has, RELAYS):
            try:
                self.set(relay, False)
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed
