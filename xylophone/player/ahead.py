"""What is on its way to the hammers: what was handed over, and what was taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..backends.backend import Backend
from ..sequencer import Plan
from ..tables import Planned, Refusal, picked
from .record import Record

REACTION = 0.01
"""s from a command to the first pulse that is taken back: none is taken back while it starts."""


@dataclass(frozen=True, eq=False, slots=True)
class Ahead:
    """Strikes that were handed over: rows of dtype PLANNED; each sounds at `time + moved`."""

    rows: Planned


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was handed over and starts at `after` or later will not be heard."""

    after: float


@dataclass(frozen=True)
class Outlet:
    """Where plans go: to the backend, into the record, and to those who are told."""

    backend: Backend
    record: Record
    tell: Callable[[Ahead | TakenBack], object]

    def pass_on(self, plan: Plan) -> None:
        """Hand a plan over, and tell what of it is struck."""
        self.record.add(plan)
        if len(plan.pulses):
            self.backend.schedule(plan.pulses)
            self.tell(Ahead(picked(plan.rows, plan.rows["refused"] == Refusal.NONE)))

    def take_back(self, after: float, again: float) -> None:
        """Take back what starts at `after` or later, and refusals of what was to sound from `again` on."""
        self.backend.cancel(after)
        self.void(after, again)

    def void(self, after: float, again: float) -> None:
        """Note and tell that what starts at `after` or later is not struck."""
        self.record.take_back(after, again)
        self.tell(TakenBack(after))
