"""An owner on a virtual clock: what clients ask for comes at moments, and nothing else takes time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from player.pieces import INSTRUMENT
from xylophone.arranger import Weights
from xylophone.backends.simulated import SimulatedBackend
from xylophone.clock import VirtualClock
from xylophone.errors import XylophoneError
from xylophone.midifile.writing import write_song
from xylophone.owner.commands import checked
from xylophone.owner.core import Core, Opened
from xylophone.owner.desk import Desk
from xylophone.owner.latch import Latch
from xylophone.owner.latching import Latching
from xylophone.owner.making import Made, Maker, Recipe
from xylophone.owner.peers import Peer
from xylophone.owner.queue import Entry
from xylophone.owner.session import Early
from xylophone.simulation.hammers import Twin
from xylophone.song import Song
from xylophone.tables import NOTE

ME, OTHER = Peer(1, 0, 0), Peer(1, 0, 0)

BEATS = 8


def song(folder: Path, name: str, beats: int = BEATS, pitch: int = 67) -> dict[str, Any]:
    """Write a song of so many notes, four a second, and return it as a client names it."""
    table = np.zeros(beats, NOTE)
    table["onset"], table["duration"] = np.arange(beats) * 0.25, 0.1
    table["velocity"], table["loudness"] = 80, 80
    table["pitch"] = pitch + np.arange(beats) % 12
    path = folder / f"{name}.mid"
    write_song(path, Song(table, title=name, duration=beats * 0.25))
    return {"path": str(path), "transpose": 0}


class AtOnce(Executor):
    """Does everything where it is asked for."""

    def submit(self, call: Any, /, *arguments: Any, **more: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*arguments, **more))
        except Exception as error:
            done.set_exception(error)
        return done


class Busy(Maker):
    """Makes nothing ready while `at_work` says so, as a worker that is long about it."""

    at_work = False

    def wanted(self, entry: Entry) -> Made | None:
        return None if self.at_work else super().wanted(entry)


class Held:
    """A core with its desk on simulated hammers that are all alike; `events` are what clients are told."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.folder = folder
        self.backends: list[SimulatedBackend] = []
        self.events: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.noted = False
        self.fails: list[Exception] = []  # what opening the backend raises, one after the other
        self.maker = Busy(Recipe(INSTRUMENT, Weights()), None)
        self.core = Core(
            self.stage,
            self.maker,
            Latching(Latch(folder / "state"), AtOnce()),
            self.clock,
            tell=self.note,
            say=self.lines.append,
        )
        self.desk = Desk(self.core, lambda event: self.events.append(dict(event)))

    @contextmanager
    def stage(self) -> Iterator[Opened]:
        if self.fails:
            raise self.fails.pop(0)
        twin = Twin(INSTRUMENT, scatter_time=0.0, scatter_level_db=0.0, tolerance=0.0)
        with SimulatedBackend(INSTRUMENT, self.clock, twin) as backend:
            self.backends.append(backend)
            yield Opened(backend, listen=self.spread, tick=0.1)

    def note(self) -> None:
        self.noted = True

    def spread(self) -> None:
        """Tell the clients, as the server does on its thread."""
        if self.noted:
            self.noted = False
            self.desk.tell()

    def ask(self, name: str, who: Peer = ME, /, **arguments: Any) -> Future[Any]:
        """Ask for a command now; return what is answered."""
        answer: Future[Any] = Future()
        try:
            found = self.desk.answer(checked({"id": 1, "do": name, **arguments}), who)
        except XylophoneError as error:
            answer.set_exception(error)
            return answer
        if isinstance(found, Early):
            found = found.answer
        if isinstance(found, Future):
            return found
        answer.set_result(found)
        return answer

    def at(self, moment: float, name: str, **arguments: Any) -> Future[Any]:
        """Ask for a command at a moment; return what will be answered."""
        answer: Future[Any] = Future()

        def given(done: Future[Any]) -> None:
            if done.exception(0) is None:
                answer.set_result(done.result(0))
            else:
                answer.set_exception(done.exception(0))

        self.clock.at(moment, lambda: self.ask(name, **arguments).add_done_callback(given))
        return answer

    def busy(self, begin: float, end: float) -> None:
        """Let nothing be made ready from a moment to another."""
        self.clock.at(begin, lambda: setattr(self.maker, "at_work", True))
        self.clock.at(end, lambda: setattr(self.maker, "at_work", False))

    def until(self, moment: float) -> Held:
        """Hold the instrument until a moment."""
        self.clock.at(moment, self.core.leave)
        self.core.hold()
        return self

    def heard(self) -> list[float]:
        """Return when bars were struck, to the ms."""
        hits = [hit for backend in self.backends for hit in backend.outcome().hits if not hit["double"]]
        return sorted(round(float(hit["time"]), 3) for hit in hits)

    def titles(self) -> list[str]:
        """Return what played, as the clients were told it."""
        seen: list[tuple[int, str]] = []
        for event in self.events:
            playing = event.get("state", {}).get("song")
            if playing and (not seen or seen[-1][0] != playing["entry"]):
                seen.append((playing["entry"], playing["title"]))
        return [title for _, title in seen]
