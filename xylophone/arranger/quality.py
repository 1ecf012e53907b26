"""Quality: how much of a song an arrangement keeps, 0 to 100, and what costs the points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables import Bools, Floats, Ints, Priority
from .arrangement import Arrangement
from .columns import by_group
from .perception import ENTRY_DB, LEAD_DB, Strikes, astray, bare, broken, lost, share
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

    melody: str
    costs: tuple[Cost, ...]

    @property
    def points(self) -> float:
        """What is left of 100 points."""
        return max(0.0, 100.0 - sum(cost.points for cost in self.costs))

    @property
    def score(self) -> int:
        """The points as they are told."""
        return round(self.points)


POINTS = {
    "melody": (60.0, "of the melody's notes not struck, or under another name"),
    "intervals": (60.0, "of the melody's intervals changed"),
    "strays": (15.0, "of the melody in another octave than most of it"),
    "covered": (10.0, "of the melody's notes covered by a higher strike"),
    "intruders": (60.0, "as many strikes as melody notes rise to the melody from below"),
    "buried": (30.0, "of the melody buried under what is struck with it"),
    "basses": (25.0, "of the basses too near below the melody"),
    "seconds": (30.0, "of the chords with a second that is not written"),
    "voices": (25.0, "of the steps within other voices changed"),
    "clutter": (40.0, "of the strikes too many"),
    "notes": (40.0, "of the other notes missed"),
    "bare": (30.0, "of the accompaniment gone as a whole"),
}
"""Points that each fault costs where it is everywhere, and of what it is a share."""


_FREE = ("covered", "intruders", "basses", "strays")
"""What costs nothing in counterpoint: voices cross, and each has its octave."""


def judge(arrangement: Arrangement) -> Quality:
    """Return the quality of an arrangement; 0 where nothing is struck.

    >>> judge(arrange(load_song(find_song("william_tell")), build_instrument("diatonic-15"))).score
    83
    """
    if not len(arrangement.notes):
        return Quality("", (Cost("empty", "nothing can be struck", 1.0, 100.0),))
    shares = _shares(arrangement)
    costs = tuple(
        Cost(name, words, shares[name], points * shares[name]) for name, (points, words) in POINTS.items()
    )
    return Quality(_melody_track(arrangement), costs)


def melody_rows(arrangement: Arrangement) -> Ints:
    """Return the rows of the song's notes that are melody."""
    return np.flatnonzero(arrangement.roles == Priority.MELODY)


def _shares(arrangement: Arrangement) -> dict[str, float]:
    song, tune = arrangement.song, melody_rows(arrangement)
    if arrangement.counterpoint is not None:
        tune = tune[by_group(arrangement.voices[tune])]
    strikes = Strikes.of(arrangement)
    shares = {
        **_tune_shares(song.notes["onset"][tune], arrangement.wanted[tune], arrangement.struck[tune]),
        "covered": share(_covered(arrangement, tune)),
        "intruders": min(1.0, float(np.count_nonzero(strikes.intruders())) / max(1, len(strikes.tune))),
        "buried": strikes.buried(LEAD_DB if arrangement.counterpoint is None else ENTRY_DB),
        "basses": share(strikes.near_basses()),
        "seconds": share(strikes.seconds()),
        "voices": share(broken(arrangement)),
        "clutter": strikes.clutter(),
        "notes": lost(arrangement, strikes),
        "bare": bare(arrangement),
    }
    return {**shares, **dict.fromkeys(_FREE, 0.0)} if arrangement.counterpoint is not None else shares


def _tune_shares(onset: Floats, pitch: Ints, struck: Ints) -> dict[str, float]:
    """Return the shares of a melody's own faults, by its onsets, its pitches and its bars, -1 for none."""
    sounds, away = struck >= 0, struck - pitch
    right = sounds & (away % 12 == 0)
    steps = (np.diff(away) == 0) & sounds[1:] & sounds[:-1]
    return {
        "melody": share(~right),
        "intervals": share(~steps[np.abs(np.diff(onset)) < INTERVAL]),
        "strays": share(astray(away[right])),
    }


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
