"""Thinning: what falls together becomes one strike, and what no hammer could play is left out by choice.

Notes that fall on one bar at one instant are merged. A bar that is asked for again before its hammer is ready
loses the strikes that matter least, by an exact search over each crowded run, before a law would refuse them.
A chord larger than wanted loses its least notes.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import numpy as np

from ..errors import OptionError
from ..tables import Bools, Floats, Ints, Priority
from .columns import by_group, starts, to_each

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


def loudest(values: Floats, priority: Ints, carrier: Ints) -> Floats:
    """Return for each note the greatest value among the notes that it carries, of a melody note its own."""
    result = values.copy()
    merged = np.flatnonzero((carrier != np.arange(len(carrier))) & (priority[carrier] < Priority.MELODY))
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


WORTH = {Priority.INNER: 1.0, Priority.BASS: 2.0, Priority.MELODY: 1000.0}
"""What a strike is worth where only some can be played; a melody note is never given for others."""

_ROUNDING = 1e-9

_ALIKE = 0.8
"""Worths of one voice differ by less than this factor, those of two by more."""

_DOUBLED, _REPEATED = 0.6, 0.8
"""What is left of the worth of a strike that tells little."""

_SOON = 1.0
"""s within which a bar's next strike repeats it."""


def worth(priority: Ints, loudness: Floats) -> Floats:
    """Return what each strike is worth: by its voice, of equal ones by its loudness."""
    value = np.array([WORTH[voice] for voice in sorted(Priority)])
    return np.asarray(value[priority] * (1.0 + loudness / 1000.0))


def informed(value: Floats, instant: Ints, pitch: Ints, onset: Floats, hammer: Ints, again: Bools) -> Floats:
    """Return worths, less for strikes that tell the ear little.

    These are a name that a worthier strike of the instant has too, a bar that was struck just
    before, and what is said `again` from one measure to the next.
    """
    less = value.copy()
    order = np.lexsort((-value, pitch % 12, instant))
    name = instant[order].astype(np.int64) * 12 + pitch[order] % 12
    less[order[1:][np.diff(name) == 0]] *= _DOUBLED
    by_bar = by_group(hammer)
    soon = (np.diff(hammer[by_bar].astype(np.int64)) == 0) & (np.diff(onset[by_bar]) < _SOON)
    repeated = again.copy()
    repeated[by_bar[1:][soon]] = True
    less[repeated] *= _REPEATED
    return less


_SWEET, _APART = 1.2, 1.1
"""What the worth of a strike gains as a third or sixth beside the tune, and between two notes of the tune."""

_WINDOW = 2.0
"""s in which strikes are counted."""

_SECOND = 2
"""Semitones of a second, at most."""


def sweetened(value: Floats, instant: Ints, pitch: Ints, tune: Bools) -> Floats:
    """Return worths, more for what people punch beside a tune: thirds and sixths, and what fills its gaps."""
    sounds = np.full(int(instant[-1]) + 1, -1, np.int64)
    sounds[instant[tune]] = pitch[tune]
    beside = sounds[instant]
    apart = np.abs(pitch - beside) % 12
    sweet = np.where((beside >= 0) & np.isin(apart, (3, 4, 8, 9)), _SWEET, 1.0)
    return np.where(tune, value, value * np.where(beside < 0, _APART, sweet))


def clashing(instant: Ints, pitch: Ints, value: Floats) -> Bools:
    """Return which strikes to leave out so that no instant holds a second, the worthier ones stay."""
    lost = np.zeros(len(instant), np.bool_)
    rows = np.lexsort((pitch, instant))
    while len(rows) > 1:
        second = (np.diff(instant[rows]) == 0) & (np.diff(pitch[rows]) <= _SECOND)
        less = np.where(second, value[rows[:-1]] < value[rows[1:]], False)
        below, above = np.append(second, False), np.append(False, second)
        yields = (below | above) & ~(below & ~np.append(less, False)) & ~(above & np.append(False, less))
        if not yields.any():
            break
        lost[rows[yields]] = True
        rows = rows[~yields]
    return lost


def too_many(onset: Floats, value: Floats, most: float) -> Bools:
    """Return which strikes to leave out so that no two seconds hold more than `most` a second."""
    lost = np.zeros(len(onset), np.bool_)
    if not len(onset):
        return lost
    window = np.floor((onset - onset[0]) / _WINDOW).astype(np.int64)
    order = np.lexsort((-value, window))
    first = starts(window[order])
    rank = np.arange(len(onset)) - to_each(first, first, len(onset))
    lost[order] = rank >= most * _WINDOW
    return lost


_FIRM = 1e7
"""Worth of what is not to yield: above that of all others around it."""


def yielding(onset: Floats, hammer: Ints, value: Floats, least: Floats, grace: Bools) -> Bools:
    """Return which strikes to leave out as `unready` does, but so that nothing else yields to a grace."""
    lost = np.zeros(len(onset), np.bool_)
    others = np.flatnonzero(~grace)
    lost[others] = unready(onset[others], hammer[others], value[others], least)
    if len(others) < len(onset):
        rows = np.flatnonzero(~lost)
        firm = np.where(grace[rows], value[rows], _FIRM)
        lost[rows] = unready(onset[rows], hammer[rows], firm, least)
    return lost


def unready(onset: Floats, hammer: Ints, value: Floats, least: Floats) -> Bools:
    """Return which strikes to leave out so that a hammer has `least` s between any two, the rest worth most.

    Onsets ascend. Runs of strikes that are all far enough apart are not looked at. Of a run of strikes that
    are worth alike, a trill or a roll, as many as can be stay, among them the first and the last.
    """
    lost = np.zeros(len(onset), np.bool_)
    order = by_group(hammer)
    time, bar = onset[order], hammer[order]
    close = (np.diff(bar) == 0) & (np.diff(time) < least[bar[1:]] - _ROUNDING)
    crowded = np.flatnonzero(np.append(False, close) | np.append(close, False))
    begins = np.flatnonzero(np.append(True, ~close)[crowded]).tolist() if len(crowded) else []
    for begin, end in pairwise([*begins, len(crowded)]):
        rows = order[crowded[begin:end]]
        kept = _worthiest(onset[rows].tolist(), _alike(value[rows]).tolist(), float(least[hammer[rows[0]]]))
        lost[np.delete(rows, kept)] = True
    return lost


def _alike(value: Floats) -> Floats:
    """Return worths of a run: if all are of one voice their number counts, then both ends, then loudness."""
    least, most = value.min(), value.max()
    if least < _ALIKE * most:
        return value
    ranked = 1.0 + (value - least) / most / len(value)
    ranked[[0, -1]] += 0.3
    return np.asarray(ranked)


def _worthiest(time: list[float], value: list[float], least: float) -> list[int]:
    """Return the places of the worthiest strikes that are `least` apart: weighted interval scheduling."""
    best, before, taken = [0.0], [], []
    for place, (moment, worth_) in enumerate(zip(time, value, strict=True)):
        earlier = bisect_right(time, moment - least + _ROUNDING, 0, place)
        before.append(earlier)
        taken.append(best[earlier] + worth_ > best[place])
        best.append(max(best[place], best[earlier] + worth_))
    kept, place = [], len(time)
    while place:
        if taken[place - 1]:
            kept.append(place - 1)
            place = before[place - 1]
        else:
            place -= 1
    return kept[::-1]


def crowded_out(instant: Ints, hammer: Ints, value: Floats, most: int) -> Bools:
    """Return which strikes to leave out so that no instant has more than `most`.

    The worthiest stay, of equal ones the lower ones.
    """
    lost = np.zeros(len(instant), np.bool_)
    if not most or not len(instant):
        return lost
    order = np.lexsort((hammer, -value, instant))
    first = starts(instant[order])
    rank = np.arange(len(instant)) - to_each(first, first, len(instant))
    lost[order] = rank >= most
    return lost
