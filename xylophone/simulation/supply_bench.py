"""Measures how coils that are on together take drive from each other: the supply terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..calibration.values import CURVES, Calibration, Response, SupplyTerms
from ..tables import PULSE, Floats, Ints, as_pulses, filled, picked
from .carried import Carried, Ghosts
from .curve_bench import Rig, first_blows, gradient
from .settle import settle

CHORDS = 60
"""Chords struck in each round of measuring."""

SPREAD = 0.02
"""s; onsets of a chord's strikes lie within this time, or at one instant."""

ROUNDS = 2
"""Rounds of measuring: each strikes with widths and latencies by the terms of the round before."""

LAGS = np.arange(0.0, 0.0061, 0.00025)
"""s that are tried for the lag."""

LEVEL_UNIT, TIME_UNIT = 0.3, 0.0002
"""dB and s that count alike where terms are fitted to levels and times together."""

_APART = 0.5  # s between two chords


@dataclass(frozen=True)
class Chords:
    """Strikes of many chords: which hammer, when its contact shall be, how loud."""

    hammer: Ints
    contact: Floats
    level: Floats


@dataclass(frozen=True)
class Answer(Response):
    """What strikes need by the calibration, each (n,): the formulas' coefficients at their levels."""

    per_level: Floats  # s of width a dB
    later: Floats  # s of latency a dB


def random_chords(calibration: Calibration, count: int, seed: int) -> Chords:
    """Return chords of 2 to 8 different hammers, at one instant or spread, at levels all hammers share."""
    rng = np.random.default_rng(seed)
    hammers = len(calibration.hammers)
    low, high = calibration.common_range()
    hammer, contact = [], []
    for number in range(count):
        size = int(rng.integers(2, min(8, hammers) + 1)) if hammers > 1 else 1
        hammer.append(rng.choice(hammers, size, replace=False))
        contact.append(0.2 + _APART * number + SPREAD * rng.random(size) * rng.integers(0, 2))
    where = np.concatenate(hammer)
    level = rng.uniform(low, high, len(where))
    level = np.clip(level, calibration.level[where, 0], calibration.level[where, -1])
    return Chords(where, np.concatenate(contact), level)


def look_up(calibration: Calibration, chords: Chords) -> Answer:
    """Return the calibration's coefficients of every strike."""
    values = np.empty((len(CURVES) + 2, len(chords.hammer)))
    tables = [getattr(calibration, key) for key in CURVES]
    tables += [gradient(calibration.level, value) for value in (calibration.width, calibration.latency)]
    for place in np.unique(chords.hammer):
        rows = np.flatnonzero(chords.hammer == place)
        for number, table in enumerate(tables):
            values[number, rows] = np.interp(chords.level[rows], calibration.level[place], table[place])
    return Answer(*values, rest_coupling=calibration.rest_coupling)


def compensate(
    answer: Answer, chords: Chords, terms: SupplyTerms, current: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return start, width and the losses seen by width and latency, by the calibration's formulas."""
    width, latency = answer.width.copy(), answer.latency.copy()
    for _ in range(8):
        start = chords.contact - latency
        x, z = terms.per_ampere * terms.beside(start, start + width, current)
        width, latency = answer.width_at(x, 0.0), answer.latency_at(z, 0.0)
    return chords.contact - latency, width, x, z


def strike(rig: Rig, chords: Chords, start: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Strike the chords with hammers that are cold and just played; return contact times and levels."""
    count = len(start)
    order = np.argsort(start, kind="stable")
    pulses = as_pulses(filled(PULSE, count, start=start[order], width=width[order]))
    copies = picked(rig.hammers, chords.hammer[order])
    carried = Carried.fresh(count)
    carried.end, carried.since = start[order], start[order]
    settled = settle(copies, rig.setting, carried, Ghosts.none(), pulses, np.arange(count))
    blow = first_blows(settled.motion, count, rig.setting.step)
    time, level = np.empty(count), np.empty(count)
    time[order] = settled.first * rig.setting.step + blow[0]
    level[order] = blow[1]
    return time, level


def supply_terms(rig: Rig, calibration: Calibration, current: Floats) -> SupplyTerms:
    """Return the terms that make struck chords come out best in time and level.

    `current` is each hammer's in A while it is on. From each strike's error follow the losses that it
    must have met; the terms are fitted to these by least squares, for each lag in turn.
    """
    terms = SupplyTerms(per_ampere=rig.setting.source / float(np.mean(rig.setting.voltage)), lag=0.002)
    for number in range(ROUNDS):
        chords = random_chords(calibration, CHORDS, number)
        answer = look_up(calibration, chords)
        drawn = current[chords.hammer]
        start, width, x, z = compensate(answer, chords, terms, drawn)
        time, level = strike(rig, chords, start, width)
        missing = chords.level - level
        x = x + missing * answer.per_level / (answer.width_loss + 2 * x * answer.width_loss2)
        late = time - chords.contact + missing * answer.later
        z = z + late / (answer.latency_loss + 2 * z * answer.latency_loss2)
        terms = _fitted(answer, start, width, drawn, x, z)
    return terms


def _fitted(answer: Answer, start: Floats, width: Floats, drawn: Floats, x: Floats, z: Floats) -> SupplyTerms:
    """Return the terms that explain the losses x and z best; a lag that fits as well is the shorter."""
    loudness = np.abs(answer.width_loss / answer.per_level) / LEVEL_UNIT
    lateness = np.abs(answer.latency_loss) / TIME_UNIT
    good = np.isfinite(x) & np.isfinite(z)
    weight = np.concatenate((loudness, lateness)) * np.tile(good, 2)
    asked = np.where(np.tile(good, 2), np.concatenate((x, z)), 0.0) * weight
    best, least = SupplyTerms(), np.inf
    for lag in LAGS.tolist():
        mean, weighted = SupplyTerms(lag=lag, latency_slope=1.0).beside(start, start + width, drawn)
        tilt = weighted - mean
        none = np.zeros_like(mean)
        columns = np.array([np.tile(mean, 2), np.concatenate((tilt, none)), np.concatenate((none, tilt))])
        found, *_ = np.linalg.lstsq((columns * weight).T, asked, rcond=None)
        error = float(np.sum(((found @ columns) * weight - asked) ** 2))
        if error < least and found[0] > 0:
            least = error
            slopes = (found[1:] / found[0]).tolist()
            best = SupplyTerms(float(found[0]), lag, *slopes)
    return best
