"""What the channels were set to when each note was struck: loudness, program, drums, and how far off pitch.

Sources: MIDI 1.0 Detailed Specification 4.2.1 (registered parameters 0 to 2, bend); MMA RP-015 (Reset All
Controllers); General MIDI 2 1.2a, 3.3 (banks 120 and 121); Yamaha XG Specifications 1.26 (banks 126 and 127).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..tables import Bools, Bytes, Floats, Ints, Samples
from .decoding import Controls
from .setups import (
    ALL,
    CENTRE,
    DRUM_PART,
    GM2,
    GS,
    MASTER_COARSE,
    MASTER_FINE,
    MASTER_FINER,
    MASTER_SHIFT,
    PART_SHIFT,
    SYSTEM,
    XG,
    Setup,
)
from .tape import MARK

BANK, DATA, VOLUME, EXPRESSION, FINE_DATA = 0, 6, 7, 11, 38
NRPN_FINE, NRPN, RPN_FINE, RPN, LOOP_BEGIN, RESET = 98, 99, 100, 101, 111, 121
"""Controllers of MIDI; RESET puts back expression, bend and the choice of a parameter."""

PLAIN_VOLUME, PLAIN_EXPRESSION, PLAIN_RANGE = 100, 127, 2
"""What a channel is set to before it is told otherwise (General MIDI); the bend's range is in semitones."""

DRUM_CHANNEL = 9
"""The channel of General MIDI's drum kit on every port, counted from 0; musicians call it 10."""

_SAME = np.uint8(255)  # a value no data byte has: what was told before goes on
_BEND, _NO_PARAMETER = 0xE0, 127


class Settings(NamedTuple):
    """What channels are set to, channel by channel and there in the order of time; a row for each change.

    `place` says from which note on, counted as channel x (notes + 1) + row, so that one search serves all
    channels; `tick` from which tick on. A row for each channel, at 0, says what holds before all changes.
    """

    place: Ints
    tick: Ints
    channel: Ints
    factor: Samples  # of loudness: volume / 100 x expression / 127
    program: Bytes
    drum: Bools
    offset: Floats  # semitones between what is written and what sounds


def settings(controls: Controls, tick: Ints, order: Ints, channels: int) -> Settings:
    """Return the settings of channels 0 up to `channels` from their controls, of which there is one at least.

    `tick` are the notes' ticks in the order of the table, `order` their rows in the order of the file.
    A control holds from its tick on for all tracks, since a channel is one voice of a synthesizer; at
    equal ticks the order of the file decides.
    """
    controls = controls.where(np.argsort(controls.tick, kind="stable"))
    place = np.append(np.zeros(channels, np.int64), _places(tick, order, controls.tick, controls.after))
    owner = np.append(np.arange(channels), controls.channel).astype(np.int64)
    by_channel = np.argsort(owner, kind="stable")
    row = np.maximum(by_channel - channels, 0)  # of the controls; nothing counts of those that open a channel
    opens, owner = by_channel < channels, owner[by_channel]
    told = _Told(controls.where(row), opens)
    return Settings(
        place[by_channel] + owner * (len(tick) + 1),
        np.where(opens, 0, controls.tick[row]),
        owner,
        told.factor(),
        told.program(),
        told.drum(owner % 16 == DRUM_CHANNEL),
        told.offset(),
    )


def loops_of(controls: Controls) -> Bools:
    """Return which controls mark where a loop begins: 111, as RPG Maker and its like have it."""
    return np.asarray((controls.status & 0xF0 == 0xB0) & (controls.first == LOOP_BEGIN))


def set_up(controls: Controls, setups: list[Setup], channels: int) -> Controls:
    """Return the controls of channels 0 up to `channels`, with what each setup sets up.

    A setup that means all channels stands there for each of them.
    """
    if not setups:
        known = controls.channel < channels
        return controls if known.all() else controls.where(np.flatnonzero(known))
    rows = np.flatnonzero(controls.status == MARK)
    controller, value, channel = (np.array(column) for column in zip(*setups, strict=True))
    controls.first[rows], controls.second[rows] = controller, value
    controls.channel[rows] += np.maximum(channel, 0).astype(np.uint8)
    counts = np.ones(len(controls.tick), np.int64)
    counts[rows[channel == ALL]] = channels
    source = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
    everywhere = np.repeat(np.isin(np.arange(len(counts)), rows[channel == ALL]), counts)
    mine = np.where(everywhere, number, controls.channel[source]).astype(np.uint8)
    spread = controls.where(source)._replace(channel=mine)
    return spread.where(np.flatnonzero(mine < channels))


class _Told:
    """Messages channel by channel, in the order of time; `opens` marks where each channel begins."""

    def __init__(self, controls: Controls, opens: Bools) -> None:
        status, first = np.where(opens, np.uint8(0), controls.status), controls.first
        self._status, self._first, self._second, self._opens = status, first, controls.second, opens
        self._control = np.where((status >= 0xB0) & (status < 0xC0), first, _SAME)
        self._control[status == MARK] = first[status == MARK]
        self._known = set(np.flatnonzero(np.bincount(self._control)).tolist())
        self._fresh = opens | self._is(SYSTEM)
        self._anew = self._fresh | self._is(RESET)

    def _is(self, controller: int) -> Bools:
        return np.asarray(self._control == controller)

    def _last(self, plain: int | Bytes, told: Bools, values: Bytes, *, reset: bool = False) -> Bytes:
        """Return for each row the value told last; `plain` is told by a system's reset, or any `reset`."""
        return _latest(plain, self._anew if reset else self._fresh, told, values)

    def _of(self, controller: int, plain: int, *, reset: bool = False) -> Bytes:
        if controller not in self._known:
            return np.full(len(self._opens), plain, np.uint8)
        return self._last(plain, self._is(controller), self._second, reset=reset)

    def factor(self) -> Samples:
        """Return what loudness is multiplied by."""
        if not self._known & {VOLUME, EXPRESSION}:
            return np.ones(len(self._opens), np.float32)
        volume = self._of(VOLUME, PLAIN_VOLUME)
        expression = self._of(EXPRESSION, PLAIN_EXPRESSION, reset=True)
        factor = volume.astype(np.float32) * expression / (PLAIN_VOLUME * PLAIN_EXPRESSION)
        return np.asarray(factor, np.float32)

    def program(self) -> Bytes:
        """Return the program."""
        return self._last(0, (self._status >= 0xC0) & (self._status < 0xD0), self._first)

    def drum(self, plain: Bools) -> Bools:
        """Return whether a channel strikes drums; `plain` says which do where nothing is told.

        GS tells each part. In XG a bank is drums or not; in GM2 its banks 120 and 121 are. A file that names
        no system may mean either: 120, 121 and 127 tell.
        """
        if not self._known & {SYSTEM, BANK, DRUM_PART}:
            return plain
        system = _latest(0, self._opens, self._is(SYSTEM), self._second)
        bank = self._is(BANK) & (system != GS)
        drums = (self._second == 120) | ((self._second >= 126) & (system != GM2))
        tells = drums | (self._second == 121) | (system == XG)
        value = np.where(bank, drums, self._second > 0).astype(np.uint8)
        return self._last(plain.astype(np.uint8), (bank & tells) | self._is(DRUM_PART), value) > 0

    def offset(self) -> Floats:
        """Return by how many semitones what sounds is above what is written: tuning, shifts and bend."""
        shift: Floats = np.zeros(len(self._opens))
        for controller in self._known & {PART_SHIFT, MASTER_SHIFT, MASTER_COARSE}:
            shift += self._of(controller, CENTRE).astype(float) - CENTRE
        if MASTER_FINE in self._known:
            shift += _signed(self._of(MASTER_FINE, CENTRE), self._of(MASTER_FINER, 0))
        bend: Floats = np.zeros(len(shift))
        bent = (self._status >= _BEND) & (self._status < MARK)
        if bent.any():
            halves = ((CENTRE, self._second), (0, self._first))
            bend = _signed(*(self._last(plain, bent, values, reset=True) for plain, values in halves))
        if DATA not in self._known:
            return np.asarray(shift + bend * PLAIN_RANGE)
        coarse = self._parameter(2, DATA, CENTRE).astype(float) - CENTRE
        fine = _signed(self._parameter(1, DATA, CENTRE), self._parameter(1, FINE_DATA, 0))
        span = self._parameter(0, DATA, PLAIN_RANGE) + self._parameter(0, FINE_DATA, 0) / 100
        return np.asarray(shift + coarse + fine + bend * span)

    def _parameter(self, number: int, controller: int, plain: int) -> Bytes:
        """Return what a part of a registered parameter was set to."""
        other = self._is(NRPN) | self._is(NRPN_FINE)
        chosen = [
            self._last(
                _NO_PARAMETER,
                self._is(half) | other,
                np.where(other, np.uint8(_NO_PARAMETER), self._second),
                reset=True,
            )
            for half in (RPN, RPN_FINE)
        ]
        told = self._is(controller) & (chosen[0] == 0) & (chosen[1] == number)
        return self._last(plain, told, self._second)


def _latest(plain: int | Bytes, fresh: Bools, told: Bools, values: Bytes) -> Bytes:
    """Return for each row the value told last; where things begin afresh that is `plain`."""
    rows = np.where(told | fresh, np.arange(len(told), dtype=np.int32), 0)
    return np.asarray(np.where(fresh, np.asarray(plain, np.uint8), values)[np.maximum.accumulate(rows)])


def _signed(coarse: Bytes, fine: Bytes) -> Floats:
    """Return values of 14 bits as -1 up to 1."""
    return np.asarray(((coarse.astype(float) - CENTRE) * 128 + fine) / 8192)


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
