"""Dynamics: from the loudness of a mix to the velocity of a strike.

The mix (volume and expression) decides the balance between the parts; how loud the whole is, the
written velocities decide. So a song mixed at half volume does not whisper, and a lullaby stays one.
"""

from __future__ import annotations

import numpy as np

from ..tables import Floats, Ints

_LOUD = 0.98
"""What the loud notes are: so much of the song is softer, the rest may be accents or mistakes."""

SOFTEST, LOUDEST = 1.0, 127.0


def velocities(loudness: Floats, written: Ints) -> Floats:
    """Return a velocity 1..127 for each loudness of the notes of a song, `written` their velocities.

    All are scaled by one factor, which brings the loudness that 98 % stay below to the velocity
    that 98 % stay below; the few that then pass 127 are set to 127.
    """
    if not len(loudness):
        return np.zeros(0, np.float32)
    factor = _loud(written) / _loud(loudness)
    return np.asarray(np.clip(loudness * np.float32(factor), SOFTEST, LOUDEST).astype(np.float32))


def _loud(values: Floats | Ints) -> float:
    place = int(_LOUD * (len(values) - 1))
    return max(1.0, float(np.partition(values, place)[place]))
