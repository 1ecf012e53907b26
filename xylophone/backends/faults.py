"""The faults that a backend has met: gathered here until somebody asks, and the one that ends the playing."""

from __future__ import annotations

from ..errors import BackendError
from .contract import Fault
from .lateness import BUSY, Lateness


class Faults:
    """Faults in the order in which they were met; many late pulses are one of them."""

    def __init__(self) -> None:
        self.over: Fault | None = None  # why nothing more can be played
        self._untold: list[Fault] = []
        self._lateness = Lateness()

    def add(self, time: float, message: str, fatal: type[BackendError] | None = None) -> None:
        """Note trouble; `fatal` is the error by which it ends the playing, if it does."""
        fault = Fault(time, message, fatal is not None, fatal or BackendError)
        self._untold.append(fault)
        if fault.fatal:
            self.over = self.over or fault

    def add_late(self, now: float, count: int, by: float, cause: str = BUSY) -> None:
        """Note pulses that came too late, by so many s at most, and were not played."""
        self._lateness.add(now, count, by, cause)
        self._untold += self._lateness.tell(now)

    def take(self, now: float) -> tuple[Fault, ...]:
        """Return what has not been told by now."""
        faults, self._untold = (*self._untold, *self._lateness.tell(now)), []
        return faults

    def require_more(self) -> None:
        """Raise the error that has ended the playing, if one has."""
        if self.over is not None:
            self.over.require_more()
