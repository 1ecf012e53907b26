"""The test rig, and the curves that it measures: width and latency of each level, in any condition.

The rig strikes copies of hammers in stated conditions, many at once, and measures the blow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CalibrationError
from ..tables import PULSE, Floats, Ints, Pulses, as_pulses, filled, picked
from .carried import Carried, Ghosts, Settled
from .integrate import Motion
from .parameters import Hammers
from .readout import FAINTEST
from .settle import Setting, settle

_APART = 0.5  # s between two blows on the rig: nobody meets another's current

_WARMING = 0.05  # s; a pulse that warms a coil well

Blows = tuple[Floats, Floats]
"""Latency in s and level in dB re 1 m/s; NaN where no blow came."""


@dataclass(frozen=True)
class Condition:
    """How hammers are when they are struck, one value for all blows or one for each.

    `loss` is the fraction of the supply voltage that is taken away, `rested` the seconds since the
    hammer's last pulse, `kelvin` its coil's warmth above ambient.
    """

    loss: float | Floats = 0.0
    rested: float | Floats = 0.0
    kelvin: float | Floats = 0.0


@dataclass(frozen=True)
class Rig:
    """Hammers on the bench and the supply that drives them. The hammers themselves are never touched."""

    hammers: Hammers
    setting: Setting

    def strike(self, hammer: Ints, width: Floats, condition: Condition) -> Blows:
        """Strike these hammers, one value each, and return how late and loud their first blows are."""
        count = len(hammer)
        pulses = _apart(width)
        carried = Carried.fresh(count)
        carried.end, carried.since = pulses["start"] - condition.rested, pulses["start"].copy()
        carried.warmth += condition.kelvin
        setting = replace(self.setting, voltage=self.setting.voltage * (1.0 - condition.loss))
        return first_blows(self._settled(hammer, pulses, carried, setting).motion, count, setting.step)

    def _settled(self, hammer: Ints, pulses: Pulses, carried: Carried, setting: Setting) -> Settled:
        """Return what pulses do, each with a copy of its hammer of its own."""
        copies = picked(self.hammers, hammer)
        return settle(copies, setting, carried, Ghosts.none(), pulses, np.arange(len(hammer)))

    def heat(self, hammer: Ints, width: Floats) -> Floats:
        """Return by how many kelvin one pulse of these widths warms each coil, from its resistance."""
        carried = Carried.fresh(len(hammer))
        return self._settled(hammer, _apart(width), carried, self.setting).heating

    def cooling(self, pause: float) -> float:
        """Return the time constant in s of coils' cooling, from their warmth before and after a pause."""
        count = len(self.hammers)
        hammer = np.tile(np.arange(count), 3)
        pulses = _apart(np.full(3 * count, _WARMING))
        pulses["start"][2 * count :] += pause
        settled = settle(self.hammers, self.setting, Carried.fresh(count), Ghosts.none(), pulses, hammer)
        warm, end = settled.warmth[count : 2 * count], settled.warmth[2 * count :]
        left = end / (warm + settled.heating[count : 2 * count])
        return float(np.median((pause + _APART * count) / -np.log(left)))


def _apart(width: Floats) -> Pulses:
    """Return pulses of these widths, one after the other."""
    return as_pulses(filled(PULSE, len(width), start=_APART * np.arange(len(width)), width=width))


def first_blows(motion: Motion, count: int, step: float) -> Blows:
    """Return latency (from the row's first step) and level of each row's first audible contact."""
    latency, level = np.full(count, np.nan), np.full(count, np.nan)
    loud = np.flatnonzero(motion.contact_speed >= FAINTEST)
    loud = loud[np.argsort(-motion.contact_time[loud], kind="stable")]  # the first contact stands
    latency[motion.contact_row[loud]] = motion.contact_time[loud] * step
    level[motion.contact_row[loud]] = 20.0 * np.log10(motion.contact_speed[loud])
    return latency, level


KNOTS = 28
"""Knots of each curve."""

STEEPEST = 12.0e3
"""dB a second; softer blows, where half a millisecond is more than 6 dB, are left out."""

HARDEST = Condition(loss=0.05, rested=20.0)
"""The condition in which the loudest level of a curve can still be reached, so that it can be kept."""

HEADROOM = 0.2
"""dB between the loudest knot and what the hammer reaches in the hardest condition."""

LEAST_RANGE = 8.0
"""dB from the softest to the loudest knot of a weak hammer, even if it cannot keep the loudest."""

DENSER = 1.5
"""Levels of knots rise with this power of their number: the soft end is the more curved."""

_SCAN = 0.0005  # s between the widths of the first look
_SOFT = 0.003  # s above the first width that arrives: in there the curve is steepest
_CORRECTIONS = 12  # of the width at most, when a level is looked for
_NEAR = 0.1  # dB; from there one last correction is exact enough, and is not struck again
_NUDGE = 0.0008  # s more for a hammer that did not arrive


def knots(rig: Rig, shortest: Floats, longest: Floats) -> tuple[Floats, Floats, Floats]:
    """Return level, width and latency, each (hammers, KNOTS), cold and just played.

    Curves begin where the level rises by less than STEEPEST, within the shortest pulse allowed, and end at
    the level that can be kept in the HARDEST condition.
    """
    count = len(shortest)
    edge = _arrival(*_scan(rig, shortest, longest, _SCAN, Condition()))
    width, level = _scan(rig, np.maximum(edge - _SCAN, shortest), edge + _SOFT, _SCAN / 10, Condition())
    softest = np.array([_softest(w, v) for w, v in zip(width, level, strict=True)])
    width, level = _scan(rig, softest, np.maximum(longest, softest + _SCAN), _SCAN, Condition())
    _, least = _scan(rig, softest, longest, _SCAN, HARDEST)
    top = np.nanmax(np.where(np.isnan(least), -np.inf, least), axis=1) - HEADROOM
    most = np.nanmax(level, axis=1) - HEADROOM
    top = np.maximum(top, np.minimum(most, level[:, 0] + LEAST_RANGE))
    asked = np.array([_between(w, v, end) for w, v, end in zip(width, level, top, strict=True)])
    hammer = np.repeat(np.arange(count), KNOTS)
    latency, level = _measured(rig, hammer, asked, Condition())
    flat = np.flatnonzero(~(np.diff(level) > 0).all(axis=1) | ~(np.diff(asked) > 0).all(axis=1))
    if len(flat):
        raise CalibrationError(
            f"hammer {flat[0]} (from 0) has no range of loudness between {1e3 * shortest[flat[0]]:g} and "
            f"{1e3 * longest[flat[0]]:g} ms: give it a lower shortest_pulse"
        )
    return level, asked, latency


def _scan(rig: Rig, begin: Floats, end: Floats, spacing: float, how: Condition) -> tuple[Floats, Floats]:
    """Return widths and levels, (hammers, n), from begin to end of each."""
    steps = int(np.ceil((end - begin).max() / spacing)) + 1
    width = begin[:, None] + np.linspace(0.0, 1.0, steps) * (end - begin)[:, None]
    hammer = np.repeat(np.arange(len(begin)), steps)
    return width, _measured(rig, hammer, width, how)[1]


def _arrival(width: Floats, level: Floats) -> Floats:
    """Return the shortest width of each hammer that brought it to its bar."""
    arrived = np.isfinite(level)
    never = np.flatnonzero(~arrived.any(axis=1))
    if len(never):
        row = width[never[0]]
        raise CalibrationError(
            f"hammer {never[0]} (from 0) never meets its bar with pulses of {1e3 * row[0]:g} to "
            f"{1e3 * row[-1]:g} ms: give it longer ones"
        )
    return np.asarray(width[np.arange(len(width)), np.argmax(arrived, axis=1)])


def _softest(width: Floats, level: Floats) -> float:
    """Return the least width from which on the level rises by less than STEEPEST."""
    slope = np.diff(level) / np.diff(width)
    steep = np.flatnonzero(~(slope < STEEPEST))
    return float(width[steep[-1] + 1]) if len(steep) else float(width[0])


def _measured(rig: Rig, hammer: Ints, width: Floats, condition: Condition) -> tuple[Floats, Floats]:
    latency, level = rig.strike(hammer, width.ravel(), condition)
    return latency.reshape(width.shape), level.reshape(width.shape)


def _between(width: Floats, level: Floats, top: float) -> Floats:
    """Return the widths of one hammer's knots, from the first of these widths up to the level `top`."""
    peak = int(np.nanargmax(level))
    levels = level[0] + (top - level[0]) * np.linspace(0.0, 1.0, KNOTS) ** DENSER
    return np.asarray(np.interp(levels, np.maximum.accumulate(level[: peak + 1]), width[: peak + 1]))


def keep_level(
    rig: Rig, level: Floats, width: Floats, latency: Floats, conditions: Sequence[Condition], guess: Floats
) -> Floats:
    """Return the widths and the latencies, (2, conditions, hammers, knots), that keep each knot's level.

    `level`, `width` and `latency` are the undisturbed knots, (hammers, knots). `guess`, the widths to
    begin with, has the shape (conditions, hammers, knots). Widths are corrected along the slope of the
    undisturbed curve, which hardly depends on the condition. NaN where a level cannot be reached.
    """
    shape = (len(conditions), *level.shape)
    slopes = (gradient(level, width), gradient(level, latency))
    target, per_level, later = (np.broadcast_to(one, shape).ravel() for one in (level, *slopes))
    hammer = np.broadcast_to(np.arange(len(level))[:, None], shape).ravel()
    state = np.repeat([(c.loss, c.rested, c.kelvin) for c in conditions], level.size, axis=0)
    asked = guess.ravel().copy()
    came, loud = np.full(asked.shape, np.nan), np.full(asked.shape, np.nan)
    rows = np.arange(len(asked))
    for number in range(_CORRECTIONS):
        before = np.abs(target - loud)
        came[rows], loud[rows] = rig.strike(hammer[rows], asked[rows], Condition(*state[rows].T))
        missing = target - loud
        far = ~(np.abs(missing) < _NEAR)
        stuck = (np.abs(missing) > 0.7 * before) & (number > 1)
        rows = np.flatnonzero(far & ~stuck)
        if not len(rows):
            break
        asked[rows] += _correction((missing * per_level)[rows])
    missing[far] = np.nan
    return np.stack((asked + missing * per_level, came + missing * later)).reshape(2, *shape)


def _correction(wanted: Floats) -> Floats:
    """Return the change of widths that is dared for one that is wanted, NaN where no blow came."""
    return np.where(np.isnan(wanted), _NUDGE, np.clip(wanted, -2 * _NUDGE, 2 * _NUDGE))


def gradient(level: Floats, value: Floats) -> Floats:
    """Return d value / d level at each knot of each row."""
    return np.stack([np.gradient(v, x) for x, v in zip(level, value, strict=True)])


def quadratic(losses: Floats, change: Floats) -> tuple[Floats, Floats]:
    """Return a, b of change = a x + b x^2, least squares over the first axis, NaN left out.

    Where one loss only was reached b is 0.
    """
    x = losses.reshape(-1, *[1] * (change.ndim - 1))
    seen = np.isfinite(change)
    y = np.where(seen, change, 0.0)
    s2, s3, s4 = (np.sum(seen * x**power, axis=0) for power in (2, 3, 4))
    y1, y2 = np.sum(x * y, axis=0), np.sum(x * x * y, axis=0)
    det = s2 * s4 - s3 * s3
    enough = seen.sum(axis=0) >= 2
    safe = np.where(enough, det, 1.0)
    linear = np.divide(y1, s2, out=np.zeros_like(y1), where=s2 > 0)
    a = np.where(enough, (y1 * s4 - y2 * s3) / safe, linear)
    b = np.where(enough, (y2 * s2 - y1 * s3) / safe, 0.0)
    return a, b
