"""Melody: which part carries the tune, and when.

Each part is rated by what a sung line shows: a name that says so, one note at a time, on top,
there most of the time, small steps, a note said again now and then, a compass that a voice has,
loud, not too low. The tune then is where the best-rated part plays; while it rests for long,
where the next best one plays. Where no part convinces, as in much orchestral music, all may lead,
and the tune is what is on top.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from .score import Floats, Ints, Score, by_group, on_top, starts

_MELODY = re.compile(
    r"(?i)(?<![a-z])(melod[a-z]*|vocals?|sing(er|ing)?|gesang|canto|chant|voix|tune|soprano)(?![a-z])|旋律"
)
_LEAD = re.compile(
    r"(?i)^(?!.*(square|saw|charang|calliope|chiff|fifth|synth|bass|lead \d)).*"
    r"(?<![a-z])(vox|voice|lead|solo)(?![a-z])"
)
"""Leads and voices, but for the sounds of synthesisers that are called so whatever they play."""

_BACKING = re.compile(
    r"(?i)(?<![a-z])(bass|drums?|perc[a-z]*|chords?|pads?|acc(omp[a-z]*)?|rhythm|strum[a-z]*|left|l\.?h"
    r"|back[a-z]*|harmon(y|ies)|choir)(?![a-z])"
)
_NAMED = ((_MELODY, 3.0), (_LEAD, 2.2), (_BACKING, -2.0))
"""Points for what a part's name says."""

_LOWEST_LEAD = 48
"""Mean pitch (C3) at and below which a part gets no point for its register; an octave above it gets all."""

_MOMENT = 2.0
_PRESENT = 0.6
"""Share of the song's moments (2 s long) with a note of the part that earns the whole point."""

_REPEATS = 0.2
"""Share of repeated notes that earns the whole point; sung syllables repeat, obbligatos seldom do."""

_COMPASS = 4.5
"""Standard deviation of pitch, in semitones, up to which a line earns its compass; twice that earns none."""

_CONVINCING = 7.7
"""Rating, of 9 without a name, from which a part is believed to be the tune; sung lines come to 7.5..9."""

_REST = 4.0
"""A part that rests for longer than this hands the tune on; shorter rests belong to its phrase."""

_CANDIDATES = 16
"""So many best-rated parts are followed through time; what others play is accompaniment, unless alone."""

_SLOT = 0.5
_MOST_SLOTS = 1 << 16


def rate(score: Score) -> Floats:
    """Return how much each part looks like the tune, higher is likelier.

    Points: name 3 or 2.2 (backing -2), one note at a time 1.5, on top 2, present 1.5, small steps
    0.5, repeated notes 1, compass 1, register 1, loudness 0.5. A bass program takes 1 away.
    """
    many = len(score.names)
    counts = np.bincount(score.part, minlength=many)
    features = _texture(score, counts)
    points = 1.5 * features["alone"] + 2 * features["top"]
    points += 1.5 * np.minimum(features["present"] / _PRESENT, 1)
    points += 0.5 * features["steps"] + np.minimum(features["repeats"] / _REPEATS, 1)
    mean = _mean(score, score.pitch, counts)
    spread = np.sqrt(np.maximum(0, _mean(score, score.pitch.astype(np.int32) ** 2, counts) - mean**2))
    points += np.clip(2 - spread / _COMPASS, 0, 1) + np.clip((mean - _LOWEST_LEAD) / 12, 0, 1)
    loudness = _mean(score, score.loudness, counts)
    points += 0.5 * loudness / max(1.0, float(loudness.max(initial=1.0)))
    points += [sum(worth for sign, worth in _NAMED if sign.search(name)) for name in score.names]
    points -= (score.programs >= 32) & (score.programs < 40)
    rating: Floats = points
    return rating


def leader(score: Score, rating: Floats) -> npt.NDArray[np.bool_]:
    """Return which notes may be the tune: those of the part that leads at their moment."""
    if rating.max(initial=0.0) < _CONVINCING:
        return np.ones(len(score), np.bool_)
    best = np.argsort(-rating, kind="stable")[:_CANDIDATES]
    best = best[rating[best] >= _CONVINCING]
    slot_of, slots = _slots(score)
    leads = np.full(slots, -1, np.int32)
    for part in best[::-1]:
        leads[_active(slot_of[score.part == part], slots, slot_of)] = part
    leading = leads[slot_of]
    return np.asarray((leading == score.part) | (leading < 0))


def _mean(score: Score, column: Ints | Floats, counts: Ints) -> Floats:
    total = np.bincount(score.part, weights=column, minlength=len(counts))
    mean: Floats = total / np.maximum(counts, 1)
    return mean


def _texture(score: Score, counts: Ints) -> dict[str, Floats]:
    """Shares 0..1 for each part: notes alone, instants on top, presence, small steps, repeats."""
    many = len(counts)
    order = by_group(score.part)
    part, instant, pitch = score.part[order], score.instant[order], score.pitch[order]
    same = part[1:] == part[:-1]
    chord = same & (instant[1:] == instant[:-1])
    in_chord = np.zeros(len(part), np.bool_)
    in_chord[1:] = chord
    in_chord[:-1] |= chord
    leap = np.abs(np.diff(pitch))
    line = same & ~chord
    slot = (score.onset[order] / _MOMENT).astype(np.int64)
    here = np.concatenate(([True], ~same | (slot[1:] != slot[:-1])))
    moments = counts - np.bincount(part[1:][chord], minlength=many)
    slots = len(starts((score.onset / _MOMENT).astype(np.int64)))
    return {
        "alone": 1 - np.bincount(part[in_chord], minlength=many) / counts,
        "top": np.minimum(1, np.bincount(score.part[on_top(score)], minlength=many) / moments),
        "present": np.bincount(part[here], minlength=many) / slots,
        "steps": np.bincount(part[1:][line & (leap <= 4)], minlength=many) / moments,
        "repeats": np.bincount(part[1:][line & (leap == 0)], minlength=many) / moments,
    }


def _slots(score: Score) -> tuple[Ints, int]:
    """Return the time slot of each note and their number, bounded however long the song is."""
    length = max(_SLOT, float(score.onset[-1] - score.onset[0]) / (_MOST_SLOTS - 1))
    slot_of = ((score.onset - score.onset[0]) / length).astype(np.int32)
    return slot_of, int(slot_of[-1]) + 1


def _active(mine: Ints, slots: int, slot_of: Ints) -> npt.NDArray[np.bool_]:
    """Return the slots in which a part with notes in `mine` plays or rests for a moment only."""
    place = np.arange(slots)
    here = np.zeros(slots, np.bool_)
    here[mine] = True
    before = np.maximum.accumulate(np.where(here, place, -slots))
    after = np.minimum.accumulate(np.where(here, place, 2 * slots)[::-1])[::-1]
    return np.asarray(after - before <= _REST / _SLOT)
