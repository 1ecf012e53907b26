"""The noise-free test bench: measures a twin's true calibration by striking copies of its hammers.

`python -m xylophone.simulation.bench` writes the default calibration of every kind of hammer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..calibration.file import write_calibration
from ..calibration.values import Calibration, SupplyTerms, WarmthTerms
from ..instrument import KINDS, HammerKind, Instrument, hammers_of
from ..tables import Floats, picked
from .curve_bench import Condition, Rig, gradient, keep_level, knots, quadratic
from .hammers import AMBIENT, SUPPLY_RESISTANCE, Twin
from .parameters import COPPER, build_hammers, parameters_of
from .settle import Setting
from .supply_bench import LEVEL_UNIT, TIME_UNIT, supply_terms

LOSSES = np.array([0.03, 0.06, 0.1])
"""Fractions of the supply voltage that are taken away."""

RESTS = np.array([6.0, 20.0, np.inf])
"""s of rest before a strike."""

TOGETHER = np.array([0.03, 0.06])
"""Losses under which hammers are struck that have rested for long: what both together need."""

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
    limits = (instrument.column("shortest_pulse"), instrument.column("longest_pulse"))
    level, width, latency = knots(rig, *limits)
    changed = _changed(rig, level, width, latency)
    lost, rested, warm = slice(0, len(LOSSES)), slice(len(LOSSES), -1), -1
    by_loss: dict[str, Any] = {}
    for key, change in zip(("width", "latency"), changed[:, lost], strict=True):
        by_loss[f"{key}_loss"], by_loss[f"{key}_loss2"] = _filled(level, *quadratic(LOSSES, change))
    rest_time, width_rest, latency_rest = _rest(level, changed[:, rested])
    curves = Calibration(
        kind=instrument.kind.name,
        hammers=tuple(hammer.name for hammer in instrument.hammers),
        level=level,
        width=width,
        latency=latency,
        origin=(origin,) * len(instrument),
        width_rest=width_rest,
        latency_rest=latency_rest,
        rest_time=rest_time,
        **by_loss,
    )
    curves = replace(curves, warmth=_warmth(rig, curves, changed[:, warm]))
    curves = replace(curves, rest_coupling=_coupling(rig, curves))
    return replace(curves, supply=_supply(rig, curves, instrument.column("current")))


def _changed(rig: Rig, level: Floats, width: Floats, latency: Floats) -> Floats:
    """Return by how much width and latency change, (2, conditions, hammers, knots), to keep the level.

    Conditions are the LOSSES, the RESTS and WARMER, in this order.
    """
    conditions = [
        *(Condition(loss=float(loss)) for loss in LOSSES),
        *(Condition(rested=float(rest)) for rest in RESTS),
        Condition(kelvin=WARMER),
    ]
    wider = (_guess(LOSSES), 0.1 * -np.expm1(-RESTS / 25.0), [_guess(COPPER * WARMER)])
    guess = width * (1.0 + np.concatenate(wider)[:, None, None])
    found = keep_level(rig, level, width, latency, conditions, guess)
    return found - np.stack((width, latency))[:, None]


def _guess(loss: Any) -> Any:
    """Guess by what part a pulse must be wider under a loss: as the kinds on the list need on average."""
    return 2.0 * loss + 8.0 * loss * loss


def _filled(level: Floats, linear: Floats, square: Floats) -> tuple[Floats, Floats]:
    """Return coefficients with knots that no loss could be measured at filled from their neighbours."""
    seen = linear != 0.0
    for row in range(len(level)):
        if seen[row].any():
            for values in (linear[row], square[row]):
                values[:] = np.interp(level[row], level[row][seen[row]], values[seen[row]])
    return linear, square


def _rest(level: Floats, changed: Floats) -> tuple[float, Floats, Floats]:
    """Return the time constant of rest, and the two curves that say what a long one does."""
    times = np.geomspace(SHORTEST_REST_TIME, LONGEST_REST_TIME, 121)
    errors = [sum(_misfit(tau, change)[1] for change in changed) for tau in times]
    best = float(times[int(np.argmin(errors))])
    factors = (_misfit(best, change)[0] for change in changed)
    in_width, in_latency = (_filled(level, factor, np.zeros_like(level))[0] for factor in factors)
    return best, in_width, in_latency


def _misfit(tau: float, change: Floats) -> tuple[Floats, float]:
    """Return the least-squares factors of 1 - exp(-rest / tau) in each knot's change, and what is left."""
    rested = -np.expm1(-RESTS / tau)[:, None, None]
    seen = np.isfinite(change)
    known = np.where(seen, change, 0.0)
    weight = np.sum(seen * rested**2, axis=0)
    factor = np.divide(np.sum(rested * known, axis=0), weight, out=np.zeros_like(weight), where=weight > 0)
    return factor, float(np.sum((known - seen * rested * factor) ** 2))


def _coupling(rig: Rig, curves: Calibration) -> float:
    """Return the coupling of rest and loss that keeps the levels of rested hammers best when the supply sags.

    Least squares over widths and latencies, in the units of the supply terms: 0.3 dB and 0.2 ms.
    """
    conditions = [Condition(loss=float(loss), rested=np.inf) for loss in TOGETHER]
    loss = TOGETHER[:, None, None]
    plain, unit = (
        np.stack((one.width_at(loss, 1.0), one.latency_at(loss, 1.0)))
        for one in (curves, replace(curves, rest_coupling=1.0))
    )
    found = keep_level(rig, curves.level, curves.width, curves.latency, conditions, unit[0])
    per_level = gradient(curves.level, curves.width)
    weight = np.stack((1.0 / (LEVEL_UNIT * per_level), np.full_like(per_level, 1.0 / TIME_UNIT)))[:, None]
    seen = np.isfinite(found)
    asked, column = (np.where(seen, one * weight, 0.0) for one in (found - plain, unit - plain))
    return float(np.sum(asked * column) / np.sum(column * column))


def _warmth(rig: Rig, curves: Calibration, changed: Floats) -> WarmthTerms:
    """Return how on-time warms a coil, how it cools, and which drive loss a kelvin is worth."""
    width = curves.width.ravel()
    kelvin = rig.heat(np.repeat(np.arange(len(curves.width)), curves.width.shape[1]), width) / width
    loss = _equal_loss(curves, changed)
    return WarmthTerms(float(kelvin.mean()), rig.cooling(COOLING_PAUSE), loss / WARMER)


def _equal_loss(calibration: Calibration, changed: Floats) -> float:
    """Return the drive loss whose effect on widths and latencies is nearest to that of this condition."""
    wider, later = changed
    seen = np.isfinite(wider)

    def error(loss: float) -> float:
        width = loss * (calibration.width_loss + loss * calibration.width_loss2)
        late = loss * (calibration.latency_loss + loss * calibration.latency_loss2)
        return float(np.sum((width - wider)[seen] ** 2 + (late - later)[seen] ** 2))

    return float(min(np.linspace(0.0, 0.12, 241), key=error))


def _supply(rig: Rig, curves: Calibration, current: Floats) -> SupplyTerms:
    """Return the supply terms; a hammer that is alone is measured beside copies of itself."""
    if len(current) > 1:
        return supply_terms(rig, curves, current)
    names = tuple(f"{curves.hammers[0]} {copy}" for copy in range(COPIES))
    row = np.zeros(COPIES, np.intp)
    return supply_terms(replace(rig, hammers=picked(rig.hammers, row)), curves.spread(names), current[row])


def main() -> None:
    """Write the default calibration of every hammer kind into the package."""
    folder = Path(__file__).parent.parent / "kinds"
    folder.mkdir(exist_ok=True)
    for kind in KINDS.values():
        write_calibration(folder / f"{kind.name}.toml", nominal(kind))


if __name__ == "__main__":
    main()
