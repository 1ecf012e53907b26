"""The dispatcher's process: sleeps until shortly before an edge, spins, writes, and hears the others.

Nothing in it waits for the host. It beats for the watchdog while a coil is on, and before one goes on.
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from time import monotonic_ns

from ..errors import BackendError, BackendMissing
from .dispatcher import Dispatcher
from .limits import SECOND
from .log import Count
from .messages import Kind, is_stopped, pack_json, pack_time, receive, unpack_pulses, unpack_time
from .outputs import Output
from .realtime import DISPATCHER, be_punctual

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
"""ns to the next edge that a look at the outputs needs."""

AGREED = 1_000_000
"""ns after its moment within which a step that was planned before is still right."""

NEGLECT = 10_000_000
"""ns after which messages are heard even if an edge is near: it may be a tenth of a ms late then."""

AWAY = 10_000_000
"""ns without a turn after which the watchdog may have switched off: it is asked before the next edge."""

RETRY = 500_000_000
"""ns between two tries to reach outputs that have failed."""

ALL_OFF = "all outputs are off, open the backend again"


class Leave(BackendError):
    """The dispatcher is to end, and why."""


class Loop:
    """The dispatcher between its outputs, the host and the watchdog; `run` returns when it is over."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        output: Output,
        host: socket.socket,
        dog: socket.socket,
        wake: socket.socket,
        goes_on: bool,
    ) -> None:
        """`wake` becomes readable when a signal asks the process to leave."""
        self._dispatcher, self._output, self._log = dispatcher, output, dispatcher.log
        self._host, self._dog, self._wake = host, dog, wake
        self._dog_process, self._goes_on = 0, goes_on
        self._sources = [host, dog, wake]
        self._margin = self._overslept = MOST_MARGIN
        self._allowed = False  # the outputs may be on
        self._failed = False  # the outputs do not answer
        self._told = False  # that they are off
        self._retry = 0  # when outputs that have failed are tried again
        self._said, self._beaten, self._looked, self._refreshed = b"", 0, 0, 0
        self._awake = self._tended = 0

    def open(self) -> None:
        """Bring the outputs up behind the watchdog's line; OSError or XylophoneError where that fails."""
        self._output.prepare()
        self._dog_process = int(self._ask(Kind.CLAIM, Kind.CLAIMED))
        found = self._output.check()
        self._ask(Kind.ALLOW, Kind.ALLOWED)
        self._output.begin()
        self._allowed = True
        denied = be_punctual(DISPATCHER)
        self._host.send(pack_json(Kind.OPENED, {"found": found, "denied": denied}))

    def run(self) -> None:
        """Play until the host or the watchdog has gone, or a signal comes; all outputs are off afterwards."""
        try:
            self._awake = monotonic_ns()
            while True:
                self._step()
        except Leave as leaving:
            self._tell(str(leaving), fatal=True)
        finally:
            self._dispatcher.forget(monotonic_ns())
            with suppress(OSError):  # a bus that fails: the line holds the outputs off, also after the end
                self._output.close()

    def _step(self) -> None:
        now = monotonic_ns()
        if now - self._awake > AWAY:
            self._hear(0)
        due = self._dispatcher.due() if self._allowed else None
        margin = self._margin if self._said == Kind.ON else self._margin + ANNOUNCE
        if due is not None and due - now <= margin:
            if now - self._tended > NEGLECT:  # edges so close that there is never time
                self._tend(now, due)
                self._hear(0)
            if self._said != Kind.ON or now - self._beaten >= BEAT_ON:
                self._beat(now, Kind.ON)
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
            self._fail(error)

    def _tend(self, now: int, due: int | None) -> None:
        """Do what has time: beat, look whether the watchdog is there to hear it, look after the outputs."""
        self._tended = now
        state = Kind.ON if self._dispatcher.mask else Kind.IDLE
        if state != self._said or now - self._beaten >= (BEAT_ON if state == Kind.ON else BEAT_IDLE):
            self._beat(now, state)
        if self._dispatcher.mask and now - self._looked >= BEAT_ON:
            self._looked = now
            if is_stopped(self._dog_process):
                raise Leave(f"the watchdog was stopped: {ALL_OFF}")
        if not self._allowed:
            self._dispatcher.expire(now)
            if self._failed and self._goes_on and now >= self._retry:
                self._try_again(now)
        elif state == Kind.IDLE and now - self._refreshed >= REFRESH and (due is None or due - now > QUIET):
            self._refreshed = now
            try:
                self._log.add(Count.REPAIRED, self._output.refresh())
            except OSError as error:
                self._fail(error)

    def _beat(self, now: int, state: Kind) -> None:
        self._said, self._beaten = state, now
        self._send_dog(state)

    def _hear(self, wait: int) -> None:
        """Wait so many ns for messages and take those that are there."""
        until = monotonic_ns() + wait
        ready, _, _ = select.select(self._sources, [], [], max(0, wait) / SECOND)
        if wait > 0 and not ready:
            self._learn(monotonic_ns() - until)
        if self._wake in ready:
            raise Leave(f"the dispatcher was asked to end by a signal: {ALL_OFF}")
        if self._dog in ready:
            self._hear_dog(receive(self._dog))
        if self._host in ready:
            self._hear_host(receive(self._host))

    def _learn(self, late: int) -> None:
        """Set the margin by how late sleeps are on this machine, now."""
        self._overslept = max(late, self._overslept - self._overslept // FORGETTING)
        self._margin = min(MOST_MARGIN, max(LEAST_MARGIN, self._overslept + SPARE))

    def _hear_host(self, message: bytes) -> None:
        kind, body = message[:1], message[1:]
        if kind == Kind.PULSES:
            self._dispatcher.take(unpack_pulses(body))
        elif kind == Kind.CANCEL:
            self._reply(self._dispatcher.cancel(unpack_time(body)))
        elif kind == Kind.SILENCE:
            self._reply(self._silence())
        else:
            raise Leave("the host has ended")

    def _hear_dog(self, message: bytes) -> None:
        kind, body = message[:1], message[1:]
        if kind == Kind.TRIPPED:
            self._trip(body.decode())
        elif kind == Kind.HOST_STOPPED:
            lost = self._silence()
            self._tell(f"this program was stopped: all outputs were switched off; {lost} pulses are lost")
        elif kind == Kind.ALLOWED:
            self._come_back()
        elif kind == Kind.NO_LINE:
            raise Leave(body.decode())
        elif not kind:
            raise Leave(f"the watchdog has ended: {ALL_OFF}")

    def _trip(self, why: str) -> None:
        """Take note that the watchdog has switched off, and ask for leave to go on; say why, if told why."""
        self._log.add(Count.TRIPS)
        lost = self._dispatcher.forget(monotonic_ns())
        self._allowed = False
        if why:
            self._told = True
            self._tell(f"{why}: the outputs were switched off; {lost} pulses are lost")
        if not self._failed:
            self._try_again(monotonic_ns())

    def _silence(self) -> int:
        if not self._allowed:
            return self._dispatcher.forget(monotonic_ns())
        try:
            return self._dispatcher.silence(monotonic_ns())
        except OSError as error:
            self._fail(error)
            return 0

    def _fail(self, error: OSError) -> None:
        """Have the outputs switched off by the line, as the bus cannot be asked; say so once."""
        if self._was_cut():
            return
        now = monotonic_ns()
        self._dispatcher.forget(now)
        self._send_dog(Kind.FAILED)
        self._log.add(Count.ERRORS)
        if not self._failed:
            then = "trying again" if self._goes_on else "open the backend again when it is mended"
            self._tell(f"the outputs failed and were switched off: {error}; {then}", not self._goes_on)
        self._allowed, self._failed, self._told, self._retry = False, True, True, now + RETRY

    def _was_cut(self) -> bool:
        """Tell whether the outputs failed because the watchdog had switched them off."""
        if not select.select([self._dog], [], [], 0)[0]:
            return False
        was_allowed = self._allowed
        self._hear_dog(receive(self._dog))
        return was_allowed and not self._allowed

    def _try_again(self, now: int) -> None:
        """Bring the outputs to off and ask for leave to enable them."""
        self._retry = now + RETRY
        try:
            self._output.prepare()
        except OSError as error:
            self._fail(error)
            return
        self._send_dog(Kind.ALLOW)

    def _come_back(self) -> None:
        try:
            self._output.begin()
        except OSError as error:
            self._fail(error)
            return
        self._allowed, self._failed = True, False
        if self._told:
            self._tell("the outputs are on duty again")
        self._told = False

    def _ask(self, question: Kind, answer: Kind) -> bytes:
        """Ask the watchdog and wait for its answer."""
        self._send_dog(question)
        message = receive(self._dog)
        if message[:1] == Kind.NO_LINE:
            raise BackendMissing(message[1:].decode())
        if message[:1] != answer:
            raise BackendError("the watchdog ended before it was ready: open the backend again")
        return message[1:]

    def _send_dog(self, message: bytes) -> None:
        try:
            self._dog.send(message, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass  # it is stopped and has unread beats enough; the host sees to that
        except OSError as error:
            raise Leave(f"the watchdog has ended: {ALL_OFF}") from error

    def _reply(self, count: int) -> None:
        self._send_host(pack_time(Kind.COUNT, count))

    def _tell(self, message: str, fatal: bool = False) -> None:
        self._send_host(pack_json(Kind.FAULT, {"message": message, "fatal": fatal}))

    def _send_host(self, message: bytes) -> None:
        """Send without waiting: a host that does not read, or has gone, is its own concern."""
        try:
            self._host.send(message, socket.MSG_DONTWAIT)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._log.add(Count.UNHEARD)
