"""Reads off what settled pulses came to, piece by piece as time goes on, each thing once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables import HIT, Bools, Floats, Hits, Ints, as_hits
from .carried import Settled
from .integrate import LONGEST_FLIGHT
from .scatter import scatter
from .supply import Supply

FAINTEST = 0.03
"""m/s; a slower touch makes no sound."""

DAMPED = 0.003
"""s on the bar for each blow; a free blow takes 1.3 to 2.2 ms, a pressed one as long as its coil is on."""


@dataclass(frozen=True)
class Chance:
    """Scatter from strike to strike: seed, and standard deviations in seconds and dB."""

    seed: int
    time: float
    level_db: float


@dataclass
class Told:
    """What was told already of each of n pulses: so many blows; that it is over."""

    blows: Ints
    over: Bools

    @classmethod
    def nothing(cls, count: int) -> Told:
        """Return that nothing was told of `count` pulses."""
        return cls(np.zeros(count, np.int64), np.zeros(count, dtype=bool))

    def fitted(self, dropped: int, count: int) -> Told:
        """Return the same without the first `dropped`, cut or filled up to `count`."""
        fresh = Told.nothing(count)
        kept = min(count, len(self.over) - dropped)
        fresh.blows[:kept] = self.blows[dropped : dropped + kept]
        fresh.over[:kept] = self.over[dropped : dropped + kept]
        return fresh


class Reading:
    """The blows of settled pulses in order of time, with their scatter."""

    def __init__(self, settled: Settled, numbers: Ints, chance: Chance, step: float, told: Told) -> None:
        self.settled, self.step, self.told = settled, step, told
        motion = settled.motion
        loud = np.flatnonzero(motion.contact_speed >= FAINTEST)
        row, steps = motion.contact_row[loud], motion.contact_time[loud]
        order = np.lexsort((steps, row))
        self.row = row[order]
        late, louder = self._scattered(numbers, chance)
        self.time = (settled.first[self.row] + steps[order]) * step + late[self.row]
        self.level = 20.0 * np.log10(motion.contact_speed[loud][order]) + louder[self.row]
        opening = np.searchsorted(self.row, np.arange(len(settled.hammer)))
        self.blow = np.arange(len(self.row)) - opening[self.row]
        self.blows = np.bincount(self.row, minlength=len(settled.hammer))
        self.ends = self._ends()

    def _scattered(self, numbers: Ints, chance: Chance) -> tuple[Floats, Floats]:
        settled = self.settled
        if not (chance.time or chance.level_db):
            return np.zeros(len(settled.hammer)), np.zeros(len(settled.hammer))
        channels = settled.pulses["channel"].astype(np.int64)
        late, louder = scatter(chance.seed, channels, numbers[settled.hammer] + settled.rank)
        return chance.time * late, chance.level_db * louder

    def _ends(self) -> Floats:
        """Return when each pulse can make no more sound: its hammer is home, or the next pulse begins."""
        pulses, settled = self.settled.pulses, self.settled
        ends = pulses["start"] + pulses["width"] + LONGEST_FLIGHT
        cut = np.flatnonzero(settled.cut_short)
        ends[cut] = pulses["start"][settled.after[cut]]
        return np.asarray(ends)

    def hits(self, begun: int, until: float) -> Hits:
        """Return the hits of the first `begun` pulses that sound up to `until` and were not told before."""
        fresh = (self.row < begun) & (self.time <= until) & (self.blow >= self.told.blows[self.row])
        chosen = np.flatnonzero(fresh)
        chosen = chosen[np.argsort(self.time[chosen], kind="stable")]
        row = self.row[chosen]
        np.maximum.at(self.told.blows, row, self.blow[chosen] + 1)
        hits = as_hits(np.empty(len(chosen), HIT))
        hits["time"], hits["level"] = self.time[chosen], self.level[chosen]
        hits["double"] = self.blow[chosen] > 0
        hits["strike"], hits["channel"] = (self.settled.pulses[key][row] for key in ("strike", "channel"))
        return hits

    def over(self, begun: int, until: float) -> Ints:
        """Return which of the first `begun` pulses are over at `until` and were not told to be."""
        rows = np.flatnonzero((self.ends[:begun] <= until) & ~self.told.over[:begun])
        self.told.over[rows] = True
        return rows

    def missed(self, rows: Ints) -> Ints:
        """Return those of these pulses that made no sound."""
        return rows[np.flatnonzero(self.blows[rows] == 0)]

    def damped(self, rows: Ints) -> Ints:
        """Return those of these pulses that pressed their hammer on the bar."""
        pressed = self.settled.motion.touch[rows] > DAMPED * np.maximum(self.blows[rows], 1)
        return rows[np.flatnonzero(pressed)]

    def peak(self, begun: int, since: float, until: float, resistance: float) -> float:
        """Return the greatest current in A that the first `begun` pulses drew in since..until."""
        settled = self.settled
        steps = settled.steps[:begun]
        drawn = settled.motion.drawn[: steps.max(initial=0), :begun]
        time = (settled.first[:begun] + np.arange(len(drawn))[:, None]) * self.step
        drawn = np.where((time >= since) & (time < until), drawn, 0.0)
        return float(Supply(settled.first[:begun], steps, resistance).total(drawn).max(initial=0.0))
