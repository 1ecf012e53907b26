"""What one hammer allows: it is not struck again before it is ready, and its coil is not overheated.

Coil heat is a token bucket of on-time, so that a trill passes and an overload does not.
"""

from __future__ import annotations

import numpy as np

from ..tables import Bools, Floats, Ints, Refusal
from .curves import Curves
from .draft import Draft
from .state import CoilState, by_hammer, drained


def keep_recovery(draft: Draft, state: CoilState, recovery: Floats, shift: float) -> None:
    """Move by up to `shift`, or refuse, what follows too closely on its own hammer.

    `recovery` is by hammer, contact to contact. Of two strikes that cannot both be, the one of
    higher priority stays; of equals the earlier.
    """
    rows = draft.played
    order = rows[np.argsort(draft.hammer[rows].astype(np.uint8), kind="stable")]
    hammer, time = draft.hammer[order], (draft.time + draft.moved)[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = hammer[1:] != hammer[:-1]
    previous = np.empty(len(order))
    previous[1:] = time[:-1]
    previous[first] = state.contact[hammer[first]]
    close = time - previous < recovery[hammer] + shift
    conflict = close.copy()  # a strike that comes too soon, and the one before it, which it may replace
    conflict[:-1] |= close[1:] & ~first[1:]
    places = np.flatnonzero(conflict)
    opens = first[places] | ~close[places]
    _thin(draft, order[places], opens, previous[places], recovery[hammer[places]], shift)


def _thin(draft: Draft, rows: Ints, opens: Bools, previous: Floats, recovery: Floats, shift: float) -> None:
    """Go through runs of conflicts, each hammer's in time order, and keep what recovery allows.

    `opens` marks where a run begins; `previous` is the contact before it.
    """
    kept, before, last, spared = -1, 0.0, 0.0, 0  # the last strike kept, and the contact before that one
    times = draft.time[rows] + draft.moved[rows]
    columns = (rows, opens, previous, recovery, times, draft.priority[rows], draft.settled[rows])
    lists = [np.asarray(column).tolist() for column in columns]
    for row, opening, earlier, pause, time, priority, settled in zip(*lists, strict=True):
        if opening:
            kept, before, last = -1, earlier, earlier
        ready = last + pause
        if settled or time >= ready - shift:
            moved = 0.0 if settled else max(0.0, ready - time)
            if moved:
                draft.delayed[row] = draft.moved[row] = moved
            kept, before, last, spared = row, last, time + moved, 127 if settled else priority
        elif kept >= 0 and priority > spared and time >= before + pause:
            _refuse(draft, kept, time + pause)
            kept, last, spared = row, time, priority
        else:
            _refuse(draft, row, ready)


def _refuse(draft: Draft, row: int, ready: float) -> None:
    draft.refused[row] = Refusal.RECOVERY
    draft.delayed[row] = draft.moved[row] = 0.0
    draft.ready[row] = ready


def keep_cool(draft: Draft, state: CoilState, curves: Curves) -> bool:
    """Refuse every strike whose pulse would overdraw its hammer's token bucket; True if there was one."""
    played = draft.played
    order, _, groups = by_hammer(draft.hammer[played])
    rows = played[order]
    start, width = draft.start[rows], draft.width[rows]
    used = drained(start, width, groups, curves.refill, state.start, state.used)
    over = (used > curves.capacity[draft.hammer[rows]]).nonzero()[0]
    for run in np.unique(np.searchsorted(groups.end, over, "right")).tolist():
        hammer, mine = int(groups.hammer[run]), rows[groups.first[run] : groups.end[run]]
        _ration(draft, mine, state, float(curves.refill[hammer]), float(curves.capacity[hammer]))
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
