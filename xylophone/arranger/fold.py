"""Folding: which octave each phrase goes to where its notes lie beyond the bars.

Not note by note: a whole phrase moves, at the price of its octave jumps against its neighbours
and of the notes that must leave it still. The melody is placed first; accompaniment then goes to
an octave beneath it, where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..instrument import Instrument
from ..strikes import Priority
from .score import Bools, Floats, Ints, Score, by_group, starts
from .viterbi import cheapest_path

_FARTHEST = 5
"""Phrases move at most so many octaves; a note farther off goes on its own."""

_PHRASE = 1.5
"""Between onsets farther apart than this no interval is heard: a phrase may change its octave."""

_PASSAGE = 2.0
"""Accompaniment is placed by phrases of at most this length."""

_FOREIGN = 0.05
"""Share of notes off the bars up to which a song counts as written for such bars: its voices may cross."""

_OFF = 2.0  # a melody note that must leave its phrase: it breaks two intervals
_BREAK = 1.0  # an octave jump within a phrase of the melody: it breaks one
_RESTART = 0.3  # the same between two phrases
_AWAY = 0.0005  # for each octave that a melody note is moved
_STRAY = 1.0  # an accompaniment note that must leave its phrase
_COVER = 0.7  # an accompaniment note that comes above the melody
_SHIFT = 1.5  # an octave jump of an accompanying voice between phrases
_DISTANT = 0.02  # for each octave that an accompaniment note is moved


@dataclass(frozen=True, slots=True, eq=False)
class _Bars:
    """The bars beneath all transposed pitches -128..383, [pitch + 128], and octaves to reach one."""

    octaves: Ints  # that phrases may move
    hammer: Ints  # -1 where there is no bar
    nearest: Ints  # octaves from a pitch to the nearest bar of its name; _NOWHERE where there is none

    def off(self, pitch: Ints, octave: int) -> Bools:
        """Return which pitches have no bar so many octaves away."""
        return np.asarray(self.hammer[np.clip(pitch + (12 * octave + 128), 0, 511)] < 0)


_NOWHERE = 99


def fold(score: Score, priority: Ints, transpose: int, instrument: Instrument) -> Ints:
    """Return the hammer of each note, -1 where its pitch has no bar in any octave."""
    bars = _bars(instrument, score.pitch + transpose)
    pitch: Ints = (score.pitch + transpose).astype(np.int16)
    struck: Ints = pitch.copy()
    tune = np.flatnonzero(priority == Priority.MELODY)
    struck[tune] = _settled(pitch[tune] + 12 * _melody(score, tune, pitch[tune], bars), bars)
    foreign = bool(np.count_nonzero(bars.off(pitch, 0)) > _FOREIGN * len(pitch))
    ceiling = _ceiling(score, tune, pitch, struck, every=foreign)
    rest = np.flatnonzero(priority != Priority.MELODY)
    moved = _accompaniment(score, priority, rest, pitch[rest], ceiling[rest], bars)
    struck[rest] = _beneath(_settled(pitch[rest] + 12 * moved, bars), ceiling[rest], bars)
    return bars.hammer[np.clip(struck + 128, 0, 511)]


def _bars(instrument: Instrument, pitch: Ints) -> _Bars:
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
    return _Bars(
        octaves=np.arange(-down, up + 1),
        hammer=hammer,
        nearest=np.where(reach.min(axis=1) < 999, nearest, _NOWHERE).astype(np.int16),
    )


def _melody(score: Score, rows: Ints, pitch: Ints, bars: _Bars) -> Ints:
    """Return the octaves that each melody note moves with its phrase."""
    onset, part = score.onset[rows], score.part[rows]
    reach = np.stack([~bars.off(np.arange(-128, 384), int(k)) for k in bars.octaves])
    alike = np.unique(reach, axis=1, return_inverse=True)[1].reshape(-1)[pitch + 128]
    phrase = np.cumsum(np.diff(onset, prepend=onset[:1]) > _PHRASE)
    first = starts(phrase, part, alike)
    size = np.diff(first, append=len(rows))
    off = ~reach[:, pitch[first] + 128]
    cost = size[:, None] * (_OFF * off + _AWAY * np.abs(bars.octaves)[:, None]).T
    new = np.diff(phrase[first], prepend=0) + np.diff(part[first], prepend=0)
    path = cheapest_path(cost, np.where(new != 0, _RESTART, _BREAK))
    return np.repeat(bars.octaves[path], size)


def _settled(struck: Ints, bars: _Bars) -> Ints:
    """Move notes that have no bar where they are to the nearest octave that has one."""
    away = bars.nearest[np.clip(struck + 128, 0, 511)]
    away = np.where(away == _NOWHERE, 0, away)
    return (struck + 12 * away).astype(np.int16)


def _ceiling(score: Score, tune: Ints, pitch: Ints, struck: Ints, every: bool) -> Ints:
    """Return the melody's struck pitch at the onset of each note, 32767 where the melody rests.

    Unless `every`, notes that the song itself has above its melody are free of it as well.
    """
    free = np.full(len(score), 32767, np.int16)
    if not len(tune):
        return free
    begun = np.bincount(score.instant[tune], minlength=int(score.instant[-1]) + 1)
    latest = np.cumsum(begun)[score.instant] - 1
    above = tune[np.maximum(latest, 0)]
    sounding = (latest >= 0) & (score.onset - score.onset[above] < _PASSAGE)
    if not every:
        sounding &= pitch < pitch[above]
    return np.where(sounding, struck[above], free)


def _accompaniment(score: Score, priority: Ints, rows: Ints, pitch: Ints, ceiling: Ints, bars: _Bars) -> Ints:
    """Return the octaves that each other note moves with the phrase of its voice."""
    voice = score.part[rows] * 2 + (priority[rows] == Priority.BASS)
    order = by_group(voice)
    voice, pitch, ceiling, onset = voice[order], pitch[order], ceiling[order], score.onset[rows][order]
    first = _phrases(voice, onset)
    cost = _phrase_costs(pitch, ceiling, first, bars)
    change = np.where(np.diff(voice[first], prepend=-1) != 0, 0.0, _SHIFT)
    path = cheapest_path(cost, change)
    moved = np.empty(len(rows), np.int16)
    moved[order] = np.repeat(bars.octaves[path], np.diff(first, append=len(rows)))
    return moved


def _phrases(voice: Ints, onset: Floats) -> Ints:
    """Return where phrases of voices begin: after a rest, and with each new passage of the song."""
    rest = np.cumsum(np.diff(onset, prepend=onset[:1]) > _PHRASE)
    return starts(voice, rest, (onset / _PASSAGE).astype(np.int64))


def _phrase_costs(pitch: Ints, ceiling: Ints, first: Ints, bars: _Bars) -> Floats:
    """Return the cost of each phrase (rows) in each octave (columns)."""
    cost = np.zeros((len(first), len(bars.octaves)))
    if not len(first):
        return cost
    size = np.diff(first, append=len(pitch))
    for column, octave in enumerate(bars.octaves.tolist()):
        price = np.float32(_STRAY) * bars.off(pitch, octave)
        price += np.float32(_COVER) * (pitch + 12 * octave > ceiling)
        cost[:, column] = np.add.reduceat(price, first, dtype=np.float64) + size * _DISTANT * abs(octave)
    return cost


def _beneath(struck: Ints, ceiling: Ints, bars: _Bars) -> Ints:
    """Take notes that still come above their melody down by octaves, where there is a bar."""
    placed = struck
    for octave in (-3, -2, -1):
        fits = (struck > ceiling) & (struck + 12 * octave <= ceiling) & ~bars.off(struck, octave)
        placed = np.where(fits, struck + 12 * octave, placed)
    return placed
