"""What a listener hears of an arrangement: the tune, what is struck beside it, and what is lost of the rest.

Everything is measured on the strikes, so that a fault is heard whatever made it. The tune's note sounds from
its strike to its next one, for INTERVAL at most: a bar rings, and the ear goes on with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..strikes import DB_PER_STEP
from ..tables import Bools, Floats, Ints, Priority
from .around import SIXTH
from .arrangement import NO_ROLE, Arrangement
from .columns import by_group, starts
from .score import INTERVAL, instants
from .tune import NEAR

LEAD_DB, ENTRY_DB, _BURIED_DB = 2.5, 1.0, 5.0
"""So far above the rest a tune note, or a voice that enters, costs nothing; so much lower it is buried."""

_CALM, _CLUTTER = 8.0, 14.0
"""Strikes a second up to which every note is missed, and from which none is; what goes beyond is clutter."""

_RATTLE = 0.15
"""s; an accompaniment that comes back to a bar so soon rattles."""

_SOME, _ENOUGH = 0.2, 0.3
"""Share of a song that makes an accompaniment, and share of it that must be heard."""


def share(of: Bools | Floats) -> float:
    """Return the part of them that is true, or their mean; 0 where there is none."""
    return float(np.mean(of)) if len(of) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Strikes:
    """Columns of the strikes of an arrangement, in the order of time."""

    onset: Floats
    bar: Ints  # pitch
    level: Floats  # dB
    priority: Ints
    written: Ints  # pitch of the note that it stands for
    tune: Ints  # places of the tune's own strikes
    last: Ints  # place in `tune` of the note that sounds, -1 for none

    @classmethod
    def of(cls, arrangement: Arrangement) -> Strikes:
        """Return the strikes of an arrangement."""
        notes = arrangement.notes
        onset, priority = np.ascontiguousarray(notes["onset"]), notes["priority"]
        tune = np.flatnonzero((priority == Priority.MELODY) & ~notes["again"])
        last = np.searchsorted(onset[tune], onset + NEAR, "right") - 1
        last[(last >= 0) & (onset > onset[tune[last]] + INTERVAL if len(tune) else False)] = -1
        return cls(
            onset=onset,
            bar=arrangement.instrument.pitches[notes["hammer"]].astype(np.int64),
            level=DB_PER_STEP * notes["velocity"].astype(np.float64),
            priority=priority,
            written=arrangement.song.notes["pitch"][notes["source"]].astype(np.int64),
            tune=tune,
            last=last,
        )

    @property
    def beside(self) -> Ints:
        """The places of accompanying strikes while a note of the tune sounds."""
        return np.flatnonzero((self.priority != Priority.MELODY) & (self.last >= 0))

    def leads(self) -> Floats:
        """Return by how many dB each tune note that is accompanied stands above the loudest beside it."""
        rows = self.beside
        loudest = np.full(len(self.tune), -np.inf)
        np.maximum.at(loudest, self.last[rows], self.level[rows])
        heard = np.isfinite(loudest)
        return np.asarray(self.level[self.tune[heard]] - loudest[heard])

    def buried(self, lead: float) -> float:
        """Return how much of the tune does not stand out: of each note 0, at a `lead` in dB, to 1."""
        missing = np.clip((lead - self.leads()) / _BURIED_DB, 0.0, 1.0)
        return float(missing.sum() / max(1, len(self.tune)))

    def intruders(self) -> Bools:
        """Return which strikes beside the tune are written below it and struck on its bar or above."""
        rows = self.beside
        tune = self.tune[self.last[rows]]
        return np.asarray((self.written[rows] < self.written[tune]) & (self.bar[rows] >= self.bar[tune]))

    def near_basses(self) -> Bools:
        """Return which basses struck with the tune, written a sixth below it or more, are nearer to it."""
        rows = self.beside
        rows = rows[self.priority[rows] == Priority.BASS]
        tune = self.tune[self.last[rows]]
        mine = (np.abs(self.onset[rows] - self.onset[tune]) <= NEAR) & (
            self.written[tune] - self.written[rows] >= SIXTH
        )
        return np.asarray(self.bar[tune[mine]] - self.bar[rows[mine]] < SIXTH)

    def seconds(self) -> Bools:
        """Return which chords hold a second that is not written."""
        instant = instants(self.onset)
        order = np.lexsort((self.bar, instant))
        at, bar, written = instant[order], self.bar[order], self.written[order]
        together = np.diff(at) == 0
        apart = np.abs(np.diff(written))
        clash = together & (np.diff(bar) <= 2) & (np.diff(bar) > 0) & ((apart == 0) | (apart > 2))
        chords = at[1:][together]
        first = starts(chords)
        return np.asarray(np.logical_or.reduceat(clash[together], first) if len(first) else clash[:0])

    def clutter(self) -> float:
        """Return the share of strikes that are more than a second holds, or come back to a bar too soon."""
        if not len(self.onset):
            return 0.0
        _, count = np.unique(np.floor(self.onset), return_counts=True)
        more = float(np.maximum(0.0, count - _CLUTTER).sum())
        order = by_group(self.bar)
        again = (np.diff(self.bar[order]) == 0) & (np.diff(self.onset[order]) < _RATTLE)
        again &= self.priority[order[1:]] != Priority.MELODY
        return min(1.0, (more + float(np.count_nonzero(again))) / len(self.onset))

    def missed(self, onset: Floats) -> Floats:
        """Return how much a note is missed, 0..1, that is not struck at each onset: little where much is."""
        first = np.searchsorted(self.onset, np.floor(onset))
        count = np.searchsorted(self.onset, np.floor(onset) + 1.0) - first
        return np.asarray(np.clip((_CLUTTER - count) / (_CLUTTER - _CALM), 0.0, 1.0))


def broken(arrangement: Arrangement) -> Bools:
    """Return which steps within accompanying voices, as far as they sound, are struck as other steps."""
    notes, struck, away = arrangement.song.notes, arrangement.struck, arrangement.away
    rows = np.flatnonzero((struck >= 0) & _others(arrangement))
    rows = rows[by_group(arrangement.voices[rows])]
    onset, voice = notes["onset"][rows], arrangement.voices[rows]
    near = (np.diff(voice) == 0) & (np.diff(onset) < INTERVAL)
    return np.asarray(np.diff(away[rows])[near] != 0)


def lost(arrangement: Arrangement, strikes: Strikes) -> float:
    """Return how much of the accompaniment is missed, 0..1."""
    rows = np.flatnonzero(_others(arrangement))
    if not len(rows):
        return 0.0
    gone = rows[arrangement.struck[rows] < 0]
    return float(strikes.missed(arrangement.song.notes["onset"][gone]).sum() / len(rows))


def bare(arrangement: Arrangement) -> float:
    """Return how far, 0..1, an accompaniment that the song has is missing as a whole."""
    others = _others(arrangement)
    if np.count_nonzero(others) < _SOME * np.count_nonzero(arrangement.roles != NO_ROLE):
        return 0.0
    heard = share(arrangement.struck[others] >= 0)
    return max(0.0, 1.0 - heard / _ENOUGH)


def astray(away: Ints) -> Bools:
    """Return which notes of a tune, struck so far away from where they stand, are not where most of it is."""
    octaves, count = np.unique(away, return_counts=True)
    return np.asarray(away != octaves[np.argmax(count)]) if len(away) else np.zeros(0, np.bool_)


def _others(arrangement: Arrangement) -> Bools:
    roles = arrangement.roles
    return np.asarray((roles != NO_ROLE) & (roles != Priority.MELODY))
