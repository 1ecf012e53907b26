"""Who is at the other end of a unix socket, as the system says it."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = getattr(socket, "SO_PEERCRED", None)


@dataclass(frozen=True, slots=True)
class Peer:
    """A process at the other end: its number, 0 where the system does not tell, its user and group."""

    pid: int
    uid: int
    gid: int

    @classmethod
    def of(cls, connection: socket.socket) -> Peer:
        """Return who has connected; of a connection to a listener, who listens there.

        Where the system does not tell it is one of this user's, since a socket is its user's alone there.
        """
        if _CREDENTIALS is None:
            return cls(0, os.getuid(), os.getgid())
        return cls(*struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, _CREDENTIALS, 12)))

    @property
    def name(self) -> str:
        """The user's name, its number where it has none."""
        import pwd

        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)
