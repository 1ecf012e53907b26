"""One hammer changed by hand; the others stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, strategies as st

from xylophone.calibration.file import default_calibration
from xylophone.calibration.values import CURVES, Calibration
from xylophone.errors import CalibrationError
from xylophone.instrument import build_instrument
from xylophone.tuning.edits import later, louder, middle, with_hammer, with_latency, with_pulses

DEFAULT = default_calibration(build_instrument())
ROW = 17
ALL = ("level", *CURVES)


def few_knots(level: list[float], width: list[float], latency: list[float]) -> Calibration:
    """Return the calibration of the hammer C6 with these knots."""
    rest = {key: np.zeros((1, len(level))) for key in CURVES[2:]}
    curves = {"level": np.array([level]), "width": np.array([width]), "latency": np.array([latency])}
    return Calibration(kind="zye1-0530", hammers=("C6",), **curves, **rest)


def test_the_middle_is_half_way_in_loudness() -> None:
    one = few_knots([-20.0, -16.0, 0.0], [0.008, 0.010, 0.014], [0.030, 0.024, 0.016])
    assert middle(one, 0) == pytest.approx((-10.0, 0.0115, 0.021))


EDITS: dict[str, tuple[Callable[[Calibration], Calibration], set[str]]] = {
    "latency": (lambda old: with_latency(old, ROW, 0.02), {"latency"}),
    "later": (lambda old: later(old, ROW, 0.001), {"latency"}),
    "pulses": (lambda old: with_pulses(old, ROW, 0.008, 0.016), {"width"}),
    "louder": (lambda old: louder(old, ROW, 1.5), {"level"}),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_touches_one_curve_of_one_hammer_and_says_so(name: str) -> None:
    edit, keys = EDITS[name]
    new = edit(DEFAULT)
    changed = {key for key in ALL if not np.array_equal(getattr(new, key), getattr(DEFAULT, key))}
    assert changed == keys
    for key in ALL:
        others = np.delete(getattr(new, key) - getattr(DEFAULT, key), ROW, axis=0)
        assert not others.any()
    assert [row for row, origin in enumerate(new.origin) if origin == "set"] == [ROW]


@given(st.floats(0.01, 0.4))
def test_a_latency_that_is_set_is_that_of_the_middle_and_the_curve_keeps_its_shape(latency: float) -> None:
    new = with_latency(DEFAULT, ROW, latency)
    assert middle(new, ROW)[2] == pytest.approx(latency)
    assert np.diff(new.latency[ROW]) == pytest.approx(np.diff(DEFAULT.latency[ROW]))


@given(st.floats(-0.01, 0.3))
def test_later_there_and_back_is_as_it_was(seconds: float) -> None:
    back = later(later(DEFAULT, ROW, seconds), ROW, -seconds)
    assert back.latency == pytest.approx(DEFAULT.latency, abs=1e-12)


@given(st.floats(0.001, 0.1), st.floats(1.1, 2.0))
def test_pulses_between_the_ends_stay_in_proportion(softest: float, factor: float) -> None:
    new = with_pulses(DEFAULT, ROW, softest, softest * factor).width[ROW]
    old = DEFAULT.width[ROW]
    assert (new[0], new[-1]) == pytest.approx((softest, softest * factor))
    assert (new - new[0]) / (new[-1] - new[0]) == pytest.approx((old - old[0]) / (old[-1] - old[0]))


def test_louder_means_that_the_same_loudness_gets_a_longer_pulse() -> None:
    new = louder(DEFAULT, ROW, 1.5)
    wanted = -10.0
    before, after = (float(np.interp(wanted, one.level[ROW], one.width[ROW])) for one in (DEFAULT, new))
    assert after > before
    assert new.level[ROW] == pytest.approx(DEFAULT.level[ROW] - 1.5)


@pytest.mark.parametrize("seconds", [-0.02, 0.6, float("nan"), float("inf")])
def test_a_latency_out_of_bounds_is_refused(seconds: float) -> None:
    with pytest.raises(CalibrationError, match=r"latency of C6 would be .* 0\.\.500 ms"):
        later(DEFAULT, ROW, seconds)


@pytest.mark.parametrize(
    ("softest", "loudest"), [(0.0, 0.01), (0.01, 0.01), (0.02, 0.01), (0.1, 0.201), (float("nan"), 0.01)]
)
def test_pulses_out_of_bounds_are_refused(softest: float, loudest: float) -> None:
    with pytest.raises(CalibrationError, match=r"pulses of C6 from .* the softest must be above 0"):
        with_pulses(DEFAULT, ROW, softest, loudest)


@pytest.mark.parametrize("decibels", [40.1, -41.0, float("nan"), float("-inf")])
def test_too_much_louder_is_refused(decibels: float) -> None:
    with pytest.raises(CalibrationError, match=r"C6 louder by .* give -40\.\.40"):
        louder(DEFAULT, ROW, decibels)


def test_a_hammer_is_taken_from_another_calibration_by_its_name() -> None:
    other = louder(with_latency(DEFAULT, ROW, 0.02), ROW, 2.0).select(("D6", "C6"))
    new = with_hammer(DEFAULT, ROW, other)
    for key in ALL:
        assert np.array_equal(getattr(new, key)[ROW], getattr(other, key)[1])
        assert np.array_equal(np.delete(getattr(new, key), ROW, 0), np.delete(getattr(DEFAULT, key), ROW, 0))
    assert new.origin[ROW] == "set"
    assert with_hammer(new, ROW, DEFAULT).origin == DEFAULT.origin


def test_a_hammer_with_other_knots_or_none_at_all_is_refused() -> None:
    few = few_knots([-20.0, 0.0], [0.008, 0.014], [0.030, 0.016])
    with pytest.raises(CalibrationError, match="curves of C6 have 2 knots, the others 28"):
        with_hammer(DEFAULT, ROW, few)
    with pytest.raises(CalibrationError, match="has no hammer D6"):
        with_hammer(DEFAULT, ROW + 2, few)


def test_the_old_calibration_stays_as_it_was() -> None:
    before = DEFAULT.latency.copy()
    later(DEFAULT, ROW, 0.001)
    assert np.array_equal(DEFAULT.latency, before)
    assert set(DEFAULT.origin) == {"default"}
