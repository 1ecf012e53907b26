"""Tremolo: a bar cannot hold a note, so a held note may be struck again and again."""

from __future__ import annotations

import numpy as np

from ..song import Song
from ..tables import Arranged, Floats, joined, ordered, picked
from .columns import by_group

RATE = 9.0
"""Strikes a second of a tremolo; the hammer's recovery may ask for fewer."""

HELD = 0.6
"""Seconds that a note must last to be renewed: as two beats at 200 bpm."""

MOST = 200
"""Times that one note is renewed, some 22 s at RATE: a file of a few bytes may hold a note for years."""


def with_tremolo(notes: Arranged, song: Song, recovery: Floats) -> tuple[Arranged, Arranged]:
    """Return strikes with those that renew held notes until they end, and those whose notes were cut.

    `recovery` is by hammer. The last renewal leaves the hammer its recovery before the next strike of the
    same bar. A note that would be renewed more than MOST times is cut: it is renewed so often and no more.
    """
    written = song.notes[notes["source"]]
    end = written["onset"] + written["duration"]
    until = np.minimum(end, next_strike(notes) - recovery[notes["hammer"]])
    step = np.maximum(1.0 / RATE, 1.2 * recovery[notes["hammer"]])
    asked = np.where(written["duration"] >= HELD, np.floor((until - notes["onset"]) / step + 1e-9), 0)
    count = asked.clip(0, MOST).astype(np.intp)
    source = np.repeat(np.arange(len(notes)), count)
    again = picked(notes, source)
    number = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count) + 1
    again["onset"] += number * step[source]
    again["again"] = True
    return ordered(joined((notes, again)), "onset"), picked(notes, asked > MOST)


def next_strike(notes: Arranged) -> Floats:
    """Return when the same bar is struck next, infinity where it is not."""
    order = by_group(notes["hammer"])
    following = np.full(len(notes), np.inf)
    same = np.diff(notes["hammer"][order]) == 0
    following[order[:-1][same]] = notes["onset"][order[1:]][same]
    return following
