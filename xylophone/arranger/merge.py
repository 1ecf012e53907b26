"""Merging: notes that fall on one bar at one instant become one strike."""

from __future__ import annotations

import numpy as np

from ..errors import OptionError
from ..tables import Bools, Floats, Ints
from .columns import by_group, starts

MERGE_WITHIN = 0.030
"""s; the order of two strokes this close is hardly heard, and no hammer does it."""

_LONGEST = 0.1


def carriers(onset: Floats, hammer: Ints, rank: Floats, within: float) -> Ints:
    """Return for each note, onsets ascending, the place of the note whose strike carries it.

    Notes of a hammer belong together when they come at most `within` after the first of them.
    The one of highest rank carries them, of equal ones the first; a note alone carries itself.
    OptionError unless `within` is 0..0.1 s.
    """
    if not 0 <= within <= _LONGEST:
        raise OptionError(f"merge_within {within} s is out of range: give 0..{_LONGEST:g} s")
    if not len(onset):
        return np.zeros(0, np.intp)
    order = by_group(hammer)
    group = _groups(onset[order], hammer[order], within)
    best = np.maximum.reduceat(rank[order], starts(group))
    leads = np.flatnonzero(rank[order] == best[group])
    lead = leads[starts(group[leads])]
    carrier = np.empty(len(onset), np.intp)
    carrier[order] = order[lead[group]]
    return carrier


def loudest(values: Floats, carrier: Ints) -> Floats:
    """Return for each note the greatest value among the notes that it carries."""
    result = values.copy()
    merged = np.flatnonzero(carrier != np.arange(len(carrier)))
    np.maximum.at(result, carrier[merged], values[merged])
    return result


def _groups(onset: Floats, hammer: Ints, within: float) -> Ints:
    """Return group numbers, ascending, for notes sorted by hammer and then by onset."""
    first = np.append(True, (np.diff(onset) > within) | (np.diff(hammer) != 0))
    chains = np.flatnonzero(first)
    size = np.diff(chains, append=len(onset))
    too_long = onset[chains + size - 1] - onset[chains] > within
    crowded = np.flatnonzero(np.repeat(too_long, size))
    first[crowded] = _begins(onset[crowded], first[crowded], within)
    return np.cumsum(first, dtype=np.int32) - np.int32(1)


def _begins(onset: Floats, first: Bools, within: float) -> list[bool]:
    """Return which notes begin a group, where chains of close onsets must be cut into shorter ones."""
    begins, begun = [], 0.0
    for time, new in zip(onset.tolist(), first.tolist(), strict=True):
        if new or time - begun > within:
            begun, new = time, True
        begins.append(new)
    return begins
