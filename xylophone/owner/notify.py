"""What a service tells systemd: that it is ready, lives, leaves, and how it does (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Supervisor:
    """Who has started this process as a service; nobody, where nothing in its environment says so.

    >>> Supervisor({}).alive()
    >>> Supervisor({"WATCHDOG_USEC": "10000000"}).watchdog
    10.0
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._environ = environ

    @property
    def watchdog(self) -> float | None:
        """Seconds without a sign of life after which this process is ended; None where nobody watches."""
        limit = self._environ.get("WATCHDOG_USEC", "")
        whose = self._environ.get("WATCHDOG_PID") or str(os.getpid())
        watched = limit.isdecimal() and int(limit) > 0 and whose == str(os.getpid())
        return int(limit) / 1e6 if watched else None

    def ready(self, status: str) -> None:
        """Say that the service has started."""
        self._say("READY=1", _status(status))

    def status(self, status: str) -> None:
        """Say in a line what the service does."""
        self._say(_status(status))

    def alive(self) -> None:
        """Give a sign of life."""
        self._say("WATCHDOG=1")

    def leaving(self) -> None:
        """Say that the service ends."""
        self._say("STOPPING=1")

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)  # rather a sign less than a loop that waits
            sender.sendto("\n".join(lines).encode(errors="replace"), self._address)


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())}"
