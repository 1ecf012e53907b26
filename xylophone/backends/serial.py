"""The serial backend: pulses go to a board that keeps the time, over USB."""

from __future__ import annotations

import numpy as np

from ..clock import Clock, SystemClock
from ..errors import BackendError, BackendMissing, FileError, SafetyError
from ..instrument import Instrument
from ..link.messages import RAW_STOP, HelloReply
from ..link.news import BUSY, Late
from ..link.session import Session
from ..tables import PULSE, Pulses, as_pulses, picked
from .contract import Coils, Fault, Report
from .intake import Intake
from .ports import named_port, remember_port, url_of
from .serial_board import Board
from .serial_line import Connect, Plug
from .serial_port import SerialPort

LOOKAHEAD = 1.0
"""s; strikes are sent half a second before they start, and a player hands pulses over up to half its
lookahead after it could: so half a second is on the board even when the host stalls just then."""


class SerialBackend:
    """A backend whose hammers are a board's. It keeps the contract; use it from any thread.

    `connect` opens the board's port, and opens it again after it was pulled out. On a VirtualClock
    all happens as the clock is moved, else on a thread of its own.
    """

    name = "serial"
    lookahead = LOOKAHEAD

    def __init__(self, instrument: Instrument, connect: Connect, clock: Clock | None = None) -> None:
        """Open the board, have it configured and armed; BackendMissing or BackendError in one line."""
        self.clock: Clock = SystemClock() if clock is None else clock
        self.instrument = instrument
        self._intake = Intake(instrument)
        self._stopped = self._closed = False
        self._late, self._latest, self._cancelled = 0, 0.0, 0
        self.coils = Coils.UNCONFIRMED
        self.board = Board(instrument, connect, self.clock)

    def now(self) -> float:
        """Return the clock's time."""
        return self.clock.now()

    @property
    def identity(self) -> HelloReply:
        """Who the board says it is: firmware version, channels, limits; as it was last greeted."""
        board = self.board.session.talk.board
        assert board is not None  # it has answered, else there would be no backend
        return board

    def schedule(self, pulses: Pulses) -> None:
        """Take pulses, all or none; see the contract, and Intake.admit for what is refused."""
        self.board.tell(lambda session, now: self._schedule(session, now, pulses))

    def cancel(self, after: float) -> int:
        """Take back every pulse that starts at or after `after` and has not started; return how many.

        By the host's own book: what starts within the next few milliseconds may be played all the same.
        """
        return self.board.tell(lambda session, now: self._cancel(session, now, after))

    def silence(self) -> None:
        """Switch all coils off now and forget the queue; returns within a second, whatever happens."""
        if not self._closed:
            self._silence()

    def stop(self) -> None:
        """Silence past all frames under way, and refuse pulses until `clear`."""
        self._stopped = True
        if not self._closed:
            self.board.tell(lambda session, now: self._forget(session.stop(now)))
            self.coils = self.board.confirm_off()
            if self.coils is not Coils.OFF:
                self.board.add_fault(self.now(), str(self.coils))

    def clear(self) -> None:
        """Allow pulses again."""
        self._stopped = False
        if not self._closed:
            self.board.tell(lambda session, _: session.clear())

    def poll(self) -> tuple[Fault, ...]:
        """Return the faults met since the last call."""
        return self.board.take_faults()

    def report(self) -> Report:
        """Return what happened so far, as the board says it; a board out of reach tells it later."""
        return self.board.tell(lambda session, now: self._report(session, now))

    def close(self) -> None:
        """Silence, for good, and let go of the port; returns within a second."""
        if self._closed:
            return
        try:
            self._silence()
            self.board.count()
        finally:
            self._closed = True
            self.board.close()

    def __enter__(self) -> SerialBackend:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _schedule(self, session: Session, now: float, pulses: Pulses) -> None:
        if self._closed:
            raise BackendError("this backend is closed: open it again")
        self.board.require_more()
        if self._stopped or session.stopped:
            raise SafetyError("the emergency stop is on: call clear() before the next pulse")
        self._intake.admit(pulses)
        late = pulses["start"] < now
        if late.any():
            count, by = int(late.sum()), now - float(pulses["start"].min())
            self._late, self._latest = self._late + count, max(self._latest, by)
            self.board.add_late(now, Late(count, by, BUSY))
        self.coils = Coils.UNCONFIRMED
        session.play(picked(pulses, ~late))

    def _cancel(self, session: Session, now: float, after: float) -> int:
        count = session.cancel(max(after, float(np.nextafter(now, np.inf))))
        self._cancelled += count
        self._intake.forget(session.book.pulses)
        return count

    def _forget(self, cancelled: int) -> None:
        self._cancelled += cancelled
        self._intake.forget(as_pulses(np.empty(0, PULSE)))

    def _silence(self) -> None:
        self.board.tell(lambda session, now: self._forget(session.silence(now)))
        self.coils = self.board.confirm_off()

    def _report(self, session: Session, now: float) -> Report:
        counters = session.talk.counters
        refused = dict(self._intake.refused)
        for reason, count in counters.refused.items():
            refused[reason] = refused.get(reason, 0) + count
        return Report(
            pulses=session.book.ended(now, self.board.heard),
            late=self._late + session.late + session.lost(now) + counters.total("late"),
            latest=max(self._latest, session.latest, counters.worst_late),
            cancelled=self._cancelled,
            refused=refused,
            notes=session.notes(now) | {"reconnects": float(self.board.reconnects)},
        )


def stop_port(url: str) -> None:
    """Send the emergency stop below all frames to the port of a `serial:` URL, whoever has it open.

    Nothing is waited for, and the board stays stopped until it is greeted again. Raises BackendAbsent where
    the port is not there, BackendMissing or BackendError where nothing can be sent to it.
    """
    port = named_port(url.removeprefix("serial:"))
    try:
        transport = SerialPort(port.device, alone=False)
        try:
            transport.write(RAW_STOP)
        finally:
            transport.close()
    except BackendMissing as error:
        raise type(error)(f"{url}: {error}") from error
    except OSError as error:
        raise BackendError(f"{url}: {error}: check the USB cable") from error


def open_serial(rest: str, instrument: Instrument, clock: Clock | None = None) -> SerialBackend:
    """Return the backend that the rest of a `serial:` URL names: 'auto', '///dev/ttyACM0', 'COM3'.

    A board behind a network is one too ('socket://host:7000'). Raises BackendAbsent where no board is plugged
    in, BackendMissing where it does not open or answer, BackendError where it does not fit, OptionError for a
    name or option that cannot be.
    """
    port = named_port(rest)
    plug = Plug(port)
    try:
        backend = SerialBackend(instrument, plug, clock)
    except BackendError as error:
        raise type(error)(f"{url_of(port.device)}: {error}") from error
    try:
        remember_port(plug.port)
    except FileError as error:
        backend.board.add_fault(backend.now(), f"serial:auto will not know this board: {error}")
    return backend
