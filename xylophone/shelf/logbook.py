"""The logbook: what is played is noted by a thread of its own, so that no music waits for a disk."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from queue import Empty, Full, Queue

from ..errors import XylophoneError
from ..files import read_bytes
from ..midifile import MOST_SONG_BYTES
from ..song import Song
from ..words import counted
from .entries import Play
from .store import Store
from .telling import told_of

MOST_WAITING = 64
"""So many plays may wait for the disk; what comes then is lost, and counted."""

HEARD = 10.0
"""s; a song that was left sooner, and not at its end, was not heard."""

PATIENCE = 10.0
"""s for which the end waits for what is still to be written."""


@dataclass(frozen=True)
class Played:
    """A song that was heard: its file and what was in it, when it `began`, and for how many `seconds`."""

    path: Path
    song: Song
    began: datetime
    seconds: float
    finished: bool


class Logbook:
    """Notes what is played in the home database at `path`; opened at the first play, and idle between them.

    `note_play` returns at once and raises nothing. What could not be noted is told by `lost` when the logbook
    is closed: music never ends for it. Each play is one commit.
    """

    def __init__(self, path: Path, opened: Callable[[Path], Store] = Store.open) -> None:
        self._path, self._opened = path, opened
        self._waiting: Queue[Played | None] = Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._refused = 0  # by the queue, counted in the caller's thread
        self._failed = 0  # by the disk, counted in ours
        self._reason: XylophoneError | None = None

    def note_play(self, played: Played) -> None:
        """Have a play noted, unless the song was left before it was heard; from one thread only."""
        if not played.finished and played.seconds < HEARD:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="logbook", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(played)
        except Full:
            self._refused += 1

    def close(self, patience: float = PATIENCE) -> None:
        """Let what waits be written, for `patience` seconds at most, and end."""
        if self._thread is None:
            return
        with suppress(Full):
            self._waiting.put(None, timeout=patience)
            self._thread.join(patience)
        self._refused += self._thread.is_alive()  # the one that is at the disk
        with suppress(Empty):
            while True:
                self._refused += self._waiting.get_nowait() is not None

    @property
    def lost(self) -> str:
        """What could not be noted, in words; '' where all was."""
        missed = self._refused + self._failed
        if not missed:
            return ""
        songs = counted(missed, "song that was played is", "songs that were played are")
        return f"{songs} not noted: {self._reason or 'the disk is too slow: see what else writes to it'}"

    def _write(self) -> None:
        store: Store | None = None
        while (played := self._waiting.get()) is not None:
            try:
                store = store or self._opened(self._path)
                _note(store, played)
            except XylophoneError as error:
                self._failed += 1
                self._reason = error
        if store is not None:
            store.close()


def _note(store: Store, played: Played) -> None:
    digest = hashlib.sha256(read_bytes(played.path, MOST_SONG_BYTES)).digest()
    play = Play(digest, played.began, played.seconds, played.finished)
    known = store.song(digest)
    about = told_of(played.song, played.path, digest) if known is None else known.about
    store.note(about, played.path, play)
