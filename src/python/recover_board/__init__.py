"""Runs recover, which brings back boards with a damaged bootloader, from Python; for labgrid and Jumpstarter, too.

`recover_board.run` needs nothing but Python. `recover_board.labgrid` and `recover_board.jumpstarter` need those packages, which
`recover-board[labgrid]` and `recover-board[jumpstarter]` bring along.
"""

from recover_board.ends import ENDS, RecoverError
from recover_board.events import Event
from recover_board.run import Hands, Order, Recovered, Run

__all__ = ["ENDS", "Event", "Hands", "Order", "RecoverError", "Recovered", "Run"]
