"""Tables between the sequencer and the hammers: strikes, what was planned, pulses and hits.

All times are backend time in seconds. `hammer` is a hammer's place in the instrument, from 0;
`strike` is a row of the plan.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Priority(IntEnum):
    """How much a strike matters when not all can be played: the lowest is dropped first."""

    INNER = 0
    BASS = 1
    MELODY = 2


class Refusal(IntEnum):
    """Why a strike was not sent to its hammer; NONE where it was."""

    NONE = 0
    RECOVERY = 1
    SUPPLY = 2
    HEAT = 3
    LATE = 4

    @property
    def word(self) -> str:
        """The reason as reports and JSON print it."""
        return self.name.lower()


STRIKE = np.dtype(
    [
        ("time", "f8"),  # when the bar shall sound
        ("velocity", "f4"),  # 1..127, with fractions
        ("source", "i4"),  # row of the song's notes; -1 where there is none
        ("hammer", "u1"),
        ("priority", "u1"),  # a Priority
    ],
    align=True,
)
"""This bar shall sound at this time, this loud."""

PLANNED = np.dtype(
    [
        ("time", "f8"),  # the strike's musical time
        ("moved", "f8"),  # re-timing by the sequencer: planned contact is at time + moved
        ("start", "f8"),  # coil on; NaN where refused
        ("width", "f8"),  # coil on for so long; 0 where refused
        ("level", "f8"),  # planned level, dB re 1 m/s of impact speed
        ("velocity", "f4"),
        ("softened", "f4"),  # dB taken off to spare the supply
        ("source", "i4"),
        ("hammer", "u1"),
        ("priority", "u1"),
        ("refused", "u1"),  # a Refusal
        ("rolled", "?"),  # moved because its chord is rolled
    ],
    align=True,
)
"""What became of a strike: its pulse, or the reason why there is none."""

PULSE = np.dtype(
    [
        ("start", "f8"),  # coil on
        ("width", "f8"),  # coil on for so long
        ("strike", "i4"),  # row of the plan; -1 where there is none
        ("channel", "u1"),  # output channel, 0..63
    ],
    align=True,
)
"""Switch this channel on at `start` for `width`: all that a backend receives."""

HIT = np.dtype(
    [
        ("time", "f8"),  # contact of hammer and bar
        ("level", "f8"),  # dB re 1 m/s of impact speed
        ("strike", "i4"),  # row of the plan that caused it; -1 where there is none
        ("channel", "u1"),  # output channel of the hammer
        ("double", "?"),  # a second blow by one pulse
    ],
    align=True,
)
"""One sound that really happened."""
