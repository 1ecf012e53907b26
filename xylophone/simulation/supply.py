"""The supply that all coils share: who draws current in which step, and what voltage is left.

Song time is long and mostly silent for coils, so the steps in which any coil is on are laid end to
end: a silent hour takes no memory.
"""

from __future__ import annotations

import numpy as np

from ..tables import Bools, Floats, Ints


class Supply:
    """The time grid of n pulses: `first` step of each, and for how many `steps` it may draw current."""

    def __init__(self, first: Ints, steps: Ints, resistance: float) -> None:
        self.resistance = resistance
        self.steps = steps
        order = np.argsort(first, kind="stable")
        last = np.maximum.accumulate((first + steps)[order])
        gap = np.zeros(len(first), np.int64)
        gap[1:] = np.maximum(0, first[order][1:] - last[:-1])
        offset = np.empty(len(first), np.int64)
        offset[order] = first[order] - first[order][:1] - np.cumsum(gap)
        self._length = int((offset + steps).max(initial=0)) + 1  # one more: where rows have ended
        ticks = np.arange(int(steps.max(initial=0)))[:, None]
        self._cell = np.where(ticks < steps, offset + ticks, self._length - 1)
        self._shared = self._find_shared(order, first, last)

    def _find_shared(self, order: Ints, first: Ints, last: Ints) -> Bools:
        """Tell which pulses are on while another is."""
        begin = first[order]
        meets = begin[1:] < last[:-1]  # the next begins before all so far have ended
        shared = np.zeros(len(order), dtype=bool)
        shared[order[1:]] |= meets
        shared[order[:-1]] |= meets
        return shared

    def total(self, drawn: Floats) -> Floats:
        """Return the current in A of all coils in each step in which any is on; `drawn` is (steps, n)."""
        cells = self._cell.ravel()
        total: Floats = np.bincount(cells, drawn.ravel(), self._length).astype(np.float64)
        total[-1] = 0.0
        return total

    def sag(self, drawn: Floats) -> Floats:
        """Return the voltage (steps, n) that each row loses to the others."""
        lost = np.zeros(drawn.shape)
        rows = np.flatnonzero(self._shared)
        if len(rows):
            cells = self._cell[:, rows]
            lost[:, rows] = self.resistance * (self.total(drawn)[cells] - drawn[:, rows])
            lost[:, rows] *= cells < self._length - 1
        return lost
