"""What sounds of a note: as long as a pedal holds it, and at the pitch that it has for most of its time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..tables import Bools, Bytes, Floats, Ints
from .channels import RESET, Settings
from .decoding import Controls, blocks
from .setups import SYSTEM
from .tape import MARK

DAMPER, SOSTENUTO = 64, 66
"""Controllers of the pedals; both come up at a reset."""

_BETWEEN = 0.25
"""Semitones; what is farther than this from the nearest pitch sounds between two bars."""

_SPANS_AT_ONCE = 1 << 10
_MOST_TURNS = 1 << 8
"""Notes in whose time the pitch turns are looked at so many at once, and so many turns of each count, so that
intermediate tables stay small."""


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
    key = channel.astype(np.uint16) << 7 | pitch
    order = np.argsort(key, kind="stable").astype(np.int32)  # what is looked up comes in order, which is fast
    key, silent = key[order], end
    for part in blocks(key):
        rows = order[part]
        written, struck = end[rows], tick[rows]
        place = (key[part] >> 7) * np.int64(stride)
        until = written
        for _ in range(1 + bool(len(sostenuto.down))):  # each pedal may hold what the other has held
            if len(sostenuto.down):
                until = _held(sostenuto, place, until, since=struck)
            until = _held(damper, place, until)
        until = np.minimum(until, _again(key[part], struck))
        longer = np.flatnonzero((until > written) & (written > struck))
        if len(longer):
            silent = end.copy() if silent is end else silent
            silent[rows[longer]] = until[longer]
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


def _again(key: npt.NDArray[Any], tick: Ints) -> Ints:
    """Return when the key of each note is struck again, as late as can be where it never is.

    Notes are sorted by key and tick; one struck twice at once is struck once.
    """
    begins = np.flatnonzero(np.append(True, (key[1:] != key[:-1]) | (tick[1:] != tick[:-1])))
    following = tick[begins[1:]]
    following[key[begins[1:]] != key[begins[:-1]]] = np.iinfo(np.int64).max
    return np.repeat(np.append(following, np.iinfo(np.int64).max), np.diff(begins, append=len(key)))


def offsets(settings: Settings, row: Ints, tick: Ints, end: Ints, channel: Bytes) -> tuple[Ints, int]:
    """Return by how many semitones each note sounds above its written pitch, and how many lie between two.

    What counts is where the pitch is for most of the note's time, rounded: neither a scoop into it nor a
    vibrato around it moves it. `row` is the row of the settings in which a note is struck, which counts for
    one without an end.
    """
    moved = np.zeros(256, np.bool_)
    moved[settings.channel[settings.offset != 0]] = True
    mine = np.flatnonzero(moved[channel])
    mine = mine[np.argsort(channel[mine], kind="stable")]  # what is looked up comes in order, which is fast
    stride = int(max(settings.tick.max(), end.max(initial=0))) + 2
    place = channel[mine].astype(np.int64) * stride
    begin, finish, value = place + tick[mine], place + end[mine], settings.offset[row[mine]]
    curve = _curve(settings, stride)
    first = np.searchsorted(curve.at, begin, "right") - 1
    last = np.searchsorted(curve.at, finish, "left") - 1
    value = np.where(finish > begin, curve.offset[first], value)
    near = np.rint(value)
    apart = value - near
    changing = np.flatnonzero(last > first)
    if len(changing):
        span = _Spans(begin[changing], finish[changing], first[changing], last[changing])
        near[changing], apart[changing] = _for_most(curve, near[changing], span)
    off = np.zeros(len(row), np.int64)
    off[mine] = near
    return off, int(np.count_nonzero(np.abs(apart) > _BETWEEN))


class _Curve(NamedTuple):
    """Offsets of channels from the moments at which they change, counted as channel x stride + tick."""

    at: Ints
    offset: Floats
    near: Floats  # rounded

    def within(self, weight: Floats, spans: _Spans) -> Floats:
        """Return the integral of a weight over each span of time."""
        total = np.append(0.0, np.cumsum(weight[:-1] * np.diff(self.at)))
        begin = total[spans.first] + weight[spans.first] * (spans.begin - self.at[spans.first])
        return np.asarray(
            total[spans.last] + weight[spans.last] * (spans.finish - self.at[spans.last]) - begin
        )


class _Spans(NamedTuple):
    """Spans of time: moments, and the rows of a curve in which they begin and end."""

    begin: Ints
    finish: Ints
    first: Ints
    last: Ints

    def where(self, rows: Ints) -> _Spans:
        """Return only some spans."""
        return _Spans(self.begin[rows], self.finish[rows], self.first[rows], self.last[rows])


def _curve(settings: Settings, stride: int) -> _Curve:
    offset, channel = settings.offset, settings.channel
    changes = (offset[1:] != offset[:-1]) | (channel[1:] != channel[:-1])
    rows = np.flatnonzero(np.append(True, changes))
    return _Curve(channel[rows] * stride + settings.tick[rows], offset[rows], np.rint(offset[rows]))


def _for_most(curve: _Curve, near: Floats, spans: _Spans) -> tuple[Floats, Floats]:
    """Return the rounded offset that holds longest in each span, and the mean distance from it there.

    `near` are the rounded offsets at their beginnings, which hold to the end in most.
    """
    apart = curve.within(curve.offset - curve.near, spans) / (spans.finish - spans.begin)
    begins = np.append(True, curve.near[1:] != curve.near[:-1])
    run, edges = np.cumsum(begins) - 1, np.append(np.flatnonzero(begins), len(begins))
    turning = np.flatnonzero(run[spans.last] != run[spans.first])
    for low in range(0, len(turning), _SPANS_AT_ONCE):
        rows = turning[low : low + _SPANS_AT_ONCE]
        some = spans.where(rows)
        counts = np.minimum(run[some.last] - run[some.first] + 1, _MOST_TURNS)
        near[rows], apart[rows] = _longest(curve, edges, run[some.first], counts, some)
    return near, apart


def _longest(curve: _Curve, edges: Ints, run: Ints, counts: Ints, spans: _Spans) -> tuple[Floats, Floats]:
    """Return what `_for_most` does of spans in which the pitch turns.

    `edges` are the rows of the curve at which a rounded offset begins; a span has `counts` of them, from
    `run` on.
    """
    which = np.repeat(np.arange(len(counts)), counts)
    edge = np.arange(len(which)) + np.repeat(run - np.cumsum(counts) + counts, counts)
    spans, begin, end = spans.where(which), edges[edge], edges[edge + 1]
    pieces = _Spans(
        np.maximum(spans.begin, curve.at[begin]),
        np.minimum(spans.finish, np.append(curve.at, spans.finish.max())[end]),
        np.maximum(spans.first, begin),
        np.minimum(spans.last, end - 1),
    )
    lowest = curve.near[begin].min()
    value = (curve.near[begin] - lowest).astype(np.int64)
    shape = len(counts), int(value.max()) + 1
    key, size = which * shape[1] + value, shape[0] * shape[1]
    time = np.bincount(key, pieces.finish - pieces.begin, size).reshape(shape)
    far = np.bincount(key, curve.within(curve.offset - curve.near, pieces), size).reshape(shape)
    rows = np.arange(len(counts)), np.argmax(time, axis=1)
    return rows[1] + lowest, far[rows] / np.maximum(1.0, time[rows])
