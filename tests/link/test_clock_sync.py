"""The board's clock on a modelled USB cable, by the cable's own truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from link.usb_model import STOCK_FLUSH, Exchange, UsbModel
from xylophone.link.clock_sync import READY_AFTER, STEEPEST, ClockSync
from xylophone.link.messages import TICK_RATE

AHEAD = 0.5
"""s ahead of now that the mapping is used."""


def errors(model: UsbModel, length: float, seed: int = 1, lost: float = 0.0) -> np.ndarray:
    """Return (host time, error of the tick half a second later in s, estimated error) at each answer."""
    sync = ClockSync(0.0, seed)
    source = np.random.default_rng(seed)
    now, rows = 0.0, []
    while now < length:
        exchange = model.exchange(now)
        if source.random() >= lost:
            sync.add(*exchange)
        if sync.ready:
            then = exchange.got + AHEAD
            rows.append((exchange.got, (sync.to_clock(then) - model.clock(then)) / TICK_RATE, sync.error))
        now = max(sync.next_sync, exchange.got + 0.02)
    return np.array(rows)


def variation(rows: np.ndarray, begin: float, end: float = math.inf) -> float:
    """Return how far the errors of a while are from what they are in the long run."""
    bias = rows[rows[:, 0] >= 60, 1].mean()
    chosen = rows[(rows[:, 0] >= begin) & (rows[:, 0] < end), 1]
    return float(np.abs(chosen - bias).max())


@pytest.mark.parametrize(
    ("seed", "off", "drift", "period"),
    [(2, -0.005, -20e-6 / 60, math.inf), (3, 0.005, 20e-6 / 60, 600.0)],
)
def test_after_a_minute_it_varies_by_less_than_a_tenth_of_a_millisecond(seed, off, drift, period):
    rows = errors(UsbModel(seed, off, drift, period), 120.0, seed)
    assert variation(rows, 60.0) <= 0.00005
    assert variation(rows, 10.0) <= 0.0001
    assert variation(rows, 0.0) <= 0.0006
    assert (
        abs(rows[-1, 1]) < 0.0005
    )  # the bias itself: half of what one direction waits longer than the other


def test_a_stock_adapter_that_flushes_every_4_ms_is_good_enough():
    rows = errors(UsbModel(4, period=600.0, flush=STOCK_FLUSH), 120.0)
    assert variation(rows, 60.0) <= 0.0002


def test_answers_that_are_lost_and_a_busy_host_change_little():
    rows = errors(UsbModel(21, busy=0.35), 100.0, lost=0.3)  # every other exchange is delayed, some twice
    assert variation(rows, 60.0) <= 0.0001


def test_the_estimated_error_is_of_the_size_of_the_true_one():
    rows = errors(UsbModel(6), 180.0)
    late = rows[rows[:, 0] > 60]
    assert 0.3 < late[:, 1].std() / late[:, 2].mean() < 3


def played(sync: ClockSync, model: UsbModel, begin: float, end: float) -> None:
    now = begin
    while now < end:
        sync.add(*model.exchange(now))
        now = sync.next_sync


def test_the_rate_is_found_and_the_clock_is_64_bits_wide():
    model, sync = UsbModel(7, off=-0.004, drift=0.0), ClockSync(0.0)
    model._start = 2**32 - 30 * TICK_RATE
    played(sync, model, 0.0, 60.0)
    assert sync.rate == pytest.approx(TICK_RATE * 0.996, rel=5e-6)
    assert sync.to_clock(60.0) == pytest.approx(model.clock(60.0), abs=2000)
    assert sync.to_clock(60.0) > 2**32


def test_an_hour_without_an_answer_is_no_wrap_missed():
    model, sync = UsbModel(8, drift=0.0), ClockSync(0.0)
    played(sync, model, 0.0, 60.0)
    played(sync, model, 3660.0, 3720.0)
    assert sync.to_clock(3720.0) == pytest.approx(model.clock(3720.0), abs=2000)


def test_it_neither_steps_nor_goes_back_once_in_use():
    model, sync = UsbModel(9, busy=0.3), ClockSync(0.0)
    now = 0.0
    while now < 60.0:
        exchange = model.exchange(now)
        was_ready, before, rate = sync.ready, sync.to_clock(exchange.got), sync.rate
        sync.add(*exchange)
        if was_ready:
            assert abs(sync.to_clock(exchange.got) - before) <= 1
            assert 0.98 * TICK_RATE < sync.rate < 1.02 * TICK_RATE
            assert abs(sync.rate - rate) < 2.5 * STEEPEST * TICK_RATE
        now = sync.next_sync


def test_one_wild_answer_moves_nothing():
    model, sync = UsbModel(10), ClockSync(0.0)
    played(sync, model, 0.0, 30.0)
    before = sync.to_clock(31.0)
    good = model.exchange(30.0)
    sync.add(good.sent, (good.received + 900_000) % 2**32, (good.replied + 900_000) % 2**32, good.got)
    assert abs(sync.to_clock(31.0) - before) < 100


def test_twenty_questions_in_the_first_second_then_ten_a_second_at_random():
    model, sync = UsbModel(12), ClockSync(0.0)
    asked, now, ready = [], 0.0, None
    while now < 20.0:
        asked.append(now)
        sync.add(*model.exchange(now))
        ready = len(asked) if ready is None and sync.ready else ready
        now = sync.next_sync
    spacings = np.diff(asked)
    assert sum(time < 1.0 for time in asked) in (20, 21)
    assert ready == READY_AFTER
    assert 0.09 < spacings[20:].mean() < 0.11
    assert 0.05 <= spacings[20:].min() < 0.06 < 0.14 < spacings[20:].max() <= 0.15


def test_the_first_answers_alone_already_tell_the_tick():
    sync = ClockSync(5.0)
    sync.add(*Exchange(5.0, 1000, 1100, 5.003))
    assert sync.to_clock(5.003) == 1100
    assert not sync.ready
