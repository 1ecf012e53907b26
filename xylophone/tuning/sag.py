"""Chords: what the supply takes from coils that are on together, and more from hammers that have rested."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..calibration.values import Calibration, Response
from ..sequencer.curves import Curves
from ..tables import TRIAL, Bools, Floats, Ints, Trials, as_trials, joined, ordered
from .analysis import Analysis, calibration_of
from .spread import robust
from .trials import Purpose, conditions

COUNT = 6
"""Chords that are struck one after the other."""

NOTES = 8
"""Hammers of a chord at most; fewer where the supply drives fewer."""

GAP = (0.42, 0.58)
"""s from chord to chord, uneven so that a recording of them alone fits in one way only."""

LOUD, SOFT = 0.75, 0.3
"""How loud chords are: part of a hammer's range, in dB, from soft to loud. A loud one is heard however much
the supply sags; how much that is must be known before a soft one, which tells more of it."""

LEAST = 12
"""Trials in chords that must be heard, or the default's terms stay."""

BOUNDS = (0.1, 6.0)
"""Factors on the default's supply term that are believed; beyond them something else was heard."""

USUAL = 0.5
"""How far the coupling of rest and loss is from the default's, standard deviation. Wide on purpose."""

KNOWN = 0.4
"""Standard deviation of the coupling up to which it counts as measured."""

ROUNDS = 12
"""Times that the terms are found anew, with other weights."""

STEP = 1e-4
"""By which terms are changed to see what it does."""

NEAR = 0.25
"""dB to both sides over which the slope of a curve is taken."""


@dataclass(frozen=True, slots=True)
class SharedTerms:
    """What chords tell: a factor on the default's supply term, and the coupling of rest and loss.

    `doubt` is the standard deviation of the coupling.
    """

    factor: float
    coupling: float
    doubt: float


def chord_trials(analysis: Analysis, begin: float, loud: float, played: Trials) -> Trials:
    """Return trials (dtype TRIAL) of chords whose contacts coincide, the first chord at `begin`.

    `loud` is LOUD or SOFT. Pulses are made for the rest that hammers have after the trials `played`, and for
    what is known of the supply.
    """
    known = [place for place, found in enumerate(analysis.fits) if found is not None]
    size = min(NOTES, analysis.instrument.largest_chord, len(known) // 2)
    if size < 2:
        return as_trials(np.zeros(0, TRIAL))
    gaps = np.random.default_rng(COUNT).uniform(*GAP, COUNT)
    contact = np.repeat(begin + 0.1 + np.cumsum(gaps) - gaps, size)
    trials = as_trials(np.zeros(COUNT * size, TRIAL))
    hammer = np.array([known[at] for places in circles(len(known), size) for at in places])
    trials["hammer"], trials["purpose"], trials["start"] = hammer, Purpose.CHORD, contact
    rested = conditions(joined((played, trials)), analysis.instrument, analysis.default)[1][len(played) :]
    trials["width"], latency = _pulses(analysis, hammer, rested, loud)
    trials["start"] = contact - latency
    return ordered(trials, "start")


def circles(count: int, size: int) -> list[list[int]]:
    """Return which of `count` hammers each chord of `size` strikes.

    Evenly round the circle: no two are neighbours, whose sounds are hard to tell apart. As long as it can be,
    no hammer is struck that has been struck before.
    """
    first, between = np.arange(size) * count // size, count // size
    turns = [*range(0, between, 2), *range(1, between, 2)]
    return [((first + turns[number % between]) % count).tolist() for number in range(COUNT)]


def _pulses(analysis: Analysis, hammer: Ints, rested: Floats, loud: float) -> tuple[Floats, Floats]:
    """Return widths and latencies of the strikes of chords, all of one size; from the calibration's zero."""
    terms = shared_terms(analysis) or SharedTerms(1.0, analysis.default.rest_coupling, np.inf)
    curves = Curves(analysis.instrument, calibration_of(analysis))
    current = curves.current[hammer].reshape(COUNT, -1)
    others = (current.sum(axis=1, keepdims=True) - current).ravel()
    loss = terms.factor * analysis.default.supply.per_ampere * others
    ends = curves.calibration.level[hammer][:, [0, -1]]
    needs = curves.at(hammer, ends[:, 0] + loud * (ends[:, 1] - ends[:, 0]))
    needs = replace(needs, rest_coupling=terms.coupling)
    return curves.bounded(hammer, needs.width_at(loss, rested)), needs.latency_at(loss, rested)


def shared_terms(analysis: Analysis) -> SharedTerms | None:
    """Return what chords tell of supply, rest and loss; None where too little was heard.

    The level of each hammer in a chord tells which pulse it needs, under the loss that the currents beside it
    foretell and after its rest. The factor on that loss, and the coupling, are those with which the pulses
    given are explained best: least squares, outliers weighing less, Gauss-Newton.
    """
    heard = _heard(analysis)
    if heard is None:
        return None
    usual = np.array([1.0, analysis.default.rest_coupling])
    found, prior = usual, np.array([0.0, 1.0 / USUAL**2])
    for _ in range(ROUNDS):
        away, slopes = heard.errors(found)
        scale = max(1.0, robust(away))
        weight = 1.0 / (scale**2 + (away / 2.0) ** 2)
        curvature = (slopes.T * weight) @ slopes + np.diag(prior)
        pull = slopes.T @ (weight * away) - prior * (found - usual)
        found = np.maximum(found + np.linalg.solve(curvature, pull), (BOUNDS[0] / 2.0, 0.0))
    factor, coupling = found.tolist()
    if not BOUNDS[0] <= factor <= BOUNDS[1]:
        return None
    return SharedTerms(factor, coupling, float(np.sqrt(np.linalg.inv(curvature)[1, 1])))


@dataclass(frozen=True)
class _Heard:
    """Strikes in chords that were heard on their hammers' curves, one value for each.

    `needs` is what their levels need, `expected` the loss by other coils that the default foretells, `warm`
    that by warmth, `sd` how uncertain the pulse is that a level tells (s).
    """

    width: Floats
    rested: Floats
    needs: Response
    expected: Floats
    warm: Floats
    sd: Floats

    def errors(self, found: Floats) -> tuple[Floats, Floats]:
        """Return by how many `sd` pulses were wider than factor and coupling say, and what these change."""
        base, *raised = (self._asked(*(found + step)) for step in np.vstack((np.zeros(2), STEP * np.eye(2))))
        slopes = np.stack([(one - base) / STEP for one in raised], axis=1)
        return (self.width - base) / self.sd, slopes / self.sd[:, None]

    def _asked(self, factor: float, coupling: float) -> Floats:
        needs = replace(self.needs, rest_coupling=coupling)
        return needs.width_at(factor * self.expected + self.warm, self.rested)


def _heard(analysis: Analysis) -> _Heard | None:
    """Return the strikes in chords that tell something; None where there are too few."""
    evidence, curves = analysis.evidence, Curves(analysis.instrument, calibration_of(analysis))
    hammer, level = evidence.trials["hammer"].astype(np.intp), evidence.level - analysis.gain
    low, high = (curves.calibration.level[hammer, end] for end in (0, -1))
    known = np.array([found is not None for found in analysis.fits])[hammer]
    expected = _foretold(analysis, curves)
    chord: Bools = evidence.trials["purpose"] == Purpose.CHORD
    rows = np.flatnonzero(chord & known & (expected > 0) & (low < level) & (level < high))
    if len(rows) < LEAST:
        return None
    hammer, level = hammer[rows], level[rows]
    around = np.clip(level + np.array([[-NEAR], [NEAR]]), low[rows], high[rows])
    widths = [curves.at(hammer, side).width for side in around]
    doubt = np.array([analysis.level_doubt(place) for place in hammer.tolist()])
    sd = np.hypot(analysis.level_sd, doubt) * (widths[1] - widths[0]) / (around[1] - around[0])
    columns = (evidence.trials["width"], evidence.rested, expected, evidence.loss)
    width, rested, loss, warm = (column[rows] for column in columns)
    return _Heard(width, rested, curves.at(hammer, level), loss, warm, sd)


def _foretold(analysis: Analysis, curves: Curves) -> Floats:
    """Return the drive loss by other coils that the default's supply term foretells for each trial."""
    supply, trials = analysis.default.supply, analysis.evidence.trials
    end = trials["start"] + trials["width"]
    met = supply.beside(trials["start"], end, curves.current[trials["hammer"]])[0]
    return np.asarray(met * supply.per_ampere)


def result_of(analysis: Analysis) -> Calibration:
    """Return the calibration that a session has led to; its shared terms too, if chords were heard."""
    calibration = calibration_of(analysis)
    found = shared_terms(analysis)
    if found is None:
        return calibration
    supply = replace(calibration.supply, per_ampere=calibration.supply.per_ampere * found.factor)
    measured = ("supply", "rest_coupling") if found.doubt <= KNOWN else ("supply",)
    return replace(calibration, supply=supply, rest_coupling=found.coupling, measured=measured)
