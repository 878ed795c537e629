"""One client of a labgrid place, in a process of its own: ENVIRONMENT ROLE."""

import sys

from labgrid import Environment

environment = Environment(sys.argv[1])
recovered = environment.get_target(sys.argv[2]).get_driver("RecoverDriver").recover()
print(recovered.finished.outcome)
