"""Transposition: the shift of a whole song that suits an instrument best.

Every semitone from -72 to 72 is tried on pitch counts of the voices, so the search costs the
same for a hundred notes and for a million. The cost of a shift is a sum of named terms, each a
share of a voice's notes times a weight; docs/arranging.md lists them. The cheapest of each key
is then arranged and judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..instrument import Instrument
from ..tables import Floats, Ints, Priority
from .score import Score, on_top
from .weights import Weights

SHIFTS = np.arange(-72, 73)
"""The transpositions tried, in semitones."""

_MOVED = np.arange(128) + SHIFTS[:, None]
"""Each pitch (columns) under each of them (rows)."""

OTHER_KEY, _AS_GOOD = 2, 0.5
"""Points, as printed, from which another key is better; so few more are no reason to leave the likeliest."""

_EQUAL = 1e-9
"""Costs that differ by less are equal."""


def best_transposition(
    score: Score,
    priority: Ints,
    instrument: Instrument,
    weights: Weights,
    octaves_cost: Callable[[int], float],
    original_key: bool = False,
) -> int:
    """Return the cheapest shift in semitones; of equal ones the nearest, then the upward one.

    With `original_key` it is one of whole octaves.

    Counts of pitches bound the cost from below for all shifts. From the least bound upward they are costed
    truly, until no bound is below the least cost: `octaves_cost` is what the melody's octaves cost under a
    shift, for each melody note.
    """
    cost = _bounds(score, priority, instrument, weights)
    if original_key:
        cost = np.where(SHIFTS % 12 == 0, cost, np.inf)
    order = np.lexsort((-SHIFTS, np.abs(SHIFTS), np.round(cost, 9)))
    best, least = int(order[0]), np.inf
    for place in order.tolist():
        if cost[place] >= least - _EQUAL:
            break
        true = cost[place] + octaves_cost(int(SHIFTS[place]))
        if true < least - _EQUAL:
            best, least = place, true
    return int(SHIFTS[best])


def best_judged(points: Mapping[int, float], likely: int) -> int:
    """Return the best of judged shifts, the `likely` one among them: another key must be better to be taken.

    Whole octaves are better than what has 2 points more as they are printed, the likely shift than what has
    half a point more.
    """
    worth = {shift: given + _AS_GOOD * (shift == likely) for shift, given in points.items()}
    order = sorted(worth, key=lambda shift: (-worth[shift], abs(shift), -shift))
    other = order[0]
    home = next((shift for shift in order if shift % 12 == 0), other)
    return other if round(points[other]) >= round(points[home]) + OTHER_KEY else home


def _bounds(score: Score, priority: Ints, instrument: Instrument, weights: Weights) -> Floats:
    """Return the least that each of the SHIFTS costs, as counts of pitches tell it."""
    pitch, other = score.pitch, priority != Priority.MELODY
    line = other & on_top(score)
    counts = {
        voice: np.bincount(pitch[(priority == voice) & ~line], minlength=128).astype(np.float64)
        for voice in Priority
    }
    unfit = _unfit(instrument, weights)
    importance = {Priority.MELODY: 1.0, Priority.BASS: weights.bass, Priority.INNER: weights.inner}
    cost = _leaving(SHIFTS, weights)
    for voice, count in counts.items():
        cost += importance[voice] * (unfit @ (count / max(1.0, count.sum())))
    on_line = np.bincount(pitch[line], minlength=128)
    cost += weights.line * (unfit @ (on_line / max(1, int(np.count_nonzero(on_top(score))))))
    tune = counts[Priority.MELODY]
    others = np.bincount(pitch[other], minlength=128)
    to_fold = ((unfit > 0) @ others) / max(1, len(pitch))
    return np.asarray(
        cost + weights.cramped * to_fold * (_cramped(instrument) @ (tune / max(1.0, tune.sum())))
    )


def _leaving(shifts: Ints, weights: Weights) -> Floats:
    """Cost of moving away: nothing for 0, little for whole octaves, more for another key."""
    off_key = np.minimum(shifts % 12, -shifts % 12)
    return weights.octave * np.abs(shifts) / 12 + weights.key * (off_key > 0) * (1 + off_key / 6)


def _unfit(instrument: Instrument, weights: Weights) -> Floats:
    """Return the cost of each pitch (columns) under each shift (rows): 0 on a bar, folded, lost."""
    bars = instrument.pitches
    cost: Floats = np.where(np.isin(_MOVED % 12, bars % 12), weights.folded, weights.lost)
    cost[np.isin(_MOVED, bars)] = 0.0
    return cost


def _cramped(instrument: Instrument) -> Floats:
    """Return how far, 0..1, a pitch lies in the lowest octave, where folded notes land; 0.5 off the bars."""
    bars = instrument.pitches
    room = (_MOVED - bars[0] + 1) / 12
    return np.where(np.isin(_MOVED, bars), 1 - np.clip(room, 0, 1), 0.5)
