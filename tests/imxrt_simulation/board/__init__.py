"""Boards with an i.MX RT1062, simulated far enough for the vendor's own tools. Python 3.8 or newer, nothing else."""
