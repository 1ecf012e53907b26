"""A dispatcher and its watchdog in processes of their own, in real time, as their host sees them."""

from __future__ import annotations

import mmap
import os
import select
import socket
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from time import monotonic
from typing import Any

from .. import errors
from ..errors import BackendError
from ..wiring import Wiring
from .children import how, leaves, pair, spawn
from .coil_limits import Limits
from .datagrams import Datagram, Said, is_stopped, pack_pulses, pack_time, receive, unpack_json, unpack_time
from .dispatcher import Switching
from .guards import Guard, open_guard, take
from .log import SIZE, Log
from .pi import opening_errors, preload

OPENING = 20.0
"""s that both processes are given to start: a small Pi takes some of them to read its libraries."""

ANSWER = 0.5
"""s in which a dispatcher answers, or it is taken to hang."""

CUTTING = 2.0
"""s in which a watchdog has switched off what it was asked to; `gpio:pins` may take one."""

LEAVING = 3.0
"""s that each process is given to leave."""

LOOK = 0.015
"""s between two looks whether the two stand still, at least."""

OFF = "all outputs are off; open the backend again"


class Processes:
    """The two processes. `close` raises BackendError where the outputs cannot be switched off.

    `trouble` is what keeps the outputs from being known to be off, '' for nothing.
    """

    def __init__(self, kind: str, wiring: Wiring, limits: Limits, trace: str = "") -> None:
        """Start both; what keeps them from opening is raised here, and nothing is left running."""
        self._said: list[Said] = []
        self._counts: list[int] = []
        self._kind, self._wiring, self._trace = kind, wiring, trace
        self._over, self._fatal, self._reason, self._looked = False, "", "", 0.0
        self._guard: Guard | None = None
        self._taken_over = False
        self.trouble = ""
        with ExitStack() as ends:
            self._start(limits, ends)
        with ExitStack() as failing:
            failing.callback(self.close)
            preload(kind)  # what switching off from here would need: then there is no time for it
            opened = self._opened()
            failing.pop_all()
        self.found: str = opened["found"]
        self.denied: list[str] = opened["denied"]

    @property
    def processes(self) -> tuple[int, int]:
        """The numbers of the dispatcher's and the watchdog's process."""
        dispatcher, watchdog = self._processes
        return dispatcher.pid, watchdog.pid

    def send(self, pulses: Iterable[Switching]) -> None:
        """Hand pulses over; BackendError where nobody takes them."""
        for message in pack_pulses(pulses):
            self._send(message)

    def cancel(self, after: int) -> int:
        """Take back what starts at or after a time; return how many."""
        return self._ask(pack_time(Datagram.CANCEL, after))

    def silence(self) -> None:
        """Have all outputs off; by the hardware line where the dispatcher does not answer."""
        if self._over:
            return
        with suppress(BackendError):  # it is among what was said, and all is off
            self._ask(Datagram.SILENCE)

    def hold(self) -> None:
        """Switch off by the hardware line, if there is one, and by the dispatcher."""
        self._tell_watchdog(Datagram.HOLD)
        self.silence()

    def release(self) -> None:
        """Let the outputs be on again."""
        self._tell_watchdog(Datagram.RELEASE)

    def listen(self) -> list[Said]:
        """Return what was told since the last call; the end of a process is told too."""
        self._hear(0.0)
        self._look()
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        """Let both end, and make sure that they have, and that all is off."""
        self._over = True
        self._dispatcher.close()
        trouble = self._end_both()
        self._watchdog.close()
        self._guard = None  # so that whoever opens next can have its line
        if trouble:
            raise BackendError(trouble)

    def _start(self, limits: Limits, ends: ExitStack) -> None:
        """Start both; the ends of their sockets are closed here with `ends`."""
        self._dispatcher, host_of_dispatcher = pair()
        self._watchdog, host_of_watchdog = pair()
        watchdog_end, dispatcher_end = pair()
        for end in (host_of_dispatcher, host_of_watchdog, watchdog_end, dispatcher_end):
            ends.enter_context(end)
        self._dispatcher.settimeout(ANSWER)
        self._sources = [self._watchdog, self._dispatcher]
        common = {"kind": self._kind, "wiring": asdict(self._wiring), "trace": self._trace}
        memory = self._make_log(ends)
        lines = {"host": host_of_dispatcher.fileno(), "watchdog": watchdog_end.fileno(), "log": memory}
        dispatcher = spawn("dispatcher", common | lines | {"limits": limits}, tuple(lines.values()))
        handle = os.pidfd_open(dispatcher.pid)
        ends.callback(os.close, handle)
        lines = {"dispatcher": dispatcher_end.fileno(), "host": host_of_watchdog.fileno(), "handle": handle}
        pids = {"pids": (dispatcher.pid, os.getpid())}
        self._processes = (dispatcher, spawn("watchdog", common | lines | pids, tuple(lines.values())))

    def _make_log(self, ends: ExitStack) -> int:
        memory = os.memfd_create("xylophone-log")
        ends.callback(os.close, memory)
        os.truncate(memory, SIZE)
        self.log = Log(mmap.mmap(memory, SIZE))
        return memory

    def _opened(self) -> dict[str, Any]:
        if not _ready([self._dispatcher], OPENING):
            raise BackendError(
                f"the dispatcher was not ready within {OPENING:g} s: the machine is too busy, or a bus too "
                "slow; end other programs and look at the wires, then try again"
            )
        message = receive(self._dispatcher)
        if message[:1] == Datagram.OPENED:
            return dict(unpack_json(message[1:]))
        if message[:1] == Datagram.NOT_OPENED:
            said = unpack_json(message[1:])
            raise getattr(errors, said["kind"])(said["message"])
        raise BackendError(
            "the dispatcher ended before it was ready: what it said last is above; open the backend again"
        )

    def _ask(self, message: bytes) -> int:
        """Send what is answered with a count, and return that; BackendError, and all off, without one."""
        self._send(message)
        limit = monotonic() + ANSWER
        while not self._counts:
            if self._over:
                raise BackendError(self._fatal)
            ready = _ready(self._sources, limit - monotonic())
            if not ready:
                raise self._given_up("does not answer")
            self._take(ready[0])
        return self._counts.pop()

    def _send(self, message: bytes) -> None:
        if self._over:
            raise BackendError(self._fatal or "the dispatcher has ended: open the backend again")
        try:
            self._dispatcher.send(message)
        except TimeoutError as error:
            raise self._given_up("takes nothing more") from error
        except OSError:  # it has ended, and has said why before
            self._hear(1.0)

    def _given_up(self, why: str) -> BackendError:
        """Have all switched off, and expect nothing more of this dispatcher; return the error."""
        self._over = True
        self._tell_watchdog(Datagram.TRIP)
        trouble = "" if self._is_off() else self._end_both(0.0)
        self._say_last(f"the dispatcher {why}: {trouble or OFF}")
        return BackendError(self._fatal)

    def _is_off(self) -> bool:
        """Wait for the watchdog to say that it has switched off; tell whether it has."""
        limit = monotonic() + CUTTING
        while monotonic() < limit and not is_stopped(self._processes[1].pid):
            if _ready([self._watchdog], ANSWER / 10):
                message = receive(self._watchdog)
                if message[:1] in (Datagram.IS_OFF, b""):
                    return bool(message)
        return False

    def _hear(self, limit: float) -> None:
        """Take all messages, waiting so long for each at most."""
        while not self._over and (ready := _ready(self._sources, limit)):
            self._take(ready[0])

    def _take(self, source: socket.socket) -> None:
        message = receive(source)
        kind, body = message[:1], message[1:]
        if kind == Datagram.COUNT:
            self._counts.append(unpack_time(body))
        elif kind == Datagram.FAULT:
            said = Said(**unpack_json(body))
            self._said.append(said)
            self._fatal = self._fatal or (said.message if said.fatal else "")
        elif kind == Datagram.TRIPPED:
            self._take_reason(body.decode())
        elif not kind and source is self._dispatcher:
            self._end()
        elif not kind:
            self._sources.remove(source)

    def _take_reason(self, why: str) -> None:
        """Take why the watchdog has switched off: the end of a dispatcher that had to be killed for it."""
        if self._kind == "pins":
            self._reason = why
        else:
            self._said.append(Said(f"{why}: the watchdog has switched all outputs off", False))

    def _look(self) -> None:
        """Switch off where neither of the two can."""
        if self._over or (now := monotonic()) - self._looked < LOOK:
            return
        self._looked = now
        if not all(is_stopped(process.pid) for process in self._processes):
            return
        self._hear(0.0)  # they may have ended just now, and have said why
        if not self._over:
            self._over = True
            self._say_last(f"dispatcher and watchdog were stopped: {self._end_both(0.0) or OFF}")

    def _end(self) -> None:
        """Take note that the dispatcher has ended, and why."""
        self._over = True
        trouble = self._end_both()
        while self._watchdog in self._sources and _ready([self._watchdog], 0.0):
            self._take(self._watchdog)
        reason = self._reason or f"the dispatcher ended ({how(self._processes[0].returncode)})"
        if trouble or not self._fatal:
            self._say_last(f"{reason}: {trouble or OFF}")

    def _end_both(self, limit: float = LEAVING) -> str:
        """Have both processes end, and all outputs off; return what kept from that, '' when they are."""
        dispatcher, watchdog = self._processes
        leaves(dispatcher, limit)
        self.trouble = "" if leaves(watchdog, limit) else self._take_over()
        return self.trouble

    def _take_over(self) -> str:
        """Do what the watchdog has not done; return what kept from that, '' when all outputs are off."""
        if self._taken_over:
            return ""
        try:
            self._guard = open_guard(self._kind, self._wiring, lambda: None, self._trace)
            take(self._guard, self._guard.claim)
        except opening_errors() as error:
            return f"dispatcher and watchdog have ended, and {error}: SWITCH THE SUPPLY OF THE COILS OFF"
        self._taken_over = True
        return ""

    def _say_last(self, message: str) -> None:
        self._fatal = message
        self._said.append(Said(message, True))

    def _tell_watchdog(self, kind: Datagram) -> None:
        with suppress(OSError):  # it has ended, so the dispatcher has switched off and says so
            self._watchdog.send(kind, socket.MSG_DONTWAIT)


def _ready(sources: list[socket.socket], limit: float) -> list[socket.socket]:
    """Return which of some sockets have something to say, waiting `limit` s at most."""
    poll, by_number = select.poll(), {source.fileno(): source for source in sources}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(max(0.0, 1000 * limit))]
