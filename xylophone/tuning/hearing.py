"""Hearing: which bar sounded when, how loud, and whether it was struck twice; from a recording.

The fundamentals of all bars are fitted at once to the moments before a hit and to those after it, each
a damped oscillation. What a bar has more after the hit than it still would have had is what the hit gave
it: so a bar that rings on from before does not count, and a neighbour is not taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .picker import ORDER, Onset, prediction_error

Array = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]
Index = npt.NDArray[np.intp]

AFTER = (0.003, 0.093)
"""s after a hit over which the oscillations are fitted."""

BEFORE = (-0.085, -0.002)
"""s before it over which those that ring already are fitted."""

TUNED = 0.7
"""Semitones by which a bar may be out of tune."""

LEADING = 0.25
"""Part of the power of a hit's strongest partial from which another one counts as about as strong."""

SECOND = (0.007, 0.15)
"""s after a hit in which a second one by the same pulse is looked for."""

CHANGE = 0.014
"""s before and after a second blow over which the fundamental is compared."""

FOUND = 6.0
"""dB that a second blow must stand above what is new around it."""

PART = 16
"""Spectra that are made at once: more would not fit into the processor's cache."""

LOUDEST = 5
"""Hits from which a bar's frequency and decay are measured: those after which it is loudest."""

QUIETEST = 1e-9


@dataclass(frozen=True)
class Bars:
    """What the bars of this recording sound like: fundamental (Hz) and its decay (1/s) of each."""

    hertz: Array
    decay: Array


@dataclass(frozen=True)
class Heard:
    """What was heard of n trials; every array has n rows.

    `frame` is the onset, -1 where there was none; `rise` by how many dB it stood out of what was foretold.
    `level` is what the hit gave to each bar's fundamental in dB re full scale, of shape (n, bars);
    `ringing` what the loudest fundamental had before. `second` is the level of a second blow relative to
    the first, in dB, and `gap` the time between them in seconds; NaN where there was no second one.
    """

    frame: Index
    rise: Array
    level: Array
    ringing: Array
    second: Array
    gap: Array

    def __len__(self) -> int:
        return len(self.frame)


def listen(
    sound: Array, sample_rate: int, onsets: Sequence[Onset | None], hertz: Array, struck: Index
) -> tuple[Heard, Bars]:
    """Return what is heard of hits with these onsets, and of the bars.

    `hertz` are the nominal fundamentals, of bars in ascending order; those of the recording are measured.
    `struck` is the bar that each hit was meant for.
    """
    frame = np.array([-1 if onset is None else onset.frame for onset in onsets], dtype=np.intp)
    rise = np.array([0.0 if onset is None else onset.rise_db for onset in onsets])
    room = (frame >= -BEFORE[0] * sample_rate) & (frame < len(sound) - (AFTER[1] + 0.005) * sample_rate)
    frame[~room] = -1
    bars = measure_bars(sound, sample_rate, frame[room], hertz)
    level, ringing = fundamentals(sound, sample_rate, frame, bars)
    second, gap = seconds(sound, sample_rate, frame, bars.hertz[struck], bars.decay[struck])
    return Heard(frame, rise, level, ringing, second, gap), bars


def measure_bars(sound: Array, sample_rate: int, frame: Index, hertz: Array) -> Bars:
    """Return fundamental and decay of each bar, from all hits; a bar that is never heard keeps the
    nominal one.

    The frequency is the highest peak near the nominal one, in the mean spectrum of the hits after which it is
    highest; of hits in which it is about the strongest of all, where there are any: else a loud bar's upper
    partial near it could be taken for it. The decay is from the first half of a window to the second.
    """
    length = round(AFTER[1] * sample_rate)
    size = 1 << int(np.ceil(np.log2(2 * length)))
    window = np.hanning(length)
    first = [f + round(AFTER[0] * sample_rate) for f in frame.tolist()]
    pieces = np.array([sound[f : f + length] for f in first if f + length < len(sound)])
    found, decay = hertz.copy(), 3.0 + 0.0 * hertz
    if not len(pieces):
        return Bars(found, decay)
    power = np.concatenate([_power(pieces[n : n + PART] * window, size) for n in range(0, len(pieces), PART)])
    per_bin = sample_rate / size
    strongest = power[:, int(hertz.min() * 2 ** (-TUNED / 12.0) / per_bin) :].max(axis=1)
    for bar, nominal in enumerate(hertz.tolist()):
        low, high = (int(nominal * 2 ** (side * TUNED / 12.0) / per_bin) for side in (-1, 1))
        near = power[:, low : high + 1]
        peak = np.argmax(near, axis=1)
        loudest = np.where(
            (peak > 0) & (peak < high - low), near.max(axis=1), 0.0
        )  # else a neighbour's flank
        leading = np.where(loudest > LEADING * strongest, loudest, 0.0)
        loudest = leading if leading.any() else loudest
        own = np.argsort(-loudest)[:LOUDEST]
        own = own[loudest[own] > 0.0]
        if not len(own):
            continue
        mean = near[own].mean(axis=0)
        place = int(np.clip(np.argmax(mean), 1, high - low - 1))
        found[bar] = (low + place + _vertex(np.log(mean[place - 1 : place + 2] + 1e-30))) * per_bin
        decay[bar] = _decay(pieces[own], sample_rate, found[bar])
    return Bars(found, decay)


def _power(pieces: Array, size: int) -> Array:
    spectrum = np.fft.rfft(pieces, size)
    power: Array = spectrum.real**2 + spectrum.imag**2
    return power


def _vertex(three: Array) -> float:
    """Return where the parabola through three equidistant values has its top, -1..1 from the middle one."""
    bend = three[0] - 2.0 * three[1] + three[2]
    return float(np.clip(0.5 * (three[0] - three[2]) / bend, -1.0, 1.0)) if bend else 0.0


def _decay(pieces: Array, sample_rate: int, hertz: float) -> float:
    """Return how fast an oscillation of this frequency dies away, 1/s, the median over pieces."""
    half = pieces.shape[1] // 2
    wave = np.hanning(half) * np.exp(-2j * np.pi * hertz / sample_rate * np.arange(half))
    early, late = (
        np.abs(np.sum(part * wave, axis=1)) for part in (pieces[:, :half], pieces[:, half : 2 * half])
    )
    ratio = np.log((early + 1e-12) / (late + 1e-12)) * sample_rate / half
    return float(np.clip(np.median(ratio), 0.3, 80.0))


def fundamentals(sound: Array, sample_rate: int, frame: Index, bars: Bars) -> tuple[Array, Array]:
    """Return what each hit gave to each bar, dB re full scale (n, bars), and the loudest that rang before,
    (n,)."""
    level = np.full((len(frame), len(bars.hertz)), -180.0)
    ringing = np.full(len(frame), -180.0)
    heard = np.flatnonzero(frame >= 0)
    if len(heard):
        now, old = (_fitted(sound, frame[heard], sample_rate, bars, part) for part in (AFTER, BEFORE))
        level[heard] = 20.0 * np.log10(np.abs(now - old) + QUIETEST)
        ringing[heard] = 20.0 * np.log10(np.abs(old).max(axis=1) + QUIETEST)
    return level, ringing


def _fitted(sound: Array, frame: Index, sample_rate: int, bars: Bars, part: tuple[float, float]) -> Complex:
    """Return the oscillations of all bars about each onset, (onsets, bars), in one product: that is fast."""
    matrix = _fitting(sample_rate, bars, part)
    first = frame + round(part[0] * sample_rate)
    windows = np.stack([sound[begin : begin + matrix.shape[1]] for begin in first.tolist()])
    real, imaginary = np.split(windows @ matrix.T, 2, axis=1)
    return np.asarray(real + 1j * imaginary)


def _fitting(sample_rate: int, bars: Bars, part: tuple[float, float]) -> Array:
    """Return the matrix that gives the oscillations, real parts then imaginary, of the frames of a window.

    Least squares, the window's edges weighing less; amplitudes are those at the onset.
    """
    time = np.arange(round(part[0] * sample_rate), round(part[1] * sample_rate)) / sample_rate
    turn = (2j * np.pi * bars.hertz - bars.decay)[None, :] * time[:, None]
    wave = np.exp(turn)
    columns = np.concatenate((wave.real, -wave.imag), axis=1)
    weighted = columns.T * np.hanning(len(time) + 2)[1:-1]
    normal = weighted @ columns
    ridge = 1e-9 * np.trace(normal) / len(normal) * np.eye(len(normal))
    inverse: Array = np.linalg.solve(normal + ridge, weighted)
    return inverse


def seconds(sound: Array, sample_rate: int, frame: Index, hertz: Array, decay: Array) -> tuple[Array, Array]:
    """Return level (dB re the first) and delay (s) of a second blow after each hit; NaN where there is none.

    `hertz` and `decay` are those of the bar that each hit struck. What rings at the end of the window
    foretells the ringing of all of it; what is new within it and stands FOUND dB above its neighbourhood may
    be a blow, and is one when the fundamental changes with it: its level is that change beside what rang.
    """
    short = round(0.001 * sample_rate)
    low, high = (round(part * sample_rate) for part in SECOND)
    second, gap = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    for row, onset in enumerate(frame.tolist()):
        if onset < ORDER + short or onset + high + round(0.05 * sample_rate) > len(sound):
            continue
        filter_ = prediction_error(sound[onset + high // 3 : onset + high])
        error = np.convolve(sound[onset - short - ORDER : onset + high], filter_)[
            ORDER : ORDER + high + short
        ]
        energy = np.convolve(error * error, np.ones(short) / short, "valid")
        rest = energy[low + short :]
        place = int(np.argmax(rest))
        around = np.median(rest[max(0, place - 8 * short) : place + 8 * short])
        if 10.0 * np.log10(rest[place] / (around + 1e-30)) > FOUND:
            gap[row] = (low + place) / sample_rate
            oscillation = float(hertz[row]), float(decay[row])
            change = _change(sound, onset + low + place, sample_rate, *oscillation)
            second[row] = 20.0 * np.log10(change * np.exp(-decay[row] * gap[row]) + QUIETEST)
    return second, gap


def _change(sound: Array, moment: int, sample_rate: int, hertz: float, decay: float) -> float:
    """Return by how much an oscillation changes at a frame, in amplitude and phase: part of what it was."""
    length, guard = round(CHANGE * sample_rate), round(0.0015 * sample_rate)
    window = np.hanning(length + 2)[1:-1]
    state = []
    for first in (-guard - length, guard):
        time = np.arange(first, first + length) / sample_rate
        wave = window * np.exp((decay - 2j * np.pi * hertz) * time)  # what it is at the moment itself
        state.append(complex(wave @ sound[moment + first : moment + first + length]))
    return abs(state[1] - state[0]) / (abs(state[0]) + QUIETEST)


def bar_of(level: Array, expected: Index, least: float) -> Index:
    """Return which bar sounded in each row of `level`: the expected one where it is within `least` dB of
    the loudest.

    Else the loudest; a struck bar's partials may lie near the fundamentals of others, but are softer.
    """
    loudest = np.argmax(level, axis=1)
    rows = np.arange(len(level))
    near = level[rows, expected] >= level[rows, loudest] - least
    return np.where(near, expected, loudest)
