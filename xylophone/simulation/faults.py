"""Faults planted in simulated hammers: what looks for them can be tried, and a maker rehearses trouble."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from ..errors import OptionError
from ..instrument import Instrument
from ..tables import HIT, Hits, Pulses, as_hits, copied, joined, ordered
from .hammers import USUAL, Twin
from .parameters import Hammers
from .readout import Outcome, scatter

BOUNCE = (0.035, -9.0)
"""s and dB re the first: the second blow of a hammer that bounces, after four strikes of five."""

UNSTEADY = (0.004, 2.5)
"""s and dB: what an unsteady hammer scatters beside the others' scatter."""

WEAK_PULL, WEAK_FRICTION = 0.6, 1.5
"""Factors on the force and the friction of a weak hammer."""


class Planted(StrEnum):
    """What can be planted."""

    DEAD = "dead"  # its coil is broken
    WEAK = "weak"  # a shorted winding, a dry bearing
    DOUBLE = "double"  # it bounces off its rest
    UNSTEADY = "unsteady"  # a loose screw


class FaultyTwin(Twin):
    """A twin some of whose hammers are out of order: `faults` by their place, `swapped` pairs of cables.

    Takes what Twin takes. Raises OptionError for a place that is none.
    """

    def __init__(
        self,
        instrument: Instrument,
        seed: int = 0,
        *,
        faults: dict[int, Planted] | None = None,
        swapped: tuple[tuple[int, int], ...] = (),
        scatter_time: float = USUAL.scatter_time,
        scatter_level_db: float = USUAL.scatter_level_db,
        tolerance: float = USUAL.tolerance,
        fuse: float = USUAL.fuse,
    ) -> None:
        self._faults = faults or {}
        self._whole = Twin(instrument, seed, scatter_time, scatter_level_db, tolerance=tolerance, fuse=fuse)
        for place in (*self._faults, *(end for pair in swapped for end in pair)):
            if not 0 <= place < len(instrument):
                raise OptionError(f"there is no hammer {place}: give 0..{len(instrument) - 1}")
        super().__init__(instrument, seed, scatter_time, scatter_level_db, tolerance=tolerance, fuse=fuse)
        self._build(self._worn())
        self._bars = {hammer.channel: hammer.channel for hammer in instrument.hammers}
        for one, other in swapped:
            ends = instrument.hammers[one].channel, instrument.hammers[other].channel
            self._bars[ends[0]], self._bars[ends[1]] = ends[1], ends[0]
        self._counts: dict[int, int] = {}

    def _worn(self) -> Hammers:
        """Return the hammers with what is dead or weak among them."""
        hammers = self.hammers.copy()
        pull, friction = hammers.pull, hammers.friction  # columns of the copy
        for place, fault in self._faults.items():
            if fault is Planted.DEAD:
                pull[place] = 0.0
            elif fault is Planted.WEAK:
                pull[place] *= WEAK_PULL
                friction[place] *= WEAK_FRICTION
        return hammers

    @property
    def whole(self) -> Twin:
        """The same hammers before anything was out of order."""
        return self._whole

    def advance(self, pulses: Pulses, until: float, ahead: Pulses | None = None) -> Outcome:
        """Play on, and let the faults be heard."""
        outcome = super().advance(pulses, until, ahead)
        hits = [self._heard(hit) for hit in outcome.hits]
        return replace(outcome, hits=ordered(joined([as_hits(np.zeros(0, HIT)), *hits]), "time"))

    def _heard(self, hit: np.void) -> Hits:
        """Return what is heard in place of one hit."""
        channel = int(hit["channel"])
        fault = self._faults.get(int(self.places[channel]))
        number = self._counts[channel] = self._counts.get(channel, -1) + 1
        chance = [value.item() for value in scatter(77, np.array([channel]), np.array([number]))]
        heard = as_hits(np.array([hit], HIT))
        heard["channel"] = self._bars[channel]
        if fault is Planted.UNSTEADY:
            heard["time"] += abs(UNSTEADY[0] * chance[0])
            heard["level"] += UNSTEADY[1] * chance[1]
        elif fault is Planted.DOUBLE and chance[0] < 0.84:  # four of five
            again = copied(heard)
            again["time"] += BOUNCE[0]
            again["level"] += BOUNCE[1]
            again["double"] = True
            heard = joined((heard, again))
        return heard
