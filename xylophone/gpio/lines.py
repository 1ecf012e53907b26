"""The host's line to a dispatcher: two processes in real time, or this one on a virtual clock."""

from __future__ import annotations

import json
import mmap
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Protocol

from .. import errors
from ..clock import VirtualClock
from ..errors import BackendError
from ..wiring import Wiring
from .dispatcher import Dispatcher, Pulse
from .guards import Guard, open_guard
from .limits import SECOND, Limits
from .log import SIZE, Count, Log
from .messages import Kind, pack_pulses, pack_time, receive, unpack_json, unpack_time
from .outputs import Output, open_output

OPENING = 20.0
"""s that both processes are given to start: a small Pi takes some of them to read its libraries."""

ANSWER = 0.5
"""s in which a dispatcher answers, or it is taken to hang."""

LEAVING = 3.0
"""s that a process is given to leave."""


class Said(NamedTuple):
    """A fault that the other side told."""

    message: str
    fatal: bool


class Line(Protocol):
    """What the backend needs of a dispatcher; times are ns."""

    log: Log
    found: str
    denied: list[str]

    def send(self, pulses: Iterable[Pulse]) -> None:
        """Hand pulses over."""

    def cancel(self, after: int) -> int:
        """Take back what starts at or after a time; return how many."""

    def silence(self) -> None:
        """Have all outputs off; they are when this returns."""

    def hold(self) -> None:
        """Switch off by the hardware line, for as long as `release` is not called."""

    def release(self) -> None:
        """Let the outputs be on again."""

    def listen(self) -> list[Said]:
        """Return what was told since the last call."""

    def close(self) -> None:
        """End; all outputs are off."""


class Processes:
    """A dispatcher and its watchdog in processes of their own."""

    def __init__(self, kind: str, wiring: Wiring, limits: Limits, trace: str = "") -> None:
        """Start both; what keeps them from opening is raised here, and nothing is left running."""
        self._said: list[Said] = []
        self._counts: list[int] = []
        self._kind, self._wiring, self._trace = kind, wiring, trace
        self._over = False
        with ExitStack() as ends:
            self._start(kind, wiring, limits, trace, ends)
        with ExitStack() as failing:
            failing.callback(self.close)
            opened = self._opened()
            failing.pop_all()
        self.found: str = opened["found"]
        self.denied: list[str] = opened["denied"]

    @property
    def processes(self) -> tuple[int, int]:
        """The numbers of the dispatcher's and the watchdog's process."""
        dispatcher, watchdog = self._processes
        return dispatcher.pid, watchdog.pid

    def send(self, pulses: Iterable[Pulse]) -> None:
        """Hand pulses over; BackendError where nobody takes them."""
        for message in pack_pulses(pulses):
            self._send(message)

    def cancel(self, after: int) -> int:
        """Take back what starts at or after a time; return how many."""
        return self._ask(pack_time(Kind.CANCEL, after))

    def silence(self) -> None:
        """Have all outputs off; by the hardware line where the dispatcher does not answer."""
        if self._over:
            return
        with suppress(BackendError):  # it is among what was said, and the watchdog has switched off
            self._ask(Kind.SILENCE)

    def hold(self) -> None:
        """Switch off by the hardware line, if there is one, and by the dispatcher."""
        self._tell_watchdog(Kind.HOLD)
        self.silence()

    def release(self) -> None:
        """Let the outputs be on again."""
        self._tell_watchdog(Kind.RELEASE)

    def listen(self) -> list[Said]:
        """Return what was told since the last call; the end of a process is told too."""
        self._hear(0.0)
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        """Let both end, and make sure that they have."""
        self._over = True
        self._dispatcher.close()
        limit = monotonic() + LEAVING
        for process in self._processes:
            try:
                process.wait(max(0.1, limit - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._watchdog.close()  # the watchdog leaves with the dispatcher; it hears the host's end second

    def _start(self, kind: str, wiring: Wiring, limits: Limits, trace: str, ends: ExitStack) -> None:
        (self._dispatcher, host_of_dispatcher) = _pair()
        (self._watchdog, host_of_watchdog) = _pair()
        (watchdog_end, dispatcher_end) = _pair()
        for end in (host_of_dispatcher, host_of_watchdog, watchdog_end, dispatcher_end):
            ends.enter_context(end)
        self._dispatcher.settimeout(ANSWER)
        memory = os.memfd_create("xylophone-log")
        ends.callback(os.close, memory)
        os.truncate(memory, SIZE)
        self.log = Log(mmap.mmap(memory, SIZE))
        common = {"kind": kind, "wiring": asdict(wiring), "trace": trace}
        spec = common | {
            "host": host_of_dispatcher.fileno(),
            "watchdog": watchdog_end.fileno(),
            "log": memory,
            "limits": limits,
        }
        dispatcher = _spawn("dispatcher", spec, (spec["host"], spec["watchdog"], memory))
        self._processes = [dispatcher]
        spec = common | {
            "dispatcher": dispatcher_end.fileno(),
            "host": host_of_watchdog.fileno(),
            "pids": (dispatcher.pid, os.getpid()),
        }
        self._processes.append(_spawn("watchdog", spec, (spec["dispatcher"], spec["host"])))

    def _opened(self) -> dict[str, Any]:
        if not self._readable(OPENING):
            raise BackendError(
                f"the dispatcher was not ready within {OPENING:g} s: the machine is too busy; try again"
            )
        message = receive(self._dispatcher)
        if message[:1] == Kind.OPENED:
            return dict(unpack_json(message[1:]))
        if message[:1] == Kind.NOT_OPENED:
            said = unpack_json(message[1:])
            raise getattr(errors, said["kind"])(said["message"])
        raise BackendError("the dispatcher ended before it was ready: what it said last is above")

    def _ask(self, message: bytes) -> int:
        """Send what is answered with a count, and return that; BackendError, and all off, without one."""
        self._send(message)
        limit = monotonic() + ANSWER
        while not self._counts:
            if self._over or not self._readable(max(0.0, limit - monotonic())):
                raise self._given_up("does not answer")
            self._take(receive(self._dispatcher))
        return self._counts.pop()

    def _send(self, message: bytes) -> None:
        if self._over:
            raise BackendError("the dispatcher has ended: open the backend again")
        try:
            self._dispatcher.send(message)
        except TimeoutError as error:
            raise self._given_up("takes nothing more") from error
        except OSError:  # it has ended, and has said why before
            self._hear(1.0)

    def _given_up(self, why: str) -> BackendError:
        """Have the watchdog switch off, and expect nothing more of this dispatcher; return the error."""
        self._tell_watchdog(Kind.TRIP)
        self._over = True
        told = f"the dispatcher {why}: the watchdog has switched all outputs off; open the backend again"
        self._said.append(Said(told, True))
        return BackendError(told)

    def _hear(self, limit: float) -> None:
        """Take all messages, waiting so long for each at most."""
        while not self._over and self._readable(limit):
            self._take(receive(self._dispatcher))

    def _take(self, message: bytes) -> None:
        kind, body = message[:1], message[1:]
        if kind == Kind.COUNT:
            self._counts.append(unpack_time(body))
        elif kind == Kind.FAULT:
            self._said.append(Said(**unpack_json(body)))
        elif not kind:
            self._end()

    def _end(self) -> None:
        """Take note that the dispatcher has ended; where the watchdog has too, switch off from here."""
        if self._over:
            return
        self._over = True
        with suppress(subprocess.TimeoutExpired):
            for process in self._processes:
                process.wait(LEAVING)
        ended = self._processes[0].returncode
        if ended or not any(said.fatal for said in self._said):
            self._said.append(Said(f"the dispatcher ended ({_how(ended)}): all outputs are off", True))
        if self._processes[1].returncode:
            self._switch_off()

    def _switch_off(self) -> None:
        """Do what the watchdog cannot do any more."""
        try:
            guard = open_guard(self._kind, self._wiring, lambda: None, self._trace)
            guard.claim()
            guard.cut()
        except (errors.XylophoneError, OSError) as error:
            self._said.append(
                Said(f"dispatcher and watchdog have ended, and {error}: SWITCH THE COILS OFF", True)
            )

    def _tell_watchdog(self, kind: Kind) -> None:
        with suppress(OSError):  # it has ended, so the dispatcher has switched off and says so
            self._watchdog.send(kind)

    def _readable(self, limit: float) -> bool:
        return bool(select.select([self._dispatcher], [], [], limit)[0])


class InProcess:
    """A dispatcher in this process, turned by a virtual clock; nobody watches it, so it is for tests."""

    def __init__(self, output: Output, guard: Guard, limits: Limits, clock: VirtualClock) -> None:
        self._output, self._guard, self._clock = output, guard, clock
        self.log = Log()
        self._dispatcher = Dispatcher(limits, output.write, self.log)
        self._said: list[Said] = []
        self.denied: list[str] = []
        output.prepare()
        guard.claim()
        self.found = output.check()
        self._allow()

    def send(self, pulses: Iterable[Pulse]) -> None:
        """Hand pulses over."""
        self._dispatcher.take(pulses)
        self._await_edge()

    def cancel(self, after: int) -> int:
        """Take back what starts at or after a time; return how many."""
        return self._dispatcher.cancel(after)

    def silence(self) -> None:
        """Have all outputs off."""
        self._try(lambda: self._dispatcher.silence(self._now()))

    def hold(self) -> None:
        """Switch off by the hardware line."""
        self._guard.cut()
        self._dispatcher.forget(self._now())
        self._held = True

    def release(self) -> None:
        """Let the outputs be on again."""
        if self._held:
            self._output.prepare()
            self._allow()

    def listen(self) -> list[Said]:
        """Return what was told since the last call."""
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        """Switch off and let go of the outputs."""
        self._guard.cut()
        self._dispatcher.forget(self._now())
        self._try(self._output.close)

    def _allow(self) -> None:
        self._guard.allow()
        self._output.begin()
        self._held = False

    def _now(self) -> int:
        return round(self._clock.now() * SECOND)

    def _await_edge(self) -> None:
        due = self._dispatcher.due()
        if due is not None:
            self._clock.at(max(self._clock.now(), due / SECOND), self._turn)

    def _turn(self) -> None:
        self._try(lambda: self._dispatcher.turn(self._now()))
        self._await_edge()

    def _try(self, reach: Callable[[], object]) -> None:
        """Reach for the outputs; where they fail, switch off by the hardware line and say so."""
        try:
            reach()
        except OSError as error:
            self._guard.cut()
            self._dispatcher.forget(self._now())
            self.log.add(Count.ERRORS)
            self._said.append(Said(f"the outputs failed and were switched off: {error}", True))


def open_line_to(
    kind: str, wiring: Wiring, limits: Limits, trace: str = "", clock: VirtualClock | None = None
) -> Line:
    """Return the line to a dispatcher for these outputs; in this process where there is a virtual clock."""
    if clock is None:
        return Processes(kind, wiring, limits, trace)
    guard = open_guard(kind, wiring, lambda: None, trace)
    return InProcess(open_output(kind, wiring, trace), guard, limits, clock)


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _spawn(role: str, spec: dict[str, Any], descriptors: tuple[Any, ...]) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: the terminal's signals are for the host."""
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "xylophone.gpio", role, json.dumps(spec)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=descriptors,
        env=os.environ | {"PYTHONPATH": path},
        start_new_session=True,
    )


def _how(returncode: int | None) -> str:
    if returncode is None:
        return "it does not leave"
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
