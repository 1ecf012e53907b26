"""Snapping in C is the function of link/snapping.py, whatever comes, also where the clock wraps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from counts import examples
from firmware.host import VirtualBoard
from firmware.order import CHANNELS, MS, Order, strikes
from link.snapping import snap
from xylophone.link import messages as m

WRAP = 2**32

SHORTEST = 50
"""Units of 2 us."""

moments = st.lists(
    st.tuples(st.one_of(st.integers(0, 70), st.integers(0, 3000)), st.integers(SHORTEST, 2000)),
    min_size=1,
    max_size=CHANNELS,
)
"""For each strike the ticks since the one before, and its width."""


@examples(60)
@given(start=st.integers(-100 * MS, 100 * MS), rows=moments)
def test_it_is_the_same_function_in_both_languages(start: int, rows: list[tuple[int, int]]) -> None:
    board = VirtualBoard(clock_start=WRAP - 300 * MS)
    order = Order(board).begin()
    first = WRAP + start
    clocks = first + np.cumsum([gap for gap, _ in rows])
    widths = np.array([width for _, width in rows])
    table = strikes(*zip(clocks.tolist(), range(len(rows)), widths.tolist(), strict=True))
    for begin in range(0, len(table), m.STRIKES_IN_FRAME):
        order.say(m.StrikesMessage(table[begin : begin + m.STRIKES_IN_FRAME]))
    order.wait(int(clocks[-1]) + 20 * MS - board.clock)
    on, off = snap(clocks, widths)
    wanted = set(zip(on.tolist(), off.tolist(), range(len(rows)), strict=True))
    played = set(board.pulses().tolist())
    assert played <= wanted
    crowded = order.status().late  # too many ends within a millisecond
    assert len(played) + crowded == len(rows)
    assert not crowded or len(played) >= 8
