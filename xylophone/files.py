"""Files: read whole or replaced whole, and every failure told as one line with its remedy."""

from __future__ import annotations

import errno
import os
import reprlib
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from .errors import FileError, XylophoneError

MOST_TEXT_BYTES = 4_000_000
"""No text file that this project reads is larger; a device that never ends is refused, not read."""

_WRITING = {
    errno.ENOENT: "its folder does not exist: make the folder first, or write elsewhere",
    errno.ENOTDIR: "a part of its path is a file, not a folder: write elsewhere",
    errno.EISDIR: "it is a folder: name a file in it",
    errno.EACCES: "writing there is not permitted: choose another folder, or change its permissions",
    errno.EROFS: "that disk is read-only: choose another folder",
    errno.ENOSPC: "the disk is full: make room, or write elsewhere",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}
_READING = {
    errno.ENOENT: "there is no such file: check the name",
    errno.ENOTDIR: "a part of its path is a file, not a folder: check the name",
    errno.EISDIR: "it is a folder: name a file in it",
    errno.EACCES: "reading it is not permitted: change its permissions",
    errno.ENAMETOOLONG: "the name is too long: check it",
}


@contextmanager
def replace_file(path: str | Path) -> Iterator[BinaryIO]:
    """Write a file so that others see the old one or the whole new one, never a part.

    Gives a seekable binary file that lies beside `path` under a temporary name; when the block
    ends it is flushed to the disk and renamed. When the block raises, nothing is left behind and the
    old file stays. An existing file keeps its mode, a link stays a link, a device is written to
    directly. An OSError in the block counts as a failure to write: FileError.
    """
    try:
        target = _target(Path(path))
        if target.exists() and not target.is_file():
            with target.open("wb") as out:
                yield out
            return
        with _beside(target) as out:
            yield out
    except XylophoneError:
        raise
    except OSError as error:
        raise FileError(_explain("write", path, error, _WRITING)) from error


def private_folder(path: Path) -> Path:
    """Make a folder that is this user's alone, or see to it that it is; return it.

    OSError where it cannot be made, is a link, or is another user's.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder, or a link to one", str(path))
    if hasattr(os, "geteuid"):
        if found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "its folder belongs to another user", str(path))
        if found.st_mode & 0o077:
            path.chmod(0o700)
    return path


def write_text(path: str | Path, text: str) -> None:
    """Replace a file by UTF-8 text with '\\n' line ends; FileError."""
    with replace_file(path) as out:
        out.write(text.encode())


def read_bytes(path: str | Path, most: int | None = None) -> bytes:
    """Return what a file holds; FileError when it cannot be read or has more than `most` bytes."""
    try:
        _check_name(path)
        with Path(path).open("rb") as file:
            content = file.read(-1 if most is None else most + 1)
    except OSError as error:
        if isinstance(error, XylophoneError):
            raise
        raise FileError(_explain("read", path, error, _READING)) from error
    if most is not None and len(content) > most:
        raise FileError(f"cannot read {path}: it has more than {most} bytes: is it the right file?")
    return content


def read_text(path: str | Path) -> str:
    """Return the text of a UTF-8 file of at most MOST_TEXT_BYTES, without byte order mark; FileError."""
    try:
        return read_bytes(path, MOST_TEXT_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"cannot read {path}: byte {error.start} is no UTF-8 text: save the file as UTF-8"
        ) from error


def read_toml(path: str | Path, error: type[XylophoneError]) -> dict[str, Any]:
    """Return the content of a TOML file; FileError if unreadable, `error` with line and column if broken."""
    import tomllib

    text = read_text(path)
    try:
        return tomllib.loads(text)
    except RecursionError as fault:
        raise error(f"{path}: brackets are nested too deep for TOML: take some out") from fault
    except ValueError as fault:
        reason = str(fault).splitlines()[0]
        raise error(f"{path}: this is no TOML, {reason}: mend or delete that line") from fault


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return the rule and the remedy for a key that is not among `known`, naming the nearest."""
    import difflib

    known = list(known)
    near = difflib.get_close_matches(key, known, 1, 0.5)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def key_name(key: str) -> str:
    """Return a key of a TOML file fit for a message: as it is when plain, else quoted and shortened."""
    return key if key and key.isprintable() and len(key) <= 40 else reprlib.repr(key)


@contextmanager
def _beside(target: Path) -> Iterator[BinaryIO]:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only", str(target))
    temporary = target.with_name(f".xylophone-{os.urandom(6).hex()}.tmp")
    try:
        with temporary.open("xb+") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        with suppress(FileNotFoundError, NotADirectoryError):
            temporary.unlink()
        raise


def _target(path: Path) -> Path:
    _check_name(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
    try:
        return path.resolve() if path.is_symlink() else path
    except RuntimeError as loop:
        raise OSError(errno.ELOOP, "the link points to itself", str(path)) from loop


def _check_name(path: str | Path) -> None:
    name = os.fspath(path)
    if not name or "\0" in name:
        raise FileError(f"{name!r} is no file name: it is empty or holds a zero byte; name a file")


def _explain(doing: str, path: str | Path, error: OSError, remedies: dict[int, str]) -> str:
    reason = remedies.get(error.errno or 0) or f"{error.strerror or error}: try another place"
    return f"cannot {doing} {path}: {reason}"
