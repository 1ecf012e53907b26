"""Voices: melody, bass and inner notes, which become the strikes' priorities.

The melody is the skyline of the part that has the tune: the highest note of an instant, unless a
higher one begun before outlasts it, by a leap and more. So a held note is not left for the
accompaniment beneath it. The bass is the lowest line of the rest, found in the mirror.

Which part has the tune is found passage by passage.
Each part is rated at each moment, by what it plays thereabouts and by the best that it
plays in the whole song; and so is the line of what is on top of all parts. The tune is then
followed through the song from one to the other, where each hand-over has its price. Where what is on
top is the better tune, as in much orchestral music, all may lead.
"""

from __future__ import annotations

import numpy as np

from ..tables import Bools, Floats, Ints, Priority
from .columns import starts, to_each
from .ornaments import crushed
from .rating import NOTE, counts, named, ratings
from .score import Score, on_top
from .viterbi import cheapest_path

_SLOT = 0.5
_MOST_SLOTS = 1 << 14
"""s between moments at which the tune may be handed over; more in songs of over two hours."""

_HELD = 20
"""Slots for which a held note is played, at most: not as long as a pedal point, or one that nobody ended."""

_REST = 8
"""A part that rests for so many slots does not lead meanwhile; shorter rests belong to its phrase."""

_HAND_OVER = 5.0
"""What a hand-over costs, in points times slots: who leads a little less for a while goes on."""

_PERFECT = 18.0
"""A rating above all others; what is missing to it is the cost of a slot."""

_FOLLOWED = 16
"""So many parts are followed, by name, then the busiest; what others play is accompaniment, unless on top."""


def leader(score: Score) -> Bools:
    """Return which notes may be the tune: those of the part that leads at their moment."""
    slot, _, slots = _slots(score)
    parts, rating, plays = followed(score)
    cost = np.maximum(_PERFECT - np.where(plays, rating, 0.0), 0.0)
    path = cheapest_path(cost.T, np.full(slots, _HAND_OVER))
    leads = np.append(parts, -1)[path][slot]
    return np.asarray((leads == score.part) | (leads < 0))


def followed(score: Score) -> tuple[Ints, Floats, Bools]:
    """Return the parts that are followed, and their ratings and where they play, [line, slot].

    The last line is what is on top of all.
    """
    slot, last, slots = _slots(score)
    names = named(score)
    busy = np.bincount(score.part, minlength=len(names))
    parts = np.lexsort((-busy, -names))[:_FOLLOWED]
    rows, line = _lines(score, parts)
    sums = counts(score, rows, line, slot, slots)
    plays = _without_rests((sums[NOTE] > 0) | _sounds(line, slot[rows], last[rows], slots))
    plays[-1] = True
    return parts, ratings(sums, plays, names[parts]), plays


def _lines(score: Score, parts: Ints) -> tuple[Ints, Ints]:
    """Return the notes of some parts, and again those on top of all, and the number of the line of each."""
    line_of = np.full(len(score.names), -1, np.int64)
    line_of[parts] = np.arange(len(parts))
    highest = np.flatnonzero(on_top(score))
    highest = highest[starts(score.instant[highest])]  # one of each instant: a unison is no chord
    mine = np.flatnonzero(line_of[score.part] >= 0)
    line = np.append(line_of[score.part[mine]], np.full(len(highest), len(parts)))
    return np.concatenate((mine, highest)), line


def _sounds(line: Ints, first: Ints, last: Ints, slots: int) -> Bools:
    """Return where notes of lines sound, [line, slot], given the first and last slot of each note."""
    lines, width = int(line.max()) + 1, slots + 1
    begins, ends = (np.bincount(line * width + at, minlength=lines * width) for at in (first, last + 1))
    return np.asarray(np.cumsum(begins - ends).reshape(lines, width)[:, :-1] > 0)


def _slots(score: Score) -> tuple[Ints, Ints, int]:
    """Return the first and last time slot of each note and their number, bounded however long the song is."""
    length = max(_SLOT, float(score.onset[-1] - score.onset[0]) / (_MOST_SLOTS - 1))
    slot = ((score.onset - score.onset[0]) / length).astype(np.int32)
    slots = int(slot[-1]) + 1
    end = np.minimum((score.released - score.onset[0]) / length, slots).astype(np.int32)
    return slot, np.clip(end, slot, np.minimum(slot + _HELD, slots - 1)), slots


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
    grace, main = crushed(score)
    leads = leader(score)
    leads[grace] = False
    tune = _outer(score, leads, score.pitch)
    tune[grace] = tune[main]
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
