"""What every backend does: take pulses ahead of time, tell its time, go silent on any way out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Self

from ..clock import Clock
from ..errors import BackendError, SafetyError
from ..instrument import Instrument
from ..tables import Pulses, picked
from .contract import Coils, Fault, Report
from .faults import Faults
from .intake import Intake
from .pending import NOTHING, Pending


class Backend(ABC):
    """The contract, kept over a driver; one set of tests holds every backend to it.

    Times are seconds on the backend's own clock. Pulses are a table of dtype PULSE sorted by start.
    A backend is a context manager: leaving it, by whatever way, silences and closes it.

    A driver is a subclass: the methods that begin with `_`. It is handed pulses that are checked, in order
    and not late. Once it is closed it is asked for `_listen` and `_count` at most. It tells trouble to
    `self._faults`. Where it has threads of its own, `self._lock` is what they share with the callers; it is
    held but in `_confirm_off` and `_let_go`.

    >>> def play(backend: Backend) -> int:
    ...     fitted = arrange(load_song(find_song("ode_to_joy")), backend.instrument)
    ...     Player(backend).play(fitted).wait()
    ...     return backend.report().pulses
    >>> play(open_backend("sim:", build_instrument()))
    447
    """

    name: str
    lookahead: float

    def __init__(self, instrument: Instrument, clock: Clock) -> None:
        self.instrument = instrument
        self.clock = clock
        self._lock: AbstractContextManager[object] = nullcontext()
        self._faults = Faults()
        self._pending = Pending()
        self._intake = Intake(instrument)
        self._stopped = self._closed = False
        self._late, self._latest = 0, 0.0
        self._coils = Coils.UNCONFIRMED

    @abstractmethod
    def _write(self, pulses: Pulses) -> None:
        """Take pulses (dtype PULSE), which start now or later; none starts before one that was taken."""

    @abstractmethod
    def _cancel(self, after: float) -> int | None:
        """Take back what starts at or after `after` and has not started; return how many, if known."""

    @abstractmethod
    def _switch_off(self) -> None:
        """Switch all coils off now and forget the queue."""

    @abstractmethod
    def _confirm_off(self) -> Coils:
        """Return what is known of coils that were to be off, in bounded time: OFF only if it is proved."""

    @abstractmethod
    def _let_go(self) -> None:
        """Let go of the hardware, whose coils were switched off if they could be."""

    def _hold(self) -> None:
        """Switch all coils off in an emergency, and let none on until `_release`."""
        self._switch_off()

    def _release(self) -> None:  # noqa: B027  most hardware holds nothing
        """Let coils on again."""

    def _listen(self) -> None:  # noqa: B027  most hardware tells nothing by itself
        """Take what the hardware has told, before pulses are handed over and faults returned."""

    def _count(self, now: float) -> Report:
        """Return what the hardware has done and refused; by default, what should have happened by `now`."""
        book = self._pending
        return Report(book.played, cancelled=book.cancelled, notes={"cut": float(book.cut)})

    @property
    def coils(self) -> Coils:
        """What came of the last `silence`, `stop` or `close`; UNCONFIRMED when pulses were taken since."""
        return self._coils

    @property
    def stopped(self) -> bool:
        """Whether an emergency stop is on, by `stop` or by the hardware itself."""
        return self._stopped

    def now(self) -> float:
        """Return this backend's time."""
        return self.clock.now()

    def schedule(self, pulses: Pulses) -> None:
        """Take pulses; OrderError where one starts before one already scheduled, SafetyError when stopped.

        All or none are taken, see Intake.admit. One whose start is past is counted as late and not played.
        """
        with self._lock:
            self._require_ready()
            now = self._catch_up()
            self._intake.admit(pulses)
            late = pulses["start"] < now
            if late.any():
                count, by = int(late.sum()), now - float(pulses["start"].min())
                self._late, self._latest = self._late + count, max(self._latest, by)
                self._faults.add_late(now, count, by)
            self._coils = Coils.UNCONFIRMED
            taken = picked(pulses, ~late)
            self._pending.add(taken)
            self._write(taken)

    def cancel(self, after: float) -> int:
        """Take back every pulse that starts at or after `after` and has not started; return how many.

        The order mark goes back with them. A pulse that is running ends normally.
        """
        with self._lock:
            if self._closed:
                return 0
            told = self._cancel(after)
            self._catch_up()
            count = self._pending.take_back(after)
            self._intake.forget(self._pending.rows)
            return count if told is None else told

    def silence(self) -> None:
        """Switch all coils off now and forget the queue; idempotent, and usable afterwards.

        `coils` says whether they are.
        """
        self._go_off(self._switch_off)

    def stop(self) -> None:
        """Stop in an emergency: silence, and take nothing more until `clear`."""
        self._stopped = True
        self._go_off(self._hold)

    def clear(self) -> None:
        """Allow pulses again after `stop`."""
        with self._lock:
            self._stopped = False
            if not self._closed:
                self._release()

    def poll(self) -> tuple[Fault, ...]:
        """Return the faults met since the last call."""
        with self._lock:
            self._listen()
            return self._faults.take(self.now())

    def report(self) -> Report:
        """Return what happened so far."""
        with self._lock:
            told = self._count(self._catch_up())
            return replace(
                told,
                late=self._late + told.late,
                latest=max(self._latest, told.latest),
                refused=dict(self._intake.refused + Counter(told.refused)),
            )

    def close(self) -> None:
        """Silence, for good, and let go of the hardware; idempotent."""
        if self._closed:
            return
        try:
            self.silence()
        finally:
            self._closed = True
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _require_ready(self) -> None:
        if self._closed:
            raise BackendError("this backend is closed: open it again")
        self._listen()
        self._faults.require_more()
        if self._stopped:
            raise SafetyError("the emergency stop is on: call clear() before the next pulse")

    def _catch_up(self) -> float:
        """Let pulses start and end that are due; return the present."""
        now = self.now()
        self._pending.pass_to(now)
        return now

    def _go_off(self, switch_off: Callable[[], None]) -> None:
        if self._closed:
            return
        with self._lock:
            self._coils = Coils.UNCONFIRMED
            switch_off()
            self._catch_up()
            self._pending.silence()
            self._intake.forget(NOTHING)
        self._coils = self._confirm_off()
