"""Changes: every note that is not struck as it was written, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import overload

import numpy as np

from ..instrument import Instrument
from ..pitch import NAMES
from ..song import Song
from ..tables import CHANGE, Arranged, ChangeRows, Ints, as_change_rows, filled, joined, ordered, picked
from .tremolo import MOST


class ChangeKind(IntEnum):
    """What happened to a note: one of the first four, or it was kept; it may be shortened besides."""

    FOLDED = 1
    MERGED = 2
    DROPPED = 3
    REPLACED = 4
    SHORTENED = 5


class Reason(IntEnum):
    """Why a note was dropped, or struck in another octave than its voice; NONE where it was neither."""

    NONE = 0
    DRUMS = 1
    NOT_CHOSEN = 2
    MUTED = 3
    SILENT = 4
    NO_BAR = 5
    COVERS = 6
    NOT_READY = 7
    CROWDED = 8
    NOT_MELODY = 9
    BEYOND = 10
    NEAR = 11
    CLASHES = 12

    @property
    def word(self) -> str:
        """The reason as reports and JSON print it."""
        return self.name.lower().replace("_", " ")

    @property
    def words(self) -> str:
        """The reason as a line about one note tells it."""
        return _WORDS.get(self, self.word)


_WORDS = {
    Reason.NO_BAR: "no bar of that name",
    Reason.COVERS: "it would cover the melody",
    Reason.NOT_READY: "its hammer is not ready again",
    Reason.CROWDED: "its chord is large enough",
    Reason.NOT_MELODY: "only the melody is played",
    Reason.BEYOND: "its voice goes beyond the bars",
    Reason.NEAR: "it would be too near below the melody",
    Reason.CLASHES: "it would be a second beside another",
}


NO_HAMMER = 255


@dataclass(frozen=True, slots=True)
class Change:
    """One note that is not struck as written; `str` of it is the line that reports print.

    `time` is the song time in s; `measure` and `beat` count from 1, and are None in a song that keeps no
    beat. `pitch` is the written one, `wanted` the same transposed,
    `bar` the pitch of the bar that sounds it (None where dropped), `track` the note's own and
    `other` the track of the note that it was merged with (None otherwise). Pitches are MIDI
    numbers; `wanted` may lie outside 0..127.
    """

    kind: ChangeKind
    reason: Reason
    note: int
    time: float
    measure: int | None
    beat: float | None
    pitch: int
    wanted: int
    bar: int | None
    track: int
    other: int | None

    def __str__(self) -> str:
        place = f"{self.time:.2f} s" if self.beat is None else f"measure {self.measure}, beat {self.beat:.4g}"
        return f"{place}: {self._named} {self._what}"

    @property
    def _named(self) -> str:
        if self.kind is ChangeKind.DROPPED or self.wanted == self.pitch:
            return _name(self.pitch)
        return f"{_name(self.wanted)} (written {_name(self.pitch)})"

    @property
    def _what(self) -> str:
        if self.kind is ChangeKind.DROPPED:
            return f"dropped, {self.reason.words}"
        assert self.bar is not None
        if self.kind is ChangeKind.SHORTENED:
            return f"struck again {MOST} times, not until it ends"
        if self.kind is ChangeKind.REPLACED:
            return f"replaced by its neighbour {_name(self.bar)}, {Reason.NO_BAR.words}"
        if self.kind is ChangeKind.FOLDED:
            why = f", {self.reason.words}" if self.reason else ""
            return f"folded {'up' if self.bar > self.wanted else 'down'} to {_name(self.bar)}{why}"
        where = "the same track" if self.other == self.track else f"track {self.other}"
        return f"merged with the same bar {_name(self.bar)} in {where}"


@dataclass(frozen=True, slots=True, eq=False)
class Changes(Sequence[Change]):
    """The changes of an arrangement in the order of the song, each made when it is looked at.

    `table` is read-only, of dtype CHANGE: what is counted is counted there. `wanted` is the transposed pitch
    of each note of the song, and may lie outside 0..127.
    """

    song: Song
    instrument: Instrument
    wanted: Ints
    table: ChangeRows

    @classmethod
    def of(
        cls, song: Song, instrument: Instrument, wanted: Ints, why: Ints, bars: Ints, into: Ints, other: Ints
    ) -> Changes:
        """Return what becomes of a song's notes: dropped for a reason, carried into others, on another bar.

        An array has a value for each note: `bars` is NO_HAMMER and `into` -1 where there is none; what has a
        bar and a reason `why` left its voice. `other` are rows of notes that another name's bar stands for.
        """
        struck = instrument.pitches[np.minimum(bars, len(instrument) - 1)]  # of any bar where they are lost
        kind = np.where(struck != wanted, ChangeKind.FOLDED, 0)
        kind[other], kind[into >= 0] = ChangeKind.REPLACED, ChangeKind.MERGED
        lost = (why != Reason.NONE) & (bars == NO_HAMMER)
        kind[lost], into[lost] = ChangeKind.DROPPED, -1
        reason = np.where(lost | (kind == ChangeKind.FOLDED), why, Reason.NONE)
        columns = {"kind": kind, "reason": reason, "hammer": bars, "into": into}
        table = as_change_rows(filled(CHANGE, len(song), note=np.arange(len(song)), **columns))
        return cls(song, instrument, wanted, picked(table, kind > 0))

    def with_shortened(self, strikes: Arranged) -> Changes:
        """Return the same, and for each of these strikes that its note is not renewed to its end."""
        more = filled(CHANGE, len(strikes), note=strikes["source"], hammer=strikes["hammer"], into=-1)
        more["kind"] = ChangeKind.SHORTENED
        return replace(self, table=ordered(joined((self.table, as_change_rows(more))), "note"))

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, place: int) -> Change: ...
    @overload
    def __getitem__(self, place: slice) -> Changes: ...
    def __getitem__(self, place: int | slice) -> Change | Changes:
        """Return the change at a place, or the changes of a slice."""
        if isinstance(place, slice):
            return replace(self, table=picked(self.table, place))
        row: np.void = self.table[place]
        notes = self.song.notes
        note = notes[int(row["note"])]
        time = float(note["onset"])
        measure, beat = self.song.measure_at(time) if self.song.has_beat else (None, None)
        hammer, into = int(row["hammer"]), int(row["into"])
        return Change(
            kind=ChangeKind(int(row["kind"])),
            reason=Reason(int(row["reason"])),
            note=int(row["note"]),
            time=time,
            measure=measure,
            beat=beat,
            pitch=int(note["pitch"]),
            wanted=int(self.wanted[int(row["note"])]),
            bar=None if hammer == NO_HAMMER else self.instrument.hammers[hammer].pitch,
            track=int(note["track"]),
            other=None if into < 0 else int(notes["track"][into]),
        )


def _name(pitch: int) -> str:
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"
