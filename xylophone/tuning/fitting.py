"""Curves from trials: how wide a pulse gives which level and how late, for one hammer, with its uncertainty.

A hammer is described as a deformation of the default curves of its kind, which give level, width and
latency at each knot. With q going from -1 at the softest knot to 1 at the loudest,

    level   = default + c
    width   = (default - middle) exp(s) + middle + b + bend_w(q)
    latency = (default - middle) exp(z) + middle + d + bend_t(q)

and both rest terms are exp(p) times the default's. c, s, b, z, d, p and the values of the two bends at NODES
are found together: the most probable ones, given the trials, where PRIORS say how far hammers of a kind
differ. A trial's pulse, less what loss of drive and rest take of it, gives a place on the curve; its level
and contact time there are compared with what was heard. Outliers weigh less (Student's t, by weighting anew:
Lange, Little & Taylor 1989). Gauss-Newton; the curvature at the end gives the uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from ..calibration import CURVES, Calibration

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]

NODES = 6
"""Places from the softest to the loudest knot at which a curve may bend away from the default's shape."""

PRIORS = {"c": 12.0, "s": 0.3, "b": 0.004, "z": 0.3, "d": 0.02, "p": 0.5}
"""Standard deviations by which hammers differ: dB, factor e, s, factor e, s, factor e. Wide on purpose."""

BEND_WIDTH, BEND_LATENCY = 0.00025, 0.0006
"""s; how far a curve bends away from the default's shape at each node, standard deviation."""

SMOOTH = 0.6
"""Bends of nodes that lie this far apart in q are alike (correlation exp(-1/2))."""

SOFTER, LOUDER = 3.0, 1.0
"""dB beyond the default's knots over which its curves are taken to run straight on."""

FREEDOM = 4.0
"""Degrees of freedom of Student's t: how heavy the tails of what is heard are."""

BELOW = 60.0
"""Points of a curve by which it is gone on with below its softest one."""

GUESSES = np.arange(-0.3, 1.51, 0.05)
"""Parts of the default's pulse by which the first guess is shorter or longer."""

ROUNDS = 15
SETTLED = 1e-3  # of its prior; no parameter moves by more in the last round
STEP = 1e-3  # of each parameter's prior, for differences
FINE = 160  # points of a curve between knots


@dataclass(frozen=True)
class Trials:
    """What n trials of one hammer came to: pulse, condition, and level and latency as heard.

    `loss` is the drive loss foretold, `rested` 0..1. `latency` is the contact's time less the pulse's
    start, s; NaN where only the level is known (in chords). Level is in dB, of any reference.
    """

    width: Array
    loss: Array
    rested: Array
    level: Array
    latency: Array

    def __len__(self) -> int:
        return len(self.width)


@dataclass(frozen=True)
class Shape:
    """The default curves of a kind, finely divided: every array has FINE points from soft to loud."""

    place: Array  # -1..1
    level: Array
    width: Array
    latency: Array
    width_loss: Array
    width_loss2: Array
    latency_loss: Array
    latency_loss2: Array
    width_rest: Array
    latency_rest: Array
    bend: Array  # (FINE, NODES): how the bends' values at the nodes make the curve

    @classmethod
    def of(cls, default: Calibration, row: int) -> Shape:
        """Return the shape of one hammer's default curves."""
        knots = default.level[row]
        level = np.linspace(knots[0] - SOFTER, knots[-1] + LOUDER, FINE)
        curves = {key: _extended(level, knots, getattr(default, key)[row]) for key in CURVES}
        place = 2.0 * (level - knots[0]) / (knots[-1] - knots[0]) - 1.0
        nodes = np.linspace(-1.0, 1.0, NODES)
        near = _alike(place[:, None] - nodes) @ np.linalg.inv(
            _alike(nodes[:, None] - nodes) + 1e-6 * np.eye(NODES)
        )
        return cls(place=place, level=level, bend=near, **curves)


def _extended(level: Array, knots: Array, curve: Array) -> Array:
    """Return a curve at these levels, straight on beyond its ends."""
    slope = np.gradient(curve, knots)
    below, above = np.minimum(level - knots[0], 0.0), np.maximum(level - knots[-1], 0.0)
    extended: Array = np.interp(level, knots, curve) + slope[0] * below + slope[-1] * above
    return extended


def _alike(distance: Array) -> Array:
    return np.exp(-0.5 * (distance / SMOOTH) ** 2)


@dataclass(frozen=True)
class Fit:
    """The curves of one hammer that explain its trials best, and how sure they are.

    `found` are the parameters, `spread` their covariance. `level_error` and `latency_error` are what was
    heard less what the curves say, one for each trial, NaN outside of the curves; `weight` how far a
    trial counted.
    """

    shape: Shape
    found: Array
    spread: Array
    level_error: Array
    latency_error: Array
    weight: Array

    def curves(self, found: Array | None = None) -> tuple[Array, Array, Array]:
        """Return level, width and latency at FINE points, cold and just played."""
        return _curves(self.shape, self.found if found is None else found)

    @property
    def rest(self) -> float:
        """The factor on the default's rest terms."""
        return float(np.exp(self.found[5]))

    def uncertainty(self) -> tuple[Array, Array]:
        """Return the standard deviations of width and latency (s) at FINE points, each at its level."""
        base = self._at_level(self.found)
        steps = STEP * _scales()
        moved = [self._at_level(self.found + step) for step in np.diag(steps)]
        slopes = np.stack([(curve - base) / step for curve, step in zip(moved, steps, strict=True)], axis=-1)
        variance = np.einsum("kip,pq,kiq->ki", slopes, self.spread, slopes)
        width, latency = np.sqrt(np.maximum(variance, 0.0))
        return width, latency

    def _at_level(self, found: Array) -> Array:
        """Return width and latency, (2, FINE), that other parameters give at the levels of these."""
        level, width, latency = self.curves(found)
        asked = self.curves()[0]
        return np.stack([np.interp(asked, level, curve) for curve in (width, latency)])


def fit(
    trials: Trials, default: Calibration, row: int, level_sd: float, latency_sd: float, start: Array
) -> Fit:
    """Return the curves of a hammer that explain its trials best.

    `level_sd` (dB) and `latency_sd` (s) are the scatter from strike to strike. `start` are level (dB) and
    latency (s) by which the trials are greater than the default's, roughly: their reference.
    """
    shape, scales, prior = Shape.of(default, row), _scales(), _prior()
    mean = np.zeros(len(scales))
    mean[0], mean[4] = start
    count = len(trials)
    sds = np.concatenate((np.full(count, level_sd), np.full(count, latency_sd)))
    mean = _first_guess(shape, mean, trials, sds)
    found = mean.copy()
    for _ in range(ROUNDS):
        miss, seen = _miss(shape, found, trials)
        scaled = np.where(seen, miss, 0.0) / sds
        weight = _weight(scaled, seen)
        slopes = np.where(seen[:, None], _slopes(shape, found, trials), 0.0) / sds[:, None]
        pull = np.tile(weight, 2)
        gain = slopes.T @ (slopes * pull[:, None]) + prior
        step = np.linalg.solve(gain, slopes.T @ (pull * scaled) - prior @ (found - mean))
        found = found + np.clip(step, -3 * scales, 3 * scales)
        if np.abs(step / scales).max() < SETTLED:
            break
    miss, seen = _miss(shape, found, trials)
    weight = _weight(np.where(seen, miss, 0.0) / sds, seen)
    miss = np.where(seen, miss, np.nan)
    return Fit(shape, found, np.linalg.inv(gain), miss[:count], miss[count:], weight)


def _first_guess(shape: Shape, mean: Array, trials: Trials, sds: Array) -> Array:
    """Return the parameters of an average hammer with pulses so much shorter or longer that the trials
    fit."""
    best, least = mean, np.inf
    for part in GUESSES:
        found = mean.copy()
        found[2] = part * shape.width[FINE // 2]
        miss, seen = _miss(shape, found, trials)
        cost = float(np.sum(np.log1p((miss[seen] / sds[seen]) ** 2 / FREEDOM))) + abs(part)
        if cost < least:
            best, least = found, cost
    return best


def _weight(scaled: Array, seen: Flags) -> Array:
    """Return how far each trial counts: about 1 for one that fits, little for an outlier."""
    levels, latencies = np.split(scaled * scaled, 2)
    freedom = FREEDOM + np.maximum(1, np.add(*np.split(seen.astype(int), 2)))
    weight: Array = freedom / (FREEDOM + levels + latencies)
    return weight


def unbent() -> Array:
    """Return the parameters with which a Shape is just the curves it was made of."""
    return np.zeros(len(PRIORS) + 2 * NODES)


def _scales() -> Array:
    return np.concatenate((list(PRIORS.values()), np.full(NODES, BEND_WIDTH), np.full(NODES, BEND_LATENCY)))


@cache
def _prior() -> Array:
    """Return the inverse covariance of the parameters."""
    nodes = np.linspace(-1.0, 1.0, NODES)
    alike = np.linalg.inv(_alike(nodes[:, None] - nodes) + 1e-3 * np.eye(NODES))
    count = len(PRIORS)
    prior = np.zeros((count + 2 * NODES, count + 2 * NODES))
    prior[:count, :count] = np.diag([1.0 / sd**2 for sd in PRIORS.values()])
    prior[count : count + NODES, count : count + NODES] = alike / BEND_WIDTH**2
    prior[count + NODES :, count + NODES :] = alike / BEND_LATENCY**2
    return prior


def _curves(shape: Shape, found: Array) -> tuple[Array, Array, Array]:
    c, s, b, z, d = found[:5]
    bends = found[6:].reshape(2, NODES) @ shape.bend.T
    middle = shape.width[FINE // 2], shape.latency[FINE // 2]
    width = (shape.width - middle[0]) * np.exp(s) + middle[0] + b + bends[0]
    latency = (shape.latency - middle[1]) * np.exp(z) + middle[1] + d + bends[1]
    return shape.level + c, np.maximum.accumulate(width) + 1e-9 * np.arange(FINE), latency


@dataclass(frozen=True)
class _Place:
    """Where n trials lie on curves that are bent by their condition: between points `at` - 1 and `at`.

    A pulse longer than the loudest point's brings no more than that one; below the softest point the curve
    goes straight on.
    """

    at: Index
    part: Array  # 0..1 from the lower point to the upper one, less than 0 below the softest
    asked: Array  # s by which the pulse must grow from one point to the next

    @classmethod
    def of(cls, shape: Shape, found: Array, trials: Trials) -> _Place:
        width = _curves(shape, found)[1]
        loss, rested = trials.loss[:, None], np.exp(found[5]) * trials.rested[:, None]
        asked = width + loss * (shape.width_loss + loss * shape.width_loss2) + rested * shape.width_rest
        at = (asked < trials.width[:, None]).sum(axis=1)  # the first point that needs more
        at = np.clip(at, 1, FINE - 1)
        rows = np.arange(len(at))
        low, step = asked[rows, at - 1], np.maximum(asked[rows, at] - asked[rows, at - 1], 1e-9)
        return cls(at, np.clip((trials.width - low) / step, -BELOW, 1.0), step)

    def value(self, curve: Array) -> Array:
        """Return a curve, or curves (FINE, m), at the trials' places."""
        part = self.part.reshape(-1, *[1] * (curve.ndim - 1))
        value: Array = curve[self.at - 1] * (1.0 - part) + curve[self.at] * part
        return value

    def slope(self, curve: Array) -> Array:
        """Return by how much a curve changes for a second more of pulse."""
        slope: Array = (curve[self.at] - curve[self.at - 1]) / self.asked
        return slope


def predict(shape: Shape, found: Array, trials: Trials) -> tuple[Array, Array]:
    """Return the level and the latency that the parameters foretell for each trial; NaN off the curves'
    ends."""
    place = _Place.of(shape, found, trials)
    level, _, latency = _curves(shape, found)
    came = place.value(latency) + _conditioned(shape, found, trials, place, place.value)
    return place.value(level), came


def _conditioned(
    shape: Shape, found: Array, trials: Trials, place: _Place, take: Callable[[Array], Array]
) -> Array:
    """Return what loss of drive and rest add to the latency of each trial; `take` gives a curve's value or
    slope."""
    rested = np.exp(found[5]) * trials.rested
    loss = trials.loss * (take(shape.latency_loss) + trials.loss * take(shape.latency_loss2))
    added: Array = loss + rested * take(shape.latency_rest)
    return added


def _miss(shape: Shape, found: Array, trials: Trials) -> tuple[Array, Flags]:
    level, latency = predict(shape, found, trials)
    miss = np.concatenate((trials.level - level, trials.latency - latency))
    return miss, np.isfinite(miss)


def _slopes(shape: Shape, found: Array, trials: Trials) -> Array:
    """Return by how much the predictions, levels then latencies, change with each parameter.

    A parameter that makes a trial's place need a wider pulse moves the trial down the curve.
    """
    place = _Place.of(shape, found, trials)
    level, _, latency = _curves(shape, found)
    rested = np.exp(found[5]) * trials.rested
    count = len(PRIORS)
    middle = shape.width[FINE // 2], shape.latency[FINE // 2]
    none = np.zeros((len(trials), count + 2 * NODES))
    wider, later, louder = none.copy(), none.copy(), none
    louder[:, 0] = 1.0
    wider[:, 1] = place.value((shape.width - middle[0]) * np.exp(found[1]))
    wider[:, 2] = 1.0
    later[:, 3] = place.value((shape.latency - middle[1]) * np.exp(found[3]))
    later[:, 4] = 1.0
    wider[:, 5] = rested * place.value(shape.width_rest)
    later[:, 5] = rested * place.value(shape.latency_rest)
    wider[:, count : count + NODES] = place.value(shape.bend)
    later[:, count + NODES :] = place.value(shape.bend)
    came = place.slope(latency) + _conditioned(shape, found, trials, place, place.slope)
    louder -= place.slope(level)[:, None] * wider
    later -= came[:, None] * wider
    return np.concatenate((louder, later))
