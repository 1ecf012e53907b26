"""Curves from trials: how wide a pulse gives which level and how late, for one hammer, with its uncertainty.

The parameters of a Shape are found together: the most probable ones, given the trials, where PRIORS say how
far hammers of a kind differ. Outliers weigh less (Student's t, by weighting anew: Lange, Little & Taylor
1989). Gauss-Newton, held back wherever a step would explain the trials worse (Levenberg 1944, Marquardt
1963); the curvature at the end gives the uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ..calibration.values import Calibration
from ..tables import Bools, Floats
from .shape import COMMON, FINE, NODES, B, C, D, Foretold, Outcomes, P, Shape, alike

PRIORS = {"c": 12.0, "s": 0.3, "b": 0.004, "z": 0.3, "d": 0.02, "p": 0.5}
"""Standard deviations by which hammers differ: dB, factor e, s, factor e, s, factor e. Wide on purpose."""

BEND_WIDTH, BEND_LATENCY = 0.00025, 0.0006
"""s; how far a curve bends away from the default's shape at each node, standard deviation."""

FREEDOM = 4.0
"""Degrees of freedom of Student's t: how heavy the tails of what is heard are."""

FITS = 0.7
"""Weight from which on a trial is no outlier."""

KNOWN = 1.0
"""dB to which a level must be known, by two standard errors, to be asked of a hammer."""

BEYOND = 0.5
"""dB below the softest trial over which a curve is taken to run on."""

GUESSES = np.arange(-0.3, 1.51, 0.05)
"""Parts of the default's pulse by which the first guess is shorter or longer."""

ROUNDS = 60
SETTLED = 1e-3  # of its prior; no parameter moves by more in the last round
HELD, EASE, TIGHTEN = 1e-3, 0.2, 5.0  # how far steps are held back at first, after a good one, a bad one
STEP = 1e-3  # of each parameter's prior, for differences


@dataclass(frozen=True)
class FittedCurve:
    """The curves of one hammer that explain its trials best, and how sure they are.

    `found` are the parameters, `spread` their covariance. `level_error` and `latency_error` are what was
    heard less what the curves say, one for each trial that was heard, NaN outside of the curves; `weight` how
    far it counted. `softest` is the level (dB) of the softest one that fits.
    """

    shape: Shape
    found: Floats
    spread: Floats
    level_error: Floats
    latency_error: Floats
    weight: Floats
    softest: float

    def curves(self) -> tuple[Floats, Floats, Floats]:
        """Return level, width and latency at FINE points, cold and just played."""
        return self.shape.curves(self.found)

    @property
    def gain(self) -> float:
        """By how many dB its level is greater than the default's."""
        return float(self.found[C])

    @property
    def delay(self) -> float:
        """By how many seconds its latency is greater than the default's, in the middle of its range."""
        return float(self.found[D])

    @property
    def rest(self) -> float:
        """The factor on the default's rest terms."""
        return float(np.exp(self.found[P]))

    def level_uncertainty(self) -> Floats:
        """Return the standard deviation of the level (dB) that a pulse brings, at FINE points."""
        level, width, _ = self.curves()
        return self.uncertainty()[0] * np.gradient(level, width)

    def known_from(self) -> float:
        """Return the level (dB) from which on, up to the middle, levels are KNOWN, and were heard."""
        level = self.curves()[0]
        vague = np.flatnonzero(2.0 * self.level_uncertainty()[: FINE // 2] > KNOWN)
        sure = level[vague[-1] + 1] if len(vague) else level[0]
        return float(max(sure, self.softest - BEYOND))

    def uncertainty(self) -> tuple[Floats, Floats]:
        """Return the standard deviations of width and latency (s) at FINE points, each at its level."""
        base = self._at_level(self.found)
        steps = STEP * _scales()
        moved = [self._at_level(self.found + step) for step in np.diag(steps)]
        slopes = np.stack([(curve - base) / step for curve, step in zip(moved, steps, strict=True)], axis=-1)
        variance = np.einsum("kip,pq,kiq->ki", slopes, self.spread, slopes)
        width, latency = np.sqrt(np.maximum(variance, 0.0))
        return width, latency

    def _at_level(self, found: Floats) -> Floats:
        """Return width and latency, (2, FINE), that other parameters give at the levels of these."""
        level, width, latency = self.shape.curves(found)
        asked = self.curves()[0]
        return np.stack([np.interp(asked, level, curve) for curve in (width, latency)])


@dataclass(frozen=True)
class _Search:
    """Trials that are to be explained: `sds` of levels, then of latencies; parameters are about `mean`."""

    shape: Shape
    trials: Outcomes
    sds: Floats
    mean: Floats

    def at(self, found: Floats) -> _State:
        """Return how well parameters explain the trials."""
        return _State(self, found, Foretold.of(self.shape, found, self.trials))


@dataclass(frozen=True)
class _State:
    """Parameters, and how well they explain the trials."""

    search: _Search
    found: Floats
    foretold: Foretold

    @cached_property
    def miss(self) -> Floats:
        """What was heard less what is foretold, levels then latencies.

        Where nothing was heard, and rightly, NaN; else by how much what is foretold should have been heard.
        """
        trials, foretold = self.search.trials, self.foretold.level
        unheard = np.where(trials.most < foretold, trials.most, np.nan)
        level = np.where(np.isnan(trials.level), unheard, trials.level)
        return np.concatenate((level - foretold, trials.latency - self.foretold.latency))

    @cached_property
    def seen(self) -> Bools:
        return np.isfinite(self.miss)

    @cached_property
    def scaled(self) -> Floats:
        return np.where(self.seen, self.miss, 0.0) / self.search.sds

    @cached_property
    def squares(self) -> Floats:
        """Square of what each trial is off, in standard deviations."""
        return np.add(*np.split(self.scaled**2, 2))

    @cached_property
    def freedom(self) -> Floats:
        """FREEDOM and how many values each trial has."""
        return np.asarray(FREEDOM + np.maximum(1, np.add(*np.split(self.seen.astype(int), 2))))

    @cached_property
    def weight(self) -> Floats:
        """How far each trial counts: about 1 for one that fits, little for an outlier."""
        return self.freedom / (FREEDOM + self.squares)

    @cached_property
    def cost(self) -> float:
        """How improbable parameters and trials are together: -2 log of it, but for a constant."""
        away = self.found - self.search.mean
        trials = float(np.sum(self.freedom * np.log1p(self.squares / FREEDOM)))
        return trials + float(away @ _prior() @ away)

    @cached_property
    def curvature_and_pull(self) -> tuple[Floats, Floats]:
        """The cost's curvature, weights held, and its downhill slope; both halved."""
        slopes = np.where(self.seen[:, None], self.foretold.slopes(), 0.0) / self.search.sds[:, None]
        weighted = slopes.T * np.tile(self.weight, 2)
        prior = _prior()
        return weighted @ slopes + prior, weighted @ self.scaled - prior @ (self.found - self.search.mean)


def fit(
    trials: Outcomes, default: Calibration, row: int, sds: tuple[float, float], start: Floats
) -> FittedCurve:
    """Return the curves of a hammer that explain its trials best.

    `sds` are the scatter from strike to strike, in level (dB) and latency (s). `start` are level (dB) and
    latency (s) by which the trials are greater than the default's, roughly: their reference.
    """
    shape, count = Shape.of(default, row), len(trials)
    mean: Floats = np.zeros(len(_scales()))
    mean[C], mean[D] = start
    every = np.repeat(sds, count)
    best = _settled(_Search(shape, trials, every, _first_guess(shape, mean, trials, every)))
    spread: Floats = np.linalg.inv(best.curvature_and_pull[0]).astype(np.float64)
    heard = np.isfinite(trials.level)
    level_error, latency_error = (part[heard] for part in np.split(best.miss, 2))
    softest = float(trials.level[heard][best.weight[heard] > FITS].min(initial=np.inf))
    return FittedCurve(shape, best.found, spread, level_error, latency_error, best.weight[heard], softest)


def _settled(search: _Search) -> _State:
    """Go downhill from the search's mean until the parameters no longer move."""
    state, held, scales = search.at(search.mean), HELD, _scales()
    for _ in range(ROUNDS):
        curvature, pull = state.curvature_and_pull
        step = np.linalg.solve(curvature + held * np.diag(np.diag(curvature)), pull)
        after = search.at(state.found + np.clip(step, -3 * scales, 3 * scales))
        if after.cost <= state.cost:
            state, held = after, held * EASE
        else:
            held *= TIGHTEN
        if np.abs(step / scales).max() < SETTLED:
            break
    return state


def _first_guess(shape: Shape, mean: Floats, trials: Outcomes, sds: Floats) -> Floats:
    """Return the parameters of an average hammer with pulses so much shorter or longer that the trials fit.

    A hammer that needs longer pulses answers as an average one does to pulses that are so much shorter.
    """
    longer, count = GUESSES * shape.width[FINE // 2], len(GUESSES)
    widths = (trials.width - longer[:, None]).ravel()
    others = (trials.loss, trials.rested, trials.level, trials.latency, trials.most)
    many = Outcomes(widths, *(np.tile(values, count) for values in others))
    every = np.concatenate([np.tile(part, count) for part in np.split(sds, 2)])
    search = _Search(shape, many, every, mean)
    squares = search.at(mean).scaled.reshape(2, count, -1) ** 2
    cost = np.log1p(squares / FREEDOM).sum(axis=(0, 2)) + np.abs(GUESSES)
    found = mean.copy()
    found[B] = longer[int(np.argmin(cost))]
    return found


@cache
def _scales() -> Floats:
    return np.concatenate((list(PRIORS.values()), np.full(NODES, BEND_WIDTH), np.full(NODES, BEND_LATENCY)))


@cache
def _prior() -> Floats:
    """Return the inverse covariance of the parameters."""
    nodes = np.linspace(-1.0, 1.0, NODES)
    near = np.linalg.inv(alike(nodes[:, None] - nodes) + 1e-3 * np.eye(NODES))
    prior = np.zeros((COMMON + 2 * NODES, COMMON + 2 * NODES))
    prior[:COMMON, :COMMON] = np.diag([1.0 / sd**2 for sd in PRIORS.values()])
    prior[COMMON : COMMON + NODES, COMMON : COMMON + NODES] = near / BEND_WIDTH**2
    prior[COMMON + NODES :, COMMON + NODES :] = near / BEND_LATENCY**2
    return prior
