"""Chunks of a Standard MIDI File: its header, and where each track begins and ends.

Source of the format: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001); RIFF wrapping: RP-029.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import SongError
from .faults import Faults
from .foreign import kind_of

PLAIN_DIVISION = 480
"""Ticks a quarter note where the file does not say: what most programs write."""

_NAME = re.compile(rb"[ -~]{4}")
_HEADER = b"MThd\0\0\0\6"


@dataclass(frozen=True)
class Header:
    """What the header chunk says; the chunks of the tracks lie in `begin` to `end` of the file."""

    format: int
    tracks: int | None
    division: int
    begin: int
    end: int


@dataclass(frozen=True)
class Chunk:
    """One chunk: its content lies in `begin` to `end`; `exact` where a chunk or the file's end follows there.

    `declared` is where it ends by its own length, which may lie, and may lie outside the file.
    """

    name: bytes
    begin: int
    end: int
    declared: int

    @property
    def exact(self) -> bool:
        """Whether the length that the chunk states is the one that it has."""
        return self.end == self.declared


def read_header(content: bytes, name: str, faults: Faults) -> Header:
    """Find and read the header chunk, past a RIFF wrapping or junk; SongError where there is no MIDI song."""
    start, end = _song_within(content)
    at = _find_header(content, start)
    if at < 0:
        return _without_header(content, name, faults)
    if at > start:
        faults.add(None, start, "{} bytes before the MIDI header are skipped", at - start)
    if end - at < 14:
        raise SongError(f"{name} ends in its MIDI header, after {len(content)} bytes: get the file again")
    length = int.from_bytes(content[at + 4 : at + 8])
    begin = at + 8 + length
    if length < 6 or begin > end or (begin < end and content[begin : begin + 4] != b"MTrk"):
        begin = _after_odd_header(content, at, begin, end, faults)
    return Header(
        _format(int.from_bytes(content[at + 8 : at + 10]), at, faults),
        int.from_bytes(content[at + 10 : at + 12]),
        int.from_bytes(content[at + 12 : at + 14]),
        begin,
        end,
    )


def read_chunk(content: bytes, at: int, end: int) -> Chunk | None:
    """Return the chunk that begins at `at`; None where none does.

    Where no chunk, nor the end of the song, follows at the length it states, it is taken to reach to the
    next track or to the end.
    """
    if end - at < 8 or not _NAME.match(content, at):
        return None
    begin = at + 8
    declared = begin + int.from_bytes(content[at + 4 : begin])
    exact = declared == end or (declared + 8 <= end and _NAME.match(content, declared) is not None)
    return Chunk(content[at : at + 4], begin, declared if exact else next_track(content, begin, end), declared)


def next_track(content: bytes, at: int, end: int) -> int:
    """Return where the next track chunk begins, or `end`."""
    found = content.find(b"MTrk", at, end)
    return found if found >= 0 else end


def _song_within(content: bytes) -> tuple[int, int]:
    if content[:4] != b"RIFF" or content[8:12] != b"RMID":
        return 0, len(content)
    at = content.find(b"data", 12, 4096)
    if at < 0:
        return 12, len(content)
    size = int.from_bytes(content[at + 4 : at + 8], "little")
    return at + 8, at + 8 + size if 14 <= size <= len(content) - at - 8 else len(content)


def _find_header(content: bytes, start: int) -> int:
    if content.startswith(b"MThd", start):
        return start
    return content.find(_HEADER, start)


def _without_header(content: bytes, name: str, faults: Faults) -> Header:
    at = content.find(b"MTrk\0")
    if at < 0:
        raise SongError(f"{name} is {kind_of(content)}: give a Standard MIDI File (.mid)")
    faults.add(
        None, 0, "no MIDI header: the tracks found are read with {} ticks a quarter note", PLAIN_DIVISION
    )
    return Header(1, None, PLAIN_DIVISION, at, len(content))


def _after_odd_header(content: bytes, at: int, begin: int, end: int, faults: Faults) -> int:
    track = next_track(content, at + 8, end)
    if begin + 8 <= end and begin >= at + 14 and track >= begin and _NAME.match(content, begin):
        return begin
    faults.add(
        None, at + 4, "the header's length of {} bytes is wrong: read as 6", max(begin - at - 8, 0)
    )
    return track


def _format(number: int, at: int, faults: Faults) -> int:
    if number > 2:
        faults.add(None, at + 8, "there is no format {}: read as format 1", number)
        return 1
    return number
