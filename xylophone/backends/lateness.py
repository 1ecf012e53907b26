"""What is said of pulses that came too late: the first at once, then ever rarer sums of what followed."""

from __future__ import annotations

from ..words import counted
from .contract import Fault

BUSY = "the machine is too busy"

SPAN, LONGER = 10.0, 10.0
"""s from the first line to the sum of what came late since, and how many times longer the next one waits."""

OFTEN = 10
"""Times that pulses came late between two lines, from which on the machine may be too slow to play."""

CALM = 60.0
"""s without a late pulse after which the next one is told at once again."""


class Lateness:
    """Gathers late pulses of a backend, so that a machine which is too slow to play says so in one line."""

    def __init__(self) -> None:
        self._times, self._count, self._by, self._cause = 0, 0, 0.0, ""  # what has not been told
        self._last = self._told = self._next = -float("inf")
        self._span = 0.0  # until the next sum; 0 for the first line

    def add(self, now: float, count: int, by: float, cause: str) -> None:
        """Take pulses that were not played, by so many s at most, and why; `tell` says when."""
        if now - self._last > CALM:
            self._next, self._span = now, 0.0
        self._last = now
        self._times += 1
        self._count, self._by, self._cause = self._count + count, max(self._by, by), cause

    def tell(self, now: float) -> tuple[Fault, ...]:
        """Return what is to be told by now, a fault or none."""
        if not self._count or now < self._next:
            return ()
        late = (
            f"{counted(self._count, 'pulse')} came up to {1e3 * self._by:.1f} ms late and "
            f"{'was' if self._count == 1 else 'were'} not played"
        )
        message = f"{late}: {self._cause}"
        if self._times >= OFTEN:
            message = (
                f"{message}, again and again within {now - self._told:.0f} s, and may be too slow to play: "
                "end other programs, or play from another one"
            )
        self._times, self._count, self._by, self._told = 0, 0, 0.0, now
        self._span = self._span * LONGER or SPAN
        self._next = now + self._span
        return (Fault(now, message),)
