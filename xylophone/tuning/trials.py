"""Trials: the strikes of a tuning session, and the recordings in which they are heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ..calibration.values import Calibration
from ..instrument import Instrument
from ..tables import PULSE, TRIAL, Floats, Pulses, Samples, Trials, as_pulses, as_trials, filled, joined


class Purpose(IntEnum):
    """What a trial is for."""

    CURVE = 0  # a hammer's width, level and latency
    REFERENCE = 1  # always the same, again and again: it shows how clocks and warmth drift
    CHORD = 2  # one of several at one instant: it shows how the supply sags


@dataclass(frozen=True, eq=False)
class Take:
    """One recording without a break and the trials (dtype TRIAL, sorted by start) that are heard in it.

    `sound` is mono, full scale 1. Its time runs along with backend time, from another zero and by a clock
    of its own.
    """

    trials: Trials
    sound: Samples
    sample_rate: int

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return len(self.sound) / self.sample_rate

    def samples(self) -> Floats:
        """Return the sound in double precision, without the constant that cheap sound cards add to it."""
        sound = self.sound.astype(np.float64)
        return sound - sound.mean() if len(sound) else sound


def pulses_of(trials: Trials, instrument: Instrument) -> Pulses:
    """Return the pulses (dtype PULSE) of trials."""
    channel = instrument.column("channel")[trials["hammer"]]
    columns = {"start": trials["start"], "width": trials["width"], "channel": channel}
    return as_pulses(filled(PULSE, len(trials), strike=-1, **columns))


def all_trials(takes: Sequence[Take]) -> Trials:
    """Return the trials of all takes, one after the other."""
    return joined([as_trials(np.zeros(0, TRIAL)), *(take.trials for take in takes)])


def conditions(trials: Trials, instrument: Instrument, calibration: Calibration) -> tuple[Floats, Floats]:
    """Return drive loss by warmth, and rest (0 just played .. 1 long rest), of each trial of one take.

    From the calibration's warmth terms and rest time, hammers being cold and rested at the beginning.
    """
    warmth = calibration.warmth
    loss, rested = np.zeros(len(trials)), np.ones(len(trials))
    last: dict[int, tuple[float, float, float]] = {}  # end and start of the last pulse, K at that start
    for row, (start, width, hammer) in enumerate(trials[["start", "width", "hammer"]].tolist()):
        if hammer in last:
            end, since, kelvin = last[hammer]
            rested[row] = -np.expm1(-max(0.0, start - end) / calibration.rest_time)
            kelvin *= np.exp(-(start - since) / warmth.time_constant)
            loss[row] = kelvin * warmth.loss_per_kelvin
        else:
            kelvin = 0.0
        last[hammer] = start + width, start, kelvin + width * warmth.per_second
    return loss, rested
