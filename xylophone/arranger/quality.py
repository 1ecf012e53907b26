"""Quality: how much of a song an arrangement keeps, 0 to 100, and what costs the points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables import Bools, Floats, Ints, Priority
from .arrangement import NO_ROLE, Arrangement
from .score import INTERVAL
from .tune import NEAR


@dataclass(frozen=True, slots=True)
class Cost:
    """What one fault of an arrangement costs: `share` 0..1 of the notes that `words` names, and points."""

    name: str
    words: str
    share: float
    points: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The score, 0..100, and the costs that make it less; `melody` names the track that has most of it."""

    score: int
    melody: str
    costs: tuple[Cost, ...]


POINTS = {
    "melody": (60.0, "of the melody's notes not struck, or under another name"),
    "intervals": (40.0, "of the melody's intervals changed"),
    "covered": (30.0, "of the melody's notes covered by a higher strike"),
    "notes": (20.0, "of the other notes left out"),
    "octaves": (5.0, "of the other notes in another octave"),
}
"""Points that each fault costs where it is everywhere, and of what it is a share."""


def judge(arrangement: Arrangement) -> Quality:
    """Return the quality of an arrangement; 0 where nothing is struck.

    >>> judge(arrange(load_song(find_song("william_tell")), build_instrument("diatonic-15"))).score
    95
    """
    if not len(arrangement.notes):
        return Quality(0, "", (Cost("empty", "nothing can be struck", 1.0, 100.0),))
    shares = _shares(arrangement)
    costs = tuple(
        Cost(name, words, shares[name], points * shares[name]) for name, (points, words) in POINTS.items()
    )
    score = max(0, round(100.0 - sum(cost.points for cost in costs)))
    return Quality(score, _melody_track(arrangement), costs)


def melody_rows(arrangement: Arrangement) -> Ints:
    """Return the rows of the song's notes that are melody."""
    return np.flatnonzero(arrangement.roles == Priority.MELODY)


def _shares(arrangement: Arrangement) -> dict[str, float]:
    song, struck, tune = arrangement.song, arrangement.struck, melody_rows(arrangement)
    pitch, away = song.notes["pitch"].astype(np.int64), arrangement.away
    right = (struck >= 0) & (away % 12 == 0)
    onset = song.notes["onset"][tune]
    steps = np.diff(struck[tune]) == np.diff(pitch[tune])
    steps &= (struck[tune][1:] >= 0) & (struck[tune][:-1] >= 0)
    others = np.flatnonzero((arrangement.roles != NO_ROLE) & (arrangement.roles != Priority.MELODY))
    sounding = others[struck[others] >= 0]
    return {
        "melody": share(~right[tune]),
        "intervals": share(~steps[np.diff(onset) < INTERVAL]),
        "covered": share(_covered(arrangement, tune)),
        "notes": share(struck[others] < 0),
        "octaves": share(away[sounding] != 0),
    }


def share(of: Bools) -> float:
    """Return the part of them that is true, 0 where there is none."""
    return float(np.mean(of)) if len(of) else 0.0


def _covered(arrangement: Arrangement, tune: Ints) -> Bools:
    """Return which struck melody notes have a higher strike within 30 ms."""
    tune = tune[arrangement.struck[tune] >= 0]
    notes = arrangement.notes
    time: Floats = notes["onset"][arrangement.carrier[tune]]
    first = np.searchsorted(notes["onset"], time - NEAR)
    last = np.searchsorted(notes["onset"], time + NEAR, "right")
    pitch = np.append(arrangement.instrument.pitches[notes["hammer"]], -1)
    if not len(tune):
        return np.zeros(0, np.bool_)
    highest = np.maximum.reduceat(pitch, np.stack((first, last), axis=1).ravel())[::2]
    return np.asarray(highest > arrangement.struck[tune])


def _melody_track(arrangement: Arrangement) -> str:
    """Return the name of the track that most melody notes come from: 'Flute', or 'track 3'."""
    tracks = arrangement.song.notes["track"][melody_rows(arrangement)]
    if not len(tracks):
        return ""
    number = int(np.bincount(tracks).argmax())
    names = {track.number: track.name for track in arrangement.song.tracks}
    return names.get(number) or f"track {number}"
