"""The shape of a hammer: a deformation of the default curves of its kind, and what it foretells of trials.

The default curves give level, width and latency at each knot. With q going from -1 at the softest knot to 1
at the loudest,

    level   = default + c
    width   = (default - middle) exp(s) + middle + b + bend_w(q)
    latency = (default - middle) exp(z) + middle + d + bend_t(q)

and both rest terms are exp(p) times the default's. The parameters are c, s, b, z, d, p and the values of the
two bends at NODES. A trial's pulse, less what loss of drive and rest take of it, gives a place on the curve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..calibration.values import CURVES, Calibration, Response
from ..tables import Floats, Ints

NODES = 6
"""Places from the softest to the loudest knot at which a curve may bend away from the default's shape."""

COMMON = 6
"""Parameters before those of the bends: c, s, b, z, d, p."""

C, S, B, Z, D, P = range(COMMON)
"""Their places among all parameters."""

SMOOTH = 0.6
"""Bends of nodes that lie this far apart in q are alike (correlation exp(-1/2))."""

SOFTER, LOUDER = 3.0, 1.0
"""dB beyond the default's knots over which its curves are taken to run straight on."""

BELOW = 60.0
"""Points of a curve by which it is gone on with below its softest one."""

FINE = 160
"""Points of a curve from its softest to its loudest."""


@dataclass(frozen=True)
class Outcomes:
    """What n trials of one hammer came to: pulse, condition, and level and latency as heard.

    `loss` is the drive loss foretold, `rested` 0..1. `latency` is the contact's time less the pulse's
    start, s; NaN where only the level is known (in chords). Level is in dB, of any reference; NaN where
    nothing was heard, and then `most` is the level that would have been, NaN elsewhere.
    """

    width: Floats
    loss: Floats
    rested: Floats
    level: Floats
    latency: Floats
    most: Floats

    def __len__(self) -> int:
        return len(self.width)


@dataclass(frozen=True)
class Shape(Response):
    """The default curves of a kind, finely divided: every array has FINE points from soft to loud."""

    level: Floats
    bend: Floats  # (FINE, NODES): how the bends' values at the nodes make the curve

    @classmethod
    def of(cls, default: Calibration, row: int) -> Shape:
        """Return the shape of one hammer's default curves."""
        knots = default.level[row]
        level = np.linspace(knots[0] - SOFTER, knots[-1] + LOUDER, FINE)
        curves = {key: _extended(level, knots, getattr(default, key)[row]) for key in CURVES}
        place = 2.0 * (level - knots[0]) / (knots[-1] - knots[0]) - 1.0
        nodes = np.linspace(-1.0, 1.0, NODES)
        between = np.linalg.inv(alike(nodes[:, None] - nodes) + 1e-6 * np.eye(NODES))
        return cls(
            level=level,
            bend=alike(place[:, None] - nodes) @ between,
            **curves,
            rest_coupling=default.rest_coupling,
        )

    def curves(self, found: Floats) -> tuple[Floats, Floats, Floats]:
        """Return level, width and latency at FINE points that parameters give, cold and just played."""
        c, s, b, z, d = found[:5]
        bends = self.bend @ found[COMMON:].reshape(2, NODES).T
        middle = self.width[FINE // 2], self.latency[FINE // 2]
        width = (self.width - middle[0]) * np.exp(s) + middle[0] + b + bends[:, 0]
        latency = (self.latency - middle[1]) * np.exp(z) + middle[1] + d + bends[:, 1]
        return self.level + c, np.maximum.accumulate(width) + 1e-9 * np.arange(FINE), latency


def alike(distance: Floats) -> Floats:
    """Return how far bends are alike that lie so far apart in q, 0..1."""
    return np.asarray(np.exp(-0.5 * (distance / SMOOTH) ** 2))


def _extended(level: Floats, knots: Floats, curve: Floats) -> Floats:
    """Return a curve at these levels, straight on beyond its ends."""
    slope = np.gradient(curve, knots)
    below, above = np.minimum(level - knots[0], 0.0), np.maximum(level - knots[-1], 0.0)
    return np.asarray(np.interp(level, knots, curve) + slope[0] * below + slope[-1] * above)


def unbent() -> Floats:
    """Return the parameters with which a Shape is just the curves it was made of."""
    return np.zeros(COMMON + 2 * NODES)


@dataclass(frozen=True)
class Foretold:
    """What parameters foretell of n trials: where each lies on the curves, between points `at` - 1 and `at`.

    A pulse longer than the loudest point's brings no more than that one; below the softest point the curve
    goes straight on.
    """

    shape: Shape
    found: Floats
    trials: Outcomes
    level_curve: Floats
    latency_curve: Floats
    at: Ints
    part: Floats  # 0..1 from the lower point to the upper one, less than 0 below the softest
    step: Floats  # s by which the pulse must grow from one point to the next; endless where it brings no more

    @classmethod
    def of(cls, shape: Shape, found: Floats, trials: Outcomes) -> Foretold:
        """Find the places of trials on the curves that are bent by their condition."""
        level, width, latency = shape.curves(found)
        loss, rested = trials.loss[:, None], np.exp(found[P]) * trials.rested[:, None]
        asked = width + loss * (shape.width_loss + loss * shape.width_loss2) + rested * shape.width_rest
        at = np.clip((asked < trials.width[:, None]).sum(axis=1), 1, FINE - 1)  # the first that needs more
        rows = np.arange(len(at))
        low, step = asked[rows, at - 1], np.maximum(asked[rows, at] - asked[rows, at - 1], 1e-9)
        part = np.clip((trials.width - low) / step, -BELOW, 1.0)
        held = (part <= -BELOW) | (trials.width > low + step)
        return cls(shape, found, trials, level, latency, at, part, np.where(held, np.inf, step))

    @property
    def level(self) -> Floats:
        """Level of each trial, dB."""
        return self._value(self.level_curve)

    @property
    def latency(self) -> Floats:
        """Latency of each trial in its condition, s."""
        return self._value(self.latency_curve) + self._conditioned(self._value)

    def slopes(self) -> Floats:
        """Return by how much levels, then latencies, change with each parameter: (2 n, parameters).

        A parameter that makes a trial's place need a wider pulse moves the trial down the curve.
        """
        shape, found = self.shape, self.found
        rested = np.exp(found[P]) * self.trials.rested
        none = np.zeros((len(self.trials), COMMON + 2 * NODES))
        wider, later, louder = none.copy(), none.copy(), none
        louder[:, C] = 1.0
        wider[:, S] = self._value((shape.width - shape.width[FINE // 2]) * np.exp(found[S]))
        wider[:, B] = 1.0
        later[:, Z] = self._value((shape.latency - shape.latency[FINE // 2]) * np.exp(found[Z]))
        later[:, D] = 1.0
        wider[:, P] = rested * self._value(shape.width_rest)
        later[:, P] = rested * self._value(shape.latency_rest)
        bend = self._value(shape.bend)
        wider[:, COMMON : COMMON + NODES] = bend
        later[:, COMMON + NODES :] = bend
        came = self._slope(self.latency_curve) + self._conditioned(self._slope)
        louder -= self._slope(self.level_curve)[:, None] * wider
        later -= came[:, None] * wider
        return np.concatenate((louder, later))

    def _value(self, curve: Floats) -> Floats:
        """Return a curve, or curves (FINE, m), at the trials' places."""
        part = self.part.reshape(-1, *[1] * (curve.ndim - 1))
        return curve[self.at - 1] * (1.0 - part) + curve[self.at] * part

    def _slope(self, curve: Floats) -> Floats:
        """Return by how much a curve changes for a second more of pulse."""
        return (curve[self.at] - curve[self.at - 1]) / self.step

    def _conditioned(self, take: Callable[[Floats], Floats]) -> Floats:
        """Return what loss of drive and rest add to latencies; `take` gives a curve's value or slope."""
        shape, trials = self.shape, self.trials
        loss = trials.loss * (take(shape.latency_loss) + trials.loss * take(shape.latency_loss2))
        return np.asarray(loss + np.exp(self.found[P]) * trials.rested * take(shape.latency_rest))
