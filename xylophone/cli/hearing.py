"""What is heard of an evening, noted in the home database; no music waits for that, or ends for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..player import Player
from ..player.states import PlayerState
from ..shelf.logbook import Logbook, Played
from ..shelf.store import NAME
from .evening import Evening
from .printing import warn

AT_ITS_END = 2.0
"""s of song time; a song of which the last so many were heard was played to its end."""

LEAP = 1.0
"""s of song time; what goes further between two looks, or back, was sought."""


@contextmanager
def noting(folder: Path) -> Iterator[Logbook]:
    """Give the logbook of a home's folder; what could not be noted is told once, at the end."""
    book = Logbook(folder / NAME)
    try:
        yield book
    finally:
        book.close()
        if book.lost:
            warn(book.lost)


class Hearing:
    """Follows a player through an evening: `look` now and then, then `end`; notes each song that is over."""

    def __init__(self, evening: Evening, book: Logbook) -> None:
        self._evening, self._book = evening, book
        self._piece: int | None = None
        self._looked = 0.0  # backend time of the last look
        self._began = datetime.now(UTC)
        self._seconds = 0.0
        self._position = self._duration = 0.0  # song time
        self._on = 0.0  # s of song time that went on without a leap

    def look(self, player: Player) -> None:
        """See what plays now."""
        shot, now = player.snapshot(), player.backend.now()
        if not shot.pieces or shot.state not in (PlayerState.PLAYING, PlayerState.PAUSED):
            return
        if shot.piece != self._piece:
            self.end()
            self._piece, self._began, self._seconds, self._looked = shot.piece, datetime.now(UTC), 0.0, now
            self._position, self._on = shot.position, 0.0
        if shot.state == PlayerState.PLAYING:
            self._seconds += now - self._looked
        step = shot.position - self._position
        self._on = self._on + step if 0 <= step <= LEAP else 0.0
        self._looked, self._position, self._duration = now, shot.position, shot.duration

    def end(self) -> None:
        """Note the song that was heard last."""
        piece, self._piece = self._piece, None
        given = None if piece is None else self._evening.given(piece)
        at_its_end = self._duration - self._position <= AT_ITS_END
        finished = at_its_end and self._on >= min(AT_ITS_END, self._duration) / 2
        if given is not None:
            self._book.note_play(Played(*given, self._began, self._seconds, finished))
