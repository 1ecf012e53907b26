"""Passages: in which measures which part leads, and from where on a part is left out."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from ..tables import Bools, Ints

MOST_PASSAGES = 6
"""So many changes of the leading part are told by their measures; nobody would read more."""

_PURE = 0.9
"""Share of a melody's notes that must come from the part that leads in their measure."""

_LOST, _STAYS = 0.95, 0.5
"""A part is left out from a place on if so much of it is lost behind, and less than this before."""

FEWEST = 8
"""Notes from which it is worth while to say where a part is left out."""

_MOST_CELLS = 10_000_000


def leading(part: Ints, measure: Ints) -> list[tuple[int, str]]:
    """Return which parts lead, each with its measures as '1-8, 17'; [] where few words do not tell it.

    Given are part and measure of each note of a melody.
    """
    measures, place = np.unique(measure, return_inverse=True)
    parts, which = np.unique(part, return_inverse=True)
    if len(measures) * len(parts) > _MOST_CELLS:
        return []
    counts = np.bincount(place * len(parts) + which, minlength=len(measures) * len(parts))
    counts = counts.reshape(len(measures), len(parts))
    if counts.max(axis=1).sum() < _PURE * len(part):
        return []
    leads = zip(parts[counts.argmax(axis=1)].tolist(), measures.tolist(), strict=True)
    runs = [(lead, [number for _, number in run]) for lead, run in groupby(leads, key=lambda row: row[0])]
    if len(runs) > MOST_PASSAGES:
        return []
    spans: dict[int, list[str]] = {}
    for lead, numbers in runs:
        spans.setdefault(lead, []).append(span(numbers[0], numbers[-1]))
    return [(lead, ", ".join(told)) for lead, told in spans.items()]


def left_out_from(lost: Bools) -> int | None:
    """Return the place from which on nearly all notes of a part are lost, though fewer were before.

    None where there is no such place, or so near the beginning or the end that it says nothing.
    """
    many = len(lost)
    behind = np.cumsum(lost[::-1])[::-1] / np.arange(many, 0, -1)
    before = np.concatenate(([0.0], np.cumsum(lost)[:-1] / np.arange(1, many)))
    fits = (behind >= _LOST) & (before < _STAYS) & lost
    fits[: many // 10] = False
    fits[many - FEWEST + 1 :] = False
    places = np.flatnonzero(fits)
    return int(places[0]) if len(places) else None


def span(first: int, last: int) -> str:
    """Return measures as people write them: '17-24', or '17'."""
    return str(first) if first == last else f"{first}-{last}"
