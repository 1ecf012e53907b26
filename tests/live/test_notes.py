"""What a MIDI message means: which bar, how hard, or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import layouts
from xylophone.errors import OptionError
from xylophone.instrument import build_instrument
from xylophone.live.notes import CHANNELS, Key, Keyboard, Panic, read, strike_velocity
from xylophone.strikes import DB_PER_STEP

BELLS = build_instrument("song-bell")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ([0x90, 72, 80], Key(72, 80, 1)),
        ([0x9F, 0, 127], Key(0, 127, 16)),
        ([0x90, 72, 0], Key(72, 0, 1)),
        ([0x83, 72, 64], Key(72, 0, 4)),
        ([0xB0, 123, 0], Panic()),
        ([0xB5, 120, 0], Panic()),
        ([0xFF], Panic()),
        ([0xB0, 64, 127], None),
        ([0xE0, 0, 64], None),
        ([0xD0, 64], None),
        ([0xF0, 1, 2, 0xF7], None),
        ([0xF8], None),
        ([0x90, 72], None),
        ([0x90, 200, 80], None),
        ([72, 80, 3], None),
        ([], None),
    ],
)
def test_a_message_is_a_key_a_panic_or_nothing(message: list[int], said: object) -> None:
    assert read(message) == said


@given(st.lists(st.integers(0, 255), max_size=8))
def test_no_bytes_are_an_error(message: list[int]) -> None:
    said = read(message)
    assert said is None or isinstance(said, Panic) or (0 <= said.pitch < 128 and 0 <= said.velocity < 128)


@given(layouts, st.integers(0, 127))
def test_a_key_strikes_its_own_bar_or_the_nearest_octave_of_it(instrument, pitch: int) -> None:
    pitches = instrument.pitches.tolist()
    hammer = Keyboard(instrument).hammer(Key(pitch, 80, 1))
    alike = [bar for bar in pitches if (bar - pitch) % 12 == 0]
    if hammer is None:
        assert not alike
    else:
        assert abs(pitches[hammer] - pitch) == min(abs(bar - pitch) for bar in alike)
        assert (pitches[hammer] - pitch) % 12 == 0
    exact = Keyboard(instrument, folded=False).hammer(Key(pitch, 80, 1))
    assert exact == (pitches.index(pitch) if pitch in pitches else None)


def test_velocities_are_spaced_as_in_songs_and_the_loudest_is_the_loudest() -> None:
    struck = np.array([strike_velocity(velocity) for velocity in range(1, 128)])
    assert (struck[0], struck[-1]) == (1.0, 127.0)
    assert np.all(np.diff(struck) >= 0)
    loud = slice(40, None)
    written = 40 * np.log10(np.arange(1, 128)[loud] / 127)
    assert DB_PER_STEP * (struck[loud] - 127) == pytest.approx(written * 10.9 / 30, abs=1e-6)


def test_drums_are_not_heard_unless_they_are_asked_for() -> None:
    assert Keyboard(BELLS).channels == CHANNELS == set(range(1, 17)) - {10}
    assert Keyboard(BELLS, {10}).channels == {10}
    with pytest.raises(OptionError, match=r"channel 17 is out of range: give 1\.\.16"):
        Keyboard(BELLS, {17})
