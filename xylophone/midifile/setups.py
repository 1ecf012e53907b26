"""System exclusive messages that say what channels are: resets, drum parts, tuning and key shifts.

Each becomes one or more controllers beyond those of MIDI, so that they are looked up like all others.
Sources: MMA RP-003 (General MIDI), RP-024 (General MIDI 2), CA-025 (master tuning, 04 03 and 04 04);
Roland SC-55 and SC-88 owner's manuals (GS, model 42h); Yamaha XG Specifications 1.26 (model 4Ch).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

SYSTEM, DRUM_PART, PART_SHIFT, MASTER_SHIFT, MASTER_COARSE, MASTER_FINE, MASTER_FINER = range(128, 135)
"""The controllers: a reset to a System; drums or not; three shifts in semitones around CENTRE; a tuning of
1/100 semitones in two parts of 7 bits, around 8192."""

GM, GS, XG, GM2 = 1, 2, 3, 4
"""Systems that a reset switches to; 0 is what a file begins with."""

CENTRE = 64
ALL = -1

LONGEST_SETUP = 16
"""Bytes of the longest message that is understood."""


class Setup(NamedTuple):
    """A controller set to a value, 0..127, on ALL channels or one, from 0; 16 and up are of the next port."""

    controller: int
    value: int
    channel: int = ALL


_SYSTEMS = {
    b"\x7e\x09\x01": GM,
    b"\x7e\x09\x02": GM,  # GM System Off: what it leaves is the device's own; volumes begin anew
    b"\x7e\x09\x03": GM2,
}


def drum_part(channel: int, on: bool) -> bytes:
    """Return the GS message, without F0 and F7, that makes a channel 0..15 strike drums, or not."""
    part = 0 if channel == 9 else channel + (channel < 9)
    body = bytes((0x40, 0x10 | part, 0x15, on))
    return b"\x41\x10\x42\x12" + body + bytes((-sum(body) % 128,))


def setups_of(content: bytes) -> Iterator[Setup]:
    """Give what a message, from behind its F0, sets up; nothing for most."""
    content = content.partition(b"\xf7")[0].removeprefix(b"\xf0")
    if content[:1] in (b"\x7e", b"\x7f") and len(content) >= 4:
        yield from _universal(content)
    elif content[:1] == b"\x41" and content[2:4] == b"\x42\x12" and len(content) >= 8:
        yield from _roland(content[4:7], content[7:-1])
    elif (
        content[:1] == b"\x43" and content[2:3] == b"\x4c" and content[1] & 0xF0 == 0x10 and len(content) >= 7
    ):
        yield from _yamaha(content[3:6], content[6:])


def _universal(content: bytes) -> Iterator[Setup]:
    kind = content[:1] + content[2:4]
    if kind in _SYSTEMS:
        yield Setup(SYSTEM, _SYSTEMS[kind])
    elif kind == b"\x7f\x04\x03" and len(content) >= 6:
        yield from _tuning(content[5] << 7 | content[4])
    elif kind == b"\x7f\x04\x04" and len(content) >= 6:
        yield Setup(MASTER_COARSE, content[5])


def _roland(address: bytes, data: bytes) -> Iterator[Setup]:
    """Read a GS message: 40 for the parts of one port, 50 for those of the other."""
    if address in (b"\x40\x00\x7f", b"\x00\x00\x7f"):
        yield Setup(SYSTEM, GS)
    elif address == b"\x40\x00\x00" and len(data) == 4:
        yield from _tenths_of_cents(data)
    elif address == b"\x40\x00\x05":
        yield Setup(MASTER_SHIFT, data[0])
    elif address[0] in (0x40, 0x50) and address[1] & 0xF0 == 0x10 and address[2] in (0x15, 0x16):
        part = address[1] & 15
        channel = (9 if part == 0 else part - 1 if part < 10 else part) + (16 if address[0] == 0x50 else 0)
        controller, value = (DRUM_PART, int(data[0] > 0)) if address[2] == 0x15 else (PART_SHIFT, data[0])
        yield Setup(controller, value, channel)


def _yamaha(address: bytes, data: bytes) -> Iterator[Setup]:
    """Read an XG parameter change."""
    if address in (b"\x00\x00\x7e", b"\x00\x00\x7f"):
        yield Setup(SYSTEM, XG)
    elif address == b"\x00\x00\x00" and len(data) == 4:
        yield from _tenths_of_cents(data)
    elif address == b"\x00\x00\x06":
        yield Setup(MASTER_SHIFT, data[0])
    elif address[0] == 0x08 and address[1] < 32:
        if address[2] == 0x07:
            yield Setup(DRUM_PART, int(data[0] > 0), address[1])
        elif address[2] == 0x08:
            yield Setup(PART_SHIFT, data[0], address[1])


def _tenths_of_cents(nibbles: bytes) -> Iterator[Setup]:
    value = 0
    for nibble in nibbles:
        value = value << 4 | nibble & 15
    yield from _tuning(8192 + (value - 0x400) * 8192 // 1000)


def _tuning(value: int) -> Iterator[Setup]:
    """Give a master tuning: 14 bits, 8192 in tune, a semitone at both ends."""
    value = min(max(value, 0), 16383)
    yield Setup(MASTER_FINE, value >> 7)
    yield Setup(MASTER_FINER, value & 127)
