"""A board on a modelled USB cable: what SYNC and its answer go through between host and microcontroller.

The Mega 2560 hangs on a second microcontroller (16U2) that is a USB serial port of full speed. USB works
in frames of 1 ms, which both directions wait for:

- host to board: bytes that are written lie in the host until the next frame; the 16U2 then has them and
  passes them on at 40 us a byte;
- board to host: the 16U2 collects bytes at 40 us each, and the host fetches what there is in the next
  frame. With `flush` the 16U2 first waits for a timer of its own: the stock program's is one of 8 bits
  at 16 MHz / 256, so 4.1 ms, by a crystal that is 30 ppm off the host's;
- the host reads what was fetched after some 50 us, but now and then only after several ms, as it
  does when it is busy; the same may befall it when it writes.

The board's resonator is off by up to 0.5 % and drifts: the rate follows a sine, whose steepest place
is `drift` (20 ppm a minute), or a straight line where `period` is infinite.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

TICK_RATE = 2_000_000
BYTE_TIME = 40e-6
SYNC_BYTES = 9
REPLY_BYTES = 27
FRAME = 0.001
STOCK_FLUSH = 256 * 256 / 16e6 * (1 + 30e-6)


class Exchange(NamedTuple):
    """One SYNC: host's seconds of leaving and coming back, ticks (u32) of arrival and answer."""

    sent: float
    received: int
    replied: int
    got: float


class UsbModel:
    """A board, its clock and its cable."""

    def __init__(
        self,
        seed: int,
        off: float = 0.005,
        drift: float = 20e-6 / 60,
        period: float = math.inf,
        flush: float = 0.0,
        busy: float = 0.03,
    ) -> None:
        self._random = random.Random(seed)
        self._off, self._drift, self._period, self._flush, self._busy = off, drift, period, flush, busy
        self._start = self._random.randrange(2**32)
        self._phase = self._random.uniform(0.0, FRAME)
        self._flush_phase = self._random.uniform(0.0, flush)
        self._turn = self._random.uniform(0.0, 2 * math.pi)

    def clock(self, time: float) -> float:
        """Return the board's tick at a host time, unwrapped."""
        if math.isinf(self._period):
            drifted = self._drift * time**2 / 2
        else:  # the integral of a sine whose slope is at most `drift`
            turning = 2 * math.pi / self._period
            height = self._drift / turning
            drifted = height / turning * (math.cos(self._turn) - math.cos(turning * time + self._turn))
        return self._start + TICK_RATE * (time * (1 + self._off) + drifted)

    def exchange(self, asked: float) -> Exchange:
        """Return what a SYNC tells that the host hands to its port at a time."""
        written = asked + self._host_delay()
        received = self._next_frame(written, self._phase) + SYNC_BYTES * BYTE_TIME
        replied = received + self._random.uniform(10e-6, 120e-6)
        collected = self._next_flush(replied + REPLY_BYTES * BYTE_TIME)
        got = self._next_frame(collected, self._phase) + self._host_delay()
        return Exchange(asked, int(self.clock(received)) % 2**32, int(self.clock(replied)) % 2**32, got)

    def _host_delay(self) -> float:
        usual = self._random.expovariate(1 / 50e-6)
        return usual + (self._random.uniform(0.001, 0.008) if self._random.random() < self._busy else 0.0)

    def _next_frame(self, time: float, phase: float) -> float:
        """Return when the next USB frame has carried something; its place in the frame varies a little."""
        return _next(time, FRAME, phase) + self._random.uniform(0.0, 80e-6)

    def _next_flush(self, time: float) -> float:
        return _next(time, self._flush, self._flush_phase) if self._flush else time


def _next(time: float, period: float, phase: float) -> float:
    return phase + math.ceil((time - phase) / period) * period
