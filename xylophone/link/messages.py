"""The messages of the serial link: one table for both sides of the wire.

Every message is a class: its docstring says what it is for, its fields are the payload in order, little
endian. `firmware/src/core/messages.h` is written from here by `firmware/messages.py`, and a test holds
the two together. What the messages do to a board is in docs/protocol.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from functools import cache
from typing import Annotated, Any, ClassVar, Self, get_type_hints

import numpy as np

from ..instrument import LEAST_REST, MOST_CAPACITY, MOST_REFILL
from ..tables import STRIKE_ON_WIRE, WireStrikes, as_wire_strikes

U8 = Annotated[int, "B"]
U16 = Annotated[int, "H"]
U32 = Annotated[int, "I"]

PROTOCOL = 1
BAUD = 250_000
TICK_RATE = 2_000_000
"""Ticks of the microcontroller's clock a second."""

WIDTH_TICKS = 4
"""Ticks in a unit of pulse width (2 us)."""

WIDTH_RATE = TICK_RATE // WIDTH_TICKS
"""Units of pulse width a second."""

LONGEST_PAYLOAD = 56
STRIKES_IN_FRAME = 8
UNSEQUENCED = 0x80
"""Sequence byte of a message that is sent once and never repeated."""

RAW_STOP = b"\x00\xff\xe5\x00"
"""The emergency stop below all frames: no frame holds 00 FF, since no block of one is that long."""

LONGEST_PULSE = 0.1
"""s; no configuration allows more."""

SHORTEST_PULSE = 0.0001
"""s."""

LEAST_REST_UNITS = round(LEAST_REST * WIDTH_RATE)
"""Units of pulse width; no configuration gives a coil less than LEAST_REST."""

MOST_REFILL_FRACTION = round(MOST_REFILL * 65536)
"""1/65536 s a second; no configuration gives more than MOST_REFILL."""

MOST_CAPACITY_TICKS = round(MOST_CAPACITY * TICK_RATE)
"""Ticks; no configuration gives more than MOST_CAPACITY."""

CEILINGS_AT = 64
"""Address in the board's EEPROM of the ceilings of its hammers, which no message writes (`Ceilings`)."""

SILENCE = 1.0
"""s without a valid frame after which an armed board disarms itself."""

BOOT_EVERY = 0.25
"""s between two BOOT messages, until a HELLO."""

JOIN = 32
"""Ticks after a group's own tick within which a strike joins it."""

GRID = 64
"""Ticks between two moments at which coils may go off."""

NEAR = 16
"""Ticks around such a moment: a group that opens there goes to the moment itself."""


class Nak(IntEnum):
    """Why a board did not take a frame."""

    NONE = 0
    DAMAGED = 1  # checksum, length or type
    GAP = 2  # not the frame that was next
    FULL = 3  # the queue has no room for its strikes


class BoardFault(IntEnum):
    """What has stopped a board, until CLEAR."""

    NONE = 0
    STOPPED = 1  # emergency stop
    STUCK = 2  # an output was on too long and has been forced off
    SILENT = 3  # the host said nothing for a second; ARM is enough
    CONFIG = 4  # COMMIT and configuration do not agree


class BoardState(IntFlag):
    """Where a board is."""

    CONFIGURED = 1
    ARMED = 2


class Cause(IntFlag):
    """Why a board started, as far as it knows."""

    POWER_ON = 1
    EXTERNAL = 2  # reset line: button, or a port that was opened
    BROWN_OUT = 4  # the supply dipped
    WATCHDOG = 8  # the firmware hung
    WARM = 16  # memory had survived: not a power-on


class BoardType(IntEnum):
    """What runs the firmware."""

    HOST = 0  # the virtual board
    MEGA2560 = 1


@dataclass(frozen=True)
class Message:
    """A message with fields of fixed size; ValueError when a payload does not fit."""

    CODE: ClassVar[int]
    SEQUENCED: ClassVar[bool]
    """Numbered, acknowledged and repeated until it has arrived."""

    def __init_subclass__(cls, code: int, sequenced: bool = False) -> None:
        cls.CODE, cls.SEQUENCED = code, sequenced

    @classmethod
    @cache
    def layout(cls) -> struct.Struct:
        """Return how the payload is packed."""
        hints: dict[str, Any] = get_type_hints(cls, include_extras=True)
        return struct.Struct("<" + "".join(hints[field.name].__metadata__[0] for field in fields(cls)))

    def pack(self) -> bytes:
        """Return the payload."""
        return self.layout().pack(*(getattr(self, field.name) for field in fields(self)))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Return the message that a payload holds; ValueError when its length is wrong."""
        layout = cls.layout()
        if len(payload) != layout.size:
            raise ValueError(f"{cls.__name__} has {layout.size} bytes, not {len(payload)}")
        return cls(*layout.unpack(payload))


@dataclass(frozen=True)
class Hello(Message, code=0x01):
    """Begin: the board disarms, empties its queue, sets its counters to 0 and expects sequence 0."""

    nonce: U32


@dataclass(frozen=True)
class Sync(Message, code=0x02):
    """Ask for the board's clock."""

    token: U16


@dataclass(frozen=True)
class Status(Message, code=0x03):
    """Ask for the counters."""


@dataclass(frozen=True)
class Estop(Message, code=0x04):
    """Stop in an emergency: all coils off, queue empty, fault STOPPED until CLEAR."""


@dataclass(frozen=True)
class ChannelConfig(Message, code=0x10, sequenced=True):
    """Limits of one channel; only while the board is not armed. Undoes COMMIT."""

    channel: U8
    longest: U16  # pulse, units of 2 us; 0 for a channel without hammer
    rest: U16  # shortest time from coil off to coil on, units of 2 us
    refill: U16  # on-time that comes back, 1/65536 of a second a second
    capacity: U32  # on-time that can be saved up, ticks


@dataclass(frozen=True)
class Commit(Message, code=0x11, sequenced=True):
    """End the configuration; fault CONFIG unless the board computes the same checksum."""

    simultaneous: U8  # coils that may be on at once
    crc: U16


@dataclass(frozen=True)
class Arm(Message, code=0x12, sequenced=True):
    """Allow strikes; refused for another boot id, without COMMIT, and while a fault is latched."""

    boot: U32


@dataclass(frozen=True)
class Disarm(Message, code=0x13, sequenced=True):
    """All coils off now, queue empty, no strikes any more."""


@dataclass(frozen=True, eq=False)
class StrikesMessage(Message, code=0x14, sequenced=True):
    """Up to 8 strikes, clocks never falling."""

    rows: WireStrikes  # dtype STRIKE_ON_WIRE

    def pack(self) -> bytes:
        """Return the payload."""
        return self.rows.tobytes()

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Return the strikes; ValueError unless there are 1..8 whole ones."""
        count, rest = divmod(len(payload), STRIKE_ON_WIRE.itemsize)
        if rest or not 1 <= count <= STRIKES_IN_FRAME:
            raise ValueError(f"Strikes has 1..8 strikes of 7 bytes, not {len(payload)} bytes")
        return cls(as_wire_strikes(np.frombuffer(payload, STRIKE_ON_WIRE)))


@dataclass(frozen=True)
class Cancel(Message, code=0x15, sequenced=True):
    """Take back all strikes of the queue at or after a clock; the order mark goes back too."""

    clock: U32


@dataclass(frozen=True)
class Clear(Message, code=0x16, sequenced=True):
    """Forget a latched fault; the board stays disarmed."""


@dataclass(frozen=True)
class HelloReply(Message, code=0x41):
    """Who the board is. BOOT, which it says by itself until HELLO, is the same with nonce 0."""

    boot: U32  # another one after every start
    protocol: U8
    version: U16  # of the firmware: major * 256 + minor
    board: U8
    channels: U8
    tick_rate: U32
    slots: U16  # of the strike queue
    longest: U16  # hard limit of a pulse, units of 2 us
    cause: U8
    config_crc: U16  # of the committed configuration; 0 without one
    nonce: U32


@dataclass(frozen=True)
class Boot(HelloReply, code=0x40):
    """The board has started and waits for HELLO."""


@dataclass(frozen=True)
class SyncReply(Message, code=0x42):
    """The board's clock, and how it is."""

    token: U16
    received: U32  # tick at which the request had arrived
    sent: U32  # tick at which this reply was made
    boot: U16  # low half of the boot id
    free: U16  # slots
    state: U8
    fault: U8
    fired: U16  # strikes started so far, low half
    refused: U16  # strikes refused so far, all reasons, low half


@dataclass(frozen=True)
class StatusReply(Message, code=0x43):
    """Counters since HELLO. Those of 16 bits stay at 65535 once they are there."""

    fired: U32
    cancelled: U32
    channel: U16  # refused strikes: no such channel
    width: U16  # pulse too long or too short
    order: U16  # before one already taken
    late: U16  # too late to be exact
    early: U16  # more than nine minutes ahead
    rest: U16  # coil not off for long enough
    heat: U16  # token bucket empty
    overload: U16  # too many coils at once
    disarmed: U16
    damaged: U16  # frames: checksum, length or type
    gaps: U16  # frames out of sequence
    overruns: U16  # bytes that were lost on arrival
    forced: U16  # outputs that the supervisor switched off
    worst_late: U32  # ticks by which the latest strike was late
    least_notice: U32  # ticks from the arrival of a strike to its start, at least
    slowest_loop: U16  # ticks


@dataclass(frozen=True)
class Ack(Message, code=0x44):
    """Answer to every sequenced frame; the sequence byte is the one that the board wants next."""

    free: U16  # slots
    nak: U8
    state: U8
    fault: U8


_TO_BOARD = (Hello, Sync, Status, Estop, ChannelConfig, Commit, Arm, Disarm, StrikesMessage, Cancel, Clear)
TO_BOARD: dict[int, type[Message]] = {kind.CODE: kind for kind in _TO_BOARD}
TO_HOST: dict[int, type[Message]] = {
    kind.CODE: kind for kind in (Boot, HelloReply, SyncReply, StatusReply, Ack)
}
REFUSALS = ("channel", "width", "order", "late", "early", "rest", "heat", "overload", "disarmed")
"""Reasons for which a board refuses a strike, in the order of its counters."""
