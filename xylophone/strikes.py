"""Strikes: when, and how loud, each bar shall sound. From song time to backend time, and into a plan."""

from __future__ import annotations

import numpy as np

from .errors import OptionError
from .tables import (
    PLANNED,
    STRIKE,
    Arranged,
    Floats,
    Planned,
    Priority,
    Strikes,
    as_planned,
    as_strikes,
    filled,
    picked,
)

DB_PER_STEP = 10.9 / 126.0
"""dB from one velocity to the next: what 1..127 spans on tuned hammers, nominally (`Curves.common_level`)."""

LEAST_LEAD = 2.0 / DB_PER_STEP
"""Velocities that a tune goes on leading by, however soft the whole becomes: 2 dB."""


def strikes_of(
    notes: Arranged, *, zero: float = 0.0, position: float = 0.0, speed: float = 1.0, volume: float = 1.0
) -> Strikes:
    """Return the strikes (dtype STRIKE) of arranged notes, in backend time.

    `zero` is the backend time at which song time `position` sounds. `volume` is as of `at_volume`, and at 0
    nothing is struck. Raises OptionError unless speed is above 0 and volume not below.

    >>> fitted = arrange(load_song(find_song("sakura")), build_instrument())
    >>> float(strikes_of(fitted.notes, zero=10.0)["time"][0])
    10.0
    """
    if not 0 < speed < np.inf:
        raise OptionError(f"speed {speed:g} is out of range: give a factor above 0")
    if not 0 <= volume < np.inf:
        raise OptionError(f"volume {volume:g} is out of range: give a factor above 0, or 0 for silence")
    if volume == 0:
        notes = picked(notes, slice(0))
    kept = {key: notes[key] for key in ("source", "hammer", "priority")}
    time = zero + (notes["onset"] - position) / speed
    return as_strikes(filled(STRIKE, len(notes), time=time, velocity=at_volume(notes, volume), **kept))


def at_volume(notes: Arranged, volume: float) -> Floats:
    """Return velocities, 1..127, at a volume above 0: a factor on the range below 127, of which 1 is all.

    Below 1 the top comes down and the dynamics are pressed beneath it; of the lead of the tune at least
    LEAST_LEAD stays. Above 1 all is pressed towards the top by as much, and the lead stays.
    """
    velocity = notes["velocity"]
    if volume == 1:
        return velocity
    lead = notes["lead"].astype(np.float64)
    tune = notes["priority"] == Priority.MELODY
    part = np.where(tune, velocity - lead, velocity)  # both from 1 to 127 less the lead
    if volume < 1:
        range_ = 126.0 * volume
        lead = np.minimum(lead, np.maximum(LEAST_LEAD, range_))
        slope = np.maximum(0.0, range_ - lead) / (126.0 - notes["lead"])
        part = 1.0 + slope * (part - 1.0)
    else:
        part = 127.0 - lead - (127.0 - lead - part) / volume
    return np.asarray(np.clip(np.where(tune, part + lead, part), 1.0, 127.0))


def volume_of(percent: float) -> float:
    """Return the volume that a person means by 0..100: 100 is as arranged, 0 is silent.

    From the softest sure blow, at 1 (within a hundredth of the range), each step brings the loudest strike up
    by as many dB: velocities are even in dB, a volume is a factor on their range. OptionError out of 0..100.
    """
    if not 0 <= percent <= 100:
        raise OptionError(f"volume {percent:g} % is out of range: give 0..100 %")
    return percent / 100


def percent_of(volume: float) -> float:
    """Return what `volume_of` makes a volume of; 100 for all above 1, at which the loudest is no louder."""
    return min(100.0, 100.0 * volume)


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
