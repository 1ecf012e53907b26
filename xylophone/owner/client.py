"""A client of the owner: for the command line, for programs, and for tests. Loads nothing that is slow."""

from __future__ import annotations

import os
import select
import socket
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any

from .. import errors
from ..errors import BackendError, BackendMissing, ConfigError, FileError, XylophoneError
from .lines import PROTOCOL, Lines, read, written
from .peers import Peer
from .places import doors

PATIENCE = 90.0
"""s that an answer is waited for; the longest, of a song that is arranged first, comes within 60."""

MOST_ANSWER = 2**22
"""Bytes of a line that an owner sends."""

ENTRY = 2.0
"""s in which an owner that lives takes a client in, however many others wait at its door."""

LOOK = 0.05
"""s between two looks whether an owner has come, or takes one in."""

NOBODY = "no owner runs: start one with: xylophone serve"


class OwnerClient:
    """A connection to the owner, for one thread; only `ask` may be called from others.

    What the owner refuses is raised as the error that it is there. Events come by `follow`, and those that
    come while an answer is waited for are kept for it.

    >>> OwnerClient.connect("nowhere.sock")
    Traceback (most recent call last):
    xylophone.errors.BackendMissing: no owner runs: start one with: xylophone serve
    """

    def __init__(self, connection: socket.socket, within: float = PATIENCE) -> None:
        self._connection, self._lines = connection, Lines(MOST_ANSWER)
        self._events: deque[dict[str, Any]] = deque()
        self._number, self._asking = 0, threading.RLock()  # a signal's answer may come while one asks
        self.peer = Peer.of(connection)
        self._send({"xylophone": PROTOCOL})
        self.greeting = self._greeted(within)

    @classmethod
    def connect(
        cls, path: str | Path | None = None, wait: float = 0.0, within: float = PATIENCE
    ) -> OwnerClient:
        """Connect to the owner that runs, by default where one is looked for.

        `wait` is for how many seconds one is waited for that is not there yet, `within` how long its greeting
        is. BackendMissing where none runs, FileError where this user may not use it.
        """
        end = monotonic() + wait
        while True:
            try:
                return cls(connection_to(path), within)
            except BackendMissing:
                if monotonic() >= end:
                    raise
            sleep(LOOK)

    def do(
        self,
        name: str,
        *,
        within: float = PATIENCE,
        early: Callable[[dict[str, Any]], object] = lambda line: None,
        **arguments: Any,
    ) -> dict[str, Any]:
        """Have a command done and return the answer.

        `early` is called with a line that comes before the answer. Each line is waited for `within` seconds,
        after an early one PATIENCE. Raises what the owner refuses it with; BackendError where it is silent.
        """
        number = self.ask(name, **arguments)
        while True:
            line = self._line(within)
            if "event" in line:
                self._events.append(line)
            elif "error" in line and line.get("id") in (number, None):
                raise error_of(line["error"])
            elif line.get("id") == number and isinstance(line.get("ok"), dict):
                return dict(line["ok"])
            elif line.get("id") == number:
                early(line)
                within = PATIENCE

    def ask(self, name: str, **arguments: Any) -> int:
        """Ask for a command and return its id, by which `take` gives its answer. From any thread."""
        with self._asking:
            self._number += 1
            number = self._number
            self._send({"id": number, "do": name, **arguments})
        return number

    def take(self, within: float) -> dict[str, Any] | None:
        """Return the next event, or answer to what was asked for; None where none comes within so many s."""
        if self._events:
            return self._events.popleft()
        while (line := self._lines.take()) is None:
            if not select.select([self._connection], [], [], within)[0]:
                return None
            self._feed()
        return read(line)

    def follow(self, *what: str) -> Iterator[dict[str, Any]]:
        """Subscribe to topics, `state` and `ahead`, and yield events as they come, until the owner leaves.

        The first one says how things are. BackendError where the owner ends without a farewell.
        """
        self.do("subscribe", what=list(what))
        while True:
            while self._events:
                event = self._events.popleft()
                yield event
                if event["event"] == "bye":
                    return
            line = self._line(None)
            if "event" in line:
                self._events.append(line)

    def close(self) -> None:
        """Leave; what was asked of the owner goes on."""
        self._connection.close()

    def __enter__(self) -> OwnerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def whose(self) -> str:
        """The owner's process, in words."""
        return f"the owner, process {self.peer.pid}," if self.peer.pid else "the owner"

    def _greeted(self, within: float) -> dict[str, Any]:
        try:
            line = self._line(within)
        except BaseException:
            self.close()
            raise
        if line.get("xylophone") != PROTOCOL:
            self.close()
            if "error" in line:
                raise error_of(line["error"])
            raise BackendError(
                f"{self.whose} speaks version {line.get('xylophone')}, this program {PROTOCOL}: "
                "use programs of one version, and start the owner anew"
            )
        return line

    def _send(self, line: Mapping[str, Any]) -> None:
        try:
            with suppress(BrokenPipeError):  # that it has left is told where its answer is waited for
                self._connection.sendall(written(line))
        except TimeoutError:  # a part of the line may have gone: what follows would be no line
            self.close()
            raise BackendError(f"{self.whose} takes nothing more: look at it") from None

    def _line(self, within: float | None) -> dict[str, Any]:
        """Return the next line, waiting for it; None waits for ever. BackendError where none comes."""
        end = None if within is None else monotonic() + within
        while (line := self._lines.take()) is None:
            self._connection.settimeout(None if end is None else max(1e-3, end - monotonic()))
            try:
                self._feed()
            except TimeoutError:
                raise BackendError(f"{self.whose} does not answer within {within:g} s: look at it") from None
        return read(line)

    def _feed(self) -> None:
        """Take in what has come; BackendError at the end of the connection."""
        try:
            content = self._connection.recv(65536)
        except ConnectionError:
            content = b""
        if not content:
            raise BackendError(
                f"{self.whose} has ended, or has let go of this client: look with xylophone status"
            )
        self._lines.feed(content)


def error_of(told: Mapping[str, str]) -> XylophoneError:
    """Return the error that an owner tells, of its own class where there is such a one here."""
    kind = getattr(errors, str(told.get("kind")), XylophoneError)
    known = isinstance(kind, type) and issubclass(kind, XylophoneError)
    message = str(told.get("message"))
    if kind is ConfigError:
        return ConfigError(*message.splitlines())  # one for each mistake
    return kind(message) if known else XylophoneError(message)


def connection_to(path: str | Path | None = None) -> socket.socket:
    """Return a connection to the owner that runs, by default at the first door behind which one lives.

    BackendMissing where none does, FileError where this user may not use the only one, BackendError where
    it takes nobody in.
    """
    places = [Path(path)] if path is not None else [door.path for door in doors(os.environ)]
    connection, place = first_of(places, ENTRY)
    if connection is None:
        raise BackendError(not_taken_in(place))
    return connection


def first_of(places: Sequence[Path], within: float) -> tuple[socket.socket | None, Path]:
    """Return a connection to the first of these sockets behind which an owner lives, and that socket's path.

    The connection is None where the owner takes nobody in for `within` seconds, and as many wait already as
    the system lets wait. BackendMissing and FileError as of `connection_to`.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise BackendMissing(NOBODY)
    refused: FileError | None = None
    for place in places:
        connection = socket.socket(socket.AF_UNIX)
        try:
            if _taken_in(connection, place, within):
                return connection, place
            connection.close()
            return None, place
        except PermissionError:
            refused = refused or FileError(_no_right(place))
        except (OSError, ValueError):
            pass
        connection.close()
    raise refused or BackendMissing(NOBODY)


def _taken_in(connection: socket.socket, path: Path, within: float) -> bool:
    connection.setblocking(False)  # else it waits for ever where too many others do
    end = monotonic() + within
    while True:
        try:
            connection.connect(str(path))
        except BlockingIOError:
            if monotonic() >= end:
                return False
            sleep(LOOK)
        else:
            connection.setblocking(True)
            return True


def not_taken_in(path: Path) -> str:
    """Return in words that an owner hangs."""
    return f"the owner at {path} takes nobody in: end it with: xylophone off"


def _no_right(path: Path) -> str:
    """Return in words that a user may not use a socket, and what group may."""
    import grp

    with suppress(OSError, KeyError):
        found = path.parent.stat()
        if found.st_mode & stat.S_IRWXG:
            group = grp.getgrgid(found.st_gid).gr_name
            return (
                f"you may not use the owner at {path}: join its group, {group}: "
                f"sudo usermod -aG {group} $USER, then log in again"
            )
    return f"the owner at {path} is another user's alone: do it as that user"
