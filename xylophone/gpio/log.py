"""The dispatcher's log: counters and the last strikes' lateness, in memory that the host reads at any time.

The dispatcher writes, the host reads, and nobody waits: each value is one aligned 64-bit word. What was
counted can be read also when the dispatcher has been killed.
"""

from __future__ import annotations

import mmap
from enum import IntEnum

from .coil_limits import SLOW_WRITE

SAMPLES = 16_384
"""Strikes whose lateness is kept; older ones are overwritten."""


class Count(IntEnum):
    """Places of the counters."""

    STRUCK = 0  # coils switched on; each has a sample
    PLAYED = 1  # of these, those that were switched off at their time
    LATE = 2  # pulses that were not played because it was too late
    LATEST = 3  # ns, the most of these
    CANCELLED = 4
    CUT = 5  # pulses that were ended early
    WIDTH = 6  # refused: too long or no width
    REST = 7  # refused: coil not off for long enough
    HEAT = 8  # refused: coil too hot
    OVERLOAD = 9  # refused: too many coils on
    CHANNEL = 10  # refused: no such hammer
    ORDER = 11  # refused: starts before the one taken last
    WRITES = 12  # masks written to the outputs, refreshed ones not counted
    ENDED = 13  # pulses whose width has a sample
    TRIPS = 14  # how often the watchdog switched off
    ERRORS = 15  # how often the outputs failed
    REPAIRED = 16  # masks that had to be written again, because they read back wrong
    UNHEARD = 17  # messages to the host that could not be sent, because it does not read
    WRITING = 18  # ns that all writes took
    SLOWEST = 19  # ns that the slowest of them took
    SLOW = 20  # writes that took more than SLOW_WRITE


REFUSALS = (Count.CHANNEL, Count.WIDTH, Count.ORDER, Count.REST, Count.HEAT, Count.OVERLOAD)
"""Reasons for which the dispatcher refuses a pulse."""

_HEAD = 32  # words
WORDS = _HEAD + 2 * SAMPLES
SIZE = 8 * WORDS
"""Bytes of the shared memory."""


class Log:
    """Counters, and two rings of samples: how late coils went on, and how much too long they stayed on."""

    def __init__(self, memory: mmap.mmap | bytearray | None = None) -> None:
        """Use SIZE bytes of shared memory, or some of its own."""
        self._words = memoryview(bytearray(SIZE) if memory is None else memory).cast("q")

    def __getitem__(self, count: Count) -> int:
        return self._words[count]

    def add(self, count: Count, by: int = 1) -> None:
        """Raise a counter."""
        self._words[count] += by

    def most(self, count: Count, value: int) -> None:
        """Raise a counter to a value, if that is higher."""
        if value > self._words[count]:
            self._words[count] = value

    def wrote(self, took: int) -> None:
        """Note that a mask was written, and that it took so many ns."""
        self.add(Count.WRITES)
        self.add(Count.WRITING, max(0, took))
        self.most(Count.SLOWEST, took)
        self.add(Count.SLOW, took > SLOW_WRITE)

    def struck(self, lateness: int) -> None:
        """Note that a coil went on, so many ns after its time."""
        self._words[_HEAD + self._words[Count.STRUCK] % SAMPLES] = lateness
        self._words[Count.STRUCK] += 1

    def ended(self, error: int) -> None:
        """Note that a pulse has ended, so many ns longer than asked for."""
        self._words[_HEAD + SAMPLES + self._words[Count.ENDED] % SAMPLES] = error
        self._words[Count.ENDED] += 1
        self._words[Count.PLAYED] += 1

    def lateness(self) -> memoryview:
        """Return how late the last strikes' coils went on, ns, in no order: the memory itself."""
        return self._words[_HEAD : _HEAD + min(SAMPLES, self[Count.STRUCK])]

    def width_errors(self) -> memoryview:
        """Return by how much the last pulses were too long, ns, in no order: the memory itself."""
        begin = _HEAD + SAMPLES
        return self._words[begin : begin + min(SAMPLES, self[Count.ENDED])]

    def release(self) -> None:
        """Let go of the memory."""
        self._words.release()
