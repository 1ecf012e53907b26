"""A picture of an arrangement: the song as written and what is struck of it, on one piano roll.

Its lines are of whole measures, its rows of pitches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..arranger import NO_ROLE, Arrangement, judge
from ..arranger.account import describe
from ..pitch import pitch_name
from ..song import Song
from ..tables import Ints, Notes, Priority, picked
from . import check_ending, write_picture
from .marks import INK, SOFT, at, box, crosses, dots, falls, frame, rule, strokes, text
from .page import INNER, LEFT, RIGHT, WIDTH, clock, draw_page, shown

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
    written = arrangement.wanted[~arrangement.song.notes["drum"]]
    pitches = np.concatenate((written, arrangement.instrument.pitches))
    span = int(pitches.min()) - 1, int(pitches.max()) + 1
    ends = np.concatenate((notes["onset"] + np.minimum(notes["duration"], LINE), arrangement.notes["onset"]))
    edges = _edges(arrangement.song, max(_LEAST, float(ends.max(initial=0.0)) + 0.2))
    rows = enumerate(pairwise(edges), 2)
    return [RollLine(arrangement, begin, end, *span, number == len(edges)) for number, (begin, end) in rows]


def drawn(song: Song) -> Notes:
    """Return the notes of a song that have a pitch to be drawn: all but drums."""
    return picked(song.notes, ~song.notes["drum"])


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


WRITTEN, BARS = "#b4bec9", "#edf3f9"
COLOURS = {Priority.INNER: "#4c9f70", Priority.BASS: "#b7791f", Priority.MELODY: "#1d5fa8"}
RADII = {Priority.INNER: 2.5, Priority.BASS: 2.5, Priority.MELODY: 3.0}
NAMED = {Priority.MELODY: "melody", Priority.BASS: "bass", Priority.INNER: "inner voices"}
AGAIN = 1.3
"""Radius of a strike that renews a held note."""

HEADING = 134.0

MOST_WORDS = 168
"""Characters of the account that a line holds; two lines are drawn."""

_APART = 11.0
"""Height that the name of a pitch takes."""


def plot_arrangement(arrangement: Arrangement, path: str | Path) -> None:
    """Draw an arrangement into a file: SVG or, with the plot extra, PNG, by the ending of its name.

    Raises as `xylophone.plotter.plot` does; an old file stays whole until the new one is.
    """
    check_ending(path)
    write_picture(draw_arrangement(arrangement), path)


def draw_arrangement(arrangement: Arrangement) -> str:
    """Return the picture of an arrangement as SVG.

    Notes as written, transposed, are thin and grey; what is struck is a dot in the colour of its voice,
    with a thread to where it was written; what is dropped is a cross. Drums are left out.
    """
    lines = (
        (line.height, [*_paper(line), *_written(line), *_threads(line), *_struck(line), *_dropped(line)])
        for line in lines_of(arrangement)
    )
    return draw_page(_heading(arrangement), HEADING, lines)


def _heading(arrangement: Arrangement) -> Iterator[Any]:
    yield text(shown(arrangement.song.title) or "untitled", LEFT, 36, 24, INK, font_weight=600)
    yield text(arrangement.instrument.name, WIDTH - RIGHT, 36, 14, SOFT, "end")
    words = [f"score {judge(arrangement).score} of 100", *describe(arrangement)]
    for place, told in enumerate(_wrapped(words)[:2]):
        yield text(shown(told, MOST_WORDS), LEFT, 60 + 19 * place, 14, SOFT)
    yield from _legend(HEADING - 28)


def _wrapped(phrases: list[str]) -> list[str]:
    """Return phrases put together in lines that the heading has room for."""
    lines = [phrases[0]]
    for phrase in phrases[1:]:
        together = f"{lines[-1]}  ·  {phrase}"
        lines[-1:] = [together] if len(together) <= MOST_WORDS else [lines[-1], phrase]
    return lines


def _legend(y: float) -> Iterator[Any]:
    x = LEFT
    yield strokes(np.array([[x, x + 14, y]]), 2.0, WRITTEN)
    yield text("as written, transposed", x + 20, y + 4.5, 13, INK)
    x += 168
    for priority, name in NAMED.items():
        yield dots(np.array([[x, y]]), RADII[priority], COLOURS[priority])
        yield text(name, x + 9, y + 4.5, 13, INK)
        x += 38 + 6.0 * len(name)
    yield dots(np.array([[x, y], [x + 6, y], [x + 12, y]]), AGAIN, COLOURS[Priority.MELODY])
    yield text("struck again", x + 20, y + 4.5, 13, INK)
    yield crosses(np.array([[x + 118, y]]), 2.6)
    yield text("dropped", x + 127, y + 4.5, 13, INK)
    yield text("shaded: the bars there are", WIDTH - RIGHT, y + 4.5, 13, SOFT, "end")


def _paper(line: RollLine) -> Iterator[Any]:
    """Yield what is behind the notes: shaded bars, measures, names of pitches, the axes."""
    for low, high in _runs(line.arrangement.instrument.pitches):
        top, bottom = line.y(high) - line.row / 2, line.y(low) + line.row / 2
        yield box(LEFT, top, INNER, bottom - top, BARS)
    for number, time in line.measures:
        x = line.x(time)
        yield rule(x, 0, x, line.bottom)
        yield text(str(number), x, line.bottom + 14, 11, INK, "middle")
    yield frame(LEFT, 0, INNER, line.bottom)
    yield from _names(line)
    yield text("measure", LEFT - 12, line.bottom + 14, 11, SOFT, "end")
    span = f"{clock(line.begin)} to {clock(line.end)}"
    yield text(span, WIDTH - RIGHT, line.bottom + 28, 11, SOFT, "end")


def _names(line: RollLine) -> Iterator[Any]:
    """Yield the names of the lowest and highest bar, and of each C that has room beside them."""
    pitches = line.arrangement.instrument.pitches
    taken: list[float] = []
    wanted = [int(pitches[0]), int(pitches[-1]), *range(0, 128, 12)]
    for pitch in wanted:
        y = line.y(pitch)
        if line.lowest <= pitch <= line.highest and all(abs(y - other) >= _APART for other in taken):
            taken.append(y)
            yield text(pitch_name(pitch), LEFT - 8, y + 3.8, 11, INK if pitch in pitches else SOFT, "end")


def _written(line: RollLine) -> Iterator[Any]:
    arrangement = line.arrangement
    notes = arrangement.song.notes
    begin, end = notes["onset"], notes["onset"] + notes["duration"]
    here = ((end > line.begin) & (begin < line.end) | line.here(begin)) & ~notes["drum"]
    begin, end = line.x(begin[here]), line.x(end[here])
    y = line.y(arrangement.wanted[here])
    yield strokes(np.stack((begin, np.maximum(end, begin + 2.0), y), axis=1), 2.0, WRITTEN)


def _threads(line: RollLine) -> Iterator[Any]:
    """Yield threads from notes to the bars that sound them, where these are others."""
    arrangement = line.arrangement
    notes, struck = arrangement.song.notes, arrangement.struck
    written = arrangement.wanted
    moved = (struck >= 0) & (struck != written) & line.here(notes["onset"])
    moved &= ~notes["drum"]
    voice = np.append(arrangement.notes["priority"], 0)[arrangement.carrier]
    threads = np.stack((line.x(notes["onset"]), line.y(written), line.y(struck)), axis=1)
    for priority in Priority:
        yield falls(threads[moved & (voice == priority)], 0.8, COLOURS[priority], stroke_opacity=0.3)


def _struck(line: RollLine) -> Iterator[Any]:
    """Yield a dot for each strike, the melody last and so on top."""
    notes = line.arrangement.notes[line.here(line.arrangement.notes["onset"])]
    x, y = line.x(notes["onset"]), line.y(line.arrangement.instrument.pitches[notes["hammer"]])
    for priority in Priority:
        mine = notes["priority"] == priority
        yield dots(at(x, y, mine & notes["again"]), AGAIN, COLOURS[priority])
        yield dots(at(x, y, mine & ~notes["again"]), RADII[priority], COLOURS[priority])


def _dropped(line: RollLine) -> Iterator[Any]:
    arrangement = line.arrangement
    notes = arrangement.song.notes
    lost = (arrangement.roles != NO_ROLE) & (arrangement.struck < 0) & line.here(notes["onset"])
    y = line.y(arrangement.wanted)
    yield crosses(at(line.x(notes["onset"]), y, lost), 2.6)


def _runs(pitches: Ints) -> Iterator[tuple[int, int]]:
    """Yield the lowest and highest pitch of each run of bars without a hole."""
    places = enumerate(pitches.tolist())
    for _, run in groupby(places, key=lambda row: row[1] - row[0]):
        bars = [pitch for _, pitch in run]
        yield bars[0], bars[-1]
