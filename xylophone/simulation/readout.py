"""What settled pulses came to, read off piece by piece as time goes on, each thing once, with its scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..tables import HIT, Bools, Floats, Hits, Ints, as_hits, joined, ordered
from .carried import Settled
from .integrate import LONGEST_FLIGHT
from .settle import Supply


def scatter(seed: int, channels: Ints, numbers: Ints) -> tuple[Floats, Floats]:
    """Return two standard normal deviates for the n-th pulse of each channel.

    They depend on seed, channel and number alone (a counter-based generator, Philox; Salmon et al.
    2011), turned to normal by Box and Muller's formula. `numbers` are consecutive on each channel.
    """
    first, second = np.empty(len(channels)), np.empty(len(channels))
    for channel in set(channels.tolist()):  # np.unique would load numpy.ma at each start
        rows = np.flatnonzero(channels == channel)
        begin, end = int(numbers[rows].min()), int(numbers[rows].max()) + 1
        stream = np.random.Philox(key=[seed, channel], counter=begin)
        words = stream.random_raw(4 * (end - begin)).reshape(-1, 4)[numbers[rows] - begin, :2]
        uniform = ((words >> np.uint64(11)) + 0.5) * 2.0**-53
        radius = np.sqrt(-2.0 * np.log(uniform[:, 0]))
        angle = 2.0 * np.pi * uniform[:, 1]
        first[rows], second[rows] = radius * np.cos(angle), radius * np.sin(angle)
    return first, second


@dataclass(frozen=True)
class Outcome:
    """What was heard and felt of some pulses.

    `hits` (dtype HIT) are sorted by time. `missed` and `damped` list the strikes (`strike` of their
    pulses) whose hammer never came, and whose hammer was pressed on its bar. `temperatures` are the
    hottest of each hammer's coil, in degrees Celsius, `on_time` the seconds it was on, both since the
    twin was made or reset, in the order of the instrument's hammers.
    """

    hits: Hits
    missed: Ints
    damped: Ints
    peak_current: float  # A, over all coils
    temperatures: Floats
    on_time: Floats


def join(outcomes: Sequence[Outcome]) -> Outcome:
    """Return consecutive outcomes, one at least, as one."""
    missed, damped = (
        np.concatenate([getattr(part, key) for part in outcomes]) for key in ("missed", "damped")
    )
    hottest = np.max([part.temperatures for part in outcomes], axis=0)
    peak, hits = max(part.peak_current for part in outcomes), joined(part.hits for part in outcomes)
    return Outcome(ordered(hits, "time"), missed, damped, peak, hottest, outcomes[-1].on_time)


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
