"""The tape: messages of all tracks on one string of bytes of regular shape, decoded by numpy in batches.

On the tape every message is a delta time of 1 to 4 bytes, then a status byte that may be missing (running
status), then two bytes below 128: three bytes below 128 in all, which is what makes decoding by numpy
simple. Runs of channel messages have this shape in the file and are copied as they are; messages of
one byte get a second one, and a mark stands for what is no channel message but has a time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .decode import BEGIN, END, METER, SKIP, TEMPO, Batch, decode

BATCH = 1 << 17
"""Bytes that are decoded together: few enough for a processor's cache, enough to forget numpy's overhead."""

_MARKS = {code: bytes((code, 0, 0)) for code in (BEGIN, SKIP, TEMPO, METER, END)}


class Tape:
    """Takes the messages of one track after another; `finish`, then read the columns.

    `tick` (from the beginning of its track), `status`, `first` and `second` hold the note messages, program
    changes and the controllers that matter, in the order of the file. `bounds` says at which row each
    track begins; `ends` is the last tick of each; `tempos` and `meters` list (tick, track, value).
    """

    def __init__(self, most: int) -> None:
        """Make room for `most` messages."""
        self.buffer = bytearray()
        self.rows = 0
        self.tick: npt.NDArray[np.int64] = np.empty(most, np.int64)
        self.status, self.first, self.second = (np.empty(most, np.uint8) for _ in range(3))
        self.bounds: list[int] = []
        self.ends: list[int] = []
        self._noted: dict[int, list[tuple[int, object]]] = {TEMPO: [], METER: []}
        self._ticks: dict[int, list[int]] = {TEMPO: [], METER: []}
        self._running = 0
        self._tick = 0
        self._scanned = 0

    def begin(self) -> None:
        """Begin a track: its ticks count from 0, and no status runs on into it."""
        self.buffer += b"\0" + _MARKS[BEGIN]
        self._running = 0
        self._scanned = len(self.buffer)

    def skip(self, delta: bytes) -> None:
        """Let time pass for a message that does not matter here."""
        if delta != b"\0":
            self.buffer += delta + _MARKS[SKIP]

    def note(self, code: int, delta: bytes, track: int, value: object) -> None:
        """Put a tempo or a metre on the tape; `code` is TEMPO or METER."""
        self.buffer += delta + _MARKS[code]
        self._noted[code].append((track, value))

    def end(self, delta: bytes = b"\0") -> None:
        """End a track."""
        self.buffer += delta + _MARKS[END]

    def running_status(self) -> int:
        """Return the status that runs on from the last channel message of the track; 0 where there is none."""
        place = len(self.buffer)
        while place > self._scanned:
            place -= 3
            if self.buffer[place] >= 0x80:
                if self.buffer[place] < BEGIN:
                    self._running = self.buffer[place]
                    break
                place -= 1
            while place > self._scanned and self.buffer[place - 1] >= 0x80:
                place -= 1
        self._scanned = len(self.buffer)
        return self._running

    def flush(self) -> None:
        """Decode what is on the tape and clear it."""
        if not self.buffer:
            return
        running = self.running_status()
        batch = decode(bytes(self.buffer), self._flushed_running, self._tick)
        self._take(batch)
        self._flushed_running = running
        self.buffer.clear()
        self._scanned = 0

    _flushed_running = 0

    def _take(self, batch: Batch) -> None:
        end = self.rows + len(batch.tick)
        self.tick[self.rows : end] = batch.tick
        self.status[self.rows : end] = batch.status
        self.first[self.rows : end] = batch.first
        self.second[self.rows : end] = batch.second
        self.bounds += [self.rows + row for row in batch.begins]
        self.ends += batch.ends
        self._ticks[TEMPO] += batch.tempos
        self._ticks[METER] += batch.meters
        self.rows = end
        self._tick = batch.last_tick
