"""Where things stand in the picture of an arrangement: lines of whole measures, rows of pitches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ..arranger import Arrangement
from ..song import DRUM_CHANNEL, Song
from ..tables import Notes, picked
from .line import INNER, LEFT

LINE = 24.0
"""s; about so much is drawn on one line, more of a piece that would take over MOST_LINES."""

MOST_LINES = 12

AXIS = 42.0
"""Height of what is below the pitches of a line."""

ROWS = ((48, 7.0), (72, 6.0), (128, 5.0))
"""Up to so many pitches a row has this height."""

MOST_MEASURES = 24
"""So many measures are marked on a line at most."""

_STEPS = (1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 200, 500, 1000)
_LEAST = 2.0  # s on the shortest line


@dataclass(frozen=True)
class RollLine:
    """One line of the picture, the moments from `begin` to `end`; y counts from its own top."""

    arrangement: Arrangement
    begin: float
    end: float
    lowest: int  # pitches drawn
    highest: int
    last: bool

    @property
    def row(self) -> float:
        """Height of a pitch."""
        many = self.highest - self.lowest + 1
        return next(height for most, height in ROWS if many <= most or most == ROWS[-1][0])

    @property
    def bottom(self) -> float:
        """Where the rows of pitches end."""
        return (self.highest - self.lowest + 1) * self.row

    @property
    def height(self) -> float:
        """Of all the line, the space below it included."""
        return self.bottom + AXIS

    @cached_property
    def measures(self) -> list[tuple[int, float]]:
        """Measures that are marked, each with the moment at which it begins."""
        song = self.arrangement.song
        first, last = (song.measure_at(moment)[0] for moment in (self.begin, self.end))
        step = next((step for step in _STEPS if (last - first) / step <= MOST_MEASURES), last - first)
        numbers = [first + (1 - first) % step + place * step for place in range((last - first) // step + 1)]
        marked = [(number, song.time_of_measure(number)) for number in numbers]
        return [(number, time) for number, time in marked if self.begin - 1e-6 <= time < self.end]

    def here(self, time: Any) -> Any:
        """Return which moments stand on this line."""
        return (time >= self.begin) & ((time < self.end) | self.last)

    def x(self, time: Any) -> Any:
        """Return where a moment, or an array of them, stands."""
        return LEFT + (np.clip(time, self.begin, self.end) - self.begin) / (self.end - self.begin) * INNER

    def y(self, pitch: Any) -> Any:
        """Return the middle of a pitch's row, or of an array of them."""
        return (self.highest - pitch + 0.5) * self.row


def lines_of(arrangement: Arrangement) -> list[RollLine]:
    """Divide an arrangement into lines of whole measures, about even, twelve at most."""
    notes = drawn(arrangement.song)
    written = notes["pitch"].astype(np.int64) + arrangement.transpose
    pitches = np.concatenate((written, arrangement.instrument.pitches))
    span = int(pitches.min()) - 1, int(pitches.max()) + 1
    ends = np.concatenate((notes["onset"] + np.minimum(notes["duration"], LINE), arrangement.notes["onset"]))
    edges = _edges(arrangement.song, max(_LEAST, float(ends.max(initial=0.0)) + 0.2))
    rows = enumerate(pairwise(edges), 2)
    return [RollLine(arrangement, begin, end, *span, number == len(edges)) for number, (begin, end) in rows]


def drawn(song: Song) -> Notes:
    """Return the notes of a song that have a pitch to be drawn: all but drums."""
    return picked(song.notes, song.notes["channel"] != DRUM_CHANNEL)


def _edges(song: Song, end: float) -> list[float]:
    """Return where lines begin, and where the last one ends: at bar lines where there is one nearby."""
    count = int(np.clip(np.ceil(end / LINE), 1, MOST_LINES))
    length = end / count
    edges = [0.0]
    for place in range(1, count):
        wanted = place * length
        measure, _ = song.measure_at(wanted)
        near = min((song.time_of_measure(measure + more) for more in (0, 1)), key=lambda t: abs(t - wanted))
        edges.append(near if abs(near - wanted) < length / 3 else wanted)
    return [*edges, end]
