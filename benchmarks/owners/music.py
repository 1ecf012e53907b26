"""Music that plays while an owner has all hands full, who follows and who disturbs, and what came of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from accuracy import dense_song
from lateness import matched

from xylophone import Song, build_instrument
from xylophone.errors import XylophoneError
from xylophone.midifile.writing import write_song
from xylophone.tables import PULSE, Rows

from .outputs import Outputs, Traced
from .running import XYLOPHONE, Owner, environment

ROOT = Path(__file__).resolve().parents[2]
SONGS = sorted((ROOT / "songs").glob("*.mid"))
DENSEST = ROOT / "songs" / "flight_of_the_bumblebee.mid"
FOLLOWERS = 10
KILLS = (4.0, 12.0)
"""s between two deaths of the worker, at least and at most."""

LOOK = 0.05


def write_dense(path: Path, seconds: float) -> Path:
    """Write random music of so many seconds, denser than any song: the supply's limit is met in it."""
    song: Song = dense_song(7, [hammer.pitch for hammer in build_instrument().hammers], seconds)
    write_song(path, song)
    return path


@contextmanager
def owning(kind: Callable[[Path], Outputs] = Traced, seconds: float = 60.0) -> Iterator[tuple[Owner, Path]]:
    """Have an owner of such outputs, and dense music of so many seconds."""
    with tempfile.TemporaryDirectory() as name:
        song = write_dense(Path(name) / "dense.mid", seconds)
        with Owner(Path(name), kind(Path(name))) as owner:
            yield owner, song


@dataclass
class Follower:
    """A client that is told all: `seen` are its events, each with the monotonic time of its arrival."""

    owner: Owner
    seen: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client = self.owner.connect()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        with suppress(XylophoneError, OSError):
            for event in self._client.follow("state", "ahead"):
                self.seen.append((monotonic(), event))

    def told(self) -> Rows:
        """Return the pulses that it was told of and that were not taken back, in the owner's time."""
        rows: list[list[float]] = []
        for _, event in self.seen:
            if event["event"] == "back":
                rows = [row for row in rows if row[3] < event["from"]]
            rows += event.get("strikes", ())
        hammers = build_instrument().hammers
        pulses = np.zeros(len(rows), PULSE)
        pulses["start"] = [row[3] for row in rows]
        pulses["channel"] = [hammers[int(row[1])].channel for row in rows]
        return pulses[np.argsort(pulses["start"], kind="stable")]


@dataclass
class Disturbed:
    """What was done beside the music: songs made ready, workers killed, songs left out, folders scanned."""

    ready: int = 0
    killed: int = 0
    left_out: int = 0
    scanned: int = 0


class Disturbance:
    """While the block runs: a worker that arranges on and on and is killed now and then, and scans."""

    def __init__(self, owner: Owner) -> None:
        self._owner, self.count, self._ended = owner, Disturbed(), threading.Event()
        doings: tuple[Callable[[], None], ...] = (self._arrange, self._kill, self._scan)
        self._threads = [threading.Thread(target=each) for each in doings]

    def __enter__(self) -> Disturbed:
        for thread in self._threads:
            thread.start()
        return self.count

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _arrange(self) -> None:
        """Have the next song made ready, again and again another one."""
        turn = 0
        with self._owner.connect() as client:
            while not self._ended.is_set():
                client.do("clear")
                song = {"path": str(SONGS[turn % len(SONGS)])}
                [entry] = client.do("add", songs=[song])["entries"]
                while not self._ended.wait(LOOK):
                    row = client.do("queue", first=entry)["entries"][0]
                    if row["state"] != "waiting":
                        self.count.ready += row["state"] == "ready"
                        self.count.left_out += row["state"] == "left out"
                        break
                turn += 1

    def _kill(self) -> None:
        chance = random.Random(1)
        while not self._ended.wait(chance.uniform(*KILLS)):
            if worker := self._owner.parts().get("worker"):
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    self.count.killed += 1

    def _scan(self) -> None:
        while not self._ended.is_set():
            with tempfile.TemporaryDirectory() as folder:
                words = [*XYLOPHONE, "songs", "scan", str(ROOT / "songs"), "--best", "0"]
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                with subprocess.Popen(words, env=environment(Path(folder)), **quiet) as scanning:
                    while scanning.poll() is None and not self._ended.wait(LOOK):
                        pass
                    scanning.terminate()
                self.count.scanned += scanning.returncode == 0


@dataclass(frozen=True)
class Heard:
    """What came of music: notes that were to be struck, what was told ahead, refused, late, lost, stuck."""

    told: int
    refused: int
    late: int
    lost: int
    stuck: int
    lateness: tuple[float, ...]  # us of each on edge
    faults: int


def heard(owner: Owner, follower: Follower) -> Heard:
    """Return what came of what was played till now, by the follower beside the outputs."""
    state, pulses = owner.state(), follower.told()
    late = state["not_struck"].get("late", 0)
    edges = [(round(1e9 * moment), mask) for moment, mask in owner.outputs.edges()]
    found = matched(pulses, edges, owner.client.greeting["zero"])
    return Heard(
        len(pulses),
        sum(state["not_struck"].values()) - late,
        late,
        found["missed"],
        found["stuck"],
        tuple(found["lateness"]),
        state["faults"],
    )
