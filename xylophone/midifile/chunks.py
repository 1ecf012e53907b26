"""A file is cut into its header and its tracks, also where lengths lie."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..words import counted
from .damage import Faults
from .foreign import is_foreign, refuse

MOST_TRACKS = 65_536
"""The header counts tracks in 16 bits."""

_HEADER = b"MThd"
_SURE_HEADER = _HEADER + b"\0\0\0\6"
_TRACK = b"MTrk"
_NAME = re.compile(rb"[A-Za-z][\x20-\x7e]{3}")


class Header(NamedTuple):
    """Format, number of tracks claimed, the word that states the division, and where chunks begin."""

    format: int
    tracks: int
    division: int
    behind: int


def read_header(source: bytes, name: str, faults: Faults) -> Header:
    """Find and read the header; SongError where there is nothing of a MIDI file, saying what it is."""
    start = _find_header(source, name, faults)
    if start is None:
        faults.add("the header is missing: read as format 1 with 480 ticks a quarter note", 0)
        return Header(1, -1, 480, source.index(_TRACK))
    length = int.from_bytes(source[start + 4 : start + 8], "big")
    words = source[start + 8 : start + 14]
    if len(words) < 6:
        faults.add("the file ends within its header", len(source))
        words = words.ljust(6, b"\0")
    kind, tracks, division = (int.from_bytes(words[at : at + 2], "big") for at in (0, 2, 4))
    behind = start + 8 + length
    if length < 6 or not (behind == len(source) or is_chunk(source, behind)):
        behind = start + 14
        if length != 6:
            faults.add(f"the header's length cannot be {length}: read as 6", start + 4)
    if kind > 2:
        faults.add(f"format {kind} is unknown: read as format 1", start + 8)
        kind = 1
    return Header(kind, tracks, division, behind)


def _find_header(source: bytes, name: str, faults: Faults) -> int | None:
    """Return where the header is, None where there are only tracks."""
    if source.startswith(_HEADER):
        return 0
    wrapped = source.startswith(b"RIFF") and source[8:12] == b"RMID"
    start = source.find(_SURE_HEADER)
    if start >= 0 and not is_foreign(source):
        if not wrapped:
            faults.add(
                f"{counted(start, 'byte')} before the header {'is' if start == 1 else 'are'} left out", 0
            )
        return start
    if source.startswith(_TRACK):
        return None
    raise refuse(source, name)


def is_chunk(source: bytes, at: int) -> bool:
    """Tell whether a chunk seems to begin at a byte."""
    return at + 8 <= len(source) and _NAME.match(source, at) is not None


class Chunk(NamedTuple):
    """A track's content from `start` to `limit`; `declared` is where its length says it ends."""

    start: int
    limit: int
    declared: int


def next_track(source: bytes, at: int, faults: Faults, number: int) -> Chunk | None:
    """Return the next track at byte `at` or behind it; None where there is none."""
    while at < len(source):
        if source.startswith(_TRACK, at):
            return _measure(source, at, faults, number)
        if number and source.startswith(_SURE_HEADER, at):
            faults.add("another song begins here and is left out: give it a file of its own", at)
            return None
        length = int.from_bytes(source[at + 4 : at + 8], "big")
        if is_chunk(source, at) and at + 8 + length <= len(source):
            at += 8 + length
            continue
        found = _find_chunk(source, at)
        if source[at:found].strip(b"\0"):
            faults.add("bytes that belong to no track are left out", at)
        at = found
    return None


def _measure(source: bytes, at: int, faults: Faults, number: int) -> Chunk:
    """Return the chunk of the track at byte `at`; where its length lies it may go on to the next track."""
    start = at + 8
    declared = start + int.from_bytes(source[at + 4 : start], "big")
    if declared == len(source) or is_chunk(source, declared):
        return Chunk(start, declared, declared)
    if declared > len(source):
        faults.add("the track is longer than the file", at + 4, number)
    return Chunk(start, _find_chunk(source, start), declared)


def _find_chunk(source: bytes, at: int) -> int:
    """Return where the next track or song seems to begin, else where the file ends."""
    found = (source.find(name, at) for name in (_TRACK, _SURE_HEADER))
    return min((place for place in found if place >= 0), default=len(source))


def behind_track(source: bytes, chunk: Chunk, reached: int, faults: Faults, number: int) -> int:
    """Return where to go on behind a track whose events ended at byte `reached`."""
    if reached == chunk.declared or chunk.limit != chunk.declared:
        if reached != chunk.declared and chunk.declared <= len(source):
            faults.add("the track's length is wrong", chunk.start - 4, number)
        return reached
    found = source.find(_TRACK, reached, chunk.declared)
    if found >= 0:
        faults.add("the track's length is wrong", chunk.start - 4, number)
        return found
    faults.add("bytes behind the end-of-track event are left out", reached, number)
    return chunk.declared
