"""The watchdog: a process that only looks whether the others live, and switches the outputs off when not.

The end of a process is seen at once, by the end of its socket; that it hangs, by missing beats; that it was
stopped, by its state in /proc. Times are ns of the machine's monotonic clock.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic_ns

from .coil_limits import SECOND
from .datagrams import Datagram, is_stopped, receive
from .guards import Guard

DOUBT_ON, HUNG_ON = 12_000_000, 40_000_000
"""ns without a beat, a coil being on, after which the dispatcher is looked at, and taken to hang."""

DOUBT_IDLE, HUNG_IDLE = 150_000_000, 1_000_000_000
"""The same while no coil is on."""

PUNCTUAL = 2_000_000
"""ns by which this process may wake late; by more, and the whole machine stood still."""

HOST_LOOK = 15_000_000
"""ns between two looks at the host, at least."""

FAREWELL = 2 * SECOND
"""ns that the dispatcher is given to leave after the host; then it is killed, so that its pins are free."""


class Watchdog:
    """Looks after a dispatcher and its host; `run` returns when both have gone, the outputs off."""

    def __init__(
        self,
        guard: Guard,
        end: Callable[[], None],
        dispatcher: socket.socket,
        host: socket.socket,
        wake: socket.socket,
        pids: tuple[int, int],
    ) -> None:
        """`pids` are the dispatcher's and the host's; `wake` becomes readable when a signal asks to leave.

        `end` kills the dispatcher.
        """
        self._guard, self._end = guard, end
        self._dispatcher, self._host, self._wake = dispatcher, host, wake
        self._sources = [dispatcher, host, wake]
        self._pids = pids
        self._claimed = self._allowed = self._held = self._wanted = self._on = False
        self._beaten, self._looked = monotonic_ns(), 0
        self._host_stopped = self._over = False
        self._end_at: int | None = None

    def run(self) -> None:
        """Watch until the dispatcher has gone or a signal comes."""
        try:
            while not self._over:
                self._look_after(self._wait())
        finally:
            self._cut()

    def _wait(self) -> list[socket.socket]:
        doubt = self._beaten + (DOUBT_ON if self._on else DOUBT_IDLE)
        hung = self._beaten + (HUNG_ON if self._on else HUNG_IDLE)
        now = monotonic_ns()
        timeout = None
        if self._allowed:
            timeout = max(0, (doubt if now < doubt else min(hung, now + DOUBT_ON)) - now) / SECOND
        elif self._end_at is not None:
            timeout = max(0, self._end_at - now) / SECOND
        ready: list[socket.socket] = select.select(self._sources, [], [], timeout)[0]
        if timeout is not None and not ready:
            # While the whole machine stood still the dispatcher had no time to beat either.
            self._beaten += max(0, monotonic_ns() - now - int(timeout * SECOND) - PUNCTUAL)
        return ready

    def _look_after(self, ready: list[socket.socket]) -> None:
        if self._wake in ready:
            self._over = True
        if self._dispatcher in ready:
            self._hear_dispatcher()
        if self._host in ready:
            self._hear_host()
        now = monotonic_ns()
        if self._end_at is not None and now >= self._end_at:
            self._end_at = None  # once: that it has ended is heard
            self._end()
        silent = now - self._beaten
        if self._allowed and silent > (DOUBT_ON if self._on else DOUBT_IDLE):
            if is_stopped(self._pids[0]):
                self._trip("the dispatcher was stopped")
            elif silent > (HUNG_ON if self._on else HUNG_IDLE):
                self._trip(
                    f"the dispatcher hung for {silent / 1e6:.0f} ms (a bus hangs, or the machine is too busy)"
                )

    def _hear_dispatcher(self) -> None:
        kind = receive(self._dispatcher)[:1]
        if kind in (Datagram.ON, Datagram.IDLE):
            self._beaten, self._on = monotonic_ns(), kind == Datagram.ON
            self._look_at_host()
        elif kind == Datagram.CLAIM:
            self._claim()
        elif kind == Datagram.ALLOW:
            self._wanted = True
            self._allow()
        elif kind == Datagram.CUT:
            self._cut()
            self._send(Datagram.IS_OFF)
        else:
            self._over = True

    def _hear_host(self) -> None:
        kind = receive(self._host)[:1]
        if kind == Datagram.HOLD:
            self._held = True
            if self._guard.severs:
                self._trip()
            self._rest()
        elif kind == Datagram.RELEASE:
            self._held = False
            self._allow()
            self._rest()
        elif kind == Datagram.TRIP:
            self._trip()
            self._cut()
            self._send_host(Datagram.IS_OFF)
        else:
            self._sources.remove(self._host)
            self._held, self._end_at = True, monotonic_ns() + FAREWELL
            if self._guard.severs:
                self._trip()
            self._rest()

    def _look_at_host(self) -> None:
        """Have the dispatcher fall silent when the host was stopped: what it sent must not play on."""
        now = monotonic_ns()
        if now - self._looked < HOST_LOOK:
            return
        self._looked = now
        before, self._host_stopped = self._host_stopped, is_stopped(self._pids[1])
        if self._host_stopped and not before:
            self._send(Datagram.HOST_STOPPED)
        if self._host_stopped != before:
            self._rest()

    def _rest(self) -> None:
        """Have the master enable off while the host was stopped or holds everything."""
        if self._allowed:
            self._guard.rest(self._held or self._host_stopped)

    def _claim(self) -> None:
        try:
            self._guard.claim()
        except OSError as error:
            self._send(Datagram.NO_LINE, str(error))
            return
        self._claimed = True
        self._send(Datagram.CLAIMED, str(os.getpid()))

    def _allow(self) -> None:
        if not self._wanted or self._held or not self._claimed:
            return
        self._guard.allow()
        self._allowed, self._wanted, self._on = True, False, False
        self._beaten = monotonic_ns()
        self._send(Datagram.ALLOWED)
        self._rest()

    def _trip(self, why: str = "") -> None:
        """Switch off, unless that was done; tell both why, if there is something to tell."""
        if not self._allowed:
            return
        self._send(Datagram.TRIPPED, why)  # first, so that what fails by the cut finds its reason there
        self._cut()
        if why:
            self._send_host(Datagram.TRIPPED, why)

    def _cut(self) -> None:
        self._allowed = False
        if self._claimed:
            self._guard.cut()

    def _send(self, kind: Datagram, text: str = "") -> None:
        try:
            self._dispatcher.send(kind + text.encode(), socket.MSG_DONTWAIT)
        except (BrokenPipeError, ConnectionResetError):
            self._over = True
        except BlockingIOError:
            pass  # it does not read: it is stopped, and cut off already

    def _send_host(self, kind: Datagram, text: str = "") -> None:
        with suppress(OSError):  # it has ended, or does not read
            self._host.send(kind + text.encode(), socket.MSG_DONTWAIT)
