"""Key: in which of the 24 major and minor keys a song stands, by the names of its notes."""

from __future__ import annotations

import numpy as np

from ..song import DRUM_CHANNEL, Song

# Krumhansl & Kessler 1982: how well each degree fits a key, as listeners rated it.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

_TONICS = ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")

_SHORTEST, _LONGEST = 0.05, 2.0
"""Seconds that a note counts at least and at most."""


def key_of(song: Song, transpose: int = 0) -> str:
    """Return the likeliest key of a song, moved by so many semitones: 'E minor'; '' where it has no pitches.

    Durations of note names are correlated with the profiles of Krumhansl and Kessler (Krumhansl 1990).
    """
    notes = song.notes[song.notes["channel"] != DRUM_CHANNEL]
    if not len(notes):
        return ""
    weight = np.clip(notes["duration"], _SHORTEST, _LONGEST)
    names = np.bincount((notes["pitch"].astype(np.int64) + transpose) % 12, weight, 12)
    if np.ptp(names) == 0:
        return ""
    profiles = [np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)]
    best = int(np.argmax([np.corrcoef(names, profile)[0, 1] for profile in profiles]))
    return f"{_TONICS[best % 12]} {'minor' if best >= 12 else 'major'}"
