"""Who is playing: so that one instrument has one player, and `xylophone off` finds it.

Each playing process holds a lock file of its own; the system lets go of it when the process ends,
however it ends, so a file that is left behind means nothing.
"""

from __future__ import annotations

import getpass
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from .errors import BackendError, BackendMissing, FileError

if TYPE_CHECKING:
    from filelock import BaseFileLock

GRACE = 3.0
"""s that a playing process is given to switch its coils off and leave."""


def folder() -> Path:
    """Return where lock files lie: the folder of the user for what programs leave behind."""
    from platformdirs import user_state_path

    shared = Path(tempfile.gettempdir(), f"xylophone-{getpass.getuser()}")
    for path in (user_state_path("xylophone", appauthor=False), shared):
        with suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
            return path
    raise FileError(f"cannot make {shared} for lock files: set XDG_STATE_HOME to a folder to write in")


@contextmanager
def playing(url: str, where: Path | None = None) -> Iterator[None]:
    """Hold the backend of this URL while the block runs; BackendMissing if another process plays on it.

    What strikes nothing excludes nobody; a machine has one set of pins, whatever hangs on them.
    """
    from filelock import FileLock, Timeout

    simulated = url.startswith(("sim:", "gpio:null"))
    name = "gpio" if url.startswith("gpio:") else re.sub(r"[^A-Za-z0-9]+", "-", url).strip("-")
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

    All are asked before any is waited for. Raises BackendError if one does not leave within GRACE
    seconds. On Windows a process is ended at once, with no way out of its own: silence its backend then.
    """
    from filelock import FileLock, Timeout

    asked: list[tuple[BaseFileLock, int]] = []
    for path in sorted((where or folder()).glob("*.lock")):
        lock = FileLock(path)
        with suppress(Timeout), lock.acquire(timeout=0):
            continue  # nobody holds it
        process = _owner(path)
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
            asked.append((lock, process))
    stubborn = [process for lock, process in asked if not _is_free(lock)]
    if stubborn:
        raise BackendError(
            f"process {stubborn[0]} plays on and did not leave within {GRACE:g} s: switch the supply off, "
            f"then end it with: kill -9 {stubborn[0]}"
        )
    return [process for _, process in asked]


@contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Let signals end the block: SIGINT by KeyboardInterrupt, SIGTERM and SIGHUP by SystemExit 128 + number.

    The first one counts: the others are ignored until the block has been left, so that nothing
    interrupts switching the coils off. A SIGHUP that is ignored, as nohup has it, stays so. For the main
    thread. What was set before returns.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    numbers = [
        n for n in numbers if signal.Signals(n).name != "SIGHUP" or signal.getsignal(n) != signal.SIG_IGN
    ]

    def leave(number: int, _frame: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)


def _is_free(lock: BaseFileLock) -> bool:
    """Tell whether a lock is let go of within GRACE seconds."""
    from filelock import Timeout

    with suppress(Timeout), lock.acquire(timeout=GRACE):
        return True
    return False


def _owner_file(path: Path) -> Path:
    return path.with_suffix(".pid")


def _owner(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(_owner_file(path).read_text())
    return None
