"""What the host, the dispatcher and the watchdog say to each other: one datagram each, its kind in front.

All three hang on sockets of pairs, so each sees at once when another has ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
from collections.abc import Iterable, Iterator
from enum import Enum, unique
from typing import Any, NamedTuple

from .dispatcher import Switching

PULSE_LAYOUT = struct.Struct("<qqB")  # start and width in ns, channel
TIME_LAYOUT = struct.Struct("<q")
AT_ONCE = 256
"""Pulses in one message: reading it takes no longer than a strike may wait."""

LEAVE_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals by which a process is asked to leave."""

LONGEST = 65_536
"""Bytes of the longest message."""


class Said(NamedTuple):
    """A fault that the other side told."""

    message: str
    fatal: bool


@unique
class Datagram(bytes, Enum):
    """What a message is for; its first byte."""

    # Host to dispatcher.
    PULSES = b"P"
    CANCEL = b"C"  # a time; answered with a count
    SILENCE = b"S"  # answered with a count
    # Dispatcher to host.
    OPENED = b"O"  # what was found, as JSON
    NOT_OPENED = b"N"  # name of the error and message, as JSON
    COUNT = b"R"
    FAULT = b"F"  # fatal or not, and message, as JSON
    # Dispatcher to watchdog.
    ON = b"1"  # a coil is on, or will be at once; again and again
    IDLE = b"0"  # no coil is on; again and again
    CLAIM = b"G"  # take the line, switch off; answered
    ALLOW = b"E"  # all outputs are off: let them be on; answered
    CUT = b"X"  # switch off; answered
    # Watchdog to dispatcher.
    CLAIMED = b"g"
    ALLOWED = b"e"
    IS_OFF = b"o"  # the outputs are off; also to the host, that has asked for it
    NO_LINE = b"n"  # message
    TRIPPED = b"T"  # the outputs are switched off: why; also to the host, when they are
    HOST_STOPPED = b"H"  # the host stands still: silence
    # Host to watchdog.
    HOLD = b"h"  # emergency stop: switch off, and allow nothing
    RELEASE = b"r"  # allow again
    TRIP = b"t"  # the dispatcher does not answer: switch off; answered


def pack_pulses(pulses: Iterable[Switching]) -> Iterator[bytes]:
    """Yield messages with these pulses, AT_ONCE in each."""
    rows = list(pulses)
    for begin in range(0, len(rows), AT_ONCE):
        body = b"".join(PULSE_LAYOUT.pack(*row) for row in rows[begin : begin + AT_ONCE])
        yield Datagram.PULSES + body


def unpack_pulses(body: bytes) -> list[Switching]:
    """Return the pulses of a message without its first byte."""
    return [Switching(*row) for row in PULSE_LAYOUT.iter_unpack(body)]


def pack_time(kind: Datagram, number: int) -> bytes:
    """Return a message with a number."""
    return kind + TIME_LAYOUT.pack(number)


def unpack_time(body: bytes) -> int:
    """Return the number of a message without its first byte."""
    number: int = TIME_LAYOUT.unpack(body)[0]
    return number


def pack_json(kind: Datagram, content: Any) -> bytes:
    """Return a message with what JSON can say."""
    return kind + json.dumps(content).encode()


def unpack_json(body: bytes) -> Any:
    """Return what a message without its first byte says."""
    return json.loads(body)


def receive(source: socket.socket) -> bytes:
    """Return the next message, waiting for it; b'' when the other side has gone and all of it was taken."""
    try:
        return source.recv(LONGEST)
    except (
        ConnectionResetError
    ):  # it went with messages unread, which is told once, before its own last words
        return source.recv(LONGEST)


def is_stopped(process: int) -> bool:
    """Tell whether a process was stopped by a signal or has ended, as its state in /proc says."""
    try:
        descriptor = os.open(f"/proc/{process}/stat", os.O_RDONLY)
    except OSError:
        return True
    try:
        content = os.read(descriptor, 512)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    state = content.rindex(b")") + 2
    return content[state : state + 1] in b"TtXxZ"
