"""A small owner behind the real server, and a wire on which a client says whatever it likes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import programs
from xylophone.errors import PlayerError, SafetyError
from xylophone.owner.commands import Command
from xylophone.owner.peers import Peer
from xylophone.owner.places import Door
from xylophone.owner.server import PATIENCE, Server
from xylophone.owner.session import Early

HELLO = b'{"xylophone":1}\n'


class Answerer:
    """Counts what it is told; a stop has two steps, what is played is answered when a test says so."""

    def __init__(self) -> None:
        self.told: list[Command] = []
        self.peers: set[Peer] = set()
        self.stop = Early(Future(), Future())
        self.played: list[Future[Any]] = []

    def greeting(self) -> dict[str, Any]:
        return {"zero": 12.5}

    def __call__(self, command: Command, who: Peer) -> Any:
        self.told.append(command)
        self.peers.add(who)
        if command.name == "pause":
            raise PlayerError("cannot pause while idle: possible is play")
        if command.name == "resume":
            raise SafetyError("everything is stopped: release it first")
        if command.name == "toggle":
            return 1 / 0
        if command.name == "stop":
            return self.stop
        if command.name == "play":
            self.played.append(Future())
            return self.played[-1]
        return {"did": command.name, "count": len(self.told)}


class Wire:
    """A raw connection; what it waits for comes, or the test fails."""

    def __init__(self, path: Path, *, greeted: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(programs.PATIENCE)
        self.socket.connect(str(path))
        self._file = self.socket.makefile("rb")
        if greeted:
            self.send(HELLO)
            assert self.line()["xylophone"] == 1

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def ask(self, number: int, name: str, **arguments: Any) -> None:
        self.send(json.dumps({"id": number, "do": name, **arguments}).encode() + b"\n")

    def line(self) -> Any:
        return json.loads(self._file.readline())

    def rest(self) -> list[Any]:
        """Return all lines up to the end of the connection."""
        return [json.loads(line) for line in self._file]

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def serving(folder: Path, answerer: Answerer, patience: float = PATIENCE) -> Iterator[tuple[Server, Path]]:
    """Serve at a socket in a folder; no thread is left."""
    path = folder / "run" / "owner.sock"
    before = threading.active_count()
    with Server(answerer, answerer.greeting, Door(path, False, folder), patience) as server:
        yield server, path
    assert threading.active_count() == before
    assert not path.exists()
