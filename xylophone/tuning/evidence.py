"""Evidence: what the recordings of a session let be heard of each trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..calibration.values import Calibration
from ..errors import TuningError
from ..instrument import Instrument
from ..pitch import frequency
from ..sound.position import Position
from ..tables import Bools, Floats, Ints, Trials
from .alignment import ClockLine, align
from .hearing import BarSounds, bar_of, frames_of, listen, measure_bars
from .shape import Outcomes
from .trials import Purpose, Take, all_trials, conditions

OWN = 14.0
"""dB by which the bar that was meant may sound softer than another one and still count as struck."""

CLIPPED = 0.995
"""Part of full scale at which a sample counts as clipped."""

NEAREST = 8.0
"""Hz between two bars at least: nearer ones cannot be told apart in the tenth of a second after a hit."""

FAINT = 0.02
"""Part of all clear strikes that are the softest; still softer ones were heard by chance."""

SLOWEST_RATE = 22050
"""Hz; with less the onset of a high bar is not sharp."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All trials of a session with what was heard of each: arrays of one value a trial.

    `latency` is the contact's time less the pulse's start, s, but for one constant of the whole session;
    `level` what the hit gave to its bar in dB re full scale at one metre; both NaN where the hit was not
    clear. `bar` is the bar that sounded, -1 for none, and `sounded` its level, also where another was meant.
    `second` is the level of a second blow re the first, dB, and `gap` the time between them, s; NaN for none.
    `loss` and `rested` are the condition in which the hammer was. `doubt` is, for each hammer, by how many dB
    all its levels may be wrong together, since its bar's decay is not known better (a standard error).
    """

    trials: Trials
    take: Ints
    latency: Floats
    level: Floats
    bar: Ints
    sounded: Floats
    second: Floats
    gap: Floats
    loss: Floats
    rested: Floats
    doubt: Floats

    @property
    def clear(self) -> Bools:
        """Which trials were heard on the bar that was meant."""
        return np.asarray(self.bar == self.trials["hammer"])

    def of(self, hammer: int) -> Ints:
        """Return the rows of a hammer's trials, those of chords left out."""
        return np.flatnonzero((self.trials["hammer"] == hammer) & (self.trials["purpose"] != Purpose.CHORD))

    def trials_of(self, rows: Ints) -> Outcomes:
        """Return these rows for a fit."""
        most = np.where(self.bar < 0, self.floor, np.nan)
        columns = (self.trials["width"], self.loss, self.rested, self.level, self.latency, most)
        return Outcomes(*(column[rows] for column in columns))

    @property
    def floor(self) -> float:
        """The level (dB) of the softest strikes that were heard clearly: a louder one would have been."""
        return float(np.nanquantile(self.level, FAINT)) if np.isfinite(self.level).any() else np.inf


def fundamentals_of(instrument: Instrument) -> Floats:
    """Return the fundamentals (Hz) of all bars; TuningError where two lie too near to be told apart."""
    hertz = np.array([frequency(int(pitch) + instrument.sounding) for pitch in instrument.pitches])
    apart = np.diff(hertz)
    if len(apart) and apart.min() < NEAREST:
        low, high = (instrument.hammers[int(apart.argmin()) + side].name for side in (0, 1))
        raise TuningError(
            f"{low} and {high} sound {apart.min():.1f} Hz apart, which must be {NEAREST:g} or more to tell "
            "them apart: tune this instrument by ear, xylophone tune hand"
        )
    return hertz


def clips(take: Take) -> Floats:
    """Return the moments (s of the recording) at which it clips: three samples at full scale in a row."""
    over = np.abs(take.sound) >= CLIPPED
    return np.flatnonzero(over[2:] & over[1:-1] & over[:-2]) / take.sample_rate


def _spoiled(take: Take, onset: Floats) -> Bools:
    """Return which trials of chords clip; TuningError where another does. `onset`: s of the recording."""
    spoiled = np.zeros(len(onset), dtype=bool)
    chord = take.trials["purpose"] == Purpose.CHORD
    for moment in clips(take).tolist():
        before = (onset <= moment + 0.05) & (onset >= moment - 0.3)
        if not np.any(before & chord):
            raise TuningError(
                f"the recording clips, first at {moment:.1f} s: lower the microphone's gain or move it away, "
                "then record again"
            )
        spoiled |= before & chord
    return spoiled


@dataclass(frozen=True, eq=False)
class _Found:
    """Where the strikes of a take are in its recording: the line of its clock and the onset of each trial."""

    take: Take
    sound: Floats
    expected: Floats  # s; latency of each trial by the default curves
    line: ClockLine
    onsets: Ints

    @classmethod
    def of(cls, take: Take, default: Calibration) -> _Found:
        if take.sample_rate < SLOWEST_RATE:
            raise TuningError(
                f"the recording has {take.sample_rate} samples a second: give one of {SLOWEST_RATE} or more, "
                "best 48000"
            )
        pulses = take.trials[["width", "hammer"]].tolist()
        expected = np.array([np.interp(width, default.width[n], default.latency[n]) for width, n in pulses])
        line, onsets = align(take, expected)
        return cls(take, take.samples(), expected, line, onsets)

    def bars(self, hertz: Floats) -> BarSounds:
        """Return what the bars of this recording sound like."""
        frame = frames_of(self.sound, self.take.sample_rate, self.onsets)
        return measure_bars(self.sound, self.take.sample_rate, frame, hertz)

    def heard(
        self, bars: BarSounds, instrument: Instrument, default: Calibration, position: Position
    ) -> dict[str, npt.NDArray[Any]]:
        """Return of each trial what an Evidence holds of it, by the names of its columns."""
        take, trials, count = self.take, self.take.trials, len(instrument)
        rows, hammer = np.arange(len(trials)), trials["hammer"].astype(np.intp)
        spoiled = _spoiled(take, self.line.at(trials["start"] + self.expected))
        heard = listen(self.sound, take.sample_rate, self.onsets, bars, hammer)
        level, time = heard.level + position.losses(count), heard.frame / take.sample_rate
        bar = np.where(heard.frame >= 0, bar_of(heard.level, hammer, OWN), -1)
        steady = _by_reference(self.line, trials, time, bar == hammer)
        came = steady.back(time) - trials["start"] - position.delays(count)[hammer]
        loss, rested = conditions(trials, instrument, default)
        clear = (bar == hammer) & ~spoiled
        return {
            "latency": np.where(clear & (trials["purpose"] != Purpose.CHORD), came, np.nan),
            "level": np.where(clear, level[rows, hammer], np.nan),
            "bar": bar,
            "sounded": np.where(bar >= 0, level[rows, bar], np.nan),
            "second": heard.second,
            "gap": heard.gap,
            "loss": loss,
            "rested": rested,
        }


def _best_heard(found: Sequence[_Found], hertz: Floats) -> BarSounds:
    """Return what the bars sound like, each by the take in which it was struck most often."""
    struck = [np.bincount(one.take.trials["hammer"], minlength=len(hertz)) for one in found]
    best, bar = np.argmax(struck, axis=0), np.arange(len(hertz))
    every = [one.bars(hertz) for one in found]
    names = ("hertz", "decay", "doubt")
    return BarSounds(*(np.array([getattr(one, key) for one in every])[best, bar] for key in names))


def gather(
    takes: Sequence[Take], instrument: Instrument, default: Calibration, position: Position
) -> Evidence:
    """Return what is heard of all trials of a session. TuningError where a recording cannot be used."""
    hertz = fundamentals_of(instrument)
    found = [_Found.of(take, default) for take in takes]
    bars = _best_heard(found, hertz)
    parts = [one.heard(bars, instrument, default, position) for one in found]
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    trials, number = all_trials(takes), np.repeat(np.arange(len(takes)), [len(one.trials) for one in takes])
    for key in ("latency", "level"):
        columns[key] = _levelled(trials, number, columns[key])
    return Evidence(trials, number, doubt=bars.level_doubt, **columns)


def _levelled(trials: Trials, take: Ints, values: Floats) -> Floats:
    """Return what was heard with the constant taken out by which a take differs from the first one.

    Another recording has another delay and may have another gain: the reference hammer tells.
    """
    same = (trials["purpose"] == Purpose.REFERENCE) & np.isfinite(values)
    if not np.any(same & (take == 0)):
        return values
    first, levelled = np.median(values[same & (take == 0)]), values.copy()
    for number in np.unique(take[same]):
        levelled[take == number] -= np.median(values[same & (take == number)]) - first
    return levelled


def _by_reference(line: ClockLine, trials: Trials, time: Floats, clear: Bools) -> ClockLine:
    """Return the line with the slope that keeps the reference hammer's latency the same throughout."""
    rows = np.flatnonzero((trials["purpose"] == Purpose.REFERENCE) & clear)
    if len(rows) < 4:
        return line
    start, late = trials["start"][rows], time[rows] - trials["start"][rows]
    same = np.equal.outer(trials["hammer"][rows], trials["hammer"][rows])
    same &= np.equal.outer(trials["width"][rows], trials["width"][rows])
    apart = np.subtract.outer(start, start)
    far = same & (apart > 0.2 * np.ptp(start))
    slope = float(np.median(np.subtract.outer(late, late)[far] / apart[far])) if far.any() else line.slope
    middle = float(np.median(start))
    return ClockLine(line.at(np.array(middle)).item() - (1.0 + slope) * middle, slope)


def silent_rows(evidence: Evidence, place: int) -> Ints:
    """Return the rows of a hammer's trials of which nothing was heard."""
    rows = evidence.of(place)
    return rows[evidence.bar[rows] < 0]


def clear_rows(evidence: Evidence, place: int) -> Ints:
    """Return the rows of a hammer's trials that were heard clearly."""
    rows = evidence.of(place)
    return rows[np.isfinite(evidence.level[rows])]
