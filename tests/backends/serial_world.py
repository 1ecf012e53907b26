"""A host and a board in one virtual time: what goes over the line can be seen, altered, disturbed and cut."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from firmware.building import need
from firmware.host import Bootloader, VirtualBoard, hear
from xylophone.backends.serial import SerialBackend
from xylophone.backends.serial_port import send
from xylophone.clock import VirtualClock
from xylophone.errors import BackendAbsent
from xylophone.instrument import Instrument, build_instrument
from xylophone.link.bootloader import BOOTLOADER_BAUD
from xylophone.link.frames import FrameReader, encode_frame
from xylophone.link.messages import (
    BAUD,
    RAW_STOP,
    TICK_RATE,
    TO_BOARD,
    TO_HOST,
    Cause,
    Message,
    StrikesMessage,
)
from xylophone.tables import PULSE, STRIKE_ON_WIRE, Rows

FIRST_TICK = 2**32 - 7_000_000
"""Ticks (3.5 s before its clock wraps) at which a board starts."""

INSTRUMENT = build_instrument()
BEFORE = 5.0
"""s before 0 at which the clock of a world begins."""

USB = 0.001
"""s that bytes take from one end of the cable to the other, beside their time on the line."""

LONG_AGO = 1000.0
"""s before the clock's 0 at which a bootloader's ticks are 0."""

PLAYED = [("on", "i8"), ("off", "i8"), ("channel", "u1")]

Alter = Callable[[Message], "Message | None"]


class StallingClock(VirtualClock):
    """A virtual clock on which nobody gets the CPU at certain times: whoever wants it then gets it later."""

    def __init__(self, start: float) -> None:
        super().__init__(start)
        self.stalls: list[tuple[float, float]] = []

    def at(self, moment: float, call: Callable[[], object]) -> None:
        super().at(self._free(moment), call)

    def wait_until(self, moment: float) -> None:
        super().wait_until(self._free(moment))

    def _free(self, moment: float) -> float:
        return max([moment, *(end for begin, end in self.stalls if begin <= moment < end)])


class Line:
    """One direction of the line: frames can be altered on it, bytes be flipped or lost."""

    def __init__(self, kinds: dict[int, type[Message]], seed: int) -> None:
        self.alter: Alter | None = None
        self.noise = 0.0  # share of the bytes that are flipped or lost
        self.open = True
        self._kinds = kinds
        self._reader = FrameReader()
        self._random = random.Random(seed)

    def carry(self, content: bytes) -> bytes:
        """Return what arrives of these bytes."""
        if not self.open:
            return b""
        if self.alter is not None:
            content = self._altered(content, self.alter)
        return b"".join(map(self._disturbed, content)) if self.noise else content

    def _altered(self, content: bytes, alter: Alter) -> bytes:
        out = RAW_STOP if RAW_STOP in content else b""
        for frame in self._reader.feed(content):
            message = alter(self._kinds[frame.code].unpack(frame.payload))
            if message is not None:
                out += encode_frame(frame.sequence, message.CODE, message.pack())
        return out

    def _disturbed(self, byte: int) -> bytes:
        if self._random.random() >= self.noise:
            return bytes([byte])
        return b"" if self._random.random() < 0.5 else bytes([byte ^ (1 << self._random.randrange(8))])


class Chip:
    """A board from one start to the next: the real core, 0.3 % fast. Times are the host's, s.

    With a bootloader in front of it the program starts later, and `cause` is what that leaves of it.
    """

    rate = 1.003 * TICK_RATE

    def __init__(self, start: float, boot: int, cause: int, bootloader: bool = False) -> None:
        self._start = start
        self._identity = boot, cause
        self._before = Bootloader(_ticks(start)) if bootloader else None
        self._program: VirtualBoard | None = None
        self._reader = FrameReader()
        self._strikes: list[Rows] = []
        self.run(start)

    def clock_at(self, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the ticks at some times, without wraps."""
        return FIRST_TICK + np.round((np.asarray(times) - self._start) * self.rate).astype(np.int64)

    def run(self, until: float) -> None:
        """Let the time pass."""
        if self._program is None:
            if self._before is not None:
                if _ticks(until) < self._before.leaves:
                    return
                self._start = self._before.leaves / TICK_RATE - LONG_AGO
            self._program = VirtualBoard(FIRST_TICK, *self._identity)
        self._program.advance(int(self.clock_at(until)))

    def feed(self, begin: float, content: bytes, baud: int, heard_from: float = -math.inf) -> None:
        """Have bytes sent to it from `begin` on, of which it hears those after `heard_from`."""
        self.run(begin)
        own = BAUD if self._program is not None else BOOTLOADER_BAUD
        if own == baud and heard_from <= begin:
            heard, end = content, begin + len(content) * 10 / baud
        else:
            rows = hear(content, 1 / baud, 1 / own, max(0.0, heard_from - begin))
            heard, end = rows["byte"].tobytes(), begin + float(rows["at"][-1]) if len(rows) else begin
        if self._program is None:
            for byte in heard:
                assert self._before is not None
                self._before.take(byte, _ticks(end))
            return
        self._program.receive(heard, int(self.clock_at(end)))
        for frame in self._reader.feed(heard):
            if frame.code == StrikesMessage.CODE:
                self._strikes.append(StrikesMessage.unpack(frame.payload).rows)

    def take(self, until: float) -> bytes:
        """Return the bytes that it has sent by a time."""
        self.run(until)
        return self._program.sent() if self._program is not None else b""

    def strikes(self) -> Rows:
        """Return the strikes that were sent to it (dtype STRIKE_ON_WIRE), in order."""
        return np.concatenate([np.empty(0, STRIKE_ON_WIRE), *self._strikes])

    def pulses(self) -> Rows:
        """Return the pulses that it has played: (on, off, channel), ticks without wraps, in order."""
        return self._program.pulses() if self._program is not None else np.empty(0, PLAYED)

    def struck(self) -> list[int]:
        """Return the channels of these pulses."""
        channels: list[int] = self.pulses()["channel"].tolist()
        return channels

    def stick(self, channel: int) -> None:
        """Switch an output on behind the firmware's back, once the program runs."""
        assert self._program is not None
        self._program.stick(channel)

    @property
    def outputs(self) -> int:
        """The mask of the outputs that are on."""
        return self._program.outputs if self._program is not None else 0

    @property
    def armed(self) -> bool:
        """Whether it would play a strike."""
        return self._program is not None and self._program.armed


def _ticks(time: float) -> int:
    return round((time + LONG_AGO) * TICK_RATE)


def pulses(*rows: tuple[float, float, int]) -> Rows:
    """Return a table of (start, width, channel)."""
    table = np.zeros(len(rows), PULSE)
    for number, (start, width, channel) in enumerate(rows):
        table[number] = (start, width, number, channel)
    return table


def scale(begin: float, count: int, step: float = 0.05, width: float = 0.013) -> Rows:
    """Return pulses one after the other, on the channels in turn."""
    return pulses(*((begin + step * n, width, n % 30) for n in range(count)))


class World:
    """A host's clock, a socket for one board, and all that goes over the line between them.

    A bootloader stands in front of the board's program, unless there is none; with `fixed_baud` the port
    has one baud rate.
    """

    def __init__(
        self, clock: VirtualClock | None = None, bootloader: bool = True, fixed_baud: bool = False
    ) -> None:
        need("make", "cc")
        self.bootloader, self.fixed_baud = bootloader, fixed_baud
        self.clock = StallingClock(-BEFORE) if clock is None else clock
        self.to_board = Line(TO_BOARD, 1)
        self.to_host = Line(TO_HOST, 2)
        self.plugged = True
        self.full: list[tuple[float, float]] = []  # times at which the port takes no bytes
        self.boards: list[Chip] = []
        self.wires: list[Wire] = []

    def connect(self) -> Wire:
        """Open the port, which resets the board."""
        if not self.plugged:
            raise BackendAbsent("no such port")
        self.reset()
        self.wires.append(Wire(self))
        return self.wires[-1]

    def open(self, instrument: Instrument = INSTRUMENT) -> SerialBackend:
        """Return a backend that is ready when the clock comes by 0."""
        backend = SerialBackend(instrument, self.connect, self.clock)
        self.clock.wait_until(max(0.0, self.clock.now()))
        return backend

    @property
    def board(self) -> Chip:
        """The board since its last start."""
        return self.boards[-1]

    def reset(self, cause: int = Cause.EXTERNAL) -> None:
        """Let the board start anew."""
        now = self.clock.now()
        if self.boards:
            self.board.run(now)
        if self.bootloader:
            cause = cause & Cause.WATCHDOG | Cause.WARM
        self.boards.append(Chip(now, 1000 + len(self.boards), cause, self.bootloader))
        for wire in self.wires[-1:]:
            wire.reach(self.board, now)

    def unplug(self) -> None:
        """Pull the cable out."""
        self.plugged = False
        self.wires[-1].cut = True

    def stall(self, *times: tuple[float, float]) -> None:
        """Have the host without CPU at these times."""
        assert isinstance(self.clock, StallingClock)
        self.clock.stalls += times

    def plug(self) -> None:
        """Put the cable in again."""
        self.plugged = True

    def run(self, until: float) -> None:
        """Let the time pass for the board alone: there is no host any more."""
        self.board.run(until)

    def strikes(self) -> Rows:
        """Return the strikes that have arrived at the present board (dtype STRIKE_ON_WIRE), in order."""
        return self.board.strikes()


class Wire:
    """A transport between a world's backend and its board."""

    def __init__(self, world: World) -> None:
        self.cut = False
        self.fixed_baud = world.fixed_baud
        self._world = world
        self._baud = BAUD
        self._busy = world.clock.now()  # until when the line carries what was written
        self.last = (self._busy, b"", BAUD)  # begin and bytes of what was written last, and how fast

    def set_baud(self, baud: int) -> None:
        if baud != self._baud:
            self._check()
        assert not self.fixed_baud
        self._baud = baud

    def read(self) -> bytes:
        self._check()
        world = self._world
        said = world.to_host.carry(world.board.take(world.clock.now() - USB))
        return said if self._baud == BAUD else hear(said, 1 / BAUD, 1 / self._baud)["byte"].tobytes()

    def write(self, content: bytes) -> None:
        self._check()
        send(self, content)

    def ready(self, limit: float) -> bool:
        clock = self._world.clock
        now = clock.now()
        free = max([now, *(end for begin, end in self._world.full if begin <= now < end)])
        clock.wait_until(min(free, now + limit))
        return free <= now + limit

    def take(self, content: memoryview) -> int:
        world = self._world
        begin = max(self._busy, world.clock.now() + USB)
        self._busy = begin + len(content) * 10 / self._baud
        arriving = world.to_board.carry(bytes(content))
        if content:
            self.last = begin, arriving, self._baud
        world.board.feed(begin, arriving, self._baud)
        return len(content)

    def reach(self, board: Chip, now: float) -> None:
        """Let a board that has started just now hear the rest of what is on the line."""
        begin, content, baud = self.last
        if now < self._busy:
            board.feed(begin, content, baud, now)

    def close(self) -> None:
        self.cut = True

    def _check(self) -> None:
        if self.cut:
            raise OSError("its port has gone")
