"""The order of an evening: which song of a queue comes next, pass by pass."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """A song that is next: its place in the queue, from 0; which of how many of its pass it is, from 1."""

    song: int
    number: int
    of: int


class Order:
    """Draws the songs of a queue one after the other, in so many passes; without end for None.

    With `shuffle` each pass has an order of its own, and no song comes twice running where there are two.
    The same `seed` draws the same.
    """

    def __init__(
        self, songs: int, passes: int | None = 1, *, shuffle: bool = False, seed: int | None = None
    ) -> None:
        self._songs = list(range(songs))
        self._passes, self._chance = passes, random.Random(seed) if shuffle else None
        self._waiting: list[int] = []
        self._drawn = 0  # of this pass
        self._last: int | None = None

    def draw(self) -> Turn | None:
        """Return what is next, None where nothing is."""
        if not self._waiting and not self._begin_pass():
            return None
        if self._chance and self._waiting[0] == self._last:
            self._waiting.append(self._waiting.pop(0))
        self._last = self._waiting.pop(0)
        self._drawn += 1
        return Turn(self._last, self._drawn, self._drawn + len(self._waiting))

    def leave_out(self, turn: Turn) -> None:
        """Let the song that was drawn last never come again: it cannot be played."""
        self._songs.remove(turn.song)
        self._drawn -= 1
        self._last = None

    def _begin_pass(self) -> bool:
        if not self._songs or self._passes == 0:
            return False
        self._passes = None if self._passes is None else self._passes - 1
        self._waiting, self._drawn = list(self._songs), 0
        if self._chance:
            self._chance.shuffle(self._waiting)
        return True
