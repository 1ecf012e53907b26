"""What pulses came to: hits, misses, and how the coils and the supply fared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..tables import Floats, Hits, Ints, joined, ordered


@dataclass(frozen=True)
class Outcome:
    """What was heard and felt of some pulses.

    `hits` (dtype HIT) are sorted by time. `missed` and `damped` list the strikes (`strike` of their
    pulses) whose hammer never came, and whose hammer was pressed on its bar. `temperatures` are the
    hottest of each hammer's coil, in degrees Celsius, `on_time` the seconds it was on, both since the
    twin was made or reset, in the order of the instrument's hammers.
    """

    hits: Hits
    missed: Ints
    damped: Ints
    peak_current: float  # A, over all coils
    temperatures: Floats
    on_time: Floats


def join(outcomes: Sequence[Outcome]) -> Outcome:
    """Return consecutive outcomes, one at least, as one."""
    missed, damped = (
        np.concatenate([getattr(part, key) for part in outcomes]) for key in ("missed", "damped")
    )
    hottest = np.max([part.temperatures for part in outcomes], axis=0)
    peak, hits = max(part.peak_current for part in outcomes), joined(part.hits for part in outcomes)
    return Outcome(ordered(hits, "time"), missed, damped, peak, hottest, outcomes[-1].on_time)
