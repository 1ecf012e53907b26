"""The bars: which modes a blow makes ring, how loud, how long.

Frequencies and decay are interpolated over the pitch that sounds, from eight notes of a real
xylophone (G4, C5, G5, C6, G6, C7, G7, C8): partials from 1 : 3.00 : 6.93 : 11.4 at G4 to 1 : 2.71 at C8,
where a bar of even thickness has 1 : 2.756 : 5.404 : 8.933 (Fletcher & Rossing, The Physics of Musical
Instruments, ch. 2). The bars are in tune with A4 = 440 Hz; real ones are made 11-19 cents sharp.

Decay: T60 = 2.2 / (eta f) with the loss factor eta of those notes, so that their T60 is met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..pitch import frequency
from ..tables import Floats, Ints

PARTIALS = (
    ((67, 3.00), (72, 3.00), (79, 3.21), (84, 3.02), (91, 2.79), (96, 2.75), (108, 2.71)),
    ((67, 6.93), (72, 6.66), (79, 6.12), (108, 5.404)),
    ((67, 11.4), (108, 8.933)),
)
"""(sounding pitch, ratio to the fundamental) of the second, third and fourth partial."""

T60 = ((67, 3.6), (72, 3.2), (79, 1.65), (84, 1.16), (91, 0.73), (96, 0.58), (103, 0.34), (108, 0.32))
"""(sounding pitch, seconds in which the fundamental falls by 60 dB)."""

PARTIAL_LOSS = ((67, 0.00193), (103, 0.00319))
"""(sounding pitch, loss factor of the partials): the second one's T60 is 0.97 s at G4, 0.08 s at G7."""

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

MODES = 4 + len(KNOCK)


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
        weight[:, 4:] = weight[:, :1]
        return self.sine[bar] * weight / weight[:, :1] * speed[:, None]


def bars_of(pitches: npt.ArrayLike, sample_rate: float) -> Bars:
    """Return the bars that sound these MIDI pitches; modes above 0.45 of the sample rate are left silent."""
    pitch = np.asarray(pitches, dtype=np.float64)
    fundamental = np.array([frequency(one) for one in pitch])
    ratios = [np.ones_like(pitch), *(_over(pitch, knots) for knots in PARTIALS)]
    tonal = fundamental[:, None] * np.stack(ratios, axis=1)
    loss = np.repeat(_over(pitch, PARTIAL_LOSS)[:, None], 4, axis=1)
    loss[:, 0] = _over(pitch, tuple((one, 2.2 / (t60 * frequency(one))) for one, t60 in T60))
    knock = np.array(KNOCK)
    alike = np.broadcast_to(knock.T[:, None], (3, len(pitch), len(KNOCK)))  # of all bars
    hertz = np.concatenate((tonal, alike[0]), axis=1)
    t60 = np.concatenate((2.2 / (loss * tonal), alike[2]), axis=1)
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
