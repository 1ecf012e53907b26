"""Clocks: the machine's can be woken from anywhere, the virtual one moves only when it is waited on."""

from __future__ import annotations

import signal

import pytest

from xylophone.clock import SystemClock, VirtualClock
from xylophone.errors import OptionError


def test_a_wake_ends_the_next_wait_and_no_other() -> None:
    clock = SystemClock()
    clock.wake()
    clock.wake()
    begin = clock.now()
    clock.wait_until(begin + 60.0)
    assert clock.now() < begin + 30.0
    clock.wait_until(clock.now() + 0.005)
    assert clock.now() >= begin + 0.005


def test_a_signal_handler_may_wake_the_clock_at_any_moment() -> None:
    clock = SystemClock()
    rung: list[float] = []

    def ring(*_: object) -> None:
        rung.append(clock.now())
        clock.wake()

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        while len(rung) < 200:
            clock.wait_until(clock.now() + 2e-5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert len(rung) >= 200  # handlers may interrupt each other, so not always in their order


def test_calls_of_the_virtual_clock_come_in_order_and_may_end_the_wait() -> None:
    clock, seen = VirtualClock(), []
    clock.at(2.0, lambda: seen.append(("b", clock.now())))
    clock.at(1.0, lambda: seen.append(("a", clock.now())))
    clock.at(3.0, clock.wake)
    clock.wait_until(10.0)
    assert (clock.now(), seen) == (3.0, [("a", 1.0), ("b", 2.0)])
    clock.wait_until(10.0)
    assert clock.now() == 10.0


def test_the_virtual_clock_cannot_go_back_or_wait_for_ever() -> None:
    clock = VirtualClock(5.0)
    clock.wait_until(1.0)
    assert clock.now() == 5.0
    with pytest.raises(OptionError, match="is past"):
        clock.at(4.0, clock.wake)
    with pytest.raises(OptionError, match="never gets there"):
        clock.wait_until(float("inf"))
