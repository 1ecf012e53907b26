"""The core and time: every edge exact, over both wraps of the clock, and no time of it ever stale."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.host import VirtualBoard
from firmware.order import CHANNELS, MS, SECOND, Order, strikes, wide
from link.snapping import snap
from xylophone.link import messages as m

HOUR = 3600 * SECOND
WRAP = 2**32


def music(first: int, length: int, seed: int, every: int) -> np.ndarray:
    """Return strikes (clock without wraps, channel, width), about one every `every` ticks, and chords."""
    random = np.random.default_rng(seed)
    moments = first + np.cumsum(random.integers(every // 4, 2 * every, length // every))
    rows = []
    free = np.zeros(CHANNELS, np.int64)
    for moment in moments.tolist():
        for channel in random.permutation(CHANNELS)[: int(random.choice([1, 1, 1, 2, 4]))].tolist():
            if free[channel] <= moment:
                rows.append(
                    (moment + int(random.integers(0, 40)), channel, int(random.integers(300, 11_000)))
                )
                free[channel] = moment + 70 * MS
    rows.sort()
    return np.array(rows, np.int64)


def play(order: Order, rows: np.ndarray, ahead: int = SECOND // 2) -> None:
    """Send strikes half a second ahead, eight a frame, and let all of them sound."""
    for begin in range(0, len(rows), m.STRIKES_IN_FRAME):
        part = rows[begin : begin + m.STRIKES_IN_FRAME]
        order.wait(int(part[0][0]) - ahead - order.board.clock)
        order.say(m.StrikesMessage(strikes(*part.tolist())))
    order.wait(int(rows[-1][0]) + SECOND // 4 - order.board.clock)


def test_an_hour_of_music_across_both_wraps_is_exact() -> None:
    """From 10 minutes before the first wrap to 14 minutes after the second (they are 36 minutes apart)."""
    board = VirtualBoard(clock_start=WRAP - 600 * SECOND)
    order = Order(board).begin()
    first = board.clock + SECOND
    rows = music(first, HOUR, seed=1, every=SECOND // 8)
    assert first < WRAP
    assert rows[-1][0] > 2 * WRAP
    play(order, rows)
    on, off = snap(rows[:, 0], rows[:, 2])
    played = board.pulses()
    assert len(rows) > 25_000
    order_of_play = np.lexsort((rows[:, 1], on))
    assert np.array_equal(played["on"], on[order_of_play])
    assert np.array_equal(played["off"], off[order_of_play])
    assert np.array_equal(played["channel"], rows[order_of_play, 1])


@pytest.mark.parametrize("pause", [WRAP // 2, WRAP - 1000, WRAP, WRAP + 1000])
def test_a_pause_of_any_length_leaves_nothing_stale(pause: int) -> None:
    """A rest, an order mark or a group of long ago neither refuses nor moves a strike."""
    board = VirtualBoard(clock_start=12345)
    order = Order(board).begin(rest=wide(40))
    first = board.clock + 100 * MS
    order.strike((first, 4, wide(10)))
    order.wait(200 * MS)
    order.wait(first + pause - 100 * MS - board.clock)
    order.strike((first + pause + 20, 4, wide(10)))
    order.wait(300 * MS)
    assert board.pulses()["on"].tolist() == snap_all([first]) + snap_all([first + pause + 20])
    status = order.status()
    assert (status.fired, status.rest, status.order, status.late) == (2, 0, 0, 0)


def snap_all(clocks: list[int]) -> list[int]:
    on, _ = snap(np.array(clocks), np.full(len(clocks), wide(10)))
    return on.tolist()


def test_a_strike_is_exact_up_to_the_notice_it_needs() -> None:
    order = Order(VirtualBoard()).begin()
    board = order.board
    now = board.clock
    order.say(m.StrikesMessage(strikes((now + 400, 1, wide(5)), (now + 5000, 2, wide(5)))))
    order.wait(20 * MS)
    assert board.pulses()["channel"].tolist() == [1, 2]
    assert order.status().late == 0


def test_what_comes_too_late_is_refused_and_its_lateness_told() -> None:
    order = Order(VirtualBoard(clock_start=10 * SECOND)).begin()
    now = order.board.clock
    order.say(
        m.StrikesMessage(strikes((now - 5000, 1, wide(5)), (now + 100, 2, wide(5)), (now + 9000, 3, wide(5))))
    )
    order.wait(20 * MS)
    assert order.board.pulses()["channel"].tolist() == [3]
    status = order.status()
    assert (status.late, status.fired) == (2, 1)
    assert 5000 <= status.worst_late <= 5100


def test_more_than_nine_minutes_ahead_is_refused() -> None:
    order = Order(VirtualBoard()).begin()
    order.strike((order.board.clock + 2**30 + 10_000, 1, wide(5)))
    assert order.status().early == 1


def test_a_main_loop_that_stands_still_makes_strikes_late_and_plays_none_of_them() -> None:
    """What it would have had to prepare meanwhile is refused; all else is exact, and pulses end."""
    order = Order(VirtualBoard()).begin()
    first = order.board.clock + 100 * MS
    clocks = [first + 3 * MS * n for n in range(20)]
    order.strike(*((clock, n, wide(8)) for n, clock in enumerate(clocks)))
    order.wait(first + 20 * MS - order.board.clock)
    order.board.stall(12 * MS)
    order.wait(SECOND // 2)
    played = order.board.pulses()
    assert np.array_equal(played["on"], np.array(snap_all(clocks))[played["channel"]])
    status = order.status()
    assert status.fired == len(played)
    assert status.fired + status.late == 20
    assert 1 <= status.late <= 5
    assert (played["off"] - played["on"]).max() <= (8 + 12) * MS
