"""What the hammers have been through: the pulses that were sent, and the state that these have left."""

from __future__ import annotations

import numpy as np

from ..tables import PLANNED, Planned, as_planned, joined, picked
from .curves import Curves
from .draft import SENT, Recent
from .state import CoilState

REMEMBERED = 5.0
"""s; how far back `rewind` reaches before the newest commit."""


class Memory:
    """Keeps what was sent, and works out what it has left only when that is asked for, or in `settle`.

    The state is that of a base, which cannot be taken back any more, after all newer pulses. No hammer's
    state knows of another's: so it is worked out anew for hammers alone that were struck since.
    """

    def __init__(self, curves: Curves) -> None:
        self._curves = curves
        self._base = self._state = CoilState.fresh(len(curves.current))
        self._recent = as_planned(np.zeros(0, PLANNED))  # sent and not yet absorbed into the base
        self._plans: list[Planned] = []  # not looked at yet
        self._stale = np.zeros(len(curves.current), dtype=bool)  # hammers whose state is to be worked out

    def take(self, rows: Planned) -> None:
        """Note the rows of a plan; those that were refused are passed over."""
        if len(rows):
            self._plans.append(rows)

    def settle(self) -> None:
        """Work out what the newest plans have left."""
        self._look()
        if not self._stale.any():
            return
        stale = self._stale
        mine = picked(self._recent, stale[self._recent["hammer"]])
        self._state = self._after(self._state.taking(stale, self._base), mine)
        self._stale = np.zeros_like(stale)

    def state(self, moment: float) -> CoilState:
        """Return the state that all that was sent has left, planning anew at a moment of backend time."""
        self._look()
        old = self._recent["start"] < moment - REMEMBERED
        if old.any():
            rows = picked(self._recent, old)
            self._base = self._after(self._base, rows)
            self._recent = picked(self._recent, ~old)
            self._stale[rows["hammer"]] = True
        self.settle()
        return self._state

    def running(self, moment: float, state: CoilState) -> Recent:
        """Return the pulses that end after a moment, beside the state that all have left."""
        end = self._recent["start"] + self._recent["width"]
        late = (end > moment).nonzero()[0]
        sent = self._recent[late]
        return Recent(sent["start"].copy(), end[late], self._curves.current[sent["hammer"]], state.contact)

    def take_back(self, moment: float) -> Planned:
        """Forget, and return, all that starts at or after a moment."""
        self._look()
        back = self._recent["start"] >= moment
        rows = picked(self._recent, back)
        self._recent = picked(self._recent, ~back)
        self._stale[rows["hammer"]] = True
        return rows

    def _look(self) -> None:
        if self._plans:
            sent = [picked(rows, rows["refused"] == SENT) for rows in self._plans]
            self._recent = joined((self._recent, *sent))
            for rows in sent:
                self._stale[rows["hammer"]] = True
            self._plans = []

    def _after(self, state: CoilState, rows: Planned) -> CoilState:
        return state.after(rows, self._curves.calibration.warmth, self._curves.refill)
