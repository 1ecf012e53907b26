"""Three clients at once, whatever they ask for: no strike is lost, doubled or out of order, a latch holds."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from counts import examples
from owner.evening import check, evening

STEPS = 40
"""`./xylo check --clients` goes on for as many as it is asked to."""


@pytest.mark.parametrize("seed", [777203])
def test_an_evening_on_which_a_law_once_did_not_hold(seed: int) -> None:
    """A coil that went on within 0.1 ms before what was taken back was told as taken back too."""
    check(evening(seed, STEPS))


@examples(12)
@given(st.integers(0, 2**32))
def test_whatever_three_clients_ask_for(seed: int) -> None:
    check(evening(seed, STEPS))
