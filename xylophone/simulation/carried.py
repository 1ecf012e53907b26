"""What remains of pulses that are over: state of the hammers, and current that others still met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables import Bools, Floats, Ints, Pulses
from .integrate import Motion


@dataclass
class Carried:
    """State of n hammers between two batches of pulses; every array has the shape (n,)."""

    end: Floats  # s, end of the last pulse; -inf before the first
    since: Floats  # s, start of the last pulse, at which `warmth` holds
    warmth: Floats  # K above ambient, heat of the last pulse included
    current: Floats  # A at the next pulse's start, where that cuts in
    travel: Floats  # m
    speed: Floats  # m/s
    count: Ints  # pulses so far
    on_time: Floats  # s, of all pulses

    @classmethod
    def fresh(cls, n: int) -> Carried:
        """Return the state of hammers that are cold, at home and have never been used."""
        (end, since), (current, travel, speed) = np.full((2, n), -np.inf), np.zeros((3, n))
        return cls(end, since, np.zeros(n), current, travel, speed, np.zeros(n, np.int64), np.zeros(n))

    def copy(self) -> Carried:
        """Return a copy that shares nothing."""
        return Carried(**{key: value.copy() for key, value in vars(self).items()})


@dataclass
class Ghosts:
    """Pulses that are settled for good but drew current while others, not yet settled, were on."""

    first: Ints
    steps: Ints
    drawn: Floats  # (steps, n) A

    @classmethod
    def none(cls) -> Ghosts:
        """Return no ghosts."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0)))


@dataclass
class Settled:
    """Pulses (dtype PULSE, by start) and all that came of them; per-pulse arrays have the shape (n,)."""

    pulses: Pulses
    hammer: Ints  # place of each pulse's hammer
    before: Ints  # the hammer's pulse before, -1 where there is none here
    after: Ints  # the hammer's next pulse, -1 where there is none here
    first: Ints  # first step
    steps: Ints  # in which it may draw current
    rank: Ints  # how many pulses here the hammer has had before
    cut_short: Bools  # the next pulse begins before the plunger is home
    motion: Motion
    warmth: Floats  # K above ambient at the start
    heating: Floats  # K by which the pulse itself warms its coil


def carry(carried: Carried, settled: Settled, count: int, begun: int) -> Carried:
    """Return the state of the hammers after the first `count` settled pulses, of `begun` that have started.

    A plunger is at home, unless a pulse that has started cuts in on its way there.
    """
    result = carried.copy()
    hammer = settled.hammer[:count]
    start, width = settled.pulses["start"][:count], settled.pulses["width"][:count]
    last = np.full(len(carried.end), -1)
    last[hammer] = np.arange(count)  # the last assignment to a place stands
    played = np.flatnonzero(last >= 0)
    row = last[played]
    result.end[played] = (start + width)[row]
    result.since[played] = start[row]
    result.warmth[played] = settled.warmth[row] + settled.heating[row]
    followed = settled.cut_short[row] & (settled.after[row] < begun)
    for key in ("current", "travel", "speed"):
        getattr(result, key)[played] = np.where(followed, getattr(settled.motion, key)[row], 0.0)
    np.add.at(result.count, hammer, 1)
    np.add.at(result.on_time, hammer, width)
    return result


def haunt(ghosts: Ghosts, settled: Settled, count: int, begun: int) -> Ghosts:
    """Return those of old ghosts and the first `count` settled pulses that drew current beside later ones."""
    if begun <= count:
        return Ghosts.none()
    first = np.concatenate((ghosts.first, settled.first[:count]))
    steps = np.concatenate((ghosts.steps, settled.steps[:count]))
    kept = np.flatnonzero(first + steps > settled.first[count])
    drawn = np.zeros((int(steps[kept].max(initial=0)), len(first)))
    for block, begin in ((ghosts.drawn, 0), (settled.motion.drawn[:, :count], len(ghosts.first))):
        rows = min(len(block), len(drawn))
        drawn[:rows, begin : begin + block.shape[1]] = block[:rows]
    return Ghosts(first[kept], steps[kept], drawn[:, kept])
