"""The host's own book of pulses: what waits, what the board has, and what it says it has played."""

from __future__ import annotations

import numpy as np

from ..tables import PULSE, Bools, Ints, Pulses, as_pulses, joined, picked

MARGIN = 4000
"""Ticks (2 ms) around the present within which the board may have counted a strike or not."""


class Book:
    """Pulses in order of start that have not both ended and been confirmed; the first ones are sent.

    `clocks` are the ticks at which the sent ones start, on the board's clock without wraps.
    """

    def __init__(self) -> None:
        self.pulses = as_pulses(np.empty(0, PULSE))
        self.clocks: Ints = np.empty(0, np.int64)
        self.played = 0  # confirmed by the board, and ended
        self.missed = 0  # due, and not started by the board
        self.cut = 0  # ended by silence
        self.regained = 0  # given up as lost, and played all the same
        self.overtaken = 0  # taken back, and started all the same: the board had begun when it heard of it
        self._silenced = False  # what was taken back last was so by silence, which cuts what has started
        self._unsure = 0  # lost, as far as is known
        self._epoch = 0  # of `played` and `cut`, what the board's present count does not hold
        self._missed_before = 0
        self._confirmed = np.iinfo(np.int64).min  # clock up to which the board has told its count

    def add(self, pulses: Pulses) -> None:
        """Append pulses, none before one that is there."""
        self.pulses = joined((self.pulses, pulses))

    @property
    def unsent(self) -> Pulses:
        """The pulses that the board does not have."""
        return picked(self.pulses, slice(len(self.clocks), None))

    def sent(self, clocks: Ints) -> None:
        """Note that the next pulses were sent, to start at these clocks."""
        self.clocks = np.concatenate((self.clocks, clocks))

    def unsend(self, count: int) -> None:
        """Note that the last pulses noted as sent have not left."""
        self.clocks = self.clocks[: len(self.clocks) - count]

    def drop_before(self, moment: float) -> Pulses:
        """Take out the unsent pulses that start before `moment`, and return them."""
        waiting = self.unsent
        late = int(np.searchsorted(waiting["start"], moment))
        dropped = picked(waiting, slice(late))
        first = len(self.clocks)
        self._keep(np.delete(np.arange(len(self.pulses)), slice(first, first + late)))
        return dropped

    def take_back(self, after: float) -> tuple[int, int | None]:
        """Take out what starts at or after `after`; return how many, and the clock of the first sent one.

        Those that the board starts before it hears of it are `overtaken`, once it has told of them.
        """
        self._silenced = False
        place = int(np.searchsorted(self.pulses["start"], after))
        count = len(self.pulses) - place
        clock = int(self.clocks[place]) if place < len(self.clocks) else None
        self._keep(np.arange(place))
        return count, clock

    def silence(self, now: float) -> int:
        """Take out what runs and what has not started; return how many the latter are."""
        count, _ = self.take_back(np.nextafter(now, np.inf))
        runs = ~self._ended(now)
        self.cut += int(np.count_nonzero(runs))
        self._keep(np.flatnonzero(~np.pad(runs, (0, len(self.pulses) - len(runs)))))
        self._silenced = True
        return count

    def confirm(self, clock: int, fired: int, now: float) -> None:
        """Compare with the board: up to `clock` it has started `fired` strikes since HELLO."""
        self._confirmed = clock - MARGIN
        told = self.played + self.cut - self._epoch
        least = told + int(np.searchsorted(self.clocks, clock - MARGIN, "right"))
        most = told + int(np.searchsorted(self.clocks, clock + MARGIN, "right"))
        surplus = max(0, fired - most)  # taken back too late to stop them, or not lost after all
        regained = min(surplus, self._unsure)
        overtaken = surplus - regained
        cut = overtaken if self._silenced else 0
        self.played, self.cut = self.played + surplus - cut, self.cut + cut
        self.regained, self.overtaken = self.regained + regained, self.overtaken + overtaken
        self._unsure -= regained
        self.missed = self._missed_before + max(0, least - fired)
        done = self._ended(now) & (self.clocks <= self._confirmed)
        self.played += int(np.count_nonzero(done))
        if done.any():
            self._keep(np.flatnonzero(~np.pad(done, (0, len(self.pulses) - len(done)))))

    def restart(self, now: float, counts_on: bool) -> int:
        """The board has lost its queue: what has not started is unsent; return how many are lost.

        Either it `counts_on`, and so tells later how many of them it had started, or from 0.
        """
        over = self.pulses["start"][: len(self.clocks)] < now
        told = self._ended(now) & (self.clocks <= self._confirmed)
        self.played += int(np.count_nonzero(told))
        lost = int(np.count_nonzero(over & ~told))
        gone = np.pad(over, (0, len(self.pulses) - len(over)))
        self.clocks = self.clocks[:0]
        self.pulses = picked(self.pulses, ~gone)
        self._unsure = self._unsure + lost if counts_on else 0
        if not counts_on:
            self._epoch, self._missed_before = self.played + self.cut, self.missed
            self._confirmed = np.iinfo(np.int64).min
        return lost

    def ended(self, now: float, heard: bool) -> int:
        """Return how many pulses were played to the end.

        Those that the board has not told of yet count while it is `heard`.
        """
        ended = self._ended(now)
        if not heard:
            ended &= self.clocks <= self._confirmed
        return max(0, self.played + int(np.count_nonzero(ended)) - self.missed)

    def _ended(self, now: float) -> Bools:
        sent = self.pulses[: len(self.clocks)]
        ended: Bools = sent["start"] + sent["width"] <= now
        return ended

    def _keep(self, places: Ints) -> None:
        """Keep the pulses at these places, in order."""
        sent = places[places < len(self.clocks)]
        self.pulses, self.clocks = picked(self.pulses, places), self.clocks[sent]
