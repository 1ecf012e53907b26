"""The catalogue: what a scan found out about files, in an SQLite database that can be filled again.

A row belongs to a file and a setting (what the instrument is and how songs are arranged), and holds as
long as size and time of the file stay. Rows are added in transactions: whatever ends the program, the
database is whole.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ..errors import FileError

VERSION = 1
"""Of the tables below; a database with older ones is emptied and filled again."""

BATCH = 64
"""So many rows at most are lost with the process."""

_MARK = 0x58594C4F
"""`application_id` in the database's header, "XYLO"; other programs' databases are left alone."""

PATIENCE = 10.0
"""s for which a database that another scan writes to is waited for."""


_ELSEWHERE = "name a file in a folder that you may write in with --database"


@dataclass(frozen=True, slots=True)
class Found:
    """A file as a folder lists it; the path is absolute."""

    path: str
    size: int  # bytes
    modified: int  # microseconds since 1970


@dataclass(frozen=True, slots=True)
class Scored:
    """What a file is on an instrument: its score with what became of its notes, or the reason for none.

    `score` is 0..100, None where there is a `reason`, one line. `digest` is of the content, empty where
    it could not be read; `tune` holds the turns of `tunes.Tune` as little-endian 32-bit numbers.
    """

    digest: bytes = b""
    title: str = ""
    duration: float | None = None  # seconds
    notes: int | None = None
    score: int | None = None
    transpose: int | None = None  # semitones
    kept: int | None = None
    folded: int | None = None
    merged: int | None = None
    dropped: int | None = None
    melody: str = ""  # name of the part that has the tune
    reason: str = ""
    tune: bytes = b""


_COLUMNS = tuple(field.name for field in fields(Scored))

_TABLES = f"""
    CREATE TABLE fits (
        path BLOB NOT NULL, setting TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
        {", ".join(_COLUMNS)}, PRIMARY KEY (path, setting)
    )
"""
_FORGET = """
    DELETE FROM fits WHERE substr(path, 1, ?) = ? AND path NOT IN (SELECT path FROM temp.listed)
"""
_WAITING = """
    CREATE TEMP TABLE waiting AS SELECT * FROM temp.listed AS new WHERE NOT EXISTS (
        SELECT 1 FROM fits AS old WHERE old.path = new.path AND old.setting = ?
        AND old.size = new.size AND old.modified = new.modified
    )
"""
_LISTED = "temp.listed JOIN fits USING (path) WHERE setting = ?"


class Catalogue:
    """The rows of one setting in an open database; `open_catalogue` makes it. One thread uses it."""

    def __init__(self, base: sqlite3.Connection, setting: str) -> None:
        self._base, self._setting = base, setting
        self._added = 0

    def list_files(self, found: Iterable[Found], folders: Iterable[Path]) -> None:
        """Let the catalogue speak of these files, once; rows of others below these folders are forgotten."""
        base = self._base
        base.execute("CREATE TEMP TABLE listed (path BLOB PRIMARY KEY, size, modified) WITHOUT ROWID")
        rows = ((os.fsencode(file.path), file.size, file.modified) for file in found)
        base.executemany("INSERT OR IGNORE INTO temp.listed VALUES (?, ?, ?)", rows)
        for folder in folders:
            within = os.fsencode(os.path.join(folder, ""))
            base.execute(_FORGET, (len(within), within))
        base.execute(_WAITING, (self._setting,))
        base.commit()

    def count(self) -> tuple[int, int]:
        """Return how many files are listed, and how many of them were not known when they were listed."""
        (listed,) = self._base.execute("SELECT count(*) FROM temp.listed").fetchone()
        (waiting,) = self._base.execute("SELECT count(*) FROM temp.waiting").fetchone()
        return listed, waiting

    def waiting(self) -> Iterator[Found]:
        """Yield the listed files that are new or have changed, in the order of their paths."""
        for path, size, modified in self._base.execute("SELECT * FROM temp.waiting ORDER BY path"):
            yield Found(os.fsdecode(path), size, modified)

    def add(self, file: Found, fit: Scored) -> None:
        """Keep what a file is; for good after `commit`, or with the BATCH that it belongs to."""
        places = ", ".join("?" * (4 + len(_COLUMNS)))
        row = (os.fsencode(file.path), self._setting, file.size, file.modified, *astuple(fit))
        self._base.execute(f"INSERT OR REPLACE INTO fits VALUES ({places})", row)
        self._added += 1
        if self._added >= BATCH:
            self.commit()

    def commit(self) -> None:
        """Keep for good what was added."""
        self._base.commit()
        self._added = 0

    def fits(self) -> Iterator[tuple[Found, Scored]]:
        """Yield what is known of the listed files: best score first, then by path; those without last."""
        columns = ", ".join(_COLUMNS[:-1])
        query = (
            f"SELECT path, listed.size, listed.modified, {columns} FROM {_LISTED} ORDER BY score DESC, path"
        )
        for path, size, modified, *rest in self._base.execute(query, (self._setting,)):
            yield Found(os.fsdecode(path), size, modified), Scored(*rest)

    def scores(self) -> dict[bytes, int]:
        """Return the score of each content that has one, listed or not."""
        query = "SELECT digest, score FROM fits WHERE setting = ? AND score IS NOT NULL"
        return dict(self._base.execute(query, (self._setting,)))

    def tunes(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield digest and tune of each listed file with a score, in the order of `fits`."""
        query = f"SELECT digest, tune FROM {_LISTED} AND score IS NOT NULL ORDER BY score DESC, path"
        yield from self._base.execute(query, (self._setting,))


@contextmanager
def open_catalogue(path: Path, setting: str, patience: float = PATIENCE) -> Iterator[Catalogue]:
    """Open the catalogue of a setting, making database and folder where there are none.

    When the block ends, however it does, what was added is kept. FileError, with the remedy, for a
    database that is damaged, another program's, in use for longer than `patience` seconds, or cannot
    be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder of {path}: {error.strerror}: {_ELSEWHERE}") from error
    with _told(path), closing(sqlite3.connect(path, timeout=patience)) as base:
        _prepare(base, path)
        catalogue = Catalogue(base, setting)
        try:
            yield catalogue
        finally:
            catalogue.commit()


def known_scores(path: Path, setting: str) -> dict[bytes, int]:
    """Return the scores of a setting by the digest of the content; none where there is no database.

    FileError as `open_catalogue` has it.
    """
    if not path.exists():
        return {}
    with open_catalogue(path, setting) as catalogue:
        return catalogue.scores()


def _prepare(base: sqlite3.Connection, path: Path) -> None:
    """Make the tables, unless they are there already."""
    (mark,), (version,) = (
        base.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    (tables,) = base.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if mark != _MARK and (mark or version or tables):
        raise FileError(f"{path} is another program's database: name another file with --database")
    if version > VERSION:
        raise FileError(
            f"{path} is of version {version}, this program knows {VERSION}: update it, or delete the file"
        )
    if version == VERSION:
        return
    with base:
        base.execute("BEGIN IMMEDIATE")
        base.execute("DROP TABLE IF EXISTS fits")
        base.execute(_TABLES)
        base.execute(f"PRAGMA application_id = {_MARK}")
        base.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell what the database says in the block as one line with its remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise FileError(f"cannot use {path}: {_explain(error)}") from error


def _explain(error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return "another scan writes to it: wait for that, or name another file with --database"
    if "full" in text:
        return "the disk is full: make room, or name another file with --database"
    if isinstance(error, sqlite3.OperationalError):
        return f"{text}: {_ELSEWHERE}"
    return (
        f"it is damaged, or no database ({text}): delete it and scan again, or name another with --database"
    )
