"""Checking: a few strikes of each hammer beside its calibration, and beside what it did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..calibration.values import Calibration
from ..instrument import Instrument
from ..sound.position import Position
from ..tables import Floats
from .evidence import Evidence, gather
from .rounds import Turns
from .shape import Foretold, Shape, unbent
from .trials import Take

LEVELS = (0.75, 0.35, 0.8, 0.5)
"""How loud the strikes of a check are: parts of a hammer's range, in dB. The first only ends its rest."""

DRIFTED = (0.0012, 1.5)
"""s and dB by which a hammer must differ from its calibration to be named."""


@dataclass(frozen=True, slots=True)
class Drift:
    """By how much a hammer is later (s) and louder (dB) than its calibration says, beside the others.

    NaN where it was not heard clearly; `heard` of `struck` strikes were.
    """

    hammer: str
    later: float
    louder: float
    heard: int
    struck: int

    @property
    def drifted(self) -> bool:
        """Whether the calibration no longer fits."""
        return abs(self.later) > DRIFTED[0] or abs(self.louder) > DRIFTED[1]


def check_round(instrument: Instrument, calibration: Calibration) -> Turns:
    """Return the pulses of a check."""
    turns: Turns = []
    for place, hammer in enumerate(instrument.hammers):
        level, width = calibration.level[place], calibration.width[place]
        asked = np.interp(level[0] + np.array(LEVELS) * (level[-1] - level[0]), level, width)
        asked[0] += calibration.width_rest[place].mean()
        turns.append((place, np.clip(asked, hammer.shortest_pulse, hammer.longest_pulse)))
    return turns


def drifts(
    takes: Sequence[Take], instrument: Instrument, calibration: Calibration, position: Position
) -> list[Drift]:
    """Return what a check has heard of each hammer. TuningError where its recording cannot be used."""
    evidence = gather(takes, instrument, calibration, position)
    later, louder, heard, struck = np.array(
        [_beside(evidence, place, calibration) for place in range(len(instrument))]
    ).T
    later, louder = later - np.nanmedian(later), louder - np.nanmedian(louder)
    return [
        Drift(hammer.name, float(later[n]), float(louder[n]), int(heard[n]), int(struck[n]))
        for n, hammer in enumerate(instrument.hammers)
    ]


def _beside(evidence: Evidence, place: int, calibration: Calibration) -> tuple[float, float, int, int]:
    """Return latency and level of a hammer less what its calibration says, and how often it was heard."""
    rows = evidence.of(place)[1:]
    clear = rows[np.isfinite(evidence.latency[rows])]
    if len(clear) < 2:
        return np.nan, np.nan, len(clear), len(rows)
    trials = evidence.trials_of(clear)
    foretold = Foretold.of(Shape.of(calibration, place), unbent(), trials)
    later, louder = trials.latency - foretold.latency, trials.level - foretold.level
    return _median(later), _median(louder), len(clear), len(rows)


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan
