"""Ticks become seconds and quarter notes here, and nowhere else."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from ..tables import (
    KEY,
    METER,
    TEMPO,
    Floats,
    Ints,
    Keys,
    Meters,
    Tempos,
    as_keys,
    as_meters,
    as_tempos,
    ordered,
    picked,
)
from .meta_events import PLAIN_METER, PLAIN_TEMPO

FRAMES = {24: (24, 1), 25: (25, 1), 29: (30_000, 1_001), 30: (30, 1)}
"""Frames a second of SMPTE time code, as a fraction; 29 stands for 30 drop frame, which is 29.97."""


@dataclass(frozen=True)
class Division:
    """How long a tick is: `ticks` a quarter note, or `ticks` a second divided by `divisor` (SMPTE)."""

    ticks: int
    divisor: int = 0


def division_of(word: int) -> Division | None:
    """Return the division that the header's word states; None where it is zero and so states nothing.

    A word with its highest bit set is minus the frames a second, and the ticks a frame (SMPTE).
    """
    if word < 0x8000:
        return Division(word) if word else None
    numerator, divisor = FRAMES.get(256 - (word >> 8), (256 - (word >> 8), 1))
    return Division(numerator * (word & 255), divisor) if word & 255 else None


def last_at_each(ticks: Ints, values: array[int], plain: int) -> tuple[Ints, Ints]:
    """Return changes in the order of time, the last one at a tick, with `plain` at 0 where there is none."""
    order = np.argsort(ticks, kind="stable")
    at = np.concatenate((np.zeros(1, np.int64), ticks[order]))
    value = np.concatenate((np.array([plain]), np.asarray(values, np.int64)[order]))
    last = np.append(at[1:] != at[:-1], True)
    return at[last], value[last]


class TempoMap:
    """The tempos of a song, from the ticks at which they change; `table` has dtype TEMPO."""

    def __init__(self, division: Division, ticks: Ints, tempos: array[int]) -> None:
        self._division = division
        at, micros = last_at_each(ticks, tempos, PLAIN_TEMPO)
        self._at, self._length = at, micros.astype(np.float64)
        self._scale = division.ticks * 1e6
        if division.divisor:
            self._at, self._length = np.zeros(1, np.int64), np.array([float(division.divisor)])
            self._scale = float(division.ticks)
        spans = np.diff(self._at) * self._length[:-1] / self._scale
        self._start = np.concatenate(([0.0], np.cumsum(spans)))
        self.table = self._tabulate(at, micros)

    def _tabulate(self, at: Ints, micros: Ints) -> Tempos:
        table = as_tempos(np.zeros(len(at), TEMPO))
        table["time"] = self.seconds(at)
        table["bpm"] = 6e7 / micros
        quarter = at / self._division.ticks
        if self._division.divisor:
            gone = np.diff(table["time"]) * table["bpm"][:-1] / 60.0
            quarter = np.concatenate(([0.0], np.cumsum(gone)))
        table["quarter"] = quarter
        return table

    def seconds(self, ticks: Ints) -> Floats:
        """Return the times of ticks; later ticks are never at an earlier time."""
        if len(self._at) == 1:
            return np.asarray(ticks * self._length[0] / self._scale)
        row = np.searchsorted(self._at, ticks, "right") - 1
        time = (ticks - self._at[row]) * self._length[row]
        time /= self._scale
        time += self._start[row]
        return time

    def quarters(self, ticks: Ints) -> Floats:
        """Return the places of ticks in quarter notes from the beginning."""
        if not self._division.divisor:
            return ticks / self._division.ticks
        time = self.seconds(ticks)
        row = np.searchsorted(self.table["time"], time, "right") - 1
        gone = (time - self.table["time"][row]) * self.table["bpm"][row] / 60.0
        return np.asarray(self.table["quarter"][row] + gone)


def meter_table(tempo: TempoMap, ticks: Ints, meters: array[int], *, sequences: bool) -> Meters:
    """Return the table of dtype METER; a new time signature within a measure cuts that measure short.

    One that says again what holds changes nothing, unless `sequences` play one after another: then it
    may begin one of them.
    """
    at, value = last_at_each(ticks, meters, PLAIN_METER)
    fresh = np.concatenate(([True], (value[1:] != value[:-1]) | sequences))
    at, value = at[fresh], value[fresh]
    table = as_meters(np.zeros(len(at), METER))
    table["quarter"] = tempo.quarters(at)
    table["numerator"] = value >> 8
    table["denominator"] = 1 << (value & 255)
    length = 4.0 * table["numerator"] / table["denominator"]
    measures = np.ceil(np.diff(table["quarter"]) / length[:-1] - 1e-6)
    table["measure"][1:] = np.cumsum(measures)
    return table


def key_table(tempo: TempoMap, ticks: Ints, keys: list[tuple[int, bool]]) -> Keys:
    """Return the table of dtype KEY; of several at one tick the last holds."""
    table = as_keys(np.zeros(len(ticks), KEY))
    if len(ticks):
        table["time"] = tempo.seconds(ticks)
        table["sharps"], table["minor"] = zip(*keys, strict=True)
    if len(ticks) > 1:
        table = ordered(table, "time")
        table = picked(table, np.append(np.diff(table["time"]) > 0, True))
    return table
