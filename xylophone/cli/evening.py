"""An evening: a queue of songs, each made ready in a worker process while the one before it plays."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..arranger import Arrangement
from ..clock import SystemClock
from ..collection.library import STANDARD_INPUT
from ..collection.order import Order, Turn
from ..collection.prepared import LeftOut, Preparation, Prepared
from ..collection.workers import Lost, Worker
from ..errors import XylophoneError
from ..player import Player, Snapshot
from ..player.term import Term, ends_soon
from ..song import Song
from .printing import say, warn_all

PATIENCE = 120.0
"""s that a song may take to be made ready; docs/arranging.md says how long a million notes take."""

REMEMBERED = 16
"""Of so many songs that were given last it is known what they were: who goes back goes that far."""

KEPT = 64
"""So many songs that are ready are kept for the next pass."""


@dataclass(frozen=True)
class Programme:
    """What an evening shall be: its files, how they are made ready, and their order."""

    paths: Sequence[Path]
    preparation: Preparation
    order: Callable[[], Order]
    pause: float | None = None  # s between songs; None: as the player has it
    limit: float | None = None  # s, as Term has it


class Evening:
    """Plays a programme: `begin` with the first song, then `attend` to the player now and then.

    `failed` is the last error of a song that was left out. A song that is not ready in time makes the silence
    before it longer.
    """

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._worker: Worker[Path, Prepared | LeftOut] = Worker(
            programme.preparation.tried, PATIENCE, SystemClock(), modest=True
        )
        self._ready: OrderedDict[int, Prepared] = OrderedDict()
        self._gone: set[int] = set()  # songs that are left out
        self._first: Prepared | None = None  # drawn, and not begun
        self._term = Term(programme.limit)
        self.failed: XylophoneError | None = None
        self.first_left_out = False  # also of an evening that begins anew

    @property
    def songs(self) -> int:
        """How many songs the programme has."""
        return len(self._programme.paths)

    @property
    def pause(self) -> float | None:
        """The silence between two songs, s; None where the player's own is meant."""
        return self._programme.pause

    def check_length(self, first: Arrangement, speed: float) -> None:
        """Raise OptionError where already the first song is longer than the evening."""
        self._term.check_first(first, speed)

    def first(self) -> Prepared:
        """Return the song to begin with, of an evening that begins anew once that one has begun.

        Songs before it that cannot be played are told and left out. Raises what one song alone raises, and of
        several the last error where none can be played.
        """
        if self._first is None:
            self._worker.end()
            self._order = self._programme.order()
            self._played: list[Turn] = []  # those that the player was given
            self._given: dict[int, Song] = {}  # the last of them, by their place
            self._next: Turn | None = None
            self._closed, self._term = False, Term(self._programme.limit)
            self._first = self._drawn_first()
        return self._first

    def _drawn_first(self) -> Prepared:
        error: XylophoneError | None = None
        while (turn := self._draw()) is not None:
            path = self._programme.paths[turn.song]
            if self.songs == 1:
                found: Prepared | LeftOut = self._programme.preparation(path)
            else:
                found = self._ready.get(turn.song) or self._programme.preparation.tried(path)
            if isinstance(found, Prepared):
                self._give(turn, found)
                self._keep(turn, found)
                return found
            self._leave_out(turn, found)
            self.first_left_out = True
            error = self.failed or found.error
        assert error is not None
        raise error

    def _draw(self) -> Turn | None:
        while (turn := self._order.draw()) is not None and turn.song in self._gone:
            self._order.leave_out(turn)
        return turn

    def attend(self, player: Player) -> None:
        """Make the next song ready, and hand it to the player shortly before it is wanted; never waits."""
        shot = player.snapshot()
        if not shot.pieces:
            return
        self._first = None
        self._term.begin(now := player.backend.now())
        if shot.loop is not None and self._term.is_up(now):
            player.end_loop()
        if self._closed or shot.piece + 1 < max(len(self._played), shot.pieces):
            return
        self._take_in()
        if self._next is None and (turn := self._draw()) is not None:
            self._next = turn
            self._prepare(turn)
        if ends_soon(shot) and not self._worker.busy:
            self._hand_over(player, shot)

    def place(self, piece: int) -> str:
        """Return which of how many songs a piece of the player's queue is, as '2/3'; '' for a song alone."""
        if piece >= len(self._played) or self._played[piece].of == 1:
            return ""
        return f"{self._played[piece].number}/{self._played[piece].of}"

    def given(self, piece: int) -> tuple[Path, Song] | None:
        """Return file and song of a piece of the queue, None for standard input and for one long ago."""
        song = self._given.get(piece)
        if song is None or (path := self._programme.paths[self._played[piece].song]) == STANDARD_INPUT:
            return None
        return path, song

    def close(self) -> None:
        """End the worker process, whatever it is at."""
        self._worker.end()

    def _prepare(self, turn: Turn) -> None:
        """Have a song made ready, by the worker; here where none can be started."""
        if turn.song in self._ready:
            return
        path = self._programme.paths[turn.song]
        try:
            self._worker.take(iter([path]))
        except XylophoneError:
            self._came(turn, self._programme.preparation.tried(path))

    def _take_in(self) -> None:
        """Take what the worker has made ready."""
        if self._next is None or not self._worker.busy or not self._worker.look():
            return
        path = self._programme.paths[self._next.song]
        try:
            found = self._worker.outcome()[1]
        except XylophoneError:
            found = self._programme.preparation.tried(path)
        self._came(
            self._next, LeftOut(path, XylophoneError(found.reason)) if isinstance(found, Lost) else found
        )

    def _came(self, turn: Turn, found: Prepared | LeftOut) -> None:
        if isinstance(found, Prepared):
            self._keep(turn, found)
        else:
            self._leave_out(turn, found)
            self._next = None

    def _hand_over(self, player: Player, shot: Snapshot) -> None:
        """Give the player what is next; nothing more where nothing is, or the time is up."""
        song = None if self._next is None else self._ready.get(self._next.song)
        now, pause = player.backend.now(), self.pause
        if self._next is None or (
            song is not None and not self._term.admits_after(song.piece, now, shot, pause)
        ):
            self._closed = True
            player.close_queue()
        elif song is not None:
            player.add(song.piece)
            self._give(self._next, song)
            self._next = None

    def _give(self, turn: Turn, song: Prepared) -> None:
        """Remember what the player was given."""
        self._given.pop(len(self._played) - REMEMBERED, None)
        self._given[len(self._played)] = song.piece.song
        self._played.append(turn)

    def _keep(self, turn: Turn, song: Prepared) -> None:
        if self._ready.get(turn.song) is not song:
            warn_all(song.told)
        self._ready[turn.song] = song
        while len(self._ready) > KEPT:
            self._ready.popitem(last=False)

    def _leave_out(self, turn: Turn, left_out: LeftOut) -> None:
        warn_all(left_out.words)
        self._gone.add(turn.song)
        self._order.leave_out(turn)
        self.failed = left_out.failed or self.failed


class Told:
    """Says of each song on stdout that it plays, once; nothing where it shall be `quiet`."""

    def __init__(self, evening: Evening, quiet: bool) -> None:
        self._evening, self._quiet = evening, quiet
        self._last = ""

    def look(self, player: Player) -> None:
        """Say what plays now, where that was not said."""
        shot = player.snapshot()
        if self._quiet or not shot.pieces:
            return
        place = self._evening.place(shot.piece)
        line = f"playing {shot.title}{f' ({place})' if place else ''}"
        if line != self._last:
            say(line)
        self._last = line
