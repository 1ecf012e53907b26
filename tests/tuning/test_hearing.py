"""Which bar sounds: bars are known by what they ring like, not by a louder one's partials."""

from __future__ import annotations

import numpy as np

from xylophone.tuning.hearing import bar_of, fundamentals, measure_bars

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
