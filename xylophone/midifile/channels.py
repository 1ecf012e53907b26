"""What the channels were set to when each note was struck: loudness and program."""

from __future__ import annotations

import numpy as np

from ..tables import Bytes, Ints, Rows, Samples
from .decoding import Controls

VOLUME, EXPRESSION, RESET = 7, 11, 121
"""Controllers of General MIDI; RESET puts expression back to 127 (MMA RP-015) and leaves volume alone."""

PLAIN_VOLUME, PLAIN_EXPRESSION = 100, 127
"""What a channel is set to before it is told otherwise (General MIDI)."""


_ROWS_AT_ONCE = 1 << 14
_SAME = 255  # a value no data byte has: the control before goes on


def set_channels(table: Rows, tick: Ints, order: Ints, controls: Controls) -> None:
    """Fill in loudness (velocity x volume / 100 x expression / 127) and program of all notes of a song.

    `tick` are the notes' ticks in the order of the table, `order` their rows in the order of the file.
    A control holds from its tick on for all tracks, since a channel is one voice of a synthesizer; at
    equal ticks the order of the file decides.
    """
    table["loudness"] = table["velocity"]
    if not len(controls.tick) or not len(table):
        return
    begin, factor, program = _in_force(controls, tick, order)
    for low in range(0, len(table), _ROWS_AT_ONCE):
        rows = table[low : low + _ROWS_AT_ONCE]
        place = rows["channel"].astype(np.int64) * (len(table) + 1) + np.arange(low, low + len(rows))
        row = np.searchsorted(begin, place, "right") - 1
        rows["loudness"] *= factor[row]
        rows["program"] = program[row]


def _in_force(controls: Controls, tick: Ints, order: Ints) -> tuple[Ints, Samples, Bytes]:
    """Return what channels are set to, channel by channel: from which note on, factor, program.

    The note is counted as channel x (notes + 1) + row, so that one search serves all channels.
    """
    by_time = np.argsort(controls.tick, kind="stable")
    place = _places(tick, order, controls.tick[by_time], controls.after[by_time])
    place = np.concatenate((np.zeros(16, np.int64), place))
    channel = np.concatenate((np.arange(16, dtype=np.uint8), controls.status[by_time] & 15))
    by_channel = np.argsort(channel, kind="stable")
    place += channel.astype(np.int64) * (len(tick) + 1)
    status, first, second = (column[by_time] for column in controls[2:])
    told = np.where(status < 0xC0, first, np.uint8(_SAME))
    reset = np.where(told == RESET, np.uint8(PLAIN_EXPRESSION), np.uint8(_SAME))
    expression = _last(PLAIN_EXPRESSION, np.where(told == EXPRESSION, second, reset), by_channel)
    volume = _last(PLAIN_VOLUME, np.where(told == VOLUME, second, np.uint8(_SAME)), by_channel)
    program = _last(0, np.where(status >= 0xC0, first, np.uint8(_SAME)), by_channel)
    factor = volume.astype(np.float32) * expression / (PLAIN_VOLUME * PLAIN_EXPRESSION)
    return place[by_channel], factor.astype(np.float32), program


def _last(plain: int, values: Bytes, order: Ints) -> Bytes:
    """Return the values in an order, each channel beginning at `plain`, and none of them _SAME."""
    told = np.concatenate((np.full(16, plain, np.uint8), values))[order]
    return told[np.maximum.accumulate(np.where(told != _SAME, np.arange(len(told), dtype=np.int32), 0))]


def _places(tick: Ints, order: Ints, at: Ints, after: Ints) -> Ints:
    """Return how many notes are struck before each control: those of earlier ticks, and at its own tick some.

    Controls are in the order of time: at which tick, and after how many notes of the file.
    """
    place = np.searchsorted(tick, at, "left")
    right = np.searchsorted(tick, at, "right")
    mixed = np.flatnonzero(place < right)  # at a tick which has notes too
    if not len(mixed):
        return place
    left = place[mixed]
    opens = np.append(True, left[1:] != left[:-1])
    which = np.cumsum(opens) - 1
    left, counts = left[opens], (right[mixed] - left)[opens]
    before = np.cumsum(counts) - counts
    group = np.repeat(np.arange(len(left)), counts)
    rows = np.arange(len(group)) + (left - before)[group]
    total = len(tick) + 1
    place[mixed] += np.searchsorted(group * total + order[rows], which * total + after[mixed]) - before[which]
    return place
