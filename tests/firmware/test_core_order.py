"""The core and the order of strikes: what the order mark forgets, and what is staged already."""

from __future__ import annotations

from firmware.host import VirtualBoard
from firmware.order import MS, Order, wide
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
