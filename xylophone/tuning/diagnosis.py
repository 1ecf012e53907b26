"""Diagnosis: what is wrong with single hammers, by what was heard of them, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..sound.position import Position
from ..tables import Bools, Floats
from ..words import counted
from .analysis import Analysis
from .evidence import Evidence, clear_rows
from .fitting import FittedCurve
from .shape import FINE
from .spread import pooled, robust

WEAK = 6.0
"""dB by which a hammer is softer than an average one at the loudest usual pulse."""

WIDER = (3.6, 2.6)
"""Standard deviations by which a weak hammer's pulses are longer; the second if it is WEAK too."""

SPREAD, SPREAD_COUNTS = 0.08, 10
"""Standard deviation of the pulses of ordinary hammers, in their logarithm, and how many hammers it stands
for."""

SECOND = -22.0
"""dB re the first: a softer second blow is none, or an echo."""

LOUDER = 3.0
"""dB re the first that no second blow reaches: a louder one is a knock in the room, or noise."""

OFTEN = 0.14
"""Part of the trials after which a second blow is heard, more than after those of others, or it is an
echo."""

UNSTEADY = 2.5
"""Factor on the scatter of an average hammer."""

LEAST_UNSTEADY = (0.001, 2.0)
"""s and dB of scatter; a hammer that is steadier has no fault, however steady the others are.

What is scattered in both is unsteady before it comes to either."""

SPOILED = 0.2
"""Part of a hammer's strikes, the farthest out, that do not count for its scatter: one at least."""

ALIKE = 0.012
"""s by which second blows of a hammer come earlier or later than most of them; knocks fall anywhere."""

ELSEWHERE, ALL_ELSEWHERE = 0.6, 0.8
"""Parts of the trials heard on one other bar, or the cables are right: of two exchanged ones, of a single
one."""

LEAST_ELSEWHERE, LEAST_ALL_ELSEWHERE = 3, 6
"""How many trials must have been heard at least for that."""

PLAUSIBLE = 12.0
"""dB by which the other bar may sound softer than from its own hammer, or it was not struck: a partial, a
knock or what rang before is taken for it."""

LEAST_WEAK = 3.0
"""dB by which a weak hammer is softer at least, however long its pulses are."""

TILT = (4.0, 4.0)
"""dB from the lowest bar to the highest, and standard errors, from which the microphone's place is in
doubt."""


KNOWN = 1.0
"""dB to which the loudness of a hammer must be known, by two standard errors."""

QUIETER = "make the room quieter or the microphone nearer, and tune it again"
LOOSEN = "check its gap, its spring and that it moves freely, and its cable for a bad contact"


class HammerFault(StrEnum):
    """What can be wrong with a hammer."""

    DEAD = "dead"
    WEAK = "weak"
    DOUBLE = "double"
    SWAPPED = "swapped"
    UNSTEADY = "unsteady"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Ailment:
    """One fault of one hammer: what was heard, and what to do, each in one line."""

    hammer: str
    fault: HammerFault
    heard: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.hammer} is {self.fault}: {self.heard}; {self.remedy}"


def diagnose(analysis: Analysis) -> list[Ailment]:
    """Return the faults of all hammers, in the order of the bars; a hammer has one at most."""
    ailments = []
    for place, hammer in enumerate(analysis.instrument.hammers):
        finding, found = _elsewhere(analysis, place) or _dead(analysis, place), analysis.fits[place]
        if finding is None and found is not None:
            looks = (_double, _weak, _unsteady, _unsure)
            finding = next(filter(None, (look(analysis, place, found) for look in looks)), None)
        if finding is not None:
            ailments.append(Ailment(hammer.name, *finding))
    return ailments


Finding = tuple[HammerFault, str, str]


def _elsewhere(analysis: Analysis, place: int) -> Finding | None:
    """Another bar sounds instead: two cables are exchanged, or one is on the wrong output."""
    evidence, hammers = analysis.evidence, analysis.instrument.hammers
    other, part, count = _other_bar(evidence, place)
    if other == place or part < ELSEWHERE or count < LEAST_ELSEWHERE or not _struck(evidence, place, other):
        return None
    back, part_back, count_back = _other_bar(evidence, other)
    mutual = back == place and part_back >= ELSEWHERE and count_back >= LEAST_ELSEWHERE
    if not mutual and (part < ALL_ELSEWHERE or count < LEAST_ALL_ELSEWHERE):
        return None
    mine, theirs = hammers[place], hammers[other]
    heard, remedy = f"{theirs.name} sounds instead", f"check the cable of output {mine.channel}, or"
    if not mutual:
        return HammerFault.SWAPPED, heard, f"{remedy} `channels` in xylophone.toml"
    remedy = f"exchange the cables of outputs {mine.channel} and {theirs.channel}, or their numbers in"
    return (
        HammerFault.SWAPPED,
        f"{heard}, and {mine.name} for {theirs.name}",
        (f"{remedy} `channels` of xylophone.toml"),
    )


def _other_bar(evidence: Evidence, place: int) -> tuple[int, float, int]:
    """Return the bar that sounds most often from a hammer, in which part of what was heard, and how often."""
    bars = evidence.bar[evidence.of(place)]
    heard = bars[bars >= 0]
    if not len(heard):
        return place, 0.0, 0
    bar = int(np.bincount(heard).argmax())
    return bar, float(np.mean(heard == bar)), int(np.count_nonzero(heard == bar))


def _struck(evidence: Evidence, place: int, other: int) -> bool:
    """Tell whether the other bar sounds about as loud from this hammer as whenever it is struck."""
    from_here = evidence.of(place)
    from_here = from_here[evidence.bar[from_here] == other]
    usual = np.flatnonzero((evidence.bar == other) & (evidence.trials["hammer"] != place))
    usual = usual if len(usual) else np.flatnonzero(evidence.clear)
    if not len(usual):
        return True
    softer = np.median(evidence.sounded[usual]) - np.median(evidence.sounded[from_here])
    return bool(softer < PLAUSIBLE)


def _dead(analysis: Analysis, place: int) -> Finding | None:
    evidence, hammer = analysis.evidence, analysis.instrument.hammers[place]
    rows = evidence.of(place)
    if len(rows) < 3 or analysis.fits[place] is not None:
        return None
    width, clear = 1e3 * evidence.trials["width"], clear_rows(evidence, place)
    widest = width[rows].max()
    if len(clear) and width[clear].min() > 0.8 * hammer.longest_pulse * 1e3:
        least = width[clear].min()
        heard = f"only pulses of {least:.1f} ms and more bring a sound, its limit being {widest:.1f} ms"
        return HammerFault.WEAK, heard, LOOSEN
    elsewhere = np.count_nonzero(evidence.bar[rows] >= 0)
    if len(clear) or 2 * elsewhere > len(rows):
        heard = f"only {len(clear)} of {counted(len(rows), 'strike')} were heard clearly"
        return HammerFault.UNCLEAR, heard, QUIETER
    return (
        HammerFault.DEAD,
        f"no sound from {counted(len(rows), 'strike')} with pulses up to {widest:.1f} ms",
        f"check the cable of output {hammer.channel}, its driver, and that its plunger moves freely",
    )


def _double(analysis: Analysis, place: int, found: FittedCurve) -> Finding | None:
    evidence, rows = analysis.evidence, clear_rows(analysis.evidence, place)
    if len(rows) < 4:
        return None
    level, width, _ = found.curves()
    top = float(np.interp(level[-1] - 1.0, level, width))
    usual = rows[evidence.trials["width"][rows] <= top * 1.02]
    twice = _alike(evidence.gap[usual], _again(evidence.second[usual]))
    everywhere = _again(evidence.second[evidence.clear])
    if twice.sum() < 2 or twice.mean() < OFTEN + everywhere.mean():
        return None
    shortest = 1e3 * float(evidence.trials["width"][usual][twice].min())
    loudness = float(np.median(evidence.second[usual][twice]))
    return (
        HammerFault.DOUBLE,
        f"a second blow of {loudness:.0f} dB after {twice.sum()} of {counted(len(usual), 'strike')}, from "
        f"{shortest:.1f} ms on",
        "move it a little away from its bar, damp its way back, or give it a lower longest_pulse_ms",
    )


def _again(second: Floats) -> Bools:
    """Return which of these levels (dB re the first) are those of second blows."""
    return np.asarray((second > SECOND) & (second < LOUDER))


def _alike(gap: Floats, twice: Bools) -> Bools:
    """Return which second blows come about as late as most of them do."""
    return twice & (np.abs(gap - np.median(gap[twice])) < ALIKE) if twice.any() else twice


def _weak(analysis: Analysis, place: int, found: FittedCurve) -> Finding | None:
    default = analysis.default
    level, width, _ = found.curves()
    pulse, loud = float(default.width[place, -1]), float(default.level[place, -1])
    softer = loud - float(np.interp(pulse, width, level, left=-np.inf)) + analysis.gain
    needs = float(np.interp(level[-1] - 1.0, level, width))
    limit = analysis.instrument.hammers[place].longest_pulse
    apart = _wider(analysis, place)
    if softer < LEAST_WEAK:
        return None
    if apart < WIDER[0] and (apart < WIDER[1] or softer < WEAK) and needs <= limit:
        return None
    heard = f"a pulse of {1e3 * pulse:.1f} ms brings "
    heard += f"{softer:.0f} dB less than usual" if np.isfinite(softer) else "no sound at all"
    if needs > limit:
        heard += f", and its loudest blow would need {1e3 * needs:.1f} ms, its limit being {1e3 * limit:g} ms"
    return HammerFault.WEAK, heard, LOOSEN


def _wider(analysis: Analysis, place: int) -> float:
    """Return by how many standard deviations a hammer's pulses are longer than those of the others."""
    middle = {
        n: float(np.log(found.curves()[1][FINE // 2] / found.shape.width[FINE // 2]))
        for n, found in enumerate(analysis.fits)
        if found is not None
    }
    every = np.array(list(middle.values()))
    usual = float(np.median(every))
    spread = pooled(robust(every - usual), len(every), SPREAD, SPREAD_COUNTS)
    return float((middle[place] - usual) / spread)


def _unsteady(analysis: Analysis, place: int, found: FittedCurve) -> Finding | None:
    level, latency = found.level_error, found.latency_error
    known = np.isfinite(level) & np.isfinite(latency)
    if known.sum() < 6:
        return None
    times, levels = _scatter(latency[known]), _scatter(level[known])
    late = times / max(UNSTEADY * analysis.latency_sd, LEAST_UNSTEADY[0])
    uneven = levels / max(UNSTEADY * analysis.level_sd, LEAST_UNSTEADY[1])
    if np.hypot(late, uneven) <= 1:
        return None
    return (
        HammerFault.UNSTEADY,
        f"its strikes scatter by {1e3 * times:.1f} ms and {levels:.1f} dB, others by "
        f"{1e3 * analysis.latency_sd:.1f} ms and {analysis.level_sd:.1f} dB",
        "look for friction, a loose screw or a loose plug, and tune it again",
    )


def _unsure(analysis: Analysis, place: int, found: FittedCurve) -> Finding | None:
    doubt = 2.0 * analysis.level_doubt(place)
    if doubt <= KNOWN:
        return None
    return HammerFault.UNCLEAR, f"its loudness is known to {doubt:.1f} dB only, not to {KNOWN:g} dB", QUIETER


def _scatter(residuals: Floats) -> float:
    """Return the root mean square of residuals without the largest, which may be knocks in the room."""
    away = np.sort(np.abs(residuals))[: -max(1, int(SPOILED * len(residuals)))]
    return float(np.sqrt(np.mean(away**2)))


def tilt(analysis: Analysis, position: Position) -> str | None:
    """Return a line of doubt where levels rise or fall as if the microphone stood elsewhere."""
    count = len(analysis.instrument)
    places = [place for place in range(count) if analysis.fits[place] is not None]
    if len(places) < 8:
        return None
    along = np.array(places) / (count - 1.0)
    loud = np.array([fit.gain for fit in analysis.fits if fit is not None]) - analysis.gain
    near = np.abs(loud - np.median(loud)) < 3.0 * WEAK
    along, loud = along[near], loud[near]
    slope, middle = np.polyfit(along, loud, 1)
    away = loud - slope * along - middle
    error = float(np.sqrt(np.mean(away**2) / len(away)) / along.std())
    if abs(slope) < max(TILT[0], TILT[1] * error):
        return None
    end = "highest" if slope > 0 else "lowest"
    return (
        f"bars sound {abs(slope):.0f} dB louder towards the {end} one as if the microphone stood "
        "nearer to it than "
        f"{position.along:g},{position.before:g} m: put it 1 m before the middle, or say where it "
        "stands with --mic"
    )
