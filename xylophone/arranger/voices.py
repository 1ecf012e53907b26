"""Voices: melody, bass and inner notes, which become the strikes' priorities.

The melody is the skyline of the part that has the tune: the highest note of an instant, unless a
higher one begun before outlasts it, by a leap and more. So a held note is not left for the
accompaniment beneath it. The bass is the lowest line of the rest, found in the mirror.
"""

from __future__ import annotations

import numpy as np

from ..tables import Bools, Floats, Ints, Priority
from .columns import starts, to_each
from .melody import leader
from .score import Score

_LOOK_BACK = 16
"""Instants that are searched for a note still sounding: a measure of sixteenths under a whole note."""

_LEAP = 4
"""A note lower by more semitones than this is accompaniment beneath a held note; else a line, bound over."""

_BASS_BELOW = 60
"""A part's lowest line is bass where its mean pitch is below this (C4), else an inner voice."""


def priorities(score: Score) -> Ints:
    """Return the `Priority` of each note as uint8."""
    result = np.full(len(score), Priority.INNER, np.uint8)
    if not len(score):
        return result
    tune = _outer(score, leader(score), score.pitch)
    result[tune] = Priority.MELODY
    low = np.flatnonzero(_outer(score, ~tune, -score.pitch))
    part, many = score.part[low], len(score.names)
    mean = np.bincount(part, score.pitch[low], many) / np.maximum(1, np.bincount(part, minlength=many))
    result[low[mean[part] < _BASS_BELOW]] = Priority.BASS
    return result


def _outer(score: Score, among: Bools, height: Ints) -> Bools:
    """Return which notes are the uppermost line of those in `among`, by `height`."""
    rows = np.flatnonzero(among)
    outer = np.zeros(len(score), np.bool_)
    if not len(rows):
        return outer
    first = starts(score.instant[rows])
    high = height[rows]
    top = np.maximum.reduceat(high, first)
    is_top = high == to_each(top, first, len(rows))
    onset, end = score.onset[rows], score.end[rows]
    ends = np.maximum.reduceat(np.where(is_top, end, -np.inf), first)
    covered = _covered(top, onset[first], ends)
    outer[rows] = is_top & ~to_each(covered, first, len(rows))
    return outer


def _covered(top: Ints, onset: Floats, end: Floats) -> Bools:
    """Return at which instants a top note of before, higher by a leap, sounds on beyond this one."""
    covered = np.zeros(len(top), np.bool_)
    until = np.maximum(end, onset + 0.03)
    for back in range(1, min(_LOOK_BACK, len(top) - 1) + 1):
        covered[back:] |= (top[:-back] > top[back:] + _LEAP) & (end[:-back] >= until[back:])
    return covered
