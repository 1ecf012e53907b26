"""The board's clock as the host knows it: which tick is when, from questions and answers.

The curve of `clock_fit` is never used itself: what is used is a straight line that is steered towards
it, so that it neither steps nor runs backwards while strikes are being placed on it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from ..tables import Floats
from .clock_fit import SPAN, ClockFit, fit_clock
from .messages import TICK_RATE

FIRST = 20
"""Questions in the first second."""

READY_AFTER = 16
"""Answers after which the mapping may be used."""

KNOWN_FIRST, KNOWN_EVERY = 10, 0.02
"""Answers and s from question to question, where the board's rate is known from before its reset: only what
its clock says now is to be found then."""

KNOWN_FOR = 2.0
"""s for which that rate is trusted more than what the answers say of it."""

STEEPEST = 0.001
"""s a second by which the line may approach the curve: 1 ms within a slow beat is not heard."""

STEERING = 4.0
"""s in which the line approaches the curve, once there is a minute of answers; sooner before."""

SOONEST = 1.0
"""s; how soon it does at first."""

ROUGH = 0.01
"""Greatest difference of the board's rate from its nominal one; resonators are good to half of it."""


class ClockSync:
    """The mapping between host seconds and ticks of the board's clock, which count on where 32 bits wrap.

    Send a SYNC whenever `next_sync` has come, and `add` each answer, in order. A question without answer
    leaves `next_sync` where it is: ask again when none will come any more. `seed` is of the spacing, `rate`
    that of the same board's clock before it was reset, in ticks a second, where that is known.
    """

    def __init__(self, now: float, seed: int = 0, rate: float | None = None) -> None:
        self.next_sync = now
        """When the next SYNC is to be sent, s."""
        self.rate = rate or float(TICK_RATE)
        """Ticks in a second of the host."""
        self.error = 1.0
        """Estimated standard error of the mapping at the last answer, s, with what it is still steered by."""
        self.ready = False
        """Whether the mapping may be used."""
        self._known = rate
        self._spacings = _spacings(random.Random(seed), *((KNOWN_FIRST, KNOWN_EVERY) if rate else ()))
        self._rows: Floats = np.empty((0, 4))
        self._count = 0
        self._begun = now
        self._time, self._clock = now, 0.0  # a point of the line

    def add(self, sent: float, received: int, replied: int, got: float) -> None:
        """Take in an answer: SYNC left at `sent` and arrived at tick `received`, the answer at `got`.

        `replied` is the tick at which that left; both ticks are u32. The line bends at `got`.
        """
        arrived = unwrap(received, self.to_clock(sent)) if self._count else received
        self._count += 1
        self.next_sync = sent + next(self._spacings)
        row = (sent, arrived, arrived + ((replied - received) & 0xFFFF_FFFF), got)
        recent = self._rows[self._rows[:, 0] > sent - SPAN]
        self._rows = np.concatenate((recent, np.array([row], np.float64)))
        if len(self._rows) < 4:
            self._time, self._clock = got, row[2]
        elif self.ready:
            self._steer(self._fit(got), got)
        else:
            self._jump(self._fit(got), got)
            self.ready = self._count >= (KNOWN_FIRST if self._known else READY_AFTER)

    def to_clock(self, time: float) -> int:
        """Return the tick at a host time, unwrapped; monotonic in `time`."""
        return round(self._clock + self.rate * (time - self._time))

    def _fit(self, now: float) -> ClockFit:
        young = now - self._rows[0, 0] < KNOWN_FOR
        return fit_clock(self._rows, now, self._known if young else None)

    def _jump(self, fit: ClockFit, now: float) -> None:
        self._time, self._clock, self.rate = now, fit.clock, _plausible(fit.rate)
        self.error = fit.error

    def _steer(self, fit: ClockFit, now: float) -> None:
        """Bend the line here so that it meets the curve a while later."""
        self._clock += self.rate * (now - self._time)
        self._time = now
        off = fit.clock - self._clock
        soon = min(STEERING, max(SOONEST, (now - self._begun) * STEERING / SPAN))
        steepest = STEEPEST * TICK_RATE
        self.rate = _plausible(fit.rate) + min(steepest, max(-steepest, off / soon))
        self.error = float(np.hypot(fit.error, off / TICK_RATE))


def unwrap(low: int, near: int) -> int:
    """Return the tick with these low 32 bits that is nearest to another one."""
    return near + ((low - near + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


def _spacings(source: random.Random, first: int = FIRST, every: float = 1 / FIRST) -> Iterator[float]:
    """Yield s from one question to the next: at random, lest they keep step with anything in the host."""
    for _ in range(first):
        yield every
    while True:
        yield source.uniform(0.05, 0.15)


def _plausible(rate: float) -> float:
    """Return a rate within what a resonator can be off, so that a wild fit cannot turn time around."""
    return min(max(rate, TICK_RATE * (1 - ROUGH)), TICK_RATE * (1 + ROUGH))
