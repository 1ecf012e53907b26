"""What the board is told about the coils: the limits of an instrument as messages, and their checksum."""

from __future__ import annotations

import math
import struct

from ..instrument import Hammer, Instrument
from .frames import crc16
from .messages import LEAST_REST_UNITS, TICK_RATE, WIDTH_RATE, ChannelConfig, Commit

_MOST_U16 = 0xFFFF


def configuration(instrument: Instrument, channels: int) -> tuple[list[ChannelConfig], Commit]:
    """Return the messages that give a board of so many channels the limits of an instrument.

    One for each hammer, by channel, and COMMIT with their checksum. ValueError when a hammer's
    channel is not below `channels`.
    """
    limits = sorted(map(limits_of, instrument.hammers), key=lambda message: message.channel)
    if limits[-1].channel >= channels:
        raise ValueError(f"channel {limits[-1].channel} of {channels}")
    simultaneous = instrument.most_coils
    return limits, Commit(simultaneous, checksum(limits, simultaneous, channels))


def limits_of(hammer: Hammer) -> ChannelConfig:
    """Return the limits of one channel.

    What the coil stands is rounded up by less than 1/1000, so that the board never refuses what the
    planner allows.
    """
    return ChannelConfig(
        channel=hammer.channel,
        longest=round(hammer.longest_pulse * WIDTH_RATE),
        rest=min(_MOST_U16, max(LEAST_REST_UNITS, round(hammer.rest * WIDTH_RATE))),
        refill=min(_MOST_U16, math.ceil(hammer.refill * 65536)),
        capacity=math.ceil(hammer.capacity * TICK_RATE),
    )


def ceilings(instrument: Instrument) -> bytes:
    """Return what a board keeps in its EEPROM of an instrument: above this no message brings any channel.

    Little endian: longest pulse and shortest rest (units of 2 us), refill (1/65536), capacity (ticks), each
    the most that a hammer of the instrument is given, and CRC-16/X-25 of these; then FF up to 16 bytes.
    """
    rows = [limits_of(hammer) for hammer in instrument.hammers]
    kept = struct.pack(
        "<HHHI",
        max(row.longest for row in rows),
        min(row.rest for row in rows),
        max(row.refill for row in rows),
        max(row.capacity for row in rows),
    )
    return (kept + struct.pack("<H", crc16(kept))).ljust(16, b"\xff")


def checksum(limits: list[ChannelConfig], simultaneous: int, channels: int) -> int:
    """Return the checksum of COMMIT: CRC-16/X-25 over the payloads of all channels, then `simultaneous`."""
    given = {message.channel: message for message in limits}
    table = [given.get(channel, ChannelConfig(channel, 0, 0, 0, 0)) for channel in range(channels)]
    # All fields but the channel are 0 where no hammer is.
    return crc16(b"".join(message.pack() for message in table) + bytes([simultaneous]))
