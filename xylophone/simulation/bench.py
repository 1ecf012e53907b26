"""The noise-free test bench: measures a twin's true calibration by striking copies of its hammers.

`python -m xylophone.simulation.bench` writes the default calibration of every kind of hammer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..calibration import Calibration, SupplyTerms, WarmthTerms
from ..instrument import KINDS, HammerKind, Instrument, hammers_of
from .chords import supply_terms
from .curves import Blow, keep_level, knots, quadratic
from .hammers import AMBIENT, SUPPLY_RESISTANCE, Twin
from .parameters import COPPER, Array, build_hammers, parameters_of
from .rig import Condition, Rig
from .settle import Setting

LOSSES = np.array([0.03, 0.06, 0.1])
"""Fractions of the supply voltage that are taken away."""

RATIO = 2.3
"""Guess of how much wider a pulse must be, relative to the drive that is lost."""

STEEPER = 1.2
"""Guess of the power with which the width needed grows with the drive that is lost."""

RESTS = np.array([12.0, np.inf])
"""s of rest before a strike."""

SHORTEST_REST_TIME, LONGEST_REST_TIME = 5.0, 100.0
"""s between which the time constant of rest is looked for."""

WARMER = 15.0
"""K above ambient of the coils whose drive loss is compared with that of less voltage."""

COOLING_PAUSE = 600.0
"""s in which a coil is watched while it cools."""

COPIES = 8
"""Copies of a single hammer that make up chords on the bench."""

DEFAULT_HAMMER = 84
"""Pitch of the hammer by whose name the curves of a kind are filed: C6."""


def measure(twin: Twin) -> Calibration:
    """Return the true calibration of a twin's hammers, each by itself, as tuning without error would."""
    return _measure(Rig(twin.hammers, twin.setting), twin.instrument, "measured")


def nominal(kind: HammerKind) -> Calibration:
    """Return the calibration of one hammer of the kind as the drawing has it, named C6."""
    hammers = build_hammers(parameters_of(kind.name), 1, 0, 0.0)
    one = Instrument(kind.name, kind, hammers_of((DEFAULT_HAMMER,), kind), kind.supply_limit)
    return _measure(Rig(hammers, Setting(kind.voltage, SUPPLY_RESISTANCE, AMBIENT)), one, "default")


def _measure(rig: Rig, instrument: Instrument, origin: str) -> Calibration:
    level, width, latency = knots(
        rig, instrument.column("shortest_pulse"), instrument.column("longest_pulse")
    )
    losses = _loss(rig, level, width, latency)
    rest_time, width_rest, latency_rest = _rest(rig, level, width, latency)
    curves = Calibration(
        kind=instrument.kind.name,
        hammers=tuple(hammer.name for hammer in instrument.hammers),
        level=level,
        width=width,
        latency=latency,
        origin=(origin,) * len(instrument),
        width_loss=losses[0],
        width_loss2=losses[1],
        latency_loss=losses[2],
        latency_loss2=losses[3],
        width_rest=width_rest,
        latency_rest=latency_rest,
        rest_time=rest_time,
    )
    curves = replace(curves, warmth=_warmth(rig, curves))
    return replace(curves, supply=_supply(rig, curves, instrument.column("current")))


def _loss(rig: Rig, level: Array, width: Array, latency: Array) -> tuple[Array, Array, Array, Array]:
    """Return the curves that say what a drive loss does: to the width, linear and square, and the latency."""
    wider, later = [], []
    guess = width * (1.0 + RATIO * LOSSES[0])
    for loss, after in zip(LOSSES, (*LOSSES[1:], LOSSES[-1]), strict=True):
        blow = keep_level(rig, level, width, latency, Condition(loss=float(loss)), guess)
        wider.append(blow.width - width)
        later.append(blow.latency - latency)
        known = np.where(np.isnan(wider[-1]), RATIO * loss * width, wider[-1])
        guess = width + known * (after / loss) ** STEEPER
    in_width = _filled(level, *quadratic(LOSSES, np.array(wider)))
    in_latency = _filled(level, *quadratic(LOSSES, np.array(later)))
    return *in_width, *in_latency


def _filled(level: Array, linear: Array, square: Array) -> tuple[Array, Array]:
    """Return coefficients with knots that no loss could be measured at filled from their neighbours."""
    seen = linear != 0.0
    for row in range(len(level)):
        if seen[row].any():
            for values in (linear[row], square[row]):
                values[:] = np.interp(level[row], level[row][seen[row]], values[seen[row]])
    return linear, square


def _rest(rig: Rig, level: Array, width: Array, latency: Array) -> tuple[float, Array, Array]:
    """Return the time constant of rest, and the two curves that say what a long one does."""
    wider, later = [], []
    guess = width
    for rest in RESTS:
        blow = keep_level(rig, level, width, latency, Condition(rested=float(rest)), guess)
        wider.append(blow.width - width)
        later.append(blow.latency - latency)
        guess = width + 2.6 * np.nan_to_num(wider[-1])
    times = np.geomspace(SHORTEST_REST_TIME, LONGEST_REST_TIME, 121)
    errors = [sum(_misfit(tau, np.array(change))[1] for change in (wider, later)) for tau in times]
    best = float(times[int(np.argmin(errors))])
    factors = (_misfit(best, np.array(change))[0] for change in (wider, later))
    in_width, in_latency = (_filled(level, factor, np.zeros_like(level))[0] for factor in factors)
    return best, in_width, in_latency


def _misfit(tau: float, change: Array) -> tuple[Array, float]:
    """Return the least-squares factors of 1 - exp(-rest / tau) in each knot's change, and what is left."""
    rested = -np.expm1(-RESTS / tau)[:, None, None]
    seen = np.isfinite(change)
    known = np.where(seen, change, 0.0)
    weight = np.sum(seen * rested**2, axis=0)
    factor = np.divide(np.sum(rested * known, axis=0), weight, out=np.zeros_like(weight), where=weight > 0)
    return factor, float(np.sum((known - seen * rested * factor) ** 2))


def _warmth(rig: Rig, curves: Calibration) -> WarmthTerms:
    """Return how on-time warms a coil, how it cools, and which drive loss a kelvin is worth."""
    level, width, latency = curves.level, curves.width, curves.latency
    hammer = np.repeat(np.arange(len(level)), level.shape[1])
    kelvin = rig.heat(hammer, width.ravel()) / width.ravel()
    guess = width * (1.0 + RATIO * COPPER * WARMER)
    warm = keep_level(rig, level, width, latency, Condition(kelvin=WARMER), guess)
    return WarmthTerms(float(kelvin.mean()), rig.cooling(COOLING_PAUSE), _equal_loss(curves, warm) / WARMER)


def _equal_loss(calibration: Calibration, blow: Blow) -> float:
    """Return the drive loss whose effect on widths and latencies is nearest to that of this condition."""
    wider, later = blow.width - calibration.width, blow.latency - calibration.latency
    seen = np.isfinite(wider)
    best, least = 0.0, np.inf
    for loss in np.linspace(0.0, 0.12, 241):
        width = loss * (calibration.width_loss + loss * calibration.width_loss2)
        late = loss * (calibration.latency_loss + loss * calibration.latency_loss2)
        error = float(np.sum((width - wider)[seen] ** 2 + (late - later)[seen] ** 2))
        if error < least:
            best, least = float(loss), error
    return best


def _supply(rig: Rig, curves: Calibration, current: Array) -> SupplyTerms:
    """Return the supply terms; a hammer that is alone is measured beside copies of itself."""
    if len(current) > 1:
        return supply_terms(rig, curves, current)
    names = tuple(f"{curves.hammers[0]} {copy}" for copy in range(COPIES))
    row = np.zeros(COPIES, np.intp)
    return supply_terms(replace(rig, hammers=rig.hammers.take(row)), curves.spread(names), current[row])


def main() -> None:
    """Write the default calibration of every hammer kind into the package."""
    from ..calibration_file import write_calibration

    folder = Path(__file__).parent.parent / "kinds"
    folder.mkdir(exist_ok=True)
    for kind in KINDS.values():
        write_calibration(folder / f"{kind.name}.toml", nominal(kind))


if __name__ == "__main__":
    main()
