"""A lock file in which its holder has written who it is; the system lets go of it when the process ends.

Whoever opens one follows no link and takes no file of another user, and only what is locked is believed.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
MOST_BYTES = 65536
"""No owner writes more: a path has 4,096 bytes at most."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock: its process, the backend's URL, the configuration file in use, and what for.

    `state` is the folder of an owner's latch.
    """

    process: int
    url: str
    config: str | None = None
    switches_off: bool = False  # `xylophone off`, which nobody ends
    state: str | None = None

    def text(self) -> bytes:
        """Return what is written into the file."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, text: bytes) -> Owner | None:
        """Return who has written this, None where it is nothing that an owner writes."""
        with suppress(ValueError, TypeError, RecursionError):
            owner = cls(**json.loads(text))
            number = type(owner.process) is int and 1 < owner.process < 2**31
            paths = isinstance(owner.config, str | None) and isinstance(owner.state, str | None)
            if number and isinstance(owner.url, str) and paths:
                return owner
        return None


def take(path: Path, owner: Owner) -> int | None:
    """Lock a file and write its owner into it; return its descriptor, None where another holds it.

    OSError where that cannot be; nothing is left behind then.
    """
    while True:
        number = _opened(path, _OPEN | os.O_CREAT)
        try:
            if not _lock(number):
                os.close(number)
                return None
            if _is_at(number, path):
                _write(number, owner.text())
                return number
        except OSError:
            let_go(path, number)
            raise
        os.close(number)  # it was cleared away between opening and locking


def let_go(path: Path, number: int) -> None:
    """Take a lock file that is held away, and let go of it."""
    with suppress(OSError):  # Windows takes no open file away: it means nothing then
        if _is_at(number, path):
            path.unlink()
    os.close(number)


def clear(path: Path) -> None:
    """Take a lock file away that nobody holds."""
    with suppress(OSError):
        number = _opened(path, _OPEN)
        if _lock(number):
            let_go(path, number)
        else:
            os.close(number)


def is_held(path: Path) -> bool:
    """Tell whether somebody holds a lock file; OSError where it is a link, or another user's."""
    try:
        number = _opened(path, _OPEN)
    except FileNotFoundError:
        return False
    try:
        return not _lock(number)
    finally:
        os.close(number)


def owner_of(path: Path) -> Owner | None:
    """Return who has written a file, None where nobody did; OSError for a link or another user's file."""
    try:
        number = _opened(path, _OPEN)
    except FileNotFoundError:
        return None
    try:
        return Owner.read(os.read(number, MOST_BYTES))
    finally:
        os.close(number)


def write(path: Path, owner: Owner) -> None:
    """Write a file that nobody locks; OSError."""
    number = _opened(path, _OPEN | os.O_CREAT)
    try:
        _write(number, owner.text())
    finally:
        os.close(number)


def _opened(path: Path, flags: int) -> int:
    number = os.open(path, flags, 0o600)
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != _user():
        os.close(number)
        raise PermissionError(0, "it is no file of yours: delete it", str(path))
    return number


def _write(number: int, text: bytes) -> None:
    os.truncate(number, 0)
    os.lseek(number, 0, os.SEEK_SET)
    if os.write(number, text) < len(text):
        raise OSError(28, "the disk is full")


def _is_at(number: int, path: Path) -> bool:
    """Tell whether an open file is still the one that has this name."""
    try:
        return os.path.samestat(os.fstat(number), path.lstat())
    except FileNotFoundError:
        return False


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> bool:
        """Lock an open file without waiting, by a byte that nobody reads; False where another has."""
        os.lseek(number, 2**30, os.SEEK_SET)
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(number, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(number: int) -> bool:
        """Lock an open file without waiting; False where another has. OSError where there are no locks."""
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
