"""Who is playing: so that one instrument has one player, and `xylophone off` finds it.

Each playing process holds a lock file of its own; the system lets go of it when the process ends,
however it ends, so a file that is left behind means nothing.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from .errors import BackendError, BackendMissing

GRACE = 3.0
"""s that a playing process is given to switch its coils off and leave."""


def folder() -> Path:
    """Return where lock files lie: the folder of the user for what programs leave behind."""
    from platformdirs import user_state_path

    return user_state_path("xylophone", appauthor=False, ensure_exists=True)


@contextmanager
def playing(url: str, where: Path | None = None) -> Iterator[None]:
    """Hold the backend of this URL while the block runs; BackendMissing if another process plays on it.

    Simulations do not exclude each other.
    """
    from filelock import FileLock, Timeout

    simulated = url.startswith("sim:")
    name = re.sub(r"[^A-Za-z0-9]+", "-", url).strip("-")
    name = f"{name}-{os.getpid()}" if simulated else name
    path = (where or folder()) / f"{name}.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BackendMissing(
            f"{url} is in use by process {_owner(path)}: wait until it has played, "
            "or stop it with: xylophone off"
        ) from None
    try:
        _owner_file(path).write_text(str(os.getpid()))
        yield
    finally:
        _owner_file(path).unlink(missing_ok=True)
        lock.release()
        if simulated:  # nobody else ever takes this one
            path.unlink(missing_ok=True)


def end_playing(where: Path | None = None) -> list[int]:
    """Ask every playing process to switch its coils off and leave; return their numbers.

    Raises BackendError if one does not leave within GRACE seconds.
    """
    from filelock import FileLock, Timeout

    ended = []
    for path in sorted((where or folder()).glob("*.lock")):
        lock = FileLock(path)
        with suppress(Timeout), lock.acquire(timeout=0):
            continue  # nobody holds it
        process = _owner(path)
        if process is None:
            continue
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
        try:
            with lock.acquire(timeout=GRACE):
                ended.append(process)
        except Timeout:
            raise BackendError(
                f"process {process} plays on and did not leave within {GRACE:g} s: switch the supply off, "
                f"then end it with: kill -9 {process}"
            ) from None
    return ended


@contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block by SystemExit with 128 + their number, so that coils go off."""
    handled = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, _leave) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _owner_file(path: Path) -> Path:
    return path.with_suffix(".pid")


def _owner(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(_owner_file(path).read_text())
    return None
