"""Hammers on a Raspberry Pi's own GPIO: outputs, the process that keeps time, and the one that watches it.

The dispatcher is a process that does nothing but write masks at their time; the watchdog is another that
switches the outputs off by a hardware line when the dispatcher dies or hangs. `backends/gpio.py` is the
host's side. Neither process imports numpy, so that both are small and start soon.
"""
