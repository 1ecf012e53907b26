"""What a host plays in tests of the link."""

from __future__ import annotations

import numpy as np

from link.wire import Wire
from xylophone.link import messages as m
from xylophone.tables import Rows

LOOKAHEAD = 0.5


class Song:
    """Strikes of 30 hammers in turn, sent half a second ahead; a SYNC every 0.1 s keeps the credit.

    `clocks` are ticks since the host's second 0, when the board's clock was at `first_clock`.
    """

    def __init__(self, wire: Wire, strikes: int, rate: float, seed: int = 3, first_clock: int = 0) -> None:
        source = np.random.default_rng(seed)
        self.wire = wire
        self.start = wire.now + 0.7
        times = self.start + np.arange(strikes) / rate + source.uniform(0, 0.5 / rate, strikes)
        self.clocks = np.round(times * m.TICK_RATE).astype(np.int64)
        self.rows: Rows = np.zeros(strikes, m.STRIKE_ON_WIRE)
        self.rows["clock"] = (self.clocks + first_clock) & 0xFFFF_FFFF
        self.rows["channel"] = np.arange(strikes) % 30
        self.rows["width"] = source.integers(1000, 6000, strikes)
        self.end = float(times[-1]) + 0.2
        self.lookahead = LOOKAHEAD
        self._place = 0
        self._next_sync = wire.now

    def __call__(self, now: float) -> None:
        """Take a turn of the host."""
        link = self.wire.link
        due = int(np.searchsorted(self.clocks, (now + self.lookahead) * m.TICK_RATE))
        while self._place < due and link.waiting < 8:
            end = min(due, self._place + m.STRIKES_IN_FRAME)
            link.send(m.StrikesMessage(self.rows[self._place : end]))
            self._place = end
        if now >= self._next_sync:
            self._next_sync = now + 0.1
            link.send(m.Sync(round(now * 1000) % 65536))

    def wanted(self) -> list[tuple[int, int, int]]:
        return [(int(row["clock"]), int(row["channel"]), int(row["width"])) for row in self.rows]
