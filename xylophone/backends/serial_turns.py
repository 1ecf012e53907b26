"""Who turns the wheel of the serial backend: a thread in real time, the clock itself in virtual time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..clock import Clock, VirtualClock

VIRTUAL_TURN = 0.001
"""s of virtual time between two turns."""

LEAVE = 0.5
"""s that the thread is given to leave."""

UNREAD = 0.2
"""s that the thread is given, once a wait is over, to take what has arrived meanwhile."""


Turn = Callable[[], float]
"""One turn; returns how many seconds of real time the next can wait."""


class ThreadTurns:
    """Turns by a thread of their own; each waits for bytes where there is a port."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._turns = 0

    def start(self, turn: Turn) -> None:
        """Begin to call `turn`, which takes the lock itself, on a thread that lets the program end."""

        def run() -> None:
            while not self._ended.is_set():
                self._ended.wait(turn())

        self._thread = threading.Thread(target=run, name="xylophone-serial", daemon=True)
        self._thread.start()

    def wait(self, done: Callable[[], bool], limit: float) -> bool:
        """Return True as soon as `done`, False after `limit` seconds and a turn that began after them.

        On a busy machine the thread may have had no processor meanwhile, and what is waited for lies unread.
        """
        with self.lock:
            if self._changed.wait_for(done, limit):
                return True
            later = self._turns + 2  # the next to end may have begun before
            self._changed.wait_for(lambda: done() or self._turns >= later, UNREAD)
            return done()

    def tell(self) -> None:
        """Have those who wait look again, since a turn ends; with the lock held."""
        self._turns += 1
        self._changed.notify_all()

    def end(self) -> None:
        """Stop the thread; a port that hangs is left to the daemon's fate after LEAVE seconds."""
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(LEAVE)


class VirtualTurns:
    """Turns at every millisecond of a virtual clock; waiting moves the clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._turn: Turn | None = None

    def start(self, turn: Turn) -> None:
        """Begin to call `turn` as the clock comes by."""
        self._turn = turn
        self._clock.at(self._clock.now() + VIRTUAL_TURN, self._call)

    def wait(self, done: Callable[[], bool], limit: float) -> bool:
        """Move the clock until `done`, by `limit` seconds at most."""
        end = self._clock.now() + limit
        while not done() and self._clock.now() < end:
            self._clock.wait_until(self._clock.now() + VIRTUAL_TURN)
        return done()

    def tell(self) -> None:
        """Nobody waits elsewhere."""

    def end(self) -> None:
        """Stop: what the clock still has to call does nothing."""
        self._turn = None

    def _call(self) -> None:
        if self._turn is not None:
            self._turn()
            self._clock.at(self._clock.now() + VIRTUAL_TURN, self._call)


Turns = ThreadTurns | VirtualTurns
"""Calls a function again and again until it is ended. Whoever touches the session holds its `lock`."""


def turns_of(clock: Clock) -> Turns:
    """Return what turns the wheel in the time of a clock."""
    return VirtualTurns(clock) if isinstance(clock, VirtualClock) else ThreadTurns()
