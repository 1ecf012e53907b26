"""The two processes: `python -m xylophone.gpio dispatcher|watchdog`, started by `processes.py` only."""

from __future__ import annotations

import json
import mmap
import signal
import socket
import sys
from typing import Any

from .. import errors
from ..errors import XylophoneError
from ..wiring import Wiring
from .dispatcher import Dispatcher
from .limits import Limits
from .log import SIZE, Log
from .messages import Kind, pack_json


def main() -> None:
    """Be what the arguments ask for: a role, and what it needs as JSON."""
    role, spec = sys.argv[1], json.loads(sys.argv[2])
    spec["wiring"] = Wiring(**{key: _tuple(value) for key, value in spec["wiring"].items()})
    roles = {"dispatcher": dispatch, "watchdog": watch}
    roles[role](spec, _asked_to_leave())


def dispatch(spec: dict[str, Any], wake: socket.socket) -> None:
    """Be the dispatcher; what keeps it from opening goes to the host."""
    from .loop import Loop
    from .outputs import open_output

    host, dog = socket.socket(fileno=spec["host"]), socket.socket(fileno=spec["watchdog"])
    wiring = spec["wiring"]
    try:
        output = open_output(spec["kind"], wiring, spec["trace"])
        log = Log(mmap.mmap(spec["log"], SIZE))
        dispatcher = Dispatcher(Limits.read(spec["limits"]), output.write, log)
        loop = Loop(dispatcher, output, host, dog, wake, wiring.on_error == "go on")
        try:
            loop.open()
        except BaseException:
            output.close()
            raise
    except (XylophoneError, OSError) as error:
        kinds = (kind.__name__ for kind in type(error).__mro__ if hasattr(errors, kind.__name__))
        kind = next(kinds, "BackendMissing")
        host.send(pack_json(Kind.NOT_OPENED, {"kind": kind, "message": str(error)}))
        return
    loop.run()


def watch(spec: dict[str, Any], wake: socket.socket) -> None:
    """Be the watchdog."""
    from .guards import ender, open_guard
    from .realtime import WATCHDOG, be_punctual
    from .watchdog import Watchdog

    dispatcher, host = socket.socket(fileno=spec["dispatcher"]), socket.socket(fileno=spec["host"])
    dispatcher_process, host_process = spec["pids"]
    end = ender(dispatcher_process)
    try:
        guard = open_guard(spec["kind"], spec["wiring"], end, spec["trace"])
    except XylophoneError as error:
        dispatcher.send(Kind.NO_LINE + str(error).encode())
        return
    be_punctual(WATCHDOG)
    Watchdog(guard, end, dispatcher, host, wake, (dispatcher_process, host_process)).run()


def _asked_to_leave() -> socket.socket:
    """Return a socket that becomes readable when SIGINT, SIGTERM or SIGHUP comes."""
    wake, hears = socket.socketpair()
    hears.setblocking(False)
    signal.set_wakeup_fd(hears.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return wake


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main()
