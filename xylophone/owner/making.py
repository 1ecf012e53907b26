"""Songs made ready for an owner: in a worker process, so that no arranging delays a strike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..arranger import Weights
from ..clock import Clock
from ..collection.prepared import LeftOut, Preparation, Prepared
from ..collection.workers import Lost, Worker
from ..errors import SongError, XylophoneError
from ..files import is_there
from ..instrument import Instrument
from .queue import Entry, Song
from .songs import asked_of

PATIENCE = 60.0
"""s after which a worker is ended; its song is left out."""

MOST_READY = 4
"""Entries that are kept ready; the oldest that nobody has taken goes, and is made anew where it is wanted."""

Made = Prepared | LeftOut


@dataclass(frozen=True)
class Recipe:
    """How songs are made ready: for which hammers, and by which weights where a song says nothing else."""

    instrument: Instrument
    weights: Weights

    def __call__(self, song: Song) -> Made:
        """Return a song as a client has given it, ready to be played, or why it cannot be.

        A pipe is refused: who reads it waits for as long as whoever fills it likes, and all other songs too.
        """
        is_there(song["path"])
        asked = asked_of(song, self.weights)
        return Preparation(asked, self.instrument, song.get("as_written", False)).tried(Path(song["path"]))


class Maker:
    """Makes entries ready, one at a time, and keeps what is ready until it is taken.

    An entry that cannot be made ready, whatever goes wrong with it, is left out, and the others are made.
    With no clock of the system's all is made here, at once: for a virtual one. `wake` is called from another
    thread when something may have become ready.
    """

    def __init__(
        self, recipe: Recipe, clock: Clock | None, wake: Callable[[], object] = lambda: None
    ) -> None:
        self._recipe, self._wake = recipe, wake
        self._worker: Worker[Song, Made] | None = None
        if clock is not None:
            self._worker = Worker(recipe, PATIENCE, clock, modest=True)
        self._making: Entry | None = None
        self._asked: Song = {}  # the song that is made, as it was asked for
        self._ready: dict[int, Made] = {}

    def wanted(self, entry: Entry) -> Made | None:
        """Return an entry made ready, None while it is not; it is made next where it was not asked for."""
        self._take_in()
        if entry.number in self._ready:
            return self._ready[entry.number]
        if self._making is None:
            self._make(entry)
        return self._ready.get(entry.number)

    def has(self, entry: Entry) -> bool:
        """Tell whether an entry is ready."""
        return isinstance(self._ready.get(entry.number), Prepared)

    def take(self, entry: Entry) -> None:
        """Forget what is ready: it was taken, or is to be made anew."""
        self._ready.pop(entry.number, None)

    def close(self) -> None:
        """End the worker, whatever it is at."""
        if self._worker is not None:
            self._worker.end()

    def _make(self, entry: Entry) -> None:
        worker, self._asked = self._worker, entry.song
        if worker is None:
            self._keep(entry, lambda: self._recipe(entry.song))
            return
        try:
            worker.take(iter([entry.song]))
        except XylophoneError as error:
            self._ready[entry.number] = LeftOut(Path(entry.song["path"]), error)
            return
        self._making = entry
        worker.future.add_done_callback(lambda _: self._wake())

    def _take_in(self) -> None:
        entry, worker = self._making, self._worker
        if entry is None or worker is None or not worker.look():
            return
        self._making = None
        self._keep(entry, lambda: worker.outcome()[1])

    def _keep(self, entry: Entry, outcome: Callable[[], Made | Lost]) -> None:
        """Keep what was made of an entry, unless that was asked for in another way meanwhile."""
        made = made_of(entry, outcome)
        if entry.song is self._asked:
            self._ready[entry.number] = whole(made)
        while len(self._ready) > MOST_READY:
            del self._ready[next(iter(self._ready))]


def made_of(entry: Entry, outcome: Callable[[], Made | Lost]) -> Made:
    """Return what was made of an entry; it is left out where that raises or is lost."""
    path = Path(entry.song["path"])
    try:
        made = outcome()
    except XylophoneError as error:
        return LeftOut(path, error)
    except Exception as error:
        why = f"it cannot be made ready ({type(error).__name__}: {error}): play another song"
        return LeftOut(path, SongError(f"{path}: {why}"))
    if isinstance(made, Lost):
        return LeftOut(path, XylophoneError(f"{path}: {made.reason}"))
    return made


def whole(made: Made) -> Made:
    """Return what was made, its arrangement no other entry's: the player knows it by that."""
    return replace(made, piece=replace(made.piece)) if isinstance(made, Prepared) else made
