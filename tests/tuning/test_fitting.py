"""Curves that explain trials best: found from any start, and no blow beyond their end leads astray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tuning.sessions import THREE
from xylophone.calibration.file import default_calibration
from xylophone.tuning.fitting import FittedCurve, fit
from xylophone.tuning.shape import COMMON, NODES, Foretold, Outcomes, Shape, unbent

DEFAULT = default_calibration(THREE)
SHAPE = Shape.of(DEFAULT, 1)
LEVEL_SD, LATENCY_SD = 0.3, 0.0003
START = np.array([-13.5, -0.003])


def truth() -> np.ndarray:
    found = unbent()
    found[:COMMON] = -14.0, 0.05, -0.0008, 0.05, -0.0035, -0.3
    found[COMMON : COMMON + NODES] = 0.0001 * np.array([1, -1, 0, 1, 0, -1])
    return found


def trials(widths: np.ndarray, seed: int = 0) -> Outcomes:
    """Return what the true hammer, with scatter, makes of pulses."""
    chance = np.random.default_rng(seed)
    rested = np.where(np.arange(len(widths)) % 4 == 0, 0.9, 0.03)
    plain = Outcomes(widths, np.full(len(widths), 0.001), rested, 0.0 * widths, 0.0 * widths, 0.0 * widths)
    told = Foretold.of(SHAPE, truth(), plain)
    level = told.level + LEVEL_SD * chance.standard_normal(len(widths))
    latency = told.latency + LATENCY_SD * chance.standard_normal(len(widths))
    return Outcomes(widths, plain.loss, rested, level, latency, np.full(len(widths), np.nan))


def fitted(of: Outcomes, start: np.ndarray = START) -> FittedCurve:
    return fit(of, DEFAULT, 1, (LEVEL_SD, LATENCY_SD), start)


FEW = np.linspace(0.0095, 0.0145, 16)
REFERENCE = np.concatenate((np.full(40, 0.01298), [0.0164, 0.0139], np.linspace(0.0095, 0.0125, 14)))
"""Pulses of the hammer that is struck again and again, one of them longer than its curve goes."""


def test_slopes_are_what_the_predictions_change_by_also_beyond_the_ends() -> None:
    of = trials(np.array([0.0088, 0.0105, 0.0125, 0.0140, 0.0200]))
    slopes = Foretold.of(SHAPE, truth(), of).slopes()
    for number, scale in enumerate([1.0, 0.1, 1e-4, 0.1, 1e-4, 0.1] + [1e-5] * 2 * NODES):
        step = np.zeros(len(truth()))
        step[number] = 1e-4 * scale
        after, before = (Foretold.of(SHAPE, truth() + side * step, of) for side in (1, -1))
        for rows, told in ((slice(0, 5), "level"), (slice(5, 10), "latency")):
            change = (getattr(after, told) - getattr(before, told)) / (2e-4 * scale)
            assert slopes[rows, number] == pytest.approx(change, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("widths", [FEW, REFERENCE], ids=["few", "reference"])
@pytest.mark.parametrize("seed", range(5))
def test_curves_explain_the_trials_as_well_as_the_scatter_lets_them(widths: np.ndarray, seed: int) -> None:
    found = fitted(trials(widths, seed))
    assert 1.4826 * np.median(np.abs(found.level_error)) < 1.5 * LEVEL_SD
    assert 1.4826 * np.median(np.abs(found.latency_error)) < 1.5 * LATENCY_SD


@pytest.mark.parametrize("seed", range(5))
def test_the_most_probable_curves_do_not_hang_on_a_little_more_scatter(seed: int) -> None:
    one = trials(REFERENCE, seed)
    other = replace(one, level=one.level + 1e-3 * np.cos(7.0 * one.level))
    curves = [fitted(of).curves() for of in (one, other)]
    inside = slice(30, 120)
    widths = [np.interp(curves[0][0][inside], level, width) for level, width, _ in curves]
    assert widths[0] == pytest.approx(widths[1], rel=2e-3)


SHORT = np.array([0.0093, 0.0097, 0.0101])
"""s; pulses that bring no sound."""


def with_silence(of: Outcomes, most: float) -> Outcomes:
    """Return trials of which three more brought no sound, which `most` dB would have."""
    none = np.full(len(SHORT), np.nan)
    more = Outcomes(SHORT, 0.0 * SHORT, 0.0 * SHORT, none, none, np.full(len(SHORT), most))
    return Outcomes(
        *(np.concatenate(pair) for pair in zip(vars(of).values(), vars(more).values(), strict=True))
    )


def test_what_was_not_heard_is_softer_than_what_would_have_been() -> None:
    loud = trials(np.linspace(0.0112, 0.0145, 12))
    plain = fitted(loud)
    told = Foretold.of(SHAPE, plain.found, with_silence(loud, 0.0)).level[-1]
    silent = fitted(with_silence(loud, told - 2.0))
    assert Foretold.of(SHAPE, silent.found, with_silence(loud, 0.0)).level[-1] < told - 1.0
    assert len(silent.level_error) == len(silent.weight) == len(loud)
    assert silent.softest == plain.softest


def test_silence_that_was_to_be_expected_says_nothing() -> None:
    of = trials(FEW)
    plain, silent = fitted(of), fitted(with_silence(of, 0.0))
    assert silent.found == pytest.approx(plain.found, abs=1e-9)
    assert silent.spread == pytest.approx(plain.spread, abs=1e-9)


@pytest.mark.parametrize("shortest", [0.0095, 0.0105, 0.0115])
def test_a_curve_is_known_from_where_blows_were_heard(shortest: float) -> None:
    of = trials(np.linspace(shortest, 0.0145, 16))
    found = fitted(of)
    level = found.curves()[0]
    assert of.level.min() - 0.5 <= found.known_from() + 1e-9
    asked = (level >= found.known_from()) & (level < level[len(level) // 2])
    assert np.all(2.0 * found.level_uncertainty()[asked] <= 1.0)
