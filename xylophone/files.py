"""Files: read whole or replaced whole, and every failure told as one line with its remedy.

What a function here has done when it returns outlasts a power cut: content is flushed to the disk before
it gets its name, and a folder after a name in it has changed. Cut short at any instant, by `kill -9`, a full
disk or a power cut, it has done all or nothing; at most a temporary file stays, which the next `alone_with`
clears.
"""

from __future__ import annotations

import errno
import os
import reprlib
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from .errors import FileError, XylophoneError

MOST_TEXT_BYTES = 4_000_000
"""No text file that this project reads is larger; a device that never ends is refused, not read."""

PATIENCE = 60.0
"""s for which a file that another program changes is waited for."""

MOST_KEYS = 100
"""Parts of a dotted key, a.b.c; reading one takes memory by the square of them."""

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
    with _told("write", path):
        target = _target(Path(path))
        if target.exists() and not target.is_file():
            with target.open("wb") as out:
                yield out
            return
        with _beside(target) as out:
            yield out


@contextmanager
def alone_with(path: str | Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a file while the block runs, to read, change and replace it: others that hold it so wait.

    What was left by writers that were killed is cleared first. FileError where another one holds it for
    longer than `patience` seconds, or where its folder is missing or cannot be written.
    """
    from filelock import FileLock, Timeout

    with _told("write", path):
        target = _target(Path(path))
        target.parent.stat()  # the library would make a folder that is missing
        lock = FileLock(target.with_name(f"{_prefix(target)}.lock"))
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise FileError(
                f"cannot change {path}: another program has held it for {patience:g} s: let that one end, "
                "then do it again"
            ) from None
    try:
        with _told("write", path):
            for left in target.parent.glob(f"{_prefix(target)}-*.tmp"):
                left.unlink()
        yield
    finally:
        # While it is held: whoever waits for this file sees that it has gone, and makes a new one.
        with suppress(OSError):
            os.unlink(lock.lock_file)
        lock.release()


def write_bytes(path: str | Path, content: bytes) -> None:
    """Replace a file by these bytes; FileError."""
    with replace_file(path) as out:
        out.write(content)


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
    write_bytes(path, text.encode())


def rename_file(old: Path, new: Path) -> None:
    """Give a file another name in its folder, in place of a file of that name; FileError."""
    with _told("write", new), _folder(new.parent) as synced:
        old.replace(new)
        synced()


def remove_file(path: Path) -> None:
    """Delete a file; FileError, also where there is none."""
    with _told("delete", path), _folder(path.parent) as synced:
        path.unlink()
        synced()


def make_folder(path: Path, remedy: str) -> None:
    """Make a folder and those above it, where they are not there; FileError that ends with `remedy`."""
    try:
        for missing in [folder for folder in (path, *path.parents) if not folder.exists()][::-1]:
            with _folder(missing.parent) as synced:
                missing.mkdir(exist_ok=True)
                synced()
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file", str(path))
    except OSError as error:
        raise FileError(f"cannot make the folder {path}: {error.strerror}: {remedy}") from error


def read_bytes(path: str | Path, most: int | None = None) -> bytes:
    """Return what a file holds; FileError when it cannot be read or has more than `most` bytes."""
    with _told("read", path):
        _check_name(path)
        with Path(path).open("rb") as file:
            content = file.read(-1 if most is None else most + 1)
    if most is not None and len(content) > most:
        raise FileError(f"cannot read {path}: it has more than {most} bytes: is it the right file?")
    return content


def create_file(path: Path) -> None:
    """Make an empty file that only this user may read and write, unless a file is there; OSError."""
    with _folder(path.parent) as synced:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return
        synced()


def is_there(path: str | Path) -> bool:
    """Tell whether a file is there that is read unasked, a link to nowhere too.

    FileError for a pipe, a device or a socket: reading it might never end.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return os.path.lexists(path)
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileError(f"cannot read {path}: it is a pipe or a device, no file: delete it, or name another")
    return True


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
    for number, line in enumerate(text.splitlines(), 1):
        if any(part.count(".") > MOST_KEYS and "," not in part for part in line.split("=")):
            raise error(f"{path}: line {number} has a key of more than {MOST_KEYS} parts: shorten it")
    try:
        return tomllib.loads(text)
    except RecursionError as fault:
        raise error(f"{path}: brackets are nested too deep for TOML: take some out") from fault
    except ValueError as fault:
        reason = str(fault).splitlines()[0]
        raise error(f"{path}: this is no TOML, {reason}: mend or delete that line") from fault


def key_name(key: str) -> str:
    """Return a key of a TOML file fit for a message: as it is when plain, else quoted and shortened."""
    return key if key and key.isprintable() and len(key) <= 40 else reprlib.repr(key)


@contextmanager
def _beside(target: Path) -> Iterator[BinaryIO]:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only", str(target))
    temporary = target.with_name(f"{_prefix(target)}-{os.urandom(6).hex()}.tmp")
    with _folder(target.parent) as synced:
        try:
            with temporary.open("xb+") as out:
                yield out
                out.flush()
                if mode is not None:
                    os.chmod(temporary, mode)
                os.fsync(out.fileno())
            temporary.replace(target)
        except BaseException:
            with suppress(FileNotFoundError, NotADirectoryError):
                temporary.unlink()
            raise
        synced()


@contextmanager
def _folder(path: Path) -> Iterator[Callable[[], None]]:
    """Give what flushes the names in a folder to the disk, on systems where that can be asked for."""
    if os.name != "posix":
        yield lambda: None
        return
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield lambda: _synced(opened)
    finally:
        os.close(opened)


def _synced(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        # Some network file systems know no such act: a name there is on the server once it is given.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def _prefix(target: Path) -> str:
    """Return how the names of lock and temporary files of a target begin, of one length for all."""
    return f".xylophone-{zlib.crc32(os.fsencode(target.name)):08x}"


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


@contextmanager
def _told(doing: str, path: str | Path) -> Iterator[None]:
    """Tell an OSError of the block as one line: what could not be done, why, and the remedy."""
    try:
        yield
    except XylophoneError:
        raise
    except OSError as error:
        remedies = _READING if doing == "read" else _WRITING
        reason = remedies.get(error.errno or 0) or f"{error.strerror or error}: try another place"
        raise FileError(f"cannot {doing} {path}: {reason}") from error
