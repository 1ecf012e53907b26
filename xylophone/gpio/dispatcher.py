"""The dispatcher: from pulses to masks, each at its time. No clock, no wire: it is told the time, and writes.

Times are ns of the machine's monotonic clock. It trusts nobody: what would hurt a coil is refused here
again, and an off edge follows from the on edge that was really made, so no pulse is longer than asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import NamedTuple

from .limits import SECOND, Limits
from .log import Count, Log

MERGE = 5_000
"""ns; edges that are closer than this are one write."""

TOLERANCE = 6_000_000
"""ns; a coil that would go on later than this is not switched on: one tone displaced by more is heard."""


class Pulse(NamedTuple):
    """Switch this channel on at `start` for `width`, ns."""

    start: int
    width: int
    channel: int


class _Coil:
    """What the dispatcher remembers of a coil."""

    __slots__ = ("capacity", "free", "heat_time", "longest", "refill", "rest", "stands")

    def __init__(self, longest: int, rest: int, refill: float, capacity: int) -> None:
        self.longest, self.rest, self.refill, self.capacity = longest, rest, refill, capacity
        self.free = -SECOND  # from when it may be switched on again
        self.stands, self.heat_time = float(capacity), 0  # ns of on-time that it stood at that time

    def heat(self, now: int, width: int) -> bool:
        """Take a pulse's heat; return False, and take none, where the coil does not stand it."""
        stands = min(self.capacity, self.stands + self.refill * (now - self.heat_time))
        if stands < width:
            return False
        self.stands, self.heat_time = stands - width, now
        return True


class Dispatcher:
    """Holds pulses that have not started and coils that are on; `turn` makes the edges that are due.

    `write` sets all outputs to a mask; what it raises passes through, and the outputs are unknown then.
    """

    def __init__(self, limits: Limits, write: Callable[[int], object], log: Log) -> None:
        self.mask = 0
        self.log = log
        self._write = write
        self._coils = {channel: _Coil(*limit) for channel, limit in limits.channels.items()}
        self._most_coils = limits.most_coils
        self._queue: deque[Pulse] = deque()
        self._offs: list[tuple[int, int]] = []  # heap of (when, channel)
        self._mark = -SECOND

    def take(self, pulses: Iterable[Pulse]) -> None:
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

    def turn(self, now: int) -> None:
        """Make the edges that are due at `now` in one write, the offs counted before the ons."""
        horizon = now + MERGE
        mask, ended, struck = self.mask, 0, 0
        while self._offs and self._offs[0][0] <= horizon:
            due, channel = heappop(self._offs)
            mask &= ~(1 << channel)
            self._coils[channel].free = now + self._coils[channel].rest
            self.log.ended(now - due)
            ended += 1
        while self._queue and self._queue[0].start <= horizon:
            pulse = self._queue.popleft()
            if self._may_start(pulse, mask, now):
                mask |= 1 << pulse.channel
                heappush(self._offs, (now + pulse.width, pulse.channel))
                self.log.struck(now - pulse.start)
                struck += 1
        if ended or struck:
            self.mask = mask
            self._write(mask)
            self.log.add(Count.WRITES)

    def cancel(self, after: int) -> int:
        """Take back all pulses that start at or after a time; return how many."""
        count = 0
        while self._queue and self._queue[-1].start >= after:
            self._queue.pop()
            count += 1
        self._mark = self._queue[-1].start if self._queue else -SECOND
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
        return self.cancel(-SECOND)

    def expire(self, now: int) -> None:
        """Count and forget pulses that cannot be played any more, while there are no outputs to write to."""
        while self._queue and now - self._queue[0].start > TOLERANCE:
            self._refuse_late(now - self._queue.popleft().start)

    def _unfit(self, pulse: Pulse) -> Count | None:
        coil = self._coils.get(pulse.channel)
        if coil is None:
            return Count.CHANNEL
        if not 0 < pulse.width <= coil.longest:
            return Count.WIDTH
        return Count.ORDER if pulse.start < self._mark else None

    def _may_start(self, pulse: Pulse, mask: int, now: int) -> bool:
        """Tell whether a pulse that is due may be played; count why not."""
        coil, lateness = self._coils[pulse.channel], now - pulse.start
        if lateness > TOLERANCE:
            self._refuse_late(lateness)
            return False
        reason = None
        if mask >> pulse.channel & 1 or now + MERGE < coil.free:
            reason = Count.REST
        elif mask.bit_count() >= self._most_coils:
            reason = Count.OVERLOAD
        elif not coil.heat(now, pulse.width):
            reason = Count.HEAT
        if reason is not None:
            self.log.add(reason)
        return reason is None

    def _refuse_late(self, lateness: int) -> None:
        self.log.add(Count.LATE)
        self.log.most(Count.LATEST, lateness)
