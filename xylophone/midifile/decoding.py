"""The tape decoded: its messages as columns of numbers, all at once.

Every message on the tape has exactly three bytes under 128: the last one of its delta time and two
data bytes. So the places of the low bytes, three by three, say where everything else is; no byte is
looked at in turn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..tables import Bools, Bytes, Ints
from .tape import MARK, METER, TEMPO, TRACK

_KEPT_CONTROLLERS = (7, 11, 121)


class Columns(NamedTuple):
    """Messages in the order of the tape: tick since the tape began, status, first and second data byte."""

    tick: Ints
    status: Bytes
    first: Bytes
    second: Bytes

    def where(self, rows: Bools | Ints) -> Columns:
        """Return only some rows."""
        return Columns(self.tick[rows], self.status[rows], self.first[rows], self.second[rows])


def _kept() -> Bools:
    """Say which messages a song is made of, by status and first data byte."""
    table = np.zeros((256, 128), np.bool_)
    table[0x80:0xA0] = table[0xC0:0xD0] = True
    table[MARK, (TRACK, TEMPO, METER)] = True
    table[0xB0:0xC0, _KEPT_CONTROLLERS] = True
    return table


_KEPT = _kept()


class Decoder:
    """Decodes a tape batch by batch; tick and running status go on from one to the next."""

    def __init__(self) -> None:
        self.tick = 0
        self._status = np.uint8(0)

    def decode(self, tape: bytes) -> Columns:
        """Return the messages of a batch that a song is made of: notes, programs, volumes, marks."""
        content = np.frombuffer(tape, np.uint8)
        low = np.flatnonzero(content < 0x80).reshape(-1, 3)
        last = low[:, 0]
        tick = self._ticks(content, last, low[:, 2])
        status = self._statuses(content, last)
        first = content[low[:, 1]]
        columns = Columns(tick, status, first, content[low[:, 2]])
        kept = _KEPT[status, first]
        return columns if kept.all() else columns.where(kept)

    def _ticks(self, content: Bytes, last: Ints, ends: Ints) -> Ints:
        delta = content[last].astype(np.int64)
        longer = last.copy()  # bytes of the delta time before its last one
        longer[1:] -= ends[:-1] + 1
        for more in range(1, 4):
            rows = np.flatnonzero(longer >= more)
            if not len(rows):
                break
            delta[rows] += (content[last[rows] - more] & 127).astype(np.int64) << (7 * more)
        if len(delta):
            delta[0] += self.tick
        tick = np.cumsum(delta, out=delta)
        self.tick = int(tick[-1]) if len(tick) else self.tick
        return tick

    def _statuses(self, content: Bytes, last: Ints) -> Bytes:
        brought = content[last + 1]  # a status byte, or the first data byte where the status is running
        lasting = (brought >= 0x80) & (brought < MARK)
        if lasting.all():
            self._status = brought[-1] if len(brought) else self._status
            return brought
        source = np.maximum.accumulate(np.where(lasting, np.arange(len(brought), dtype=np.int32), -1))
        status = brought[source]
        status[source < 0] = self._status
        self._status = status[-1]
        status[brought == MARK] = MARK
        return status
