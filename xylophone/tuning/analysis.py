"""Analysis: what the recordings of a session say of each hammer. Pure: takes in, curves and findings out.

A recording knows neither how loud a blow was nor when its coil went on: gain, distance and the sound card's
delay are in all of it alike. So every hammer's level and latency are set beside those of an average one of
its kind, which the default calibration describes; what all hammers share is taken off at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..calibration.values import CURVES, Calibration
from ..errors import TuningError
from ..instrument import Instrument
from ..sound.position import Position
from ..tables import Floats, Trials, picked
from .evidence import Evidence, clear_rows, gather, silent_rows
from .fitting import FittedCurve, fit
from .spread import robust
from .trials import Take

LEVEL_SD, LATENCY_SD = 0.35, 0.0005
"""dB and s of scatter from strike to strike that are assumed at first."""

LEAST_LEVEL_SD, LEAST_LATENCY_SD = 0.1, 0.0001

MOST_LEVEL_SD, MOST_LATENCY_SD = 3.0, 0.004
"""dB and s of scatter beyond which a recording is not of its plan: no instrument is so uneven."""

STEP = 1e-6
"""s by which the pulses of two knots differ at least."""

LEAST_RANGE = 3.0
"""dB that a measured curve spans, however little of it is known."""

ENOUGH = 4
"""Clear trials that a hammer needs at least for curves of its own."""

JUMP = 0.003
"""s by which a recording may not jump: samples were lost."""

MIXED = 4
"""Hammers that must agree that it jumps."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a session has taught so far.

    `fits` has a FittedCurve for each hammer, None where too little was heard. `gain` (dB) and `delay` (s) are
    what level and latency of the recording are greater by than the calibration's: of an average hammer
    they are the default's. `level_sd` and `latency_sd` are the scatter from strike to strike.
    """

    instrument: Instrument
    default: Calibration
    evidence: Evidence
    fits: tuple[FittedCurve | None, ...]
    gain: float
    delay: float
    level_sd: float
    latency_sd: float
    ppm: float

    def level_doubt(self, hammer: int) -> float:
        """Return by how many dB a hammer may be louder or softer than its curves say, a standard error.

        It holds what its strikes scatter, be it more than others, and what is not known of its bar's decay.
        Only where curves are known at all; endless for a hammer that has none.
        """
        fitted = self.fits[hammer]
        if fitted is None:
            return np.inf
        level = fitted.curves()[0]
        asked = level >= min(fitted.known_from(), level[-1])
        spread = float(np.median(fitted.level_uncertainty()[asked]))
        return float(np.hypot(spread * self._uneven(fitted), self.evidence.doubt[hammer]))

    def _uneven(self, fitted: FittedCurve) -> float:
        """Return by what factor a hammer's levels scatter more than is assumed of all, 1 at least."""
        known = np.isfinite(fitted.level_error)
        if not known.any():
            return 1.0
        own = np.sqrt(np.average(fitted.level_error[known] ** 2, weights=fitted.weight[known]))
        return max(1.0, float(own) / self.level_sd)


def analyse(
    takes: Sequence[Take], instrument: Instrument, default: Calibration, position: Position
) -> Analysis:
    """Return what a session has taught. TuningError where its recordings cannot be used."""
    return learn(gather(takes, instrument, default, position), instrument, default)


def learn(evidence: Evidence, instrument: Instrument, default: Calibration) -> Analysis:
    """Return the curves that explain what was heard best; scatter and drift are found on the way.

    How far the curves may trust a strike depends on the scatter, and the scatter on the curves: so both are
    found in turn, until the scatter stays. TuningError where nothing, or something else, was heard.
    """
    sds, ppm, places = (LEVEL_SD, LATENCY_SD), 0.0, range(len(instrument))
    fits: list[FittedCurve | None] = []
    for _ in range(3):
        start = _reference(evidence, instrument, default, fits)
        fits = [_fit(evidence, place, default, sds, start) for place in places]
        evidence, drift = _straightened(evidence, fits)
        ppm += drift
        before, sds = sds, _scatter(fits)
        if abs(drift) < 2.0 and np.abs(np.log(np.divide(sds, before))).max() < np.log(1.3):
            break
    if sds[0] > MOST_LEVEL_SD or sds[1] > MOST_LATENCY_SD:
        raise TuningError(
            f"strikes of one hammer differ by {sds[0]:.1f} dB and {1e3 * sds[1]:.1f} ms from what "
            "their pulses tell: give the recording that belongs to this plan, or make the room quieter"
        )
    if not any(fits):
        raise TuningError(
            "no hammer was heard often enough: move the microphone nearer, make the room quieter, "
            "and tune again"
        )
    gain, delay = _reference(evidence, instrument, default, fits).tolist()
    return Analysis(instrument, default, evidence, tuple(fits), gain, delay, *sds, ppm)


def _reference(
    evidence: Evidence, instrument: Instrument, default: Calibration, fits: Sequence[FittedCurve | None]
) -> Floats:
    """Return by how much level and latency of an average hammer are greater than the default's.

    Before there are any curves, strikes are set beside the default's.
    """
    known = [(one.gain, one.delay) for one in fits if one is not None]
    if known:
        return np.median(known, axis=0)
    apart = np.array([_beside(evidence, place, default) for place in range(len(instrument))])
    if not np.isfinite(apart).any(axis=0).all():
        raise TuningError(
            "hardly any strike was heard on its bar: move the microphone nearer, check the layout of the "
            "instrument and the wiring with: xylophone doctor --hammers"
        )
    return np.asarray(np.nanmedian(apart, axis=0))


def _beside(evidence: Evidence, place: int, default: Calibration) -> list[float]:
    """Return by how much a hammer's strikes are louder (dB) and later (s) than the default; NaN for none."""
    rows = evidence.of(place)
    rows = rows[np.isfinite(evidence.latency[rows])]
    width = evidence.trials["width"][rows] - evidence.rested[rows] * default.width_rest[place].mean()
    inside = (width > default.width[place, 0]) & (width < default.width[place, -1] * 1.1)
    if not inside.any():
        return [np.nan, np.nan]
    pairs = (evidence.level, default.level), (evidence.latency, default.latency)
    usual = (np.interp(width[inside], default.width[place], curve[place]) for _, curve in pairs)
    return [float(np.median(heard[rows][inside] - own)) for (heard, _), own in zip(pairs, usual, strict=True)]


def _fit(
    evidence: Evidence, place: int, default: Calibration, sds: tuple[float, float], start: Floats
) -> FittedCurve | None:
    rows = clear_rows(evidence, place)
    if len(rows) < ENOUGH:
        return None
    every = np.concatenate((rows, silent_rows(evidence, place)))
    return fit(evidence.trials_of(every), default, place, sds, start)


def _scatter(fits: Sequence[FittedCurve | None]) -> tuple[float, float]:
    """Return the standard deviations of level (dB) and latency (s) about the curves, outliers left out."""
    known = [one for one in fits if one is not None]
    level = _spread([one.level_error for one in known], LEVEL_SD, LEAST_LEVEL_SD)
    return level, _spread([one.latency_error for one in known], LATENCY_SD, LEAST_LATENCY_SD)


def _spread(errors: list[Floats], assumed: float, least: float) -> float:
    """Return the standard deviation of errors, an array a hammer, as it was before they were fitted."""
    every = np.concatenate([np.empty(0), *errors])
    every = every[np.isfinite(every)]
    if len(every) < 20:
        return assumed
    free = max(0.4, 1.0 - 5.0 * len(errors) / len(every))
    return float(max(least, robust(every) / np.sqrt(free)))


def _straightened(evidence: Evidence, fits: Sequence[FittedCurve | None]) -> tuple[Evidence, float]:
    """Return the evidence with what is left of drift taken out, and the drift in parts per million.

    Each take has a zero of its own. Raises TuningError where a recording jumps.
    """
    error = np.full(len(evidence.trials), np.nan)
    for place, found in enumerate(fits):
        if found is not None:
            error[clear_rows(evidence, place)] = found.latency_error
    latency, start, drift = evidence.latency.copy(), evidence.trials["start"], 0.0
    for take in np.unique(evidence.take).tolist():
        rows = np.flatnonzero((evidence.take == take) & np.isfinite(error))
        if len(rows) < 20:
            continue
        _check_jumps(error[rows], picked(evidence.trials, rows))
        weight = 1.0 / (1.0 + (error[rows] / 0.0015) ** 2)
        middle = float(np.average(start[rows], weights=weight))
        away = start[rows] - middle
        shift = float(np.average(error[rows], weights=weight))
        slope = float(np.sum(weight * away * error[rows]) / np.sum(weight * away**2))
        own = evidence.take == take
        latency[own] -= shift + slope * (start[own] - middle)
        drift = max(drift, 1e6 * slope, key=abs)
    return replace(evidence, latency=latency), drift


def _check_jumps(error: Floats, trials: Trials) -> None:
    """Raise TuningError where what is left of latencies changes at one moment, whichever hammer strikes."""
    hammers = np.unique(trials["hammer"])
    uneven = np.array([np.median(np.abs(error[trials["hammer"] == hammer])) for hammer in hammers])
    steady = np.isin(trials["hammer"], hammers[uneven <= 2.5 * np.median(uneven)])
    error, trials = error[steady], picked(trials, steady)
    near = 12
    for middle in range(near, len(error) - near + 1):
        sides = slice(middle - near, middle), slice(middle, middle + near)
        if min(len(np.unique(trials["hammer"][side])) for side in sides) < MIXED:
            continue
        step = abs(float(np.median(error[sides[1]]) - np.median(error[sides[0]])))
        if step > JUMP:
            moment = float(trials["start"][middle] - trials["start"][0])
            raise TuningError(
                f"the recording jumps by {1e3 * step:.0f} ms near the strike at {moment:.0f} s: the sound "
                "card lost samples; end other programs, or take another sound card, and record again, or "
                "give the recording that belongs to this plan"
            )


def _rising(width: Floats) -> Floats:
    """Return pulses that rise from knot to knot by a step at least: less would be lost in a file's digits."""
    steps = STEP * np.arange(len(width))
    return np.asarray(np.maximum.accumulate(width - steps) + steps)


def _from(softest: float, knots: Floats) -> Floats:
    """Return knots that begin at a level, if that is louder than their first one, and end where they did."""
    begin = min(max(softest, float(knots[0])), float(knots[-1]) - LEAST_RANGE)
    return np.asarray(begin + (knots - knots[0]) * (knots[-1] - begin) / (knots[-1] - knots[0]))


def calibration_of(analysis: Analysis) -> Calibration:
    """Return the calibration: measured curves where there are any, default ones elsewhere."""
    default = analysis.default
    rows = {key: getattr(default, key).copy() for key in ("level", *CURVES)}
    origin = list(default.origin)
    for place, found in enumerate(analysis.fits):
        if found is None:
            continue
        level, width, latency = found.curves()
        usual = default.level[place] + found.gain
        knots = _from(found.known_from(), usual)
        for key in CURVES:
            rows[key][place] = np.interp(knots, usual, rows[key][place])
        rows["level"][place] = knots - analysis.gain
        rows["width"][place] = _rising(np.interp(knots, level, width))
        rows["latency"][place] = np.interp(knots, level, latency) - analysis.delay
        for key in ("width_rest", "latency_rest"):
            rows[key][place] *= found.rest
        origin[place] = "measured"
    return replace(default, origin=tuple(origin), **rows)
