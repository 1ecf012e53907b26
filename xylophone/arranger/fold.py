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
from .ceiling import FREE, Tune, tune_of
from .changes import Reason
from .columns import by_group, starts
from .form import usual
from .neighbours import substitutes
from .score import INTERVAL, Score, on_top
from .viterbi import cheapest_path
from .weights import Weights

_FARTHEST = 5
"""Phrases move at most so many octaves; a note farther off goes on its own."""

_PASSAGE = 2.0
"""Accompaniment is placed by measures, and by phrases of at most this length (s)."""

_FOREIGN = 0.02
"""Share of notes off the bars up to which a song counts as written for such bars: its voices may cross."""

_NOWHERE = 99

_FIXED = 1e6
"""Cost of moving a note that stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The bars beneath all transposed pitches -128..383, [pitch + 128], and octaves to reach one."""

    octaves: Ints  # that phrases may move
    hammer: Ints  # -1 where there is no bar
    nearest: Ints  # octaves from a pitch to the nearest bar of its name; _NOWHERE where there is none

    def off(self, pitch: Ints, octave: int) -> Bools:
        """Return which pitches have no bar so many octaves away."""
        return np.asarray(self.hammer[np.clip(pitch + (12 * octave + 128), 0, 511)] < 0)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where the notes of a score are struck: `hammer` is -1 where `reason` says why not.

    `substituted` are notes that a neighbour of another name stands for.
    """

    hammer: Ints
    reason: Ints
    substituted: Bools


def fold(score: Score, priority: Ints, transpose: int, instrument: Instrument, weights: Weights) -> Placed:
    """Return the cheapest octaves of all notes; those without a bar, or that cover the tune, are left out."""
    pitch: Ints = (score.pitch + transpose).astype(np.int16)
    bars = bars_of(instrument, pitch)
    reason = np.zeros(len(score), np.uint8)
    struck: Ints = pitch.copy()
    rows = np.flatnonzero(priority == Priority.MELODY)
    moved = _alike(
        score.kin[rows],
        weights,
        lambda wanted: melody_octaves(score, rows, pitch[rows], bars, weights, wanted)[0],
    )
    struck[rows] = _settled(pitch[rows] + 12 * moved, bars)
    replaced = substitutes(struck, rows, score, instrument)
    substituted = np.zeros(len(score), np.bool_)
    substituted[rows] = replaced != struck[rows]
    struck[rows] = replaced
    tune = tune_of(score, rows, np.where(bars.off(struck[rows], 0), -1, struck[rows]))
    others = priority != Priority.MELODY
    upper = others & on_top(score) & ~np.isin(score.instant, score.instant[rows])
    line, inner = np.flatnonzero(upper), np.flatnonzero(others & ~upper)
    ceiling = _ceiling(score, tune, pitch, bars)
    moved = _line_octaves(score, line, (rows, moved), (pitch, ceiling), bars, weights)
    struck[line] = _beneath(_settled(pitch[line] + 12 * moved, bars), ceiling[line], bars)
    moved = _alike(
        score.kin[inner],
        weights,
        lambda wanted: _accompaniment(
            score, priority, inner, (pitch[inner], ceiling[inner]), bars, weights, wanted
        ),
    )
    struck[inner] = _beneath(_settled(pitch[inner] + 12 * moved, bars), ceiling[inner], bars)
    if weights.cover:
        reason[struck > ceiling] = Reason.COVERS
    reason[bars.off(struck, 0)] = Reason.NO_BAR
    hammer = np.where(reason > 0, -1, bars.hammer[np.clip(struck + 128, 0, 511)])
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
    lowest, highest = (int(pitch.min(initial=127)), int(pitch.max(initial=0)))
    up = np.clip((int(pitches[-1]) - lowest) // 12, 0, _FARTHEST)
    down = np.clip(-((int(pitches[0]) - highest) // 12), 0, _FARTHEST)
    return Reach(
        octaves=np.arange(-down, up + 1),
        hammer=hammer,
        nearest=np.where(reach.min(axis=1) < 999, nearest, _NOWHERE).astype(np.int16),
    )


def _alike(kin: Ints, weights: Weights, search: Callable[[Ints | None], Ints]) -> Ints:
    """Search freely, then with each note drawn to the octave of most of its kin: repeats are alike."""
    free = search(None)
    wanted = usual(kin, free) if weights.unlike else free
    return free if np.array_equal(free, wanted) else search(wanted)


def melody_octaves(
    score: Score, rows: Ints, pitch: Ints, bars: Reach, weights: Weights, wanted: Ints | None = None
) -> tuple[Ints, float]:
    """Return the octaves that each melody note moves with its phrase, and what that costs.

    Notes are drawn to the octaves `wanted`, if given.
    """
    onset, part = score.onset[rows], score.part[rows]
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


def _settled(struck: Ints, bars: Reach) -> Ints:
    """Move notes that have no bar where they are to the nearest octave that has one."""
    away = bars.nearest[np.clip(struck + 128, 0, 511)]
    away = np.where(away == _NOWHERE, 0, away)
    return (struck + 12 * away).astype(np.int16)


def _ceiling(score: Score, tune: Tune, pitch: Ints, bars: Reach) -> Ints:
    """Return the ceiling of each note, FREE for the melody's own.

    In a song written for such bars, notes that it has above its own melody are free of it.
    """
    if not len(tune.onset):
        return np.full(len(score), FREE, np.int16)
    ceiling = tune.ceiling(score.onset)
    ceiling[tune.rows] = FREE
    if np.count_nonzero(bars.off(pitch, 0)) > _FOREIGN * len(pitch):
        return ceiling
    return np.where(pitch > ceiling, FREE, ceiling).astype(np.int16)


def _line_octaves(
    score: Score,
    line: Ints,
    tune: tuple[Ints, Ints],
    placing: tuple[Ints, Ints],
    bars: Reach,
    weights: Weights,
) -> Ints:
    """Return the octaves of the notes that are on top while the melody rests, or is held.

    They are heard in one line with the melody, `tune` being its rows and octaves, which stand: the search is
    the melody's own, over both. `placing` is pitch and ceiling of all notes.
    """
    both = np.concatenate((tune[0], line))
    order = np.argsort(both, kind="stable")
    rows = both[order]
    pitch, ceiling = (column[rows] for column in placing)
    cost = np.empty((len(rows), len(bars.octaves)))
    for column, octave in enumerate(bars.octaves.tolist()):
        cost[:, column] = weights.stray * bars.off(pitch, octave) + weights.away * abs(octave)
        cost[:, column] += weights.cover * (pitch + 12 * octave > ceiling)
    fixed = order < len(tune[0])
    cost[fixed] = np.where(bars.octaves == tune[1][order[fixed]][:, None], 0.0, _FIXED)
    near = np.diff(score.onset[rows], prepend=score.onset[rows][:1]) <= INTERVAL
    path = cheapest_path(cost, weights.apart * near)
    moved = np.empty(len(rows), np.int16)
    moved[order] = bars.octaves[path]
    return moved[len(tune[0]) :]


def _accompaniment(
    score: Score,
    priority: Ints,
    rows: Ints,
    placing: tuple[Ints, Ints],
    bars: Reach,
    weights: Weights,
    wanted: Ints | None,
) -> Ints:
    """Return the octaves that each other note moves with the phrase of its voice.

    `placing` is pitch and ceiling of the notes in `rows`.
    """
    bass = priority[rows] == Priority.BASS
    voice = score.part[rows] * 2 + bass
    order = by_group(voice)
    onset = score.onset[rows][order]
    first = _phrases(voice[order], onset, score.measure[rows][order])
    columns = (placing[0][order], placing[1][order], bass[order])
    cost = _phrase_costs(columns, first, bars, weights)
    if wanted is not None and len(first):
        drawn = wanted[order]
        for column, octave in enumerate(bars.octaves.tolist()):
            cost[:, column] += weights.unlike * np.add.reduceat((drawn != octave).astype(np.float64), first)
    change = np.where(np.diff(voice[order][first], prepend=-1) != 0, 0.0, weights.jump)
    path = cheapest_path(cost, change)
    moved = np.empty(len(rows), np.int16)
    moved[order] = np.repeat(bars.octaves[path], np.diff(first, append=len(rows)))
    return moved


def _phrases(voice: Ints, onset: Floats, measure: Ints) -> Ints:
    """Return where phrases of voices begin: after a rest, with each measure, and every 2 s in long ones."""
    rest = np.cumsum(np.diff(onset, prepend=onset[:1]) > INTERVAL)
    first = starts(voice, measure)
    begun = np.repeat(onset[first], np.diff(first, append=len(onset)))
    return starts(voice, rest, measure, ((onset - begun) / _PASSAGE).astype(np.int64))


def _phrase_costs(columns: tuple[Ints, Ints, Bools], first: Ints, bars: Reach, weights: Weights) -> Floats:
    """Return the cost of each phrase (rows) in each octave (columns).

    `columns` are of the notes: pitch, ceiling, and whether it is bass.
    """
    pitch, ceiling, bass = columns
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
        cost[:, column] = np.add.reduceat(price, first, dtype=np.float64) + size * weights.away * abs(octave)
    return cost


def _beneath(struck: Ints, ceiling: Ints, bars: Reach) -> Ints:
    """Take notes that still come above their melody down by octaves, where there is a bar."""
    placed = struck
    for octave in (-3, -2, -1):
        fits = (struck > ceiling) & (struck + 12 * octave <= ceiling) & ~bars.off(struck, octave)
        placed = np.where(fits, struck + 12 * octave, placed)
    return placed
