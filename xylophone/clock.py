"""Clocks: where time comes from. Nothing else in the package reads the machine's.

A clock counts seconds from a zero of its own and waits. The virtual one waits in no time at
all: it jumps, and on its way calls what was asked for at a moment in between, so that a test
can press pause in the middle of a song and compare times exactly.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from .errors import OptionError


class Clock(Protocol):
    """Seconds since the clock's zero, and a way to wait for a moment."""

    def now(self) -> float:
        """Return the present time."""

    def wait_until(self, moment: float) -> None:
        """Return at `moment` at the earliest, or sooner when `wake` is called; at once if past."""

    def wake(self) -> None:
        """End a wait that is under way, or the next one; from any thread or signal handler."""


class SystemClock:
    """The machine's monotonic clock, zero when it was made."""

    def __init__(self) -> None:
        self.zero = time.monotonic()  # on the machine's monotonic clock, which all its processes share
        self._wakes: SimpleQueue[None] = SimpleQueue()  # its put may interrupt its get

    def now(self) -> float:
        """Return seconds since the clock was made."""
        return time.monotonic() - self.zero

    def wait_until(self, moment: float) -> None:
        """Sleep until `moment`, or until `wake` is called."""
        with suppress(Empty):
            self._wakes.get(timeout=max(0.0, moment - self.now()))
            while not self._wakes.empty():
                self._wakes.get_nowait()

    def wake(self) -> None:
        """End the present wait, or the next."""
        self._wakes.put(None)


class VirtualClock:
    """A clock that tests own: waiting moves it, and nothing else does.

    >>> clock = VirtualClock()
    >>> clock.at(3600.0, lambda: print("an hour later"))
    >>> clock.wait_until(7200.0)
    an hour later
    >>> clock.now()
    7200.0
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()
        self._woken = False

    def now(self) -> float:
        """Return the virtual time."""
        return self._now

    def at(self, moment: float, call: Callable[[], object]) -> None:
        """Have `call` called when the clock comes by `moment`; calls of one moment keep their order."""
        if not moment >= self._now:
            raise OptionError(
                f"time {moment} s is past: the virtual clock is at {self._now} s; ask for a later one"
            )
        heapq.heappush(self._calls, (moment, next(self._count), call))

    def wait_until(self, moment: float) -> None:
        """Jump to `moment`, or to the call on the way there that ends the wait by `wake`."""
        if not math.isfinite(moment) and not self._calls:
            raise OptionError(
                f"cannot wait until {moment}: a virtual clock never gets there; give a finite time"
            )
        while not self._woken and self._calls and self._calls[0][0] <= moment:
            due, _, call = heapq.heappop(self._calls)
            self._now = max(self._now, due)
            call()
        if not self._woken:
            self._now = max(self._now, moment)
        self._woken = False

    def wake(self) -> None:
        """End the present wait at the present moment, or the next."""
        self._woken = True
