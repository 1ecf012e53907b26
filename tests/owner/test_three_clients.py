"""Three clients at once, whatever they ask for: no strike is lost, doubled or out of order, a latch holds."""

from __future__ import annotations

from hypothesis import given, strategies as st

from counts import examples
from owner.evening import check, evening

STEPS = 40
"""`./xylo check --clients` goes on for as many as it is asked to."""


@examples(12)
@given(st.integers(0, 2**32))
def test_whatever_three_clients_ask_for(seed: int) -> None:
    check(evening(seed, STEPS))
