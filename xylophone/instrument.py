"""The instrument: its bars, the hammers that strike them, and the limits they share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .errors import InstrumentError, did_you_mean
from .pitch import frequency, parse_pitch, pitch_name
from .tables import Floats, Ints
from .words import counted

LEAST_REST = 0.002
"""s from coil off to coil on that every coil is given: two looks of what watches the outputs."""

MOST_REFILL = 0.25
"""s of on-time a second that no coil is given more of in the long run, whatever it stands."""

MOST_CAPACITY = 18.0
"""s of on-time that no coil is given more of in one burst: 20 K on 13 J/K at 14.4 W, the hungriest kind's."""

MOST_HAMMERS = 64
"""An instrument has 1..64 hammers: channels are numbered 0..63."""


HAMMER_BOUNDS = {
    "channel": (0, MOST_HAMMERS - 1, ""),
    "current": (0.01, 10.0, "A"),
    "shortest_pulse": (0.0005, 0.1, "s"),
    "longest_pulse": (0.0005, 0.1, "s"),
    "recovery": (0.01, 1.0, "s"),
    "refill": (0.001, 1.0, "s a second"),
    "capacity": (0.1, 1000.0, "s"),
}
"""What a hammer's properties can be: least, most, unit."""


@dataclass(frozen=True, slots=True)
class HammerKind:
    """What a make of solenoid allows; the default of every limit of its hammers.

    Refill and capacity follow from a coil of 13 J/K that stands 1.2 W for ever: capacity is the
    on-time that warms it by 20 K, refill the on-time a second that it stands; neither is more than
    boards give to any coil.
    """

    name: str
    about: str
    voltage: float  # V, of the supply
    current: float  # A, one coil at full current on that supply
    shortest_pulse: float  # s, anything shorter never gets the hammer to its bar
    longest_pulse: float  # s, well before a hammer of the kind strikes twice
    recovery: float  # s, between two strikes of one hammer

    @property
    def refill(self) -> float:
        """Seconds of on-time a second that a coil stands for ever."""
        return min(MOST_REFILL, 1.2 / (self.voltage * self.current))

    @property
    def capacity(self) -> float:
        """Seconds of on-time that warm a coil by 20 K."""
        return min(MOST_CAPACITY, 20.0 * 13.0 / (self.voltage * self.current))

    @property
    def supply_limit(self) -> float:
        """Amperes of the default supply: eight coils at once."""
        return 8 * self.current


KINDS = {
    kind.name: kind
    for kind in (
        HammerKind("zye1-0530", "12 V, 12 ohm: quick, 21 dB of dynamics", 12.0, 1.0, 0.006, 0.022, 0.070),
        HammerKind(
            "jf-0530b", "12 V, 40 ohm: frugal and slow, 12 dB of dynamics", 12.0, 0.3, 0.015, 0.038, 0.080
        ),
        HammerKind(
            "jf-0530b-24v",
            "the 40 ohm coil on 24 V: quickest, 14 dB of dynamics",
            24.0,
            0.6,
            0.005,
            0.0155,
            0.070,
        ),
    )
}
"""Hammer kinds by name; figures from their models (docs/configuration.md)."""

DEFAULT_KIND = "zye1-0530"


@dataclass(frozen=True, slots=True)
class Hammer:
    """One hammer and its bar: output channel, limits. Valid from birth, else InstrumentError."""

    pitch: int  # MIDI pitch of the bar
    channel: int  # output channel, 0..63
    current: float  # A while its coil is on
    shortest_pulse: float  # s
    longest_pulse: float  # s
    recovery: float  # s, contact to contact
    refill: float  # s of on-time a second that the coil stands for ever
    capacity: float  # s of on-time that warm the coil by 20 K

    @property
    def name(self) -> str:
        """The name of its bar, 'C6'."""
        return pitch_name(self.pitch)

    @property
    def rest(self) -> float:
        """Seconds from coil off to coil on that whatever switches the coil insists on.

        Half of what the recovery leaves when the pulse is at its longest: latencies differ with the
        pulse, so coil-on times of one hammer may be closer than its contacts.
        """
        return max(LEAST_REST, (self.recovery - self.longest_pulse) / 2)

    def __post_init__(self) -> None:
        name = pitch_name(self.pitch)
        for key, (least, most, unit) in HAMMER_BOUNDS.items():
            value = getattr(self, key)
            if not least <= value <= most:
                bounds = f"{least:g}..{most:g} {unit}".rstrip()
                raise InstrumentError(f"hammer {name}: {key} {value:g} is out of range: give {bounds}")
        if self.shortest_pulse >= self.longest_pulse:
            raise InstrumentError(
                f"hammer {name}: shortest_pulse {self.shortest_pulse:g} s must be below "
                f"longest_pulse {self.longest_pulse:g} s: change one of them"
            )


@dataclass(frozen=True, slots=True)
class Material:
    """How long bars of a material ring: T60 = 2.2 / (loss f), `loss` being the fundamental's loss factor.

    `lowest` is the lowest sounding pitch of the recordings that it was read from: bars below ring as long
    as that one. (Cremer & Heckl, Structure-Borne Sound: tau = 1 / (pi loss f).)
    """

    loss: float
    lowest: int

    def t60(self, pitch: float) -> float:
        """Return the seconds in which the fundamental of a bar that sounds this pitch falls by 60 dB."""
        return 2.2 / (self.loss * frequency(max(pitch, self.lowest)))


MATERIALS = {"steel": Material(0.00032, 79), "rosewood": Material(0.0055, 65)}
"""What bars are made of, by name; docs/simulation.md has the figures' sources, sound/bars.py the partials."""

DEFAULT_BARS = "steel"
"""Song bells, glockenspiels and music boxes: every layout is of steel unless told."""


@dataclass(frozen=True)
class Instrument:
    """1..64 hammers in order of their bars' pitch, and the supply that they share.

    `sounding` is how many semitones above its written pitch a bar sounds (24 for a glockenspiel
    as written), `bars` what the bars are made of, one of MATERIALS. Two hammers never share a pitch or a
    channel. Raises InstrumentError.

    >>> instrument = build_instrument()
    >>> instrument.hammers[instrument.index("C6")].recovery
    0.07
    >>> len(instrument), instrument.largest_chord
    (30, 8)
    """

    name: str
    kind: HammerKind
    hammers: tuple[Hammer, ...]
    supply_limit: float  # A, over all coils
    sounding: int = 0
    bars: str = DEFAULT_BARS

    def __post_init__(self) -> None:
        _known(self.bars, MATERIALS, "material of bars")
        if not 1 <= len(self.hammers) <= MOST_HAMMERS:
            raise InstrumentError(
                f"{counted(len(self.hammers), 'hammer')}: an instrument has "
                f"1..{MOST_HAMMERS}; list its pitches"
            )
        pitches = [hammer.pitch for hammer in self.hammers]
        if any(low >= high for low, high in pairwise(pitches)):
            raise InstrumentError(
                "bars must be listed from the lowest to the highest pitch, each once: sort them"
            )
        channels: dict[int, Hammer] = {}
        for hammer in self.hammers:
            other = channels.setdefault(hammer.channel, hammer)
            if other is not hammer:
                raise InstrumentError(
                    f"channel {hammer.channel} is given to {other.name} and to {hammer.name}: "
                    "each hammer needs its own"
                )
        hungriest = max(self.hammers, key=lambda hammer: hammer.current)
        if not hungriest.current <= self.supply_limit <= 1000:
            raise InstrumentError(
                f"supply limit {self.supply_limit:g} A cannot drive hammer {hungriest.name} "
                f"({hungriest.current:g} A): give {hungriest.current:g}..1000 A"
            )

    def __len__(self) -> int:
        return len(self.hammers)

    @property
    def pitches(self) -> Ints:
        """Pitches of the bars, ascending."""
        return np.array([hammer.pitch for hammer in self.hammers])

    def column(self, key: str) -> Floats:
        """Return one property of all hammers as an array: 'current', 'recovery', 'channel', ..."""
        return np.array([getattr(hammer, key) for hammer in self.hammers], dtype=np.float64)

    @property
    def t60(self) -> Floats:
        """Seconds in which each bar's fundamental falls by 60 dB."""
        material = MATERIALS[self.bars]
        return np.array([material.t60(hammer.pitch + self.sounding) for hammer in self.hammers])

    @property
    def places(self) -> Ints:
        """The place of the hammer on each output channel, 0..255; -1 where there is none."""
        places = np.full(256, -1)
        places[[hammer.channel for hammer in self.hammers]] = np.arange(len(self.hammers))
        return places

    def index(self, name: str) -> int:
        """Return the place of the hammer whose bar has this name or pitch number; InstrumentError if none."""
        pitch = parse_pitch(name)
        for place, hammer in enumerate(self.hammers):
            if hammer.pitch == pitch:
                return place
        nearest = min(self.hammers, key=lambda hammer: (abs(hammer.pitch - pitch), hammer.pitch))
        raise InstrumentError(
            f"{self.name} has no bar {pitch_name(pitch)}: its bars go from {self.hammers[0].name} to "
            f"{self.hammers[-1].name}, the nearest is {nearest.name}"
        )

    @property
    def largest_chord(self) -> int:
        """How many hammers the supply drives at one instant, the hungriest taken first."""
        currents = sorted((hammer.current for hammer in self.hammers), reverse=True)
        return int(np.searchsorted(np.cumsum(currents), self.supply_limit * (1 + 1e-9), "right"))

    @property
    def most_coils(self) -> int:
        """How many coils may ever be on at once: the least hungry taken first.

        What counts coils and does not know their currents must not refuse what the planner allows.
        """
        currents = np.cumsum(np.sort(self.column("current")))
        return int(np.searchsorted(currents, self.supply_limit * (1 + 1e-9), "right"))


_BOX = (48, 50, 55, 57, 59, 60, 62, *range(64, 85), 86, 88)

LAYOUTS: dict[str, tuple[tuple[int, ...], int, str]] = {
    "song-bell": (tuple(range(67, 97)), 0, "30 chromatic bars G4..C7, the default"),
    "glockenspiel": (tuple(range(79, 109)), 0, "30 chromatic bars at sounding pitch, G5..C8"),
    "glockenspiel-written": (tuple(range(55, 85)), 24, "the same bars as written, two octaves lower"),
    "music-box-c": (_BOX, 0, "30-note paper-strip music box in C"),
    "music-box-f": (tuple(pitch + 5 for pitch in _BOX), 0, "30-note paper-strip music box in F"),
    "diatonic-15": (
        tuple(p for p in range(79, 104) if p % 12 in (0, 2, 4, 5, 7, 9, 11)),
        0,
        "15 white keys, G5..G7",
    ),
    "glockenspiel-25": (tuple(range(81, 106)), 0, "25 chromatic bars, A5..A7"),
    "glockenspiel-32": (tuple(range(77, 109)), 0, "32 chromatic bars, F5..C8"),
    "glockenspiel-37": (tuple(range(72, 109)), 0, "37 chromatic bars, C5..C8"),
}
"""Layouts by name: pitches, semitones that the bars sound above them, and what they are.

>>> pitches, sounding, about = LAYOUTS["glockenspiel-written"]
>>> len(pitches), sounding, about
(30, 24, 'the same bars as written, two octaves lower')
"""

DEFAULT_LAYOUT = "song-bell"


def build_instrument(
    layout: str = DEFAULT_LAYOUT, kind: str = DEFAULT_KIND, bars: str = DEFAULT_BARS
) -> Instrument:
    """Return the instrument of a layout, hammer kind and material of bars, all limits the kind's defaults.

    Raises InstrumentError with the nearest name for an unknown layout, kind or material.

    >>> build_instrument("diatonic-15", "jf-0530b").supply_limit
    2.4
    """
    pitches, sounding, _ = LAYOUTS[_known(layout, LAYOUTS, "layout")]
    make = KINDS[_known(kind, KINDS, "hammer kind")]
    return Instrument(layout, make, hammers_of(pitches, make), make.supply_limit, sounding, bars)


def hammers_of(pitches: Iterable[int], kind: HammerKind) -> tuple[Hammer, ...]:
    """Return a hammer of one kind for each pitch, on channels 0, 1, 2, ..."""
    return tuple(hammer_of(pitch, kind, channel=n) for n, pitch in enumerate(pitches))


def hammer_of(pitch: int, kind: HammerKind, **own: float) -> Hammer:
    """Return a hammer with its channel and other `own` properties, the rest its kind's; InstrumentError."""
    limits = ("current", "shortest_pulse", "longest_pulse", "recovery", "refill", "capacity")
    given: dict[str, Any] = {key: getattr(kind, key) for key in limits} | own
    return Hammer(pitch=pitch, **given)


def _known(name: str, among: Iterable[str], what: str) -> str:
    names = sorted(among)
    if name in names:
        return name
    raise InstrumentError(f"unknown {what} {name!r}: {did_you_mean(name, names, 'choose from', 0.6)}")
