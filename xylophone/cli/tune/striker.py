"""Strikes one after the other, by a calibration that may change between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...calibration.values import Calibration
from ...sequencer import Plan, Planner
from ...tables import STRIKE, as_strikes, joined, picked
from ..stage import Stage
from ..striking import strikes_at

MARGIN = 0.05
"""s between planning a strike and its earliest coil going on."""

KNOWN = 600.0
"""s of strikes that a new plan is told of: warmth of coils fades with this time."""


class Striker:
    """Strikes on a stage without waiting, by whatever calibration is in force at each strike."""

    def __init__(self, stage: Stage, calibration: Calibration) -> None:
        self._stage = stage
        self._sent = as_strikes(np.zeros(0, STRIKE))
        self._free = -np.inf  # when all coils that were sent a pulse are ready for the next
        self._floor = -np.inf  # earliest start: by other curves pulses may lie otherwise than planned for
        self._calibration = calibration
        self._planner = self._new_planner()

    def notice(self, calibration: Calibration) -> float:
        """Return how long before its time a strike must be asked for, in seconds."""
        self._follow(calibration)
        return self._planner.lead + MARGIN

    def strike(
        self, calibration: Calibration, hammers: Sequence[int], velocity: float, at: float = -np.inf
    ) -> tuple[float, Plan]:
        """Strike hammers together at a time, or as soon after as can be; return when, and the plan."""
        backend = self._stage.backend
        time = max(at, backend.now() + self.notice(calibration))
        self._planner.add(strikes_at(np.full(len(hammers), time), hammers, velocity))
        plan = self._planner.commit(np.inf, self._floor)
        backend.schedule(plan.pulses)
        self._note(plan)
        return time, plan

    def _note(self, plan: Plan) -> None:
        """Keep what was sent: hammers that have just played answer sooner than rested ones."""
        sent = plan.rows[plan.rows["refused"] == 0]
        strikes = as_strikes(sent[list(STRIKE.names or ())].astype(STRIKE))
        recent = self._sent["time"] > self._stage.backend.now() - KNOWN
        self._sent = joined((picked(self._sent, recent), strikes))
        rests = self._stage.backend.instrument.column("rest")[sent["hammer"].astype(np.intp)]
        self._free = float((sent["start"] + sent["width"] + rests).max(initial=self._free))

    def _follow(self, calibration: Calibration) -> None:
        """Plan by this calibration from now on."""
        if calibration is not self._calibration:
            self._calibration, self._floor = calibration, self._free
            self._planner = self._new_planner()

    def _new_planner(self) -> Planner:
        """Return a planner that knows what the hammers have been through."""
        planner = Planner(self._stage.backend.instrument, self._calibration)
        planner.add(self._sent)
        planner.finish()
        return planner
