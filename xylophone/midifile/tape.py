"""The tape: all tracks of a file as one stream of plain messages, ready to be decoded at once.

A message on the tape is a delta time of one to four bytes, a status byte or none (running status),
and always two data bytes under 128. That is what most of a file looks like already: one regular
expression finds runs of such messages and they are copied as they are. Only what differs (meta
events, system exclusive, one data byte, damage) is looked at one by one and written in that form.
Status 0xFF on the tape is a mark: something that is no channel message happens at this tick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .damage import Faults
from .meta_events import METER, NOTHING, SETUP, TEMPO, TRACK, MetaEvents, TapeTrack
from .setups import LONGEST_SETUP, Setup, setups_of
from .texts import MOST_BYTES

MARK = 0xFF
LONGEST_RUN = 1 << 14
"""Bytes that the expression is given at once: it takes memory for each message that it matches."""

BATCH = 1 << 16
"""Bytes of tape decoded at once: more gains no speed and costs memory."""

_LOW = rb"[\x00-\x7f]"
_TWO = rb"[\x80-\xbf\xe0-\xef]"
_DELTA = rb"[\x80-\xff]{0,3}" + _LOW
_PLAIN = _LOW + _LOW + _LOW + rb"|" + _LOW + _TWO + _LOW + _LOW  # as most are; told apart by the second byte
_MESSAGE = rb"(?:" + _PLAIN + rb"|[\x80-\xff]{1,3}" + _LOW + _TWO + rb"?" + _LOW + _LOW + rb")"
RUN = re.compile(_MESSAGE + rb"+")
"""Messages with two data bytes, the first of which may rely on running status.

No possessive quantifiers, though nothing here can match in two ways: Python 3.11.2, which Debian 12
has, matches them wrongly (CPython issue 106052)."""
OPENING = re.compile(_DELTA + _TWO + _LOW + _LOW + _MESSAGE + rb"*")
"""The same where no such status is running: the first message brings its own."""

_TEMPO_EVENT = rb"(" + _DELTA + rb")\xff\x51\x03(?!\0\0\0)([\x00-\xff]{3})"
_TEMPO = re.compile(_TEMPO_EVENT)
_TEMPOS = re.compile(rb"(?:" + _TEMPO_EVENT + rb")+")
"""Tempo changes one after another: a song that breathes holds one for each beat."""

_TEMPO_MARK = bytes((MARK, TEMPO, 0))
_LONGEST_DELTA = b"\xff\xff\xff\x7f"
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_SHARED = -1  # a status with two data bytes is running; which one, the tape knows


class _Cut(Exception):
    """The track ends inside an event."""


@dataclass
class Tape:
    """Unrolls tracks; the lists of `meta` and `setups` go with the marks on the tape.

    `runs` may be switched off: then every event is looked at one by one, with the same result.
    """

    source: bytes
    faults: Faults
    runs: bool = True
    meta: MetaEvents = field(default_factory=MetaEvents)
    setups: list[Setup] = field(default_factory=list)
    _tape: bytearray = field(default_factory=bytearray)
    _running: int = 0
    _track: TapeTrack = field(default_factory=lambda: TapeTrack(0))
    _ended: bool = False
    _further: int = 0

    def take(self) -> bytes:
        """Return what the tape holds and empty it."""
        taken = bytes(self._tape)
        self._tape.clear()
        return taken

    def open(self) -> None:
        """Mark that another track begins."""
        self._tape += bytes((0, MARK, TRACK, 0))

    def full(self) -> bool:
        """Tell whether there is a batch to decode."""
        return len(self._tape) >= BATCH

    def reset(self) -> None:
        """Begin a sequence that has a tempo map of its own: 120 bpm and 4/4 until it says otherwise."""
        self.meta.begin_sequence()
        self._tape += bytes((0, MARK, TEMPO, 0, 0, MARK, METER, 0))

    def unroll(self, track: TapeTrack, start: int, end: int, sure: int) -> Iterator[int]:
        """Unroll the events from byte `start` to `end`, pausing after each batch; gives the byte reached.

        The last byte given is behind the end-of-track event, or `end` where there is none. Up to
        byte `sure` the content belongs to the track without doubt, behind an end-of-track event too.
        """
        self._track, self._running, self._ended, self.meta.prefix = track, 0, False, None
        self._further, position = 0, start
        while position < end:
            position = self._run(position, end)
            if position < end:
                try:
                    position = self._event(position, end)
                except _Cut:
                    self._fault("the track ends inside an event; it is played up to there", position)
                    position = end
            if self._ended:
                end = self._go_on(position, end, sure)
            if len(self._tape) >= BATCH:
                yield position
            if self._ended:
                break
        if not self._ended:
            self._fault("the track has no end-of-track event", end)
        yield position

    def _go_on(self, position: int, end: int, sure: int) -> int:
        """Go on behind an end-of-track event if something is there; return up to where the track may go."""
        if not self._further:
            found = self.source.find(b"MTrk", position, min(sure, end))
            self._further = found if found >= 0 else min(sure, end)
        if self.source[position : min(self._further, position + 64)].strip(b"\0"):
            self._fault("events behind the end-of-track event are played too", position)
            self._ended = False
        return self._further

    def _fault(self, what: str, byte: int) -> None:
        self.faults.add(what, byte, self._track.number)

    def _run(self, position: int, end: int) -> int:
        if not self.runs:
            return position
        pattern = RUN if self._running == _SHARED else OPENING
        run = pattern.match(self.source, position, min(end, position + LONGEST_RUN))
        if run is None:
            return position
        self._tape += run[0]
        self._running, self.meta.prefix = _SHARED, None
        return run.end()

    def _tempo_run(self, position: int, end: int) -> int:
        """Take the tempo changes that follow one; return the byte behind them."""
        run = _TEMPOS.match(self.source, position, min(end, position + BATCH)) if self.runs else None
        if run is None:
            return position
        found = _TEMPO.findall(run[0])
        self._tape += b"".join([delta + _TEMPO_MARK for delta, _ in found])
        self.meta.tempos.extend([int.from_bytes(micros, "big") for _, micros in found])
        return run.end()

    def _event(self, position: int, end: int) -> int:
        """Take one event of any kind; return the byte behind it."""
        source = self.source
        at = position + 1 if source[position] < 0x80 else self._number_end(position, end)
        delta = source[position:at]
        if at - position > 4:
            self._fault("a delta time of more than four bytes is read as the longest there is", position)
            delta = _LONGEST_DELTA
        if at >= end:
            raise _Cut
        status = source[at]
        if status >= 0xF0:
            return self._system(status, delta, at + 1, end)
        if status < 0x80:
            return self._relying(delta, at, end)
        self._tape += delta
        return self._message(status, at + 1, end)

    def _message(self, status: int, at: int, end: int) -> int:
        """Take a message whose status is its own, and which goes on running."""
        self.meta.prefix = None
        if 0xC0 <= status < 0xE0:
            self._running = status
            return self._one(status, at, end)
        self._running = _SHARED
        return self._two(bytes((status,)), at, end)

    def _relying(self, delta: bytes, at: int, end: int) -> int:
        """Take a message that relies on running status."""
        if not self._running:
            return self._resume(delta, at, end)
        self._tape += delta
        return self._two(b"", at, end) if self._running == _SHARED else self._one(self._running, at, end)

    def _two(self, status: bytes, at: int, end: int) -> int:
        self._tape += status + self._data(at, at + 2, end)
        return at + 2

    def _one(self, status: int, at: int, end: int) -> int:
        self._tape += bytes((status, *self._data(at, at + 1, end), 0))
        return at + 1

    def _data(self, at: int, behind: int, end: int) -> bytes:
        """Return the data bytes of a message; where the track ends in them, a mark stands for it."""
        if behind > end:
            self._mark(b"", NOTHING)
            raise _Cut
        data = self.source[at:behind]
        if max(data) > 127:
            self._fault("a data byte over 127 is read as 127", at)
            data = bytes(min(127, byte) for byte in data)
        return data

    def _resume(self, delta: bytes, at: int, end: int) -> int:
        """Look for the next status byte where none is running."""
        self._fault("data without a status byte is left out", at)
        self._mark(delta, NOTHING)
        while at < end and self.source[at] < 0x80:
            at += 1
        if at == end:
            return at
        status = self.source[at]
        if status >= 0xF0:
            return self._system(status, b"\x00", at + 1, end)
        self._tape += b"\x00"
        return self._message(status, at + 1, end)

    def _mark(self, delta: bytes, kind: int, value: int = 0) -> None:
        self._tape += delta + bytes((MARK, kind, value))

    def _system(self, status: int, delta: bytes, at: int, end: int) -> int:
        if status == 0xFF:
            return self._meta(delta, at, end)
        self._mark(delta, NOTHING)
        if status in (0xF0, 0xF7):
            length, at = self._number(at, end)
            if at + length > end:
                raise _Cut
            for setup in setups_of(self.source[at : at + min(length, LONGEST_SETUP)]):
                self.setups.append(setup)
                self._mark(b"\0", SETUP)
            return at + length
        self._fault(f"status {status:#x} has no place in a file and is left out", at - 1)
        return min(end, at + _SYSTEM_BYTES.get(status, 0))

    def _meta(self, delta: bytes, at: int, end: int) -> int:
        if at >= end:
            raise _Cut
        kind = self.source[at]
        length, begin = self._number(at + 1, end)
        if kind == 0x2F:
            self._ended = True
            self._mark(delta, NOTHING)
            return min(end, begin + length)
        if begin + length > end:
            self._mark(delta, NOTHING)
            raise _Cut
        content = self.source[begin : begin + min(length, MOST_BYTES)]
        self._mark(delta, *self.meta.take(self._track, kind, content, self.faults, begin))
        return self._tempo_run(begin + length, end) if kind == 0x51 else begin + length

    def _number_end(self, at: int, end: int) -> int:
        """Return the byte behind a number of variable length."""
        source = self.source
        while at < end:
            if source[at] < 0x80:
                return at + 1
            at += 1
        raise _Cut

    def _number(self, at: int, end: int) -> tuple[int, int]:
        """Return a number of variable length and the byte behind it; at most 28 bits of it count."""
        if at < end and self.source[at] < 0x80:
            return self.source[at], at + 1
        behind = self._number_end(at, end)
        value = 0
        for byte in self.source[max(at, behind - 4) : behind]:
            value = value << 7 | byte & 127
        return value, behind
