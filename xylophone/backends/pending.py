"""The host's book of pulses: what was handed over and has not ended, and what became of the rest."""

from __future__ import annotations

import numpy as np

from ..tables import PULSE, Pulses, as_pulses, joined, picked

NOTHING = as_pulses(np.empty(0, PULSE))


class Pending:
    """Pulses by a clock: `waiting` for their start, in its order, and `running`; the rest is counted.

    It knows what should have happened. Hardware that counts by itself knows better.
    """

    def __init__(self) -> None:
        self.waiting = self.running = NOTHING
        self.played = self.cancelled = self.cut = 0

    @property
    def rows(self) -> Pulses:
        """All that have not ended."""
        return joined((self.running, self.waiting))

    def add(self, pulses: Pulses) -> None:
        """Append pulses, none before one that waits."""
        self.waiting = joined((self.waiting, pulses))

    def pass_to(self, now: float) -> Pulses:
        """Let the time pass to `now`; return the pulses that have started since the last call."""
        due = int(np.searchsorted(self.waiting["start"], now, "right"))
        started, self.waiting = picked(self.waiting, slice(due)), picked(self.waiting, slice(due, None))
        if due or len(self.running):
            begun = joined((self.running, started)) if due else self.running
            ended = begun["start"] + begun["width"] <= now
            self.running = picked(begun, ~ended)
            self.played += int(ended.sum())
        return started

    def take_back(self, after: float) -> int:
        """Take out what waits and starts at or after `after`; return how many."""
        kept = int(np.searchsorted(self.waiting["start"], after, "left"))
        count = len(self.waiting) - kept
        self.waiting = picked(self.waiting, slice(kept))
        self.cancelled += count
        return count

    def silence(self) -> None:
        """Take all out: what waits is cancelled, what runs is cut."""
        self.take_back(-np.inf)
        self.cut += len(self.running)
        self.running = NOTHING
