"""The owner's socket as a file: one owner has it, a dead one's is replaced, a living one's is refused."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import BackendMissing, FileError
from ..files import private_folder
from ..running.lockfile import Owner, let_go, owner_of, take
from .places import Door

LONGEST_PATH = 103 if sys.platform == "darwin" else 107
"""Bytes of a unix socket's path that the system takes."""

WAITING = 64
"""Clients that the system lets wait until they are taken in."""


@contextmanager
def listening(door: Door) -> Iterator[socket.socket]:
    """Hold the owner's place and listen at its socket while the block runs.

    BackendMissing where another owner lives there, FileError where there can be no socket.
    """
    path = door.path
    if not hasattr(socket, "AF_UNIX"):
        raise FileError("this system has no unix sockets, by which an owner is spoken with: use another one")
    check_length(path)
    try:
        if not door.shared and not (door.named and path.parent.is_dir()):
            private_folder(path.parent)
        with _alone(door):
            _clear(path)
            with _bound(door) as listener:
                yield listener
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            f"cannot make the owner's socket {path}: {error.strerror or error}: "
            "set XDG_RUNTIME_DIR to a folder of yours"
        ) from error


def held_by(path: Path) -> Path:
    """Return the file beside a socket that its owner has locked, and in which it says who it is.

    There is one, however the path to the socket is written.
    """
    path = Path(os.path.realpath(path))
    return path.with_name(f"{path.name}.held")


def check_length(path: Path) -> None:
    """Raise FileError for a path that is too long for a socket."""
    if (length := len(os.fsencode(path))) > LONGEST_PATH:
        raise FileError(
            f"cannot make the owner's socket {path}: its path has {length} bytes, a socket's at most "
            f"{LONGEST_PATH}: set XDG_RUNTIME_DIR to a shorter folder"
        )


@contextmanager
def _alone(door: Door) -> Iterator[None]:
    """Hold the lock beside a socket: the system lets go of it whatever ends its owner."""
    held = held_by(door.path)
    number = take(held, Owner(os.getpid(), "owner", state=str(door.state.absolute())))
    if number is None:
        other = owner_of(held)
        raise BackendMissing(
            f"an owner runs already as process {other.process if other else 'unknown'}: "
            "play by it, or end that one first"
        )
    try:
        yield
    finally:
        let_go(held, number)


def _clear(path: Path) -> None:
    """Take away the socket of an owner that is dead; FileError where something else has its name."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileError(f"cannot make the owner's socket {path}: it is there and no socket: delete it")
        path.unlink()


@contextmanager
def _bound(door: Door) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door.path))
        try:
            os.chmod(door.path, 0o660 if door.shared else 0o600)  # nobody gets in before it listens
            listener.listen(WAITING)
            yield listener
        finally:
            with suppress(FileNotFoundError):
                door.path.unlink()
