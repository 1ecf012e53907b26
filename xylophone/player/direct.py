"""Strikes that are asked for one by one, each for its own moment, by whoever plays with their hands."""

from __future__ import annotations

import numpy as np

from ..sequencer import Planner
from ..tables import Strikes
from .ahead import REACTION, Outlet

MARGIN = 0.012
"""s before its coil goes on at which a strike is planned: room to plan a chord and to hand it over."""

RING = 0.25
"""s after a contact for which somebody may listen; then it is over."""


class Direct:
    """Plans strikes as they come and hands each over shortly before its coil goes on.

    Whoever asks `notice` s ahead has none refused as late. Nothing else may use the planner meanwhile: it is
    for when no song plays.
    """

    def __init__(self, planner: Planner, outlet: Outlet) -> None:
        self.margin = MARGIN
        self._planner, self._outlet = planner, outlet
        self._over = -np.inf  # backend time at which what was struck is over

    @property
    def notice(self) -> float:
        """How long after it was asked for a strike sounds, however soft, s."""
        return self._planner.reach + self.margin

    @property
    def due(self) -> float:
        """The backend time at which something is to be handed over; inf where nothing waits."""
        return self._planner.next_due() - self.margin

    def strike(self, strikes: Strikes) -> None:
        """Take strikes (dtype STRIKE, backend time)."""
        self._planner.add(strikes)

    def feed(self, now: float) -> None:
        """Hand over what is due."""
        if now < self.due:
            return
        plan = self._planner.commit(now + self.margin, now)
        self._outlet.pass_on(plan)
        contacts = plan.rows["time"] + plan.rows["moved"]
        self._over = max(self._over, float(contacts.max(initial=-np.inf)) + RING)
        self._planner.settle()

    def hush(self, now: float) -> None:
        """Take back what has not been struck, but for coils that are going on."""
        after = now + REACTION
        self._outlet.take_back(after, now)
        self._planner.rewind(after)

    def over(self, now: float) -> bool:
        """Tell whether nothing waits, and what was struck is heard."""
        return self.due == np.inf and now >= self._over
