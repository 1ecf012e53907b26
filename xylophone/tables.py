"""What is handed from room to room: tables of rows, and arrays of one number a row.

Each table is a numpy array of its own dtype, and for mypy a type of its own. What comes from outside goes
through its constructor (`as_notes`, ...) once; `picked`, `joined`, `ordered` and `copied` keep the type and
check nothing anew. Times are seconds: song time in what belongs to a song, backend time in all else. `hammer`
is a hammer's place in the instrument, from 0; `strike` is a row of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NewType, TypeVar, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Complex = npt.NDArray[np.complex128]
Samples = npt.NDArray[np.float32]
"""Sound; full scale is 1."""

Rows = npt.NDArray[np.void]
"""Rows of no stated dtype, before a constructor has looked at them."""

AnyTable = TypeVar("AnyTable", bound=Rows)


class Priority(IntEnum):
    """How much a strike matters when not all can be played: the lowest is dropped first.

    >>> Priority.INNER < Priority.BASS < Priority.MELODY
    True
    """

    INNER = 0
    BASS = 1
    MELODY = 2


class Refusal(IntEnum):
    """Why a strike was not sent to its hammer; NONE where it was."""

    NONE = 0
    RECOVERY = 1
    SUPPLY = 2
    HEAT = 3
    LATE = 4

    @property
    def word(self) -> str:
        """The reason as reports and JSON print it."""
        return self.name.lower()


NOTE = np.dtype(
    [
        ("onset", "f8"),  # seconds from the beginning of the song
        ("duration", "f8"),  # seconds that it sounds, 0 where the file never ends the note
        ("loudness", "f4"),  # velocity x volume (CC 7) / 100 x expression (CC 11) / 127; may pass 127
        ("pedal", "f4"),  # the last seconds of its duration, in which only a pedal holds it
        ("track", "u2"),  # number of the track, from 0
        ("pitch", "u1"),  # MIDI pitch that sounds, 0..127; of a drum the written one
        ("velocity", "u1"),  # as written, 1..127
        ("channel", "u1"),  # MIDI channel, 0..15, of the first port; 16..31 of the second, and so on
        ("program", "u1"),  # General MIDI program, 0..127
        ("drum", "?"),  # struck on a kit of drums
    ],
    align=True,
)
"""Row of `Song.notes`, sorted by onset; equal onsets keep the order of the file."""

TEMPO = np.dtype(
    [
        ("time", "f8"),  # seconds from the beginning of the song
        ("quarter", "f8"),  # the same place counted in quarter notes
        ("bpm", "f8"),  # quarter notes a minute from here on
    ]
)
"""Row of `Song.tempos`; the first is at 0."""

METER = np.dtype(
    [
        ("quarter", "f8"),  # quarter notes from the beginning of the song
        ("measure", "f8"),  # number of measures before this place
        ("numerator", "u1"),  # beats in a measure
        ("denominator", "u2"),  # 4: a beat is a quarter note, 8: an eighth
    ],
    align=True,
)
"""Row of `Song.meters`: a change of time signature; the first is at 0. A new one begins a measure."""

KEY = np.dtype(
    [
        ("time", "f8"),  # seconds from the beginning of the song
        ("sharps", "i1"),  # 1 for G major or E minor, -1 for F major or D minor
        ("minor", "?"),
    ]
)
"""Row of `Song.keys`: a key signature of the file; the first may be anywhere."""

ARRANGED = np.dtype(
    [
        ("onset", "f8"),  # song time, exactly that of the source unless it is struck again
        ("velocity", "f4"),  # 1..127, with fractions
        ("lead", "f4"),  # velocities that the song's tune leads by; the same in all rows, 0 for a tune alone
        ("source", "i4"),  # row of the song's notes
        ("hammer", "u1"),  # place of the hammer in the instrument
        ("priority", "u1"),  # a Priority
        ("again", "?"),  # a long note is struck again: its source was struck before
    ],
    align=True,
)
"""Row of `Arrangement.notes`: strike this bar at this song time, this loud."""

CHANGE = np.dtype(
    [
        ("note", "i4"),  # row of the song's notes
        ("into", "i4"),  # row whose strike carries a merged note; -1 otherwise
        ("kind", "u1"),  # a Kind
        ("reason", "u1"),  # a Reason
        ("hammer", "u1"),  # that sounds the note; 255 where none does
    ],
    align=True,
)
"""What happened to one note: 12 bytes, so that a million changes cost little. Sorted by note."""

STRIKE = np.dtype(
    [
        ("time", "f8"),  # when the bar shall sound
        ("velocity", "f4"),  # 1..127, with fractions
        ("source", "i4"),  # row of the song's notes; -1 where there is none
        ("hammer", "u1"),
        ("priority", "u1"),  # a Priority
    ],
    align=True,
)
"""This bar shall sound at this time, this loud.

>>> [column for column in STRIKE.names]
['time', 'velocity', 'source', 'hammer', 'priority']
"""

PLANNED = np.dtype(
    [
        ("time", "f8"),  # the strike's musical time
        ("moved", "f8"),  # re-timing by the sequencer: planned contact is at time + moved
        ("start", "f8"),  # coil on; NaN where refused
        ("width", "f8"),  # coil on for so long; 0 where refused
        ("level", "f8"),  # planned level, dB re 1 m/s of impact speed
        ("velocity", "f4"),
        ("softened", "f4"),  # dB taken off to spare the supply
        ("source", "i4"),
        ("hammer", "u1"),
        ("priority", "u1"),
        ("refused", "u1"),  # a Refusal
        ("rolled", "?"),  # moved because its chord is rolled
    ],
    align=True,
)
"""What became of a strike: its pulse, or the reason why there is none."""

PULSE = np.dtype(
    [
        ("start", "f8"),  # coil on
        ("width", "f8"),  # coil on for so long
        ("strike", "i4"),  # row of the plan; -1 where there is none
        ("channel", "u1"),  # output channel, 0..63
    ],
    align=True,
)
"""Switch this channel on at `start` for `width`: all that a backend receives."""

HIT = np.dtype(
    [
        ("time", "f8"),  # contact of hammer and bar
        ("level", "f8"),  # dB re 1 m/s of impact speed
        ("strike", "i4"),  # row of the plan that caused it; -1 where there is none
        ("channel", "u1"),  # output channel of the hammer
        ("double", "?"),  # a second blow by one pulse
    ],
    align=True,
)
"""One sound that really happened."""

TRIAL = np.dtype(
    [
        ("start", "f8"),  # coil on, backend time
        ("width", "f8"),  # coil on for so long
        ("hammer", "u1"),  # its place in the instrument
        ("purpose", "u1"),  # a Purpose
    ],
    align=True,
)
"""One pulse of a tuning session."""

STRIKE_ON_WIRE = np.dtype([("clock", "<u4"), ("channel", "u1"), ("width", "<u2")])
"""One strike on the serial link: tick of the board's clock, output channel, width in units of 2 us."""

Notes = NewType("Notes", Rows)
Tempos = NewType("Tempos", Rows)
Meters = NewType("Meters", Rows)
Keys = NewType("Keys", Rows)
Arranged = NewType("Arranged", Rows)
ChangeRows = NewType("ChangeRows", Rows)
Strikes = NewType("Strikes", Rows)
Planned = NewType("Planned", Rows)
Pulses = NewType("Pulses", Rows)
Hits = NewType("Hits", Rows)
Trials = NewType("Trials", Rows)
WireStrikes = NewType("WireStrikes", Rows)


def as_notes(table: Rows) -> Notes:
    """Return rows of dtype NOTE as what they are; TypeError for others."""
    return Notes(_checked(table, NOTE))


def as_tempos(table: Rows) -> Tempos:
    """Return rows of dtype TEMPO as what they are; TypeError for others."""
    return Tempos(_checked(table, TEMPO))


def as_meters(table: Rows) -> Meters:
    """Return rows of dtype METER as what they are; TypeError for others."""
    return Meters(_checked(table, METER))


def as_keys(table: Rows) -> Keys:
    """Return rows of dtype KEY as what they are; TypeError for others."""
    return Keys(_checked(table, KEY))


def as_arranged(table: Rows) -> Arranged:
    """Return rows of dtype ARRANGED as what they are; TypeError for others."""
    return Arranged(_checked(table, ARRANGED))


def as_change_rows(table: Rows) -> ChangeRows:
    """Return rows of dtype CHANGE as what they are; TypeError for others."""
    return ChangeRows(_checked(table, CHANGE))


def as_strikes(table: Rows) -> Strikes:
    """Return rows of dtype STRIKE as what they are; TypeError for others.

    >>> strikes = as_strikes(np.zeros(2, STRIKE))
    >>> strikes["time"], strikes["velocity"] = [0.0, 0.5], 80
    """
    return Strikes(_checked(table, STRIKE))


def as_planned(table: Rows) -> Planned:
    """Return rows of dtype PLANNED as what they are; TypeError for others."""
    return Planned(_checked(table, PLANNED))


def as_pulses(table: Rows) -> Pulses:
    """Return rows of dtype PULSE as what they are; TypeError for others."""
    return Pulses(_checked(table, PULSE))


def as_hits(table: Rows) -> Hits:
    """Return rows of dtype HIT as what they are; TypeError for others."""
    return Hits(_checked(table, HIT))


def as_trials(table: Rows) -> Trials:
    """Return rows of dtype TRIAL as what they are; TypeError for others."""
    return Trials(_checked(table, TRIAL))


def as_wire_strikes(table: Rows) -> WireStrikes:
    """Return rows of dtype STRIKE_ON_WIRE as what they are; TypeError for others."""
    return WireStrikes(_checked(table, STRIKE_ON_WIRE))


def filled(dtype: np.dtype[np.void], length: int, **columns: npt.ArrayLike) -> Rows:
    """Return rows of a dtype with these columns: an array each, or one value for all rows; the rest is 0."""
    table = np.zeros(length, dtype)
    for name, values in columns.items():
        table[name] = values
    return table


def picked(table: AnyTable, which: slice | Bools | Ints) -> AnyTable:
    """Return a part of a table, in the order of `which`."""
    return cast(AnyTable, table[which])


def joined(tables: Iterable[AnyTable]) -> AnyTable:
    """Return tables one after the other; at least one."""
    parts, end = list(tables), 0
    table = np.empty(sum(map(len, parts)), parts[0].dtype)  # numpy's own joining forgets alignment
    for part in parts:
        table[end : (end := end + len(part))] = part
    return cast(AnyTable, table)


def ordered(table: AnyTable, key: str) -> AnyTable:
    """Return a table in the order of one of its columns; equal rows keep theirs."""
    return picked(table, np.argsort(table[key], kind="stable"))


def copied(table: AnyTable) -> AnyTable:
    """Return a table that can be written into without changing this one."""
    return table.copy()


def _checked(table: Rows, dtype: np.dtype[np.void]) -> Rows:
    if table.dtype != dtype:
        raise TypeError(f"a table must have dtype {dtype}, not {table.dtype}")
    return table
