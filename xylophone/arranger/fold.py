"""Folding: which octave each phrase goes to where its notes lie beyond the bars.

Not note by note: a whole phrase moves, at the price of its octave jumps against its neighbours
and of the notes that must leave it still. The melody is placed first, by an exact search over
octaves; then the basses beneath it, then what is between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..instrument import Instrument
from ..tables import Bools, Floats, Ints, Priority
from .around import Around, around_tune
from .beneath import Beneath, alike, crosses
from .changes import Reason
from .columns import by_group, starts, to_each
from .reach import Reach, bars_of
from .score import INTERVAL, Score, on_top
from .tune import FREE, substitutes, tune_of
from .viterbi import cheapest_path
from .weights import Weights

_FOREIGN = 0.02
"""Share of notes off the bars up to which a song counts as written for such bars: its voices may cross."""

_FIXED = 1e6
"""Cost of moving a note that stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where the notes of a score are struck: `hammer` is -1 where `reason` says why not.

    What is struck for a `reason` has left its voice. `substituted` are notes that a neighbour of another name
    stands for.
    """

    hammer: Ints
    reason: Ints
    substituted: Bools


def fold(
    score: Score, priority: Ints, shift: Ints, instrument: Instrument, weights: Weights, hymn: bool
) -> Placed:
    """Return the cheapest octaves of all notes; those without a bar, or that cover the tune, are left out.

    Each note is moved by its `shift` in semitones. The order is that of what is heard: the melody; then what
    is on top while it rests, in one line with it; then the basses beneath both; then all else, between. In a
    `hymn` no bass goes alone because it is near.
    """
    pitch: Ints = (score.pitch + shift).astype(np.int16)
    folding = Folding(score, pitch, bars_of(instrument, pitch), weights)
    is_tune = priority == Priority.MELODY
    tune = np.flatnonzero(is_tune)
    octaves = folding.melody(tune)
    struck: Ints = pitch.copy()
    struck[tune] = named = folding.bars.settled(pitch[tune] + 12 * octaves)
    struck[tune] = substitutes(struck, tune, score, instrument)
    substituted = np.zeros(len(score), np.bool_)
    substituted[tune] = struck[tune] != named
    around = folding.around(tune, struck[tune], octaves)
    reason = _accompany(folding, priority, octaves, struck, around, hymn)
    covers, off = crosses(struck, around), folding.bars.off(struck)
    reason[covers & ~off] = Reason.COVERS
    reason[off & (reason != Reason.NEAR)] = Reason.NO_BAR
    hammer = np.where(covers | off, -1, folding.bars.at(struck))
    return Placed(hammer, reason, substituted & (hammer >= 0))


def _accompany(
    folding: Folding, priority: Ints, octaves: Ints, struck: Ints, around: Around, hymn: bool
) -> Ints:
    """Write into `struck` where all is struck but the melody, whose notes have `octaves`.

    Returned is a Reason for each note that does not go with its voice.
    """
    score, is_tune, top = folding.score, priority == Priority.MELODY, on_top(folding.score)
    upper = ~is_tune & around.alone & top
    line, reason = np.flatnonzero(upper), np.zeros(len(score), np.uint8)
    beneath = Beneath(score, folding.pitch, folding.bars, folding.weights, around, top, hymn)
    moved = folding.line(line, np.flatnonzero(is_tune), octaves, around.ceiling)
    struck[line], reason[line] = beneath.line(line, moved)
    rest = ~is_tune & ~upper
    bass, inner = (np.flatnonzero(rest & (priority == voice)) for voice in (Priority.BASS, Priority.INNER))
    struck[bass], reason[bass] = beneath.voices(bass, True)
    heard = bass[~folding.bars.off(struck[bass])]
    beneath = replace(beneath, around=around.above(score, heard, struck[heard]))
    struck[inner], reason[inner] = beneath.voices(inner, False)
    return reason


def fold_equals(score: Score, voice: Ints, shift: Ints, instrument: Instrument, weights: Weights) -> Placed:
    """Return the same for counterpoint: each voice goes its own way as a whole, and voices may cross."""
    pitch: Ints = (score.pitch + shift).astype(np.int16)
    folding = Folding(score, pitch, bars_of(instrument, pitch), weights)
    moved = pitch + 12 * folding.equals(voice)
    struck = folding.bars.settled(moved)
    off = folding.bars.off(struck)
    reason = np.where(struck != moved, Reason.BEYOND, Reason.NONE).astype(np.uint8)
    reason[off] = Reason.NO_BAR
    hammer = np.where(off, -1, folding.bars.at(struck))
    return Placed(hammer, reason, np.zeros(len(score), np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """A search for the tune's octaves: notes of a score at their transposed pitches, bars, what counts."""

    score: Score
    pitch: Ints
    bars: Reach
    weights: Weights

    def melody(self, rows: Ints) -> Ints:
        """Return the octaves that each melody note, in `rows`, moves with its phrase."""
        repeat = self.score.repeat[rows]
        return alike(repeat, self.weights, lambda wanted: self.melody_octaves(rows, wanted)[0])

    def melody_octaves(self, rows: Ints, wanted: Ints | None = None) -> tuple[Ints, float]:
        """Return the octaves that each melody note moves with its phrase, and what that costs.

        Notes are drawn to the octaves `wanted`, if given.
        """
        onset, part = self.score.onset[rows], self.score.part[rows]
        phrase: Ints = np.cumsum(np.diff(onset, prepend=onset[:1]) > INTERVAL)
        drawn = () if wanted is None else (wanted,)
        first, cost = self._runs(rows, (phrase, part, *drawn))
        for column in drawn:
            size = np.diff(first, append=len(rows))
            cost += (self.weights.unlike * size)[:, None] * (self.bars.octaves != column[first][:, None])
        new = np.diff(phrase[first], prepend=0) + np.diff(part[first], prepend=0)
        change = np.where(new != 0, self.weights.phrase_jump, self.weights.melody_jump)
        path = cheapest_path(cost, change)
        total = cost[np.arange(len(path)), path].sum() + change[1:][np.diff(path) != 0].sum()
        return to_each(self.bars.octaves[path], first, len(rows)), float(total)

    def equals(self, voice: Ints) -> Ints:
        """Return the octaves that each note moves with its voice, where none accompanies another."""
        rows = by_group(voice)
        mine, onset = voice[rows], self.score.onset[rows]
        phrase: Ints = np.cumsum(np.abs(np.diff(onset, prepend=onset[:1])) > INTERVAL)
        first, cost = self._runs(rows, (mine, phrase))
        new, other = (np.diff(column[first], prepend=0) != 0 for column in (phrase, mine))
        change = np.where(new, self.weights.phrase_jump, self.weights.melody_jump)
        path = cheapest_path(cost, np.where(other, 0.0, change))
        moved = np.empty(len(rows), np.int16)
        moved[rows] = to_each(self.bars.octaves[path], first, len(rows))
        return moved

    def _runs(self, rows: Ints, columns: tuple[Ints | Bools, ...]) -> tuple[Ints, Floats]:
        """Return where runs of notes begin that the bars treat alike, and what each costs in each octave."""
        bars, weights, pitch = self.bars, self.weights, self.pitch[rows] + 128
        first = starts(bars.kind[pitch], *columns)
        off = ~bars.there[:, pitch[first]]
        away = weights.melody_away * np.abs(bars.octaves)[:, None]
        size = np.diff(first, append=len(rows))
        return first, np.asarray(size[:, None] * (weights.melody_stray * off + away).T)

    def around(self, rows: Ints, struck: Ints, octaves: Ints) -> Around:
        """Return what sounds around each note under a melody, in `rows`, so moved and struck.

        In a song written for such bars, notes that it has above its own melody, or near, are free of it.
        """
        there = ~self.bars.off(struck)
        tune, free = tune_of(self.score, rows[there], struck[there]), np.full(len(self.score), FREE, np.int16)
        ceiling = tune.ceiling(self.score.onset) if len(tune.rows) else free.copy()
        ceiling[tune.rows] = FREE
        if written := np.count_nonzero(self.bars.off(self.pitch)) <= _FOREIGN * len(self.pitch):
            ceiling[self.pitch > ceiling] = FREE
        around = around_tune(self.score, tune, octaves[there], ceiling)
        around = replace(around, near=free) if written else around
        return around if self.weights.cover else replace(around, ceiling=free)

    def line(self, rows: Ints, tune: Ints, octaves: Ints, ceiling: Ints) -> Ints:
        """Return the octaves of the notes that are on top while the melody rests, or is held.

        They are heard in one line with the melody, whose notes `tune` have their `octaves`, which stand: the
        search is the melody's own, over both.
        """
        both, bars, weights = np.concatenate((tune, rows)), self.bars, self.weights
        order = np.argsort(both, kind="stable")
        every = both[order]
        pitch, most, onset = self.pitch[every], ceiling[every], self.score.onset[every]
        cost = np.empty((len(every), len(bars.octaves)))
        for column, octave in enumerate(bars.octaves.tolist()):
            cost[:, column] = weights.stray * bars.off(pitch + 12 * octave) + weights.away * abs(octave)
            cost[:, column] += weights.cover * (pitch + 12 * octave > most)
        fixed = order < len(tune)
        cost[fixed] = np.where(bars.octaves == octaves[order[fixed]][:, None], 0.0, _FIXED)
        near = np.diff(onset, prepend=onset[:1]) <= INTERVAL
        moved = np.empty(len(every), np.int16)
        moved[order] = bars.octaves[cheapest_path(cost, weights.apart * near)]
        return moved[len(tune) :]
