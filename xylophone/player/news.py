"""News: what a player tells those that follow it, in queues that never hold it up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..arranger import Arrangement
from ..backends.contract import Fault
from .ahead import Ahead, TakenBack
from .snapshot import Snapshot

MOST_NEWS = 256
"""Pieces of news that a follower may leave lying, unless it asks for others."""


@dataclass(frozen=True, eq=False, slots=True)
class Changed:
    """Something else holds than before, for the `number`-th time: the state, the place, the manner.

    `piece` is what sounds, None where nothing does.
    """

    number: int
    shot: Snapshot
    piece: Arrangement | None


@dataclass(frozen=True, slots=True)
class Met:
    """The backend met a fault."""

    fault: Fault


News = Changed | Ahead | TakenBack | Met


class Follower:
    """A queue of news, for one reader; `wake` is called when some has come, on the player's thread.

    Of several changes only the newest stays. A reader that leaves more than `most` lying loses the strikes
    among them, is told that all it knew is taken back, and at last loses the oldest faults.

    >>> follower = Follower()
    >>> follower.put(TakenBack(1.5))
    >>> follower.take()
    [TakenBack(after=1.5)]
    """

    def __init__(self, wake: Callable[[], object] = lambda: None, most: int = MOST_NEWS) -> None:
        self._news: deque[News] = deque()
        self._lock = threading.Lock()
        self._wake, self._most = wake, most

    def put(self, news: News) -> None:
        """Add one; never waits for the reader."""
        with self._lock:
            if isinstance(news, Changed):
                self._keep(lambda old: not isinstance(old, Changed))
            elif len(self._news) >= self._most:
                self._keep(lambda old: isinstance(old, Changed | Met))
                self._news.append(TakenBack(float("-inf")))
            while len(self._news) > self._most:
                self._news.popleft()
            self._news.append(news)
        self._wake()

    def take(self) -> list[News]:
        """Return all that has come since the last call, in order."""
        with self._lock:
            taken = list(self._news)
            self._news.clear()
        return taken

    def _keep(self, which: Callable[[News], bool]) -> None:
        self._news = deque(news for news in self._news if which(news))
