"""The dispatcher's process: sleeps until shortly before an edge, spins, writes, and hears the others.

Nothing in it waits for the host. It beats for the watchdog while a coil is on, and before one goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns

from .datagrams import Datagram, is_stopped, receive, unpack_pulses, unpack_time
from .dispatcher import Dispatcher
from .duty import Duty
from .links import ALL_OFF, Leave, Links

LEAST_MARGIN, MOST_MARGIN, SPARE = 300_000, 1_000_000, 100_000
"""ns before an edge at which spinning begins: as late as sleeps have been of late, and some to spare."""

FORGETTING = 128
"""Sleeps after which the latest of them counts for about a third."""

ANNOUNCE = 200_000
"""ns more for the first edge after a while: the watchdog is told beforehand that a coil goes on."""

REACH = 5_000
"""ns from the end of spinning to the output: what this program takes to get there."""

BEAT_ON, BEAT_IDLE = 5_000_000, 50_000_000
"""ns between two beats for the watchdog, with a coil on and without."""

REFRESH = 100_000_000
"""ns between two looks at outputs that are all off; each also heals what noise has done to them."""

QUIET = 5_000_000
"""ns to the next edge that a look at the outputs needs at least: twice what the last one took."""

AGREED = 1_000_000
"""ns after its moment within which a step that was planned before is still right."""

NEGLECT = 10_000_000
"""ns after which messages are heard even if an edge is near: it may be a tenth of a ms late then."""

AWAY = 10_000_000
"""ns without a turn after which the watchdog may have switched off: it is asked before the next edge."""


class Loop:
    """The dispatcher between its outputs, the host and the watchdog; `run` returns why it is over."""

    def __init__(self, dispatcher: Dispatcher, duty: Duty, links: Links) -> None:
        self._dispatcher, self._duty, self._links = dispatcher, duty, links
        self._margin = self._overslept = MOST_MARGIN
        self._said, self._beaten, self._refreshed, self._quiet = b"", 0, 0, QUIET
        self._awake = self._tended = 0

    def run(self) -> str:
        """Play until the host or the watchdog has gone, or a signal comes; return which.

        All outputs are off afterwards, which the words say: so nobody is told them before.
        """
        try:
            self._awake = monotonic_ns()
            while True:
                self._step()
        except Leave as leaving:
            return str(leaving)
        finally:
            self._duty.close()

    def _step(self) -> None:
        now = monotonic_ns()
        if now - self._awake > AWAY:
            self._hear(0)
        due = self._dispatcher.due() if self._duty.allowed else None
        margin = self._margin if self._said == Datagram.ON else self._margin + ANNOUNCE
        if due is not None and due - now <= margin:
            if now - self._tended > NEGLECT:  # edges so close that there is never time
                self._tend(now, due)
                self._hear(0)
            if self._said != Datagram.ON or now - self._beaten >= BEAT_ON:
                self._beat(now, Datagram.ON)
            self._make_edges(due)
        else:
            self._tend(now, due)
            wake = self._beaten + (BEAT_ON if self._dispatcher.mask else BEAT_IDLE)
            self._hear(min(wake, wake if due is None else due - margin) - monotonic_ns())
        self._awake = monotonic_ns()

    def _make_edges(self, due: int) -> None:
        """Spin until a moment and make the edges that are due then; what can be thought before, is."""
        step = self._dispatcher.plan(max(due, monotonic_ns()))
        soon = due - REACH
        while (now := monotonic_ns()) < soon:
            pass
        try:
            if step is not None and now - due < AGREED:
                self._dispatcher.make(step, max(now, due))
            else:
                self._dispatcher.turn(now)
        except OSError as error:
            self._duty.fail(error)

    def _tend(self, now: int, due: int | None) -> None:
        """Do what has time: beat, and look after the outputs."""
        self._tended = now
        state = Datagram.ON if self._dispatcher.mask else Datagram.IDLE
        if state != self._said or now - self._beaten >= (BEAT_ON if state == Datagram.ON else BEAT_IDLE):
            self._beat(now, state)
        if not self._duty.allowed:
            self._duty.tend(now)
        elif (
            state == Datagram.IDLE
            and now - self._refreshed >= REFRESH
            and (due is None or due - now > self._quiet)
        ):
            self._refreshed = now
            self._duty.refresh()
            self._quiet = max(QUIET, 2 * (monotonic_ns() - now))

    def _beat(self, now: int, state: Datagram) -> None:
        """Beat for the watchdog, if it is there to hear it: no coil goes on that nobody could switch off."""
        if is_stopped(self._duty.dog_process):
            raise Leave(f"the watchdog was stopped: {ALL_OFF}")
        self._said, self._beaten = state, now
        self._links.send_dog(state)

    def _hear(self, wait: int) -> None:
        """Wait so many ns for messages and take those that are there."""
        until = monotonic_ns() + wait
        ready = self._links.wait(wait)
        if wait > 0 and not ready:
            self._learn(monotonic_ns() - until)
        if self._links.dog in ready:
            self._duty.hear(receive(self._links.dog))
        if self._links.host in ready:
            self._hear_host(receive(self._links.host))

    def _learn(self, late: int) -> None:
        """Set the margin by how late sleeps are on this machine, now."""
        self._overslept = max(late, self._overslept - self._overslept // FORGETTING)
        self._margin = min(MOST_MARGIN, max(LEAST_MARGIN, self._overslept + SPARE))

    def _hear_host(self, message: bytes) -> None:
        kind, body = message[:1], message[1:]
        if kind == Datagram.PULSES:
            self._dispatcher.take(unpack_pulses(body))
        elif kind == Datagram.CANCEL:
            self._links.reply(self._dispatcher.cancel(unpack_time(body)))
        elif kind == Datagram.SILENCE:
            self._links.reply(self._duty.silence())
        else:
            raise Leave("the host has ended")


def timed(write: Callable[[int], object]) -> Callable[[int], int]:
    """Return what writes a mask and returns the ns at which that was done."""

    def written(mask: int) -> int:
        write(mask)
        return monotonic_ns()

    return written
