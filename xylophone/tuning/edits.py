"""Calibration by hand: one hammer made earlier, louder, or given other pulses; pure.

A hammer's own figures are those at the middle of its range of loudness, half-way in dB between its
softest and its loudest knot. `row` is its place in the calibration. What was touched has the origin 'set'.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..calibration.values import CURVES, MOST_LATENCY, MOST_WIDTH, Calibration
from ..errors import CalibrationError
from ..tables import Floats

MOST_LOUDER = 40.0
"""dB by which one step makes a hammer louder or softer at most."""


LIKELY_LATENCY = 2.0
"""Factor by which a hammer's latency differs at most from the usual one of its kind; simulated hammers with
three times the ordinary tolerances differ by 1.7."""

LIKELY_LEVEL = 12.0
"""dB by which its softest and its loudest blow differ at most from the usual ones; there it is 9.1."""


def middle(calibration: Calibration, row: int) -> tuple[float, float, float]:
    """Return level (dB re 1 m/s), pulse width and latency (s) of a hammer at the middle of its range."""
    levels = calibration.level[row]
    level = float(levels[0] + levels[-1]) / 2.0
    width, latency = (float(np.interp(level, levels, getattr(calibration, key)[row])) for key in CURVES[:2])
    return level, width, latency


def with_latency(calibration: Calibration, row: int, latency: float) -> Calibration:
    """Return the calibration with a hammer's latency (s) at the middle set; its curve keeps its shape."""
    return later(calibration, row, latency - middle(calibration, row)[2])


def later(calibration: Calibration, row: int, seconds: float) -> Calibration:
    """Return the calibration in which a hammer takes `seconds` longer to its bar than was thought.

    It is then struck that much earlier. CalibrationError where a latency would leave 0..MOST_LATENCY.
    """
    curve = calibration.latency[row] + seconds
    if not (curve.min() > 0 and curve.max() <= MOST_LATENCY):
        raise CalibrationError(
            f"latency of {calibration.hammers[row]} would be {1e3 * curve.min():.1f} to "
            f"{1e3 * curve.max():.1f} ms: it must stay in 0..{1e3 * MOST_LATENCY:g} ms"
        )
    return _changed(calibration, row, latency=curve)


def with_pulses(calibration: Calibration, row: int, softest: float, loudest: float) -> Calibration:
    """Return the calibration with the pulses (s) of a hammer's softest and loudest blow set.

    The others lie between as they did.
    Raises CalibrationError unless 0 < softest < loudest <= MOST_WIDTH.
    """
    if not 0 < softest < loudest <= MOST_WIDTH:
        raise CalibrationError(
            f"pulses of {calibration.hammers[row]} from {1e3 * softest:g} to {1e3 * loudest:g} ms: the "
            f"softest must be above 0 and below the loudest, and that at most {1e3 * MOST_WIDTH:g} ms"
        )
    old = calibration.width[row]
    part = (old - old[0]) / (old[-1] - old[0])
    return _changed(calibration, row, width=softest + part * (loudest - softest))


def louder(calibration: Calibration, row: int, decibels: float) -> Calibration:
    """Return the calibration that plays a hammer louder by so much: it is softer than was thought.

    Raises CalibrationError beyond MOST_LOUDER.
    """
    if not abs(decibels) <= MOST_LOUDER:
        raise CalibrationError(
            f"{calibration.hammers[row]} louder by {decibels:g} dB is out of range: "
            f"give -{MOST_LOUDER:g}..{MOST_LOUDER:g}"
        )
    return _changed(calibration, row, level=calibration.level[row] - decibels)


def with_hammer(calibration: Calibration, row: int, other: Calibration) -> Calibration:
    """Return the calibration with one hammer's curves and origin taken from another one that has the hammer.

    Both must have the same number of knots; CalibrationError.
    """
    name = calibration.hammers[row]
    donor = other.select((name,))
    if donor.level.shape[1] != calibration.level.shape[1]:
        raise CalibrationError(
            f"curves of {name} have {donor.level.shape[1]} knots, the others {calibration.level.shape[1]}: "
            "take all hammers from one file"
        )
    curves = {key: getattr(donor, key)[0] for key in ("level", *CURVES)}
    return _changed(calibration, row, donor.origin[0], **curves)


def check_likely(
    old: Calibration, new: Calibration, name: str, usual: Calibration, insist: str = "insist with --force"
) -> None:
    """Raise CalibrationError where a change takes a hammer to, or further to, what none of its kind is like.

    `usual` holds the default curves of the kind, `insist` says how to do it all the same.
    """
    was, now, own = (one.select((name,)) for one in (old, new, usual))
    latency, typical = middle(now, 0)[2], middle(own, 0)[2]
    least, most = typical / LIKELY_LATENCY, typical * LIKELY_LATENCY
    if not least <= latency <= most and _farther(middle(was, 0)[2], latency, typical):
        raise CalibrationError(
            f"latency of {name} would be {1e3 * latency:.1f} ms: hammers of kind {own.kind} have "
            f"{1e3 * least:.1f}..{1e3 * most:.1f} ms; give one within, or {insist}"
        )
    for end, which in ((0, "softest"), (-1, "loudest")):
        level, typical = float(now.level[0, end]), float(own.level[0, end])
        if abs(level - typical) > LIKELY_LEVEL and _farther(float(was.level[0, end]), level, typical):
            raise CalibrationError(
                f"{which} blow of {name} would have {level:.1f} dB re 1 m/s: hammers of kind {own.kind} have "
                f"{typical - LIKELY_LEVEL:.1f}..{typical + LIKELY_LEVEL:.1f} dB; give less, or {insist}"
            )


def _farther(old: float, new: float, typical: float) -> bool:
    return abs(new - typical) > abs(old - typical) + 1e-9


def carried(begun: Calibration, changed: Calibration, now: Calibration) -> Calibration:
    """Return the calibration `now` with those hammers of `changed` that are other than in `begun`.

    What others have changed meanwhile so stays. CalibrationError as `with_hammer`.
    """
    for name in changed.hammers:
        row, old = changed.hammers.index(name), begun.hammers.index(name)
        pairs = ((getattr(begun, key)[old], getattr(changed, key)[row]) for key in ("level", *CURVES))
        if name in now.hammers and any(not np.array_equal(*pair) for pair in pairs):
            now = with_hammer(now, now.hammers.index(name), changed)
    return now


def with_others(calibration: Calibration, other: Calibration) -> Calibration:
    """Return the calibration with those hammers of another one, of as many knots, that it has not."""
    names = tuple(name for name in other.hammers if name not in calibration.hammers)
    if not names:
        return calibration
    both = (calibration, other.select(names))
    curves: dict[str, Any] = {
        key: np.concatenate([getattr(one, key) for one in both]) for key in ("level", *CURVES)
    }
    origin = calibration.origin + both[1].origin
    return replace(calibration, hammers=calibration.hammers + names, origin=origin, **curves)


def _changed(calibration: Calibration, row: int, origin: str = "set", **curves: Floats) -> Calibration:
    changed = {}
    for key, curve in curves.items():
        changed[key] = getattr(calibration, key).copy()
        changed[key][row] = curve
    origins = (*calibration.origin[:row], origin, *calibration.origin[row + 1 :])
    return replace(calibration, origin=origins, **changed)
