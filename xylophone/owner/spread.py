"""Events on their way to the clients: few lie here, whoever tells them never waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

MOST_EVENTS = 256
"""Events that may lie here; then the oldest strikes ahead go, and at last the oldest events."""

TOPIC_OF = {"state": "state", "fault": "state", "song": "state", "ahead": "ahead", "back": "ahead"}
"""Event: who gets it by what they have subscribed to; any other is for all that have."""

Event = Mapping[str, Any]


class Spread:
    """A queue of events from any thread for one reader; of several states only the newest stays.

    >>> spread = Spread()
    >>> for number in (1, 2):
    ...     spread.put({"event": "state", "rev": number})
    >>> spread.take()
    [{'event': 'state', 'rev': 2}]
    """

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self._events: deque[Event] = deque()
        self._lock, self._most = threading.Lock(), most

    def put(self, event: Event) -> bool:
        """Add an event; tell whether none lay here before, so that the reader has to be woken."""
        with self._lock:
            first = not self._events
            if event["event"] == "state":
                self._leave_out("state")
            elif len(self._events) >= self._most:
                self._leave_out("ahead")
            while len(self._events) >= self._most:
                self._events.popleft()
            self._events.append(event)
        return first

    def take(self) -> list[Event]:
        """Return all that lies here, in order."""
        with self._lock:
            taken = list(self._events)
            self._events.clear()
        return taken

    def _leave_out(self, kind: str) -> None:
        self._events = deque(event for event in self._events if event["event"] != kind)
