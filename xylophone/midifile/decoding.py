"""The tape decoded: its messages as columns of numbers, all at once.

Every message on the tape has exactly three bytes under 128: the last one of its delta time and two
data bytes. So the places of the low bytes, three by three, say where everything else is; no byte is
looked at in turn.

Then strikes find their ends, and the messages of a few tracks are sorted by what they are for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..tables import Bools, Bytes, Ints
from .meta_events import KEY, LOOP, LYRIC, METER, PORT, SETUP, TEMPO, TRACK
from .tape import MARK

_KEPT_CONTROLLERS = (0, 6, 7, 11, 38, 64, 66, 98, 99, 100, 101, 111, 121)
"""Bank, data entry, volume, expression, pedals, parameter numbers, a loop's begin, Reset All Controllers."""


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
    """Say which messages a song is made of, by status x 128 + first data byte."""
    table = np.zeros((256, 128), np.bool_)
    table[0x80:0xA0] = table[0xC0:0xD0] = table[0xE0:0xF0] = True
    table[MARK, 1:] = True
    table[0xB0:0xC0, _KEPT_CONTROLLERS] = True
    return table.ravel()


_KEPT = _kept()


class Decoder:
    """Decodes a tape batch by batch; tick and running status go on from one to the next."""

    def __init__(self) -> None:
        self.tick = 0
        self._status = np.uint8(0)

    def decode(self, tape: bytes) -> Columns:
        """Return the messages of a batch that a song is made of."""
        content = np.frombuffer(tape, np.uint8)
        low = np.flatnonzero(content < 0x80).reshape(-1, 3)
        last = low[:, 0]
        tick = self._ticks(content, last, low[:, 2])
        status = self._statuses(content, last)
        first = content[low[:, 1]]
        columns = Columns(tick, status, first, content[low[:, 2]])
        kept = _KEPT.take(status.astype(np.uint16) << 7 | first)  # an index of one number is the fast one
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


_BLOCK = 1 << 15
"""Rows that are worked on at once, so that intermediate tables stay small."""


TOLD = (TEMPO, METER, KEY, LYRIC, LOOP)
"""Marks whose values stand in lists beside the tape, to be read with their ticks."""


class NoteColumns(NamedTuple):
    """Notes in the order of the file; `end` is `tick` where the file never ends the note."""

    tick: Ints
    end: Ints
    pitch: Bytes
    velocity: Bytes
    channel: Bytes
    track: Ints


class Controls(NamedTuple):
    """Programs, bends, controllers and setups in the order of the file; `after` counts the notes before each.

    A setup has status MARK; what it sets up stands in a list of its own, and `channel` is its port's first.
    """

    tick: Ints
    after: Ints
    status: Bytes
    first: Bytes
    second: Bytes
    channel: Bytes

    def where(self, rows: Ints) -> Controls:
        """Return only some rows, in their order."""
        return Controls(
            self.tick[rows],
            self.after[rows],
            self.status[rows],
            self.first[rows],
            self.second[rows],
            self.channel[rows],
        )


class Sorted(NamedTuple):
    """What some whole tracks hold: notes, controls, ticks of each kind of mark, tick of each track's end."""

    notes: NoteColumns
    controls: Controls
    marks: dict[int, Ints]
    ends: Ints


def sort_messages(columns: Columns, number: int, end: int, *, one_after_another: bool) -> Sorted:
    """Sort the messages of whole tracks, of which the first is `number`; `end` is the tick behind them.

    Ticks count from the beginning of each track, or from the beginning of the tape where tracks are
    sequences which play `one_after_another`. `columns` is used up.
    """
    marks = np.flatnonzero(columns.status == MARK)
    kinds = columns.first[marks]
    starts = marks[kinds == TRACK]
    begin = columns.tick[starts]
    ends = np.append(begin[1:], end)
    counts = np.diff(np.append(starts, len(columns.tick)))
    if not one_after_another:
        np.subtract(columns.tick, np.repeat(begin, counts), out=columns.tick)
        ends -= begin
    track = np.repeat(np.arange(len(starts), dtype=np.uint16), counts)
    channel = _channels(columns, marks, kinds)
    silent = columns.status >= 0xA0
    strike = (columns.status >= 0x90) & (columns.second > 0) & ~silent
    strikes = np.flatnonzero(strike)
    end_of_note = _ends(columns, track, channel, strike, np.flatnonzero(~silent))
    tick, _, pitch, velocity = columns.where(strikes)
    track = track[strikes] + np.uint16(number)
    notes = NoteColumns(tick, end_of_note[strikes], pitch, velocity, channel[strikes], track)
    silent[marks[kinds != SETUP]] = False
    controls = np.flatnonzero(silent)
    chosen, after = columns.where(controls), np.searchsorted(strikes, controls)
    at = columns.tick[marks]
    told = {kind: at[kinds == kind] for kind in TOLD}
    return Sorted(notes, Controls(chosen.tick, after, *chosen[1:], channel[controls]), told, ends)


def _channels(columns: Columns, marks: Ints, kinds: Bytes) -> Bytes:
    """Return the channel of each message, 16 for each port before its own; a mark has its port's first."""
    channel = columns.status & np.uint8(15)
    channel[marks] = 0
    if (kinds == PORT).any():
        told = marks[(kinds == PORT) | (kinds == TRACK)]  # a track begins on the first port, second byte 0
        counts = np.diff(np.append(told, len(channel)))
        channel |= np.repeat(columns.second[told] << np.uint8(4), counts)
    return channel


def _ends(columns: Columns, track: Ints, channel: Bytes, strike: Bools, rows: Ints) -> Ints:
    """Return for each message the tick at which it ends, if it is a strike; else its own tick.

    `rows` are the note-ons and note-offs. Equal pitches that overlap end in the order in which they began.
    """
    key: npt.NDArray[Any]
    key = channel[rows].astype(np.uint16) << 7 | columns.first[rows]
    bits = 11 if not len(key) or key.max() < 1 << 11 else 15
    if len(track) and track[-1] >= 1 << (16 - bits):
        key = track[rows].astype(np.uint32) << bits | key
    elif len(track) and track[-1]:
        key |= track[rows] << bits
    order = np.argsort(key, kind="stable")  # a radix sort where the key has 16 bits
    key, rows = key[order], rows[order]
    end = columns.tick.copy()
    for part in blocks(key):
        block = rows[part]
        begun, ended = pair(key[part], strike[block])
        end[block[begun]] = columns.tick[block[ended]]
    return end


def blocks(key: npt.NDArray[Any]) -> Iterator[slice]:
    """Give the parts of a sorted column that are worked on at once; all rows of a key are in one."""
    low = 0
    while low < len(key):
        high = len(key)
        if low + _BLOCK < high:
            high = int(np.searchsorted(key, key[low + _BLOCK], "right"))
        yield slice(low, high)
        low = high


def pair(key: npt.NDArray[Any], strike: Bools) -> tuple[Ints, Ints]:
    """Pair strikes with their ends, first in, first out: rows that begin, and for each the row that ends it.

    `key` is sorted and tells channel and pitch; within one key rows are in the order of time. An end
    with nothing sounding is left out, a strike without end does not appear.

    A queue for each key would do, note by note. Here one running count of what sounds serves all keys: the
    n-th end that finds something sounding ends the n-th strike of its key, and an end finds nothing exactly
    where the count falls to a new low. Mostly strikes and ends take turns, and nothing need be counted.
    """
    if _in_turns(key, strike):
        begins = np.arange(0, len(key), 2)
        return begins, begins + 1
    edges = np.flatnonzero(key[1:] != key[:-1]) + 1
    bounds = np.concatenate(([0], edges, [len(key)]))
    group = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    level = np.cumsum(np.where(strike, 1, -1))
    before = np.concatenate(([0], level[bounds[1:-1] - 1]))  # sounding when each key's turn came
    floor = -group * (2 * len(key) + 2)  # each key's counts lie below all counts of the keys before
    level += floor - before[group]
    lowest = np.minimum.accumulate(np.minimum(level, floor))
    previous = np.empty_like(lowest)
    previous[1:] = lowest[:-1]
    previous[bounds[:-1]] = floor[bounds[:-1]]
    ends = np.flatnonzero(~strike & (lowest >= previous))
    begins = np.flatnonzero(strike)
    first_begin, first_end = np.searchsorted(begins, bounds), np.searchsorted(ends, bounds)
    own = group[ends]
    return begins[first_begin[own] + np.arange(len(ends)) - first_end[own]], ends


def _in_turns(key: npt.NDArray[Any], strike: Bools) -> bool:
    """Tell whether each strike is followed by the end of its own key."""
    if len(key) % 2 or not strike[::2].all() or strike[1::2].any():
        return False
    return bool((key[::2] == key[1::2]).all())
