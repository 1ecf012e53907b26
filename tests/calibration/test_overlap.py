"""What pulses meet of each other's current: few one by one, many at once, and each by its formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from xylophone.calibration.overlap import FEW, current_met

SLOPES = (-0.2, 0.7)
LAG = 0.002


def some_pulses(seed: int, number: int):
    """Return start, end and current of pulses that overlap, some of which start together."""
    rng = np.random.default_rng(seed)
    start = np.round(rng.uniform(0, 0.004 * number, number), 3)
    return start, start + rng.uniform(0.006, 0.022, number), rng.uniform(0.5, 3.0, number)


@examples(60)
@given(st.integers(0, 10**6), st.integers(0, FEW))
def test_few_and_many_meet_the_same_to_the_last_bit(seed: int, number: int) -> None:
    start, end, current = some_pulses(seed, number)
    after = 1.0 + 0.1 * np.arange(FEW + 1)  # far behind, so that together they are many
    columns = ((start, after), (end, after + 0.01), (current, np.ones(FEW + 1)))
    many = current_met(*(np.concatenate(column) for column in columns), LAG, SLOPES)
    few = current_met(start, end, current, LAG, SLOPES)
    assert few.tolist() == many[:, :number].tolist()
    assert not many[:, number:].any()


@pytest.mark.parametrize("number", [1, 9, FEW, FEW + 1, 60])
def test_only_those_asked_for_are_told(number: int) -> None:
    pulses = some_pulses(3, number)
    whole = current_met(*pulses, LAG, SLOPES)
    for since in (0, number // 2, number):
        assert current_met(*pulses, LAG, SLOPES, since).tolist() == whole[:, since:].tolist()


@examples(20)
@given(st.integers(0, 10**6), st.sampled_from([2, 7, 40]))
def test_each_meets_the_weighted_mean_of_what_the_others_draw(seed: int, number: int) -> None:
    start, end, current = some_pulses(seed, number)
    found = current_met(start, end, current, LAG, SLOPES)
    place = (np.arange(4000) + 0.5) / 4000
    for n in range(number):
        moments = start[n] + place * (end[n] - start[n])
        runs = (start[:, None] + LAG <= moments) & (moments < end[:, None])
        drawn = np.delete(current, n) @ np.delete(runs, n, axis=0)
        for told, slope in zip(found[:, n], SLOPES, strict=True):
            assert told == pytest.approx(np.mean(drawn * (1 + slope * (2 * place - 1))), abs=0.01)
