"""The mood of a song that has no tags, guessed from its tempo, how dense its onsets are, and how loud it is.

Each of four moods has a centre, the mean of the project's own songs that are tagged with it; a song is taken
for the nearest. With each song left out in its turn, the word is among the song's tags for three of five
(`tests/shelf/test_mood.py`); it says how a song goes, not what it means, and a person's word comes before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..song import Song

MOODS = ("bright", "calm", "dazzling", "grand", "merry", "mysterious", "solemn", "tender", "wistful")
"""What the project's own songs are tagged with."""

NEAR = {
    "bright": ("merry",),
    "calm": ("tender", "wistful", "solemn"),
    "dazzling": ("merry", "bright"),
    "grand": ("solemn", "bright"),
    "merry": ("bright", "dazzling"),
    "mysterious": ("wistful",),
    "solemn": ("grand", "calm"),
    "tender": ("calm", "wistful"),
    "wistful": ("tender", "calm", "mysterious"),
}
"""Mood: what is most like it, the nearest first; taken where no song has the mood."""

CHORD = 0.03
"""Onsets this close are one; s."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a mood is guessed from: mean tempo, onsets a second, and the notes' mean loudness, 1..127."""

    tempo_bpm: float
    density: float
    loudness: float

    @property
    def place(self) -> tuple[float, float, float]:
        """Where the song stands: a unit is an octave of tempo, of density, or twelve steps of loudness."""
        return math.log2(self.tempo_bpm), math.log2(self.density), self.loudness / 12


CENTRES = {
    "calm": (6.39, 1.44, 5.06),
    "dazzling": (7.09, 2.47, 6.31),
    "merry": (6.91, 1.98, 6.01),
    "solemn": (6.44, 0.78, 6.12),
}
"""Mood: the mean place of the project's songs that are tagged with it, chimes of a clock left out."""


def traits_of(song: Song) -> Traits:
    """Return the traits of a song that has notes."""
    onset = song.notes["onset"]
    moments = 1 + int(np.count_nonzero(np.diff(onset) > CHORD))
    lasts = max(float(song.duration), 1.0)
    quarters = max(float(song.quarter_at(lasts)), 1.0)
    return Traits(60 * quarters / lasts, moments / lasts, float(np.mean(song.notes["loudness"])))


def guessed(traits: Traits, centres: dict[str, tuple[float, float, float]] = CENTRES) -> str:
    """Return the mood whose centre is nearest.

    >>> guessed(Traits(60.0, 1.5, 50.0)), guessed(Traits(150.0, 8.0, 90.0))
    ('calm', 'dazzling')
    """
    return min(centres, key=lambda mood: math.dist(centres[mood], traits.place))
