"""A file is cut into its header and its tracks, also where lengths lie."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import SongError
from .damage import Faults

MOST_TRACKS = 65_536
"""The header counts tracks in 16 bits."""

_HEADER = b"MThd"
_TRACK = b"MTrk"
_NAME = re.compile(rb"[A-Za-z][\x20-\x7e]{3}")

_OTHERS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (compressed MusicXML is one)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"OggS", "an Ogg sound"),
    (b"fLaC", "a FLAC sound"),
    (b"ID3", "an MP3 sound"),
    (b"\xff\xfb", "an MP3 sound"),
    (b"<?xml", "an XML document (MusicXML is one)"),
)


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
    start = source.find(_HEADER + b"\0\0\0\6")
    if start >= 0:
        if not wrapped:
            faults.add(f"{start} bytes before the header are left out", 0)
        return start
    if source.startswith(_TRACK):
        return None
    raise SongError(f"{name} is no MIDI file but {_what(source)}: give a Standard MIDI File (.mid)")


def _what(source: bytes) -> str:
    """Say what a file is that is no MIDI file."""
    if not source:
        return "empty"
    if source.startswith(b"RIFF"):
        return "a WAV sound" if source[8:12] == b"WAVE" else "another kind of RIFF file"
    for magic, what in _OTHERS:
        if source.startswith(magic):
            return what
    start = source[:512]
    return "something else" if b"\0" in start or sum(byte > 126 for byte in start) > 150 else "text"


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
        length = int.from_bytes(source[at + 4 : at + 8], "big")
        if is_chunk(source, at) and at + 8 + length <= len(source):
            at += 8 + length
            continue
        found = source.find(_TRACK, at)
        if source[at : found if found >= 0 else None].strip(b"\0"):
            faults.add("bytes that belong to no track are left out", at)
        if found < 0:
            return None
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
    found = source.find(_TRACK, start)
    return Chunk(start, found if found >= 0 else len(source), declared)


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
