"""What sounds of a note: as long as a pedal holds it, and at the pitch that it has for most of its time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..tables import Bools, Bytes, Floats, Ints
from .channels import RESET, Settings
from .decoding import Controls
from .setups import SYSTEM
from .tape import MARK

DAMPER, SOSTENUTO = 64, 66
"""Controllers of the pedals; both come up at a reset."""

_BETWEEN = 0.25
"""Semitones; what is farther than this from the nearest pitch sounds between two bars."""


def of_pedals(controls: Controls) -> Bools:
    """Return which controls set a pedal and nothing else."""
    pedal = (controls.first == DAMPER) | (controls.first == SOSTENUTO)
    return np.asarray(pedal & (controls.status & 0xF0 == 0xB0))


def held(controls: Controls, tick: Ints, end: Ints, channel: Bytes, pitch: Bytes, last: int) -> Ints:
    """Return the tick at which each note falls silent: its end, or later where a pedal is down there.

    The damper holds what ends while it is down, the sostenuto pedal what sounds when it goes down; a key that
    is struck again ends what was held of it. `last` is the tick at which the song ends. Notes are sorted by
    tick; one that the file never ends stays as it is.
    """
    stride = max(last, int(end.max(initial=0))) + 2
    damper, sostenuto = (_presses(controls, pedal, stride, last) for pedal in (DAMPER, SOSTENUTO))
    place = channel.astype(np.int64) * stride
    silent = end
    for _ in range(1 + bool(len(sostenuto.down))):  # each pedal may hold what the other has held
        if len(sostenuto.down):
            silent = _held(sostenuto, place, silent, since=tick)
        silent = _held(damper, place, silent)
    longer = np.flatnonzero((silent > end) & (end > tick))
    if not len(longer):
        return end
    silent, until = end.copy(), silent[longer]
    silent[longer] = np.maximum(end[longer], np.minimum(until, _again(tick, channel, pitch, longer)))
    return silent


class _Presses(NamedTuple):
    """When a pedal goes down and comes up again, counted as channel x stride + tick."""

    down: Ints
    up: Ints


def _presses(controls: Controls, pedal: int, stride: int, last: int) -> _Presses:
    """Return all presses of a pedal; one that is never lifted ends with the song."""
    if not (controls.first == pedal).any():
        return _Presses(np.zeros(0, np.int64), np.zeros(0, np.int64))
    control = (controls.status & 0xF0 == 0xB0) & ((controls.first == pedal) | (controls.first == RESET))
    rows = np.flatnonzero(control | (controls.status == MARK) & (controls.first == SYSTEM))
    moment = controls.channel[rows].astype(np.int64) * stride + controls.tick[rows]
    order = np.argsort(moment, kind="stable")
    rows, moment = rows[order], moment[order]
    pressed = (controls.first[rows] == pedal) & (controls.second[rows] >= 64)
    opens = np.diff(moment // stride, prepend=-1) > 0
    fresh = np.append(True, ~pressed[:-1]) if len(rows) else pressed
    begins = np.flatnonzero(pressed & (opens | fresh))
    ends = np.flatnonzero(~pressed | opens)  # a channel's first row ends what the one before it left down
    up = np.append(moment[ends], np.iinfo(np.int64).max)[np.searchsorted(ends, begins, "right")]
    return _Presses(moment[begins], np.minimum(up, moment[begins] // stride * stride + last))


def _held(presses: _Presses, place: Ints, end: Ints, since: Ints | None = None) -> Ints:
    """Return when notes end that a pedal holds: one that was down before their end, until it comes up.

    With `since`, the notes' beginnings, it must have gone down while they sounded.
    """
    row = np.searchsorted(presses.down, place + end, "left") - 1  # -1 where there is none before
    until = np.append(presses.up, -1)[row] - place
    if since is not None:
        until[np.append(presses.down, -1)[row] < place + since] = -1
    return np.asarray(np.maximum(until, end))


def _again(tick: Ints, channel: Bytes, pitch: Bytes, rows: Ints) -> Ints:
    """Return when the key of each of these notes is struck again, as late as can be where it never is."""
    key = channel.astype(np.uint16) << 7 | pitch
    order = np.argsort(key, kind="stable")
    stride = int(tick.max(initial=0)) + 1
    struck = np.append(key[order].astype(np.int64) * stride + tick[order], -1)
    mine = key[rows].astype(np.int64) * stride + tick[rows]
    following = struck[np.searchsorted(struck[:-1], mine, "right")]  # struck twice at once is struck once
    same = following // stride == mine // stride
    return np.asarray(np.where(same, following % stride, np.iinfo(np.int64).max))


def offsets(settings: Settings, row: Ints, tick: Ints, end: Ints, channel: Bytes) -> tuple[Ints, int]:
    """Return by how many semitones each note sounds above its written pitch, and how many lie between two.

    What counts is where the pitch is for most of the note's time, rounded: neither a scoop into it nor a
    vibrato around it moves it. `row` is the row of the settings in which a note is struck, which counts for
    one without an end.
    """
    near = np.rint(settings.offset)
    stride = int(max(settings.tick.max(), end.max(initial=0))) + 2
    at, place = settings.channel * stride + settings.tick, channel.astype(np.int64) * stride
    rows = np.searchsorted(at, place + tick, "right") - 1, np.searchsorted(at, place + end, "left") - 1
    row = np.where(end > tick, rows[0], row)
    off = near[row]
    apart = settings.offset[row] - off
    changing = np.flatnonzero(rows[1] > rows[0])
    if len(changing):
        begin, finish = place[changing] + tick[changing], place[changing] + end[changing]
        pick = rows[0][changing], rows[1][changing]
        off[changing], apart[changing] = _for_most(settings.offset, near, at, (begin, finish), pick)
    return off.astype(np.int64), int(np.count_nonzero(np.abs(apart) > _BETWEEN))


def _for_most(
    offset: Floats, near: Floats, at: Ints, span: tuple[Ints, Ints], rows: tuple[Ints, Ints]
) -> tuple[Floats, Floats]:
    """Return the rounded offset that holds longest in each span, and the mean distance from it there."""
    length = np.diff(at, append=at[-1])
    longest, best, apart = np.full(len(span[0]), -1.0), np.zeros(len(span[0])), np.zeros(len(span[0]))
    for value in np.unique(near):
        mine = near == value
        time, far = (
            _within(weight, length, at, span, rows) for weight in (mine * 1.0, mine * (offset - value))
        )
        more = time > longest
        best[more], longest[more] = value, time[more]
        apart[more] = far[more] / np.maximum(1.0, time[more])
    return best, apart


def _within(
    weight: Floats, length: Ints, at: Ints, span: tuple[Ints, Ints], rows: tuple[Ints, Ints]
) -> Floats:
    """Return the integral of a weight over each span of time; `rows` hold its begin and its end."""
    total = np.concatenate(([0.0], np.cumsum(weight * length)))
    begin, finish = (
        total[row] + weight[row] * (moment - at[row]) for row, moment in zip(rows, span, strict=True)
    )
    return np.asarray(finish - begin)
