"""Whether the outputs may be on: how they are opened, what cuts them off, and the way back.

The way back is always the same: off by the watchdog's line, zeros, the wiring checked, then the line's leave.
"""

from __future__ import annotations

from contextlib import suppress
from time import monotonic_ns

from ..errors import BackendError
from ..words import counted
from .coil_limits import FASTER
from .datagrams import Datagram, receive
from .dispatcher import Dispatcher
from .links import ALL_OFF, Leave, Links
from .log import Count
from .outputs import Output, OutputError
from .pi import library_errors

RETRY = 500_000_000
"""ns between two tries to reach outputs that have failed."""

TOO_SLOW = 35_000_000
"""ns that switching all off takes at most on outputs that can be played on: what hangs for 40 is cut off."""


class Duty:
    """The outputs between the dispatcher, that writes to them, and the watchdog, that may cut them off."""

    def __init__(self, dispatcher: Dispatcher, output: Output, links: Links, goes_on: bool) -> None:
        """`goes_on` tells that outputs which have failed are tried until they answer again."""
        self._dispatcher, self._output, self._links = dispatcher, output, links
        self._log, self._goes_on = dispatcher.log, goes_on
        self.allowed = False  # the outputs may be on
        self.dog_process = 0
        self._failed = False  # the outputs do not answer
        self._told = False  # that they are off
        self._returning = False  # the watchdog was asked to hold them off, so that they can be checked
        self._retry = self._lost = 0  # when failed outputs are tried again; pulses that nobody has told of

    def open(self) -> str:
        """Bring the outputs up behind the watchdog's line; return what was found.

        OSError or XylophoneError where that fails.
        """
        self._prepare()
        self.dog_process = int(self._links.ask_dog(Datagram.CLAIM, Datagram.CLAIMED))
        found = self._output.check()
        self._links.ask_dog(Datagram.ALLOW, Datagram.ALLOWED)
        try:
            self._output.begin()
        except OSError:
            self._blame_the_cut()
            raise
        self.allowed = True
        return found

    def hear(self, message: bytes) -> None:
        """Take a message of the watchdog; Leave where there is no going on."""
        kind, body = message[:1], message[1:]
        if kind == Datagram.TRIPPED:
            self._trip(body.decode())
        elif kind == Datagram.IS_OFF:
            self._return()
        elif kind == Datagram.ALLOWED:
            self._come_back()
        elif kind == Datagram.HOST_STOPPED:
            lost = self.silence()
            self._links.tell(
                "this program was stopped: all outputs were switched off; "
                f"{counted(lost, 'pulse is', 'pulses are')} lost"
            )
        elif kind == Datagram.NO_LINE:
            raise Leave(body.decode())
        elif not kind:
            raise Leave(f"the watchdog has ended: {ALL_OFF}")

    def tend(self, now: int) -> None:
        """Count what cannot be played while the outputs are off, and try again what has failed."""
        self._dispatcher.expire(now)
        if self._failed and self._goes_on and now >= self._retry:
            self._try_again(now)

    def silence(self) -> int:
        """Switch all off and forget all pulses; return how many had not started."""
        if not self.allowed:
            return self._dispatcher.forget(monotonic_ns())
        try:
            return self._dispatcher.silence(monotonic_ns())
        except OSError as error:
            self.fail(error)
            return 0

    def refresh(self) -> None:
        """Look after outputs that are all off."""
        try:
            self._log.add(Count.REPAIRED, self._output.refresh())
        except OSError as error:
            self.fail(error)

    def fail(self, error: OSError) -> None:
        """Have the outputs switched off by the line, as the bus cannot be asked; say so once."""
        if self._was_cut():
            return
        now = monotonic_ns()
        self._dispatcher.forget(now)
        if not self._failed:  # first: where there is no line, the watchdog ends this process
            then = "trying again" if self._goes_on else "open the backend again when it is mended"
            self._links.tell(f"the outputs failed and were switched off: {error}; {then}", not self._goes_on)
        self._links.send_dog(Datagram.CUT)
        self._log.add(Count.ERRORS)
        self.allowed = self._returning = False
        self._failed, self._told, self._retry = True, True, now + RETRY

    def close(self) -> None:
        """Forget all pulses, switch all off and let go of the outputs.

        Where a bus fails, the line holds them off, also after the end.
        """
        self._dispatcher.forget(monotonic_ns())
        with suppress(*library_errors()):
            self._output.close()

    def _trip(self, why: str) -> None:
        """Take note that the watchdog has switched off, and ask for leave to go on; it tells the host why."""
        self._log.add(Count.TRIPS)
        self._lost += self._dispatcher.forget(monotonic_ns())
        self.allowed = False
        self._told = self._told or bool(why)
        if not self._failed:
            self._try_again(monotonic_ns())

    def _was_cut(self) -> bool:
        """Tell whether the outputs failed because the watchdog had switched them off."""
        if not self._links.has_dog_spoken():
            return False
        was_allowed = self.allowed
        self.hear(receive(self._links.dog))
        return was_allowed and not self.allowed

    def _blame_the_cut(self) -> None:
        """Raise BackendError where outputs did not open because the watchdog had switched them off."""
        while self._links.has_dog_spoken():
            message = receive(self._links.dog)
            if message[:1] == Datagram.TRIPPED:
                raise BackendError(f"{message[1:].decode()}: {ALL_OFF}")
            if not message:
                raise Leave(f"the watchdog has ended: {ALL_OFF}")

    def _try_again(self, now: int) -> None:
        """Ask for the outputs to be held off, so that they can be looked at."""
        self._retry, self._returning = now + RETRY, True
        self._links.send_dog(Datagram.CUT)

    def _return(self) -> None:
        """Bring outputs that are held off to zeros, check them, and ask for leave to enable them."""
        if not self._returning:
            return
        try:
            self._prepare()
            self._output.check()
        except OSError as error:
            self.fail(error)
            return
        self._links.send_dog(Datagram.ALLOW)

    def _come_back(self) -> None:
        try:
            self._output.begin()
        except OSError as error:
            self.fail(error)
            return
        self.allowed, self._failed, self._returning = True, False, False
        if self._told:
            self._links.tell(
                f"the outputs are on duty again; {counted(self._lost, 'pulse is', 'pulses are')} lost"
            )
        self._told, self._lost = False, 0

    def _prepare(self) -> None:
        """Bring all outputs to off; OutputError where that takes too long, twice: once may be chance."""
        for _ in range(2):
            begin = monotonic_ns()
            self._output.prepare()
            took = monotonic_ns() - begin
            if took <= TOO_SLOW:
                return
        raise OutputError(
            f"the outputs took {took / 1e6:.0f} ms to be switched off, {TOO_SLOW / 1e6:.0f} ms is the most "
            f"that can be played on: look at the bus's wires and pull-ups, and {FASTER}"
        )
