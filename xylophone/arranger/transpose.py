"""Transposition: the shift of a whole song that suits an instrument best.

Every semitone from -72 to 72 is tried on pitch counts of the voices, so the search costs the
same for a hundred notes and for a million. The cost of a shift is a sum of named terms, each a
share of a voice's notes times a weight; docs/arranging.md lists them.
"""

from __future__ import annotations

import numpy as np

from ..instrument import Instrument
from ..strikes import Priority
from .score import Floats, Ints

SHIFTS = np.arange(-72, 73)
"""The transpositions tried, in semitones."""

_LOST = 3.0  # a note that no bar of any octave can sound
_FOLDED = 1.0  # a note that must go to another octave
_WEIGHT = {Priority.MELODY: 1.0, Priority.BASS: 0.1, Priority.INNER: 0.25}
_CRAMPED = 0.6  # a melody note with no octave of bars beneath it, times the share of other notes to fold
_KEY = 0.03  # leaving the key, and as much again for six semitones of distance
_OCTAVE = 0.01  # for each octave of distance


def best_transposition(pitch: Ints, priority: Ints, instrument: Instrument) -> int:
    """Return the cheapest shift in semitones; of equal ones the nearest, then the upward one."""
    counts = {
        voice: np.bincount(pitch[priority == voice], minlength=128).astype(np.float64) for voice in Priority
    }
    unfit = _unfit(instrument)
    cost = _leaving(SHIFTS)
    for voice, count in counts.items():
        cost += _WEIGHT[voice] * (unfit @ (count / max(1.0, count.sum())))
    tune = counts[Priority.MELODY]
    others = counts[Priority.BASS] + counts[Priority.INNER]
    to_fold = ((unfit > 0) @ others) / max(1, len(pitch))
    cost += _CRAMPED * to_fold * (_cramped(instrument) @ (tune / max(1.0, tune.sum())))
    order = np.lexsort((-SHIFTS, np.abs(SHIFTS), np.round(cost, 9)))
    return int(SHIFTS[order[0]])


def _leaving(shifts: Ints) -> Floats:
    """Cost of moving away: nothing for 0, little for whole octaves, more for another key."""
    off_key = np.minimum(shifts % 12, -shifts % 12)
    cost: Floats = _OCTAVE * np.abs(shifts) / 12 + _KEY * (off_key > 0) * (1 + off_key / 6)
    return cost


def _moved() -> Ints:
    moved: Ints = np.arange(128)[None, :] + SHIFTS[:, None]
    return moved


def _unfit(instrument: Instrument) -> Floats:
    """Return the cost of each pitch (columns) under each shift (rows): 0 on a bar, folded, lost."""
    moved, bars = _moved(), instrument.pitches
    cost: Floats = np.where(np.isin(moved % 12, bars % 12), _FOLDED, _LOST)
    cost[np.isin(moved, bars)] = 0.0
    return cost


def _cramped(instrument: Instrument) -> Floats:
    """Return how far, 0..1, a pitch lies in the lowest octave, where folded notes land; 0.5 off the bars."""
    moved, bars = _moved(), instrument.pitches
    room = (moved - bars[0] + 1) / 12
    cost: Floats = np.where(np.isin(moved, bars), 1 - np.clip(room, 0, 1), 0.5)
    return cost
