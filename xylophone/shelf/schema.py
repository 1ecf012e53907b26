"""The tables of home.db, and the steps by which an older database becomes one of today."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = 0x58594C48
"""`application_id` in the database's header, "XYLH"; other programs' databases are left alone."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE songs (
            digest BLOB PRIMARY KEY CHECK (length(digest) = 32), title TEXT NOT NULL, composer TEXT NOT NULL,
            duration REAL NOT NULL CHECK (duration BETWEEN 0 AND 1e12), mood TEXT NOT NULL,
            told_by TEXT NOT NULL CHECK (told_by IN ('guessed', 'tag', 'person')), occasion TEXT NOT NULL,
            favourite INTEGER NOT NULL DEFAULT 0,
            added INTEGER NOT NULL CHECK (added BETWEEN 0 AND 253402300799)
        ) STRICT""",
        """CREATE TABLE files (
            path BLOB PRIMARY KEY, digest BLOB NOT NULL REFERENCES songs (digest),
            seen INTEGER NOT NULL CHECK (seen BETWEEN 0 AND 253402300799)
        ) STRICT""",
        "CREATE INDEX files_of ON files (digest)",
        "CREATE TABLE lists (name TEXT PRIMARY KEY) STRICT",
        """CREATE TABLE entries (
            list TEXT NOT NULL REFERENCES lists (name) ON DELETE CASCADE, place INTEGER NOT NULL,
            digest BLOB NOT NULL REFERENCES songs (digest), PRIMARY KEY (list, place)
        ) STRICT""",
        """CREATE TABLE plays (
            number INTEGER PRIMARY KEY, digest BLOB NOT NULL REFERENCES songs (digest),
            began INTEGER NOT NULL CHECK (began BETWEEN 0 AND 253402300799),
            seconds REAL NOT NULL CHECK (seconds BETWEEN 0 AND 1e12), finished INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX plays_of ON plays (digest, began)",
    ),
)
"""What makes version n + 1 of version n, a transaction each; steps that were released never change.

`digest` is the SHA-256 of a file's bytes, `added`, `seen` and `began` are seconds since 1970, `mood` and
`occasion` words after each other with commas; a path is as the system has it.
"""


@contextmanager
def transaction(base: sqlite3.Connection) -> Iterator[None]:
    """Let all that the block writes be there when it ends, or nothing of it where it raises."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
        base.execute("COMMIT")
    except BaseException:
        if base.in_transaction:  # a full disk has ended it already
            base.execute("ROLLBACK")
        raise


def bring_up(base: sqlite3.Connection, path: Path, steps: Sequence[Iterable[str]] = STEPS) -> None:
    """Make the tables, or those of an older version today's.

    FileError for another program's database, and for one of a newer version than this program knows.
    """
    while (version := version_of(base, path)) != len(steps):
        if version > len(steps):
            raise FileError(
                f"{path} is of version {version}, this program knows {len(steps)}: "
                "update it, or restore a backup"
            )
        with transaction(base):
            if version_of(base, path) != version:  # another program was quicker
                continue
            for statement in steps[version]:
                base.execute(statement)
            base.execute(f"PRAGMA application_id = {MARK}")
            base.execute(f"PRAGMA user_version = {version + 1}")


def check_tables(base: sqlite3.Connection, path: Path) -> None:
    """Raise FileError where a database has other tables than ours, or what acts by itself: triggers."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    ours = sqlite3.connect(":memory:", isolation_level=None)
    try:
        bring_up(ours, path)
        same = base.execute(query).fetchall() == ours.execute(query).fetchall()
    finally:
        ours.close()
    if not same:
        raise FileError(f"{path} has other tables than this program makes: take another backup")


def version_of(base: sqlite3.Connection, path: Path) -> int:
    """Return the version of a database, 0 for an empty one; FileError for another program's."""
    version: int
    with _one_moment(base):
        mark, version = (
            base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        (tables,) = base.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if mark != MARK and (mark or version or tables):
        raise FileError(f"{path} is another program's database: name another folder in xylophone.toml")
    return version


@contextmanager
def _one_moment(base: sqlite3.Connection) -> Iterator[None]:
    """Let what the block reads be of one moment, whoever makes the tables meanwhile."""
    begins = not base.in_transaction
    if begins:
        base.execute("BEGIN")
    try:
        yield
    finally:
        if begins and base.in_transaction:  # a full disk has ended it already
            base.execute("ROLLBACK")
