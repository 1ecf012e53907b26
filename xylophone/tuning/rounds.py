"""Rounds: which hammer is struck next with which pulse, so that the fewest strikes teach the most."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from zlib import crc32

import numpy as np

from ..calibration.values import Calibration
from ..instrument import Instrument
from ..tables import TRIAL, Floats, Trials, as_trials
from .analysis import Analysis
from .evidence import clear_rows
from .shape import SOFTER
from .trials import Purpose

TURNS = 4
"""Strikes of each hammer in a round; the first of them after a rest."""

TOGETHER = 5
"""Hammers that take turns: the others rest meanwhile."""

GAP = (0.26, 0.34)
"""s from strike to strike, uneven so that a recording fits the plan in one way only."""

BETWEEN = 13
"""Strikes between two of the reference hammer."""

MARGIN = 0.7
"""dB above the softest level of a hammer's curve at which it is struck at the softest."""

WIDER = 1.25
"""Factor on the pulses of a hammer of which nothing was heard, for another try."""

MISS = 0.00015
"""s more than a pulse that brought nothing, at least."""

CERTAIN_LATENCY, CERTAIN_LEVEL = 0.00025, 0.45
"""s and dB; a hammer known this well in the middle of its range needs no more strikes."""

Turns = list[tuple[int, Floats]]
"""Hammers (places) and the pulse widths (s) of their turns."""


def first_round(instrument: Instrument, default: Calibration) -> Turns:
    """Return pulses for all hammers of which nothing is known: loud ones, that are sure to be heard."""
    turns: Turns = []
    for place, hammer in enumerate(instrument.hammers):
        level, width = default.level[place], default.width[place]
        part = np.array([1.05, 0.95, 0.6, 0.8])
        asked = np.interp(level[0] + part * (level[-1] - level[0]), level, width)
        asked[0] += default.width_rest[place, -1] + 0.04 * width[-1]
        turns.append((place, np.clip(asked, hammer.shortest_pulse, hammer.longest_pulse)))
    return turns


def blind_rounds(instrument: Instrument, default: Calibration, count: int, seed: int = 0) -> list[Turns]:
    """Return rounds for a session that nobody listens to while it plays: pulses from too short to loud."""
    chance = np.random.default_rng(seed)
    rounds: list[Turns] = [[] for _ in range(count)]
    for place, hammer in enumerate(instrument.hammers):
        low, high = default.width[place, 0] * 0.97, default.width[place, -1] * 1.15
        widths = low + (high - low) * (np.arange(count * TURNS) / (count * TURNS - 1.0)) ** 1.5
        chance.shuffle(widths)
        for number, turns in enumerate(rounds):
            part = widths[number * TURNS : (number + 1) * TURNS]
            turns.append((place, np.clip(part, hammer.shortest_pulse, hammer.longest_pulse)))
    return rounds


def next_round(analysis: Analysis, number: int, all_of_them: bool = True) -> Turns:
    """Return the pulses of round `number` (from 1): along each hammer's curve as known so far.

    Hammers that answer on another bar, or to no pulse at all, are left out after a second try. Unless
    `all_of_them`, those are left out too that are known well.
    """
    return [
        (place, _pulses(analysis, place, number))
        for place in range(len(analysis.instrument))
        if not is_lost(analysis, place) and (all_of_them or is_vague(analysis, place))
    ]


def is_lost(analysis: Analysis, place: int) -> bool:
    """Tell whether more strikes would teach nothing: silent, or another bar sounds."""
    evidence = analysis.evidence
    rows = evidence.of(place)
    if len(clear_rows(evidence, place)):
        return False
    hammer = analysis.instrument.hammers[place]
    longest = evidence.trials["width"][rows].max(initial=0.0) >= hammer.longest_pulse - 1e-9
    elsewhere = np.count_nonzero(evidence.bar[rows] >= 0)
    return bool(len(rows) >= 2 * TURNS and (longest or elsewhere >= TURNS))


def is_vague(analysis: Analysis, place: int) -> bool:
    """Tell whether a hammer's curves are less certain than they should be."""
    found = analysis.fits[place]
    if found is None:
        return True
    latency = found.uncertainty()[1]
    inside = slice(len(latency) // 4, -len(latency) // 6)
    late = np.median(latency[inside]) > CERTAIN_LATENCY
    return bool(late or analysis.level_doubt(place) > CERTAIN_LEVEL)


def _pulses(analysis: Analysis, place: int, number: int) -> Floats:
    hammer, found, evidence = analysis.instrument.hammers[place], analysis.fits[place], analysis.evidence
    rows = evidence.of(place)
    if found is None:
        loud = analysis.default.width[place, -1] * np.array([1.2, 1.0, 1.1, 0.9]) * WIDER**number
        return np.asarray(np.clip(loud, hammer.shortest_pulse, hammer.longest_pulse))
    level, width, _ = found.curves()
    low, high = level[0] + SOFTER + MARGIN, level[-1] - 1.0
    chance = np.random.default_rng((place, number))
    part = (np.arange(TURNS) + chance.random(TURNS)) / TURNS
    part[0] /= number  # the soft end is steep: nearer to it from round to round, as it is known better
    part = np.roll(part[::-1], -((number - 1) % (TURNS - 1)))  # the rested one is never the softest
    asked = np.interp(low + (high - low) * part, level, width)
    asked[0] += found.rest * float(np.interp(low + (high - low) * part[0], level, found.shape.width_rest))
    silent = rows[evidence.bar[rows] < 0]
    spent = evidence.trials["width"][silent][evidence.rested[silent] < 0.2]
    if len(spent):
        asked = np.maximum(asked, spent.max() + MISS)
    return np.asarray(np.clip(asked, hammer.shortest_pulse, hammer.longest_pulse))


def trials_of(turns: Turns, begin: float, reference: tuple[int, float] | None, seed: int) -> Trials:
    """Return the trials (dtype TRIAL) of a round, the first at `begin`.

    Hammers far from each other take turns. `reference` is the place of the reference hammer and its pulse.
    The distances between strikes follow from `seed` and from all pulses, so that the recording of a session
    with other pulses does not fit.
    """
    rows: list[tuple[int, float, int]] = []
    for place, width in _in_order(turns):
        if reference is not None and len(rows) % BETWEEN == BETWEEN - 1:
            rows.append((*reference, Purpose.REFERENCE))
        rows.append((place, width, Purpose.CURVE))
    pulses = np.array([round(1e7 * width) for _, width, _ in rows], dtype="<i4")
    chance = np.random.default_rng((seed, crc32(pulses.tobytes())))
    gaps = chance.uniform(*GAP, len(rows))
    trials = as_trials(np.zeros(len(rows), TRIAL))
    trials["start"] = begin + np.concatenate(([0.0], np.cumsum(gaps)[:-1])) if len(rows) else 0.0
    for key, column in zip(("hammer", "width", "purpose"), zip(*rows, strict=True), strict=False):
        trials[key] = column
    return trials


def _in_order(turns: Turns) -> Iterator[tuple[int, float]]:
    """Yield hammer and pulse of each strike: groups of TOGETHER hammers, far from each other, take turns."""
    count = max(1, -(-len(turns) // TOGETHER))
    for first in range(count):
        group = [[(place, width) for width in widths.tolist()] for place, widths in turns[first::count]]
        for turn in zip_longest(*group):
            yield from filter(None, turn)
