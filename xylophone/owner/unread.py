"""What the other side of a socket has not read yet."""

from __future__ import annotations

from array import array
from contextlib import suppress
from typing import Protocol


class Numbered(Protocol):
    """A socket, of whatever kind."""

    def fileno(self) -> int:
        """Return its descriptor."""


def unread(connection: Numbered) -> int:
    """Return how much memory the system needs for what was sent and not read, in bytes; 0 where it is silent.

    It shrinks with every piece that is read: whether a socket takes more shows that much later.
    """
    import fcntl
    import termios

    held = array("i", [0])
    with suppress(OSError):
        fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, held)
    return held[0]
