"""Two clocks compared: a curve through the exchanges of the last minute, and how far it can be trusted.

A question leaves at host time `sent`, arrives at tick `received`, is answered at tick `replied`, and the
answer is there at `got`. Were both ways equally long, the middle of the ticks would fall on the middle
of the times. On USB they are not: what waits for the next USB frame, or for the timer of an adapter, is
mostly one of them, and how long the round trip was tells how long that one has waited. So the share of
the round trip that belongs to the way there is a parameter of the fit, beside offset, rate and drift of
the rate. What one exchange says is then good to some 50 us instead of 500.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..tables import Floats
from .messages import BAUD, TICK_RATE

"""Exchanges, by row: sent, received, replied, got; times in s, clocks in ticks without wraps."""

SLOW = 1.5
"""The host was busy, and an exchange is left out, when it took longer than the median by so many times the
median's own distance from the shortest."""

LEAST_USED = 12
SHARES_FROM = 15
"""Exchanges from which the shares of the round trip are a parameter; before, both are a half."""

DRIFT_FROM = 20.0
"""s that exchanges must span for the drift of the rate to be a parameter."""

SPAN = 60.0

_ASYMMETRY = (27 - 9) * 10 / BAUD / 2
"""s: SYNC has 9 bytes on the line, SYNC_R 27; ticks are of the one's end and the other's beginning."""

_FAR = 4.0
"""Standard deviations from which an exchange counts for nothing (Tukey's biweight)."""

_REFERENCE = 0.1
"""Quantile of the round trips at which the curve is read off."""


class ClockFit(NamedTuple):
    """The board's clock at one host time."""

    clock: float
    rate: float  # ticks a second
    error: float  # standard error, s


def fit_clock(rows: Floats, now: float, rate: float | None = None) -> ClockFit:
    """Return what some exchanges say about the board's clock at a host time; there are 4 or more of them.

    `rate`, ticks a second, is taken for granted where it is given.
    """
    sent, received, replied, got = rows.T
    trips = got - sent - (replied - received) / TICK_RATE
    order = np.argsort(trips, kind="stable")[: max(LEAST_USED, _usual(trips))]
    trip = trips[order]
    ago = ((sent + got)[order] / 2 - _ASYMMETRY - now) / SPAN
    origin = received[-1]
    # Ticks beyond those of the expected rate, in s: small numbers, so that none is rounded.
    expected = (rate or TICK_RATE) / TICK_RATE
    ahead = ((received + replied)[order] / 2 - origin) / TICK_RATE - ago * SPAN * expected
    columns = [np.ones(len(ago))] if rate else [np.ones(len(ago)), ago]
    if -ago.min() * SPAN >= DRIFT_FROM:
        columns.append(ago**2)
    if len(order) >= SHARES_FROM:
        columns.append(trip - np.quantile(trip, _REFERENCE))
    values, error = _robust(np.stack(columns, 1), ahead)
    found = rate or TICK_RATE * (1 + values[1] / SPAN)
    return ClockFit(origin + TICK_RATE * values[0], found, error)


def _usual(trips: Floats) -> int:
    """Return how many round trips are of the usual length."""
    shortest, median = trips.min(), np.median(trips)
    return int(np.count_nonzero(trips <= median + SLOW * (median - shortest)))


def _robust(columns: Floats, wanted: Floats) -> tuple[Floats, float]:
    """Return the parameters of a linear model, far values left out, and the first one's standard error."""
    weights = np.ones(len(wanted))
    for _ in range(4):
        weighted = (columns * weights[:, None] ** 2).T
        inverse = np.linalg.pinv(weighted @ columns)
        values = inverse @ (weighted @ wanted)
        rest = wanted - columns @ values
        sigma = 1.4826 * float(np.median(np.abs(rest))) + 1e-6
        weights = 1 - np.clip(rest / (_FAR * sigma), -1, 1) ** 2
    return values, sigma * float(np.sqrt(inverse[0, 0]))
