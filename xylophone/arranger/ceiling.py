"""The ceiling: what the accompaniment may not rise above while a melody note sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
