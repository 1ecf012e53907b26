"""The fit of the two clocks against least squares written out, and the line that is steered by it."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from link.usb_model import UsbModel
from xylophone.link.clock_fit import fit_clock
from xylophone.link.clock_sync import ClockSync, unwrap
from xylophone.link.messages import TICK_RATE

SEEDS = st.integers(0, 10**6)
ASYMMETRY = (27 - 9) * 40e-6 / 2  # SYNC has 9 bytes, its answer 27


def exchanges(seed: int, count: int, every: float) -> np.ndarray:
    """Return (sent, received, replied, got), ticks without wraps, of a modelled cable."""
    model, rows = UsbModel(seed, off=0.004, busy=0.2), []
    for n in range(count):
        each = model.exchange(10.0 + every * n)
        near = round(model.clock(each.sent))
        rows.append((each.sent, unwrap(each.received, near), unwrap(each.replied, near), each.got))
    return np.array(rows, float)


def plain_fit(rows: np.ndarray, now: float, rate: float | None) -> tuple[float, float, float]:
    """Return clock, rate and error: weights by Tukey's biweight of 4 deviations, in four rounds."""
    sent, received, replied, got = rows.T
    trips = got - sent - (replied - received) / TICK_RATE
    usual = np.count_nonzero(trips <= np.median(trips) + 1.5 * (np.median(trips) - trips.min()))
    used = np.argsort(trips, kind="stable")[: max(12, usual)]
    time = ((sent + got)[used] / 2 - ASYMMETRY - now) / 60
    tick = ((received + replied)[used] / 2 - received[-1]) / TICK_RATE
    columns = [np.ones(len(used)), time, time**2, trips[used] - np.quantile(trips[used], 0.1)]
    wanted = tick - time * 60 * (rate or TICK_RATE) / TICK_RATE
    known = [True, rate is None, 60 * -time.min() >= 20, len(used) >= 15]
    matrix = np.stack([column for column, take in zip(columns, known, strict=True) if take], 1)
    weights = np.ones(len(used))
    for _ in range(4):
        values = np.linalg.lstsq(matrix * weights[:, None], wanted * weights, rcond=None)[0]
        left = wanted - matrix @ values
        sigma = 1.4826 * np.median(np.abs(left)) + 1e-6
        of_offset = np.linalg.pinv(matrix.T @ np.diag(weights**2) @ matrix)[0, 0]
        weights = np.where(np.abs(left) < 4 * sigma, 1 - (left / (4 * sigma)) ** 2, 0.0)
    found = rate or TICK_RATE * (1 + values[1] / 60)
    return received[-1] + TICK_RATE * values[0], found, sigma * math.sqrt(of_offset)


@examples(40)
@given(SEEDS, st.sampled_from([4, 11, 12, 14, 15, 40]), st.sampled_from([0.1, 0.5, 1.4, 1.6]), st.booleans())
def test_the_fit_is_that_of_least_squares(seed: int, count: int, every: float, known: bool) -> None:
    rows = exchanges(seed, count, every)
    rate = TICK_RATE * 1.0041 if known else None
    found, wanted = fit_clock(rows, rows[-1, 3], rate), plain_fit(rows, rows[-1, 3], rate)
    assert found.clock == pytest.approx(wanted[0], abs=1.0)
    assert found.rate == pytest.approx(wanted[1], rel=1e-8)
    assert found.error == pytest.approx(wanted[2], rel=1e-3)


@examples(8)
@given(SEEDS, st.sampled_from([None, TICK_RATE * 1.004]), st.sampled_from([0.0, 700.0]))
def test_the_line_is_the_curve_until_it_is_in_use_and_then_bends_towards_it(
    seed: int, rate: float | None, hurry: float
) -> None:
    model, sync = UsbModel(seed, off=0.004, drift=0.0, busy=0.3), ClockSync(10.0, seed, rate)
    assert (sync.next_sync, sync.rate, sync.error, sync.ready) == (10.0, rate or TICK_RATE, 1.0, False)
    source, rows, now, wild = random.Random(seed), np.empty((0, 4)), 10.0, 0
    for n in range(1, 90):
        each = model.exchange(now)
        if n == 80:
            wild = round(hurry * TICK_RATE)  # the board's clock leaps: the line follows as fast as it may
        before, ready = sync.to_clock(each.got), sync.ready
        sync.add(each.sent, (each.received + wild) % 2**32, (each.replied + wild) % 2**32, each.got)
        first, every = (10, 0.02) if rate else (20, 0.05)
        assert sync.next_sync == each.sent + (every if n <= first else source.uniform(0.05, 0.15))
        near = round(model.clock(each.sent)) + wild
        row = (each.sent, unwrap(each.received + wild, near), unwrap(each.replied + wild, near), each.got)
        rows = np.concatenate((rows[rows[:, 0] > each.sent - 60], [row]))
        assert sync.ready == (n >= (10 if rate else 16))
        now = sync.next_sync + float(hurry > 0) / 4
        if n < 4:
            assert sync.to_clock(each.got) == row[2]
            continue
        trusted = rate if each.got - rows[0, 0] < 2.0 else None
        clock, slope, error = plain_fit(rows, each.got, trusted)
        slope = min(max(slope, TICK_RATE * 0.99), TICK_RATE * 1.01)
        if not ready:
            assert sync.to_clock(each.got) == pytest.approx(clock, abs=2.0)
            assert (sync.rate, sync.error) == pytest.approx((slope, error), rel=1e-3)
            continue
        assert abs(sync.to_clock(each.got) - before) <= 1
        off = (clock - before) / TICK_RATE
        soon = min(4.0, max(1.0, (each.got - 10.0) * 4.0 / 60))
        assert sync.rate == pytest.approx(slope + TICK_RATE * min(0.001, max(-0.001, off / soon)), abs=4.0)
        assert sync.error == pytest.approx(math.hypot(error, off), rel=0.01, abs=2e-6)
