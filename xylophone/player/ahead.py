"""What is on its way to the hammers: what was handed over, and what was taken back."""

from __future__ import annotations

from dataclasses import dataclass

from ..tables import Planned


@dataclass(frozen=True, eq=False, slots=True)
class Ahead:
    """Strikes that were handed over: rows of dtype PLANNED; each sounds at `time + moved`."""

    rows: Planned


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was handed over and starts at `after` or later will not be heard."""

    after: float
