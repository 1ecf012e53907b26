"""The core and the order of strikes: what the order mark forgets, and what is staged already."""

from __future__ import annotations

import pytest

from firmware.host import VirtualBoard
from firmware.order import MS, SECOND, Order, wide
from xylophone.link import messages as m


def test_cancel_of_all_that_waits_forgets_the_order_mark() -> None:
    order = Order(VirtualBoard()).begin()
    now = order.board.clock
    order.strike((now + 200 * MS, 1, wide(5)), (now + 300 * MS, 2, wide(5)))
    order.say(m.Cancel(now + 100 * MS))
    order.strike((now + 150 * MS, 3, wide(5)))
    order.wait(400 * MS)
    assert order.board.pulses()["channel"].tolist() == [3]
    status = order.status()
    assert (status.cancelled, status.order) == (2, 0)


def test_a_strike_may_come_before_the_end_of_a_pulse_that_is_handed_over() -> None:
    """The first pulse's end is a millisecond away when a strike for half a millisecond from now arrives."""
    order = Order(VirtualBoard()).begin()
    first = order.board.clock // 64 * 64 + 50 * MS
    order.strike((first, 1, wide(10)))
    order.wait(first + 9 * MS - order.board.clock)
    order.strike((first + 10 * MS - MS // 2, 2, wide(5)), (first + 20 * MS, 3, wide(5)))
    order.wait(100 * MS)
    assert order.board.pulses()["channel"].tolist() == [1, 2, 3]
    assert order.status().late == 0


@pytest.mark.parametrize("how", ["cancel", "silence"])
def test_what_is_staged_moves_no_strike_that_comes_before_it(how: str) -> None:
    """The queue and its order mark are gone; a strike is staged that would have its successors join it."""
    order = Order(VirtualBoard()).begin()
    first = order.board.clock // 64 * 64 + SECOND + 4 * MS
    order.strike((first, 1, wide(5)))
    if how == "cancel":
        order.wait(first - 3 * MS - order.board.clock)
        order.say(m.Cancel(order.board.clock))
    else:
        order.board.advance(first - 3 * MS)
        assert not order.board.armed
        order.say(m.Arm(order.board.boot))
    order.strike((first - MS, 2, wide(5)), (first + 20, 3, wide(5)))
    order.wait(100 * MS)
    assert order.board.pulses()[["on", "channel"]].tolist() == [(first, 1), (first, 3)]
    assert order.status().order == 1
