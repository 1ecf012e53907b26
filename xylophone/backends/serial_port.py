"""The rim of the serial backend: bytes to and from a real port, by pyserial, and what can go wrong there."""

from __future__ import annotations

import errno
import os
import select
from functools import partial
from typing import Any, Protocol

from ..errors import BackendAbsent, BackendMissing
from ..link.messages import BAUD
from .port_use import holder_of, refusal_to
from .ports import LISTING, is_on_the_network, require_serial

READ_TIMEOUT = 0.004
"""s that a read waits for its first byte: how exact the deadlines of the link are."""

STALL = 0.5
"""s for which a port that still has bytes to take takes none, before the board counts as gone.

What is under way fits into the system's own buffer, so only a broken port takes longer."""


class Transport(Protocol):
    """Bytes to and from a board. Any call raises OSError once the board is gone."""

    fixed_baud: bool
    """Whether the line has one rate only, which nobody here can change."""

    def set_baud(self, baud: int) -> None:
        """Send and receive at this rate from now on; bytes still under way are lost."""

    def read(self) -> bytes:
        """Return what has arrived, after a short wait where nothing has; maybe nothing."""

    def write(self, content: bytes) -> None:
        """Send these bytes; returns within a short time."""

    def close(self) -> None:
        """Let go of the port; never fails."""


class Outlet(Protocol):
    """Where bytes leave without waiting."""

    def ready(self, limit: float) -> bool:
        """Whether it takes bytes now, or begins to within `limit` seconds; uses no CPU meanwhile."""

    def take(self, content: memoryview) -> int:
        """Take what it can of these bytes, at least one where it was ready; return how many."""


class File:
    """A file of the system as an outlet, by its descriptor, which does not block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ready(self, limit: float) -> bool:
        """Whether it takes bytes within `limit` seconds."""
        return bool(select.select([], [self._descriptor], [], limit)[1])

    def take(self, content: memoryview) -> int:
        """Take what it can of these bytes; OSError where what is behind it has gone, or it takes none."""
        return os.write(self._descriptor, content)


def send(outlet: Outlet, content: bytes) -> None:
    """Send all these bytes; TimeoutError where some are left and none is taken for STALL seconds.

    Only the outlet is asked how long that was, so a program that got no CPU meanwhile changes nothing.
    """
    left = memoryview(content)
    while left:
        if not outlet.ready(STALL):
            raise TimeoutError("its port takes no bytes")
        left = left[outlet.take(left) :]


class SerialPort:
    """A port opened by pyserial at 250,000 baud, for this process alone. Opening resets the board."""

    def __init__(self, device: str, alone: bool = True) -> None:
        """Open `device`: a path, 'COM3', or a board's URL on the network; one in use only if not `alone`.

        Raises BackendAbsent where nothing is there, BackendMissing where it cannot be opened.
        """
        serial = require_serial()
        self.fixed_baud = device.startswith("socket:")
        far = is_on_the_network(device)  # nothing else is a URL to pyserial: some of those write files
        make = serial.serial_for_url if far else serial.Serial
        try:
            self._port: Any = make(device, BAUD, timeout=READ_TIMEOUT, write_timeout=STALL, exclusive=alone)
        except (OSError, ValueError) as error:
            absent = far or getattr(error, "errno", None) in ABSENT
            raise (BackendAbsent if absent else BackendMissing)(explain(error, device)) from error
        # pyserial raises its time-out even when all bytes were taken, and does not say how many were; it
        # spins while a full port takes none. A device of POSIX has a descriptor that says it all.
        descriptor: int | None = getattr(self._port, "fd", None)
        self._send = self._port.write if descriptor is None else partial(send, File(descriptor))

    def set_baud(self, baud: int) -> None:
        """Send and receive at this rate from now on."""
        if self._port.baudrate == baud:
            return
        try:
            self._port.baudrate = baud
        except (OSError, ValueError) as error:
            raise OSError("its port does not change its baud rate") from error

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
        """Send these bytes; TimeoutError when none is taken for STALL seconds, OSError where it has gone."""
        try:
            self._send(content)
        except OSError as error:
            full = isinstance(error, TimeoutError | BlockingIOError | require_serial().SerialTimeoutException)
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


def explain(error: Exception, device: str) -> str:
    """Return one line for why a port could not be opened: the cause, the remedy."""
    said, code = str(error), getattr(error, "errno", None) or 0
    reason = _REASONS.get(code)
    if reason is None:
        reason = next((words for sign, words in _SIGNS.items() if sign in said), f"{said}; {LISTING}")
    if reason == _DENIED:
        reason = refusal_to(device) or _DENIED
    if reason == _BUSY:
        reason = held_by(holder_of(device))
    return f"cannot open the port: {reason}"


def held_by(holder: str | None) -> str:
    """Return in words that a program holds a port, with the remedy; None is one that is not known."""
    return (
        f"{holder or 'another program'} holds this port: close it (an Arduino serial monitor, a second "
        "xylophone), or end the one that plays with: xylophone off"
    )


_BUSY = held_by(None)
_DENIED = "this user may not use serial ports: sudo usermod -aG dialout $USER, then log out and in again"
_REASONS = {
    errno.ENOENT: f"there is no such port: check the USB cable; {LISTING}",
    errno.ENXIO: f"nothing is connected to this port: check the USB cable; {LISTING}",
    errno.ENODEV: f"nothing is connected to this port: check the USB cable; {LISTING}",
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
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
