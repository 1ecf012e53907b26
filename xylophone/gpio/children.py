"""The dispatcher and the watchdog as their host sees them: processes that are started, and have to leave."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from .datagrams import LEAVE_BY, is_stopped

LOOK = 0.002
"""s between two looks at a process that is to leave."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a line for messages."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def spawn(role: str, spec: dict[str, Any], descriptors: tuple[Any, ...]) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: the terminal's signals are for the host.

    It imports nothing from the folder that the user happens to be in, and is deaf to signals until it can
    answer them.
    """
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    with _deaf():
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "xylophone.gpio", role, json.dumps(spec)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=descriptors,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,
        )


def leaves(process: subprocess.Popen[bytes], limit: float) -> bool:
    """Wait until a process has ended; kill it where it stands still, or takes longer than `limit` s.

    Return whether it left by itself, with exit code 0.
    """
    end = monotonic() + limit
    while process.poll() is None:
        if monotonic() > end or is_stopped(process.pid):
            process.kill()
            process.wait()
        else:
            sleep(LOOK)
    return process.returncode == 0


def how(returncode: int) -> str:
    """Return in words how a process ended."""
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


@contextmanager
def _deaf() -> Iterator[None]:
    """Block the signals that ask to leave, also for what is started meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, LEAVE_BY)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
