"""What an owner plays, and how: a `play` replaces all of that, or nothing where it is refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..player.term import Term
from .attached import Attached
from .manner import Manner
from .queue import Queue, Song


@dataclass(frozen=True, eq=False)
class Before:
    """What was played before a `play` that has not begun; `asked` is its manner, `own` are its entries."""

    queue: Queue
    manner: Manner
    term: Term
    attached: Attached
    asked: Manner
    own: frozenset[int]


@dataclass(eq=False)
class Programme:
    """A queue, how it is played, for how long songs begin, and who has asked for it."""

    queue: Queue = field(default_factory=Queue)
    manner: Manner = field(default_factory=Manner)
    term: Term = field(default_factory=Term)
    attached: Attached = field(default_factory=Attached)

    def replace(self, songs: Sequence[Song], manner: Manner, term: Term) -> Before:
        """Let songs take the place of all that is in the queue, nobody's; return what was before."""
        queue = self.queue.anew(songs)
        own = frozenset(entry.number for entry in queue.entries)
        before = Before(self.queue, self.manner, self.term, self.attached, replace(manner), own)
        self.queue, self.manner, self.term, self.attached = queue, manner, term, Attached()
        return before

    def put_back(self, before: Before) -> None:
        """Let all be as it was before; songs that were added since and a change of speed or volume stay."""
        added = [entry for entry in self.queue.entries if entry.number not in before.own]
        before.queue.entries += added
        old = before.manner
        self.manner = old if self.manner == before.asked else replace(self.manner, gap=old.gap, roll=old.roll)
        self.queue, self.term, self.attached = before.queue, before.term, before.attached
