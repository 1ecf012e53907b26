"""What is known of each hammer: how wide a pulse gives which loudness, and how long it takes.

Everything is tabulated over *level*, the impact speed in dB re 1 m/s, because that is how the
sequencer asks: this loud, so how wide a pulse, and how long before the contact must it start?
For hammer h and knot k, at rest voltage, cold and just played,

    width(level) and latency(level)

are given by the knots, linear in between. Two things that can be known beforehand change them:

    width   = width[h, k]   + width_loss[h, k] x + width_loss2[h, k] x^2     + width_rest[h, k] r   + both
    latency = latency[h, k] + latency_loss[h, k] x + latency_loss2[h, k] x^2 + latency_rest[h, k] r + both

    both = rest_coupling width_rest[h, k] r (width_loss[h, k] x + width_loss2[h, k] x^2) / width[h, k]

x, the drive loss, is the fraction of its drive that the coil lacks: the supply sags under other
coils by `supply.per_ampere` for each ampere, the coil warms and conducts less. r = 1 - exp(-rest /
rest_time) grows from 0 to 1 while the hammer rests. So a calibrated strike keeps its loudness when
the supply sags: its pulse is longer, not its sound softer. `both` is what rest and loss ask for
together: a pulse that a loss makes longer by some part needs `rest_coupling` times that part more for
its rest, and the contact comes later by as much. Without it a rested hammer in a soft chord is too soft.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from ..errors import CalibrationError
from ..tables import Floats
from ..words import counted
from .overlap import current_met

MOST_WIDTH = 0.2
"""s; the longest pulse that a calibration holds."""

MOST_LATENCY = 0.5
"""s; the longest latency that a calibration holds."""

ORIGINS = ("default", "measured", "set")
"""Where a hammer's curves may come from."""


@dataclass(frozen=True, slots=True)
class SupplyTerms:
    """How other coils' currents take drive from a pulse.

    The loss is `per_ampere` times the others' current, averaged over the pulse with the weight
    1 + slope (2 u - 1), u from 0 at its start to 1 at its end; the pulse width has a slope of its
    own and the latency too. A coil's current counts from `lag` after its start to its end.
    """

    per_ampere: float = 0.0  # fraction of the supply voltage, an ampere
    lag: float = 0.0  # s, stands for the rise of a coil's current
    width_slope: float = 0.0
    latency_slope: float = 0.0

    def beside(self, start: Floats, end: Floats, current: Floats, since: int = 0) -> Floats:
        """Return the current of other coils in A that width and latency, (2, n), of each of n pulses meet.

        Pulses before number `since` are only met: they have no column of their own.
        """
        return current_met(start, end, current, self.lag, (self.width_slope, self.latency_slope), since)


@dataclass(frozen=True, slots=True)
class WarmthTerms:
    """How a coil warms: by `per_second` for a second of on-time, falling with `time_constant`."""

    per_second: float = 0.0  # K a second of on-time
    time_constant: float = 600.0  # s
    loss_per_kelvin: float = 0.0  # fraction of the drive


@dataclass(frozen=True)
class Response:
    """What strikes need: the coefficients of the two formulas above, in seconds, arrays of one shape.

    `rest_coupling`, a number, is the same for all of them.
    """

    width: Floats
    latency: Floats
    width_loss: Floats
    width_loss2: Floats
    latency_loss: Floats
    latency_loss2: Floats
    width_rest: Floats
    latency_rest: Floats
    rest_coupling: float = field(default=0.0, kw_only=True)

    def width_at(self, loss: Floats, rested: Floats | float) -> Floats:
        """Return pulse widths under a drive loss (fraction) after a rest (0 just played .. 1 long rest)."""
        longer = self._longer(loss)
        return self.width + longer + rested * (self.width_rest + longer * self._coupled)

    def latency_at(self, loss: Floats, rested: Floats | float) -> Floats:
        """Return latencies under a drive loss after a rest."""
        later = loss * (self.latency_loss + loss * self.latency_loss2)
        return self.latency + later + rested * (self.latency_rest + self._longer(loss) * self._coupled)

    def _longer(self, loss: Floats) -> Floats:
        """Return by how much a drive loss makes pulses longer, s."""
        return loss * (self.width_loss + loss * self.width_loss2)

    @cached_property
    def _coupled(self) -> Floats:
        """What a long rest asks for more for each second by which a loss makes pulses longer, s."""
        return self.rest_coupling * self.width_rest / self.width


CURVES = tuple(one.name for one in fields(Response) if one.name != "rest_coupling")
"""The tabulated quantities beside `level`, each of shape (hammers, knots) in a calibration."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration(Response):
    """Curves of all hammers of one instrument. Valid from birth, else CalibrationError.

    `hammers` are their names in the instrument's order; `level` and every array of CURVES have the
    shape (hammers, knots) with at least two knots; level, and with it width, rises along a row.
    `origin` says for each hammer where its curves come from, one of ORIGINS. `tuned` is when
    any of them was last changed (ISO 8601), `backend` the URL of what they were tuned on; or ''.
    `measured` names the shared terms that were measured ('supply'); the others are the default's.

    >>> calibration = calibration_for(build_instrument(), None)
    >>> calibration.kind, calibration.origin[0], calibration.tuned
    ('zye1-0530', 'default', '')
    """

    kind: str
    hammers: tuple[str, ...]
    level: Floats  # dB re 1 m/s
    supply: SupplyTerms = SupplyTerms()
    warmth: WarmthTerms = WarmthTerms()
    rest_time: float = 10.0
    origin: tuple[str, ...] = ()
    tuned: str = ""
    backend: str = ""
    measured: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin:
            object.__setattr__(self, "origin", ("default",) * len(self.hammers))
        shape = (len(self.hammers), self.level.shape[-1])
        for key in ("level", *CURVES):
            array = np.ascontiguousarray(getattr(self, key), dtype=np.float64)
            if array.shape != shape or shape[1] < 2:
                raise CalibrationError(
                    f"calibration: {key} has shape {array.shape}, it must be "
                    f"{counted(len(self.hammers), 'hammer')} "
                    "by the same two or more knots: tune again, or delete the file for the default"
                )
            array.flags.writeable = False
            object.__setattr__(self, key, array)
        for row, name in enumerate(self.hammers):
            self._check(name, row)

    def _check(self, name: str, row: int) -> None:
        for key in ("level", *CURVES):
            if not np.all(np.isfinite(getattr(self, key)[row])):
                raise CalibrationError(
                    f"calibration of {name}: {key} holds a value that is no number: tune {name} again"
                )
        for key in ("level", "width"):
            if not np.all(np.diff(getattr(self, key)[row]) > 0):
                raise CalibrationError(
                    f"calibration of {name}: {key} must rise from knot to knot: tune {name} again"
                )
        for key, most in (("width", MOST_WIDTH), ("latency", MOST_LATENCY)):
            values = getattr(self, key)[row]
            if not (values.min() > 0 and values.max() <= most):
                raise CalibrationError(
                    f"calibration of {name}: {key} must lie in 0..{most} s: tune {name} again"
                )

    def common_range(self) -> tuple[float, float]:
        """Return the softest and loudest level in dB re 1 m/s of the scale all hammers share.

        Nine hammers in ten reach either end; the others are clamped to what they can do.
        """
        low = float(np.quantile(self.level[:, 0], 0.9))
        high = float(np.quantile(self.level[:, -1], 0.1))
        if low >= high:
            raise CalibrationError(
                f"calibration: no common loudness, the softest blow is {low:.1f} dB and the loudest "
                f"{high:.1f} dB for nine hammers in ten: tune again"
            )
        return low, high

    def select(self, hammers: tuple[str, ...]) -> Calibration:
        """Return the calibration of these hammers in this order; CalibrationError for an unknown one."""
        missing = [name for name in hammers if name not in self.hammers]
        if missing:
            raise CalibrationError(
                f"the calibration has no hammer {missing[0]}: it is for another instrument "
                f"({self.hammers[0]}..{self.hammers[-1]}); tune this one or name its file with --calibration"
            )
        return self._picked([self.hammers.index(name) for name in hammers], hammers)

    def spread(self, hammers: tuple[str, ...]) -> Calibration:
        """Return a calibration that gives every one of `hammers` the curves of this one's first hammer."""
        return replace(self, origin=("default",))._picked([0] * len(hammers), hammers)

    def _picked(self, rows: list[int], hammers: tuple[str, ...]) -> Calibration:
        curves = {key: getattr(self, key)[rows] for key in ("level", *CURVES)}
        return replace(self, hammers=hammers, origin=tuple(self.origin[row] for row in rows), **curves)


TERMS = tuple(field.name for field in fields(SupplyTerms)), tuple(field.name for field in fields(WarmthTerms))
"""Names of the coefficients of supply and warmth, for files that list them."""
