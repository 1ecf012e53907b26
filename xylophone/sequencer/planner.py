"""The planner: strikes in, pulses out, under the laws of the hammers, for a file or for live playing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..calibration.values import Calibration
from ..instrument import Instrument
from ..strikes import strikes_in, unplanned
from ..tables import PLANNED, Planned, Refusal, Strikes, as_planned, joined, ordered, picked
from .curves import Curves
from .draft import Draft, Recent
from .hammer_limits import keep_cool, keep_recovery
from .plan import Plan, PlanOptions
from .state import CoilState
from .supply_limit import CHORD, GUARD, keep_supply

ATTEMPTS = 4
"""How often a cluster over the supply limit is looked at again before strikes are simply dropped."""

REMEMBERED = 5.0
"""s; how far back `rewind` reaches before the newest commit."""


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
        self._refill = instrument.column("refill")
        self._base = CoilState.fresh(len(instrument))
        self._recent = as_planned(np.zeros(0, PLANNED))  # sent and not yet absorbed into the base
        self._pending = as_planned(np.zeros(0, PLANNED))
        self._settled = np.zeros(0, dtype=bool)
        self._horizon = -np.inf
        self._rows = 0

    @property
    def lead(self) -> float:
        """How long before its time a strike may start, and how far ahead the plan needs to know strikes."""
        longest = max(hammer.longest_pulse for hammer in self.instrument.hammers)
        return self._curves.longest_latency + longest + self.options.shift + CHORD

    @property
    def top_db(self) -> float:
        """The loudest level of the common scale, dB re 1 m/s."""
        return self._curves.top_db

    def add(self, strikes: Strikes) -> None:
        """Take strikes (dtype STRIKE); OptionError where one cannot be: velocity, hammer, time."""
        rows = joined((self._pending, unplanned(strikes, len(self.instrument))))
        settled = np.concatenate((self._settled, np.zeros(len(strikes), dtype=bool)))
        if bool(np.any(np.diff(rows["time"]) < 0)):
            order = np.argsort(rows["time"], kind="stable")
            rows, settled = picked(rows, order), settled[order]
        self._pending, self._settled = rows, settled

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
        begins = np.asarray(np.where(rows["refused"] == Refusal.NONE, rows["start"], latest))
        due = begins < horizon
        self._horizon = max(self._horizon, horizon if np.isfinite(horizon) else float(begins.max()))
        if due.all():
            self._pending, self._settled = picked(rows, slice(0)), self._settled[:0]
            return self._emit(rows, draft.ready)
        chords = np.cumsum(np.diff(rows["time"], prepend=-np.inf) > CHORD)
        again = begins - np.maximum(rows["moved"], 0.0)  # where planning anew would begin: without its moves
        touched = np.isin(chords, chords[again < horizon])
        due |= touched & (rows["refused"] > 0)  # it stays refused
        self._pending, self._settled = picked(rows, ~due), (self._settled | touched)[~due]
        place = np.cumsum(due) - 1
        return self._emit(
            picked(rows, due), {int(place[row]): t for row, t in draft.ready.items() if due[row]}
        )

    def finish(self) -> Plan:
        """Return the plan of everything that is left."""
        return self.commit(np.inf)

    def rewind(self, moment: float) -> Strikes:
        """Forget every pulse that starts at or after `moment`, and all strikes not yet committed.

        Returns the strikes (dtype STRIKE, sorted by time) that will not be heard because of that.
        """
        back = self._recent["start"] >= moment
        rows = joined((picked(self._recent, back), self._pending))
        self._pending, self._settled = as_planned(np.zeros(0, PLANNED)), np.zeros(0, dtype=bool)
        self._recent = picked(self._recent, ~back)
        self._horizon = min(self._horizon, moment)
        return ordered(strikes_in(rows), "time")

    def _planned(self) -> tuple[Draft, Planned]:
        """Plan everything that is pending, from the state that what was sent has left."""
        instrument, curves = self.instrument, self._curves
        state = self._remember()
        recent = self._running(state)
        draft = Draft(self._pending, self._settled, curves)
        keep_recovery(draft, state, curves.recovery, self.options.shift)
        draft.fit(curves, state, recent)
        self._refuse_late(draft, state)
        for attempt in range(ATTEMPTS):
            changed = self._keep_supply(draft, recent, GUARD * 2**attempt)
            if not keep_cool(draft, state, instrument) and not changed:
                return draft, draft.finished()
            draft.fit(curves, state, recent)
        self._keep_supply(draft, recent, 0.0)  # what is left is only dropped, which asks for nothing new
        keep_cool(draft, state, instrument)
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

    def _running(self, state: CoilState) -> Recent:
        sent = self._recent[self._recent["start"] + self._recent["width"] > self._horizon - self.lead]
        hammer = sent["hammer"].astype(np.intp)
        start, end = sent["start"].copy(), sent["start"] + sent["width"]
        return Recent(start, end, self._curves.current[hammer], state.contact)

    def _emit(self, rows: Planned, ready: Mapping[int, float]) -> Plan:
        plan = Plan(self.instrument, rows, self.top_db, first=self._rows, ready=ready)
        self._rows += len(rows)
        sent = picked(rows, rows["refused"] == Refusal.NONE)
        self._recent = joined((self._recent, sent)) if len(self._recent) else sent
        return plan

    def _remember(self) -> CoilState:
        """Return the state that all that was sent has left; what `rewind` cannot reach becomes the base."""
        old = self._recent["start"] < self._horizon - REMEMBERED
        warmth = self._curves.calibration.warmth
        if old.any():
            self._base = self._base.after(picked(self._recent, old), warmth, self._refill)
            self._recent = picked(self._recent, ~old)
        return self._base.after(self._recent, warmth, self._refill)


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
