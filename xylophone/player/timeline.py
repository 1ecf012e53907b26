"""The timeline: at which backend time which place of which piece sounds, and which notes come next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..arranger import Arrangement
from ..song import Song
from ..strikes import strikes_of
from ..tables import Arranged, Strikes, joined, ordered, picked

Rearrange = Callable[[Song, int], Arrangement]

GAP = 1.0
"""s from the end of one piece to the beginning of the next."""

ROUNDING = 1e-6
"""s; far more than times differ by because they were reckoned on two ways, far less than is heard."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """A part of the timeline: from backend time `time` on, `position` of a piece sounds, at one speed.

    `first` is the first note (row of the arrangement) that belongs to it.
    """

    time: float
    position: float
    speed: float
    piece: int  # place in the queue
    arrangement: Arrangement
    first: int

    def position_at(self, moment: float) -> float:
        """Return the song time that sounds at a moment."""
        return self.position + (moment - self.time) * self.speed

    def time_of(self, position: float) -> float:
        """Return the backend time at which a song time sounds."""
        return self.time + (position - self.position) / self.speed

    def strikes(self, begin: int, end: int, volume: float) -> Strikes:
        """Return notes begin..end of the arrangement as strikes."""
        return strikes_of(
            picked(self.arrangement.notes, slice(begin, end)),
            zero=self.time,
            position=self.position,
            speed=self.speed,
            volume=volume,
        )

    def first_from(self, moment: float, arrangement: Arrangement | None = None) -> int:
        """Return the first note whose time is at or after a moment: the same reckoning as `strikes`."""
        onset = (arrangement or self.arrangement).notes["onset"]
        near = int(np.searchsorted(onset, self.position_at(moment) - ROUNDING * self.speed))
        times = self.time + (onset[near : near + 4096] - self.position) / self.speed
        return near + int(np.searchsorted(times, moment))

    def border(self, moment: float, arrangement: Arrangement, end: float) -> tuple[int, float]:
        """Return the first note of an arrangement at or after a moment, and a time just before it, or `end`.

        That time is after the note before: it tells strikes on this side of the border from those
        beyond whatever was lost in rounding.
        """
        whole, own = arrangement.notes["onset"], self.arrangement.notes["onset"][self.first : self.first + 1]
        begins = int(np.searchsorted(whole, own[0])) if len(own) else len(whole)
        first = max(begins, self.first_from(moment, arrangement))
        onset = whole[max(0, first - 1) : first + 1]
        times = self.time + (onset - self.position) / self.speed
        after = min(end, float(times[-1])) if first < len(arrangement) else end
        before = float(times[0]) if first else -np.inf
        return first, max(after - ROUNDING, before + (after - before) / 2)


class Gap(Stretch):
    """The silence after a piece: its position is the piece's end, and no speed makes it longer or shorter."""

    def position_at(self, moment: float) -> float:
        """Return the end of the piece."""
        return self.position

    def time_of(self, position: float) -> float:
        """Return when the silence begins."""
        return self.time

    def first_from(self, moment: float, arrangement: Arrangement | None = None) -> int:
        """Return that no note is left."""
        return len(arrangement or self.arrangement)

    def border(self, moment: float, arrangement: Arrangement, end: float) -> tuple[int, float]:
        """Return that no note is left, and the middle of the silence, where no strike is."""
        return len(arrangement), (self.time + end) / 2


class Timeline:
    """Stretches one after the other: pieces of a queue, the gaps between them, loops, changes of speed."""

    def __init__(self) -> None:
        self.pieces: list[Arrangement] = []
        self.loop: tuple[float, float] | None = None
        self.repeat = False  # the whole queue, again and again
        self.more = False  # pieces are still to be added
        self.gap: float | None = None  # s between pieces; None: GAP, and none where a piece follows itself
        self.speed = 1.0
        self._stretches: list[Stretch] = []
        self._next = 0  # note of the last stretch

    @property
    def laid(self) -> bool:
        """Tell whether there is anything on the timeline."""
        return bool(self._stretches)

    def at(self, moment: float) -> Stretch:
        """Return the stretch that sounds at a moment; the first one before it begins."""
        for stretch in reversed(self._stretches):
            if stretch.time <= moment:
                return stretch
        return self._stretches[0]

    def lay(self, moment: float, piece: int, position: float, first: int | None = None) -> None:
        """Let a position of a piece sound at a moment, and what follows after it; later stretches go.

        `first` is the first note that is still to be struck, by default the first at the position.
        """
        arrangement = self.pieces[piece]
        if first is None:
            first = int(np.searchsorted(arrangement.notes["onset"], position))
        self._put(Stretch(moment, position, self.speed, piece, arrangement, first))

    def lay_again(self, stretch: Stretch, moment: float, first: int) -> None:
        """Let a stretch go on at a moment, as its piece and the speed now are, from a note on."""
        if isinstance(stretch, Gap):
            self._lay_gap(stretch.time, stretch.piece)
        else:
            self.lay(moment, stretch.piece, stretch.position_at(moment), first)

    def _lay_gap(self, moment: float, piece: int) -> None:
        arrangement = self.pieces[piece]
        self._put(Gap(moment, length(arrangement), self.speed, piece, arrangement, len(arrangement)))

    def _put(self, stretch: Stretch) -> None:
        kept = [earlier for earlier in self._stretches if earlier.time < stretch.time]
        self._stretches, self._next = [*kept, stretch], stretch.first

    def clear(self) -> None:
        """Forget where everything is."""
        self._stretches = []
        self._next = 0

    def delay(self, seconds: float) -> None:
        """Let everything sound so much later."""
        self._stretches = [replace(stretch, time=stretch.time + seconds) for stretch in self._stretches]

    def forget_before(self, moment: float) -> None:
        """Drop stretches that are over."""
        current = self.at(moment)
        self._stretches = self._stretches[self._stretches.index(current) :]

    def forget_pieces(self) -> None:
        """Drop pieces of the queue that are over."""
        over = min((stretch.piece for stretch in self._stretches), default=0)
        if over:
            self.pieces = self.pieces[over:]
            self._stretches = [replace(stretch, piece=stretch.piece - over) for stretch in self._stretches]

    def next_after(self, moment: float) -> float:
        """Return when the next stretch begins, inf where none is laid."""
        return min((stretch.time for stretch in self._stretches if stretch.time > moment), default=np.inf)

    def take(self, until: float, volume: float, soonest: float) -> Strikes:
        """Return all strikes not yet handed out that sound before `until`, and lay what follows as needed.

        What follows begins at `soonest` at the earliest: a machine that slept misses the rest of a
        piece, not many passes of a loop.
        """
        parts = []
        while True:
            stretch = self._stretches[-1]
            end = self._end_of(stretch)
            whole = end < until and not self._loops(stretch)  # a last note at the very end is struck too
            stop = len(stretch.arrangement) if whole else stretch.first_from(min(until, end))
            parts.append(stretch.strikes(self._next, max(self._next, stop), volume))
            self._next = max(self._next, stop)
            if end >= until or not self._follow(stretch, end, soonest):
                break
        return joined(parts)

    def end(self) -> float | None:
        """Return the time at which everything is over, None while something is still to follow."""
        stretch = self._stretches[-1]
        follows = self.loop is not None or self.repeat or self.more or stretch.piece + 1 < len(self.pieces)
        return None if follows else self.over(stretch)

    @staticmethod
    def over(stretch: Stretch) -> float:
        """Return when the piece of a stretch is over, if nothing leads back."""
        return stretch.time_of(length(stretch.arrangement))

    def revised(self, strikes: Strikes, volume: float) -> Strikes:
        """Return strikes as their pieces now have them, at a volume, or as arranged at 0, times kept."""
        begins = [-np.inf, *(stretch.time for stretch in self._stretches[1:])]
        place = np.searchsorted(begins, strikes["time"], side="right") - 1
        notes = [self.pieces[stretch.piece].notes for stretch in self._stretches]
        parts = [revised(picked(strikes, place == n), notes[n], volume or 1.0) for n in np.unique(place)]
        return joined(parts or [strikes])

    def end_of(self, stretch: Stretch) -> float:
        """Return when a stretch ends: where the next is laid, or will be."""
        later = [other.time for other in self._stretches if other.time > stretch.time]
        return min(later, default=self._end_of(stretch))

    def _loops(self, stretch: Stretch) -> bool:
        return self.loop is not None and stretch.position < self.loop[1]

    def _end_of(self, stretch: Stretch) -> float:
        """When the next stretch begins: at the loop's end, at the piece's, or when its gap is over."""
        if isinstance(stretch, Gap):
            return stretch.time + self.gap_after(stretch.piece)
        if self.loop is not None and self._loops(stretch):
            return stretch.time_of(self.loop[1])
        return self.over(stretch)

    @property
    def waits(self) -> bool:
        """Tell whether nothing follows the last stretch as yet."""
        last = self._stretches[-1].piece + 1 == len(self.pieces)
        return last and self.loop is None and not self.repeat

    def gap_after(self, piece: int) -> float:
        """Return how long it is silent between a piece of the queue and the next, s."""
        if self.gap is not None:
            return self.gap
        following = self.pieces[piece + 1 : piece + 2] or (self.pieces[:1] if self.repeat else [])
        return 0.0 if following and following[0].notes is self.pieces[piece].notes else GAP

    def _follow(self, stretch: Stretch, end: float, soonest: float) -> bool:
        """Lay what comes after a stretch; False when that was the last."""
        begin = max(end, soonest)
        if self.loop is not None and (self._loops(stretch) or isinstance(stretch, Gap)):
            self.lay(begin, stretch.piece, self.loop[0])
        elif not isinstance(stretch, Gap):
            self._lay_gap(end, stretch.piece)
        elif stretch.piece + 1 < len(self.pieces):
            self.lay(begin, stretch.piece + 1, 0.0)
        elif self.repeat:
            self.lay(begin, 0, 0.0)
        else:
            return False
        return True


def length(arrangement: Arrangement) -> float:
    """Return where a piece ends in song time: its song's end, or its last strike if that is later."""
    last = float(arrangement.notes["onset"][-1]) if len(arrangement.notes) else 0.0
    return max(arrangement.song.duration, last, 0.05)


def revised(strikes: Strikes, notes: Arranged, volume: float) -> Strikes:
    """Return strikes as these notes (dtype ARRANGED) have them, times kept; those that have no note go."""
    notes = ordered(picked(notes, np.isin(notes["source"], strikes["source"])), "source")
    sources = notes["source"]
    there = np.isin(strikes["source"], sources)
    new = strikes_of(picked(notes, np.searchsorted(sources, strikes["source"][there])), volume=volume)
    new["time"] = strikes["time"][there]
    return new
