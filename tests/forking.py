"""`xylophone` as a process that is forked from a Python which has imported it: most of what a start costs.

It has streams, signals, a terminal, an end and an exit code as any process has. How a start goes (imports,
locale, what the loader reads) a fork does not show: tests of that start the program anew, by `programs`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from types import TracebackType
from typing import IO, Any

import programs

TESTS = Path(__file__).resolve().parent

ONE = threading.Lock()
"""Held while an order is sent."""


@cache
def _orders() -> socket.socket:
    """Start the Python that is forked; return the socket that takes orders, which ends it when it closes."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, str(TESTS / "forked.py"), "xylophone", str(theirs.fileno())]
    root = programs.Program(command, pass_fds=[theirs.fileno()], stdin=DEVNULL, stdout=DEVNULL)
    theirs.close()

    def end() -> None:
        ours.close()
        root.wait()

    atexit.register(end)
    return ours


class Fork:
    """A fork that runs the program with these words; used as `programs.Program` is.

    Words may also be `-c` and a program in Python, or a script, each with its arguments. One that `leads` has
    its stdin for its terminal, whose Ctrl-C is a signal.
    """

    def __init__(
        self,
        words: Sequence[object],
        *,
        env: Mapping[str, str],
        cwd: Path | str = "/",
        text: bool = False,
        stdin: Any = DEVNULL,
        stdout: Any = None,
        stderr: Any = None,
        leads: bool = False,
    ) -> None:
        self.args = ["xylophone", *map(str, words)]
        self.returncode: int | None = None
        self.stdin, self.stdout, self.stderr = None, None, None
        self._lent: list[int] = []
        streams = [self._lend(0, stdin, text)]
        streams.append(self._lend(1, stdout, text))
        streams.append(streams[1] if stderr == STDOUT else self._lend(2, stderr, text))
        self._told, reply = socket.socketpair()
        order = {"words": self.args[1:], "environment": dict(env), "folder": str(cwd), "leads": leads}
        content = json.dumps(order).encode()
        with reply, ONE:
            length = len(content).to_bytes(4, "little")
            socket.send_fds(_orders(), [length], [*streams, reply.fileno()])
            _orders().sendall(content)
        for descriptor in self._lent:
            os.close(descriptor)
        self.pid = int.from_bytes(self._told.recv(4), "little")

    def _lend(self, number: int, given: Any, text: bool) -> int:
        """Return the descriptor that the fork gets as this stream; a pipe's other end is ours."""
        if given is None:
            return number
        if given == DEVNULL:
            self._lent.append(os.open(os.devnull, os.O_RDWR))
            return self._lent[-1]
        if given != PIPE:
            return given if isinstance(given, int) else int(given.fileno())
        assert number, "a fork reads from no pipe"
        ours, theirs = os.pipe()
        self._lent.append(theirs)
        made = os.fdopen(ours, "r" if text else "rb")
        setattr(self, ("stdin", "stdout", "stderr")[number], made)
        return theirs

    def poll(self) -> int | None:
        """Return the exit code once it has ended; as subprocess has it, less than 0 for a signal."""
        return self._look(0.0)

    def wait(self, timeout: float | None = programs.PATIENCE) -> int:
        """Wait until it has ended."""
        if (code := self._look(timeout)) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = int.from_bytes(self._told.recv(4), "little", signed=True)
            self._told.close()
        return self.returncode

    def communicate(self, timeout: float = programs.PATIENCE) -> tuple[Any, Any]:
        """Read what it writes to its end, and wait for it."""
        read: dict[str, Any] = {}

        def take(name: str, stream: IO[Any]) -> None:
            with stream:
                read[name] = stream.read()

        streams = {"stdout": self.stdout, "stderr": self.stderr}
        readers = [threading.Thread(target=take, args=row, daemon=True) for row in streams.items() if row[1]]
        end = time.monotonic() + timeout
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(max(0.0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.wait(max(0.0, end - time.monotonic()))
        return read.get("stdout"), read.get("stderr")

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """End it at once, if it still runs or stands still."""
        for number in (signal.SIGCONT, signal.SIGKILL):
            self.send_signal(number)
        self.wait()

    def __enter__(self) -> Fork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for stream in (self.stdout, self.stderr):
                if stream is not None:
                    stream.close()
            if kind is None:
                self.wait()
        finally:
            self.end()


def run(words: Sequence[object], *, timeout: float = programs.PATIENCE, **options: Any) -> Any:
    """Run the program to its end, as `programs.run` does."""
    if options.pop("capture_output", False):
        options |= {"stdout": PIPE, "stderr": PIPE}
    with Fork(words, **options) as fork:
        out, err = fork.communicate(timeout)
    return subprocess.CompletedProcess(fork.args, fork.returncode, out, err)
