"""Counterpoint: voices that are equals, and how music that is made of them is told from a tune with company.

In a fugue, an invention or a motet one voice says what another has said before: its steps and its rhythm,
at another pitch and a little later, while the other goes on. Chorales and hymns do not, nor does accompanied
music but here and there. A voice is what sounds as one, not a track: two voices in one hand are two.
"""

from __future__ import annotations

import re

import numpy as np

from ..tables import Bools, Floats, Ints
from .columns import by_group, spread, starts, to_each
from .rating import named
from .score import Score, on_top

_FEWEST, _MOST = 40, 20_000
"""Notes of music that may be found to be counterpoint."""

_SAID = 5
"""Steps that must be the same for one voice to imitate another."""

_KINDS = 3
"""Different steps that are among them at least: scales and drones say nothing."""

_LATER, _FORGOTTEN, _SLOWEST = 0.25, 12.0, 1.5
"""s after which one voice imitates another; within which it does; between the notes of what is said."""

_IMITATED, _TOGETHER = 0.04, 0.42
"""Shares that make counterpoint: of all that is said, what imitates; of the instants, those of two voices."""

_THICK, _CHORDS = 5, 0.06
"""Instants of so many notes or more are chords; where they are more than this share, nobody counts voices."""

_BRIEF, _PASSING = 0.05, 0.1
"""Share of the notes below which a voice comes and goes; of them all, what may be in such voices."""

_SAME = 0.25
"""Share of the steps of voices that may stay on their pitch: chords and figures do, themes seldom."""

_STEPS = np.minimum(7, np.array([0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, *[7] * 244]))
"""Size of a step by its semitones, so that a tonal answer is the same: a fourth is as good as a fifth."""

_SINGERS, _LINES = (3, 8), 0.98
"""Parts of a hymn, of which so many sing together; and share of their notes that no other has beside it."""

_CHOIR = re.compile(r"(?i)(?<![a-z])(cantus|sopran|alt|tenor|bass|quint)")

_NEW_VOICE = 14.0
"""Semitones that a voice would rather leap than that another begins."""

_OVERLAP = 0.06
"""s that a note may outlast the next one of its voice."""

_REST, _ENTRY = 1.0, 3.0
"""s that a voice rests before it enters anew, and for which it leads then."""


def voices(score: Score) -> Ints:
    """Return the number of the voice that each note belongs to: its part, or one of several lines in it."""
    voice = np.empty(len(score), np.int32)
    count = 0
    for part in range(len(score.names)):
        rows = np.flatnonzero(score.part == part)
        lines = _lines(score, rows)
        voice[rows] = count + lines
        count += int(lines.max(initial=-1)) + 1
    return voice


def _lines(score: Score, rows: Ints) -> Ints:
    """Return the number of the line that each note of a part belongs to.

    Chord by chord, each note goes on with the line that is nearest and free, lines keeping their order.
    """
    chords = starts(score.instant[rows])
    if len(chords) == len(rows):
        return np.zeros(len(rows), np.int32)
    order = rows[np.lexsort((-score.pitch[rows], score.instant[rows]))]
    line = np.empty(len(score), np.int32)
    lines: list[list[float]] = []  # pitch, end and number of each
    pitch, onset, end = score.pitch.tolist(), score.onset.tolist(), score.released.tolist()
    for chord in np.split(order, starts(score.instant[order])[1:]):
        notes = chord.tolist()
        free = sorted((one for one in lines if one[1] <= onset[notes[0]] + _OVERLAP), reverse=True)
        for note, place in zip(
            notes, _joined([pitch[n] for n in notes], [one[0] for one in free]), strict=True
        ):
            if place is None:
                lines.append([0.0, 0.0, float(len(lines))])
            mine = lines[-1] if place is None else free[place]
            mine[0], mine[1] = pitch[note], end[note]
            line[note] = int(mine[2])
    return line[rows]


def _joined(notes: list[int], lines: list[float]) -> list[int | None]:
    """Return which line each note of a chord goes on with, both from high to low; None where one begins.

    The leaps are the least in all (an alignment of two sequences, exact).
    """
    cost = [[_NEW_VOICE * n for _ in range(len(lines) + 1)] for n in range(len(notes) + 1)]
    for n, pitch in enumerate(notes, 1):
        for place, before in enumerate(lines, 1):
            leap = cost[n - 1][place - 1] + abs(pitch - before)
            cost[n][place] = min(leap, cost[n][place - 1], cost[n - 1][place] + _NEW_VOICE)
    found: list[int | None] = [None] * len(notes)
    n, place = len(notes), len(lines)
    while n and place:
        if cost[n][place] == cost[n][place - 1]:
            place -= 1
        elif cost[n][place] == cost[n - 1][place] + _NEW_VOICE:
            n -= 1
        else:
            n, place = n - 1, place - 1
            found[n] = place
    return found


def equals(score: Score) -> Ints | None:
    """Return the voice of each note where they imitate each other so much that they are equals, else None."""
    if not _FEWEST <= len(score) <= _MOST or (np.any(named(score) >= 1) and not _is_choir(score)):
        return None
    size = np.bincount(score.instant)
    if np.mean(size >= _THICK) > _CHORDS or np.mean(size >= 2) < _TOGETHER:
        return None
    voice = voices(score)
    return voice if _move_on(score, voice) and imitated(score, voice) >= _IMITATED else None


def _move_on(score: Score, voice: Ints) -> bool:
    """Return whether voices go through the music, few of them in passing, and seldom stay on a pitch.

    An accompaniment does neither: its chords and figures make lines that come and go, and say a note again.
    """
    notes = np.bincount(voice)
    passing = notes[notes < _BRIEF * len(voice)].sum()
    order = by_group(voice)
    goes_on = np.diff(voice[order]) == 0
    stays = goes_on & (np.diff(score.pitch[order]) == 0)
    return bool(
        passing <= _PASSING * len(voice) and np.count_nonzero(stays) <= _SAME * np.count_nonzero(goes_on)
    )


def is_hymn(score: Score) -> bool:
    """Return whether lines of their own move together, as in chorales: the top has the tune, all are sung."""
    parts = len(score.names)
    if not _SINGERS[0] <= parts <= _SINGERS[1]:
        return False
    heads = np.sort(score.instant.astype(np.int64) * parts + score.part)
    heads = heads[starts(heads)]
    together = np.bincount(heads // parts)
    return bool(
        len(heads) >= _LINES * len(score) and np.mean(together[together > 0] >= _SINGERS[0]) >= _TOGETHER
    )


def _is_choir(score: Score) -> bool:
    """Return whether the parts are named as those of a choir, where a soprano is no soloist."""
    return sum(bool(_CHOIR.search(name)) for name in score.names) > 1


def imitated(score: Score, voice: Ints) -> float:
    """Return the share of what voices say that one has said shortly before another, and not itself.

    What is said from a note on are the next steps and their rhythm.
    """
    order = by_group(voice)
    pitch, onset, mine = score.pitch[order].astype(np.int64), score.onset[order], voice[order]
    step, time = np.diff(pitch), np.maximum(np.diff(onset), 0.03)
    size = np.sign(step) * _STEPS[np.abs(step)]
    pace = np.round(np.log2(time[1:] / time[:-1])).astype(np.int64)
    many = len(order) - _SAID
    if many <= 0:
        return 0.0
    sizes = np.stack([size[k : k + many] for k in range(_SAID)])
    whole = (mine[:many] == mine[_SAID:]) & np.all(
        np.stack([time[k : k + many] for k in range(_SAID)]) <= _SLOWEST, axis=0
    )
    ordered = np.sort(sizes, axis=0)
    whole &= 1 + np.count_nonzero(np.diff(ordered, axis=0), axis=0) >= _KINDS
    paces = np.stack([pace[k : k + many] for k in range(_SAID - 1)])
    code = sum(spread(row + 64 * n) * np.uint64(2 * n + 1) for n, row in enumerate([*sizes, *paces]))
    at = np.flatnonzero(whole)
    if not len(at):
        return 0.0
    return float(np.mean(_later(np.asarray(code)[at], onset[at], mine[at])))


def _later(code: Ints, onset: Floats, voice: Ints) -> Bools:
    """Return what was said before by another voice, not long ago, and not by its own."""
    order = np.lexsort((onset, code))
    lag = np.diff(onset[order], prepend=-np.inf)
    same = np.diff(code[order], prepend=code[order][:1] + np.uint64(1)) == 0
    other = np.diff(voice[order], prepend=-1) != 0
    found = np.zeros(len(code), np.bool_)
    found[order] = same & other & (lag > _LATER) & (lag <= _FORGOTTEN)
    order = np.lexsort((onset, voice, code))
    own = (np.diff(code[order], prepend=code[order][:1] + np.uint64(1)) == 0) & (
        np.diff(voice[order], prepend=-1) == 0
    )
    found[order] &= ~(own & (np.diff(onset[order], prepend=-np.inf) <= _FORGOTTEN))
    return found


def leading(score: Score, voice: Ints) -> Bools:
    """Return which notes lead: those of a voice that enters, and what is on top while none does."""
    enters = _enters(score, voice)
    times = score.onset[enters]
    last = np.searchsorted(times, score.onset, "right") - 1
    nobody = (last < 0) | (score.onset - times[np.maximum(last, 0)] > _REST)
    return np.asarray(enters | (nobody & on_top(score)))


def _enters(score: Score, voice: Ints) -> Bools:
    """Return which notes belong to a voice that has just begun, or comes again after a rest."""
    order = by_group(voice)
    mine, onset, end = voice[order], score.onset[order], score.released[order]
    rests = np.append(np.inf, onset[1:] - end[:-1]) >= _REST
    first = np.flatnonzero(rests | (np.diff(mine, prepend=-1) != 0))
    begun = to_each(onset[first], first, len(order))
    enters = np.empty(len(order), np.bool_)
    enters[order] = onset - begun <= _ENTRY
    return enters
