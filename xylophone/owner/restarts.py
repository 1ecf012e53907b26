"""Starts after a crash: three in an hour may go on playing, then it is silent until somebody looks.

Times are the machine's monotonic ones, and the file lies in a runtime folder: a new boot begins anew.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..errors import FileError
from ..files import read_bytes, write_bytes
from .places import Door

HOUR = 3600.0

MOST_CRASHES = 3
"""Crashes within an hour after which a start still plays."""

NAME = "crashes.json"

MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Run:
    """Whether an owner runs, or has run and was not ended in order, and when those before it crashed."""

    running: bool = False
    crashes: tuple[float, ...] = ()

    @property
    def may_play(self) -> bool:
        """Whether what was configured for the start may play."""
        return len(self.crashes) <= MOST_CRASHES

    def begun(self, now: float) -> Run:
        """Return the run that begins now: one that finds another running follows a crash.

        >>> Run(running=True, crashes=(1.0, 2.0)).begun(3602.0)
        Run(running=True, crashes=(2.0, 3602.0))
        """
        met = (*self.crashes, now) if self.running else self.crashes
        return Run(True, tuple(crash for crash in met if now - HOUR <= crash <= now))

    @classmethod
    def read(cls, content: bytes) -> Run:
        """Return what a file says; a damaged one tells of too many crashes: silence is the safe side."""
        with suppress(ValueError, TypeError, RecursionError, AttributeError):
            found = json.loads(content)
            if found.keys() == {"running", "crashes"} and type(found["running"]) is bool:
                return cls(found["running"], tuple(map(float, found["crashes"])))
        return cls(True, (float("inf"),) * (MOST_CRASHES + 1))


class Restarts:
    """The run of an owner, kept in a folder under a name."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self._path = folder / name

    @classmethod
    def of(cls, door: Door) -> Restarts:
        """Return the run of the owner at a door; of sockets that were named several may lie in one folder."""
        return cls(door.path.parent, f"{door.path.name}.{NAME}" if door.named else NAME)

    def begin(self, now: float) -> Run:
        """Note that an owner begins, at a monotonic time; return its run, which knows if it `may_play`.

        FileError.
        """
        run = self._read()
        known = replace(run, crashes=tuple(min(crash, now) for crash in run.crashes))
        begun = known.begun(now)
        self._write(begun)
        return begun

    def forgive(self) -> None:
        """Forget all crashes, since somebody has looked; FileError."""
        self._write(Run(running=True))

    def end(self) -> None:
        """Note that the owner ends in order; FileError."""
        self._write(replace(self._read(), running=False))

    def _read(self) -> Run:
        if not os.path.exists(self._path):  # a folder that is closed to us raises nothing here
            return Run()
        try:
            return Run.read(read_bytes(self._path, MOST_BYTES))
        except FileError:
            return Run.read(b"")

    def _write(self, run: Run) -> None:
        write_bytes(self._path, json.dumps(asdict(run)).encode() + b"\n")
