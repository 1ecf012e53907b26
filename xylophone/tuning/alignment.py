"""Alignment: which moment of a recording is which moment of the backend's clock.

Trials are played at uneven distances, so that they fit the recording in one way only. A correlation with
what rises in the sound finds the offset; then onsets are picked block by block along a straight line,
which is drawn anew as it grows: offset and the difference of two clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TuningError
from ..tables import Floats, Ints
from .picker import pick, prediction_error
from .trials import Take

FRAME = 0.002
"""s of a frame in which energy is summed for the correlation."""

FIRST = 40
"""Trials that are looked for in the first place."""

WINDOW = (-0.016, 0.034)
"""s around the expected contact in which an onset is picked."""

BLOCK = 20

CERTAIN = 5.0
"""Standard deviations by which the right offset must stand out."""

CLEARER = 1.25
"""Factor by which it must match better than any other one: strikes of another plan fit nowhere well."""

LEAST = 0.3
"""Part of the trials that must be heard, or the recording is not of this plan."""

MOST_PPM = 1000.0


@dataclass(frozen=True, slots=True)
class ClockLine:
    """Recording time = offset + (1 + slope) backend time."""

    offset: float
    slope: float

    def at(self, moment: Floats) -> Floats:
        """Return the recording time (s) of moments of the backend's clock."""
        return self.offset + (1.0 + self.slope) * moment

    def back(self, time: Floats) -> Floats:
        """Return the backend time of moments of the recording."""
        return (time - self.offset) / (1.0 + self.slope)


def align(take: Take, latency: Floats) -> tuple[ClockLine, Ints]:
    """Return the line of a take, drawn as if each trial had this latency (s), and the onset of each trial.

    That is a frame of the recording, -1 where nothing was heard. Raises TuningError for a recording that is
    silent, too short, or not of these trials.
    """
    sound, rate = take.samples(), take.sample_rate
    if len(take.trials) == 0:
        return ClockLine(0.0, 0.0), np.zeros(0, np.intp)
    expected = take.trials["start"] + latency
    line = ClockLine(_offset(sound, rate, expected[:FIRST]), 0.0)
    onsets: Ints = np.zeros(0, np.intp)
    for begin in range(0, len(expected), BLOCK):
        onsets = np.append(onsets, _onsets(sound, rate, line.at(expected[begin : begin + BLOCK])))
        line = _drawn(line, expected, onsets, rate)
    onsets = _onsets(sound, rate, line.at(expected))
    line = _drawn(line, expected, onsets, rate)
    _check_heard(take, line.at(expected), onsets)
    return line, onsets


def _check_heard(take: Take, due: Floats, onsets: Ints) -> None:
    """Raise TuningError where the recording ends too soon, or has too few onsets to be of these trials."""
    heard, inside = np.count_nonzero(onsets >= 0), int(np.count_nonzero(due < take.seconds))
    if inside < len(due):
        raise TuningError(
            f"the recording ends after {take.seconds:.1f} s, {len(due) - inside} of {len(due)} trials "
            "too soon: it was cut short; record the whole session, or go on with --resume"
        )
    if heard < LEAST * len(due):
        raise TuningError(
            f"only {heard} of {len(due)} trials are heard in the recording: move the microphone nearer, "
            "make the room quieter, or give the recording that belongs to this plan"
        )


def _onsets(sound: Floats, sample_rate: int, due: Floats) -> Ints:
    low, high = (np.rint((due + side) * sample_rate).astype(int).tolist() for side in WINDOW)
    found = (pick(sound, sample_rate, first, last) for first, last in zip(low, high, strict=True))
    return np.array([-1 if onset is None else onset for onset in found], np.intp)


def _drawn(line: ClockLine, expected: Floats, onsets: Ints, sample_rate: int) -> ClockLine:
    """Return the line through the onsets: least squares, those far from it weighing less."""
    rows = np.flatnonzero(onsets >= 0)
    if len(rows) < 4:
        return line
    time, moment = onsets[rows] / sample_rate, expected[rows]
    weight = np.ones(len(rows))
    stiff = (0.004 / 100e-6) ** 2  # the slope's prior, 100 ppm, against 4 ms of one onset
    for _ in range(8):
        total = weight.sum()
        shift = float(np.sum(weight * (time - moment)) / total)
        centred = moment - np.sum(weight * moment) / total
        slope = float(np.sum(weight * centred * (time - moment)) / (np.sum(weight * centred**2) + stiff))
        middle = float(np.sum(weight * moment) / total)
        miss = time - moment - shift - slope * (moment - middle)
        weight = 1.0 / (1.0 + (miss / 0.003) ** 2)
    slope = float(np.clip(slope, -MOST_PPM * 1e-6, MOST_PPM * 1e-6)) if np.ptp(moment) > 5.0 else 0.0
    return ClockLine(shift - slope * middle, slope)


def _offset(sound: Floats, sample_rate: int, expected: Floats) -> float:
    """Return how much later than expected, or sooner, the trials begin in the recording."""
    rises = _rises(sound, sample_rate)
    if not rises.any():
        raise TuningError(
            "the recording is silent: check that the microphone is connected, chosen and not muted"
        )
    begin, frame = expected[0], round(FRAME * sample_rate) / sample_rate
    match = _match(rises, np.rint((expected - begin) / frame).astype(int))
    best = int(np.argmax(match))
    others = match[: len(rises)]
    others = others[np.abs(np.arange(len(rises)) - best) > round(0.1 / frame)]
    known = len(others) and match[best] > CLEARER * others.max()
    if not known or match[best] - others.mean() < CERTAIN * others.std():
        peak = 20.0 * np.log10(float(np.abs(sound).max(initial=0.0)) + 1e-9)
        told = f"{len(sound) / sample_rate:.1f} s, peak {peak:.0f} dB"
        raise TuningError(
            f"the strikes of this plan are not found in the recording ({told}): "
            "check that the hammers strike and that the microphone hears them, or give the recording that "
            "belongs to the plan"
        )
    if best >= len(rises):
        raise TuningError(
            f"the recording begins {(len(match) - best) * frame:.1f} s after the first strike: start the "
            "recorder before the plan is played"
        )
    return float(best * frame - begin)


def _match(rises: Floats, place: Ints) -> Floats:
    """Return how well strikes at these frames fit when they begin at each frame of the recording.

    The last values are of strikes that begin before it: the very last, one frame.
    """
    size = 1 << int(np.ceil(np.log2(len(rises) + place[-1] + 8)))
    comb = np.zeros(size)
    for near in (-2, -1, 0, 1, 2):
        np.add.at(comb, (place + near) % size, 1.0)
    return np.asarray(np.fft.irfft(np.fft.rfft(rises, size) * np.conj(np.fft.rfft(comb)), size))


def _rises(sound: Floats, sample_rate: int) -> Floats:
    """Return by how much what is new in each frame exceeds that in the two before, in tens of dB.

    One prediction for the whole recording foresees all bars that ring in it, however long they do.
    """
    wide = np.asarray(sound, np.float64)
    new = np.convolve(wide, prediction_error(wide))[: len(wide)] if len(wide) else wide
    energy = _energy(new, round(FRAME * sample_rate))
    if not len(energy):
        return energy
    floor = float(np.quantile(energy, 0.3)) + 1e-16
    level = np.log10(np.maximum(energy, floor))
    rises = np.zeros(len(level))
    rises[2:] = np.maximum(level[2:] - np.maximum(level[1:-1], level[:-2]), 0.0)
    return np.minimum(rises, 1.0) if energy.max() >= 1e-14 else np.zeros(len(level))


def _energy(sound: Floats, count: int) -> Floats:
    """Return the mean square in each `count` of samples."""
    frames = sound[: len(sound) // count * count].reshape(-1, count)
    return np.asarray(np.einsum("ij,ij->i", frames, frames) / count)
