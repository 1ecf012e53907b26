"""Coil heat: a token bucket of on-time for each hammer, so that a trill passes and an overload does not."""

from __future__ import annotations

from ..instrument import Instrument
from ..tables import Ints, Refusal
from .draft import Draft
from .state import CoilState, by_hammer, drained


def keep_cool(draft: Draft, state: CoilState, instrument: Instrument) -> bool:
    """Refuse every strike whose pulse would overdraw its hammer's token bucket; True if there was one."""
    refill, capacity = instrument.column("refill"), instrument.column("capacity")
    played = draft.played
    order, _, groups = by_hammer(draft.hammer[played])
    rows = played[order]
    start, width = draft.start[rows], draft.width[rows]
    used = drained(start, width, groups, refill, state.start, state.used)
    over = set(groups.run[used > capacity[draft.hammer[rows]]].tolist())
    for run in sorted(over):
        hammer = int(groups.hammer[run])
        _ration(draft, rows[groups.run == run], state, float(refill[hammer]), float(capacity[hammer]))
    return len(over) > 0


def _ration(draft: Draft, rows: Ints, state: CoilState, refill: float, capacity: float) -> None:
    """Go through one hammer's strikes in time order and give out what the bucket holds."""
    hammer = draft.hammer[rows[0]]
    used, since = float(state.used[hammer]), float(state.start[hammer])
    for row, start, width in zip(
        rows.tolist(), draft.start[rows].tolist(), draft.width[rows].tolist(), strict=True
    ):
        left = max(0.0, used - refill * (start - since))
        if left + width > capacity and not draft.settled[row]:
            draft.refused[row] = Refusal.HEAT
        else:
            used, since = left + width, start
