"""The voices beneath the tune: each is placed as a voice, and what must leave it goes alone, by a reason.

A voice is what one part plays as bass, or else. All that it strikes at one instant moves together; it changes
its octave between phrases rather than within one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..tables import Bools, Floats, Ints
from .around import Around
from .changes import Reason
from .columns import by_group, starts, to_each
from .form import usual
from .reach import Reach
from .score import INTERVAL, Score
from .tune import FREE
from .viterbi import cheapest_path
from .weights import Weights

_PASSAGE = 2.0
"""Phrases end with their measure, and after this length (s)."""

_TRIED = (0, -1, 1, -2, 2, -3, 3)
"""Octaves from its voice that a note which goes alone may be struck, the likeliest first."""

_NO, _UNISON, _NEAR, _UNDER = 1e6, 4.0, 1.5, 0.5
"""What weighs against an octave for a note alone: no bar, the tune's bar, a bass too near, too low."""

_THIRD = 4
"""A bass that can only be struck so many semitones below the tune, or fewer, is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Beneath:
    """A search for octaves of voices: notes of a score at their transposed pitches, what sounds around."""

    score: Score
    pitch: Ints
    bars: Reach
    weights: Weights
    around: Around
    top: Bools  # what is the highest of its instant
    hymn: bool  # basses are sung: none goes alone because it is near

    def voices(self, rows: Ints, bass: bool) -> tuple[Ints, Ints]:
        """Return where notes in `rows`, all bass or none, are struck, and a Reason for what goes alone."""
        return self._alone(rows, self.octaves(rows, bass))

    def octaves(self, rows: Ints, bass: bool) -> Ints:
        """Return by how many octaves the notes in `rows`, all bass or none, move with their voices."""
        return alike(self.score.repeat[rows], self.weights, self._search(rows, bass))

    def line(self, rows: Ints, moved: Ints) -> tuple[Ints, Ints]:
        """Return the same of notes that are moved by octaves in one line with the tune."""
        return self._alone(rows, moved)

    def _search(self, rows: Ints, bass: bool) -> Callable[[Ints | None], Ints]:
        """Return the search for the octaves of each note with its voice, drawn to those that are wanted."""
        score, octaves = self.score, self.bars.octaves
        order = by_group(score.part[rows])
        mine = rows[order]
        voice, instant = score.part[mine], score.instant[mine]
        first = starts(voice, instant)
        change = self._prices(voice, mine, first)
        prices = np.empty((len(first), len(octaves)))
        for column, octave in enumerate(octaves.tolist()):
            if len(first):
                price = self._price(mine, octave, bass)
                prices[:, column] = np.add.reduceat(price, first, dtype=np.float64)

        def search(wanted: Ints | None) -> Ints:
            cost = prices
            if wanted is not None and len(first):
                unlike = [
                    np.add.reduceat(wanted[order] != octave, first, dtype=np.float64) for octave in octaves
                ]
                cost = prices + self.weights.unlike * np.stack(unlike, axis=1)
            moved = np.empty(len(rows), np.int16)
            moved[order] = to_each(octaves[cheapest_path(cost, change)], first, len(rows))
            return moved

        return search

    def _prices(self, voice: Ints, mine: Ints, first: Ints) -> Floats:
        """Return what a change of octave costs at the beginning of each instant of a voice."""
        phrase = _phrases(voice, self.score.onset[mine], self.score.measure[mine])
        new = np.isin(first, phrase, assume_unique=True)
        price = np.where(new, self.weights.jump, self.weights.tear)
        return np.where(np.diff(voice[first], prepend=-1) != 0, 0.0, price)

    def _price(self, rows: Ints, octave: int, bass: bool) -> Floats:
        """Return what each note costs where its voice is moved by so many octaves."""
        weights, around = self.weights, self.around
        struck = self.pitch[rows] + 12 * octave
        off = self.bars.off(struck)
        covers = ~off & (struck > around.ceiling[rows])
        price = np.float32(weights.stray) * off + np.float32(weights.cover) * covers
        price += np.float32(weights.away * abs(octave))
        drawn = around.octaves[rows]
        apart = (drawn != FREE) & (drawn != octave) & self.top[rows]
        price += np.float32(weights.apart) * apart
        price += np.float32(weights.near) * (struck > around.near[rows])
        if bass:
            price += np.float32(weights.high_bass) * np.maximum(0, (struck - self.bars.lowest) // 12)
        else:
            price += np.float32(weights.under) * (struck < around.floor[rows])
        return np.asarray(price)

    def _alone(self, rows: Ints, moved: Ints) -> tuple[Ints, Ints]:
        """Return what is struck: with the voice where that may be, else the best of the octaves around."""
        struck = (self.pitch[rows] + 12 * moved).astype(np.int16)
        ceiling, near, beside, floor = (
            column[rows]
            for column in (self.around.ceiling, self.around.near, self.around.beside, self.around.floor)
        )
        near = np.full_like(near, FREE) if self.hymn else near
        why = np.where(struck > near, Reason.NEAR, Reason.NONE).astype(np.uint8)
        why[struck > ceiling], why[self.bars.off(struck)] = Reason.COVERS, Reason.BEYOND
        away = np.flatnonzero(why)
        cost = np.empty((len(_TRIED), len(away)))
        for place, octave in enumerate(_TRIED):
            pitch = struck[away] + 12 * octave
            covers = pitch > ceiling[away]
            no = self.bars.off(pitch) | (covers & (pitch != beside[away]))
            cost[place] = abs(octave) + _NO * no + _UNISON * covers
            cost[place] += _NEAR * (pitch > near[away]) + _UNDER * (pitch < floor[away])
        best = np.argmin(cost, axis=0)
        found = cost[best, np.arange(len(away))] < _NO
        alone = np.where(found, struck[away] + 12 * np.array(_TRIED)[best], self.bars.settled(struck[away]))
        why[away[alone == struck[away]]] = Reason.NONE
        struck[away] = alone
        close = (near != FREE) & (struck <= beside) & (struck + _THIRD >= beside)
        struck[close], why[close] = FREE, Reason.NEAR
        return struck, why


def alike(repeat: Ints, weights: Weights, search: Callable[[Ints | None], Ints]) -> Ints:
    """Search freely, then with each note drawn to where most of its repeats are: they sound alike."""
    free = search(None)
    wanted = usual(repeat, free) if weights.unlike else free
    return free if np.array_equal(free, wanted) else search(wanted)


def _phrases(voice: Ints, onset: Floats, measure: Ints) -> Ints:
    """Return where phrases of voices begin: after a rest, with each measure, and every 2 s in long ones."""
    rest = np.cumsum(np.diff(onset, prepend=onset[:1]) > INTERVAL)
    first = starts(voice, measure)
    begun = to_each(onset[first], first, len(onset))
    return starts(voice, rest, measure, ((onset - begun) / _PASSAGE).astype(np.int64))


def crosses(struck: Ints, around: Around) -> Bools:
    """Return which notes so struck cover the tune; one on its bar at its instant is one with it."""
    return np.asarray((struck > around.ceiling) & (struck != around.beside))
