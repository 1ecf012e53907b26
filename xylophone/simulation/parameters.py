"""What hammers are made of: parameters of each kind, and how much single hammers differ.

Sources are in docs/simulation.md. Only the simulation reads this: the sequencer knows hammers by
their calibration alone.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from ..errors import InstrumentError
from ..tables import Floats

COPPER = 0.00393
"""Relative rise of a copper coil's resistance a kelvin (IEC 60028, at 20 C)."""


@dataclass(frozen=True, slots=True)
class HammerParameters:
    """The physics of one kind of hammer, all in SI units.

    Force on the plunger is i^2 pull / (2 (air + x)^2), x the stroke that remains to the closed
    position; the bar stands in the way at `gap` from rest.
    """

    resistance: float  # ohm, coil at `COLD`
    inductance: float  # H
    pull: float  # N m^2 / A^2, a of the force law
    air: float = 3.94e-3  # m, b of the force law
    mass: float = 0.012  # kg, all that moves
    stroke: float = 0.010  # m, rest to closed
    gap: float = 0.004  # m, rest to bar
    spring: float = 15.0  # N/m
    preload: float = 0.15  # N, spring at rest
    friction: float = 0.03  # N, dry, just played
    stick: float = 1.0  # by how much of itself friction grows in a long rest
    rest_time: float = 25.0  # s, time constant of that growth
    viscous: float = 0.05  # N s/m
    diode: float = 0.8  # V, flyback path
    heat: float = 13.0  # J/K, coil
    cooling: float = 50.0  # K/W, coil to ambient
    fuse: float = 0.0  # ohm, cold, between the supply and the coil with its diode; 0 for none


PARAMETERS = {
    "zye1-0530": HammerParameters(resistance=12.0, inductance=12.0 * 1.9e-3, pull=3.1e-4, stick=2.2),
    "jf-0530b": HammerParameters(resistance=40.0, inductance=40.0 * 3.1e-3, pull=1.72e-3, stick=0.6),
    "jf-0530b-24v": HammerParameters(resistance=40.0, inductance=40.0 * 3.1e-3, pull=1.72e-3, stick=4.0),
}
"""Parameters by name of the HammerKind; an inductance is the resistance times the rise of the current (s)."""

HAMMER = np.dtype([(field.name, "f8") for field in fields(HammerParameters)])

Hammers = np.recarray[Any, Any]
"""Parameters of n hammers side by side: rows of dtype HAMMER, `hammers.mass` an array of the shape (n,)."""

COLD = 20.0
"""Temperature in C at which `resistance` holds."""

TOLERANCES = {
    "gap": 0.1,  # SD 0.4 mm of 4 mm
    "mass": 0.05,
    "resistance": 0.03,
    "preload": 0.15,
    "pull": 0.05,
}
"""Standard deviations of single hammers, as a part of the nominal value."""

FRICTION_FACTOR = 2.0
"""Friction of single hammers lies between nominal / this and nominal x this, evenly in its logarithm."""

MOST_SD = 2.0
"""Hammers further than this from nominal are sorted out before they are built in."""


def parameters_of(kind: str) -> HammerParameters:
    """Return the physics of the hammer kind of this name; InstrumentError if there is none."""
    if kind not in PARAMETERS:
        raise InstrumentError(
            f"hammers of kind {kind!r} cannot be simulated: there is a model of {', '.join(PARAMETERS)}"
        )
    return PARAMETERS[kind]


def build_hammers(nominal: HammerParameters, count: int, seed: int, tolerance: float) -> Hammers:
    """Return `count` hammers that differ from `nominal` at random: tolerance 1 as usual, 0 not at all.

    The n-th hammer of a seed is the same whatever the count. Coil inductance follows from the
    nominal resistance: turns are counted, wire is not measured.
    """
    draws = np.random.Generator(np.random.Philox(key=seed)).random((count, len(TOLERANCES) + 1, 8))
    bells = np.clip((draws.sum(axis=2) - 4.0) * np.sqrt(12.0 / 8.0), -MOST_SD, MOST_SD)
    hammers: Hammers = np.repeat(np.array([astuple(nominal)], HAMMER), count).view(np.recarray)
    for column, (key, spread) in enumerate(TOLERANCES.items()):
        hammers[key] *= 1.0 + tolerance * spread * bells[:, column]
    hammers.friction *= FRICTION_FACTOR ** (tolerance * (2.0 * draws[:, -1, 0] - 1.0))
    return hammers


def rewound(hammers: Hammers, current: Floats) -> Hammers:
    """Return hammers whose coils are wound for other currents, each a factor on its own, at the same force.

    Resistance and inductance fall as the current rises, and the pull for an ampere with its square.
    """
    wound = hammers.copy()
    wound.resistance /= current
    wound.inductance /= current
    wound.pull /= current**2
    return wound
