"""The virtual board (firmware/host) from Python: the real core, on a clock that the test moves."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import numpy as np

from firmware.building import built, need
from xylophone.link.messages import Cause
from xylophone.tables import Rows

SANITIZE = "SANITIZE"
"""Variable of the environment, and of make."""

EDGE = np.dtype([("clock", "u8"), ("on", "u4"), ("off", "u4")])
"""A change of outputs: tick without wraps, masks of the channels that went on and off."""

HEARD = np.dtype([("at", "f8"), ("byte", "u1")], align=True)
"""A byte on the line."""


@cache
def library() -> ctypes.CDLL:
    """Return the virtual board as a library, built once in a run; with checks where SANITIZE says so."""
    need("cc", "make")
    folder = built("host", **({SANITIZE: "1"} if os.environ.get(SANITIZE) else {}))
    return typed(folder / "libxylophone.so")


def typed(path: Path) -> ctypes.CDLL:
    """Return a library of the virtual board with its functions' types."""
    board = ctypes.CDLL(str(path))
    here, u64, size = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_size_t
    functions = {
        "open": (here, [u64, ctypes.c_uint32, ctypes.c_uint8]),
        "close": (None, [here]),
        "keep": (None, [here, ctypes.c_char_p]),
        "receive": (None, [here, ctypes.c_char_p, size, u64]),
        "advance": (None, [here, u64]),
        "clock": (u64, [here]),
        "next": (u64, [here]),
        "sent": (size, [here, ctypes.c_char_p, size]),
        "edges": (here, [here, ctypes.POINTER(size)]),
        "outputs": (ctypes.c_uint32, [here]),
        "armed": (ctypes.c_bool, [here]),
        "stick": (None, [here, ctypes.c_uint8]),
        "overrun": (None, [here, ctypes.c_uint8]),
        "stall": (None, [here, u64]),
    }
    bootloader = {
        "start": (None, [here, u64]),
        "take": (None, [here, ctypes.c_uint8, u64]),
        "leaves": (u64, [here]),
    }
    number = ctypes.c_double
    line = {"hear": (size, [ctypes.c_char_p, size, number, number, number, here, size])}
    types = {f"host_{name}": each for name, each in functions.items()}
    types |= {f"bootloader_{name}": each for name, each in bootloader.items()}
    types |= {f"line_{name}": each for name, each in line.items()}
    for name, (result, arguments) in types.items():
        function = getattr(board, name)
        function.restype, function.argtypes = result, arguments
    return board


class VirtualBoard:
    """A board that starts at a tick; all ticks here are without wraps, the board sees 32 bits of them."""

    def __init__(
        self,
        clock_start: int = 0,
        boot: int = 1,
        cause: int = Cause.POWER_ON,
        built: ctypes.CDLL | None = None,
    ) -> None:
        self._library = built or library()
        self._handle: int | None = None
        self._handle = self._library.host_open(clock_start, boot, cause)
        self.boot = boot

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self._library.host_close(self._handle)

    @property
    def clock(self) -> int:
        """The present tick."""
        return int(self._library.host_clock(self._handle))

    def keep(self, record: bytes) -> None:
        """Have the board keep these ceilings, as the EEPROM of a real one."""
        self._library.host_keep(self._handle, record)

    def receive(self, content: bytes, at: int) -> None:
        """Hand over bytes, all of which will have arrived at a tick."""
        self._library.host_receive(self._handle, content, len(content), at)

    def advance(self, until: int) -> None:
        """Let the time pass until a tick."""
        self._library.host_advance(self._handle, until)

    def sent(self) -> bytes:
        """Return what the board has sent since the last call."""
        said = b""
        buffer = ctypes.create_string_buffer(4096)
        while count := self._library.host_sent(self._handle, buffer, len(buffer)):
            said += buffer.raw[:count]
        return said

    def edges(self) -> Rows:
        """Return all changes of outputs (dtype EDGE) since the start."""
        count = ctypes.c_size_t()
        place = self._library.host_edges(self._handle, ctypes.byref(count))
        if not count.value:
            return np.empty(0, EDGE)
        return np.frombuffer(ctypes.string_at(place, count.value * EDGE.itemsize), EDGE)

    def pulses(self) -> Rows:
        """Return (on, off, channel) of every pulse that has ended, in order of on and channel."""
        begun: dict[int, int] = {}
        rows = []
        for clock, on, off in self.edges().tolist():
            for channel in _channels(off):
                rows.append((begun.pop(channel), clock, channel))
            begun |= dict.fromkeys(_channels(on), clock)
        return np.array(
            sorted(rows, key=lambda row: (row[0], row[2])), [("on", "i8"), ("off", "i8"), ("channel", "u1")]
        )

    @property
    def outputs(self) -> int:
        """The mask of outputs that are on."""
        return int(self._library.host_outputs(self._handle))

    @property
    def armed(self) -> bool:
        """Whether the board takes strikes."""
        return bool(self._library.host_armed(self._handle))

    def stick(self, channel: int) -> None:
        """Switch an output on behind the firmware's back."""
        self._library.host_stick(self._handle, channel)

    def overrun(self, count: int) -> None:
        """Have the receiver say that it has lost so many bytes."""
        self._library.host_overrun(self._handle, count)

    def stall(self, ticks: int) -> None:
        """Have the main loop stand still for so many ticks; what interrupts do goes on."""
        self._library.host_stall(self._handle, ticks)


class Bootloader:
    """The stand-in for the bootloader of a Mega that was reset at a tick."""

    def __init__(self, clock: int) -> None:
        self._library = library()
        self._memory = ctypes.create_string_buffer(64)
        self._library.bootloader_start(self._memory, clock)

    def take(self, byte: int, clock: int) -> None:
        """Take a byte that has arrived at a tick, as it is heard at 115,200 baud."""
        self._library.bootloader_take(self._memory, byte, clock)

    @property
    def leaves(self) -> int:
        """The tick at which the program starts, if nothing arrives before."""
        return int(self._library.bootloader_leaves(self._memory))


def hear(content: bytes, sent_bit: float, bit: float, begin: float = 0.0) -> Rows:
    """Return (at, byte) of what a receiver makes of bytes that are sent in a row from time 0 on.

    It listens from `begin`; a bit takes the sender `sent_bit` and the receiver `bit`; `at` is the end of
    the stop bit. All in one unit of time.
    """
    rows = np.zeros(3 * len(content) + 1, HEARD)
    room = len(rows)
    count = library().line_hear(content, len(content), sent_bit, bit, begin, rows.ctypes.data, room)
    return rows[:count]


def _channels(mask: int) -> list[int]:
    return [channel for channel in range(32) if mask >> channel & 1]
