"""The two processes: `python -m xylophone.gpio dispatcher|watchdog`, started by `children.py` only."""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from .. import errors
from ..errors import XylophoneError
from ..wiring import Wiring
from .coil_limits import Limits
from .datagrams import LEAVE_BY, Datagram, is_stopped
from .dispatcher import Dispatcher
from .duty import Duty
from .guards import ender, open_guard, patiently, take
from .links import Links
from .log import SIZE, Log
from .loop import Loop, timed
from .outputs import open_output
from .pi import library_errors, opening_errors
from .realtime import DISPATCHER, WATCHDOG, be_punctual
from .watchdog import Watchdog


def main() -> None:
    """Be what the arguments ask for: a role, and what it needs as JSON."""
    wake = _asked_to_leave()
    role, spec = sys.argv[1], json.loads(sys.argv[2])
    spec["wiring"] = Wiring(**{key: _tuple(value) for key, value in spec["wiring"].items()})
    roles = {"dispatcher": dispatch, "watchdog": watch}
    try:
        roles[role](spec, wake)
    finally:  # it leaves already; not by a mask, since lgpio has a thread of its own that would be asked
        for number in LEAVE_BY:
            signal.signal(number, signal.SIG_IGN)


def dispatch(spec: dict[str, Any], wake: socket.socket) -> None:
    """Be the dispatcher; what keeps it from opening goes to the host."""
    log = Log(mmap.mmap(spec["log"], SIZE))
    links = Links(_line(spec["host"]), _line(spec["watchdog"]), wake, log)
    with ExitStack() as ends:
        try:
            loop, watchdog = _open(spec, links, log, ends)
            handle = os.pidfd_open(watchdog)
        except opening_errors() as error:
            kinds = (kind.__name__ for kind in type(error).__mro__ if hasattr(errors, kind.__name__))
            kind = next(kinds, "BackendMissing")
            links.tell_start(Datagram.NOT_OPENED, {"kind": kind, "message": str(error)})
            return
        ends.pop_all()
    why = loop.run()
    if is_stopped(watchdog):
        _relieve(spec, handle)
    links.tell(why, fatal=True)


def _relieve(spec: dict[str, Any], watchdog: int) -> None:
    """Take the lines of a watchdog that is dead or stands still, by its pidfd: the host may be dead too."""
    try:
        ender(watchdog)()
        guard = open_guard(spec["kind"], spec["wiring"], lambda: None, spec["trace"])
        take(guard, partial(patiently, guard.claim))
    except opening_errors() as error:
        sys.exit(f"xylophone: the dispatcher cannot switch off: {error}; the program that plays will try")


def _open(spec: dict[str, Any], links: Links, log: Log, ends: ExitStack) -> tuple[Loop, int]:
    """Return the loop of a dispatcher whose outputs are open, and the process of its watchdog.

    `ends` closes the outputs. Errors pass through.
    """
    output = open_output(spec["kind"], spec["wiring"], spec["trace"])
    dispatcher = Dispatcher(Limits.read(spec["limits"]), timed(output.write), log)
    duty = Duty(dispatcher, output, links, spec["wiring"].on_error == "go on")
    ends.callback(duty.close)
    found = duty.open()
    links.tell_start(Datagram.OPENED, {"found": found, "denied": be_punctual(DISPATCHER)})
    return Loop(dispatcher, duty, links), duty.dog_process


def watch(spec: dict[str, Any], wake: socket.socket) -> None:
    """Be the watchdog; its exit code is 0 only if the outputs are off."""
    dispatcher, host = _line(spec["dispatcher"]), _line(spec["host"])
    end = ender(spec["handle"])
    try:
        guard = open_guard(spec["kind"], spec["wiring"], end, spec["trace"])
    except XylophoneError as error:
        with suppress(OSError):  # it has gone
            dispatcher.send(Datagram.NO_LINE + str(error).encode(errors="replace"))
        return
    be_punctual(WATCHDOG)
    try:
        Watchdog(guard, end, dispatcher, host, wake, tuple(spec["pids"])).run()
    except library_errors() as error:
        sys.exit(f"xylophone: the watchdog cannot switch off: {error}; the program that plays will try")


def _asked_to_leave() -> socket.socket:
    """Return a socket that becomes readable when a signal asks to leave, or has since the start."""
    wake, hears = socket.socketpair()
    hears.setblocking(False)
    signal.set_wakeup_fd(hears.detach(), warn_on_full_buffer=False)
    for number in LEAVE_BY:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, LEAVE_BY)
    return wake


def _line(number: int) -> socket.socket:
    """Return a socket by its descriptor, under a number that select can take: a host may have many files."""
    low = os.dup(number)
    os.close(number)
    return socket.socket(fileno=low)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main()
