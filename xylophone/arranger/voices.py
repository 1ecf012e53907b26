"""Voices: melody, bass and inner notes, which become the strikes' priorities.

The melody is the skyline of the part that has the tune: the highest note of an instant, unless a
higher one begun before outlasts it, by a leap and more. So a held note is not left for the
accompaniment beneath it. The bass is the lowest line of the rest, found in the mirror.

Which part has the tune is found passage by passage.
Each part is rated by what a sung line shows: a name that says so, one note at a time, on top,
there most of the time, small steps, a note said again now and then, a compass that a voice has,
loud, not too low. It is rated at each moment, by what it plays thereabouts and by the best that it
plays in the whole song; and so is the line of what is on top of all parts. The tune is then
followed through the song from one to the other, where each hand-over has its price. Where what is on
top is the better tune, as in much orchestral music, all may lead.
"""

from __future__ import annotations

import re

import numpy as np

from ..tables import Bools, Floats, Ints, Priority
from .columns import by_group, starts, to_each
from .score import Score, on_top
from .viterbi import cheapest_path

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

_SLOT = 0.5
_MOST_SLOTS = 1 << 14
"""s between moments at which the tune may be handed over; more in songs of over two hours."""

_NEAR = 10
"""Slots before and after a moment that rate a part there: what it plays thereabouts."""

_HERE = 0.3
"""Share of a part's rating that is of the moment; the rest is of its best moments in the song."""

_BEST = 0.25
"""Share of the song's slots, a part's best ones, that rate it as a whole: it need not lead always.

Where it plays in less of the song, slots in which it does not play are among them."""

_REST = 8
"""A part that rests for so many slots does not lead meanwhile; shorter rests belong to its phrase."""

_ABSENT = 5.0
"""Rating of a part where it does not play."""

_BETTER = 0.3
"""Points by which a part must be the better tune than what is on top of all."""

_HAND_OVER = 5.0
"""What a hand-over costs, in points times slots: who leads a little less for a while goes on."""

_PERFECT = 13.0
"""A rating above all others; what is missing to it is the cost of a slot."""

_FOLLOWED = 16
"""So many parts are followed, by name, then the busiest; what others play is accompaniment, unless on top."""

_NOTE, _HEAD, _CHORD, _TOP, _SMALL, _SAME, _PITCH, _SQUARE, _LOUD = range(9)
"""What is counted of each note, and of a line by the sums of it."""


def leader(score: Score) -> Bools:
    """Return which notes may be the tune: those of the part that leads at their moment."""
    slot, slots = _slots(score)
    names = named(score)
    busy = np.bincount(score.part, minlength=len(names))
    parts = np.lexsort((-busy, -names))[:_FOLLOWED]
    rating, plays = _ratings(score, parts, names, slot, slots)
    cost = np.maximum(_PERFECT - np.where(plays, rating, 0.0), 0.0)
    path = cheapest_path(cost.T, np.full(slots, _HAND_OVER))
    leads = np.append(parts, -1)[path][slot]
    return np.asarray((leads == score.part) | (leads < 0))


def _ratings(score: Score, parts: Ints, names: Floats, slot: Ints, slots: int) -> tuple[Floats, Bools]:
    """Return the ratings of some parts, and last of what is on top, [line, slot], and where each plays."""
    lines = len(parts) + 1
    line_of = np.full(len(names), -1, np.int64)
    line_of[parts] = np.arange(len(parts))
    top = on_top(score)
    highest = np.flatnonzero(top)
    highest = highest[starts(score.instant[highest])]  # one of each instant: a unison is no chord
    rows = np.concatenate((np.flatnonzero(line_of[score.part] >= 0), highest))
    line = line_of[score.part[rows]]
    line[len(rows) - len(highest) :] = lines - 1
    cell = line * slots + slot[rows]
    signs = _signs(line, score.instant[rows], score.pitch[rows], top[rows], score.loudness[rows])
    counts: Floats = np.stack([np.bincount(cell, sign, lines * slots) for sign in signs])
    sums = counts.reshape(-1, lines, slots)
    plays = _without_rests(sums[_NOTE] > 0)
    plays[-1] = True
    here = _around((_around(sums[_NOTE], 2) > 0).astype(np.float64), _NEAR)
    present = here / _around(np.ones(slots), _NEAR)
    passage = np.where(plays, _rating(_around(sums, _NEAR), present), _ABSENT)
    passage += np.append(names[parts], _BETTER)[:, None]
    best = np.sort(passage, axis=1)[:, -max(1, int(_BEST * slots)) :].mean(axis=1)
    return best[:, None] * (1 - _HERE) + passage * _HERE, plays


def named(score: Score) -> Floats:
    """Return the points of each part for its name and program."""
    said = [[worth for sign, worth in _NAMED if sign.search(name)] for name in score.names]
    points = [max([0.0, *worths]) + min([0.0, *worths]) for worths in said]
    bass = (score.programs >= 32) & (score.programs < 40)
    return np.asarray(points, np.float64) - bass


def _signs(line: Ints, instant: Ints, pitch: Ints, top: Bools, loudness: Floats) -> Floats:
    """Return what is counted of each note, [sign, note], the notes of a line being in order of time."""
    order = by_group(line)
    line, instant, pitch = line[order], instant[order], pitch[order].astype(np.float64)
    joined = line[1:] == line[:-1]
    chord = joined & (instant[1:] == instant[:-1])
    leap = np.where(joined & ~chord, np.abs(np.diff(pitch)), np.inf)
    sign = np.zeros((9, len(line)))
    sign[_NOTE], sign[_HEAD] = 1, 1
    sign[_HEAD, 1:] -= chord
    sign[_CHORD, 1:] = chord
    sign[_CHORD, :-1] = np.maximum(sign[_CHORD, :-1], chord)
    sign[_SMALL, 1:], sign[_SAME, 1:] = leap <= 4, leap == 0
    sign[_PITCH], sign[_SQUARE] = pitch, pitch**2
    signs = np.empty_like(sign)
    signs[:, order] = sign
    signs[_TOP], signs[_LOUD] = top, loudness
    return signs


def _rating(sums: Floats, present: Floats) -> Floats:
    """Return the points of lines but for their names; docs/arranging.md has the table."""
    notes, heads = np.maximum(sums[_NOTE], 1), np.maximum(sums[_HEAD], 1)
    mean, loudness = sums[_PITCH] / notes, sums[_LOUD] / notes
    spread = np.sqrt(np.maximum(0, sums[_SQUARE] / notes - mean**2))
    points: Floats = 1.5 * (1 - sums[_CHORD] / notes) + 2 * np.minimum(1, sums[_TOP] / heads)
    points += 1.5 * np.minimum(present / _PRESENT, 1)
    points += 0.5 * sums[_SMALL] / heads + np.minimum(sums[_SAME] / heads / _REPEATS, 1)
    points += np.clip(2 - spread / _COMPASS, 0, 1) + np.clip((mean - _LOWEST_LEAD) / 12, 0, 1)
    points += 0.5 * loudness / max(1.0, float(loudness.max(initial=1.0)))
    return points


def _around(values: Floats, width: int) -> Floats:
    """Return the sums of so many places before and after each, along the last axis."""
    beside = [(0, 0)] * (values.ndim - 1)
    total = np.cumsum(np.pad(values, [*beside, (width + 1, width)]), axis=-1)
    return total[..., 2 * width + 1 :] - total[..., : -2 * width - 1]


def _slots(score: Score) -> tuple[Ints, int]:
    """Return the time slot of each note and their number, bounded however long the song is."""
    length = max(_SLOT, float(score.onset[-1] - score.onset[0]) / (_MOST_SLOTS - 1))
    slot = ((score.onset - score.onset[0]) / length).astype(np.int32)
    return slot, int(slot[-1]) + 1


def _without_rests(plays: Bools) -> Bools:
    """Return where lines play, [line, slot], or rest for a moment only."""
    slots = plays.shape[1]
    place = np.arange(slots)
    before = np.maximum.accumulate(np.where(plays, place, -slots), axis=1)
    after = np.minimum.accumulate(np.where(plays, place, 2 * slots)[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(after - before <= _REST)


_LOOK_BACK = 16
"""Instants that are searched for a note still sounding: a measure of sixteenths under a whole note."""

_LEAP = 4
"""A note lower by more semitones than this is accompaniment beneath a held note; else a line, bound over."""

_BASS_BELOW = 60
"""A part's lowest line is bass where its mean pitch is below this (C4), else an inner voice."""


def priorities(score: Score) -> Ints:
    """Return the `Priority` of each note as uint8."""
    result = np.full(len(score), Priority.INNER, np.uint8)
    if not len(score):
        return result
    tune = _outer(score, leader(score), score.pitch)
    result[tune] = Priority.MELODY
    low = np.flatnonzero(_outer(score, ~tune, -score.pitch))
    part, many = score.part[low], len(score.names)
    mean = np.bincount(part, score.pitch[low], many) / np.maximum(1, np.bincount(part, minlength=many))
    result[low[mean[part] < _BASS_BELOW]] = Priority.BASS
    return result


def _outer(score: Score, among: Bools, height: Ints) -> Bools:
    """Return which notes are the uppermost line of those in `among`, by `height`."""
    rows = np.flatnonzero(among)
    outer = np.zeros(len(score), np.bool_)
    if not len(rows):
        return outer
    first = starts(score.instant[rows])
    high = height[rows]
    top = np.maximum.reduceat(high, first)
    is_top = high == to_each(top, first, len(rows))
    onset, end = score.onset[rows], score.released[rows]
    ends = np.maximum.reduceat(np.where(is_top, end, -np.inf), first)
    covered = _covered(top, onset[first], ends)
    outer[rows] = is_top & ~to_each(covered, first, len(rows))
    return outer


def _covered(top: Ints, onset: Floats, end: Floats) -> Bools:
    """Return at which instants a top note of before, higher by a leap, sounds on beyond this one."""
    covered = np.zeros(len(top), np.bool_)
    until = np.maximum(end, onset + 0.03)
    for back in range(1, min(_LOOK_BACK, len(top) - 1) + 1):
        covered[back:] |= (top[:-back] > top[back:] + _LEAP) & (end[:-back] >= until[back:])
    return covered
