"""Rules that put a song on bars: what other projects do, written anew, and this project's arranger.

Each takes a song and an instrument and returns an `Outcome`. All but the arranger are what simple players
and converters for small instruments do: they know no voices, mark no priority and take the written velocity.
Drums, and notes that nobody hears because their volume is turned down, are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from xylophone import Arrangement, Calibration, Instrument, Song, arrange, sequence
from xylophone.arranger import NO_ROLE, Reason
from xylophone.arranger.changes import NO_HAMMER, Changes
from xylophone.song import MOST_CHANNELS
from xylophone.tables import ARRANGED, STRIKE, Priority, Refusal, as_arranged, filled

Ints = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]

DOUBLE = 0.010
"""s; strikes on one bar that follow each other within this are one: no listener tells them apart."""

AUDIBLE = 0.5
"""Least loudness of a note that is heard: below it volume or expression is turned down."""

STRUCK = np.dtype(
    [
        ("time", "f8"),  # song time
        ("velocity", "f4"),  # 1..127
        ("source", "i4"),  # row of the song's notes
        ("pitch", "i2"),  # of the bar
        ("priority", "u1"),  # a Priority
    ],
    align=True,
)
"""Row of `Outcome.strikes`, sorted by time."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a rule makes of a song: one transposition, strikes, and which strike carries which note.

    `carrier` has for each note of the song the row of its strike, or -1. Pitches are those of bars.
    """

    transpose: int  # semitones
    strikes: np.ndarray
    carrier: Ints

    @cached_property
    def struck(self) -> Ints:
        """The pitch of the bar that carries each note of the song; -1 where none does."""
        return np.where(self.carrier < 0, -1, self._of_notes("pitch"))

    @cached_property
    def time(self) -> Floats:
        """When each note of the song is struck; NaN where it is not."""
        return np.where(self.carrier < 0, np.nan, self._of_notes("time"))

    @cached_property
    def priority(self) -> Ints:
        """The priority of the strike that carries each note of the song; -1 where none does."""
        return np.where(self.carrier < 0, -1, self._of_notes("priority").astype(np.int64))

    def _of_notes(self, key: str) -> np.ndarray:
        column = self.strikes[key]
        return column[self.carrier] if len(column) else np.zeros(len(self.carrier), column.dtype)

    def without(self, lost: Bools) -> Outcome:
        """Return what is left when some strikes are not played."""
        number = np.append(np.where(lost, -1, np.cumsum(~lost) - 1), -1)
        return Outcome(self.transpose, self.strikes[~lost], number[self.carrier])


Rule = Callable[[Song, Instrument], Outcome]


def audible(song: Song) -> Bools:
    """Return which notes of a song are heard and are no drums."""
    notes = song.notes
    return (~notes["drum"]) & (notes["loudness"] >= AUDIBLE)


def outcome_of(song: Song, transpose: int, pitch: Ints) -> Outcome:
    """Return the outcome of a bar's pitch for each note (-1: none); of doubles the first carries all."""
    notes = song.notes
    rows = np.flatnonzero(pitch >= 0)
    rows = rows[np.lexsort((rows, pitch[rows]))]
    first = np.ones(len(rows), np.bool_)
    near = np.diff(notes["onset"][rows]) <= DOUBLE
    first[1:] = ~(near & (np.diff(pitch[rows]) == 0))
    lead = rows[first]
    order = np.argsort(lead, kind="stable")
    strikes = np.zeros(len(lead), STRUCK)
    strikes["time"], strikes["source"] = notes["onset"][lead][order], lead[order]
    strikes["pitch"], strikes["priority"] = pitch[lead][order], Priority.INNER
    place = np.empty(len(lead), np.int64)
    place[order] = np.arange(len(lead))
    carrier = np.full(len(song), -1)
    carrier[rows] = place[np.cumsum(first) - 1]
    np.maximum.at(strikes["velocity"], carrier[rows], notes["velocity"][rows])
    return Outcome(transpose, strikes, carrier)


def bar_tables(instrument: Instrument) -> tuple[Ints, Ints]:
    """Return two columns for the pitches -128..383: the nearest bar of the same name, and the nearest bar.

    Of two as near it is the lower one; -1 where no bar has the name. Pitch p is at p + 128.
    """
    bars = instrument.pitches
    pitch = np.arange(-128, 384)
    away = np.abs(pitch[:, None] - bars)
    of_name = np.where((pitch[:, None] - bars) % 12 == 0, away, 1000)
    named = np.where(of_name.min(axis=1) < 1000, bars[of_name.argmin(axis=1)], -1)
    return named, bars[away.argmin(axis=1)]


def _pitches(song: Song) -> tuple[Bools, Ints]:
    return audible(song), song.notes["pitch"].astype(np.int64)


def drop(song: Song, instrument: Instrument) -> Outcome:
    """(a) Strike what has a bar as written, and drop the rest."""
    heard, pitch = _pitches(song)
    return outcome_of(song, 0, np.where(heard & np.isin(pitch, instrument.pitches), pitch, -1))


def nearest(song: Song, instrument: Instrument) -> Outcome:
    """(b) Strike for each note the nearest bar of its name, where there is none the nearest bar at all."""
    heard, pitch = _pitches(song)
    named, any_bar = (table[pitch + 128] for table in bar_tables(instrument))
    return outcome_of(song, 0, np.where(heard, np.where(named >= 0, named, any_bar), -1))


def clamp(song: Song, instrument: Instrument) -> Outcome:
    """(b) taken literally: strike for each note the nearest bar, whatever its name."""
    heard, pitch = _pitches(song)
    return outcome_of(song, 0, np.where(heard, bar_tables(instrument)[1][pitch + 128], -1))


def in_key(song: Song, instrument: Instrument, farthest: int = 60) -> Outcome:
    """(c) Transpose so that few notes have no bar or are on black keys, then fold what is left.

    A transposition costs 10 for each note without a bar and 1 for each on a black key; a whole octave
    earns 10. Of equal ones the nearest, then the upward one. Notes without a bar of their name are dropped.
    """
    heard, pitch = _pitches(song)
    shifts = np.arange(-farthest, farthest + 1)
    moved = np.arange(128) + shifts[:, None]
    cost = 10.0 * ~np.isin(moved, instrument.pitches) + np.isin(moved % 12, (1, 3, 6, 8, 10))
    total = cost @ np.bincount(pitch[heard], minlength=128) - 10.0 * (shifts % 12 == 0)
    best = int(shifts[np.lexsort((-shifts, np.abs(shifts), total))[0]])
    named, _ = bar_tables(instrument)
    return outcome_of(song, best, np.where(heard, named[pitch + best + 128], -1))


def by_channel(song: Song, instrument: Instrument) -> Outcome:
    """(d) Shift each channel by the octaves that bring most of its notes on bars, then fold what is left.

    Of equal shifts the nearest, then the upward one. Notes without a bar of their name are dropped.
    """
    heard, pitch = _pitches(song)
    shifts = 12 * np.arange(-10, 11)
    hits = np.isin(np.arange(128) + shifts[:, None], instrument.pitches)
    shift = np.zeros(MOST_CHANNELS, np.int64)
    for channel in np.unique(song.notes["channel"][heard]):
        mine = heard & (song.notes["channel"] == channel)
        most = hits @ np.bincount(pitch[mine], minlength=128)
        shift[channel] = shifts[np.lexsort((-shifts, np.abs(shifts), -most))[0]]
    named, _ = bar_tables(instrument)
    return outcome_of(song, 0, np.where(heard, named[pitch + shift[song.notes["channel"]] + 128], -1))


def of_arranger(song: Song, instrument: Instrument, **options: object) -> Outcome:
    """Return what this project's arranger makes of a song; options are those of `arrange`."""
    return of_arrangement(arrange(song, instrument, **options))


def of_arrangement(arrangement: Arrangement) -> Outcome:
    """Return an arrangement as an outcome."""
    notes = arrangement.notes
    strikes = np.zeros(len(notes), STRUCK)
    strikes["time"], strikes["pitch"] = notes["onset"], arrangement.instrument.pitches[notes["hammer"]]
    for key in ("velocity", "source", "priority"):
        strikes[key] = notes[key]
    return Outcome(arrangement.transpose, strikes, arrangement.carrier)


def as_arrangement(outcome: Outcome, song: Song, instrument: Instrument, tune: Ints) -> Arrangement:
    """Return an outcome as an arrangement whose melody is the rows `tune` of the song; all else is inner."""
    roles = np.where(audible(song), Priority.INNER, NO_ROLE).astype(np.uint8)
    roles[tune] = Priority.MELODY
    strikes, carrier = outcome.strikes, outcome.carrier
    source, there = strikes["source"], np.flatnonzero(carrier >= 0)
    hammer = np.searchsorted(instrument.pitches, strikes["pitch"])
    columns = {key: strikes[key] for key in ("velocity", "source")}
    notes = filled(
        ARRANGED, len(strikes), onset=strikes["time"], hammer=hammer, priority=roles[source], **columns
    )
    bars, into = np.full(len(song), NO_HAMMER, np.uint8), np.full(len(song), -1, np.int32)
    bars[there], into[there] = hammer[carrier[there]], source[carrier[there]]
    into[source] = -1
    reason = np.where(carrier < 0, Reason.NO_BAR, Reason.NONE).astype(np.uint8)
    wanted = song.notes["pitch"] + np.int16(outcome.transpose)
    away = strikes["pitch"] - wanted[source]
    changes = Changes.of(song, instrument, wanted, reason, bars, into, source[away % 12 != 0])
    return Arrangement(song, instrument, outcome.transpose, as_arranged(notes), changes, roles)


def disguised(song: Song, seed: int = 0) -> tuple[Song, Ints]:
    """Return the song without names, tracks and channels in another order, and which row each note had.

    Drums stay on their channel, and so do notes of a second port. Notes that begin together stand in the new
    order of tracks.
    """
    chance = np.random.default_rng(seed)
    number = np.zeros(1 + max((track.number for track in song.tracks), default=0), np.int64)
    old = np.array([track.number for track in song.tracks], np.int64)
    number[old] = chance.permutation(old)
    channel = np.arange(MOST_CHANNELS)
    melodic = np.delete(channel[:16], 9)
    channel[melodic] = chance.permutation(melodic)
    order = np.lexsort((number[song.notes["track"]], song.notes["onset"]))
    notes = song.notes[order]
    notes["track"], notes["channel"] = number[notes["track"]], channel[notes["channel"]]
    tracks = [
        replace(
            track,
            number=int(number[track.number]),
            name="",
            channels=tuple(sorted(int(channel[place]) for place in track.channels)),
        )
        for track in song.tracks
    ]
    tracks.sort(key=lambda track: track.number)
    return replace(song, notes=notes, title="", tracks=tuple(tracks)), order


def wandering(song: Song, tune: Ints, every: float) -> Song | None:
    """Return the song with its tune in another track in every second stretch of `every` s.

    There the first of the `tune`'s tracks changes places with the busiest other one; rows stay. None where
    there is no other.
    """
    notes = song.notes.copy()
    own = int(notes["track"][tune[0]])
    others = notes["track"][audible(song) & ~np.isin(notes["track"], np.unique(notes["track"][tune]))]
    if not len(others):
        return None
    pair = (own, int(np.bincount(others).argmax()))
    away = (notes["onset"] // every).astype(np.int64) % 2 == 1
    begins = [song.notes[np.argmax(song.notes["track"] == number)] for number in pair]
    for number, into in zip(pair, begins[::-1], strict=True):
        moved = away & (song.notes["track"] == number)
        for key in ("track", "channel", "program"):
            notes[key][moved] = into[key]
    return replace(song, notes=notes)


def nameless(song: Song, instrument: Instrument) -> Outcome:
    """Return what the arranger makes of the disguised song, in the rows of the song itself."""
    other, order = disguised(song)
    outcome = of_arranger(other, instrument)
    strikes = outcome.strikes.copy()
    strikes["source"] = order[strikes["source"]]
    carrier = np.empty(len(song), np.int64)
    carrier[order] = outcome.carrier
    return Outcome(outcome.transpose, strikes, carrier)


RULES: dict[str, Rule] = {
    "a drop": drop,
    "b nearest": nearest,
    "b' clamp": clamp,
    "c in key": in_key,
    "d channel": by_channel,
}
"""The rules of others by name; the nearest bar is taken in both senses, of the name and at all."""

ARRANGER = "arranger"


def refused(outcome: Outcome, instrument: Instrument, calibration: Calibration) -> Bools:
    """Return which strikes of an outcome the sequencer refuses."""
    strikes = np.zeros(len(outcome.strikes), STRIKE)
    for key in ("time", "velocity", "priority"):
        strikes[key] = outcome.strikes[key]
    strikes["hammer"] = np.searchsorted(instrument.pitches, outcome.strikes["pitch"])
    strikes["source"] = np.arange(len(strikes))
    rows = sequence(strikes, instrument, calibration).rows
    lost = np.zeros(len(strikes), np.bool_)
    lost[rows["source"]] = rows["refused"] != Refusal.NONE
    return lost
