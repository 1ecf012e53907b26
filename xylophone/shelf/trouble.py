"""What a database says when something is wrong, told as one line with its remedy."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileError
from ..files import create_file, make_folder, private_folder

BROKEN = "bring a backup back with `xylophone restore FILE`, or move it away to begin anew"
"""The remedy for a database of which something is lost."""

_ELSEWHERE = "change its permissions, or name a folder of yours in xylophone.toml ([home] folder)"

_REASONS = {
    sqlite3.SQLITE_BUSY: "another program writes to it: do it again in a moment",
    sqlite3.SQLITE_LOCKED: "another program writes to it: do it again in a moment",
    sqlite3.SQLITE_FULL: "the disk is full: make room",
    sqlite3.SQLITE_READONLY: f"it may only be read: {_ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened, or its disk is read-only: {_ELSEWHERE}",
    sqlite3.SQLITE_PERM: f"it may not be opened: {_ELSEWHERE}",
    sqlite3.SQLITE_CORRUPT: f"it is damaged: {BROKEN}",
    sqlite3.SQLITE_NOTADB: f"it is no database: {BROKEN}",
    sqlite3.SQLITE_IOERR: "the disk fails, or is full: make room, and see what the system says of that disk",
}
"""SQLite's primary result code, and the words for it."""

BESIDE = ("", "-wal", "-shm")
"""Endings of the files that make a database."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Tell what the database says in the block as one line: FileError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)  # none where Python itself refuses
        reason = _REASONS.get(-1 if code is None else code & 0xFF, f"{error}: {BROKEN}")
        raise FileError(f"cannot use {path}: {reason}") from error


def ready_folder(folder: Path) -> None:
    """Make the folder of a database, this user's alone; one that is there stays as it is.

    FileError where it cannot be made, is a link or another user's, or where everybody may write.
    """
    try:
        if not os.path.lexists(folder):
            make_folder(folder, _ELSEWHERE)
            private_folder(folder)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(0, "it is a file, or a link")
        if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
            raise PermissionError(0, "it belongs to another user")
        if os.name == "posix" and found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            raise PermissionError(0, "everybody may replace what is in it")
    except FileError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"cannot use the folder {folder}: {reason}: {_ELSEWHERE}") from error


def ready_place(path: Path) -> None:
    """Make the folder and the empty file of a database, this user's alone, where there are none.

    FileError where one of them is a link, another user's, or cannot be written.
    """
    ready_folder(path.parent)
    try:
        for ending in BESIDE:
            _check(path.with_name(path.name + ending))
        if path.exists() and path.stat().st_mode & 0o077 and os.name == "posix":
            path.chmod(0o600)
        create_file(path)
    except OSError as error:
        raise FileError(f"cannot use {path}: {error.strerror or error}: {_ELSEWHERE}") from error


def _check(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise PermissionError(0, f"{path.name} is a link, or no file", str(path))
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise PermissionError(0, f"{path.name} belongs to another user", str(path))
