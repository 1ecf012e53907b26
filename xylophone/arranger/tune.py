"""The tune as it is struck: a neighbour for a note whose name no bar has, and what may not rise above it.

On white bars a black key would leave a hole in the tune: its rhythm stumbles, its contour breaks. The bar
next to it keeps both. While a melody note sounds, the accompaniment has a ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..instrument import Instrument
from ..tables import Floats, Ints
from .score import Score

NEAR = 0.03
"""Strikes this close are heard as one: order is heard from about 22 ms on."""

_SHORTEST, _LONGEST = 0.1, 0.5
"""A melody note is the top of what sounds for at least and at most so long: a bar rings, and fades."""

FREE = 32767
"""A ceiling so high that there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Tune:
    """The melody as it is struck: columns of one length, by onset. `struck` is -1 where no bar sounds."""

    rows: Ints  # of the score
    onset: Floats
    end: Floats
    struck: Ints

    def at(self, onset: Floats) -> Ints:
        """Return the melody note, -1 for none, that begins last before or with each onset."""
        return np.searchsorted(self.onset, onset + NEAR, "right") - 1

    def ceiling(self, onset: Floats) -> Ints:
        """Return the lowest melody pitch that sounds at each onset, FREE where none does."""
        last = self.at(onset)
        lowest = np.full(len(onset), FREE, np.int16)
        until = np.clip(self.end, self.onset + _SHORTEST, self.onset + _LONGEST)
        for back, ends in ((0, until), (1, self.onset + NEAR)):
            note = np.maximum(last - back, 0)
            sounds = (last >= back) & (onset <= ends[note]) & (self.struck[note] >= 0)
            lowest = np.where(sounds, np.minimum(lowest, self.struck[note]), lowest)
        return lowest.astype(np.int16)


def tune_of(score: Score, rows: Ints, struck: Ints) -> Tune:
    """Return the melody in `rows` of a score."""
    return Tune(rows, score.onset[rows], score.end[rows], struck)


_WIDEST = 2
"""Semitones between a note and the bar that stands for it, at most."""


def substitutes(struck: Ints, tune: Ints, score: Score, instrument: Instrument) -> Ints:
    """Return what is struck for the melody notes in `tune`: as in `struck`, or a neighbour's pitch.

    Of the bars below and above, the one that keeps the steps from the note before and to the next; then the
    one whose name others sound at that moment; then the nearer, then the lower one.
    """
    line = struck[tune]
    without = np.flatnonzero(~np.isin(line, instrument.pitches))
    if not len(without) or len(instrument.pitches) < 2:
        return line
    wanted = line[without].astype(np.int64)
    above = np.searchsorted(instrument.pitches, wanted)
    both = np.stack([np.maximum(above - 1, 0), np.minimum(above, len(instrument.pitches) - 1)])
    choices = instrument.pitches[both].astype(np.int64)
    cost = 100.0 * (np.abs(choices - wanted) > _WIDEST) + _bent(line, without, choices)
    cost += 0.5 * ~_sounds_beside(choices, tune[without], struck, score) + 0.1 * np.abs(choices - wanted)
    best = np.argmin(cost, axis=0)
    columns = np.arange(len(without))
    line = line.copy()
    fits = cost[best, columns] < 100
    line[without] = np.where(fits, choices[best, columns], wanted)
    return line


def _bent(line: Ints, places: Ints, choices: Ints) -> Floats:
    """Return how many of the two steps around each place change their direction, for each choice."""
    bent = np.zeros(choices.shape)
    for side in (-1, 1):
        other = np.clip(places + side, 0, len(line) - 1)
        step = np.sign(line[places].astype(np.int64) - line[other])
        bent += (other != places) & (np.sign(choices - line[other]) != step)
    return bent


def _sounds_beside(choices: Ints, rows: Ints, struck: Ints, score: Score) -> Ints:
    """Return for each choice whether another note of its name begins at the same instant."""
    names = np.zeros((int(score.instant[-1]) + 1, 12), np.bool_)
    names[score.instant, struck % 12] = True
    return np.asarray(names[score.instant[rows], choices % 12])
