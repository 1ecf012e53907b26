"""Tremolo: a bar cannot hold a note, so a long note of the tune is struck again and again.

It is what two mallets do: they alternate on the tune's bar, or between it and one other bar that is held with
it, at the same speed. Nothing else is renewed meanwhile, and what rings by itself is left to ring.
"""

from __future__ import annotations

import numpy as np

from ..instrument import Instrument
from ..song import Song
from ..tables import Arranged, Bools, Floats, Ints, Priority, joined, ordered, picked
from .columns import by_group, starts
from .tune import NEAR

RATE = 9.0
"""Strikes a second of a tremolo, on one bar or two; the hammer's recovery may ask for fewer."""

HELD = 0.6
"""Seconds that a note lasts at most without being renewed: as two beats at 200 bpm."""

RINGS = 0.5
"""Of a bar's T60, what it sustains by itself: it has lost 30 dB then."""

STOPS = (3, 4, 8, 9, 12)
"""Semitones beneath the tune of a double stop: thirds, sixths and the doubling an octave below."""

MOST = 200
"""Times that one note is renewed, some 22 s at RATE: a file of a few bytes may hold a note for years."""


def with_tremolo(notes: Arranged, song: Song, instrument: Instrument) -> tuple[Arranged, Arranged]:
    """Return strikes with those that renew the tune's long notes, and those whose notes were cut.

    A note is renewed until it ends or the tune goes on. The last renewal leaves the hammers their recovery
    before that, and before the next strike of its bar. A note that would be renewed more than MOST times is
    cut: it is renewed so often and no more.
    """
    if not len(notes):
        return notes, notes
    recovery = instrument.column("recovery")[notes["hammer"]]
    lasts = song.notes["duration"][notes["source"]]
    until = np.minimum(notes["onset"] + lasts, next_strike(notes) - recovery)
    held = (lasts > HELD) & (lasts > RINGS * instrument.t60[notes["hammer"]])
    step = np.maximum(1.0 / RATE, 1.2 * recovery)
    line, goes_on = _line(notes)
    until[line] = np.minimum(until[line], goes_on - recovery[line])
    line = line[held[line]]
    lead, stop = _double_stops(notes, instrument.pitches[notes["hammer"]], line, held, until, step)
    until[stop] = np.minimum(until[stop], until[lead])
    step[lead] = step[stop] = np.maximum(step[lead], step[stop])
    every, first = step.copy(), step.copy()
    every[lead] = every[stop] = first[lead] = 2.0 * step[lead]
    asked = np.zeros(len(notes))
    rows = np.concatenate((line, stop))
    asked[rows] = np.floor((until - notes["onset"] - first)[rows] / every[rows] + 1e-9) + 1
    return _renewed(notes, asked.clip(0, MOST).astype(np.intp), first, every), picked(notes, asked > MOST)


def _renewed(notes: Arranged, count: Ints, first: Floats, every: Floats) -> Arranged:
    """Return strikes and those that renew each of them so often, `first` s after it and then `every` s."""
    source = np.repeat(np.arange(len(notes)), count)
    again = picked(notes, source)
    number = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
    again["onset"] += first[source] + number * every[source]
    again["again"] = True
    return ordered(joined((notes, again)), "onset")


def _line(notes: Arranged) -> tuple[Ints, Floats]:
    """Return the tune's strikes, of those within NEAR the highest, and when it goes on after each."""
    tune = np.flatnonzero(notes["priority"] == Priority.MELODY)
    onset = notes["onset"][tune]
    chord = np.cumsum(np.diff(onset, prepend=onset[:1]) > NEAR)
    first = starts(chord)
    order = np.lexsort((notes["hammer"][tune], chord))
    highest = tune[order[np.append(first[1:], len(tune)) - 1]] if len(tune) else tune
    return highest, np.append(onset[first][1:], np.inf)[: len(highest)]


def _double_stops(
    notes: Arranged, pitch: Ints, line: Ints, held: Bools, until: Floats, step: Floats
) -> tuple[Ints, Ints]:
    """Return which strikes of `line` have another beneath them that is held with them, and these others.

    It begins within NEAR and is held nearly as long; of several it is the nearest bar.
    """
    onset = notes["onset"]
    low = np.searchsorted(onset, onset[line] - NEAR)
    size = np.searchsorted(onset, onset[line] + NEAR, "right") - low
    lead = np.repeat(line, size)
    stop = np.arange(len(lead)) - np.repeat(np.cumsum(size) - size, size) + np.repeat(low, size)
    fits = held[stop] & np.isin(pitch[lead] - pitch[stop], STOPS) & (until[stop] >= until[lead] - step[lead])
    lead, stop = lead[fits], stop[fits]
    order = np.lexsort((-pitch[stop], lead))
    nearest = order[starts(lead[order])]
    return lead[nearest], stop[nearest]


def next_strike(notes: Arranged) -> Floats:
    """Return when the same bar is struck next, infinity where it is not."""
    order = by_group(notes["hammer"])
    following = np.full(len(notes), np.inf)
    same = np.diff(notes["hammer"][order]) == 0
    following[order[:-1][same]] = notes["onset"][order[1:]][same]
    return following
