"""What a hammer remembers: its last contact and pulse, how warm its coil is, how much on-time it has used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..calibration.values import WarmthTerms
from ..tables import Bools, Floats, Ints, Planned

_EVER = 1e300
"""s; stands for the time since a hammer was struck that never was: times a refill of 0 it is 0."""


@dataclass(frozen=True)
class CoilState:
    """One value for each hammer, all of shape (hammers,), as its last pulse left it."""

    contact: Floats  # planned contact of the last strike; -inf before the first
    start: Floats  # start of the last pulse; warmth and used are as of this moment, the pulse included
    end: Floats  # end of the last pulse
    warmth: Floats  # K above ambient
    used: Floats  # s of on-time taken from the token bucket

    @classmethod
    def fresh(cls, hammers: int) -> CoilState:
        """Return the state of an instrument that is cold and has never been played."""
        never = np.full(hammers, -np.inf)
        return cls(never, never, never, np.zeros(hammers), np.zeros(hammers))

    def taking(self, hammers: Bools, other: CoilState) -> CoilState:
        """Return this state with that of some hammers, of shape (hammers,), as in another."""
        mine, theirs = (
            (each.contact, each.start, each.end, each.warmth, each.used) for each in (self, other)
        )
        return CoilState(*(np.where(hammers, new, old) for old, new in zip(mine, theirs, strict=True)))

    def after(self, rows: Planned, warmth: WarmthTerms, refill: Floats) -> CoilState:
        """Return the state after these planned rows (dtype PLANNED), all of them sent."""
        if not len(rows):
            return self
        hammer = rows["hammer"].astype(np.intp)
        order, last, groups = by_hammer(hammer)
        start, width = rows["start"][order], rows["width"][order]
        warm = decayed(
            start, width * warmth.per_second, groups, warmth.time_constant, self.start, self.warmth
        )
        used = drained(start, width, groups, refill, self.start, self.used)
        contact = (rows["time"] + rows["moved"])[order]
        played = hammer[order][last]
        merged = [array.copy() for array in (self.contact, self.start, self.end, self.warmth, self.used)]
        news = (contact, start, start + width, warm + width * warmth.per_second, used)
        for array, new in zip(merged, news, strict=True):
            array[played] = new[last]
        return CoilState(*merged)


@dataclass(frozen=True)
class Groups:
    """Rows sorted by hammer: where each hammer's run begins and ends, and which hammer it is."""

    hammer: Ints  # (runs,)
    first: Ints  # (runs,) row at which the run begins
    end: Ints  # (runs,) row behind its last

    @property
    def longer(self) -> list[tuple[int, int, int]]:
        """Hammer, first row and end of every run of more than one row."""
        if len(self.first) == self.end[-1:].sum():
            return []  # all are of one row, as in a chord
        many = (self.end - self.first > 1).nonzero()[0]
        columns = (self.hammer[many].tolist(), self.first[many].tolist(), self.end[many].tolist())
        return list(zip(*columns, strict=True))


def by_hammer(hammer: Ints) -> tuple[Ints, Ints, Groups]:
    """Return the stable order that sorts rows by hammer, the last sorted row of each hammer, and the runs."""
    order = hammer.astype(np.uint8).argsort(kind="stable")
    owner = hammer[order]
    bounds = np.ones(len(owner) + 1, dtype=bool)
    bounds[1:-1] = owner[1:] != owner[:-1]
    edges = bounds.nonzero()[0] if len(owner) else np.zeros(1, np.intp)
    first, end = edges[:-1], edges[1:]
    return order, end - 1, Groups(owner[first], first, end)


def decayed(
    times: Floats, amounts: Floats, groups: Groups, time_constant: float, since: Floats, carried: Floats
) -> Floats:
    """Return, before each row's own amount, the sum of earlier amounts of its hammer, each decayed.

    T_i = sum over j < i of amount_j exp(-(t_i - t_j) / time_constant), plus what `carried` at `since`
    (both by hammer) has left. Rows are sorted by hammer, then time.
    """
    result = np.empty(len(times))
    age = times[groups.first] - since[groups.hammer]
    result[groups.first] = carried[groups.hammer] * np.exp(-age / time_constant)
    for owner, begin, end in groups.longer:
        level, when = float(carried[owner]), float(since[owner])
        while begin < end:  # blocks of 200 time constants keep exp() within range
            length = int(np.searchsorted(times[begin:end], times[begin] + 200 * time_constant))
            block = begin + max(1, length)
            grown = np.exp((times[begin:block] - times[begin]) / time_constant)
            before = level * np.exp(-(times[begin] - when) / time_constant)
            total = np.concatenate(([0.0], np.cumsum(amounts[begin:block] * grown)))
            result[begin:block] = (before + total[:-1]) / grown
            level = float(before + total[-1]) / float(grown[-1])
            when = float(times[block - 1])
            begin = block
    return result


def drained(
    times: Floats, widths: Floats, groups: Groups, refill: Floats, since: Floats, carried: Floats
) -> Floats:
    """Return the on-time used of each hammer's bucket just after each row's pulse.

    U_i = max(U_(i-1) - refill (t_i - t_(i-1)), 0) + width_i, Lindley's recursion, solved by a running
    minimum: U_i = S_i - min over j <= i of (S before j), S the widths' sum less what was refilled.
    """
    result = np.empty(len(times))
    first, owner = groups.first, groups.hammer
    passed = np.minimum(_EVER, times[first] - since[owner])
    left = np.maximum(0.0, carried[owner] - refill[owner] * passed)
    result[first] = left + widths[first]
    for (hammer, begin, end), before in zip(groups.longer, left[groups.end - first > 1], strict=True):
        t, w = times[begin:end], widths[begin:end]
        steps = np.zeros(len(t))
        steps[1:] = -refill[hammer] * (t[1:] - t[:-1]) + w[:-1]
        free = np.cumsum(steps) + before
        result[begin:end] = free - np.minimum(0.0, np.minimum.accumulate(free)) + w
    return result
