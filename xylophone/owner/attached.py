"""Whose playing ends with its connection, and which entries of the queue are its own. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from .peers import Peer
from .queue import Entry


@dataclass
class Attached:
    """Who has asked for what plays, to be ended when it has left; nobody where `who` is None.

    A client is known by the very `Peer` of its connection: one process may have several.
    """

    who: Peer | None = None
    entries: set[int] = field(default_factory=set)

    def begin(self, who: Peer | None, entries: list[Entry]) -> None:
        """Let these entries be one's own; of what was there before nobody's any more."""
        self.who, self.entries = who, {entry.number for entry in entries}

    def add(self, who: Peer | None, entries: list[Entry]) -> None:
        """Note entries that somebody has put into the queue."""
        if who is self.who:
            self.entries |= {entry.number for entry in entries}

    def leave(self, who: Peer) -> set[int]:
        """Return the entries that go with who has left."""
        if who is not self.who:
            return set()
        self.who = None
        return self.entries
