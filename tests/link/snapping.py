"""Which tick each edge of a strike really falls on: docs/protocol.md, "Snapping"; `core/snap.h` in C."""

from __future__ import annotations

import numpy as np

from xylophone.link.messages import GRID, JOIN, NEAR, WIDTH_TICKS
from xylophone.tables import Ints


def snap(clocks: Ints, widths: Ints) -> tuple[Ints, Ints]:
    """Return the ticks at which coils really go on and off, for strikes in the order of their queue.

    `clocks` are unwrapped ticks that never fall (else ValueError), `widths` pulse widths in units of 2 us,
    beside them. An on edge is at most 32 ticks early and 15 late; a pulse is up to 63 ticks too short and
    never too long; two edges that are not at one tick are 16 or more apart.
    """
    if len(clocks) and int(np.diff(clocks).min(initial=0)) < 0:
        raise ValueError("strikes to be snapped must be in the order of their clocks: sort them first")
    distinct, place = np.unique(np.asarray(clocks, np.int64), return_inverse=True)
    on = _joined(distinct)[place]
    return on, (on + np.asarray(widths, np.int64) * WIDTH_TICKS) // GRID * GRID


def own_ticks(clocks: Ints) -> Ints:
    """Return the tick of the group that each clock would open."""
    nearest = (clocks + GRID // 2) // GRID * GRID
    return np.where(np.abs(clocks - nearest) < NEAR, nearest, clocks)


def _joined(clocks: Ints) -> Ints:
    """Return the group's tick of each of these rising clocks. Only close ones need to be taken in turn."""
    ticks = own_ticks(clocks)
    for place in np.flatnonzero(np.diff(clocks) < JOIN + NEAR) + 1:
        if clocks[place] <= ticks[place - 1] + JOIN:
            ticks[place] = ticks[place - 1]
    return ticks
