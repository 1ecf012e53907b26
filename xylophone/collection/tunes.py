"""Tunes: by what a melody is known again, in another key, tempo, instrument, company, or in part.

A tune is the set of its turns: six steps of the melody after each other, each an interval and whether
its note lasts as long as the one before it, longer or shorter. Two files hold the same tune where a
quarter of the shorter one's turns are in the other; docs/cli.md says how that was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ..arranger import Arrangement
from ..arranger.columns import MIX
from ..tables import Bools, Floats, Ints, Priority

"""The turns of a melody as hashes, ascending, each once."""

STEPS = 6
"""Steps in a turn; each also looks at the one before it, so a turn takes eight notes."""

KINDS = 3
"""A turn with fewer different intervals is a scale, a trill or a repeated note, and tells nothing."""

LEAST_SHARED = 8
LEAST_SHARE = 0.25
"""The same tune: so many turns in common, and such a share of those of the shorter tune."""

MOST_TURNS = 4096
"""Of a tune with more, an hour of melody, the lowest hashes stand for all."""

NEAR = 64
"""A turn is looked for in so many files behind each that has it; what is in more is a commonplace."""

_CHORD = 0.025
"""Melody notes this close are one, the upper; s."""

_WIDEST = 12
"""Semitones; wider leaps are all alike."""

_RATIOS = np.array([-1.29, -0.29, 0.29, 1.29])
"""Bounds of log2 of a note's length over the last one's, as far as can be from those of 1/3, 1/2, 2/3, 1."""


def tune_of(arrangement: Arrangement) -> Ints:
    """Return the tune of what an arrangement marks as melody, at the pitches that were written."""
    notes = arrangement.notes[arrangement.notes["priority"] == Priority.MELODY]
    return tune(notes["onset"], arrangement.song.notes["pitch"][notes["source"]])


def tune(onset: npt.ArrayLike, pitch: npt.ArrayLike) -> Ints:
    """Return the tune of a melody: onsets in seconds, ascending, and MIDI pitches.

    The same for every transposition and constant factor on the tempo; empty for fewer than eight
    notes. Holds at most MOST_TURNS hashes.
    """
    times, heights = _line(np.asarray(onset, np.float64), np.asarray(pitch, np.int64))
    if len(times) < STEPS + 2:
        return np.zeros(0, np.uint32)
    interval = np.clip(np.diff(heights), -_WIDEST, _WIDEST)[1:]
    length = np.diff(times)
    ratio = np.digitize(np.log2(length[1:] / length[:-1]), _RATIOS)
    kinds = np.sort(np.lib.stride_tricks.sliding_window_view(interval, STEPS), axis=1)
    telling = 1 + np.count_nonzero(np.diff(kinds, axis=1), axis=1) >= KINDS
    return np.unique(_hashes((interval + _WIDEST) * 5 + ratio)[telling])[:MOST_TURNS]


def first_alike(tunes: Sequence[Ints], alike: Iterable[tuple[int, int]] = ()) -> Ints:
    """Return for each tune the number of the first one that is the same, its own where there is none.

    Same is what `same_tune` says of two of them, or `alike`, and whatever is the same as the same.
    Takes time and memory in proportion to all turns together, NEAR apart.
    """
    leader = np.arange(len(tunes))
    for one, other in (*_pairs(tunes), *alike):
        low, high = sorted((_root(leader, one), _root(leader, other)))
        leader[high] = low
    return np.array([_root(leader, number) for number in range(len(tunes))], np.int64)


def same_tune(shared: npt.ArrayLike, size: npt.ArrayLike, other: npt.ArrayLike) -> Bools:
    """Tell whether tunes of such sizes are the same by how many turns they share; for arrays too."""
    count, least = np.asarray(shared), np.minimum(size, other)
    return np.asarray((count >= LEAST_SHARED) & (count >= LEAST_SHARE * least))


def _line(onset: Floats, pitch: Ints) -> tuple[Floats, Ints]:
    """Return one note for each moment."""
    if not len(onset):
        return onset, pitch
    first = np.flatnonzero(np.concatenate(([True], np.diff(onset) > _CHORD)))
    return onset[first], np.maximum.reduceat(pitch, first)


def _hashes(steps: Ints) -> Ints:
    """Return a hash for each run of STEPS steps."""
    runs = np.lib.stride_tricks.sliding_window_view(steps.astype(np.uint64), STEPS)
    mixed = np.zeros(len(runs), np.uint64)
    for step in runs.T:
        mixed = (mixed ^ step) * MIX
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(32)).astype(np.uint32)


def _pairs(tunes: Sequence[Ints]) -> list[tuple[int, int]]:
    """Return the pairs that are the same tune by themselves, found by the turns that they share."""
    turn = np.concatenate([np.zeros(0, np.uint32), *tunes])
    size = np.array([len(one) for one in tunes], np.int64)
    owner = np.repeat(np.arange(len(tunes), dtype=np.int64), size)
    order = np.argsort(turn, kind="stable")
    keys, shared = _counted(turn[order], owner[order], max(1, len(tunes)))
    first, second = np.divmod(keys, max(1, len(tunes)))
    same = same_tune(shared, size[first], size[second])
    return list(zip(first[same].tolist(), second[same].tolist(), strict=True))


def _counted(turn: Ints, owner: Ints, many: int) -> tuple[Ints, Ints]:
    """Return pairs of owners as first * many + second, and how many turns, sorted, each has in common."""
    keys, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for step in range(1, NEAR + 1):
        here = np.flatnonzero(turn[step:] == turn[:-step])
        found, count = np.unique(owner[here] * many + owner[here + step], return_counts=True)
        keys.append(found)
        counts.append(count)
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    shared = np.bincount(place, np.concatenate(counts), len(pairs))
    return pairs, shared.astype(np.int64)


def _root(leader: Ints, number: int) -> int:
    """Return the first of a number's group; the way there is shortened (union-find with halving)."""
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = int(leader[number])
    return number
