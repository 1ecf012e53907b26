"""Being another user, or another program, for a while."""

from __future__ import annotations

import grp  # noqa: F401  imported before the rights to read it may be gone
import os
import pwd  # noqa: F401
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import programs

NOBODY = 65534


@contextmanager
def somebody_else() -> Iterator[None]:
    """Do without root's rights while the block runs; others have none to begin with."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


HOLD = "import fcntl, os, sys; file = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)"
LOCK = "; fcntl.flock(file, fcntl.LOCK_EX)"
WAIT = "; print(flush=True); input()"


@contextmanager
def held(device: str, lock: bool = False) -> Iterator[int]:
    """Have another program hold a port, and lock it if asked, while the block runs; yields its number."""
    command = [sys.executable, "-c", f"{HOLD}{LOCK if lock else ''}{WAIT}", device]
    with programs.Program(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate("\n")
