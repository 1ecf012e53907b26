"""The sequencer: strikes become coil pulses under the laws of the hammers.

Level gives pulse width, pulse width gives latency, and a pulse starts that much before the contact.
What is known beforehand is made up for: supply sag, coil warmth, rest. Recovery, supply current and
coil heat are limits; what cannot be played within them is re-timed as little as can be, or refused,
and either is reported.
"""

from __future__ import annotations

import numpy as np

from ..errors import OptionError
from ..song import Table
from ..strikes import STRIKE
from .plan import Plan, PlanOptions, RefusedStrike
from .planner import Planner, sequence

__all__ = ["Plan", "PlanOptions", "Planner", "RefusedStrike", "sequence", "strikes_of"]


def strikes_of(
    notes: Table, *, zero: float = 0.0, position: float = 0.0, speed: float = 1.0, volume: float = 1.0
) -> Table:
    """Return the strikes (dtype STRIKE) of arranged notes, in backend time.

    `zero` is the backend time at which song time `position` sounds. Velocities are multiplied by
    `volume` and held within 1..127. Raises OptionError unless speed and volume are above 0.
    """
    for name, value in (("speed", speed), ("volume", volume)):
        if not 0 < value < np.inf:
            raise OptionError(f"{name} {value:g} is out of range: give a factor above 0")
    strikes = np.zeros(len(notes), STRIKE)
    strikes["time"] = zero + (notes["onset"] - position) / speed
    strikes["velocity"] = np.clip(notes["velocity"] * volume, 1.0, 127.0)
    for key in ("source", "hammer", "priority"):
        strikes[key] = notes[key]
    return strikes
