"""What the channels were set to when each note was struck: loudness, program, drums, and how far off pitch.

Sources: MIDI 1.0 Detailed Specification 4.2.1 (registered parameters 0 to 2, bend); MMA RP-015 (Reset All
Controllers); General MIDI 2 1.2a, 3.3 (banks 120 and 121); Yamaha XG Specifications 1.26 (banks 126 and 127).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

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
    by_time = np.argsort(controls.tick, kind="stable")
    places = _places(tick, order, controls.tick[by_time], controls.after[by_time])
    owner = np.append(np.arange(channels, dtype=np.uint8), controls.channel[by_time])
    by_channel = np.argsort(owner, kind="stable")
    opens, owner = by_channel < channels, owner[by_channel].astype(np.int64)
    row = np.maximum(by_channel - channels, 0)  # where a channel opens nothing counts of what stands there
    mine = by_time[row]
    told = _Told(controls.status[mine], controls.first[mine], controls.second[mine], opens)
    return Settings(
        np.where(opens, 0, places[row]) + owner * (len(tick) + 1),
        np.where(opens, 0, controls.tick[mine]),
        owner,
        told.factor(),
        told.program(),
        told.drum(owner % 16 == DRUM_CHANNEL),
        told.offset(),
    )


def rows_of(known: Settings, channel: Bytes, first: int, total: int) -> Ints:
    """Return the rows of the settings in which notes are struck: those from `first` on, of so many in all."""
    by_channel = np.argsort(channel, kind="stable")  # what is looked up comes in order, which is fast
    place = channel[by_channel].astype(np.int64) * (total + 1) + by_channel + first
    row = np.empty(len(channel), np.int64)
    row[by_channel] = np.searchsorted(known.place, place, "right") - 1
    return row


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

    def __init__(self, status: Bytes, first: Bytes, second: Bytes, opens: Bools) -> None:
        status[opens] = 0
        self._status, self._first, self._second, self._opens = status, first, second, opens
        self._control = np.where((status & 0xF0 == 0xB0) | (status == MARK), first, _SAME)
        self._known = set(np.flatnonzero(np.bincount(self._control)).tolist())
        self._fresh = self._anew = opens
        if SYSTEM in self._known:
            self._fresh = self._anew = opens | self._is(SYSTEM)
        if RESET in self._known:
            self._anew = self._fresh | self._is(RESET)

    def _is(self, controller: int) -> Bools:
        return np.asarray(self._control == controller)

    def _of(self, controller: int, plain: int, *, reset: bool = False) -> Bytes:
        """Return for each row the controller's value; `plain` is told by a system's reset, or any `reset`."""
        fresh = self._anew if reset else self._fresh
        return self._latest(plain, fresh, self._is(controller), self._second)

    def _latest(
        self, plain: int | Bools, fresh: Bools, told: Bools, values: npt.NDArray[Any]
    ) -> npt.NDArray[Any]:
        """Return for each row the value told last; where things begin afresh that is `plain`."""
        rows = np.where(told | fresh, np.arange(len(told), dtype=np.int32), 0)
        return np.asarray(np.where(fresh, plain, values)[np.maximum.accumulate(rows)])

    def factor(self) -> Samples:
        """Return what loudness is multiplied by."""
        factor = np.ones(len(self._opens), np.float32)
        if VOLUME in self._known:
            factor *= self._of(VOLUME, PLAIN_VOLUME)
            factor /= PLAIN_VOLUME
        if EXPRESSION in self._known:
            factor *= self._of(EXPRESSION, PLAIN_EXPRESSION, reset=True)
            factor /= PLAIN_EXPRESSION
        return factor

    def program(self) -> Bytes:
        """Return the program."""
        return self._latest(0, self._fresh, self._status & 0xF0 == 0xC0, self._first)

    def drum(self, plain: Bools) -> Bools:
        """Return whether a channel strikes drums; `plain` says which do where nothing is told.

        GS tells each part. In XG a bank is drums or not; in GM2 its banks 120 and 121 are. A file that names
        no system may mean either: 120, 121 and 127 tell.
        """
        if not self._known & {SYSTEM, BANK, DRUM_PART}:
            return plain
        system = self._latest(0, self._opens, self._is(SYSTEM), self._second)
        bank = self._is(BANK) & (system != GS)
        drums = (self._second == 120) | ((self._second >= 126) & (system != GM2))
        tells = drums | (self._second == 121) | (system == XG)
        value = np.where(bank, drums, self._second > 0)
        return self._latest(plain, self._fresh, (bank & tells) | self._is(DRUM_PART), value)

    def offset(self) -> Floats:
        """Return by how many semitones what sounds is above what is written: tuning, shifts and bend."""
        shift: Floats = np.zeros(len(self._opens))
        for controller in self._known & {PART_SHIFT, MASTER_SHIFT, MASTER_COARSE}:
            shift += self._of(controller, CENTRE).astype(float) - CENTRE
        if MASTER_FINE in self._known:
            shift += _signed(self._of(MASTER_FINE, CENTRE), self._of(MASTER_FINER, 0))
        bend = self._bend()
        if DATA not in self._known:
            return shift + bend * PLAIN_RANGE
        chosen = self._parameter()
        shift += self._entered(chosen == 2, DATA, CENTRE).astype(float) - CENTRE
        shift += _signed(*(self._entered(chosen == 1, *half) for half in ((DATA, CENTRE), (FINE_DATA, 0))))
        span = (self._entered(chosen == 0, *half) for half in ((DATA, PLAIN_RANGE), (FINE_DATA, 0)))
        return shift + bend * (next(span) + next(span) / 100)

    def _bend(self) -> Floats:
        """Return the bend, -1 up to 1."""
        bent = self._status & 0xF0 == _BEND
        if not bent.any():
            return np.zeros(len(bent))
        value = self._second.astype(np.int16) << 7 | self._first
        return self._latest(CENTRE << 7, self._anew, bent, value) / 8192 - 1

    def _parameter(self) -> Bytes:
        """Return the number of the registered parameter that is chosen."""
        other = self._is(NRPN) | self._is(NRPN_FINE)
        value = np.where(other, np.uint8(_NO_PARAMETER), self._second)
        coarse, fine = (
            self._latest(_NO_PARAMETER, self._anew, self._is(half) | other, value) for half in (RPN, RPN_FINE)
        )
        return np.where(coarse == 0, fine, np.uint8(_NO_PARAMETER))

    def _entered(self, chosen: Bools, controller: int, plain: int) -> Bytes:
        """Return what was entered of a parameter where it was `chosen`."""
        told = self._is(controller) & chosen
        if not told.any():
            return np.full(len(told), plain, np.uint8)
        return self._latest(plain, self._fresh, told, self._second)


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
