"""Strikes find their ends, and the messages of a few tracks are sorted by what they are for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..tables import Bools, Bytes, Ints
from .decoding import Columns
from .tape import MARK, METER, TEMPO, TRACK

_BLOCK = 1 << 15
"""Messages whose ends are looked for at once, so that intermediate tables stay small."""


class NoteColumns(NamedTuple):
    """Notes in the order of the file; `end` is `tick` where the file never ends the note."""

    tick: Ints
    end: Ints
    pitch: Bytes
    velocity: Bytes
    channel: Bytes
    track: Ints


class Controls(NamedTuple):
    """Programs and controllers in the order of the file; `after` counts the notes before each."""

    tick: Ints
    after: Ints
    status: Bytes
    first: Bytes
    second: Bytes


class Sorted(NamedTuple):
    """What some whole tracks hold: notes, controls, ticks of tempos and metres, tick of each track's end."""

    notes: NoteColumns
    controls: Controls
    tempos: Ints
    meters: Ints
    ends: Ints


def sort_messages(columns: Columns, number: int, end: int, *, one_after_another: bool) -> Sorted:
    """Sort the messages of whole tracks, of which the first is `number`; `end` is the tick behind them.

    Ticks count from the beginning of each track, or from the beginning of the tape where tracks are
    sequences which play `one_after_another`. `columns` is used up.
    """
    marks = columns.status == MARK
    starts = np.flatnonzero(marks & (columns.first == TRACK))
    begin = columns.tick[starts]
    ends = np.append(begin[1:], end)
    counts = np.diff(np.append(starts, len(marks)))
    if not one_after_another:
        np.subtract(columns.tick, np.repeat(begin, counts), out=columns.tick)
        ends -= begin
    track = np.repeat(np.arange(len(starts), dtype=np.uint16), counts)
    sounding = columns.status < 0xA0
    strikes = np.flatnonzero((columns.status >= 0x90) & sounding & (columns.second > 0))
    ends_of_notes = _ends(columns, track, np.flatnonzero(sounding))
    notes = _notes(columns.where(strikes), ends_of_notes[strikes], track[strikes] + np.uint16(number))
    controls = np.flatnonzero(~sounding & ~marks)
    chosen, after = columns.where(controls), np.searchsorted(strikes, controls)
    tempos, meters = (columns.tick[marks & (columns.first == kind)] for kind in (TEMPO, METER))
    return Sorted(notes, Controls(chosen.tick, after, *chosen[1:]), tempos, meters, ends)


def _notes(strikes: Columns, end: Ints, track: Ints) -> NoteColumns:
    channel = (strikes.status & 15).astype(np.uint8)
    return NoteColumns(strikes.tick, end, strikes.first, strikes.second, channel, track)


def _ends(columns: Columns, track: Ints, rows: Ints) -> Ints:
    """Return for each message the tick at which it ends, if it is a strike; else its own tick.

    `rows` are the note-ons and note-offs. Equal pitches that overlap end in the order in which they began.
    """
    key: npt.NDArray[Any]
    key = (columns.status[rows] & 15).astype(np.uint16) << 7 | columns.first[rows]
    if len(track) and track[-1] >= 32:
        key = track[rows].astype(np.uint32) << 11 | key
    elif len(track) and track[-1]:
        key |= track[rows] << 11
    order = np.argsort(key, kind="stable")  # a radix sort where the key has 16 bits
    key, rows = key[order], rows[order]
    end = columns.tick.copy()
    low = 0
    while low < len(rows):
        high = len(rows)
        if low + _BLOCK < high:
            high = int(np.searchsorted(key, key[low + _BLOCK], "right"))
        block = rows[low:high]
        strike = (columns.status[block] >= 0x90) & (columns.second[block] > 0)
        begun, ended = pair(key[low:high], strike)
        end[block[begun]] = columns.tick[block[ended]]
        low = high
    return end


def pair(key: npt.NDArray[Any], strike: Bools) -> tuple[Ints, Ints]:
    """Pair strikes with their ends, first in, first out: rows that begin, and for each the row that ends it.

    `key` is sorted and tells channel and pitch; within one key rows are in the order of time. An end
    with nothing sounding is left out, a strike without end does not appear.

    A queue for each key would do, note by note. Here one running count of what sounds serves all keys: the
    n-th end that finds something sounding ends the n-th strike of its key, and an end finds nothing exactly
    where the count falls to a new low.
    """
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
