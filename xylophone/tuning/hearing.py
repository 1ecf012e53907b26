"""Hearing: which bar sounded when, how loud, and whether it was struck twice; from a recording.

The fundamentals of all bars are fitted at once to the moments before a hit and to those after it, each
a damped oscillation. What a bar has more after the hit than it still would have had is what the hit gave
it: so a bar that rings on from before does not count, and a neighbour is not taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..tables import Complex, Floats, Ints
from .picker import ORDER, prediction_error
from .spread import pooled, robust

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

LOUDEST = 16
"""Hits from which a bar's frequency and decay are measured: those after which it is loudest."""

UNHEARD, UNLIKE = 6.0, 0.5
"""1/s; standard deviations of a bar's decay of which nothing was heard, and of what one hit tells of it, as
far as is known before there are hits to compare."""

BENT, LEAST_BENT = 4.0, 0.25
"""Factor by which hits that count for a decay may be bent more than the straightest one; 1/s that do not
matter, a tenth of a dB."""

ODD, WORSE = 3.0, 2.5
"""By how many times a bar's hits are bent more than those of most bars, and are no property of bars; by how
many times that falsifies its decay, as second blows do."""

NEIGHBOURS = 150.0
"""Hz; bars that sound farther away do not disturb a bar."""

REFINED = 3
"""Times that frequency and decay are corrected."""

QUIETEST = 1e-9


@dataclass(frozen=True)
class BarSounds:
    """What the bars of a recording sound like: the fundamental of each, and how it dies away.

    In Hz and 1/s; `doubt` is the standard error of that decay.
    """

    hertz: Floats
    decay: Floats
    doubt: Floats

    @property
    def level_doubt(self) -> Floats:
        """By how many dB levels of each bar are uncertain: they are told back to the onset by its decay."""
        return np.asarray(20.0 / np.log(10.0) * np.mean(AFTER) * self.doubt)


@dataclass(frozen=True)
class Heard:
    """What was heard of n trials; every array has n rows.

    `frame` is the onset, -1 where there was none. `level` is what the hit gave to each bar's fundamental in
    dB re full scale, of shape (n, bars). `second` is the level of a second blow relative to the first, in dB,
    and `gap` the time between them in seconds; NaN where there was no second one.
    """

    frame: Ints
    level: Floats
    second: Floats
    gap: Floats


def listen(sound: Floats, sample_rate: int, onsets: Ints, bars: BarSounds, struck: Ints) -> Heard:
    """Return what is heard of hits with these onsets; `struck` is the bar that each was meant for."""
    frame = frames_of(sound, sample_rate, onsets)
    level = fundamentals(sound, sample_rate, frame, bars)
    second, gap = seconds(sound, sample_rate, frame, bars.hertz[struck], bars.decay[struck])
    return Heard(frame, level, second, gap)


def frames_of(sound: Floats, sample_rate: int, onsets: Ints) -> Ints:
    """Return the frames of onsets, -1 for none and for one too near to an end of the sound."""
    room = (onsets >= -BEFORE[0] * sample_rate) & (onsets < len(sound) - (AFTER[1] + 0.005) * sample_rate)
    return np.where(room, onsets, -1)


def measure_bars(sound: Floats, sample_rate: int, frame: Ints, hertz: Floats) -> BarSounds:
    """Return fundamental and decay of each bar, from hits that nothing follows within AFTER.

    A bar that is never heard so keeps the nominal frequency. In a chord a neighbour beats with a bar: what
    dies away then is no decay. The frequency is first the highest peak near the nominal one, in the mean
    spectrum of the hits after which it is highest; of hits in which it is about the strongest of all, where
    there are any: else a loud bar's upper partial near it could be taken for it. Both are then corrected
    until all bars together explain those hits.
    """
    low, high = (round(part * sample_rate) for part in AFTER)
    length, first = high - low, _alone(frame, high) + low
    pieces = np.array([sound[f : f + length] for f in first.tolist() if f + length < len(sound)])
    nominal = BarSounds(hertz.copy(), np.full(len(hertz), 3.0), np.full(len(hertz), UNHEARD))
    if not len(pieces):
        return nominal
    peaks, own = _peaks(pieces, sample_rate, hertz)
    bars = replace(nominal, hertz=peaks)
    for _ in range(REFINED):
        bars = _corrected(pieces, sample_rate, bars, own)
    return bars


def _alone(frame: Ints, apart: int) -> Ints:
    """Return the frames, in ascending order, from which all others are so far apart."""
    sorted_ = np.sort(frame[frame >= 0])
    near = np.diff(sorted_) <= apart
    return np.asarray(sorted_[~(np.append(near, False) | np.append(False, near))])


def _peaks(pieces: Floats, sample_rate: int, hertz: Floats) -> tuple[Floats, list[Ints]]:
    """Return the frequency at which each bar is loudest, and the pieces in which it is: the loudest first."""
    size = 1 << int(np.ceil(np.log2(2 * pieces.shape[1])))
    window = np.hanning(pieces.shape[1])
    parts = (np.fft.rfft(pieces[n : n + PART] * window, size) for n in range(0, len(pieces), PART))
    power = np.concatenate([part.real**2 + part.imag**2 for part in parts])
    per_bin = sample_rate / size
    strongest = power[:, int(hertz.min() * 2 ** (-TUNED / 12.0) / per_bin) :].max(axis=1)
    found = hertz.copy()
    rows: list[Ints] = []
    for bar, nominal in enumerate(hertz.tolist()):
        low, high = (int(nominal * 2 ** (side * TUNED / 12.0) / per_bin) for side in (-1, 1))
        near = power[:, low : high + 1]
        peak = np.argmax(near, axis=1)
        inside = (peak > 0) & (peak < high - low)  # else a neighbour's flank
        loudest = np.where(inside, near.max(axis=1), 0.0)
        leading = np.where(loudest > LEADING * strongest, loudest, 0.0)
        loudest = leading if leading.any() else loudest
        own = np.argsort(-loudest)[:LOUDEST]
        own = own[loudest[own] > 0.0]
        rows.append(own)
        if len(own):
            mean = near[own].mean(axis=0)
            place = int(np.clip(np.argmax(mean), 1, high - low - 1))
            found[bar] = (low + place + _vertex(np.log(mean[place - 1 : place + 2] + 1e-30))) * per_bin
    return found, rows


def _corrected(pieces: Floats, sample_rate: int, bars: BarSounds, own: Sequence[Ints]) -> BarSounds:
    """Return bars whose frequency and decay explain their own pieces better (Gauss and Newton's step).

    Only the pieces count that are about as straight as the straightest one, by their median. Real bars do
    not die away quite evenly; one that does so far less than most is in doubt.
    """
    time = (np.arange(pieces.shape[1]) + round(AFTER[0] * sample_rate)) / sample_rate
    every = _oscillations(time, bars).reshape(len(time), 2, len(bars.hertz))
    hertz, decay, doubt = bars.hertz.copy(), bars.decay.copy(), bars.doubt.copy()
    bends = np.full(len(hertz), np.nan)
    for bar, rows in enumerate(own):
        if not len(rows):
            continue
        near = np.abs(bars.hertz - bars.hertz[bar]) < NEIGHBOURS
        near[bar] = False
        others = np.concatenate((every[:, 0, near], every[:, 1, near]), axis=1)
        off, bend = _off(pieces[rows], time, every[:, :, bar], others)
        straight = np.abs(bend) <= max(LEAST_BENT, BENT * np.abs(bend).min())
        off, bend = off[straight], bend[straight]
        hertz[bar] += np.clip(np.median(off.imag) / (2.0 * np.pi), -3.0, 3.0)
        decay[bar] = np.clip(bars.decay[bar] - np.median(off.real), 0.3, 80.0)
        doubt[bar] = _error_of_median(off.real)
        bends[bar] = np.hypot(np.median(bend.real), np.median(bend.imag))  # noise bends now here, now there
    odd = bends > ODD * np.nanmedian(bends)
    return BarSounds(hertz, decay, np.hypot(doubt, np.where(odd, WORSE * bends, 0.0)))


def _off(pieces: Floats, time: Floats, mine: Floats, others: Floats) -> tuple[Complex, Complex]:
    """Return how far each piece's oscillation is off what it is taken for, and bent, as i w - d in 1/s.

    One that is off by w in frequency and d in decay grows by (i w - d) t beside it: that is fitted along with
    the `others`, and a parabola besides, for a second blow or a knock.
    """
    weight = np.hanning(len(time) + 2)[1:-1]
    away = time - np.average(time, weights=weight)
    wide = np.sqrt(np.average(away**2, weights=weight))
    away = (away / wide)[:, None]
    columns = np.concatenate((mine, mine * away, mine * (away**2 - 1.0), others), axis=1)
    values = _least_squares(columns, weight) @ pieces.T
    oscillation, off, bend = values[:6:2] + 1j * values[1:6:2]
    return off / (oscillation + QUIETEST) / wide, bend / (oscillation + QUIETEST) / wide


def _error_of_median(values: Floats) -> float:
    """Return the standard error of the median of values that differ by UNLIKE as far as is known."""
    spread = pooled(robust(values - np.median(values)), len(values), UNLIKE, 2.0)
    return float(1.2533 * spread / np.sqrt(len(values)))


def _vertex(three: Floats) -> float:
    """Return where the parabola through three equidistant values has its top, -1..1 from the middle one."""
    bend = three[0] - 2.0 * three[1] + three[2]
    return float(np.clip(0.5 * (three[0] - three[2]) / bend, -1.0, 1.0)) if bend else 0.0


def fundamentals(sound: Floats, sample_rate: int, frame: Ints, bars: BarSounds) -> Floats:
    """Return what each hit gave to each bar, dB re full scale (n, bars)."""
    level = np.full((len(frame), len(bars.hertz)), -180.0)
    heard = np.flatnonzero(frame >= 0)
    if len(heard):
        now, old = (_fitted(sound, frame[heard], sample_rate, bars, part) for part in (AFTER, BEFORE))
        level[heard] = 20.0 * np.log10(np.abs(now - old) + QUIETEST)
    return level


def _fitted(
    sound: Floats, frame: Ints, sample_rate: int, bars: BarSounds, part: tuple[float, float]
) -> Complex:
    """Return the oscillations of all bars about each onset, (onsets, bars), in one product: that is fast."""
    matrix = _fitting(sample_rate, bars, part)
    first = frame + round(part[0] * sample_rate)
    windows = np.stack([sound[begin : begin + matrix.shape[1]] for begin in first.tolist()])
    real, imaginary = np.split(windows @ matrix.T, 2, axis=1)
    return np.asarray(real + 1j * imaginary)


def _fitting(sample_rate: int, bars: BarSounds, part: tuple[float, float]) -> Floats:
    """Return the matrix that gives the oscillations, real parts then imaginary, of the frames of a window.

    Least squares, the window's edges weighing less; amplitudes are those at the onset.
    """
    time = np.arange(round(part[0] * sample_rate), round(part[1] * sample_rate)) / sample_rate
    return _least_squares(_oscillations(time, bars), np.hanning(len(time) + 2)[1:-1])


def _least_squares(columns: Floats, weight: Floats) -> Floats:
    """Return the matrix that gives the part of each of these columns in a sound, its frames so weighted."""
    weighted = columns.T * weight
    normal = weighted @ columns
    ridge = 1e-9 * np.trace(normal) / len(normal) * np.eye(len(normal))
    return np.linalg.solve(normal + ridge, weighted)


def _oscillations(time: Floats, bars: BarSounds) -> Floats:
    """Return the oscillations of bars at these times after an onset, (times, 2 bars).

    First is what their real parts weigh, then what their imaginary ones.
    """
    wave = np.exp((2j * np.pi * bars.hertz - bars.decay)[None, :] * time[:, None])
    return np.concatenate((wave.real, -wave.imag), axis=1)


def seconds(
    sound: Floats, sample_rate: int, frame: Ints, hertz: Floats, decay: Floats
) -> tuple[Floats, Floats]:
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
        error = np.convolve(sound[onset - short - ORDER : onset + high], filter_)[ORDER:][: high + short]
        energy = np.convolve(error * error, np.ones(short) / short, "valid")
        rest = energy[low + short :]
        place = int(np.argmax(rest))
        around = np.median(rest[max(0, place - 8 * short) : place + 8 * short])
        if 10.0 * np.log10(rest[place] / (around + 1e-30)) > FOUND:
            gap[row] = (low + place) / sample_rate
            change = _change(sound, onset + low + place, sample_rate, float(hertz[row]), float(decay[row]))
            second[row] = 20.0 * np.log10(change * np.exp(-decay[row] * gap[row]) + QUIETEST)
    return second, gap


def _change(sound: Floats, moment: int, sample_rate: int, hertz: float, decay: float) -> float:
    """Return by how much an oscillation changes at a frame, in amplitude and phase: part of what it was."""
    length, guard = round(CHANGE * sample_rate), round(0.0015 * sample_rate)
    window = np.hanning(length + 2)[1:-1]
    state = []
    for first in (-guard - length, guard):
        time = np.arange(first, first + length) / sample_rate
        wave = window * np.exp((decay - 2j * np.pi * hertz) * time)  # what it is at the moment itself
        state.append(complex(wave @ sound[moment + first : moment + first + length]))
    return abs(state[1] - state[0]) / (abs(state[0]) + QUIETEST)


def bar_of(level: Floats, expected: Ints, least: float) -> Ints:
    """Return which bar sounded in each row of `level`: the expected one if it is about the loudest, or that.

    It is where it is within `least` dB. A struck bar's partials may lie near the fundamentals of others, but
    are softer.
    """
    loudest = np.argmax(level, axis=1)
    rows = np.arange(len(level))
    near = level[rows, expected] >= level[rows, loudest] - least
    return np.where(near, expected, loudest)
