"""Which bar sounds: bars are known by what they ring like, not by a louder one's partials."""

from __future__ import annotations

import numpy as np
import pytest

from xylophone.tuning.hearing import Bars, bar_of, fundamentals, measure_bars, seconds
from xylophone.tuning.picker import ORDER, prediction_error

RATE = 48000
LOW, HIGH = 659.26, 1864.66


def blow(hertz: float, loudness: float) -> np.ndarray:
    time = np.arange(RATE // 2) / RATE
    return loudness * np.exp(-6.0 * time) * np.sin(2 * np.pi * hertz * time)


def test_a_loud_bar_s_upper_partial_is_not_taken_for_a_softer_bar() -> None:
    """The partial lies 64 cents below the other bar, as loud as that one is."""
    onsets = [RATE * (1 + n) for n in range(8)]
    sound = np.zeros(10 * RATE)
    for number, onset in enumerate(onsets):
        low = number < 5
        struck = blow(LOW, 0.8) + blow(1797.2, 0.12) if low else blow(HIGH, 0.1)
        sound[onset : onset + len(struck)] += struck
    frames = np.array(onsets)
    bars = measure_bars(sound, RATE, frames, np.array([LOW, HIGH]))
    assert np.allclose(bars.hertz, [LOW, HIGH], rtol=1e-4)
    level, _ = fundamentals(sound, RATE, frames, bars)
    assert bar_of(level, np.array([0] * 5 + [1] * 3), 14.0).tolist() == [0] * 5 + [1] * 3


def test_bars_that_are_only_heard_together_are_measured_all_the_same() -> None:
    frames = np.array([RATE, 2 * RATE])
    sound = np.zeros(4 * RATE)
    for frame in frames.tolist():
        chord = blow(LOW, 0.9) + blow(HIGH, 0.05)
        sound[frame : frame + len(chord)] += chord
    bars = measure_bars(sound, RATE, frames, np.array([LOW * 1.01, HIGH * 0.99]))
    assert np.allclose(bars.hertz, [LOW, HIGH], rtol=1e-3)


def ringing(onsets: list[int]) -> np.ndarray:
    chance = np.random.default_rng(0)
    sound = 1e-4 * chance.standard_normal(onsets[-1] + RATE)
    for number, onset in enumerate(onsets):
        struck = blow((LOW, HIGH)[number % 2], 0.1 + 0.1 * number)
        sound[onset : onset + len(struck)] += struck[: len(sound) - onset]
    return sound


def test_hits_heard_at_once_are_what_each_is_by_itself_and_lost_ones_are_silent() -> None:
    frames = np.array([RATE, -1, RATE + 15000, RATE + 31000])
    sound, bars = ringing(frames[frames > 0].tolist()), Bars(np.array([LOW, HIGH]), np.array([6.0, 6.0]), np.zeros(2))
    level, before = fundamentals(sound, RATE, frames, bars)
    single = [fundamentals(sound, RATE, frames[row : row + 1], bars) for row in range(4)]
    assert np.allclose(level, np.concatenate([one[0] for one in single]), atol=1e-9)
    assert np.allclose(before, np.concatenate([one[1] for one in single]), atol=1e-9)
    assert np.all(level[1] == -180.0)


def test_a_prediction_is_the_one_that_the_autocorrelation_leads_to() -> None:
    sound = ringing([100])[:2400]
    shaped = (sound - sound.mean()) * np.hanning(2400)
    lags = np.fft.irfft(np.abs(np.fft.rfft(shaped, 4800)) ** 2)[: ORDER + 1]
    matrix = lags[np.abs(np.subtract.outer(np.arange(ORDER), np.arange(ORDER)))]
    matrix += 1e-7 * lags[0] * np.eye(ORDER)
    assert np.allclose(prediction_error(sound)[1:], -np.linalg.solve(matrix, lags[1:]), rtol=1e-5, atol=1e-7)


def test_a_second_blow_is_as_loud_as_it_is_whatever_its_phase() -> None:
    for gap in (1680, 1700, 1717, 1733):  # about 35 ms, and parts of a period
        sound = ringing([RATE])
        again = blow(LOW, 0.1 * 10 ** (-9.0 / 20.0))
        sound[RATE + gap : RATE + gap + len(again)] += again
        second, late = seconds(sound, RATE, np.array([RATE]), np.array([LOW]), np.array([6.0]))
        assert second[0] == pytest.approx(-9.0, abs=1.0)
        assert late[0] == pytest.approx(gap / RATE, abs=0.001)
