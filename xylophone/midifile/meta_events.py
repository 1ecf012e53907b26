"""What meta events say: tempo, metre, key, names, lyrics, and where a loop begins and ends."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from .damage import Faults
from .texts import MOST_BYTES

NOTHING, TRACK, TEMPO, METER, PORT, SETUP, KEY, LYRIC, LOOP = range(9)
"""What a mark on the tape stands for, in its first data byte. That of PORT has its value in the second one;
those of TEMPO, METER and what is behind PORT are in lists beside the tape."""

PLAIN_TEMPO = 500_000
PLAIN_METER = 4 << 8 | 2
"""120 bpm and 4/4: what holds where a file says nothing (Standard MIDI Files 1.0)."""

MOST_LYRICS = 50_000
"""Texts with a time that are kept of a file."""

_MOST_TEXT = 1 << 17
"""Bytes of text that are kept to judge the encoding by."""

TEXT, _NAME, _INSTRUMENT, _LYRIC, _MARKER = 1, 3, 4, 5, 6
"""Kinds of meta events that are texts."""

_LOOPS = {b"loopstart": False, b"loopend": True}


@dataclass
class TapeTrack:
    """What a track says beside its notes: number from 0, name, karaoke title, names of channels."""

    number: int
    name: bytes | None = None
    title: bytes = b""
    channels: dict[int, bytes] = field(default_factory=dict)


@dataclass
class MetaEvents:
    """All that the meta events of a file say, in the order of its marks.

    Tempos are in us a quarter, metres numerator * 256 + power. A key has so many sharps, less than none for
    flats, and may be minor; a lyric has its kind of event and its text; a loop's mark may be its end.
    """

    tempos: array[int] = field(default_factory=lambda: array("I"))
    meters: array[int] = field(default_factory=lambda: array("I"))
    keys: list[tuple[int, bool]] = field(default_factory=list)
    lyrics: list[tuple[int, bytes]] = field(default_factory=list)
    loops: list[bool] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    prefix: int | None = None  # the channel that the next names are of (FF 20)
    _bytes: int = 0

    def take(self, track: TapeTrack, kind: int, content: bytes, faults: Faults, at: int) -> tuple[int, int]:
        """Take what an event says; return the mark that it leaves on the tape, and its second byte."""
        if kind == 0x51:
            return self._tempo(track, content, faults, at), 0
        if kind == 0x58:
            return self._meter(track, content, faults, at), 0
        if kind == 0x59 and len(content) >= 2:
            return self._key(content), 0
        if kind == 0x21 and content:
            return PORT, content[0] & 15
        if kind == 0x20 and content:
            self.prefix = content[0] & 15
        elif kind < 0x10:
            return self._say(track, kind, content[:MOST_BYTES]), 0
        return NOTHING, 0

    def begin_sequence(self) -> None:
        """Add what holds where a sequence begins."""
        self.tempos.append(PLAIN_TEMPO)
        self.meters.append(PLAIN_METER)

    def _tempo(self, track: TapeTrack, content: bytes, faults: Faults, at: int) -> int:
        tempo = int.from_bytes(content[:3], "big") if len(content) >= 3 else 0
        if not tempo:
            faults.add("a tempo that is zero or cut short is left out", at, track.number)
            return NOTHING
        self.tempos.append(tempo)
        return TEMPO

    def _meter(self, track: TapeTrack, content: bytes, faults: Faults, at: int) -> int:
        numerator, power = content[:2] if len(content) >= 2 else (0, 0)
        if not numerator or power >= 16:
            faults.add("a time signature that is impossible or cut short is left out", at, track.number)
            return NOTHING
        self.meters.append(numerator << 8 | power)
        return METER

    def _key(self, content: bytes) -> int:
        sharps = content[0] - 256 if content[0] > 127 else content[0]
        if not (-7 <= sharps <= 7 and content[1] < 2):
            return NOTHING
        self.keys.append((sharps, bool(content[1])))
        return KEY

    def _say(self, track: TapeTrack, kind: int, text: bytes) -> int:
        """Take a text: a name, a title, words that are sung, a marker of a loop."""
        if self._bytes < _MOST_TEXT:
            self.texts.append(text)
            self._bytes += len(text)
        if kind in (_NAME, _INSTRUMENT) and self.prefix is not None:
            track.channels.setdefault(self.prefix, text)
        elif kind == _NAME and track.name is None:
            track.name = text
        elif kind == TEXT and text.startswith(b"@T") and not track.title:
            track.title = text[2:]
        elif kind in (TEXT, _LYRIC) and not text.startswith((b"@", b"{")) and len(self.lyrics) < MOST_LYRICS:
            self.lyrics.append((kind, text))
            return LYRIC
        elif kind == _MARKER and text.strip().lower() in _LOOPS:
            self.loops.append(_LOOPS[text.strip().lower()])
            return LOOP
        return NOTHING
