"""The plainest owner that keeps a state: what the commands of the command line meet in their tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xylophone.errors import PlayerError
from xylophone.owner.commands import Command
from xylophone.owner.peers import Peer
from xylophone.owner.places import Door
from xylophone.owner.server import Server

OFF = "all coils are off"


class PlainOwner:
    """Entries with ids, the first of which plays; nothing takes time."""

    def __init__(self) -> None:
        self.songs: dict[int, dict[str, Any]] = {}
        self.coils = OFF
        self.state: dict[str, Any] = {
            "state": "idle", "backend": "gpio:null", "position": 0.0, "at": 0.0, "measure": 1, "beat": 1.0,
            "speed": 1.0, "tempo_bpm": 78.0, "volume": 60, "transpose": 0, "loop": None, "repeat": False,
            "finish": False, "preparing": None, "stopped": None, "message": None,
        }  # fmt: skip

    def __call__(self, command: Command, who: Peer) -> Any:
        name, arguments = command.name, dict(command.arguments)
        if name == "state":
            return self.now()
        if name == "stop":
            return self.stop(who, **arguments)
        act = getattr(self, name, None)
        return act(**arguments) if act else self.change(name, **arguments)

    def now(self) -> dict[str, Any]:
        """Return the answer to most commands."""
        ids = list(self.songs)
        playing = self.state["state"] in ("playing", "paused")
        first = self.songs[ids[0]] if ids and playing else None
        coming = ids[1:] if playing else ids
        song = first and {"entry": ids[0], "title": first["title"], "path": first["path"], "duration": 81.5}
        queue = {"count": len(coming), "next": self.songs[coming[0]]["title"] if coming else None}
        return {"state": {**self.state, "song": song, "queue": queue}}

    def change(self, name: str, to: Any = None, by: float = 0, on: bool | None = None) -> dict[str, Any]:
        key = {"seek": "position"}.get(name, name)
        if key in self.state:
            value = on if on is not None else to if to is not None else self.state[key] + by
            self.state[key] = min(value, 100) if name == "volume" else value
        return self.now()

    def do(self, state: str) -> dict[str, Any]:
        if self.state["state"] == "idle":
            raise PlayerError("cannot do that while idle: possible is play, add")
        self.state["state"] = state
        return self.now()

    def pause(self) -> dict[str, Any]:
        return self.do("paused")

    def resume(self) -> dict[str, Any]:
        return self.do("playing")

    def next(self) -> dict[str, Any]:
        del self.songs[next(iter(self.songs))]
        return self.do("playing")

    def previous(self) -> dict[str, Any]:
        self.state["position"] = 0.0
        return self.do("playing")

    def add(self, songs: list[dict[str, Any]]) -> dict[str, Any]:
        for song in songs:
            self.songs[max(self.songs, default=0) + 1] = {**song, "title": Path(song["path"]).stem}
        return self.now()

    def insert(self, songs: list[dict[str, Any]]) -> dict[str, Any]:
        old, self.songs = self.songs, {}
        first = next(iter(old))
        self.songs[first] = old.pop(first)
        for song in songs:
            self.songs[max({**old, **self.songs}) + 1] = {**song, "title": Path(song["path"]).stem}
        self.songs |= old
        return self.now()

    def queue(self, first: int = 0, count: int = 99) -> dict[str, Any]:
        entries = [
            {"entry": one, "title": song["title"], "path": song["path"], "state": "waiting", "why": None}
            for one, song in self.songs.items()
        ]
        begin = list(self.songs).index(first) if first else 0
        return {"entries": entries[begin : begin + count], "count": len(entries)}

    def move(self, entry: int, to: int) -> dict[str, Any]:
        ids = list(self.songs)
        ids.remove(entry)
        ids.insert(to + 1, entry)
        self.songs = {one: self.songs[one] for one in ids}
        return self.now()

    def remove(self, entries: list[int]) -> dict[str, Any]:
        for entry in entries:
            if entry not in self.songs:
                raise PlayerError(f"there is no entry {entry}: look with xylophone queue")
            del self.songs[entry]
        return self.now()

    def clear(self) -> dict[str, Any]:
        self.songs = dict(list(self.songs.items())[:1])
        return self.now()

    def shuffle(self, seed: int = 0) -> dict[str, Any]:
        first, *others = self.songs.items()
        self.songs = dict([first, *others[::-1]])
        return self.now()

    def stop(self, who: Peer, why: str = "") -> Any:
        self.state |= {"state": "stopped"}
        self.state["stopped"] = {"who": who.name, "when": "2026-03-01T12:00:00Z", "why": why}
        return {**self.now(), "coils": self.coils}

    def release(self) -> dict[str, Any]:
        if self.state["stopped"] is None:
            raise PlayerError("nothing is stopped: there is nothing to release")
        self.state |= {"state": "idle", "stopped": None}
        return self.now()


@contextmanager
def owning(folder: Path) -> Iterator[tuple[PlainOwner, Server]]:
    """Have such an owner where the commands of a test look for one."""
    owner = PlainOwner()
    with Server(owner, dict, Door(folder / "run" / "owner.sock", False, folder)) as server:
        yield owner, server


def main(folder: str, coils: str = OFF) -> None:
    """Own until the end of stdin, as a process of its own that plays on a backend that strikes nothing."""
    from xylophone.running.playing import playing

    with playing("gpio:null"), owning(Path(folder)) as (owner, _):
        owner.coils = coils
        print(os.getpid(), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
