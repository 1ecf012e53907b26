"""Which bar sounds: bars are known by what they ring like, not by a louder one's partials."""

from __future__ import annotations

import numpy as np
import pytest

from xylophone.tuning.hearing import BarSounds, bar_of, fundamentals, measure_bars, seconds
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
    level = fundamentals(sound, RATE, frames, bars)
    assert bar_of(level, np.array([0] * 5 + [1] * 3), 14.0).tolist() == [0] * 5 + [1] * 3


def test_bars_that_are_only_heard_together_are_measured_all_the_same() -> None:
    frames = np.array([RATE, 2 * RATE])
    sound = np.zeros(4 * RATE)
    for frame in frames.tolist():
        chord = blow(LOW, 0.9) + blow(HIGH, 0.05)
        sound[frame : frame + len(chord)] += chord
    bars = measure_bars(sound, RATE, frames, np.array([LOW * 1.01, HIGH * 0.99]))
    assert np.allclose(bars.hertz, [LOW, HIGH], rtol=1e-3)


NEIGHBOURS = np.array([466.16, 493.88, 523.25])
DECAYS = np.array([2.1, 2.1, 2.2])


def struck(bars: list[int], loudness: float) -> np.ndarray:
    """Some of the NEIGHBOURS struck together; it is over before the next hit."""
    time = np.arange(2 * RATE // 5) / RATE
    turn = (2j * np.pi * NEIGHBOURS[bars] - DECAYS[bars])[:, None] * time
    return loudness * np.exp(turn).imag.sum(axis=0)


def neighbours(second: float = 0.0, after: range = range(9)) -> tuple[np.ndarray, np.ndarray]:
    """A sound in which three bars are struck one by one, three times each, then the first two as one loud
    chord, and where; `second` is how loud another blow is 35 ms after those whose number is in `after`."""
    frames, sound = RATE // 2 * np.arange(1, 11), 1e-5 * np.random.default_rng(1).standard_normal(6 * RATE)
    for number, frame in enumerate(frames.tolist()):
        hit = struck([number % 3], 0.05 + 0.01 * number) if number < 9 else struck([0, 1], 0.3)
        sound[frame : frame + len(hit)] += hit
        if number in after:
            sound[frame + 1700 : frame + 1700 + len(hit)] += second * hit
    return sound, np.append(frames, 5 * [frames[-1]])  # each hammer of a chord brings its hit again


def test_a_chord_of_neighbours_does_not_tell_how_a_bar_dies_away() -> None:
    sound, frames = neighbours()
    bars = measure_bars(sound, RATE, frames, NEIGHBOURS * [1.002, 0.999, 1.001])
    assert bars.hertz == pytest.approx(NEIGHBOURS, abs=0.01)
    assert bars.decay == pytest.approx(DECAYS, abs=0.1)
    assert bars.level_doubt.max() < 0.2
    level = fundamentals(sound, RATE, frames[:9], bars)
    asked = 20.0 * np.log10(0.05 + 0.01 * np.arange(9))
    assert level[np.arange(9), np.arange(9) % 3] == pytest.approx(asked, abs=0.05)


def test_hits_with_a_second_blow_do_not_tell_how_a_bar_dies_away_where_others_do() -> None:
    sound, frames = neighbours(0.35, range(6))
    bars = measure_bars(sound, RATE, frames, NEIGHBOURS)
    assert bars.decay == pytest.approx(DECAYS, abs=0.1)
    assert 0.1 < bars.level_doubt.max() < 0.3  # one hit of each is left


def test_a_bar_that_never_dies_away_as_evenly_as_others_is_in_doubt() -> None:
    sound, frames = neighbours(0.35, range(1, 9, 3))
    bars = measure_bars(sound, RATE, frames, NEIGHBOURS)
    wrong = np.abs(bars.decay - DECAYS)
    assert wrong[1] > 5.0
    assert bars.doubt[1] > 0.5 * wrong[1]
    assert wrong[[0, 2]] == pytest.approx(0.0, abs=0.1)
    assert bars.level_doubt[[0, 2]].max() < 0.2


def test_bars_that_all_die_away_unevenly_are_not_in_doubt() -> None:
    sound, frames = neighbours(0.35)
    assert measure_bars(sound, RATE, frames, NEIGHBOURS).level_doubt.max() < 0.2


def ringing(onsets: list[int]) -> np.ndarray:
    chance = np.random.default_rng(0)
    sound = 1e-4 * chance.standard_normal(onsets[-1] + RATE)
    for number, onset in enumerate(onsets):
        struck = blow((LOW, HIGH)[number % 2], 0.1 + 0.1 * number)
        sound[onset : onset + len(struck)] += struck[: len(sound) - onset]
    return sound


def test_hits_heard_at_once_are_what_each_is_by_itself_and_lost_ones_are_silent() -> None:
    frames = np.array([RATE, -1, RATE + 15000, RATE + 31000])
    sound, bars = (
        ringing(frames[frames > 0].tolist()),
        BarSounds(np.array([LOW, HIGH]), np.array([6.0, 6.0]), np.zeros(2)),
    )
    level = fundamentals(sound, RATE, frames, bars)
    single = [fundamentals(sound, RATE, frames[row : row + 1], bars) for row in range(4)]
    assert np.allclose(level, np.concatenate(single), atol=1e-9)
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
