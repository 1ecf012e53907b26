"""Drums that a file does not say are drums: a part that is named like a kit and played like one."""

from __future__ import annotations

import re

import numpy as np

from ..song import Track
from ..tables import Bools, Notes

KIT = re.compile(
    r"(?i)(?<![a-z])(drum ?(s|set|kit)?|kit|perc(ussion|us)?|batteri[ea]|bater[ií]a|schlagzeug|slagverk"
    r"|trommeln)(?![a-z])|ударн|ドラム|パーカッション|鼓|드럼"
)
"""Names of kits of drums."""

_PITCHED = re.compile(
    r"(?i)steel|taiko|timpani|kettle|pauken|tom|tuned|melodic|pitched|marimba|vibra|xylo|glock|bell|mallet|hang"
    r"|tongue"
)
"""Names of drums that play notes."""

_PITCHED_PROGRAMS = (*range(8, 16), 47, 108, *range(112, 120))
"""Chromatic percussion, timpani, kalimba, and the percussive ones: steel drums, toms, taiko."""

_FAMILIES = ((35, 36), (37, 38, 39, 40), (42, 44, 46), (49, 51, 52, 53, 55, 57, 59))
"""Bass drums, snares, hi-hats and cymbals on the keys of General MIDI's kit."""

_KEYS = range(27, 88)
_MOSTLY = 0.6
"""Share of a kit's strokes that fall on these families."""

_TOGETHER, _METAL = 0.05, 0.3
"""A kit strikes keys together in this share of its moments, or has this share of hi-hats and cymbals; a bass
line on the same keys does neither."""


def kits(notes: Notes, tracks: tuple[Track, ...]) -> Bools:
    """Return which notes, not told to be drums, are drums all the same: by name, keys, and having no line."""
    found = np.zeros(len(notes), np.bool_)
    for track in tracks:
        if KIT.search(track.name) and not _PITCHED.search(track.name):
            mine = (notes["track"] == track.number) & ~notes["drum"]
            for channel in set(notes["channel"][mine].tolist()):
                part = mine & (notes["channel"] == channel)
                if _is_kit(notes[part]):
                    found |= part
    return found


def _is_kit(notes: Notes) -> bool:
    pitch, onset = notes["pitch"], notes["onset"]
    if np.isin(notes["program"], _PITCHED_PROGRAMS).any() or not np.isin(pitch, _KEYS).all():
        return False
    shares = [float(np.isin(pitch, family).mean()) for family in _FAMILIES]
    several = np.count_nonzero(shares) >= 2 and sum(shares) >= _MOSTLY
    together = np.count_nonzero(np.diff(onset) == 0) / len(onset)
    return bool(several and (together >= _TOGETHER or shares[2] + shares[3] >= _METAL))
