"""The way to a board: an open port, and the same board's port again after its cable was out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import BackendAbsent, BackendMissing
from .port_use import holder_of
from .ports import Port, find_again, present_ports
from .serial_port import SerialPort, Transport, held_by

Connect = Callable[[], Transport]
"""Opens the port of a board, the same board's each time; BackendMissing while it is not there."""

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 2.0
"""s between two attempts to open the port again: doubling from the first to the longest."""

PATIENCE = 30.0
"""s after which a board that was pulled out is given up."""


class Plug:
    """Where a board is plugged in; called, it opens that port, or the one where the board is now."""

    def __init__(self, port: Port, look: Callable[[], Sequence[Port]] = present_ports) -> None:
        """Open `port` first; later look for its board among the ports that `look` returns."""
        self.port = port
        self._first = port
        self._look = look
        self._opened = False

    def __call__(self) -> Transport:
        """Return the port, open; BackendMissing when it is not there or cannot be opened.

        One on USB that another program has open is not touched: few programs lock theirs.
        """
        if self._opened:
            now = find_again(self._first, self._look)
            if now is None:
                raise BackendAbsent(f"{self._first.device} is not there: plug the board in again")
            self.port = now
        if self.port.usb is not None and (holder := holder_of(self.port.device)):
            raise BackendMissing(f"cannot open the port: {held_by(holder)}")
        transport = SerialPort(self.port.device)
        self._opened = True
        return transport


class SerialLine:
    """Bytes to and from a board, as long as there is a way; never raises once it was open.

    Call `read` and `mend` from one thread only; `write` from any, one at a time.
    """

    def __init__(self, connect: Connect) -> None:
        """Open the line; BackendMissing when that fails."""
        self._connect = connect
        self._transport: Transport | None = connect()
        self.trouble: str | None = None
        self.gone = False  # the port was, while the board answered, and it has not answered since
        self._answered = False  # the board does, as far as is known
        self.down_since: float | None = None
        self.absent = False  # no port was there when it was looked for
        self.returns = 0
        self._next_try = 0.0
        self._pause = FIRST_PAUSE

    @property
    def up(self) -> bool:
        """Whether bytes can be sent now."""
        return self._transport is not None and self.trouble is None

    @property
    def fixed_baud(self) -> bool:
        """Whether the line has one rate only."""
        return self._transport is not None and self._transport.fixed_baud

    def read(self) -> bytes:
        """Return what has arrived, after a short wait where nothing has."""
        if self._transport is None or self.trouble is not None:
            return b""
        try:
            return self._transport.read()
        except OSError as error:
            self.gone |= self._answered
            self.break_off(str(error))
            return b""

    def set_baud(self, baud: int) -> None:
        """Send and receive at this rate from now on, unless the line has one only."""
        if self._transport is None or self.trouble is not None or self._transport.fixed_baud:
            return
        try:
            self._transport.set_baud(baud)
        except OSError as error:
            self.break_off(str(error))

    def write(self, content: bytes) -> None:
        """Send these bytes; they are lost where there is no way."""
        if self._transport is None or self.trouble is not None:
            return
        try:
            self._transport.write(content)
        except OSError as error:
            self.gone |= self._answered and not isinstance(error, TimeoutError)
            self.break_off(str(error))

    def break_off(self, trouble: str) -> None:
        """Use this port no more, for a reason."""
        self.trouble = self.trouble or trouble or "no reason given"

    def mend(self, now: float) -> bool:
        """Let go of a broken port and open it again when it is time to; True when that has worked."""
        self._let_go()
        if self.down_since is None:
            self.down_since, self._pause = now, FIRST_PAUSE
            self._next_try = now + self._pause
        if now < self._next_try:
            return False
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._next_try = now + self._pause
        try:
            self._transport = self._connect()
        except (BackendMissing, OSError) as error:
            self.absent = isinstance(error, BackendAbsent)
            return False  # not there yet: the next attempt, or the end of patience, follows
        self.trouble, self.absent = None, False
        return True

    def settled(self) -> None:
        """Note that the board has answered: it is back if it was away, and the patience begins anew."""
        self.returns += self.down_since is not None
        self.down_since, self.gone, self._answered = None, False, True

    def doubted(self) -> None:
        """Note that the board has not answered for too long: it may hang."""
        self._answered = False

    def given_up(self, now: float) -> bool:
        """Whether the board has been away for too long."""
        return self.down_since is not None and now - self.down_since > PATIENCE

    def close(self) -> None:
        """Let go of the port."""
        self.break_off("closed")
        self._let_go()

    def _let_go(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
