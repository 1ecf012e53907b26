"""The real image in the emulator (emulator.c): bytes in, edges and bytes out, all in processor cycles."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from xylophone.tables import Rows

CYCLES_PER_TICK = 8
CYCLES_PER_BYTE = 640
PORTS = b"ACFL"
"""Ports of the outputs, eight channels each."""

ENABLE = ord("D")
RAM = 0x2200
"""One past the last byte of memory."""

EDGE = np.dtype([("cycle", "u8"), ("port", "u1"), ("value", "u1")], align=True)
TIMED = np.dtype([("cycle", "u8"), ("byte", "u1")], align=True)


def load(library: Path) -> ctypes.CDLL:
    """Return the emulator's library with its functions' types."""
    emulator = ctypes.CDLL(str(library))
    here, u64, count = ctypes.c_void_p, ctypes.c_uint64, ctypes.POINTER(ctypes.c_size_t)
    functions = {
        "open": (here, [ctypes.c_char_p, ctypes.c_char_p]),
        "reset": (None, [here, ctypes.c_uint8]),
        "listens": (ctypes.c_uint32, [here]),
        "close": (None, [here]),
        "line": (None, [here, ctypes.c_char_p, here, ctypes.c_size_t]),
        "run": (ctypes.c_int, [here, u64]),
        "cycle": (u64, [here]),
        "timer_zero": (u64, [here]),
        "edges": (here, [here, count]),
        "sent": (here, [here, count]),
        "lowest_stack": (ctypes.c_uint16, [here]),
        "lost": (ctypes.c_uint32, [here]),
        "poke": (None, [here, ctypes.c_uint16, ctypes.c_uint8]),
        "forget": (None, [here, ctypes.c_uint8]),
        "peek": (ctypes.c_uint8, [here, ctypes.c_uint16]),
        "keep": (None, [here, ctypes.c_uint16, ctypes.c_char_p, ctypes.c_size_t]),
        "hang": (ctypes.c_int, [here]),
    }
    for name, (result, arguments) in functions.items():
        function = getattr(emulator, f"emulator_{name}")
        function.restype, function.argtypes = result, arguments
    return emulator


class EmulatedBoard:
    """An Arduino Mega 2560 with an image, from reset; `cycle` counts from there."""

    def __init__(self, library: ctypes.CDLL, image: Path, bootloader: Path | None = None) -> None:
        self._library = library
        first = None if bootloader is None else str(bootloader).encode()
        self._handle = library.emulator_open(str(image).encode(), first)
        assert self._handle, f"the emulator does not take {image} behind {bootloader}"
        self._line_free = 0
        self._taken = 0

    def close(self) -> None:
        """Free the emulator's memory."""
        self._call("close")

    @property
    def cycle(self) -> int:
        """Cycles since the reset."""
        return int(self._call("cycle"))

    def start(self) -> int:
        """Run until the board's clock starts, and return the cycle at which that is 0."""
        while not self._call("timer_zero"):
            self.run(self.cycle + 1000)
        return int(self._call("timer_zero"))

    def run(self, until: int) -> None:
        """Run until a cycle."""
        assert self._call("run", until), f"the processor crashed at cycle {self.cycle}"

    def send(self, data: bytes, at: int = 0, spacing: int = CYCLES_PER_BYTE) -> int:
        """Put bytes on the line, as soon as it is free after cycle `at`; return when the last has arrived."""
        first = max(self._line_free, at, self.cycle) + CYCLES_PER_BYTE
        cycles = first + spacing * np.arange(len(data), dtype=np.uint64)
        self._call("line", data, cycles.ctypes.data, len(data))
        self._line_free = int(cycles[-1]) if len(data) else self._line_free
        return self._line_free

    def deliver(self, data: bytes, cycles: Rows) -> None:
        """Have each of these bytes arrive at its cycle (u8), none before one that was delivered."""
        cycles = np.ascontiguousarray(cycles, np.uint64)
        self._call("line", data, cycles.ctypes.data, len(data))

    def take_sent(self) -> bytes:
        """Return the bytes that the board has sent and nobody took before."""
        rows = self.sent(self._taken)
        self._taken += len(rows)
        return rows["byte"].tobytes()

    def sent(self, first: int = 0) -> Rows:
        """Return the bytes sent (dtype TIMED), from one on; cycles are those of going to the transmitter."""
        return self._table("sent", TIMED, first)

    def port_writes(self) -> Rows:
        """Return all changes of ports (dtype EDGE) since the reset."""
        return self._table("edges", EDGE)

    def channel_edges(self) -> Rows:
        """Return (cycle, channel, on) of every change of an output, in order of time."""
        before = dict.fromkeys(PORTS, 0)
        rows = []
        for cycle, port, value in self.port_writes().tolist():
            if port in before:
                changed, before[port] = before[port] ^ value, value
                base = 8 * PORTS.index(port)
                rows += [
                    (cycle, base + bit, bool(value >> bit & 1)) for bit in range(8) if changed >> bit & 1
                ]
        return np.array(rows, [("cycle", "i8"), ("channel", "u1"), ("on", "?")])

    def outputs(self) -> int:
        """Return the mask of outputs that are on."""
        writes = self.port_writes()
        mask = 0
        for place, port in enumerate(PORTS):
            mine = writes["value"][writes["port"] == port]
            mask |= int(mine[-1]) << 8 * place if len(mine) else 0
        return mask

    def stack_used(self) -> int:
        """Return the most bytes of stack that were in use."""
        return RAM - 1 - int(self._call("lowest_stack"))

    def lost(self) -> int:
        """Return how many bytes the receiver lost because nobody took them in time."""
        return int(self._call("lost"))

    def reset(self, flags: int) -> None:
        """Reset the processor, with these flags of MCUSR; what is in memory stays."""
        self._call("reset", flags)

    def listens(self) -> int:
        """Return how many cycles a bit takes by the receiver's settings; 0 while it does not listen."""
        return int(self._call("listens"))

    def poke(self, address: int, value: int) -> None:
        """Write a register behind the firmware's back."""
        self._call("poke", address, value)

    def forget(self, fill: int) -> None:
        """Lose what is in memory: each byte is this one now."""
        self._call("forget", fill)

    def peek(self, address: int) -> int:
        """Read a register."""
        return int(self._call("peek", address))

    def keep(self, address: int, content: bytes) -> None:
        """Have bytes in the EEPROM."""
        self._call("keep", address, content, len(content))

    def hang(self) -> None:
        """Make the main loop an endless loop where it is."""
        while not self._call("hang"):
            self.run(self.cycle + 1)

    def _call(self, name: str, *arguments: object) -> int:
        return getattr(self._library, f"emulator_{name}")(self._handle, *arguments)

    def _table(self, name: str, dtype: np.dtype, first: int = 0) -> Rows:
        count = ctypes.c_size_t()
        place = self._call(name, ctypes.byref(count))
        if count.value <= first:
            return np.empty(0, dtype)
        size = (count.value - first) * dtype.itemsize
        memory = (ctypes.c_char * size).from_address(place + first * dtype.itemsize)
        return np.frombuffer(memory, dtype).copy()
