"""The image that ships behind Arduino's own bootloader, in the emulator, at the end of a host's line.

Host and board each have their baud rate, which both change: what either hears of the other is what its
receiver makes of the levels on the line.
"""

from __future__ import annotations

import ctypes
from collections import deque
from pathlib import Path
from typing import NamedTuple

import numpy as np

from firmware.building import PLACES
from firmware.emulated import EmulatedBoard
from firmware.host import hear
from xylophone.clock import VirtualClock
from xylophone.link.messages import BAUD
from xylophone.tables import Rows

BOOTLOADER = PLACES["Arduino core"].parents[2] / "bootloaders/stk500v2/stk500boot_v2_mega2560.hex"
"""Arduino's own, as Debian packages it."""

CYCLES = 16e6
"""Processor cycles a second."""

SLICE = 320
"""Cycles (20 us) between two looks at how the board's receiver is set."""

USB = 0.001
"""s that bytes take from one end of the cable to the other, beside their time on the line."""

SAME = 0.03
"""Difference of two baud rates, as a share, that receivers stand."""

PORF, EXTRF, BORF, WDRF = 1, 2, 4, 8
"""Flags of MCUSR: why the processor was reset."""


class Burst(NamedTuple):
    """Bytes that are sent one right after the other."""

    begin: float  # cycle
    content: bytes
    bit: float  # cycles
    end: float


class Mega:
    """A board and its port, which `connect` opens; that resets the board."""

    def __init__(
        self, library: ctypes.CDLL, image: Path, bootloader: Path | None, clock: VirtualClock
    ) -> None:
        self.board = EmulatedBoard(library, image, bootloader)
        self.clock, self._start = clock, clock.now()
        self._bursts: deque[Burst] = deque()
        self._bit, self._since = 0.0, 0.0  # of the receiver, and the cycle since when it is set so
        self._heard: Rows | None = None  # of the first burst, what has not arrived yet
        self._delivered = 0
        self.mute = False  # what the board says is lost
        self.spoken_at_other_baud = 0  # bytes that the host has sent so

    def connect(self) -> Port:
        """Open the port."""
        self.reset(EXTRF)
        return Port(self)

    def reset(self, flags: int) -> None:
        """Reset the processor now."""
        self.run(self.cycle(self.clock.now()))
        self.board.reset(flags)
        self._bit, self._since, self._heard = 0.0, self.board.cycle, None

    def cycle(self, time: float) -> float:
        """Return the cycle of a time of the clock's."""
        return (time - self._start) * CYCLES

    def time(self, cycle: float) -> float:
        """Return the time of a cycle."""
        return self._start + cycle / CYCLES

    def send(self, begin: float, content: bytes, bit: float) -> float:
        """Put bytes on the line from a cycle on; return the cycle at which the last stop bit ends."""
        end = begin + 10 * bit * len(content)
        self._bursts.append(Burst(begin, content, bit, end))
        return end

    def run(self, until: float) -> None:
        """Run until a cycle, and have arrive what is on the line."""
        while self.board.cycle < int(until):
            if not self._bursts:
                self.board.run(int(until))
            elif int(self._bursts[0].begin) > self.board.cycle:
                self.board.run(int(min(until, self._bursts[0].begin)))
            else:
                self._run_slice(self._bursts[0])

    def _run_slice(self, burst: Burst) -> None:
        now = self.board.cycle
        if self.board.listens() != self._bit:
            self._bit, self._since, self._heard = self.board.listens(), now, None
        if self._heard is None:
            self._heard = self._hear(burst)
        last = now + SLICE >= burst.end
        at = self._heard["at"] + burst.begin
        count = len(at) if last else int(np.searchsorted(at, now + SLICE, "right"))
        if count:
            cycles = np.maximum(at[:count].astype(np.uint64), self._delivered + 1)
            self._delivered = int(cycles[-1])
            self.board.deliver(self._heard["byte"][:count].tobytes(), cycles)
            self._heard = self._heard[count:]
        if last:
            self._bursts.popleft()
            self._heard = None
        self.board.run(now + SLICE)

    def _hear(self, burst: Burst) -> Rows:
        if not self._bit:
            return hear(b"", 1.0, 1.0)
        begin = max(0.0, self._since - burst.begin)
        return hear(burst.content, burst.bit, self._bit, begin)


class Port:
    """The transport to a Mega."""

    fixed_baud = False

    def __init__(self, mega: Mega) -> None:
        self._mega = mega
        self._baud = BAUD
        self._busy = 0.0  # until this cycle
        self._read = len(mega.board.sent())

    def set_baud(self, baud: int) -> None:
        """Send and receive at this rate."""
        self._baud = baud

    def read(self) -> bytes:
        """Return what has arrived."""
        mega = self._mega
        mega.run(mega.cycle(mega.clock.now()))
        sent = mega.board.sent(self._read)
        sent = sent[sent["cycle"] + USB * CYCLES <= mega.board.cycle]
        self._read += len(sent)
        if mega.mute:
            return b""
        bit = mega.board.listens() or CYCLES / BAUD
        if abs(bit * self._baud / CYCLES - 1) < SAME:
            return sent["byte"].tobytes()
        return hear(sent["byte"].tobytes(), bit, CYCLES / self._baud)["byte"].tobytes()

    def write(self, content: bytes) -> None:
        """Send these bytes."""
        mega = self._mega
        mega.spoken_at_other_baud += len(content) * (self._baud != BAUD)
        begin = max(self._busy, mega.cycle(mega.clock.now() + USB))
        self._busy = mega.send(begin, content, CYCLES / self._baud)

    def close(self) -> None:
        """Let go of the port."""
