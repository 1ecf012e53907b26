"""Form: what is said again in a song, note by note, and the sections it is made of.

A figure is all that a part plays in one measure, on a grid of sixteenths. Where measures of a part hold the
same figure, its notes are kin. A section is a stretch of measures whose melody returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..song import Song
from .columns import Bools, Floats, Ints, starts

_GRID = 4.0
"""Places in a quarter note: a figure played a little early or late is the same."""

_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4): spreads hashes evenly."""

SHORTEST = 4
"""Measures of a section, at least."""

_SAME = 0.5
"""Two measures say the same where they share so many of the notes that either has."""

_AGAIN = 0.7
"""Share of its measures that must say the same for a section to return."""

_UNLIKE = 2.0
"""Measures that say the same outweigh so many that do not, where the ends of a return are looked for."""

_MOST_MEASURES = 800
_MOST_NOTES = 20_000
"""Of the melody; the sections of a longer song are not looked for."""

_TRIED = 24
"""Longest returns that are tried as sections in each round."""


def measures_at(song: Song, onset: Floats) -> Ints:
    """Return the measure, from 1, of each moment: `Song.measure_at` for many."""
    return _in_measures(song, _quarters(song, onset) + 1e-9)[0] + 1


def places(song: Song, onset: Floats) -> tuple[Ints, Ints]:
    """Return the measure, from 0, and the sixteenth in it that each onset is nearest to."""
    measure, since = _in_measures(song, np.floor(_quarters(song, onset) * _GRID + 0.5) / _GRID)
    return measure, np.rint(since * _GRID).astype(np.int64)


def _quarters(song: Song, onset: Floats) -> Floats:
    tempos = song.tempos
    row = np.maximum(np.searchsorted(tempos["time"], onset, "right") - 1, 0)
    quarter: Floats = tempos["quarter"][row] + (onset - tempos["time"][row]) * tempos["bpm"][row] / 60.0
    return quarter


def _in_measures(song: Song, quarter: Floats) -> tuple[Ints, Floats]:
    """Return the measures of places in quarter notes, from 0, and the quarter notes since each began."""
    meters = song.meters
    row = np.maximum(np.searchsorted(meters["quarter"], quarter, "right") - 1, 0)
    beats = (quarter - meters["quarter"][row]) * meters["denominator"][row] / 4.0
    measures, beat = np.divmod(beats, meters["numerator"][row])
    return (meters["measure"][row] + measures).astype(np.int64), beat * 4.0 / meters["denominator"][row]


def kin_of(part: Ints, measure: Ints, place: Ints, pitch: Ints) -> Ints:
    """Return a number for each note that its kin have too: the same notes of equal figures of its part."""
    if not len(part):
        return np.zeros(0, np.int64)
    code = place * 128 + pitch
    figure = np.lexsort((measure, part))
    first = starts(part[figure], measure[figure])
    total = np.add.reduceat(_mixed(code[figure]), first)
    said = np.empty(len(part), np.uint64)
    said[figure] = np.repeat(total, np.diff(first, append=len(part)))
    order = np.lexsort((code, said, part))
    first = starts(part[order], said[order], code[order])
    kin = np.empty(len(part), np.int64)
    kin[order] = np.repeat(np.arange(len(first)), np.diff(first, append=len(part)))
    return kin


def usual(kin: Ints, choice: Ints) -> Ints:
    """Return what most of each note's kin choose, of equal ones the least."""
    if not len(kin):
        return choice.copy()
    order = np.lexsort((choice, kin))
    first = starts(kin[order], choice[order])
    votes = np.diff(first, append=len(order))
    group = kin[order][first]
    best = np.lexsort((-votes, group))
    best = best[starts(group[best])]
    family = np.unique(kin, return_inverse=True)[1]
    chosen: Ints = choice[order][first][best][family]
    return chosen


def ostinato(kin: Ints, measure: Ints) -> Bools:
    """Return which notes have kin in the measure before: accompaniment that repeats itself."""
    order = np.lexsort((measure, kin))
    again = np.zeros(len(kin), np.bool_)
    next_to = np.diff(measure[order]) == 1
    again[order[1:]] = next_to & (np.diff(kin[order]) == 0)
    return again


def _mixed(code: Ints) -> npt.NDArray[np.uint64]:
    """Spread codes over 64 bits, so that a sum of some tells which they were."""
    mixed = code.astype(np.uint64)
    for _ in range(3):
        mixed = (mixed + np.uint64(1)) * _MIX
        mixed ^= mixed >> np.uint64(32)
    return mixed


def sections(measure: Ints, place: Ints, pitch: Ints) -> list[tuple[str, int, int]]:
    """Return the sections of a melody as letter, first and last measure, from 0; [] where nothing returns.

    Sections of one letter are the same music. Of all returns the one that explains most measures is
    taken, of equal ones the shortest, and so on in what is left. What does not return stands for
    itself, or is passed over where it is short: an upbeat, a close.
    """
    if not 0 < len(measure) <= _MOST_NOTES or int(measure.max()) >= _MOST_MEASURES:
        return []
    same = _same(measure, place * 128 + pitch)
    owner = np.full(len(same), -1)
    begins = np.zeros(len(same) + 1, np.bool_)
    begins[[0, -1]] = True
    number = 0
    while (found := _best_return(same, owner < 0)) is not None:
        first, length = found
        for begin in first:
            owner[begin : begin + length] = number
            begins[[begin, begin + length]] = True
        number += 1
    if not number:
        return []
    bounds = np.flatnonzero(begins).tolist()
    letters: dict[int, str] = {}
    told = []
    for begin, end in pairwise(bounds):
        kind = int(owner[begin])
        if kind >= 0 or end - begin >= SHORTEST:
            letter = letters.setdefault(kind if kind >= 0 else -1 - begin, _letter(len(letters)))
            told.append((letter, begin, end - 1))
    return told


def _letter(number: int) -> str:
    return chr(ord("A") + number % 26) + "'" * (number // 26)


def _same(measure: Ints, code: Ints) -> Bools:
    """Return which measures say the same, [measure, measure]; silent ones do not."""
    codes, which = np.unique(code, return_inverse=True)
    has = np.zeros((int(measure.max()) + 1, len(codes)), np.float32)
    has[measure, which] = 1
    shared = has @ has.T
    size = has.sum(axis=1)
    return np.asarray((shared >= _SAME * (size[:, None] + size - shared)) & (size > 0))


def _best_return(same: Bools, free: Bools) -> tuple[list[int], int] | None:
    """Return where the stretch begins that explains most of the free measures, and how long it is."""
    best, most = None, 0
    for begin, length in _returns(same & free[:, None] & free, free):
        again = [begin]
        for place in _comes_again(same, free, begin, length):
            if all(abs(place - one) >= length for one in again):
                again.append(place)
        explained = len(again) * length
        if len(again) > 1 and (explained > most or (explained == most and best and length < best[1])):
            best, most = (sorted(again), length), explained
    return best


def _comes_again(same: Bools, free: Bools, begin: int, length: int) -> Iterator[int]:
    """Yield the places, ascending, where a stretch of measures is heard again."""
    span = np.arange(length)
    for place in range(len(same) - length + 1):
        again = same[begin + span, place + span].mean() >= _AGAIN
        if place != begin and again and free[place : place + length].all():
            yield place


def _returns(same: Bools, free: Bools) -> list[tuple[int, int]]:
    """Return stretches, (first, length), that come again without overlap, the longest first."""
    many = len(same)
    score, begin = np.zeros(many), np.zeros(many, np.int64)  # of the stretch that ends here, by distance
    best, first, last = np.zeros(many), np.zeros(many, np.int64), np.zeros(many, np.int64)
    for place in range(many - 1):
        away = np.arange(1, many - place)
        fresh = (score[away] <= 0) | (place - begin[away] >= away)
        gain = np.where(same[place, place + away], 1.0, -_UNLIKE)
        begin[away] = np.where(fresh, place, begin[away])
        score[away] = np.where(fresh, 0.0, score[away]) + gain
        score[away[~(free[place] & free[place + away])]] = 0.0
        better = away[score[away] > best[away]]
        best[better], first[better], last[better] = score[better], begin[better], place
    order = np.argsort(-best, kind="stable")[:_TRIED]
    length = last - first + 1
    return [(int(first[d]), int(length[d])) for d in order if best[d] > 0 and length[d] >= SHORTEST]
