"""Folding: which octave each phrase goes to where its notes lie beyond the bars.

Not note by note: a whole phrase moves, at the price of its octave jumps against its neighbours
and of the notes that must leave it still. The melody is placed first, by an exact search over
octaves; each accompanying voice is then placed by another one, beneath it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..instrument import Instrument
from ..tables import Bools, Floats, Ints, Priority
from .changes import Reason
from .columns import by_group, starts, to_each
from .form import usual
from .score import INTERVAL, Score, on_top
from .tune import FREE, substitutes, tune_of
from .viterbi import cheapest_path
from .weights import Weights

_FARTHEST = 5
"""Phrases move at most so many octaves; a note farther off goes on its own."""

_PASSAGE = 2.0
"""Accompaniment is placed by measures, and by phrases of at most this length (s)."""

_FOREIGN = 0.02
"""Share of notes off the bars up to which a song counts as written for such bars: its voices may cross."""

_FIXED = 1e6
"""Cost of moving a note that stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The bars beneath all transposed pitches -128..383, [pitch + 128], and octaves to reach one."""

    octaves: Ints  # that phrases may move
    hammer: Ints  # -1 where there is no bar
    nearest: Ints  # octaves from a pitch to the nearest bar of its name; 0 where there is none

    def at(self, pitch: Ints, octave: int = 0) -> Ints:
        """Return the hammers of pitches moved by so many octaves, -1 where there is no bar."""
        return self.hammer[np.clip(pitch + (12 * octave + 128), 0, 511)]

    def off(self, pitch: Ints, octave: int = 0) -> Bools:
        """Return which pitches have no bar so many octaves away."""
        return np.asarray(self.at(pitch, octave) < 0)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where the notes of a score are struck: `hammer` is -1 where `reason` says why not.

    `substituted` are notes that a neighbour of another name stands for.
    """

    hammer: Ints
    reason: Ints
    substituted: Bools


def fold(score: Score, priority: Ints, transpose: int, instrument: Instrument, weights: Weights) -> Placed:
    """Return the cheapest octaves of all notes; those without a bar, or that cover the tune, are left out.

    The order is that of what is heard: the melody; then what is on top while it rests, in one line with it;
    then all else, beneath both.
    """
    pitch: Ints = (score.pitch + transpose).astype(np.int16)
    folding = Folding(score, pitch, bars_of(instrument, pitch), weights)
    is_tune = priority == Priority.MELODY
    tune = np.flatnonzero(is_tune)
    octaves = folding.melody(tune)
    struck: Ints = pitch.copy()
    struck[tune] = named = folding.settled(tune, octaves)
    struck[tune] = substitutes(struck, tune, score, instrument)
    substituted = np.zeros(len(score), np.bool_)
    substituted[tune] = struck[tune] != named
    ceiling = folding.ceiling(tune, struck[tune])
    upper = ~is_tune & on_top(score) & ~np.isin(score.instant, score.instant[tune])
    line, inner = np.flatnonzero(upper), np.flatnonzero(~is_tune & ~upper)
    struck[line] = folding.beneath(line, folding.line(line, tune, octaves, ceiling), ceiling)
    struck[inner] = folding.beneath(inner, folding.inner(inner, priority, ceiling), ceiling)
    reason = np.zeros(len(score), np.uint8)
    if weights.cover:
        reason[struck > ceiling] = Reason.COVERS
    reason[folding.bars.off(struck)] = Reason.NO_BAR
    hammer = np.where(reason > 0, -1, folding.bars.at(struck))
    return Placed(hammer, reason, substituted & (hammer >= 0))


def bars_of(instrument: Instrument, pitch: Ints) -> Reach:
    """Return the bars, and the octaves that phrases of these pitches may be moved by to reach them."""
    every = np.arange(-128, 384)
    pitches = instrument.pitches
    hammer = np.full(512, -1, np.int16)
    hammer[pitches + 128] = np.arange(len(pitches))
    distance = (pitches[None, :] - every[:, None]).astype(np.int16)
    reach = np.where(distance % 12 == 0, np.abs(distance), np.int16(999))
    nearest = np.take_along_axis(distance, reach.argmin(axis=1)[:, None], 1)[:, 0] // 12
    lowest, highest = int(pitch.min(initial=127)), int(pitch.max(initial=0))
    up = np.clip((int(pitches[-1]) - lowest) // 12, 0, _FARTHEST)
    down = np.clip(-((int(pitches[0]) - highest) // 12), 0, _FARTHEST)
    return Reach(
        octaves=np.arange(-down, up + 1),
        hammer=hammer,
        nearest=np.where(reach.min(axis=1) < 999, nearest, 0).astype(np.int16),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """A search for octaves: the notes of a score at their transposed pitches, the bars, and what counts."""

    score: Score
    pitch: Ints
    bars: Reach
    weights: Weights

    def melody(self, rows: Ints) -> Ints:
        """Return the octaves that each melody note, in `rows`, moves with its phrase."""
        return self._alike(rows, lambda wanted: self.melody_octaves(rows, wanted)[0])

    def inner(self, rows: Ints, priority: Ints, ceiling: Ints) -> Ints:
        """Return the octaves that each note of the accompaniment, in `rows`, moves with its phrase."""
        bass = priority[rows] == Priority.BASS
        return self._alike(rows, lambda wanted: self._voices(rows, bass, ceiling[rows], wanted))

    def _alike(self, rows: Ints, search: Callable[[Ints | None], Ints]) -> Ints:
        """Search freely, then with each note drawn to where most of its repeats are: they sound alike."""
        free = search(None)
        wanted = usual(self.score.repeat[rows], free) if self.weights.unlike else free
        return free if np.array_equal(free, wanted) else search(wanted)

    def melody_octaves(self, rows: Ints, wanted: Ints | None = None) -> tuple[Ints, float]:
        """Return the octaves that each melody note moves with its phrase, and what that costs.

        Notes are drawn to the octaves `wanted`, if given.
        """
        onset, part, pitch = self.score.onset[rows], self.score.part[rows], self.pitch[rows]
        bars, weights = self.bars, self.weights
        reach = np.stack([~bars.off(np.arange(-128, 384), int(k)) for k in bars.octaves])
        alike = np.unique(reach, axis=1, return_inverse=True)[1].reshape(-1)[pitch + 128]
        phrase = np.cumsum(np.diff(onset, prepend=onset[:1]) > INTERVAL)
        drawn = () if wanted is None else (wanted,)
        first = starts(phrase, part, alike, *drawn)
        size = np.diff(first, append=len(rows))
        off = ~reach[:, pitch[first] + 128]
        away = weights.melody_away * np.abs(bars.octaves)[:, None]
        cost = size[:, None] * (weights.melody_stray * off + away).T
        for column in drawn:
            cost += (weights.unlike * size)[:, None] * (bars.octaves != column[first][:, None])
        new = np.diff(phrase[first], prepend=0) + np.diff(part[first], prepend=0)
        change = np.where(new != 0, weights.phrase_jump, weights.melody_jump)
        path = cheapest_path(cost, change)
        total = cost[np.arange(len(path)), path].sum() + change[1:][np.diff(path) != 0].sum()
        return np.repeat(bars.octaves[path], size), float(total)

    def settled(self, rows: Ints, moved: Ints) -> Ints:
        """Return the pitches of moved notes, on the nearest octave that has a bar where theirs has none."""
        struck = self.pitch[rows] + 12 * moved
        return np.asarray((struck + 12 * self.bars.nearest[np.clip(struck + 128, 0, 511)]).astype(np.int16))

    def beneath(self, rows: Ints, moved: Ints, ceiling: Ints) -> Ints:
        """Return the same, but down by octaves where that is above the melody and there is a bar."""
        struck, most = self.settled(rows, moved), ceiling[rows]
        placed = struck
        for octave in (-3, -2, -1):
            fits = (struck > most) & (struck + 12 * octave <= most) & ~self.bars.off(struck, octave)
            placed = np.where(fits, struck + 12 * octave, placed)
        return placed

    def ceiling(self, rows: Ints, struck: Ints) -> Ints:
        """Return the ceiling of each note under a melody so struck, FREE for the melody's own.

        In a song written for such bars, notes that it has above its own melody are free of it.
        """
        if not len(rows):
            return np.full(len(self.score), FREE, np.int16)
        tune = tune_of(self.score, rows, np.where(self.bars.off(struck), -1, struck))
        ceiling = tune.ceiling(self.score.onset)
        ceiling[rows] = FREE
        if np.count_nonzero(self.bars.off(self.pitch)) > _FOREIGN * len(self.pitch):
            return ceiling
        return np.where(self.pitch > ceiling, FREE, ceiling).astype(np.int16)

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
            cost[:, column] = weights.stray * bars.off(pitch, octave) + weights.away * abs(octave)
            cost[:, column] += weights.cover * (pitch + 12 * octave > most)
        fixed = order < len(tune)
        cost[fixed] = np.where(bars.octaves == octaves[order[fixed]][:, None], 0.0, _FIXED)
        near = np.diff(onset, prepend=onset[:1]) <= INTERVAL
        moved = np.empty(len(every), np.int16)
        moved[order] = bars.octaves[cheapest_path(cost, weights.apart * near)]
        return moved[len(tune) :]

    def _voices(self, rows: Ints, bass: Bools, ceiling: Ints, wanted: Ints | None) -> Ints:
        """Return the octaves that each note in `rows` moves with the phrase of its voice."""
        voice = self.score.part[rows] * 2 + bass
        order = by_group(voice)
        voice, mine = voice[order], rows[order]
        first = _phrases(voice, self.score.onset[mine], self.score.measure[mine])
        cost = self._phrase_costs(self.pitch[mine], ceiling[order], bass[order], first)
        if wanted is not None and len(first):
            for column, octave in enumerate(self.bars.octaves.tolist()):
                unlike = (wanted[order] != octave).astype(np.float64)
                cost[:, column] += self.weights.unlike * np.add.reduceat(unlike, first)
        change = np.where(np.diff(voice[first], prepend=-1) != 0, 0.0, self.weights.jump)
        path = cheapest_path(cost, change)
        moved = np.empty(len(rows), np.int16)
        moved[order] = to_each(self.bars.octaves[path], first, len(rows))
        return moved

    def _phrase_costs(self, pitch: Ints, ceiling: Ints, bass: Bools, first: Ints) -> Floats:
        """Return the cost of each phrase (rows), by its first note, in each octave (columns)."""
        bars, weights = self.bars, self.weights
        cost = np.zeros((len(first), len(bars.octaves)))
        if not len(first):
            return cost
        size = np.diff(first, append=len(pitch))
        lowest = int(np.flatnonzero(bars.hammer == 0)[0]) - 128
        for column, octave in enumerate(bars.octaves.tolist()):
            struck = pitch + 12 * octave
            price = np.float32(weights.stray) * bars.off(pitch, octave)
            price += np.float32(weights.cover) * (struck > ceiling)
            price += np.float32(weights.high_bass) * (bass * np.maximum(0, (struck - lowest) // 12))
            away = size * weights.away * abs(octave)
            cost[:, column] = np.add.reduceat(price, first, dtype=np.float64) + away
        return cost


def _phrases(voice: Ints, onset: Floats, measure: Ints) -> Ints:
    """Return where phrases of voices begin: after a rest, with each measure, and every 2 s in long ones."""
    rest = np.cumsum(np.diff(onset, prepend=onset[:1]) > INTERVAL)
    first = starts(voice, measure)
    begun = to_each(onset[first], first, len(onset))
    return starts(voice, rest, measure, ((onset - begun) / _PASSAGE).astype(np.int64))
