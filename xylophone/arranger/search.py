"""The search for a transposition: counts of pitches tell what is likely, the judge which key is best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ..instrument import Instrument
from ..tables import Ints, Priority
from .arrangement import Arrangement
from .fold import Folding
from .quality import judge
from .reach import bars_of
from .score import Score
from .transpose import best_transposition
from .weights import Weights

AROUND = (*range(-9, 0), *range(1, 10))
"""Semitones from the likely shift to others that are judged: all keys, most of them above and below."""

SHORT, LONG = 1500, 12_000
"""Notes of a song by which all keys are judged, and by which the best of them are."""

MOST, NEARLY = 7, 3.0
"""Keys at most that are judged by the longer excerpt, and points by which the short one may be wrong."""

_PIECES = 6
"""In so many pieces, evenly spaced, an excerpt is taken."""


def excerpt(length: int, most: int) -> Ints:
    """Return the rows of a song of some length by which it is judged, `most` at most."""
    if length <= most:
        return np.arange(length)
    begins = np.linspace(0, length - most // _PIECES, _PIECES).astype(np.int64)
    return (begins[:, None] + np.arange(most // _PIECES)).ravel()


def likely_shift(
    score: Score, priority: Ints, instrument: Instrument, weights: Weights, original_key: bool
) -> int:
    """Return the shift, in semitones, that counts of pitches and the melody's octaves make the likeliest."""
    tune = np.flatnonzero(priority == Priority.MELODY)

    def octaves_cost(shift: int) -> float:
        pitch = (score.pitch + shift).astype(np.int16)
        folding = Folding(score, pitch, bars_of(instrument, pitch[tune]), weights)
        return folding.melody_octaves(tune)[1] / max(1, len(tune))

    return best_transposition(score, priority, instrument, weights, octaves_cost, original_key)


def second_look(points: Mapping[int, float], likely: int, closer: Callable[[int], float]) -> dict[int, float]:
    """Return the points by a longer excerpt, `closer`, of the shifts that may be the best by it.

    These are the likely one, the best of whole octaves, and of each key its best octave: from the best key
    downward until one lacks more than NEARLY points to what the longer excerpt found. So keys that the short
    one praises in vain push out no other, and octaves of one key, much alike, take one place.
    """
    keys: dict[int, int] = {}
    for shift in sorted(points, key=lambda shift: -points[shift]):
        keys.setdefault(shift % 12, shift)
    found = {shift: closer(shift) for shift in {likely, keys.get(0, likely)}}
    for shift in list(keys.values())[:MOST]:
        if points[shift] + NEARLY < max(found.values()):
            break
        if shift not in found:
            found[shift] = closer(shift)
    return found


def common_octaves(arrangement: Arrangement) -> int:
    """Return by how many semitones more than half of all notes are folded: that is a shift, no folding."""
    moved = arrangement.away[arrangement.struck >= 0]
    octaves, counts = np.unique(moved[moved % 12 == 0], return_counts=True)
    if not len(octaves) or 2 * counts.max() <= len(moved):
        return 0
    return int(octaves[np.argmax(counts)])


def judged(shifts: Iterable[int], arranged: Callable[[int], Arrangement]) -> dict[int, float]:
    """Return the points of the arrangements under some shifts."""
    return {shift: judge(arranged(shift)).points for shift in shifts}
