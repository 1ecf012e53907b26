"""What a backend tells: what is known of its coils, the faults that it met, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ..errors import BackendError


class Coils(Enum):
    """What is known of a backend's coils since they were last to be off; the value says it in words.

    Nothing else says that coils are off: a word on the screen is a claim.
    """

    OFF = "all coils are off"
    OFF_BY_LIMIT = "the board is out of reach, and switches all coils off by its own limit within 1 s"
    UNCONFIRMED = "nothing has confirmed that the coils are off: SWITCH THEIR SUPPLY OFF"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Fault:
    """Trouble that a backend met: when, on its own clock, and one line of what and what to do.

    `fatal` faults end the playing, by an `error` of this kind: nothing more can be struck until the backend
    is opened again.
    """

    time: float
    message: str
    fatal: bool = False
    error: type[BackendError] = BackendError

    def require_more(self) -> None:
        """Raise the error by which this fault ends the playing, if it does."""
        if self.fatal:
            raise self.error(self.message)


@dataclass(frozen=True)
class Report:
    """What a backend did since it was opened."""

    pulses: int = 0  # played to the end
    late: int = 0  # came too late to start in time; not played
    latest: float = 0.0  # s, by how much at most
    cancelled: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # reason: count
    notes: dict[str, float] = field(default_factory=dict)  # what else a backend counts
