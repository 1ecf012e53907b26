"""How long to wait for an acknowledgement: round trip and variation, after Jacobson (1988) and RFC 6298."""

from __future__ import annotations

import math

SHORTEST, LONGEST = 0.025, 0.2
FIRST_ROUND_TRIP = 0.02
"""s; taken for granted until there is a measured one."""


class Timeout:
    """When a frame counts as lost: smoothed round trip + 4 x variation, 25..200 ms, doubled each time."""

    def __init__(self) -> None:
        self.smooth = FIRST_ROUND_TRIP
        self._variation = FIRST_ROUND_TRIP / 2
        self._patience = 1.0
        self._measured = False
        self._started = -math.inf

    @property
    def deadline(self) -> float:
        """When what is under way counts as lost, unless the timeout is started again."""
        wait = self._patience * max(SHORTEST, self.smooth + 4 * self._variation)
        return self._started + min(wait, LONGEST)

    def start(self, now: float) -> None:
        """Count from now."""
        self._started = now

    def learn(self, round_trip: float) -> None:
        """Take in a measured round trip."""
        if not self._measured:
            self.smooth, self._variation, self._measured = round_trip, round_trip / 2, True
            return
        self._variation += (abs(round_trip - self.smooth) - self._variation) / 4
        self.smooth += (round_trip - self.smooth) / 8

    def back_off(self) -> None:
        """Wait twice as long from now on, since what was repeated may be lost too."""
        self._patience *= 2

    def relax(self) -> None:
        """There is progress: wait no longer than is usual."""
        self._patience = 1.0
