"""What is heard of an evening, noted in the home database; no music waits for that, or ends for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..player import Player
from ..player.states import PlayerState
from ..shelf.listening import Listening
from ..shelf.logbook import Logbook, Played
from ..shelf.store import NAME
from .evening import Evening
from .printing import warn


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
        self._listening = Listening(0.0)

    def look(self, player: Player) -> None:
        """See what plays now."""
        shot, now = player.snapshot(), player.backend.now()
        if not shot.pieces or shot.state not in (PlayerState.PLAYING, PlayerState.PAUSED):
            return
        if shot.piece != self._piece:
            self.end()
            self._piece, self._listening = shot.piece, Listening(now)
        self._listening.look(shot, now)

    def end(self) -> None:
        """Note the song that was heard last."""
        piece, self._piece = self._piece, None
        given = None if piece is None else self._evening.given(piece)
        if given is not None:
            heard = self._listening
            self._book.note_play(Played(*given, heard.began, heard.seconds, heard.finished))
