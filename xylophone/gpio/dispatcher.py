"""The dispatcher: from pulses to masks, each at its time. No clock, no wire: it is told the time, and writes.

Times are ns of the machine's monotonic clock. It trusts nobody: what would hurt a coil is refused here
again, and an off edge follows from the on edge that was really made, so no pulse is longer than asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import NamedTuple

from .coil_limits import EVER, Limits
from .log import Count, Log

MERGE = 5_000
"""ns; edges that are closer than this are one write."""

TOLERANCE = 6_000_000
"""ns; a coil that would go on later than this is not switched on: one tone displaced by more is heard."""


class Switching(NamedTuple):
    """Switch this channel on at `start` for `width`, ns."""

    start: int
    width: int
    channel: int


class _Coil:
    """What the dispatcher remembers of a coil."""

    __slots__ = ("capacity", "free", "heat_time", "longest", "refill", "rest", "stands", "took")

    def __init__(self, longest: int, rest: int, refill: float, capacity: int) -> None:
        self.longest, self.rest, self.refill, self.capacity = longest, rest, refill, capacity
        self.free = EVER  # from when it may be switched on again
        self.stands, self.heat_time = float(capacity), EVER  # ns of on-time that it stood at that time
        self.took = 0  # ns that the write took which switched it on

    def stands_now(self, moment: int) -> float:
        """Return the ns of on-time that it stands at a moment."""
        return min(self.capacity, self.stands + self.refill * (moment - self.heat_time))

    def warm(self, now: int, width: int) -> None:
        """Take a pulse's heat."""
        self.stands, self.heat_time = self.stands_now(now) - width, now


class Step(NamedTuple):
    """One write: the mask, and what it means."""

    mask: int
    ended: list[tuple[int, int]]  # (when due, channel) of coils that go off
    struck: list[Switching]
    refused: list[tuple[Count, int]]  # reason, and ns after its time


class Dispatcher:
    """Holds pulses that have not started and coils that are on; `turn` makes the edges that are due.

    `write` sets all outputs to a mask and returns the ns at which they were, None where that took no time;
    what it raises passes through, and the outputs are unknown then.
    """

    def __init__(self, limits: Limits, write: Callable[[int], int | None], log: Log) -> None:
        self.mask = 0
        self.log = log
        self._write = write
        self._coils = {channel: _Coil(*limit) for channel, limit in limits.channels.items()}
        self._most_coils = limits.most_coils
        self._queue: deque[Switching] = deque()
        self._offs: list[tuple[int, int]] = []  # heap of (when, channel)
        self._mark = EVER

    def take(self, pulses: Iterable[Switching]) -> None:
        """Take pulses in order of their start; what must not be is refused and counted."""
        for pulse in pulses:
            if (reason := self._unfit(pulse)) is not None:
                self.log.add(reason)
                continue
            self._mark = pulse.start
            self._queue.append(pulse)

    def due(self) -> int | None:
        """Return when the next edge is due; None while there is none."""
        if self._offs and (not self._queue or self._offs[0][0] <= self._queue[0].start):
            return self._offs[0][0]
        return self._queue[0].start if self._queue else None

    def plan(self, moment: int) -> Step | None:
        """Return what is to be written at a moment, with all that is due then; None if nothing is.

        Nothing changes by it, so it can be done ahead of the moment; `make` follows at the moment itself.
        """
        horizon = moment + MERGE
        ended = sorted(off for off in self._offs if off[0] <= horizon)
        mask = self.mask
        for _, channel in ended:
            mask &= ~(1 << channel)
        struck, refused = [], []
        for pulse in self._queue:
            if pulse.start > horizon:
                break
            reason = self._refusal(pulse, mask, moment)
            if reason is None:
                mask |= 1 << pulse.channel
                struck.append(pulse)
            else:
                refused.append((reason, moment - pulse.start))
        return Step(mask, ended, struck, refused) if ended or struck or refused else None

    def make(self, step: Step, now: int) -> None:
        """Write a step at `now`, and take note of it, also where the write failed: coils may be on then."""
        done = now
        try:
            if step.mask != self.mask:
                done = self._write(step.mask) or now
                self.log.wrote(done - now)
        finally:
            self._note(step, now, done)

    def turn(self, now: int) -> None:
        """Make the edges that are due now, all in one write."""
        step = self.plan(now)
        if step is not None:
            self.make(step, now)

    def cancel(self, after: int) -> int:
        """Take back all pulses that start at or after a time; return how many."""
        count = 0
        while self._queue and self._queue[-1].start >= after:
            self._queue.pop()
            count += 1
        self._mark = self._queue[-1].start if self._queue else EVER
        self.log.add(Count.CANCELLED, count)
        return count

    def silence(self, now: int) -> int:
        """Switch all outputs off and forget all pulses; return how many had not started."""
        forgotten = self.forget(now)
        self._write(0)
        return forgotten

    def forget(self, now: int) -> int:
        """Do as `silence`, where the outputs are off already or cannot be reached."""
        for _, channel in self._offs:
            self._coils[channel].free = now + self._coils[channel].rest
        self.log.add(Count.CUT, len(self._offs))
        self._offs.clear()
        self.mask = 0
        return self.cancel(EVER)

    def expire(self, now: int) -> None:
        """Count and forget pulses that cannot be played any more, while there are no outputs to write to."""
        while self._queue and now - self._queue[0].start > TOLERANCE:
            lateness = now - self._queue.popleft().start
            self.log.add(Count.LATE)
            self.log.most(Count.LATEST, lateness)

    def _unfit(self, pulse: Switching) -> Count | None:
        coil = self._coils.get(pulse.channel)
        if coil is None:
            return Count.CHANNEL
        if not 0 < pulse.width <= coil.longest:
            return Count.WIDTH
        return Count.ORDER if pulse.start < self._mark else None

    def _note(self, step: Step, now: int, done: int) -> None:
        """Take note of a write that began and was done at these times.

        A coil goes off so long after the beginning of the write that switched it on, as a write to switch it
        off will take as long; late is what was done late.
        """
        self.mask = step.mask
        for due, channel in step.ended:
            heappop(self._offs)
            self._coils[channel].free = done + self._coils[channel].rest
            self.log.ended(done - due - self._coils[channel].took)
        for _ in range(len(step.struck) + len(step.refused)):
            self._queue.popleft()
        for pulse in step.struck:
            self._coils[pulse.channel].warm(now, pulse.width)
            self._coils[pulse.channel].took = done - now
            heappush(self._offs, (now + pulse.width, pulse.channel))
            self.log.struck(done - pulse.start)
        for reason, lateness in step.refused:
            self.log.add(reason)
            if reason == Count.LATE:
                self.log.most(Count.LATEST, lateness)

    def _refusal(self, pulse: Switching, mask: int, moment: int) -> Count | None:
        """Return why a pulse that is due must not be played, None where it may."""
        coil = self._coils[pulse.channel]
        if moment - pulse.start > TOLERANCE:
            return Count.LATE
        if mask >> pulse.channel & 1 or moment + MERGE < coil.free or self._ends(pulse.channel, mask):
            return Count.REST
        if mask.bit_count() >= self._most_coils:
            return Count.OVERLOAD
        return None if coil.stands_now(moment) >= pulse.width else Count.HEAT

    def _ends(self, channel: int, mask: int) -> bool:
        """Tell whether a coil is only now switched off, and so not rested."""
        return bool((self.mask & ~mask) >> channel & 1)
