"""The fit against its own definition: the most probable parameters, and how sure they are."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tuning.test_fitting import DEFAULT, LATENCY_SD, LEVEL_SD, START, trials
from xylophone.tuning.fitting import BEND_LATENCY, BEND_WIDTH, PRIORS, FittedCurve, fit
from xylophone.tuning.shape import COMMON, FINE, NODES, Foretold, Outcomes, Shape

SCALES = np.array([*PRIORS.values(), *[BEND_WIDTH] * NODES, *[BEND_LATENCY] * NODES])
MANY = np.linspace(0.0095, 0.0145, 24)


@cache
def heard(seed: int) -> Outcomes:
    """Return trials with an outlier, some without a latency, and some that were not heard."""
    of = trials(MANY, seed)
    level, latency, most = of.level.copy(), of.latency.copy(), of.most.copy()
    level[3] += 4.0
    latency[[5, 9]] = np.nan
    for place, loud in ((0, 60.0), (1, -60.0)):  # one that should not have been heard, one that should
        level[place] = latency[place] = np.nan
        most[place] = loud
    return Outcomes(of.width, of.loss, of.rested, level, latency, most)


@cache
def found_for(seed: int) -> FittedCurve:
    return fit(heard(seed), DEFAULT, 1, (LEVEL_SD, LATENCY_SD), START)


def off(found: np.ndarray, of: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """Return by how many standard deviations levels and latencies are off; NaN where nothing is known."""
    told = Foretold.of(Shape.of(DEFAULT, 1), found, of)
    level = [
        one - is_ if not np.isnan(one) else (most - is_ if most < is_ else np.nan)
        for one, is_, most in zip(of.level, told.level, of.most, strict=True)
    ]
    return np.array(level) / LEVEL_SD, (of.latency - told.latency) / LATENCY_SD


def weights(found: np.ndarray, of: Outcomes) -> np.ndarray:
    """Return (4 + values) / (4 + squares) of each trial: Student's t of four degrees of freedom."""
    pairs = list(zip(*off(found, of), strict=True))
    known = np.array([max(1, sum(not np.isnan(one) for one in pair)) for pair in pairs])
    return (4 + known) / (4 + np.nansum(np.square(pairs), axis=1))


def inverse_covariance() -> np.ndarray:
    """Return what is known beforehand: bends of near nodes are alike."""
    places = np.linspace(-1, 1, NODES)
    near = np.exp(-0.5 * ((places[:, None] - places) / 0.6) ** 2) + 1e-3 * np.eye(NODES)
    covariance = np.diag(SCALES**2)
    for first, scale in ((COMMON, BEND_WIDTH), (COMMON + NODES, BEND_LATENCY)):
        covariance[first : first + NODES, first : first + NODES] = near * scale**2
    return np.linalg.inv(covariance)


def improbability(found: np.ndarray, of: Outcomes, base: np.ndarray) -> float:
    pairs = list(zip(*off(found, of), strict=True))
    known = np.array([max(1, sum(not np.isnan(one) for one in pair)) for pair in pairs])
    of_trials = np.sum((4 + known) * np.log1p(np.nansum(np.square(pairs), axis=1) / 4))
    return float(of_trials + (found - base) @ inverse_covariance() @ (found - base))


def base_of(of: Outcomes) -> np.ndarray:
    """Return the mean with pulses so much longer, of all guesses, that an average hammer explains most."""
    shape, costs = Shape.of(DEFAULT, 1), {}
    mean = np.zeros(len(SCALES))
    mean[[0, 4]] = START
    for part in np.arange(-0.3, 1.51, 0.05):
        longer = part * shape.width[FINE // 2]
        shorter = Outcomes(of.width - longer, of.loss, of.rested, of.level, of.latency, of.most)
        squares = np.nan_to_num(np.square(off(mean, shorter)))
        costs[longer] = np.log1p(squares / 4).sum() + abs(part)
    base = mean.copy()
    base[2] = min(costs, key=costs.__getitem__)
    return base


@pytest.mark.parametrize("seed", range(2))
def test_no_other_parameters_near_are_more_probable(seed: int) -> None:
    of, found = heard(seed), found_for(seed).found
    base = base_of(of)
    least = improbability(found, of, base)
    for step in np.diag(SCALES):
        for size in (0.03, -0.03):
            assert improbability(found + size * step, of, base) > least - 1e-6


@pytest.mark.parametrize("seed", range(2))
def test_the_spread_is_the_inverse_of_the_curvature_with_weights_held(seed: int) -> None:
    of, fitted = heard(seed), found_for(seed)
    slopes = []
    for step in np.diag(1e-6 * SCALES):
        after, before = (np.nan_to_num(np.concatenate(off(fitted.found + s * step, of))) for s in (1, -1))
        slopes.append((before - after) / (2 * step.max()))
    slope = np.array(slopes)
    curvature = slope * np.tile(weights(fitted.found, of), 2) @ slope.T + inverse_covariance()
    assert np.linalg.inv(curvature) / np.outer(SCALES, SCALES) == pytest.approx(
        fitted.spread / np.outer(SCALES, SCALES), rel=0.04, abs=1e-3
    )


@pytest.mark.parametrize("seed", range(2))
def test_what_is_told_of_the_trials_is_of_those_that_were_heard(seed: int) -> None:
    of, fitted = heard(seed), found_for(seed)
    was = np.isfinite(of.level)
    level, latency = off(fitted.found, of)
    assert fitted.level_error == pytest.approx(level[was] * LEVEL_SD)
    assert fitted.latency_error == pytest.approx(latency[was] * LATENCY_SD, nan_ok=True)
    assert np.isnan(fitted.latency_error).sum() == 2
    weight = weights(fitted.found, of)
    assert fitted.weight == pytest.approx(weight[was])
    assert weight[3] < 0.3
    assert fitted.softest == of.level[was][weight[was] > 0.7].min()


@pytest.mark.parametrize("seed", range(2))
def test_uncertainty_is_the_spread_of_curves_drawn_from_the_parameters(seed: int) -> None:
    fitted = found_for(seed)
    level, width, latency = fitted.curves()
    rng = np.random.default_rng(seed)
    drawn = fitted.found + 0.05 * rng.multivariate_normal(np.zeros(len(SCALES)), fitted.spread, 1500)
    curves = [fitted.shape.curves(parameters) for parameters in drawn]
    inside = slice(25, 135)
    for told, of, place in zip(fitted.uncertainty(), (width, latency), (1, 2), strict=True):
        at = np.array([np.interp(level, curve[0], curve[place]) - of for curve in curves])
        ratio = told[inside] / (at.std(axis=0)[inside] / 0.05)
        assert ratio == pytest.approx(np.ones(len(ratio)), rel=0.3)
        assert np.median(ratio) == pytest.approx(1.0, rel=0.05)
    assert fitted.level_uncertainty() == pytest.approx(fitted.uncertainty()[0] * np.gradient(level, width))
    vague = np.flatnonzero(2 * fitted.level_uncertainty()[: FINE // 2] > 1.0)
    known = level[vague[-1] + 1] if len(vague) else level[0]
    assert fitted.known_from() == max(known, fitted.softest - 0.5)
    assert (fitted.gain, fitted.delay, fitted.rest) == (
        fitted.found[0],
        fitted.found[4],
        np.exp(fitted.found[5]),
    )
