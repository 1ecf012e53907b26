"""From song time to backend time: when, and how loud, each bar shall sound."""

from __future__ import annotations

import numpy as np

from .errors import OptionError
from .tables import STRIKE, Arranged, Strikes, as_strikes


def strikes_of(
    notes: Arranged, *, zero: float = 0.0, position: float = 0.0, speed: float = 1.0, volume: float = 1.0
) -> Strikes:
    """Return the strikes (dtype STRIKE) of arranged notes, in backend time.

    `zero` is the backend time at which song time `position` sounds. Velocities are multiplied by
    `volume` and held within 1..127. Raises OptionError unless speed and volume are above 0.

    >>> fitted = arrange(load_song(find_song("sakura")), build_instrument())
    >>> float(strikes_of(fitted.notes, zero=10.0)["time"][0])
    10.0
    """
    for name, value in (("speed", speed), ("volume", volume)):
        if not 0 < value < np.inf:
            raise OptionError(f"{name} {value:g} is out of range: give a factor above 0")
    strikes = as_strikes(np.zeros(len(notes), STRIKE))
    strikes["time"] = zero + (notes["onset"] - position) / speed
    strikes["velocity"] = np.clip(notes["velocity"] * volume, 1.0, 127.0)
    for key in ("source", "hammer", "priority"):
        strikes[key] = notes[key]
    return strikes
