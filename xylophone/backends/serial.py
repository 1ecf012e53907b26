"""The serial backend: pulses go to a board that keeps the time, over USB."""

from __future__ import annotations

import numpy as np

from ..clock import Clock, SystemClock
from ..errors import BackendError, BackendMissing, FileError
from ..instrument import Instrument
from ..link.messages import RAW_STOP, HelloReply
from ..tables import Pulses
from .backend import Backend
from .contract import Coils, Report
from .ports import named_port, remember_port, url_of
from .serial_board import Board
from .serial_line import Connect, Plug
from .serial_port import SerialPort

LOOKAHEAD = 1.0
"""s; strikes are sent half a second before they start, and a player hands pulses over up to half its
lookahead after it could: so half a second is on the board even when the host stalls just then."""


class SerialBackend(Backend):
    """A backend whose hammers are a board's; use it from any thread.

    `connect` opens the board's port, and opens it again after it was pulled out. On a VirtualClock
    all happens as the clock is moved, else on a thread of its own.
    """

    name = "serial"
    lookahead = LOOKAHEAD

    def __init__(self, instrument: Instrument, connect: Connect, clock: Clock | None = None) -> None:
        """Open the board, have it configured and armed; BackendMissing or BackendError in one line."""
        super().__init__(instrument, SystemClock() if clock is None else clock)
        self._cancelled = 0
        self.board = Board(instrument, connect, self.clock, self._faults)
        self._lock = self.board.lock

    @property
    def identity(self) -> HelloReply:
        """Who the board says it is: firmware version, channels, limits; as it was last greeted."""
        board = self.board.session.talk.board
        assert board is not None  # it has answered, else there would be no backend
        return board

    def stop(self) -> None:
        """Silence past all frames under way, and refuse pulses until `clear`; within a second."""
        super().stop()
        if not self._closed and self.coils is not Coils.OFF:
            self.board.add_fault(self.now(), str(self.coils))

    def _write(self, pulses: Pulses) -> None:
        self.board.tell(lambda session, _: session.play(pulses))

    def _cancel(self, after: float) -> int:
        """Take back by the session's book; what starts in a few milliseconds may be played all the same."""
        count = self.board.tell(
            lambda session, now: session.cancel(max(after, float(np.nextafter(now, np.inf))))
        )
        self._cancelled += count
        return count

    def _switch_off(self) -> None:
        self._cancelled += self.board.tell(lambda session, now: session.silence(now))

    def _confirm_off(self) -> Coils:
        return self.board.confirm_off()

    def _hold(self) -> None:
        self._cancelled += self.board.tell(lambda session, now: session.stop(now))

    def _release(self) -> None:
        self.board.tell(lambda session, _: session.clear())

    def _listen(self) -> None:
        self._stopped |= self.board.session.stopped

    def _count(self, now: float) -> Report:
        """Return what the board has told; one out of reach tells it later."""
        session, board = self.board.session, self.board
        counters = session.talk.questions.counters
        return Report(
            pulses=session.book.ended(now, board.heard),
            late=session.late + session.lost(now) + counters.total("late"),
            latest=max(session.latest, counters.worst_late),
            cancelled=self._cancelled - session.book.overtaken,
            refused=counters.refused,
            notes=session.notes(now) | {"reconnects": float(board.reconnects)},
        )

    def _let_go(self) -> None:
        try:
            self.board.count()
        finally:
            self.board.close()


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
