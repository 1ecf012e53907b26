"""The latch, put on and taken off in the order in which that is asked for; nobody waits for the disk."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from datetime import datetime

from .latch import Latch, Stopped


class Latching:
    """Has a latch written by `writing`, one thing after the other; from any thread.

    A latch that is still to be put on is put on once, however often that is asked for.
    """

    def __init__(self, latch: Latch, writing: Executor) -> None:
        self.latch, self._writing, self._lock = latch, writing, threading.RLock()
        self._last: Future[Stopped] | None = None  # put on last, and not taken off since

    def set(self, who: str, when: datetime, why: str) -> Future[Stopped]:
        """Have the latch put on; what is returned is done when it is on the disk, or says why it is not."""
        with self._lock:
            last = self._last
            if last is None or last.running() or last.done():
                last = self._last = self._writing.submit(self.latch.set, who, when, why)
            return last

    def clear(self) -> Future[None]:
        """Have the latch taken off."""
        with self._lock:
            self._last = None
            return self._writing.submit(self.latch.clear)
