"""Reach: the bars beneath pitches, and the octaves that phrases may be moved by to come to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..instrument import Instrument
from ..tables import Bools, Ints

_FARTHEST = 5
"""Phrases move at most so many octaves; a note farther off goes on its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The bars beneath all transposed pitches -128..383, [pitch + 128], and octaves to reach one."""

    octaves: Ints  # that phrases may move
    hammer: Ints  # -1 where there is no bar
    nearest: Ints  # octaves from a pitch to the nearest bar of its name; 0 where there is none
    there: Bools  # whether there is a bar so many octaves away, [octave, pitch + 128]
    kind: Ints  # a number for each pitch, the same for those that have bars in the same octaves
    lowest: int  # pitch of the lowest bar

    def at(self, pitch: Ints) -> Ints:
        """Return the hammers of pitches, -1 where there is no bar."""
        return self.hammer[_place(pitch)]

    def off(self, pitch: Ints) -> Bools:
        """Return which pitches have no bar."""
        return np.asarray(self.hammer[_place(pitch)] < 0)

    def settled(self, pitch: Ints) -> Ints:
        """Return pitches in the nearest octave that has a bar, where theirs has none."""
        return np.asarray((pitch + 12 * self.nearest[_place(pitch)]).astype(np.int16))


def _place(pitch: Ints) -> Ints:
    return np.asarray(np.minimum(np.maximum(pitch + 128, 0), 511))


def bars_of(instrument: Instrument, pitch: Ints) -> Reach:
    """Return the bars, and the octaves that phrases of these pitches may be moved by to reach them."""
    bars = instrument.pitches
    lowest, highest = int(pitch.min(initial=127)), int(pitch.max(initial=0))
    up = min(max((int(bars[-1]) - lowest) // 12, 0), _FARTHEST)
    down = min(max(-((int(bars[0]) - highest) // 12), 0), _FARTHEST)
    return _reach(tuple(bars.tolist()), down, up)


@lru_cache(maxsize=256)
def _reach(bars: tuple[int, ...], down: int, up: int) -> Reach:
    """Return the reach of bars for phrases that move so many octaves down or up; the same each time."""
    every, pitches, octaves = np.arange(-128, 384), np.array(bars), np.arange(-down, up + 1)
    hammer = np.full(512, -1, np.int16)
    hammer[pitches + 128] = np.arange(len(pitches))
    distance = (pitches[None, :] - every[:, None]).astype(np.int16)
    reach = np.where(distance % 12 == 0, np.abs(distance), np.int16(999))
    nearest = np.take_along_axis(distance, reach.argmin(axis=1)[:, None], 1)[:, 0] // 12
    there = np.stack([hammer[_place(every + 12 * octave)] >= 0 for octave in octaves.tolist()])
    return Reach(
        octaves=octaves,
        hammer=hammer,
        nearest=np.where(reach.min(axis=1) < 999, nearest, 0).astype(np.int16),
        there=there,
        kind=np.unique(there, axis=1, return_inverse=True)[1].reshape(-1),
        lowest=bars[0],
    )
