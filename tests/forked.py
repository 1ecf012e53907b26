"""The Python that tests/forking.py forks: it has imported `xylophone`, which each fork uses.

Its arguments are the word xylophone, by which players are known, and the socket over which orders come.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
import termios
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

LAZY = (
    "rich.console",
    "rich.live",
    "rich.text",
    "blessed",
    "serial",
    "mido",
    "multiprocessing.spawn",
    "sqlite3",
)
"""What commands import when they are at it."""


def serve(orders: socket.socket) -> None:
    """Fork for each order, and tell over the connection that comes with it how the fork ended.

    Returns in the fork alone, which is ready to run the command; ends when nobody can order any more.
    """
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal that the tests were started in
    told: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([orders.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_ends(told)
        if orders.fileno() not in ready:
            continue
        length, descriptors, _, _ = socket.recv_fds(orders, 4, 4)
        if not length:
            sys.exit()
        order = orders.recv(int.from_bytes(length, "little"), socket.MSG_WAITALL)
        *streams, reply = descriptors
        if not (process := os.fork()):
            signal.set_wakeup_fd(-1)
            for end in (woken, wakes, reply, *(other.detach() for other in (orders, *told.values()))):
                os.close(end)
            _become(json.loads(order), streams)
            return
        told[process] = socket.socket(fileno=reply)
        told[process].send(process.to_bytes(4, "little"))
        for stream in streams:
            os.close(stream)


def _tell_ends(told: dict[int, socket.socket]) -> None:
    for process in list(told):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            with told.pop(process) as reply:
                reply.send(os.waitstatus_to_exitcode(status).to_bytes(4, "little", signed=True))


def _become(order: dict[str, Any], streams: list[int]) -> None:
    """Take over words, folder, environment and streams, and the usual answers to signals."""
    for number in (signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    if order["leads"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["xylophone", *order["words"]]
    sys.stdin = _text(0, "r")
    sys.stdout = _text(1, "w", buffering=1 if os.isatty(1) else -1)
    sys.stderr = _text(2, "w", buffering=1, errors="backslashreplace")


def _text(number: int, mode: str, **manner: Any) -> Any:
    return open(number, mode, closefd=False, **manner)


def _run(words: list[str]) -> None:
    """Run `-c` with a program, a script, or else a command line of xylophone."""
    if words[1] == "-c":
        sys.argv = ["-c", *words[3:]]
        exec(words[2], {"__name__": "__main__"})
    elif words[1].endswith(".py"):
        sys.argv = words[1:]
        code = Path(words[1]).read_text("utf-8")
        exec(compile(code, words[1], "exec"), {"__name__": "__main__", "__file__": words[1]})
    else:
        import_module("xylophone.cli").main()


def _import_all() -> None:
    import xylophone.cli as cli

    for module in iter_modules(cli.__path__):
        import_module(f"xylophone.cli.{module.name}")
    for name in LAZY:
        import_module(name)


if __name__ == "__main__":
    _import_all()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[2])))
    _run(sys.argv)
