"""Chords: by how much the supply sags under several coils, learnt from hammers struck together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..calibration.values import Calibration
from ..tables import TRIAL, Floats, Trials, as_trials, ordered
from .analysis import Analysis, calibration_of
from .spread import robust
from .trials import Purpose

COUNT = 8
"""Chords of a session."""

NOTES = 6
"""Hammers of a chord at most; fewer where the supply drives fewer."""

GAP = (0.42, 0.58)
"""s from chord to chord, uneven so that a recording of them alone fits in one way only."""

AT = 0.75
"""How loud they are: part of a hammer's range, in dB, from soft to loud."""

LEAST = 12
"""Trials in chords that must be heard, or the default's supply term stays."""

BOUNDS = (0.1, 6.0)
"""Factors on the default's term that are believed; beyond them something else was heard."""


def chord_trials(analysis: Analysis, begin: float) -> Trials:
    """Return trials (dtype TRIAL) of chords whose contacts coincide, the first chord at `begin`."""
    known = [place for place, found in enumerate(analysis.fits) if found is not None]
    size = min(NOTES, analysis.instrument.largest_chord, len(known) // 2)
    if size < 2:
        return as_trials(np.zeros(0, TRIAL))
    rows, contact = [], begin + 0.1
    gaps = np.random.default_rng(COUNT).uniform(*GAP, COUNT)
    for places, gap in zip(circles(len(known), size), gaps, strict=True):
        for place in sorted(known[at] for at in places):
            width, latency = _pulse(analysis, place)
            rows.append((contact - latency, width, place, Purpose.CHORD))
        contact += gap
    return ordered(as_trials(np.array(rows, TRIAL)), "start")


def circles(count: int, size: int) -> list[list[int]]:
    """Return which of `count` hammers each chord of `size` strikes.

    Evenly round the circle: no two are neighbours, whose sounds are hard to tell apart.
    """
    first = np.arange(size) * count // size
    return [((first + 2 * number) % count).tolist() for number in range(COUNT)]


def _pulse(analysis: Analysis, place: int) -> tuple[float, float]:
    """Return width and latency, from the calibration's zero, of a fairly loud blow after a rest."""
    found = analysis.fits[place]
    assert found is not None
    level, width, latency = found.curves()
    loud = level[0] + AT * (level[-1] - level[0])
    shape, limit = found.shape, analysis.instrument.hammers[place].longest_pulse
    rested, sagging = 0.7 * found.rest, 0.03
    wide = width + rested * shape.width_rest + sagging * shape.width_loss
    late = latency + rested * shape.latency_rest + sagging * shape.latency_loss - analysis.delay
    return min(float(np.interp(loud, level, wide)), limit), float(np.interp(loud, level, late))


def supply_factor(analysis: Analysis) -> float | None:
    """Return by which factor the supply sags more than the default says; None where too little was heard.

    The level of each hammer in a chord tells which loss of drive it met; the currents beside it say which it
    should have. Least squares through zero, outliers weighing less.
    """
    evidence = analysis.evidence
    rows = np.flatnonzero((evidence.trials["purpose"] == Purpose.CHORD) & np.isfinite(evidence.level))
    if len(rows) < LEAST:
        return None
    expected = _foretold(analysis)[rows]
    met = np.array([_loss(analysis, row) for row in rows.tolist()])
    good = np.isfinite(met) & (expected > 0)
    if good.sum() < LEAST:
        return None
    met, expected = met[good], expected[good]
    weight, factor = np.ones(len(met)), 1.0
    for _ in range(10):
        factor = float(np.sum(weight * met * expected) / np.sum(weight * expected**2))
        away = met - factor * expected
        scale = max(1e-4, robust(away))
        weight = 1.0 / (1.0 + (away / (2.0 * scale)) ** 2)
    return factor if BOUNDS[0] <= factor <= BOUNDS[1] else None


def _foretold(analysis: Analysis) -> Floats:
    """Return the drive loss by other coils that the default's supply term foretells for each trial."""
    supply, trials = analysis.default.supply, analysis.evidence.trials
    current = analysis.instrument.column("current")[trials["hammer"]]
    met = supply.beside(trials["start"], trials["start"] + trials["width"], current)[0]
    return np.asarray(met * supply.per_ampere)


def _loss(analysis: Analysis, row: int) -> float:
    """Return the loss of drive by other coils that explains the level of one trial; NaN where none does."""
    evidence = analysis.evidence
    found = analysis.fits[int(evidence.trials["hammer"][row])]
    if found is None:
        return np.nan
    level, width, _ = found.curves()
    heard = float(evidence.level[row])
    if not level[0] < heard < level[-1]:
        return np.nan
    shape, rested = found.shape, float(evidence.rested[row]) * found.rest
    plain, rest, linear, square = (
        float(np.interp(heard, level, curve))
        for curve in (width, shape.width_rest, shape.width_loss, shape.width_loss2)
    )
    spare = float(evidence.trials["width"][row]) - plain - rested * rest
    loss = spare / linear
    for _ in range(4):
        loss = spare / (linear + square * loss)
    return loss - float(evidence.loss[row])


def result_of(analysis: Analysis) -> Calibration:
    """Return the calibration that a session has led to; its supply term too, if chords were heard."""
    calibration = calibration_of(analysis)
    factor = supply_factor(analysis)
    if factor is None:
        return calibration
    supply = replace(calibration.supply, per_ampere=calibration.supply.per_ampere * factor)
    return replace(calibration, supply=supply, measured=("supply",))
