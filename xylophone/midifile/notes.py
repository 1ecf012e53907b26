"""Notes: note-ons with their ends, and what volume, expression and program their channel has just then."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .events import Events

Index = npt.NDArray[np.int64]

VOLUME, EXPRESSION, RESET = 7, 11, 121
_DEFAULT_VOLUME, _DEFAULT_EXPRESSION = 100, 127


def ends_of(events: Events, on: npt.NDArray[np.bool_], off: npt.NDArray[np.bool_]) -> Index:
    """Return, for each note-on in order, the event that ends it; -1 where none does.

    The first end belongs to the first note of its track, channel and pitch that sounds. An end with no note sounding
    means nothing. Open notes are counted by a sum that never falls below 0, as its running minimum tells.
    """
    rows = np.flatnonzero(on | off)
    key = events.track[rows].astype(np.int32) << 11
    key |= (events.status[rows] & 0x0F).astype(np.int32) << 7 | events.first[rows]
    order = np.argsort(key, kind="stable")
    key, rows = key[order], rows[order]
    opens = np.concatenate(([True], key[1:] != key[:-1])) if len(key) else np.zeros(0, bool)
    group = np.cumsum(opens, dtype=np.int32) - 1
    step = np.where(on[rows], 1, -1).astype(np.int32)
    total = np.cumsum(step, dtype=np.int64)
    start = (total - step)[opens]  # the sum before each group
    sounding = total - start[group]
    far = 2 * len(rows) + 2  # puts each group below the one before
    lowest = np.minimum.accumulate(np.concatenate(([0], np.minimum(sounding, 0) - far * group)))[:-1]
    ends = (step < 0) & (sounding - far * group >= np.minimum(lowest, -far * group))
    begins = step > 0
    first_on = np.cumsum(begins) - begins
    first_off = np.cumsum(ends) - ends
    rank = (first_on - first_on[opens][group])[begins]  # n-th note of its group
    where = first_off[opens][group[begins]] + rank
    last = np.append(first_off[opens][1:], ends.sum())[group[begins]]
    enders = rows[ends]
    found = np.full(len(rank), -1, np.int64)
    has = where < last
    found[has] = enders[where[has]]
    result = np.full(len(events.tick), -1, np.int64)
    result[rows[begins]] = found
    return result[on]


class ChannelState:
    """What the controllers of each channel say when each note begins, over all tracks in order of time."""

    def __init__(self, events: Events, notes: Index) -> None:
        """`notes` are the rows of the note-ons."""
        self._events = events
        control = events.status & 0xF0
        rows = np.flatnonzero((control == 0xB0) & np.isin(events.first, (VOLUME, EXPRESSION, RESET)) | (control == 0xC0))
        both = np.concatenate((rows, notes))
        order = np.lexsort((both, events.tick[both]))
        rank = np.empty(len(both), np.int64)
        rank[order] = np.arange(len(both))
        self._rows, self._rank = rows, rank[: len(rows)]
        self._note_key = self._key(notes, rank[len(rows) :])
        self._count = len(notes)

    def _key(self, rows: Index, rank: Index) -> Index:
        return (self._events.status[rows] & 0x0F).astype(np.int64) * (1 << 40) + rank

    def program(self) -> npt.NDArray[np.uint8]:
        """Return the program of each note."""
        events = self._events
        chosen = (events.status[self._rows] & 0xF0) == 0xC0
        return self._latest(chosen, events.first[self._rows[chosen]], 0)

    def loudness(self, velocity: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return velocity x volume / 100 x expression / 127 of each note."""
        events, rows = self._events, self._rows
        control = (events.status[rows] & 0xF0) == 0xB0
        kind = events.first[rows]
        chosen = control & (kind == VOLUME)
        volume = self._latest(chosen, events.second[rows[chosen]], _DEFAULT_VOLUME)
        chosen = control & ((kind == EXPRESSION) | (kind == RESET))
        value = np.where(kind[chosen] == RESET, _DEFAULT_EXPRESSION, events.second[rows[chosen]]).astype(np.uint8)
        expression = self._latest(chosen, value, _DEFAULT_EXPRESSION)
        scale = np.float32(1.0 / (_DEFAULT_VOLUME * _DEFAULT_EXPRESSION))
        return velocity.astype(np.float32) * volume.astype(np.float32) * expression.astype(np.float32) * scale

    def _latest(self, chosen: npt.NDArray[np.bool_], values: npt.NDArray[np.uint8], default: int) -> npt.NDArray[np.uint8]:
        """Return the newest of the chosen events' values in each note's channel before the note."""
        if not len(values):
            return np.full(self._count, default, np.uint8)
        key = self._key(self._rows[chosen], self._rank[chosen])
        order = np.argsort(key)
        key, values = key[order], values[order]
        place = np.searchsorted(key, self._note_key) - 1
        same = (place >= 0) & (key[place] >> 40 == self._note_key >> 40)
        return np.where(same, values[place], default).astype(np.uint8)
