"""Ornaments: graces, told by their length; they are struck where they are written, or not at all."""

from __future__ import annotations

import numpy as np

from ..tables import Ints
from .columns import by_group, starts, to_each
from .score import Score

_SHORT = 0.12
"""s; a grace is shorter, and comes by less before the note that follows."""

_MOST = 3
"""Graces before one note; more short notes are a run or a trill, whose notes are equals."""

_LONGER = 2.0
"""The main note lasts at least so many times as long as its last grace."""

_CRUSHED = 4
"""Semitones from its main note at most of a grace that is crushed into it: farther apart they are a chord."""


def main_notes(score: Score, voice: Ints) -> Ints:
    """Return for each note the main note whose grace it is, -1 for none.

    Graces are up to three short notes of a voice right before a longer one. `voice` numbers each note's.
    How long a note's key is held counts, not a pedal.
    """
    main = np.full(len(score), -1, np.int64)
    order = by_group(voice)
    line, onset = voice[order], score.onset[order]
    lasts = score.released[order] - onset
    leads_on = np.zeros(len(order), np.bool_)
    leads_on[:-1] = (lasts[:-1] < _SHORT) & (np.diff(onset) < _SHORT) & (np.diff(line) == 0)
    first = starts(leads_on, line)
    size = np.diff(first, append=len(order))
    last = first + size - 1
    following = np.minimum(last + 1, len(order) - 1)
    ornate = leads_on[first] & (size <= _MOST) & (lasts[following] >= _LONGER * lasts[last])
    main[order] = to_each(np.where(ornate, order[following], -1), first, len(order))
    return main


def crushed(score: Score) -> tuple[Ints, Ints]:
    """Return graces that are of one instant with their main note, and these main notes."""
    main = main_notes(score, score.part)
    grace = np.flatnonzero(main >= 0)
    main = main[grace]
    near = np.abs(score.pitch[grace].astype(np.int64) - score.pitch[main]) <= _CRUSHED
    near &= (score.instant[grace] == score.instant[main]) & (score.onset[grace] < score.onset[main])
    return grace[near], main[near]
