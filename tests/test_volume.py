"""Volume as a person means it: 0 is silent, 1 the softest blow, 100 as arranged, even in dB between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from xylophone import build_instrument, strikes_of
from xylophone.calibration.file import default_calibration
from xylophone.errors import OptionError
from xylophone.sequencer.curves import Curves
from xylophone.strikes import at_volume, percent_of, volume_of
from xylophone.tables import ARRANGED, Priority

PERCENTS = range(1, 101)
INSTRUMENT = build_instrument()
CURVES = Curves(INSTRUMENT, default_calibration(INSTRUMENT))


def notes(*velocities: float, lead: float = 0.0, priority: Priority = Priority.MELODY) -> np.ndarray:
    """Return arranged notes of these velocities, one after the other."""
    table = np.zeros(len(velocities), ARRANGED)
    table["velocity"], table["lead"], table["priority"] = velocities, lead, priority
    table["onset"] = np.arange(len(velocities))
    return table


def loudest_db(percent: float) -> float:
    """Return the level on the hammers' scale, dB, of the loudest note at this percentage."""
    return float(CURVES.common_level(at_volume(notes(127.0), volume_of(percent)))[0])


def test_a_hundred_is_as_arranged_and_one_the_softest_blow_there_is() -> None:
    assert loudest_db(100) == pytest.approx(CURVES.top_db)
    range_db = CURVES.top_db - CURVES.bottom_db
    assert CURVES.bottom_db < loudest_db(1) <= CURVES.bottom_db + 0.0101 * range_db
    written = notes(1.0, 50.0, 127.0, lead=20.0)
    assert at_volume(written, volume_of(100)).tolist() == written["velocity"].tolist()


def test_equal_steps_are_equal_steps_in_db() -> None:
    steps = np.diff([loudest_db(percent) for percent in PERCENTS])
    assert steps == pytest.approx([(CURVES.top_db - CURVES.bottom_db) / 100] * 99, abs=1e-4)


@given(st.floats(1, 127, width=32), st.floats(0, 60, width=32), st.sampled_from(Priority))
def test_no_note_is_softer_at_more(velocity: float, lead: float, priority: Priority) -> None:
    lead = min(lead, velocity - 1, 127 - velocity)
    struck = [
        at_volume(notes(velocity, lead=max(lead, 0.0), priority=priority), volume_of(percent))[0]
        for percent in PERCENTS
    ]
    assert (np.diff(struck) >= -1e-4).all()


@given(st.floats(0, 100))
def test_a_percentage_comes_back(percent: float) -> None:
    assert percent_of(volume_of(percent)) == pytest.approx(percent)


def test_above_what_is_arranged_all_is_a_hundred() -> None:
    assert [percent_of(volume) for volume in (0.0, 0.25, 1.0, 1.01, 10.0)] == [0, 25, 100, 100, 100]


@pytest.mark.parametrize("percent", [-0.1, 100.1, np.nan, np.inf])
def test_other_percentages_are_refused(percent: float) -> None:
    with pytest.raises(OptionError, match=r"volume .* % is out of range: give 0\.\.100 %"):
        volume_of(percent)


def test_at_nothing_nothing_is_struck() -> None:
    assert len(strikes_of(notes(1.0, 127.0), volume=volume_of(0))) == 0
    assert len(strikes_of(notes(1.0, 127.0), volume=volume_of(0.01))) == 2


@pytest.mark.parametrize("volume", [-0.1, np.nan, np.inf])
def test_a_volume_below_silence_or_none_is_refused(volume: float) -> None:
    with pytest.raises(OptionError, match=r"volume .* is out of range: give a factor above 0, or 0"):
        strikes_of(notes(64.0), volume=volume)
