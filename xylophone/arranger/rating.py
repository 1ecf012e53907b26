"""Rating: how much each line of a score is like a sung one, moment by moment.

A line is a part, or what is on top of all parts. It is rated by what a sung line shows: a name that says so,
one note at a time, on top, there most of the time, small steps, a note said again now and then, a compass
that a voice has, loud, not too low. Hands that accompany show some of these signs too. The part that alone
shows them all at once, while the others play chords, is the singer, wherever its notes lie; and where there
are lyrics, the singer is whose notes begin with them.
"""

from __future__ import annotations

import re

import numpy as np

from ..tables import Bools, Floats, Ints
from .columns import by_group
from .score import Score, on_top

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

_UPPER = re.compile(r"(?i)(?<![a-z])(right|r\.?h|treble)(?![a-z])")
_NAMED = ((_MELODY, 3.0), (_LEAD, 2.5), (_UPPER, 0.3), (_BACKING, -2.0))
"""Points for what a part's name says."""

_LOWEST_LEAD = 48
"""Mean pitch (C3) at and below which a part gets no point for its register; an octave above it gets all."""

_PRESENT = 0.6
"""Share of the time with a note of the part, 1 s before or after, that earns the whole point."""

_REPEATS = 0.2
"""Share of repeated notes that earns the whole point; sung syllables repeat, obbligatos seldom do."""

_COMPASS = 4.5
"""Standard deviation of pitch, in semitones, up to which a line earns its compass; twice that earns none."""

_FEWEST = 8
_ALONE, _STEPS, _THICK = (0.8, 1.0), (0.5, 0.75), (0.0, 0.3)
_CONTOUR, _RANGE = (1.0, 2.0), (6.0, 4.5)
"""What tells a singer: at the first of each pair it tells nothing, from the second on all.

Notes thereabouts at least; share of notes that have no other of the part beside them; share of instants that
small steps lead to; share of the others' notes that are in chords; standard deviation of pitch, in semitones,
where a line begins to have a contour, and up to which it is sung."""

_SINGS = 2.0
"""Points for the part that alone sings."""

_SYLLABLES = 4
_SAID = (0.5, 0.8)
"""Syllables thereabouts at least; the share of them that a part's notes begin with, and of these with one."""

_LYRICS = 3.0
"""Points for the part whose notes begin with the lyrics' syllables."""

_NEAR = 10
"""Slots before and after a moment that rate a part there: what it plays thereabouts."""

_HERE = 0.3
"""Share of a part's rating that is of the moment; the rest is of its best moments in the song."""

_BEST = 0.25
"""Share of the song's slots, a part's best ones, that rate it as a whole: it need not lead always.

Where it plays in less of the song, slots in which it does not play are among them."""

_ABSENT = 5.0
"""Rating of a part where it does not play."""

_BETTER = 0.3
"""Points by which a part must be the better tune than what is on top of all."""

NOTE, _HEAD, _CHORD, _TOP, _SMALL, _SAME, _PITCH, _SQUARE, _LOUD, _SAYS = range(10)
"""What is counted of each note, and of a line by the sums of it."""


def named(score: Score) -> Floats:
    """Return the points of each part for its name and program."""
    said = [[worth for sign, worth in _NAMED if sign.search(name)] for name in score.names]
    points = [max([0.0, *worths]) + min([0.0, *worths]) for worths in said]
    bass = (score.programs >= 32) & (score.programs < 40)
    return np.asarray(points, np.float64) - bass


def counts(score: Score, rows: Ints, line: Ints, slot: Ints, slots: int) -> Floats:
    """Return what is counted of the notes in `rows`, of lines numbered from 0, [sign, line, slot]."""
    signs = _signs(score, rows, line)
    lines = int(line.max()) + 1
    cell = line * slots + slot[rows]
    sums: Floats = np.stack([np.bincount(cell, sign, lines * slots) for sign in signs])
    return sums.reshape(-1, lines, slots)


def ratings(sums: Floats, plays: Bools, names: Floats) -> Floats:
    """Return the points of lines, [line, slot], by what is counted of them.

    The last line is what is on top of all. Given are where lines play, and the points of parts for names.
    """
    here = _around((_around(sums[NOTE], 2) > 0).astype(np.float64), _NEAR)
    present = here / _around(np.ones(plays.shape[1]), _NEAR)
    near = _around(sums, _NEAR)
    passage = np.where(plays, _rating(near, present), _ABSENT) + _singer(near, plays)
    passage += np.append(names, _BETTER)[:, None]
    best = np.sort(passage, axis=1)[:, -max(1, int(_BEST * plays.shape[1])) :].mean(axis=1)
    return np.asarray(best[:, None] * (1 - _HERE) + passage * _HERE)


def _signs(score: Score, rows: Ints, lines: Ints) -> Floats:
    """Return what is counted of each note, [sign, note], the notes of a line being in order of time."""
    order = by_group(lines)
    line, instant = lines[order], score.instant[rows][order]
    pitch = score.pitch[rows][order].astype(np.float64)
    joined = line[1:] == line[:-1]
    chord = joined & (instant[1:] == instant[:-1])
    leap = np.where(joined & ~chord, np.abs(np.diff(pitch)), np.inf)
    sign = np.zeros((10, len(line)))
    sign[NOTE], sign[_HEAD] = 1, 1
    sign[_HEAD, 1:] -= chord
    sign[_CHORD, 1:] = chord
    sign[_CHORD, :-1] = np.maximum(sign[_CHORD, :-1], chord)
    sign[_SMALL, 1:], sign[_SAME, 1:] = leap <= 4, leap == 0
    sign[_PITCH], sign[_SQUARE] = pitch, pitch**2
    sign[_SAYS] = sign[_HEAD] * score.syllable[rows][order]
    signs = np.empty_like(sign)
    signs[:, order] = sign
    signs[_TOP], signs[_LOUD] = on_top(score)[rows], score.loudness[rows]
    return signs


def _rating(sums: Floats, present: Floats) -> Floats:
    """Return the points of lines but for their names; docs/arranging.md has the table."""
    notes, heads = np.maximum(sums[NOTE], 1), np.maximum(sums[_HEAD], 1)
    loudness = sums[_LOUD] / notes
    points: Floats = 1.5 * (1 - sums[_CHORD] / notes) + 2 * np.minimum(1, sums[_TOP] / heads)
    points += 1.5 * np.minimum(present / _PRESENT, 1)
    points += 0.5 * sums[_SMALL] / heads + np.minimum(sums[_SAME] / heads / _REPEATS, 1)
    points += np.clip(2 - _spread(sums) / _COMPASS, 0, 1) + _register(sums)
    points += 0.5 * loudness / max(1.0, float(loudness.max(initial=1.0)))
    return points


def _singer(near: Floats, plays: Bools) -> Floats:
    """Return the points of lines for being the singer, by the passage that begins or ends at a moment.

    So a part that takes the tune over, or hands it on, is told from the other up to that moment.
    """
    wide = np.pad(near, [(0, 0), (0, 0), (_NEAR, _NEAR)], mode="edge")
    passages = wide[..., : -2 * _NEAR], wide[..., 2 * _NEAR :]
    points = np.maximum(*(_SINGS * _alone(passage, plays) + _LYRICS * _said(passage) for passage in passages))
    points[-1] = 0
    return np.asarray(points)


def _alone(sums: Floats, plays: Bools) -> Floats:
    """Return how far each line sings, 0..1, less what another part does, while the others play chords."""
    notes, heads = np.maximum(sums[NOTE], 1), np.maximum(sums[_HEAD], 1)
    spread = _spread(sums)
    sings = plays * (sums[NOTE] >= _FEWEST) * _part(1 - sums[_CHORD] / notes, _ALONE)
    sings *= (
        _part(sums[_SMALL] / heads, _STEPS)
        * _part(spread, _CONTOUR)
        * _part(spread, _RANGE)
        * _register(sums)
    )
    sings[-1] = 0
    most = np.sort(sings, axis=0)[-2:]
    others = sums[:, :-1].sum(axis=1)[:, None] - sums
    chords = others[_CHORD] / np.maximum(others[NOTE], 1)
    return np.asarray(sings * (1 - np.where(sings == most[1], most[0], most[1])) * _part(chords, _THICK))


def _said(sums: Floats) -> Floats:
    """Return how far the syllables of the lyrics begin with each line's notes, and these with them, 0..1."""
    said, syllables = sums[_SAYS], sums[_SAYS, -1]
    both = np.minimum(said / np.maximum(syllables, 1), said / np.maximum(sums[_HEAD], 1))
    return np.asarray(_part(both, _SAID) * (syllables >= _SYLLABLES))


def _part(value: Floats, ends: tuple[float, float]) -> Floats:
    """Return how far a value is on its way from the first of two ends to the second, 0..1."""
    return np.asarray(np.clip((value - ends[0]) / (ends[1] - ends[0]), 0, 1))


def _mean(sums: Floats) -> Floats:
    return np.asarray(sums[_PITCH] / np.maximum(sums[NOTE], 1))


def _spread(sums: Floats) -> Floats:
    """Return the standard deviation of pitch."""
    square = sums[_SQUARE] / np.maximum(sums[NOTE], 1)
    return np.asarray(np.sqrt(np.maximum(0, square - _mean(sums) ** 2)))


def _register(sums: Floats) -> Floats:
    return _part(_mean(sums), (_LOWEST_LEAD, _LOWEST_LEAD + 12))


def _around(values: Floats, width: int) -> Floats:
    """Return the sums of so many places before and after each, along the last axis."""
    beside = [(0, 0)] * (values.ndim - 1)
    total = np.cumsum(np.pad(values, [*beside, (width + 1, width)]), axis=-1)
    return total[..., 2 * width + 1 :] - total[..., : -2 * width - 1]
