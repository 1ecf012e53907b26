"""The home database: songs by content, favourites, moods and what was played when, in SQLite.

It is written ahead (WAL) and synced with each change: what a method here has done when it returns outlasts
a power cut, and a change that is cut short has not been.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ..errors import FileError
from .entries import About, Play, Shelved, ToldBy
from .replacing import take_back
from .schema import bring_up, check_tables, transaction, version_of
from .trouble import BROKEN, ready_place, told

NAME = "home.db"

OWN_SONGS = "songs"
"""The folder beside home.db in which a restored backup puts songs, by their digests."""

PATIENCE = 2.0
"""s for which a database that another program writes to is waited for."""

_SONGS = """
    SELECT songs.*, (SELECT path FROM files WHERE files.digest = songs.digest ORDER BY seen DESC LIMIT 1),
    (SELECT count(*) FROM plays WHERE plays.digest = songs.digest),
    (SELECT max(began) FROM plays WHERE plays.digest = songs.digest) FROM songs
"""
_PUT = """
    INSERT INTO songs (digest, title, composer, duration, mood, told_by, occasion, added)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET title = excluded.title,
    composer = excluded.composer, duration = excluded.duration, occasion = excluded.occasion,
    mood = iif(told_by = 'person', mood, excluded.mood),
    told_by = iif(told_by = 'person', told_by, excluded.told_by)
"""


class Store:
    """An open home database; `Store.open` makes it. One thread uses it; `with` closes it.

    Every method raises FileError, one line with its remedy, where the database cannot be used: damaged, held
    by another program for longer than PATIENCE, the disk full.
    """

    def __init__(self, base: sqlite3.Connection, path: Path) -> None:
        self.base, self.path = base, path

    @classmethod
    def open(cls, path: Path, patience: float = PATIENCE) -> Store:
        """Open the database at a path, making it and its folder where there are none.

        A restore that was cut short is taken back first. FileError also for links, another user's files,
        another program's database, and one of a newer version.
        """
        take_back(path.parent)
        ready_place(path)
        with told(path):
            base = sqlite3.connect(path, timeout=patience, isolation_level=None)
            try:
                version_of(base, path)  # before anything is changed in what may be another program's
                for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                    base.execute(f"PRAGMA {setting}")
                bring_up(base, path)
            except BaseException:
                base.close()
                raise
        return cls(base, path)

    def close(self) -> None:
        """Let go of the database."""
        self.base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> None:
        """Raise FileError where anything in the database is damaged, or not ours; reads all of it."""
        with told(self.path):
            check_tables(self.base, self.path)
        found = [*self.rows("PRAGMA integrity_check"), *self.rows("PRAGMA foreign_key_check")]
        if found != [("ok",)]:
            raise FileError(f"cannot use {self.path}: it is damaged ({found[0][0]}): {BROKEN}")

    def songs(self) -> list[Shelved]:
        """Return all songs by title."""
        return [self._shelved(row) for row in self.rows(f"{_SONGS} ORDER BY title COLLATE NOCASE, digest")]

    def song(self, digest: bytes) -> Shelved | None:
        """Return the song of a digest, None where it is not on the shelf."""
        rows = self.rows(f"{_SONGS} WHERE songs.digest = ?", digest)
        return self._shelved(rows[0]) if rows else None

    def put(self, about: About, path: Path | None, now: datetime) -> None:
        """Put a song on the shelf, or tell of it anew; a mood that a person has told stays."""
        with self.writing():
            self._put(about, path, now)

    def set_favourite(self, digest: bytes, favourite: bool) -> None:
        """Say whether a song on the shelf is a favourite."""
        with self.writing():
            self.base.execute("UPDATE songs SET favourite = ? WHERE digest = ?", (favourite, digest))

    def set_mood(self, digest: bytes, mood: tuple[str, ...], told_by: ToldBy) -> None:
        """Say which mood a song on the shelf has, and who says so."""
        row = (_joined(mood), told_by, digest)
        with self.writing():
            self.base.execute("UPDATE songs SET mood = ?, told_by = ? WHERE digest = ?", row)

    def note(self, about: About, path: Path | None, play: Play) -> None:
        """Note that a song was played, and put it on the shelf where it is not; one commit."""
        row = (play.digest, _seconds(play.began), play.seconds, play.finished)
        with self.writing():
            self._put(about, path, play.began)
            self.base.execute("INSERT INTO plays (digest, began, seconds, finished) VALUES (?, ?, ?, ?)", row)

    def plays(self, most: int = -1) -> list[tuple[Play, str]]:
        """Return what was played, the newest first, `most` of them at most, each with the song's title."""
        query = (
            "SELECT digest, began, seconds, finished, title FROM plays JOIN songs USING (digest) "
            "ORDER BY began DESC, number DESC LIMIT ?"
        )
        return [
            (Play(digest, _moment(began), seconds, bool(finished)), title)
            for digest, began, seconds, finished, title in self.rows(query, most)
        ]

    def copy_to(self, path: Path) -> None:
        """Write a whole copy of the database as it is at this moment, while others go on using it."""
        with told(self.path):
            other = sqlite3.connect(path)
            try:
                self.base.backup(other)
            finally:
                other.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let what the block writes be one change."""
        with told(self.path), transaction(self.base):
            yield

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query."""
        with told(self.path):
            return self.base.execute(query, values).fetchall()

    def _put(self, about: About, path: Path | None, now: datetime) -> None:
        texts = _text(about.title), _text(about.composer)
        row = (about.digest, *texts, about.duration, _joined(about.mood), about.told_by)
        self.base.execute(_PUT, (*row, _joined(about.occasion), _seconds(now)))
        if path is not None:
            place = (os.fsencode(path.absolute()), about.digest, _seconds(now))
            self.base.execute("INSERT OR REPLACE INTO files (path, digest, seen) VALUES (?, ?, ?)", place)

    def _shelved(self, row: tuple[Any, ...]) -> Shelved:
        digest, title, composer, duration, mood, told_by, occasion, favourite, added, path, plays, heard = row
        about = About(digest, title, duration, composer, _split(mood), ToldBy(told_by), _split(occasion))
        return Shelved(
            about,
            self._path(digest, path),
            bool(favourite),
            _moment(added),
            plays,
            None if heard is None else _moment(heard),
        )

    def _path(self, digest: bytes, seen: bytes | None) -> Path | None:
        """Return where a song's file is: as last seen, or where a restored backup has put it."""
        if seen is not None and os.path.isfile(path := os.fsdecode(seen)):
            return Path(path)
        kept = os.path.join(self.path.parent, OWN_SONGS, f"{digest.hex()}.mid")
        return Path(kept) if os.path.isfile(kept) else None


def _text(text: str) -> str:
    """Return a text that a database takes: halves of surrogates become question marks."""
    return text.encode("utf-8", "replace").decode()


def _joined(words: tuple[str, ...]) -> str:
    return ", ".join(words)


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split(", ")) if words else ()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
