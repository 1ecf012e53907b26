"""The test rig: strikes copies of hammers in stated conditions, many at once, and measures the blow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..tables import PULSE, Floats, Ints, Pulses, as_pulses, filled
from .carried import Carried, Ghosts, Settled
from .integrate import Motion
from .parameters import Hammers
from .readout import FAINTEST
from .settle import Setting, settle

_APART = 0.5  # s between two blows on the rig: nobody meets another's current

_WARMING = 0.05  # s; a pulse that warms a coil well

Blows = tuple[Floats, Floats]
"""Latency in s and level in dB re 1 m/s; NaN where no blow came."""


@dataclass(frozen=True)
class Condition:
    """How hammers are when they are struck, one value for all blows or one for each.

    `loss` is the fraction of the supply voltage that is taken away, `rested` the seconds since the
    hammer's last pulse, `kelvin` its coil's warmth above ambient.
    """

    loss: float | Floats = 0.0
    rested: float | Floats = 0.0
    kelvin: float | Floats = 0.0


@dataclass(frozen=True)
class Rig:
    """Hammers on the bench and the supply that drives them. The hammers themselves are never touched."""

    hammers: Hammers
    setting: Setting

    def strike(self, hammer: Ints, width: Floats, condition: Condition) -> Blows:
        """Strike these hammers, one value each, and return how late and loud their first blows are."""
        count = len(hammer)
        pulses = _apart(width)
        carried = Carried.fresh(count)
        carried.end, carried.since = pulses["start"] - condition.rested, pulses["start"].copy()
        carried.warmth += condition.kelvin
        setting = replace(self.setting, voltage=self.setting.voltage * (1.0 - condition.loss))
        return first_blows(self._settled(hammer, pulses, carried, setting).motion, count, setting.step)

    def _settled(self, hammer: Ints, pulses: Pulses, carried: Carried, setting: Setting) -> Settled:
        """Return what pulses do, each with a copy of its hammer of its own."""
        copies = self.hammers.take(hammer)
        return settle(copies, setting, carried, Ghosts.none(), pulses, np.arange(len(hammer)))

    def heat(self, hammer: Ints, width: Floats) -> Floats:
        """Return by how many kelvin one pulse of these widths warms each coil, from its resistance."""
        carried = Carried.fresh(len(hammer))
        return self._settled(hammer, _apart(width), carried, self.setting).heating

    def cooling(self, pause: float) -> float:
        """Return the time constant in s of coils' cooling, from their warmth before and after a pause."""
        count = len(self.hammers)
        hammer = np.tile(np.arange(count), 3)
        pulses = _apart(np.full(3 * count, _WARMING))
        pulses["start"][2 * count :] += pause
        settled = settle(self.hammers, self.setting, Carried.fresh(count), Ghosts.none(), pulses, hammer)
        warm, end = settled.warmth[count : 2 * count], settled.warmth[2 * count :]
        left = end / (warm + settled.heating[count : 2 * count])
        return float(np.median((pause + _APART * count) / -np.log(left)))


def _apart(width: Floats) -> Pulses:
    """Return pulses of these widths, one after the other."""
    return as_pulses(filled(PULSE, len(width), start=_APART * np.arange(len(width)), width=width))


def first_blows(motion: Motion, count: int, step: float) -> Blows:
    """Return latency (from the row's first step) and level of each row's first audible contact."""
    latency, level = np.full(count, np.nan), np.full(count, np.nan)
    loud = np.flatnonzero(motion.contact_speed >= FAINTEST)
    loud = loud[np.argsort(-motion.contact_time[loud], kind="stable")]  # the first contact stands
    latency[motion.contact_row[loud]] = motion.contact_time[loud] * step
    level[motion.contact_row[loud]] = 20.0 * np.log10(motion.contact_speed[loud])
    return latency, level
