"""The rim of the serial backend: bytes to and from a real port, by pyserial, and what can go wrong there."""

from __future__ import annotations

import errno
from typing import Any, Protocol

from ..errors import BackendAbsent, BackendMissing
from ..link.messages import BAUD
from .ports import LISTING, require_serial

READ_TIMEOUT = 0.004
"""s that a read waits for its first byte: how exact the deadlines of the link are."""

WRITE_TIMEOUT = 0.1
"""s; what is under way fits into the system's own buffer, so only a broken port takes longer."""


class Transport(Protocol):
    """Bytes to and from a board. Any call raises OSError once the board is gone."""

    def read(self) -> bytes:
        """Return what has arrived, after a short wait where nothing has; maybe nothing."""

    def write(self, content: bytes) -> None:
        """Send these bytes; returns within a short time."""

    def close(self) -> None:
        """Let go of the port; never fails."""


class SerialPort:
    """A port opened by pyserial at 250,000 baud, for this process alone. Opening resets the board."""

    def __init__(self, device: str, alone: bool = True) -> None:
        """Open `device`: a path, 'COM3', or an URL that pyserial knows; one in use only if not `alone`.

        Raises BackendAbsent where nothing is there, BackendMissing where it cannot be opened.
        """
        serial = require_serial()
        try:
            self._port: Any = serial.serial_for_url(
                device, BAUD, timeout=READ_TIMEOUT, write_timeout=WRITE_TIMEOUT, exclusive=alone
            )
        except (OSError, ValueError) as error:
            absent = getattr(error, "errno", None) in ABSENT
            raise (BackendAbsent if absent else BackendMissing)(explain(error)) from error

    def read(self) -> bytes:
        """Return what has arrived, waiting at most READ_TIMEOUT for the first byte."""
        try:
            first: bytes = self._port.read(1)
            waiting: int = self._port.in_waiting
            rest: bytes = self._port.read(waiting) if waiting else b""
        except (OSError, TypeError) as error:  # pyserial's own, when the port goes while it reads
            raise OSError("its port has gone") from error
        return first + rest

    def write(self, content: bytes) -> None:
        """Send these bytes; TimeoutError when they are not taken within WRITE_TIMEOUT."""
        try:
            self._port.write(content)
        except OSError as error:
            full = isinstance(error, require_serial().SerialTimeoutException)
            raise (
                TimeoutError("its port takes no bytes") if full else OSError("its port has gone")
            ) from error

    def close(self) -> None:
        """Let go of the port, whatever state it is in."""
        try:
            self._port.close()
        except OSError:
            return  # a device that was pulled out has nothing left to let go of


ABSENT = (errno.ENOENT, errno.ENXIO, errno.ENODEV)
"""What the system says of a port that is not there."""


def explain(error: Exception) -> str:
    """Return one line for why a port could not be opened: the cause, the remedy."""
    said = str(error)
    reason = _REASONS.get(getattr(error, "errno", None) or 0)
    if reason is None:
        reason = next((words for sign, words in _SIGNS.items() if sign in said), f"{said}; {LISTING}")
    return f"cannot open the port: {reason}"


_BUSY = (
    "another program holds this port: close it (an Arduino serial monitor, a second xylophone), "
    "or end the one that plays with: xylophone off"
)
_REASONS = {
    errno.ENOENT: f"there is no such port: check the USB cable; {LISTING}",
    errno.ENXIO: f"nothing is connected to this port: check the USB cable; {LISTING}",
    errno.ENODEV: f"nothing is connected to this port: check the USB cable; {LISTING}",
    errno.EACCES: (
        "this user may not use serial ports: sudo usermod -aG dialout $USER, then log out and in again"
    ),
    errno.EPERM: (
        "this user may not use serial ports: sudo usermod -aG dialout $USER, then log out and in again"
    ),
    errno.EBUSY: _BUSY,
    errno.EAGAIN: _BUSY,
    errno.ENOTTY: f"this is no serial port; {LISTING}",
    errno.EIO: f"this port does not work: plug its USB cable in again; {LISTING}",
    errno.EISDIR: f"this is a folder, no serial port; {LISTING}",
}
"""By the system's error number, where pyserial hands it on."""

_SIGNS = {
    "Could not exclusively lock": _BUSY,
    "Access is denied": _BUSY,  # what Windows says of a port that is in use
    "Could not configure port: (25": _REASONS[errno.ENOTTY],
    "Could not configure port: (5": _REASONS[errno.EIO],
}
"""By what the message says, where it does not."""
