"""A process that plays, as another one sees it: found by its lock file, asked to leave, killed if need be."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .lockfile import Owner, is_held, owner_of

OFF = getattr(signal, "SIGUSR1", signal.SIGTERM)
"""The signal by which `xylophone off` asks a player to leave; on Windows it ends one at once."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

DEATH = 2000
"""ms that the system is given to end a process that was killed."""


class PlayingProcess:
    """A process that holds a lock file; never another one that has got its number since."""

    def __init__(self, path: Path, owner: Owner, handle: int | None) -> None:
        self.path, self.owner = path, owner
        self.killed = False
        self._handle = handle

    @classmethod
    def holding(cls, path: Path) -> PlayingProcess | None:
        """Return the process that holds a lock file, None where none of this user's does.

        OSError where the file is a link or another user's.
        """
        owner = owner_of(path)
        if owner is None or owner.process == os.getpid() or not is_held(path):
            return None
        handle = None
        try:
            if hasattr(os, "pidfd_open"):
                handle = os.pidfd_open(owner.process)
        except ProcessLookupError:
            return None
        except OSError:
            handle = None  # a kernel that has none
        return cls(path, owner, handle) if _holds(owner.process, path) else None

    @property
    def has_left(self) -> bool:
        """Whether it has ended, or let go of its lock."""
        return self._has_ended or not is_held(self.path) or owner_of(self.path) != self.owner

    @property
    def has_answered(self) -> bool:
        """Whether it is about to leave: while coils are switched off every further signal is ignored."""
        if self.has_left:
            return True
        status = _status(self.owner.process)
        return status is None or bool(int(status["SigIgn"], 16) >> (OFF - 1) & 1)

    def ask(self) -> None:
        """Ask it to switch its coils off and leave."""
        self._send(OFF)

    def kill(self, stop: Callable[[str], object]) -> None:
        """Call `stop` with its backend's URL while it has that open, then end it at once."""
        if self.has_left:  # somebody else has killed it
            return
        self.killed = True
        stop(self.owner.url)
        self._send(KILL)
        if self._handle is not None:
            _ended(self._handle, DEATH)

    @property
    def _has_ended(self) -> bool:
        return self._handle is not None and _ended(self._handle, 0)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)
            else:
                os.kill(self.owner.process, number)


def _ended(handle: int, wait: int) -> bool:
    """Tell whether the process of a handle ends within so many ms."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(wait))


def _holds(process: int, path: Path) -> bool:
    """Tell whether a process is this user's and has a lock file open.

    Where the system does not tell (no /proc), the folder, which is the user's alone, is believed. One whose
    files are hidden has to say by its command line that it is a xylophone.
    """
    if (status := _status(process)) is None:
        return not _tells()
    if int(status["Uid"].split()[1]) != os.geteuid():
        return False
    own = Path("/proc", str(process))
    try:
        lock = path.stat()
        return any(os.path.samestat(lock, found) for found in _files(own / "fd"))
    except PermissionError:
        return b"xylophone" in (own / "cmdline").read_bytes()
    except OSError:
        return False


def _files(place: Path) -> list[os.stat_result]:
    found = []
    for entry in place.iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            found.append(entry.stat())
    return found


def _status(process: int) -> dict[str, str] | None:
    """Return what the system says of a process, None where it says nothing."""
    try:
        lines = Path("/proc", str(process), "status").read_text(errors="replace").splitlines()
    except OSError:
        return None
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _tells() -> bool:
    """Tell whether this system says anything of processes."""
    return Path("/proc/self/status").exists()
