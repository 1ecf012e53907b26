"""Events: from the bytes of tracks to arrays of channel messages and lists of what else matters.

Nearly all of a file are messages with two data bytes, and nearly all of these stand in runs. One
regular expression finds a whole run, and since each of its events has exactly three bytes below 128
(the last of the delta time, and the two data bytes) numpy decodes it without a loop. Whatever else
there is - other messages, and damage - is read one event at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .damage import Damage

_EVENT = rb"[\x80-\xff]{0,3}+[\x00-\x7f][\x80-\xbf\xe0-\xef]?+[\x00-\x7f]{2}"
_RUN = re.compile(rb"(?>" + _EVENT + rb")++")
_RUN_WITH_STATUS = re.compile(
    rb"[\x80-\xff]{0,3}+[\x00-\x7f][\x80-\xbf\xe0-\xef][\x00-\x7f]{2}(?>" + _EVENT + rb")*+"
)

BATCH = 1 << 18
"""Bytes of runs that are decoded at once: numpy's arrays stay in the cache, and small."""

SEQUENCE_NAME, LYRIC_TEXT, TRACK_END, TEMPO, METER = 0x03, 0x01, 0x2F, 0x51, 0x58
_KEPT = {SEQUENCE_NAME: 256, LYRIC_TEXT: 256, TEMPO: 3, METER: 2}
"""Meta events that are kept, and how many of their bytes."""

LONGEST_DELTA = (1 << 28) - 1
"""Ticks; the most that four bytes can say (Standard MIDI Files 1.0)."""


@dataclass
class Events:
    """Channel messages of all tracks in the order of the file, and the meta events that matter.

    `status`, `first`, `second` are bytes; `tick` counts from the beginning of the track.
    """

    tick: npt.NDArray[np.int64]
    track: npt.NDArray[np.uint16]
    status: npt.NDArray[np.uint8]
    first: npt.NDArray[np.uint8]
    second: npt.NDArray[np.uint8]
    metas: list[tuple[int, int, int, bytes]]  # track, tick, type, bytes
    ends: list[int]  # last tick of each track


@dataclass
class _Batch:
    """Runs that wait to be decoded: their bytes, and what is known of each."""

    parts: list[bytes] = field(default_factory=list)
    slow: list[int] = field(default_factory=list)  # ticks of single events before the run, in its track
    owner: list[int] = field(default_factory=list)  # track of the run
    waiting: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)  # metas: runs before it, ...
    size: int = 0


class Reader:
    """Reads one track after the other."""

    def __init__(self, data: bytes, damage: Damage) -> None:
        self._data, self._damage = data, damage
        self._batch = _Batch()
        self._done: list[tuple[npt.NDArray[np.int64], ...]] = []
        self._metas: list[tuple[int, int, int, bytes]] = []
        self._ends: dict[int, int] = {}
        self._carried = 0  # ticks of runs decoded before, in the track that is being read
        self._carrier = -1  # that track

    def read(self, number: int, first: int, end: int) -> None:
        """Read the events of track `number`, bytes first..end of the file."""
        data, batch, place = self._data, self._batch, first
        status, slow, ended = 0, 0, False
        while place < end:
            pattern = _RUN if 0x80 <= status < 0xC0 or 0xE0 <= status < 0xF0 else _RUN_WITH_STATUS
            run = pattern.match(data, place, min(end, place + BATCH))
            if run:
                batch = self._put(run.group(), slow, number)
                place, status = run.end(), 0x90  # whatever it is now, it has two data bytes
                if place >= end:
                    break
            delta, event = self._delta(number, place, end)
            slow += delta
            if event >= end:
                self._damage.note(f"track {number}", place, "it ends in the middle of an event")
                break
            if data[event] == 0xFF and data[event + 1 : event + 2] == bytes([TRACK_END]):
                ended = True
            place, status, part = self._single(number, event, end, status, slow)
            if part:
                batch = self._put(part, slow, number)
        if not ended:
            self._damage.note(f"track {number}", end, "it has no end-of-track")
        batch.waiting.append((len(batch.parts), slow, number, TRACK_END, b""))

    def finished(self) -> Events:
        """Return all that was read."""
        self._decode()
        columns = [np.concatenate(parts) for parts in zip(*self._done, strict=True)]
        tick, track, status, first, second = columns
        ends = [self._ends[number] for number in sorted(self._ends)]
        return Events(tick, track, status, first, second, self._metas, ends)  # type: ignore[arg-type]

    def _put(self, part: bytes, slow: int, number: int) -> _Batch:
        batch = self._batch
        batch.parts.append(part)
        batch.slow.append(slow)
        batch.owner.append(number)
        batch.size += len(part)
        if batch.size > BATCH:
            self._decode()
        return self._batch

    def _delta(self, number: int, place: int, end: int) -> tuple[int, int]:
        """Read a delta time; return it and the place after it."""
        delta, begin = 0, place
        while place < end:
            byte = self._data[place]
            place += 1
            delta = (delta << 7 | byte & 0x7F) & 0xFFFFFFFFFF
            if byte < 0x80:
                break
        if delta > LONGEST_DELTA:
            self._damage.note(f"track {number}", begin, "a delta time longer than four bytes; left out")
            delta = 0
        return delta, place

    def _single(self, number: int, place: int, end: int, running: int, slow: int) -> tuple[int, int, bytes]:
        """Read one event after its delta time; return the place after it, the running status, and its run.

        A run of one has delta 0: its own was counted already.
        """
        data = self._data
        status = data[place]
        if status < 0x80:
            if not running:
                self._damage.note(f"track {number}", place, "data without a status; left out")
                return place + 1, 0, b""
            status = running if running != 0x90 else self._last_status()
        else:
            place += 1
        if status >= 0xF0:
            return self._system(number, status, place, end, running, slow)
        wanted = 1 if 0xC0 <= status < 0xE0 else 2
        values = data[place : min(end, place + wanted)]
        if len(values) < wanted:
            self._damage.note(f"track {number}", place, "it ends in the middle of an event")
            return end, status, b""
        if max(values) > 127:
            self._damage.note(f"track {number}", place, f"a data byte of {max(values)}; taken as 127")
            values = bytes(min(value, 127) for value in values)
        if 0xD0 <= status < 0xE0:
            return place + wanted, status, b""
        return place + wanted, status, bytes((0, status)) + values + bytes(2 - wanted)

    def _last_status(self) -> int:
        """Return the running status that the last run ended with."""
        for part in reversed(self._batch.parts):
            found = _last_status_of(part)
            if found:
                return found
        return int(self._done[-1][2][-1]) if self._done and len(self._done[-1][2]) else 0x90

    def _system(self, number: int, status: int, place: int, end: int, running: int, slow: int) -> tuple[int, int, bytes]:
        """Read a meta event, system exclusive, or a message that has no business in a file."""
        if status not in (0xF0, 0xF7, 0xFF):
            self._damage.note(f"track {number}", place - 1, f"message {status:02X} has no place in a file; left out")
            return place + {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0), running, b""
        kind = self._data[place] if status == 0xFF and place < end else -1
        begin = place
        size, place = self._delta(number, place + (status == 0xFF), end)
        if place + size > end:
            self._damage.note(f"track {number}", begin, f"an event of {size} bytes runs over the track's end")
            size = end - place
        if kind in _KEPT:
            content = self._data[place : place + min(size, _KEPT[kind])]
            self._batch.waiting.append((len(self._batch.parts), slow, number, kind, content))
        return place + size, running, b""

    def _decode(self) -> None:
        """Decode the runs that wait, and give the meta events between them their ticks."""
        batch, self._batch = self._batch, _Batch()
        joined = np.frombuffer(b"".join(batch.parts), np.uint8)
        low = np.flatnonzero(joined < 0x80).reshape(-1, 3)
        delta_end, first = low[:, 0], low[:, 1]
        begin = np.empty(len(low), np.int64)
        begin[:1] = 0
        begin[1:] = low[:-1, 2] + 1
        delta = joined[delta_end].astype(np.int64)
        for more in (1, 2, 3):
            longer = np.flatnonzero(delta_end - begin >= more)
            delta[longer] += (joined[delta_end[longer] - more] & 0x7F).astype(np.int64) << (7 * more)
        stated = np.where(first - delta_end == 2, np.arange(len(low)), 0)
        status = joined[first[np.maximum.accumulate(stated)] - 1] if len(low) else joined[:0]
        if len(low) and first[0] - delta_end[0] != 2:  # the run goes on from the batch before
            until = int(np.argmax(stated > 0)) if (stated > 0).any() else len(low)
            status[:until] = self._done[-1][2][-1]
        self._place(batch, low, delta, (status, joined[first], joined[low[:, 2]]))

    def _place(self, batch: _Batch, low: npt.NDArray[np.int64], delta: npt.NDArray[np.int64], columns: tuple[npt.NDArray[np.uint8], ...]) -> None:
        """Work out ticks: those of runs by adding up, those of single events from `slow`."""
        total = np.concatenate(([0], np.cumsum(delta)))
        ends = np.cumsum([len(part) for part in batch.parts], dtype=np.int64)
        count = np.searchsorted(low[:, 2], ends)  # events up to the end of each run
        before = total[np.concatenate(([0], count))]  # ticks before each run, and after the last
        owner = np.array(batch.owner, np.int64)
        base = np.zeros(len(owner), np.int64)
        if len(owner):
            opens = np.concatenate(([True], owner[1:] != owner[:-1]))
            base = before[:-1][np.maximum.accumulate(np.where(opens, np.arange(len(owner)), 0))]
            if owner[0] == self._carrier:
                base[owner == owner[0]] -= self._carried
        sizes = np.diff(np.concatenate(([0], count)))
        tick = total[1:] + np.repeat(np.array(batch.slow, np.int64) - base, sizes)
        track = np.repeat(owner, sizes).astype(np.uint16)
        self._done.append((tick, track, *columns))  # type: ignore[arg-type]
        self._place_metas(batch, before, owner, base)
        if len(owner):
            carried = int(before[-1] - base[-1])
            self._carrier, self._carried = int(owner[-1]), carried

    def _place_metas(self, batch: _Batch, before: npt.NDArray[np.int64], owner: npt.NDArray[np.int64], base: npt.NDArray[np.int64]) -> None:
        for runs, slow, number, kind, content in batch.waiting:
            mine = runs > 0 and owner[runs - 1] == number
            fast = int(before[runs] - base[runs - 1]) if mine else 0
            if not mine and number == self._carrier:
                fast = self._carried
            if kind == TRACK_END:
                self._ends[number] = fast + slow
            else:
                self._metas.append((number, fast + slow, kind, content))


def _last_status_of(part: bytes) -> int:
    """Return the last status byte in a run, 0 if it has none."""
    joined = np.frombuffer(part, np.uint8)
    low = np.flatnonzero(joined < 0x80).reshape(-1, 3)
    stated = np.flatnonzero(low[:, 1] - low[:, 0] == 2)
    return int(joined[low[stated[-1], 1] - 1]) if len(stated) else 0
