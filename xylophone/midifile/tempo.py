"""The tempo map: from ticks to seconds. The only place where a tick becomes a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..song import METER, TEMPO, Table
from .chunks import DEFAULT_DIVISION

Floats = npt.NDArray[np.float64]

DEFAULT_TEMPO = 500_000
"""us to a quarter note where a file states none: 120 bpm (Standard MIDI Files 1.0)."""

_FRAMES = {29: 30_000 / 1001}
"""Frames a second that a division's number does not say itself: 29 is 30 drop frame (SMPTE 12M)."""


@dataclass(frozen=True)
class TempoMap:
    """Ticks at which the tempo changes, when that is, and how long a tick lasts from there."""

    tick: npt.NDArray[np.int64]
    time: Floats
    seconds: Floats  # of a tick
    quarters: float  # of a tick

    def times(self, ticks: npt.NDArray[np.int64]) -> Floats:
        """Return the seconds of ticks."""
        if len(self.tick) == 1:
            return np.asarray(ticks * self.seconds[0])
        place = np.searchsorted(self.tick, ticks, "right") - 1
        return np.asarray(self.time[place] + (ticks - self.tick[place]) * self.seconds[place])

    def table(self, start: float = 0.0, quarter: float = 0.0) -> Table:
        """Return the map as rows of Song.tempos, from a time and a quarter note on."""
        table = np.zeros(len(self.tick), TEMPO)
        table["time"] = start + self.time
        table["quarter"] = quarter + self.tick * self.quarters
        table["bpm"] = 60.0 * self.quarters / self.seconds
        return table


def tempo_map(division: int, changes: list[tuple[int, int]]) -> TempoMap:
    """Return the map of a division and tempo changes (tick, us to a quarter note).

    Of several changes at one tick the last one counts. A division in SMPTE frames has seconds of its own, and
    tempo changes nothing.
    """
    if division & 0x8000:
        frames = 256 - (division >> 8)
        seconds = 1.0 / (_FRAMES.get(frames, float(frames)) * (division & 0xFF))
        return TempoMap(np.zeros(1, np.int64), np.zeros(1), np.array([seconds]), seconds * 2.0)
    division = division or DEFAULT_DIVISION
    latest = dict(sorted([(0, DEFAULT_TEMPO), *changes], key=lambda change: change[0]))
    tick = np.array(list(latest), np.int64)
    seconds = np.array(list(latest.values())) / (1e6 * division)
    time = np.concatenate(([0.0], np.cumsum(np.diff(tick) * seconds[:-1])))
    return TempoMap(tick, time, seconds, 1.0 / division)


def meter_table(changes: list[tuple[float, int, int]]) -> Table:
    """Return Song.meters of time signatures (quarter note, numerator, denominator)."""
    ordered = sorted([(0.0, 4, 4), *changes], key=lambda change: change[0])
    latest = {quarter: (numerator, denominator) for quarter, numerator, denominator in ordered}
    rows: list[tuple[float, float, int, int]] = []
    for quarter, (numerator, denominator) in latest.items():
        measure = 0.0
        if rows:
            begin, before, beats, unit = rows[-1]
            measure = before + float(np.ceil((quarter - begin) * unit / 4.0 / beats - 1e-6))
        rows.append((quarter, measure, numerator, denominator))
    return np.array(rows, METER)
