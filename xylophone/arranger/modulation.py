"""Modulation: where bars are missing, a song that changes its key may change its transposition with it.

The song is cut where a listener hears no seam: in rests of the tune. Which cuts are taken, and by how much
what follows is moved, is an exact search over all cuts and the twelve names.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..instrument import Instrument
from ..tables import Bools, Floats, Ints, Priority
from .columns import starts
from .score import Score
from .viterbi import cheapest_path

_FEW = 0.03
"""Share of the tune's notes without a bar of their name up to which a song is taken to keep its key."""

_REST = 0.3
"""Seconds of silence in the tune from which it rests."""

_LONGER = 1.5
"""So many times the usual time between two of its notes a rest takes: those of a staccato are none."""

_BREATH = 10.0
"""Seconds of tune without a rest from which there are phrases that no rest tells: nobody sings so long."""

_OPENING = 5
"""So many steps of the tune's opening tell where it is said again, in whatever key."""

_CHANGE, _UNTOLD = 2.5, 3.0
"""Tune notes that a change must bring onto bars: where a phrase begins, and where nothing tells of one."""

_LEAP, _NO_LEAP = 12, 0.01
"""Where nothing tells of one a change is best on a leap of so many semitones; each fewer costs so much."""

_LEAST, _NOTE = 16, 0.4
"""Notes of the tune that a passage has at least, and as many times so many seconds that it lasts."""

_OTHERS = 0.25
"""Weight of all accompaniment beside the whole tune."""

_NEAR = 1e-3
"""Cost of each semitone that a note is moved farther: of equals the nearest."""

_FURTHER = np.array([0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5, 6])
"""How much farther a passage may be moved, in semitones."""


def modulated(score: Score, priority: Ints, instrument: Instrument, shift: int, onset: Floats) -> Ints:
    """Return the transposition in semitones at each of some onsets, in a song that `shift` suits as a whole.

    It is the same at all of them where every name has a bar, or nearly all of the tune has one.
    """
    tune, name = priority == Priority.MELODY, score.pitch % 12
    there = np.isin((np.arange(12)[:, None] + shift + _FURTHER) % 12, instrument.pitches % 12)
    whole = np.full(len(onset), shift, np.int16)
    if there.all() or not tune.any() or float(np.mean(there[name[tune], 0])) >= 1 - _FEW:
        return whole
    weight = np.where(tune, 1.0, _OTHERS * int(np.count_nonzero(tune)) / max(1, int(np.count_nonzero(~tune))))
    names = np.zeros((len(score), 12))
    names[np.arange(len(score)), name] = weight
    first, further = _passages(score, tune, names @ (~there + _NEAR * np.abs(_FURTHER)))
    size = np.bincount(further + 6, np.diff(first, append=len(score)), 13)
    main = int(size.argmax()) - 6
    moved = further[np.maximum(np.searchsorted(score.onset[first], onset, "right") - 1, 0)]
    return (whole + main + (moved - main + 6) % 12 - 6).astype(np.int16)


def _passages(score: Score, tune: Bools, cost: Floats) -> tuple[Ints, Ints]:
    """Return the rows where passages begin, and how much farther each is moved.

    `cost` has a row for each note and a column for each of _FURTHER. What is too brief is searched again
    without the cuts around it, the briefest first.
    """
    first, price = _cuts(score, np.flatnonzero(tune))
    least = 1
    while True:
        path = cheapest_path(np.add.reduceat(cost, first), price)
        begins = starts(path)
        sung = np.add.reduceat(tune.astype(np.intp), first[begins])
        lasts = np.diff(score.onset[first[begins]], append=score.onset[-1])
        brief = np.flatnonzero(np.minimum(sung, lasts / _NOTE) < least)
        if len(begins) == 1 or (not len(brief) and least == _LEAST):
            return first[begins], _FURTHER[path[begins]]
        closed = np.append(begins, len(first))[np.concatenate((brief, brief + 1))]
        open_ = ~np.isin(np.arange(len(first)), closed[closed > 0])
        first, price, least = first[open_], price[open_], min(2 * least, _LEAST)


def _cuts(score: Score, tune: Ints) -> tuple[Ints, Floats]:
    """Return the rows at which the song may be cut, the first of all among them, and the price of each cut.

    These are all instants from a rest of the tune to its next note and, where it long has no rest, its notes.
    """
    onset, over = score.onset[tune], np.maximum.accumulate(score.released[tune])
    apart = np.diff(onset, prepend=-np.inf)
    usual = np.median(apart[1:]) if len(tune) > 1 else 0.0
    after_long = apart >= _LONGER * usual
    begins = after_long & (onset - np.append(-np.inf, over[:-1]) >= _REST)
    lasts = np.diff(onset[begins], append=over[-1])[np.cumsum(begins) - 1]
    pitch = score.pitch[tune].astype(np.int64)
    steps = pitch - np.append(0, pitch[:-1])
    within = ~begins & (lasts > _BREATH)
    untold = _UNTOLD + _NO_LEAP * (_LEAP - np.minimum(np.abs(steps), _LEAP))
    rows = np.flatnonzero(np.diff(score.instant, prepend=-1))
    price = np.full(len(rows), np.inf)
    price[score.instant[tune[within]]] = np.where(after_long | _reopened(steps), _CHANGE, untold)[within]
    follows = np.searchsorted(onset, score.onset[rows])  # the next note of the tune
    silent = score.onset[rows] >= np.append(-np.inf, over)[follows]
    price[np.append(begins, True)[follows] & silent] = _CHANGE
    price[0] = 0.0
    taken = np.isfinite(price)
    return rows[taken], price[taken]


def _reopened(steps: Ints) -> Bools:
    """Return at which notes the tune goes on as it began, by the step to each note from the one before."""
    opening = steps[1 : 1 + _OPENING]
    again = np.zeros(len(steps), np.bool_)
    if len(opening) == _OPENING:
        again[: len(steps) - _OPENING] = np.all(sliding_window_view(steps[1:], _OPENING) == opening, axis=1)
    return again
