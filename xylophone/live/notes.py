"""What is played on a MIDI keyboard, as bars to strike and how hard. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ..arranger.reach import bars_of
from ..errors import OptionError
from ..instrument import Instrument

CHANNELS = frozenset(range(1, 17)) - {10}
"""Channels that are heard unless others are asked for: 10 is a kit of drums."""

RANGE = 30.0
"""dB from the loudest to the softest velocity that a bar still follows; softer ones are the softest blow."""

_ALL_SOUND_OFF, _ALL_NOTES_OFF = 120, range(123, 128)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it was played: pitch and velocity 0..127; it was let go where the velocity is 0."""

    pitch: int
    velocity: int
    channel: int  # 1..16


@dataclass(frozen=True, slots=True)
class Panic:
    """All is to be silent: all notes off, all sound off, or a reset."""


def read(message: Sequence[int]) -> Key | Panic | None:
    """Return what a whole MIDI message says, None where it is neither a key nor a panic, or is none."""
    if not message:
        return None
    kind, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
    if message[0] == 0xFF:
        return Panic()
    if len(message) != 3 or max(message[1:]) > 127:
        return None
    if kind == 0xB0 and (message[1] == _ALL_SOUND_OFF or message[1] in _ALL_NOTES_OFF):
        return Panic()
    if kind not in (0x80, 0x90):
        return None
    return Key(message[1], message[2] if kind == 0x90 else 0, channel)


def strike_velocity(velocity: int) -> float:
    """Return how hard a bar is struck, 1..127, for the velocity of a key, 1..127.

    As in songs 40 log10 of it are its loudness in dB; RANGE of these take all that the hammers have.
    """
    below = min(RANGE, -40.0 * float(np.log10(velocity / 127.0)))
    return 127.0 - below * 126.0 / RANGE


class Keyboard:
    """Which hammer each key strikes: that of its pitch, or where there is no such bar an octave of it.

    With `folded` off a key without a bar of its own strikes nothing. OptionError for channels out of 1..16.
    """

    def __init__(
        self, instrument: Instrument, channels: Collection[int] = CHANNELS, folded: bool = True
    ) -> None:
        for channel in channels:
            if not 1 <= channel <= 16:
                raise OptionError(f"channel {channel} is out of range: give 1..16")
        self.channels = frozenset(channels)
        every = np.arange(128)
        bars = bars_of(instrument, every)
        self._hammers = bars.at(bars.settled(every) if folded else every).tolist()

    def hammer(self, key: Key) -> int | None:
        """Return the hammer of a key, None where no bar is like it."""
        hammer = int(self._hammers[key.pitch])
        return None if hammer < 0 else hammer
