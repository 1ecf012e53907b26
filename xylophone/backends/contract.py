"""What every backend does: take pulses ahead of time, tell its time, go silent on any way out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from ..clock import Clock
from ..errors import BackendError
from ..instrument import Instrument
from ..tables import Pulses


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


class Backend(Protocol):
    """The contract; one set of tests holds every backend to it.

    Times are seconds on the backend's own clock. Pulses are a table of dtype PULSE sorted by start.
    A backend is a context manager: leaving it, by whatever way, silences and closes it.

    >>> def play(backend: Backend) -> int:
    ...     fitted = arrange(load_song(find_song("ode_to_joy")), backend.instrument)
    ...     Player(backend).play(fitted).wait()
    ...     return backend.report().pulses
    >>> play(open_backend("sim:", build_instrument()))
    447
    """

    name: str
    lookahead: float
    clock: Clock
    instrument: Instrument

    @property
    def coils(self) -> Coils:
        """What came of the last `silence`, `stop` or `close`; UNCONFIRMED when pulses were taken since."""

    def now(self) -> float:
        """Return this backend's time."""

    def schedule(self, pulses: Pulses) -> None:
        """Take pulses; OrderError where one starts before one already scheduled, SafetyError when stopped.

        All or none are taken. One whose start is past is counted as late and not played.
        """

    def cancel(self, after: float) -> int:
        """Take back every pulse that starts at or after `after` and has not started; return how many.

        The order mark goes back with them. A pulse that is running ends normally.
        """

    def silence(self) -> None:
        """Switch all coils off now and forget the queue; idempotent, and usable afterwards.

        `coils` says whether they are.
        """

    def stop(self) -> None:
        """Stop in an emergency: silence, and take nothing more until `clear`."""

    def clear(self) -> None:
        """Allow pulses again after `stop`."""

    def poll(self) -> tuple[Fault, ...]:
        """Return the faults met since the last call."""

    def report(self) -> Report:
        """Return what happened so far."""

    def close(self) -> None:
        """Silence and let go of the hardware; idempotent."""

    def __enter__(self) -> Backend:
        """Return the backend itself."""

    def __exit__(self, *exception: object) -> None:
        """Close it."""
