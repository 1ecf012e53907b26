"""The planner: strikes in, pulses out, under the laws of the hammers, for a file or for live playing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from ..calibration.values import Calibration
from ..instrument import Instrument
from ..strikes import strikes_in, unplanned
from ..tables import PLANNED, Bools, Planned, Refusal, Strikes, as_planned, joined, ordered, picked
from .curves import Curves
from .draft import SENT, Draft, Recent
from .hammer_limits import keep_cool, keep_recovery
from .memory import Memory
from .plan import Plan, PlanOptions
from .state import CoilState
from .supply_limit import CHORD, GUARD, keep_supply

ATTEMPTS = 4
"""How often a cluster over the supply limit is looked at again before strikes are simply dropped."""


class Planner:
    """Turns strikes into pulses as time goes on, and remembers what the hammers have been through.

    Strikes are added in any order; `commit(horizon)` fixes everything whose coil goes on before the
    horizon, and what was refused of its chord: later strikes are planned again when more is known. The
    caller has added every strike with time <= horizon + lead by then; one that comes too late is refused
    as LATE.
    """

    def __init__(
        self, instrument: Instrument, calibration: Calibration, options: PlanOptions | None = None
    ) -> None:
        self.instrument = instrument
        self.options = options or PlanOptions()
        self._curves = Curves(instrument, calibration)
        self._memory = Memory(self._curves)
        self._pending = as_planned(np.zeros(0, PLANNED))
        self._settled = np.zeros(0, dtype=bool)
        self._due = np.inf
        self._horizon = -np.inf
        self._rows = 0

    @cached_property
    def lead(self) -> float:
        """How long before its time a strike may start, and how far ahead the plan needs to know strikes."""
        longest = float(self._curves.longest.max())
        return self._curves.longest_latency + longest + self.options.shift + CHORD

    @property
    def reach(self) -> float:
        """How long before its contact a coil goes on at the soonest, s: a strike added later may be late."""
        return self._curves.longest_latency + self.options.shift

    @property
    def top_db(self) -> float:
        """The loudest level of the common scale, dB re 1 m/s."""
        return self._curves.top_db

    def next_due(self) -> float:
        """Return the backend time by which to commit again, so that nothing pending is refused as late.

        It is when the first coil of what is pending goes on, as the newest commit has planned it; after
        strikes were added, the earliest that any could. Infinite where nothing is pending.
        """
        return self._due

    def add(self, strikes: Strikes) -> None:
        """Take strikes (dtype STRIKE); OptionError where one cannot be: velocity, hammer, time."""
        added = unplanned(strikes, len(self.instrument))
        if not len(added):
            return
        rows = joined((self._pending, added))
        settled = np.concatenate((self._settled, np.zeros(len(strikes), dtype=bool)))
        if bool(np.any(np.diff(rows["time"]) < 0)):
            order = np.argsort(rows["time"], kind="stable")
            rows, settled = picked(rows, order), settled[order]
        self._pending, self._settled = rows, settled
        self._due = float(rows["time"][0]) - self.reach

    def commit(self, horizon: float, now: float = -np.inf) -> Plan:
        """Return the final plan of everything whose coil goes on before `horizon`.

        What would have to start before `now` is refused as LATE, or moved if that takes no more than
        the shift that is allowed.
        """
        self._horizon = max(self._horizon, now)
        if not len(self._pending):
            self._horizon = max(self._horizon, horizon if np.isfinite(horizon) else -np.inf)
            return self._emit(self._pending, {})
        draft, rows = self._planned()
        latest = rows["time"] - self._curves.longest_latency
        begins = np.asarray(np.where(rows["refused"] == SENT, rows["start"], latest))
        due = begins < horizon
        self._horizon = max(self._horizon, horizon if np.isfinite(horizon) else float(begins.max()))
        if due.all():
            self._leave_nothing()
            return self._emit(rows, draft.ready)
        chords = np.cumsum(np.diff(rows["time"], prepend=-np.inf) > CHORD)
        again = begins - np.maximum(rows["moved"], 0.0)  # where planning anew would begin: without its moves
        touched = np.isin(chords, chords[again < horizon])
        due |= touched & (rows["refused"] > 0)  # it stays refused
        left, settled = ~due, self._settled | touched
        first = np.where(settled, begins, again)[left].min(initial=np.inf)
        self._leave(picked(rows, left), settled[left], float(first))
        place = np.cumsum(due) - 1
        return self._emit(
            picked(rows, due), {int(place[row]): t for row, t in draft.ready.items() if due[row]}
        )

    def settle(self) -> None:
        """Do now what a commit leaves to the next one: work out how its pulses leave the hammers.

        Nothing changes by it; who has handed the plan on and waits makes the next commit the shorter.
        """
        self._memory.settle()

    def finish(self) -> Plan:
        """Return the plan of everything that is left."""
        return self.commit(np.inf)

    def rewind(self, moment: float) -> Strikes:
        """Forget every pulse that starts at or after `moment`, and all strikes not yet committed.

        Returns the strikes (dtype STRIKE, sorted by time) that will not be heard because of that.
        """
        rows = joined((self._memory.take_back(moment), self._pending))
        self._leave_nothing()
        self._horizon = min(self._horizon, moment)
        return ordered(strikes_in(rows), "time")

    def _planned(self) -> tuple[Draft, Planned]:
        """Plan everything that is pending, from the state that what was sent has left."""
        curves = self._curves
        state = self._memory.state(self._horizon)
        recent = self._memory.running(self._horizon - self.lead, state)
        draft = Draft(self._pending, self._settled, curves)
        keep_recovery(draft, state, curves.recovery, self.options.shift)
        draft.fit(curves, state, recent)
        self._refuse_late(draft, state)
        for attempt in range(ATTEMPTS):
            changed = self._keep_supply(draft, recent, GUARD * 2**attempt)
            if not keep_cool(draft, state, curves) and not changed:
                return draft, draft.finished()
            draft.fit(curves, state, recent)
        self._keep_supply(draft, recent, 0.0)  # what is left is only dropped, which asks for nothing new
        keep_cool(draft, state, curves)
        return draft, draft.finished()

    def _keep_supply(self, draft: Draft, recent: Recent, guard: float) -> bool:
        return keep_supply(draft, recent, self._curves, self.options, self._horizon, guard)

    def _refuse_late(self, draft: Draft, state: CoilState) -> None:
        """Move what comes a little late to start just in time; refuse what comes later than that."""
        behind = np.where(draft.settled | (draft.refused > 0), 0.0, self._horizon - draft.start)
        draft.refused[behind > self.options.shift] = Refusal.LATE
        little = np.flatnonzero((behind > 0) & (behind <= self.options.shift))
        if len(little):
            draft.delayed[little] += behind[little]
            draft.moved[little] = draft.delayed[little]
            keep_recovery(draft, state, self._curves.recovery, 0.0)

    def _leave(self, pending: Planned, settled: Bools, due: float) -> None:
        """Note what is still to be planned, and by when."""
        self._pending, self._settled, self._due = pending, settled, due

    def _leave_nothing(self) -> None:
        self._leave(as_planned(np.zeros(0, PLANNED)), np.zeros(0, dtype=bool), np.inf)

    def _emit(self, rows: Planned, ready: Mapping[int, float]) -> Plan:
        plan = Plan(self.instrument, rows, self.top_db, first=self._rows, ready=ready)
        self._rows += len(rows)
        self._memory.take(rows)
        return plan


def sequence(
    strikes: Strikes, instrument: Instrument, calibration: Calibration, options: PlanOptions | None = None
) -> Plan:
    """Plan a whole piece: strikes (dtype STRIKE, times from 0) become a plan that starts no pulse before 0.

    The plan's times are later than the strikes' by its `lead_in`, the shortest that serves.

    >>> instrument, strikes = build_instrument(), np.zeros(1, STRIKE)
    >>> strikes["hammer"], strikes["velocity"] = instrument.index("C6"), 90
    >>> plan = sequence(strikes, instrument, calibration_for(instrument, None))
    >>> round(1000 * float(plan.pulses["width"][0]), 1)  # ms
    13.3
    """
    planner = Planner(instrument, calibration, options)
    planner.add(strikes)
    plan = planner.finish()
    starts = plan.rows["start"][plan.rows["refused"] == Refusal.NONE]
    lead_in = max(0.0, -float(starts.min())) if len(starts) else 0.0
    return plan.later(lead_in)
