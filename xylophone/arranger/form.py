"""Form: what is said again in a song, the sections it is made of, and the key in which it stands.

A figure is all that a part plays in one measure, on a grid of sixteenths. Where measures of a part hold the
same figure, its notes are kin. A section is a stretch of measures whose melody returns.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..song import Song
from ..tables import Bools, Floats, Ints, picked
from .columns import spread, starts, to_each

# Krumhansl & Kessler 1982: how well each degree fits a key, as listeners rated it.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

_TONICS = ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")

_SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
_BETTER = 0.05
"""Share of the notes by which another scale must fit better than the white keys, which are stated unasked."""

_ROUNDING = 1e-6
_SHORTEST, _LONGEST = 0.05, 2.0
"""Seconds that a note counts at least and at most."""


def key_of(song: Song, transpose: int = 0) -> str:
    """Return the key of a song, moved by so many semitones: 'E minor'; '' where it has no pitches.

    It is the one that the file states for most of the music. Where it states none, or C major or A minor, as
    files do unasked, while another scale fits better, it is the likeliest: durations of note names are
    correlated with the profiles of Krumhansl and Kessler (Krumhansl 1990).
    """
    notes = picked(song.notes, ~song.notes["drum"])
    weight = np.clip(notes["duration"] - notes["pedal"], _SHORTEST, _LONGEST)
    names: Floats = np.bincount(notes["pitch"] % 12, weight, 12).astype(np.float64)
    if np.ptp(names) == 0:
        return ""
    tonic, minor = _stated(song, notes["onset"], weight, names) or _likeliest(names)
    return f"{_TONICS[(tonic + transpose) % 12]} {'minor' if minor else 'major'}"


def _likeliest(names: Floats) -> tuple[int, bool]:
    """Return the tonic and whether it is minor of the profile that fits the weights of twelve names best."""
    profiles = [np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)]
    best = int(np.argmax([np.corrcoef(names, profile)[0, 1] for profile in profiles]))
    return best % 12, best >= 12


def _stated(song: Song, onset: Floats, weight: Floats, names: Floats) -> tuple[int, bool] | None:
    """Return tonic and mode of the signature under which most of the notes stand, if it is to be believed."""
    if not len(song.keys):
        return None
    row = np.searchsorted(song.keys["time"], onset + _ROUNDING, "right")
    longest = int(np.argmax(np.bincount(row, weight, len(song.keys) + 1)))
    if not longest:
        return None  # most stand before the first signature
    sharps, minor = int(song.keys["sharps"][longest - 1]), bool(song.keys["minor"][longest - 1])
    fits = [names[(_SCALE + tonic) % 12].sum() / names.sum() for tonic in range(12)]
    if sharps == 0 and max(fits) - fits[0] >= _BETTER:
        return None
    return (7 * sharps + (9 if minor else 0)) % 12, minor


_GRID = 4.0
"""Places in a quarter note: a figure played a little early or late is the same."""

_TIE = 1e-6
"""Of a place; thirty-seconds lie between two sixteenths, and go to the later one whatever rounding does."""

SHORTEST = 4
"""Measures of a section, at least."""

MOST_SECTIONS = 12
"""So many sections tell a form; nobody would read more."""

_SAME = 0.5
"""Two measures say the same where they share so many of the notes that either has."""

_AGAIN = 0.7
"""Share of its measures that must say the same for a section to return."""

_UNLIKE = 2.0
"""Measures that say the same outweigh so many that do not, where the ends of a return are looked for."""

_MOST_MEASURES = 800
_MOST_NOTES = 20_000
"""Of the melody; the sections of a longer song are not looked for."""

_TRIED = 24
"""So many of the longest returns are tried as sections in each round."""


def places(song: Song, onset: Floats) -> tuple[Ints, Ints]:
    """Return the measure, from 0, and the sixteenth in it that each onset is nearest to."""
    measure, since, row = song.places_at(onset)
    place = np.floor(since * _GRID + 0.5 + _TIE)
    length = 4.0 * song.meters["numerator"][row] / song.meters["denominator"][row]
    over = place >= length * _GRID - _TIE
    return measure + over, np.where(over, 0, place).astype(np.int64)


def repeats(part: Ints, measure: Ints, place: Ints, pitch: Ints) -> Ints:
    """Return a number for each note that it shares with its repeats, and with no other note.

    Where a part plays the same figure in two measures, the notes at one place and pitch repeat each other.
    """
    if not len(part):
        return np.zeros(0, np.int64)
    code = place * 128 + pitch
    order = np.lexsort((measure, part))
    first = starts(part[order], measure[order])
    # A sum of spread codes stands for a figure: equal ones are found by one sort, whatever their length.
    figure = np.empty(len(part), np.uint64)
    figure[order] = to_each(np.add.reduceat(spread(code[order]), first), first, len(part))
    order = np.lexsort((code, figure, part))
    first = starts(part[order], figure[order], code[order])
    repeat = np.empty(len(part), np.int64)
    repeat[order] = to_each(np.arange(len(first)), first, len(part))
    return repeat


def usual(repeat: Ints, choice: Ints) -> Ints:
    """Return what most of each note's repeats choose, of equal ones the nearest to 0, then the lower."""
    order = np.lexsort((choice, repeat))
    first = starts(repeat[order], choice[order])
    votes = np.diff(first, append=len(order))
    group, chosen = repeat[order][first], choice[order][first]
    best = np.lexsort((np.abs(chosen), -votes, group))
    best = best[starts(group[best])]  # the first of each group
    return np.asarray(chosen[best][np.unique(repeat, return_inverse=True)[1]])


def ostinato(repeat: Ints, measure: Ints) -> Bools:
    """Return which notes repeat one of the measure before: accompaniment that goes on and on."""
    order = np.lexsort((measure, repeat))
    first = starts(repeat[order], measure[order])
    head = order[first]
    next_to = (np.diff(repeat[head], prepend=-1) == 0) & (np.diff(measure[head], prepend=-1) == 1)
    again = np.zeros(len(repeat), np.bool_)
    again[order] = to_each(next_to, first, len(order))
    return again


def sections(measure: Ints, place: Ints, pitch: Ints) -> list[tuple[str, int, int]]:
    """Return the sections of a melody as letter, first and last measure, from 0; at most MOST_SECTIONS.

    Sections of one letter are the same music. Of the longest returns the one that explains most
    measures is taken, of equal ones the shortest, and so on in what is left. What does not return
    stands for itself, or is passed over where it is short or silent: an upbeat, a close. [] where
    nothing returns, or where so many sections do not tell it.
    """
    if not 0 < len(measure) <= _MOST_NOTES or int(measure.max()) >= _MOST_MEASURES:
        return []
    same = _same(measure, place * 128 + pitch)
    owner, begins = _divided(same)
    sounds = np.bincount(measure) > 0
    bounds = [
        (begin, end)
        for begin, end in pairwise(begins)
        if owner[begin] >= 0 or np.count_nonzero(sounds[begin:end]) >= SHORTEST
    ]
    if owner.max() < 0 or len(bounds) > MOST_SECTIONS:
        return []
    letters: dict[int, str] = {}
    for begin, _ in bounds:  # what does not return is a kind of its own
        kind = int(owner[begin]) if owner[begin] >= 0 else -begin - 1
        letters.setdefault(kind, chr(ord("A") + len(letters)))
        owner[begin] = kind
    return [(letters[int(owner[begin])], begin, end - 1) for begin, end in bounds]


def _divided(same: Bools) -> tuple[Ints, list[int]]:
    """Return the kind of section that each measure is in, -1 for none, and where sections begin.

    The last of these is the end of the song.
    """
    runs, owner, begins = _diagonal_sums(same), np.full(len(same), -1), {0, len(same)}
    while len(begins) <= 2 * MOST_SECTIONS and (found := _best_return(same, runs, owner < 0)):
        first, length = found
        kind = int(owner.max()) + 1
        for begin in first:
            owner[begin : begin + length] = kind
            begins |= {begin, begin + length}
    return owner, sorted(begins)


def _same(measure: Ints, code: Ints) -> Bools:
    """Return which measures say the same, [measure, measure]; silent ones do not."""
    codes, which = np.unique(code, return_inverse=True)
    has = np.zeros((int(measure.max()) + 1, len(codes)), np.float32)
    has[measure, which] = 1
    shared = has @ has.T
    size = has.sum(axis=1)
    return np.asarray((shared >= _SAME * (size[:, None] + size - shared)) & (size > 0))


def _diagonal_sums(same: Bools) -> Ints:
    """Return how many are true on the diagonal up to each place: two of them tell how many between."""
    total = np.zeros((len(same) + 1, len(same) + 1), np.int32)
    for row in range(len(same)):
        total[row + 1, 1:] = total[row, :-1] + same[row]
    return total


def _best_return(same: Bools, runs: Ints, free: Bools) -> tuple[list[int], int] | None:
    """Return where the stretch begins that explains most of the free measures, and how long it is.

    All its places are taken that do not overlap: a refrain that comes four times tells more than one long
    stretch that comes twice.
    """
    best, most = None, 0
    for begin, length in _returns(same & free[:, None] & free, free):
        again = [begin]
        for place in _comes_again(runs, free, begin, length):
            if all(abs(place - one) >= length for one in again):
                again.append(place)
        explained = len(again) * length
        if len(again) > 1 and (explained > most or (explained == most and best and length < best[1])):
            best, most = (sorted(again), length), explained
    return best


def _comes_again(runs: Ints, free: Bools, begin: int, length: int) -> list[int]:
    """Return the places, ascending, where a stretch of measures is heard again."""
    again = runs[begin + length, length:] - runs[begin, : len(free) - length + 1] >= _AGAIN * length
    taken = np.cumsum(np.concatenate(([0], ~free)))
    again &= taken[length:] == taken[: len(free) - length + 1]
    again[begin] = False
    return np.flatnonzero(again).tolist()


def _returns(same: Bools, free: Bools) -> list[tuple[int, int]]:
    """Return stretches, (first, length), that come again without overlap, the longest first.

    For each distance at which music may return, the run of greatest gain is kept up while it pays: measures
    that say the same gain, others cost, and a run that has lost all begins anew (Kadane's largest sum).
    """
    many = len(same)
    score, begin = np.zeros(many), np.zeros(many, np.int64)  # of the stretch that ends here, by distance
    best, first, last = np.zeros(many), np.zeros(many, np.int64), np.zeros(many, np.int64)
    for place in range(many - 1):
        away = np.arange(1, many - place)
        fresh = (score[away] <= 0) | (place - begin[away] >= away)
        gain = np.where(same[place, place + away], 1.0, -_UNLIKE)
        begin[away] = np.where(fresh, place, begin[away])
        score[away] = np.where(fresh, 0.0, score[away]) + gain
        score[away[~(free[place] & free[place + away])]] = 0.0
        better = away[score[away] > best[away]]
        best[better], first[better], last[better] = score[better], begin[better], place
    order = np.argsort(-best, kind="stable")[:_TRIED]
    length = last - first + 1
    return [(int(first[d]), int(length[d])) for d in order if best[d] > 0 and length[d] >= SHORTEST]
