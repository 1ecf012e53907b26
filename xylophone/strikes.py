"""From song time to backend time: when, and how loud, each bar shall sound."""

from __future__ import annotations

import numpy as np

from .errors import OptionError
from .tables import STRIKE, Arranged, Strikes, as_strikes, filled


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
    kept = {key: notes[key] for key in ("source", "hammer", "priority")}
    time = zero + (notes["onset"] - position) / speed
    velocity = np.clip(notes["velocity"] * volume, 1.0, 127.0)
    return as_strikes(filled(STRIKE, len(notes), time=time, velocity=velocity, **kept))
