"""Strikes: when, and how loud, each bar shall sound. From song time to backend time, and into a plan."""

from __future__ import annotations

import numpy as np

from .errors import OptionError
from .tables import PLANNED, STRIKE, Arranged, Planned, Strikes, as_planned, as_strikes, filled


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


_GIVEN = ("time", "velocity", "source", "hammer", "priority")
"""What a row of the plan has of its strike."""


def unplanned(strikes: Strikes, hammers: int) -> Planned:
    """Return strikes as rows of a plan, not yet decided; OptionError where one cannot be planned."""
    if strikes.dtype != STRIKE:
        raise TypeError(f"strikes must be a table of dtype STRIKE, not {strikes.dtype}")
    for key, least, most in (("velocity", 1, 127), ("hammer", 0, hammers - 1)):
        wrong = ~((strikes[key] >= least) & (strikes[key] <= most))
        if wrong.any():
            value = strikes[key][np.argmax(wrong)]
            raise OptionError(f"{key} {value:g} is out of range: a strike needs {least}..{most}")
    if not np.all(np.isfinite(strikes["time"])):
        raise OptionError("a strike's time is no number: give seconds of backend time")
    return as_planned(filled(PLANNED, len(strikes), **{key: strikes[key] for key in _GIVEN}))


def strikes_in(rows: Planned) -> Strikes:
    """Return the strikes (dtype STRIKE) that rows of a plan were made of."""
    return as_strikes(filled(STRIKE, len(rows), **{key: rows[key] for key in _GIVEN}))
