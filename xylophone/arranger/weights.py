"""Weights: what each term of the arrangement's cost counts, and the presets that bundle them.

docs/arranging.md states the cost; every field here is one of its named terms or limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from ..errors import OptionError

MOST_WEIGHT = 100.0
MOST_CHORD = 64
NEVER, ALWAYS, WHERE_IT_IS = range(3)
"""When voices are treated as equals, none of them the accompaniment of another: `Weights.counterpoint`."""

LONGEST_GAP = 2.0
MOST_LEAD = 6.0
ENTRY_LEAD = 1.5
"""dB by which a voice that enters among equals leads, at most."""

MOST_DENSITY = 1000.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What an arrangement costs, 0..100 each, and what it may hold.

    Costs of octaves are in units of one accompaniment note that must leave its phrase; those of
    transposition in shares of the melody's notes. `chord` is the largest number of strikes at one
    instant, 0 for as many as there are; `gap` the least time (s, 0..2) between two strikes that a
    bar of the accompaniment gets, if that is longer than its hammer's recovery; `density` the most strikes
    a second of the accompaniment, 0 for as many as there are; without `seconds` no accompaniment is struck
    one or two semitones beside another bar; `lead` by how much (dB, 0..6) the tune is louder than all that
    accompanies it. OptionError for what is out of bounds.
    """

    lost: float = 3.0  # transposition: a note that no bar of any octave can sound
    folded: float = 1.0  # transposition: a note that must go to another octave
    bass: float = 0.1  # transposition: a bass note beside a melody note
    inner: float = 0.25  # transposition: an inner note beside a melody note
    line: float = 0.5  # transposition: a note that is on top while the melody rests or is held
    cramped: float = 0.6  # transposition: a tune without an octave of bars beneath it
    key: float = 0.03  # transposition: leaving the key, and as much again for six semitones
    octave: float = 0.01  # transposition: each octave of distance

    melody_stray: float = 2.0  # a melody note that must leave its phrase: two intervals are broken
    melody_jump: float = 1.0  # an octave jump within a phrase of the melody: one interval is broken
    phrase_jump: float = 0.3  # an octave jump between two phrases of the melody
    melody_away: float = 0.0005  # each octave that a melody note is moved

    stray: float = 2.0  # an accompaniment note that must leave its phrase
    cover: float = 2.0  # an accompaniment note above the melody that sounds
    apart: float = 0.5  # a note that is on top of what is written, moved by other octaves than the melody
    jump: float = 1.0  # an octave jump between two phrases of an accompanying voice
    tear: float = 1.2  # an octave jump within a phrase of an accompanying voice
    away: float = 0.02  # each octave that an accompaniment note is moved
    high_bass: float = 0.02  # each octave that a bass note lies above the lowest bars
    near: float = 0.3  # a bass note less than a sixth below the melody note that it is struck with
    under: float = 0.2  # another note below the bass that it is written above

    unlike: float = 0.2  # a note in another octave than most of what it repeats

    lead: float = 3.0
    chord: int = 0
    gap: float = 0.0
    density: float = 0.0
    seconds: bool = True
    accompaniment: bool = True
    tremolo: bool = False
    counterpoint: int = NEVER

    def __post_init__(self) -> None:
        for field in fields(self):
            value, most = getattr(self, field.name), _MOST.get(field.name, MOST_WEIGHT)
            if not 0 <= value <= most:
                raise OptionError(f"weight {field.name} {value:g} is out of range: give 0..{most:g}")


_MOST = {
    "density": MOST_DENSITY,
    "seconds": 1,
    "chord": MOST_CHORD,
    "gap": LONGEST_GAP,
    "lead": MOST_LEAD,
    "accompaniment": 1,
    "tremolo": 1,
    "counterpoint": WHERE_IT_IS,
}

DEFAULT_PRESET = "auto"

PRESETS: Mapping[str, Weights] = MappingProxyType(
    {
        "auto": Weights(counterpoint=WHERE_IT_IS),
        "faithful": Weights(),
        "polyphonic": Weights(counterpoint=ALWAYS),
        "music-box": Weights(chord=4, gap=0.6, density=2.5, seconds=False, cramped=1.0, high_bass=0.2),
        "solo": Weights(accompaniment=False, cramped=0.0),
        "virtuoso": Weights(tremolo=True),
    }
)
"""By name: what suits; all beneath the tune; equal voices; as on paper strips; the tune alone; tremolo."""


def preset(name: str) -> Weights:
    """Return the weights of a preset; OptionError for a name that is none.

    >>> preset("solo").accompaniment
    False
    """
    if name not in PRESETS:
        raise OptionError(f"preset {name!r} does not exist: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
