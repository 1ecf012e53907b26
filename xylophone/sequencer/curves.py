"""Looking hammers up: level of a velocity, pulse width and latency of a level."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..calibration.values import CURVES, Calibration, Response
from ..errors import CalibrationError
from ..instrument import Instrument
from ..tables import Floats, Ints

HOTTEST = 40.0
"""K above the calibration's that the plan still makes up for; the token bucket keeps coils below."""

FEW = 64
"""Up to so many strikes all their quantities are looked up together: more would not fit the cache."""

_ROW = 10_000.0  # dB between the tables of two hammers laid end to end: far more than any level


class Curves:
    """The calibration of one instrument, laid out for looking up many strikes at once."""

    def __init__(self, instrument: Instrument, calibration: Calibration) -> None:
        names = tuple(hammer.name for hammer in instrument.hammers)
        if calibration.kind != instrument.kind.name:
            raise CalibrationError(
                f"the calibration is for hammers of kind {calibration.kind}, the instrument has "
                f"{instrument.kind.name}: tune it, or change the kind in xylophone.toml"
            )
        self.calibration = calibration if calibration.hammers == names else calibration.select(names)
        self.bottom_db, self.top_db = self.calibration.common_range()
        self._levels = self.calibration.level
        self._knots = self._levels.shape[1]
        self._flat = (self._levels + _ROW * np.arange(len(names))[:, None]).ravel()
        self._tables = np.array([getattr(self.calibration, key).ravel() for key in CURVES])
        self._shortest = instrument.column("shortest_pulse")
        self.longest = instrument.column("longest_pulse")
        self.current = instrument.column("current")
        self.refill, self.capacity = instrument.column("refill"), instrument.column("capacity")
        self.supply_limit = instrument.supply_limit
        self.recovery = np.maximum(instrument.column("recovery"), self._spacing())

    def common_level(self, velocity: Floats) -> Floats:
        """Return the level of each velocity, dB re 1 m/s: 1..127 spans the common scale evenly in dB."""
        return self.bottom_db + (self.top_db - self.bottom_db) * (velocity - 1.0) / 126.0

    def level(self, hammer: Ints, velocity: Floats) -> Floats:
        """Return the level of each strike, dB re 1 m/s, as near as its hammer can to that of its velocity."""
        least, most = self._levels[hammer, 0], self._levels[hammer, -1]
        return np.asarray(np.minimum(np.maximum(self.common_level(velocity), least), most))

    def at(self, hammer: Ints, level: Floats) -> Response:
        """Return what strikes of these hammers at these levels (within each hammer's range) need."""
        first = hammer * self._knots
        sought = level + _ROW * hammer
        knot = self._flat.searchsorted(sought, "right") - 1
        knot = np.minimum(np.maximum(knot, first), first + self._knots - 2)
        below, above = self._flat[knot], self._flat[knot + 1]
        part = np.minimum(np.maximum((sought - below) / (above - below), 0.0), 1.0)
        tables = self._tables[None] if len(knot) <= FEW else self._tables[:, None]  # together, or one by one
        pairs = ((each[:, knot], each[:, knot + 1]) for each in tables)
        values = (row for low, high in pairs for row in low + part * (high - low))
        return Response(*values, rest_coupling=self.calibration.rest_coupling)

    def bounded(self, hammer: Ints, width: Floats) -> Floats:
        """Return widths held between each hammer's shortest and longest pulse."""
        return np.minimum(np.maximum(width, self._shortest[hammer]), self.longest[hammer])

    @property
    def largest_loss(self) -> float:
        """The greatest drive loss that can be: the whole supply on other coils, a coil at its hottest."""
        supply, warmth = self.calibration.supply, self.calibration.warmth
        others = max(0.0, self.supply_limit - float(self.current.min()))
        slope = 1.0 + max(abs(supply.width_slope), abs(supply.latency_slope))
        return supply.per_ampere * others * slope + warmth.loss_per_kelvin * HOTTEST

    @cached_property
    def longest_latency(self) -> float:
        """An upper bound of any strike's latency."""
        return float(self._latest.max())

    @cached_property
    def _latest(self) -> Floats:
        """An upper bound of each hammer's latency: after a long rest, under the greatest loss."""
        rising = (np.maximum(0.0, getattr(self.calibration, key)) for key in CURVES)
        most = Response(*rising, rest_coupling=self.calibration.rest_coupling)
        return np.asarray(most.latency_at(np.array(self.largest_loss), 1.0).max(axis=1))

    def _spacing(self) -> Floats:
        """Return the least time between two contacts of each hammer at which its pulses do not touch."""
        return np.asarray(self._latest - self.calibration.latency.min(axis=1) + self.longest + 0.001)
