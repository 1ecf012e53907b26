"""Twins, pulses and what they come to, for tests of the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np

from xylophone.instrument import KINDS, Instrument, build_instrument, hammers_of
from xylophone.simulation.hammers import Twin
from xylophone.simulation.readout import Outcome
from xylophone.tables import PULSE, Rows

MEDIUM = {"zye1-0530": 0.0115, "jf-0530b": 0.0245, "jf-0530b-24v": 0.0085}
"""Pulse of a mezzo-forte strike of each kind, s."""


def exact(instrument: Instrument | None = None, **options: Any) -> Twin:
    """Return a twin of nominal hammers without scatter, unless the options say otherwise."""
    chosen = {"scatter_time": 0.0, "scatter_level_db": 0.0, "tolerance": 0.0, **options}
    return Twin(instrument or build_instrument(), **chosen)


def small(kind: str = "zye1-0530", count: int = 6) -> Instrument:
    """Return an instrument of a few hammers of a kind."""
    make = KINDS[kind]
    return Instrument("small", make, hammers_of(range(72, 72 + count), make), make.supply_limit)


def pulses(*rows: tuple[float, float, int]) -> Rows:
    """Return a table of (start, width, channel); strikes are numbered in order."""
    table = np.zeros(len(rows), PULSE)
    for number, (start, width, channel) in enumerate(rows):
        table[number] = (start, width, number, channel)
    return table


def chord(start: float, width: float, count: int) -> Rows:
    """Return a pulse for each of the first `count` channels at one instant."""
    return pulses(*((start, width, channel) for channel in range(count)))


def settled_blow(twin: Twin, width: float, count: int = 1) -> tuple[float, float]:
    """Return latency and level of channel 0 when `count` hammers that were just played strike together."""
    twin.play(chord(0.0, MEDIUM[twin.instrument.kind.name], count))
    hit = twin.play(chord(0.3, width, count)).hits[0]
    return float(hit["time"]) - 0.3, float(hit["level"])


def random_song(count: int, duration: float, seed: int = 1, hammers: int = 30) -> Rows:
    """Return about `count` pulses of ZYE1 hammers in chords of four, never two within 70 ms on a hammer."""
    rng = np.random.default_rng(seed)
    chords = rng.uniform(0.1, duration, count // 4)
    start = np.sort(np.repeat(chords, 4) + rng.uniform(0.0, 0.003, count // 4 * 4))
    free, rows = np.zeros(hammers), []
    for begin in start.tolist():
        channel = int(rng.integers(hammers))
        if begin >= free[channel]:
            free[channel] = begin + 0.07
            rows.append((begin, float(rng.uniform(0.0115, 0.015)), channel))
    return pulses(*rows)


def same(left: Outcome, right: Outcome, within: float) -> bool:
    """Tell whether two outcomes have the same hits, times within so many seconds, levels in 0.01 dB."""
    first, second = (np.sort(part.hits, order=("strike", "time")) for part in (left, right))
    if len(first) != len(second) or not np.array_equal(first["strike"], second["strike"]):
        return False
    near = np.abs(first["time"] - second["time"]).max(initial=0.0) <= within
    alike = np.abs(first["level"] - second["level"]).max(initial=0.0) <= 0.01
    return bool(near and alike and np.array_equal(first["double"], second["double"]))
