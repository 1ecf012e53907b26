"""Frames: how messages lie among the bytes of the line, and how damage is noticed.

A frame is [length][sequence][code][payload][CRC low][CRC high], stuffed by COBS and ended by 00:
see docs/protocol.md.
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import NamedTuple

from .messages import LONGEST_PAYLOAD

ROOM = 3
"""Bytes before the payload."""

LONGEST_FRAME = ROOM + LONGEST_PAYLOAD + 2 + 2
"""Bytes on the line, with what COBS adds and the 00 at the end."""

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Frame(NamedTuple):
    """What one frame carries."""

    sequence: int
    code: int
    payload: bytes


class FrameReader:
    """Finds frames in a stream of bytes; whatever is none is counted as damaged and left out.

    It never raises, and keeps no more bytes than one frame has.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._rest = b""

    def feed(self, content: bytes) -> list[Frame]:
        """Take the next bytes of the stream, in pieces of any length; return the frames that end in them."""
        *blocks, self._rest = (self._rest + content).split(b"\0")
        self._rest = self._rest[:LONGEST_FRAME]  # longer is damaged, however it goes on
        frames = []
        for block in filter(None, blocks):
            frame = read_frame(block)
            if frame is None:
                self.damaged += 1
            else:
                frames.append(frame)
        return frames


def encode_frame(sequence: int, code: int, payload: bytes) -> bytes:
    """Return the bytes of a frame on the line, the 00 at its end included.

    ValueError for a sequence byte or code that is no byte, or a payload of more than 56 bytes.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise ValueError(f"payload of {len(payload)} bytes: a frame holds {LONGEST_PAYLOAD} at most")
    content = bytes((len(payload), sequence, code)) + payload
    return stuff(content + crc16(content).to_bytes(2, "little")) + b"\0"


def read_frame(block: bytes) -> Frame | None:
    """Return the frame that the bytes between two 00 hold, or None when they are damaged."""
    if len(block) >= LONGEST_FRAME:
        return None
    content = unstuff(block)
    if content is None or len(content) < ROOM + 2 or len(content) != ROOM + content[0] + 2:
        return None
    if crc16(content[:-2]) != int.from_bytes(content[-2:], "little"):
        return None
    return Frame(content[1], content[2], content[ROOM:-2])


def crc16(content: bytes) -> int:
    """Return the CRC-16/X-25 of some bytes: 0x906E for b'123456789'.

    That CRC takes each byte's lowest bit first; binascii's works with the same polynomial from the
    highest bit, so bytes go in mirrored and the result is mirrored back.
    """
    mirrored = crc_hqx(content.translate(_MIRRORED), 0xFFFF)
    return 0xFFFF ^ (_MIRRORED[mirrored & 0xFF] << 8 | _MIRRORED[mirrored >> 8])


def stuff(content: bytes) -> bytes:
    """Return bytes without a 00 that stand for these; at most 253, so that no block is a full one.

    Each 00 becomes the distance to the next one, and so does the beginning (Cheshire and Baker, 1999).
    """
    return b"".join(bytes((len(part) + 1,)) + part for part in content.split(b"\0"))


def unstuff(block: bytes) -> bytes | None:
    """Return what `stuff` has made these bytes of; None when it cannot have, or a block is a full one."""
    parts = []
    place, end = 0, len(block)
    while place < end:
        distance = block[place]
        if distance in (0, 0xFF) or place + distance > end:
            return None
        parts.append(block[place + 1 : place + distance])
        place += distance
    return b"\0".join(parts) if parts else None
