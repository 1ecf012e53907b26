"""The bars: which modes a blow makes ring, how loud, how long.

Partials lie at ratios of the fundamental that change over the compass. Decay is the material's: the
fundamental's is what the instrument knows (`Material` there), and the partials above it go by the same law
with a loss factor of their own, so that high bars and high partials ring shorter. All was read from
recordings of bars within an instrument's own compass; docs/simulation.md has the figures and their sources,
and `benchmarks/bars.py` reads them out of recordings.

A bar of even thickness has 1 : 2.756 : 5.404 : 8.933 (Fletcher & Rossing, The Physics of Musical Instruments,
ch. 2). The bars are in tune with A4 = 440 Hz; recorded ones are 1-19 cents sharp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..instrument import MATERIALS
from ..pitch import frequency
from ..tables import Floats, Ints


@dataclass(frozen=True, slots=True)
class Partials:
    """The second, third and fourth partial of bars of a material.

    `ratios` has (sounding pitch, ratio to the fundamental) of each, `loss` is their loss factor.
    """

    ratios: tuple[tuple[tuple[float, float], ...], ...]
    loss: float


STEEL = Partials(
    ratios=(((79, 2.73), (108, 2.66)), ((79, 5.30), (108, 5.10)), ((79, 8.67), (108, 8.59))),
    loss=0.0006,
)
"""Glockenspiels G5..C8: 13 bars of two soundfonts, FluidR3 and Freepats."""

ROSEWOOD = Partials(
    ratios=(
        ((65, 3.00), (84, 2.90), (88, 2.66), (108, 2.70)),
        ((65, 6.68), (79, 5.80), (108, 5.60)),
        ((65, 11.0), (84, 9.5), (108, 8.9)),
    ),
    loss=0.0077,
)
"""A xylophone F4..B7: 42 bars of the University of Iowa's recordings in an anechoic room."""

MODELS = {"steel": STEEL, "rosewood": ROSEWOOD}
"""The partials of bars by the name that an instrument gives their material."""

TONAL = 4
"""Modes of a bar that are heard as tones."""

BLOW_AT = 0.44
"""Where the hammer strikes, as a part of the bar's length: a little beside the middle."""

_BETA = np.array([4.730041, 7.853205, 10.995608, 14.137165])

CONTACT = 0.00035
"""s; contact time at 1 m/s on a bar of 440 Hz: a hard head. An assumption, between felt and steel."""

CONTACT_BY_SPEED = -0.2
"""Contact time goes with impact speed to this power (Hertz 1882; Goldsmith, Impact, 1960)."""

CONTACT_BY_PITCH = -0.5
"""and with a bar's frequency to this: smaller bars are lighter, their heads smaller. An assumption."""

KNOCK = ((1150.0, 0.030, 0.012), (2900.0, 0.035, 0.007))
"""(Hz, part of the fundamental's amplitude, T60 in s) of the dull knock of the hammer itself."""

MODES = TONAL + len(KNOCK)


@dataclass(frozen=True, eq=False)
class Bars:
    """Modes of n bars: every array has the shape (n, MODES); the fundamental first, the knock last.

    `sine` is the amplitude of each mode relative to the fundamental for a blow of no length.
    """

    hertz: Floats
    decay: Floats  # 1/s; the amplitude goes with exp(-decay t)
    sine: Floats

    def amplitudes(self, bar: Ints, speed: Floats) -> Floats:
        """Return the amplitude (k, MODES) of each mode for k blows with an impact speed in m/s.

        The fundamental's is the speed: twice as fast is 6 dB more. A half-sine pulse of the contact
        time T weights a mode f with |cos(pi f T) / (1 - (2 f T)^2)|; a harder blow has a shorter
        contact, and so is brighter.
        """
        hertz = self.hertz[bar]
        contact = CONTACT * np.maximum(speed, 1e-3) ** CONTACT_BY_SPEED
        contact *= (hertz[:, 0] / 440.0) ** CONTACT_BY_PITCH
        weight = half_sine(hertz * contact[:, None])
        weight[:, TONAL:] = weight[:, :1]
        return self.sine[bar] * weight / weight[:, :1] * speed[:, None]


def bars_of(pitches: npt.ArrayLike, material: str, sample_rate: float) -> Bars:
    """Return bars that sound these MIDI pitches, of a material named in MODELS.

    Modes above 0.45 of the sample rate are left silent.
    """
    pitch, first, above = np.asarray(pitches, dtype=np.float64), MATERIALS[material], MODELS[material]
    fundamental = np.array([frequency(one) for one in pitch])
    ratios = np.stack([np.ones_like(pitch), *(_over(pitch, knots) for knots in above.ratios)], axis=1)
    tonal = fundamental[:, None] * ratios
    ringing = np.array([first.t60(one) for one in pitch])[:, None] / ratios
    ringing[:, 1:] *= first.loss / above.loss
    knock = np.array(KNOCK)
    alike = np.broadcast_to(knock.T[:, None], (3, len(pitch), len(KNOCK)))  # of all bars
    hertz = np.concatenate((tonal, alike[0]), axis=1)
    t60 = np.concatenate((ringing, alike[2]), axis=1)
    sine = np.concatenate((bow(BLOW_AT), knock[:, 1]))
    return Bars(hertz, np.log(1000.0) / t60, np.where(hertz < 0.45 * sample_rate, sine, 0.0))


def half_sine(cycles: Floats) -> Floats:
    """Return |cos(pi x) / (1 - 4 x^2)|, x = frequency times contact time; pi/4 at x = 1/2."""
    near = np.abs(cycles - 0.5) < 1e-6
    safe = np.where(near, 0.0, cycles)
    return np.where(near, np.pi / 4.0, np.abs(np.cos(np.pi * safe) / (1.0 - 4.0 * safe**2)))


def bow(place: float) -> Floats:
    """Return how far the four modes of a free bar bow at `place` (0..1 of its length), the first being 1.

    Bending of a free beam of even thickness (Fletcher & Rossing, ch. 2): a blow on a node of a mode
    does not make it sound.
    """
    x = _BETA * place
    ratio = (np.cosh(_BETA) - np.cos(_BETA)) / (np.sinh(_BETA) - np.sin(_BETA))
    shape = np.cosh(x) + np.cos(x) - ratio * (np.sinh(x) + np.sin(x))
    return np.asarray(shape / shape[0])


def _over(pitch: Floats, knots: tuple[tuple[float, float], ...]) -> Floats:
    """Interpolate over pitch, level beyond the ends."""
    at, values = zip(*knots, strict=True)
    return np.asarray(np.interp(pitch, at, values))
