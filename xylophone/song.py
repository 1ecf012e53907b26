"""A song: tables of notes, tempos and metres, in song time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .tables import (
    KEY,
    METER,
    NOTE,
    TEMPO,
    Floats,
    Ints,
    Keys,
    Meters,
    Notes,
    Tempos,
    as_keys,
    as_meters,
    as_tempos,
)

MOST_CHANNELS = 256
"""16 for each of 16 ports: musicians count those of the first port 1..16, of the second 17..32, and so on."""


_PARTS = (1, 2, 3, 4, 6, 8, 12, 24)
"""Of a quarter note."""

_KEPT = 0.15
"""Performances of 88 classical pieces had at most 0.13, their scores 0.19 to 1.00, half of them over 0.98."""

_FEW, _MOST = 40, 20_000
"""With fewer moments nothing can be said, and the file is believed; of more than so many some serve."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track that holds notes: its number in the file, name, and what plays in it.

    `channel_names` are pairs of a channel, from 0, and the name that the track gives it.
    """

    number: int
    name: str
    notes: int
    channels: tuple[int, ...]
    programs: tuple[int, ...]
    channel_names: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Lyric:
    """A syllable, line breaks before it, and the song time in seconds at which it is sung."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How a file's texts are read, as Python names it, and whether that was guessed from few letters."""

    name: str = "utf-8"
    guessed: bool = False


def plain_tempos() -> Tempos:
    """Return the tempo table of a song that states none: 120 bpm (Standard MIDI Files 1.0)."""
    return as_tempos(np.array([(0.0, 0.0, 120.0)], TEMPO))


def plain_meters() -> Meters:
    """Return the metre table of a song that states none: 4/4."""
    return as_meters(np.array([(0.0, 0.0, 4, 4)], METER))


def no_keys() -> Keys:
    """Return the key table of a song that states none."""
    return as_keys(np.zeros(0, KEY))


@dataclass(frozen=True, eq=False)
class Song:
    """Notes as they sound, in seconds, with what is needed to say where in the music a moment is.

    `notes`, `tempos`, `meters` and `keys` are read-only tables of dtype NOTE, TEMPO, METER and KEY.
    `duration` is the end of the last note or of the longest track, whichever is later. `warnings` names what
    was damaged in the file or cannot sound, one line each. `lyrics` are in the order of time; `loop` are the
    song times, in seconds, of the part that the file means to be repeated; `cut` those of each long silence
    that was shortened, in which the tempos are faster than the music's.

    >>> song = load_song(find_song("greensleeves"))
    >>> len(song), round(song.tempo_at(10.0)), song.measure_at(0.0)
    (463, 78, (1, 1.0))
    """

    notes: Notes
    title: str = ""
    tempos: Tempos = field(default_factory=plain_tempos)
    meters: Meters = field(default_factory=plain_meters)
    tracks: tuple[Track, ...] = ()
    duration: float = 0.0
    warnings: tuple[str, ...] = ()
    keys: Keys = field(default_factory=no_keys)
    lyrics: tuple[Lyric, ...] = ()
    loop: tuple[float, float] | None = None
    encoding: TextEncoding = field(default_factory=TextEncoding)
    cut: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        known = ((self.notes, NOTE), (self.tempos, TEMPO), (self.meters, METER), (self.keys, KEY))
        for table, dtype in known:
            if table.dtype != dtype:
                raise TypeError(f"a song's table must have dtype {dtype}, not {table.dtype}")
            table.flags.writeable = False
        if not len(self.tempos) or not len(self.meters):
            raise ValueError("a song needs a tempo and a metre at 0: leave the tables out for 120 bpm, 4/4")
        onsets = self.notes["onset"]
        if len(onsets) and not (onsets[0] >= 0 and bool(np.all(onsets[1:] >= onsets[:-1]))):
            raise ValueError("a song's notes must be sorted by onset, the first at 0 s or later: sort them")

    def __len__(self) -> int:
        return len(self.notes)

    @cached_property
    def has_beat(self) -> bool:
        """Whether the notes keep the beats of the file's tempos; a performance without a click does not.

        Onsets count as angles on a circle that is once round for each half, third, ... of a quarter: where
        none of these circles has a side that they keep to (mean resultant length), there is no beat.
        """
        onset = self.notes["onset"]
        quarter = self.quarters_at(onset[np.diff(onset, prepend=-1.0) > 0])
        if len(quarter) < _FEW:
            return True
        quarter = quarter[:: 1 + len(quarter) // _MOST]
        turns = np.exp(2j * np.pi * np.outer(_PARTS, quarter))
        return bool(np.abs(turns.mean(axis=1)).max() >= _KEPT)

    def quarter_at(self, time: float) -> float:
        """Return the place of a moment in quarter notes from the beginning."""
        return float(self.quarters_at(np.asarray(time)))

    def quarters_at(self, time: Floats) -> Floats:
        """Return the places of moments in quarter notes from the beginning."""
        row = np.maximum(np.searchsorted(self.tempos["time"], time, "right") - 1, 0)
        since = (time - self.tempos["time"][row]) * self.tempos["bpm"][row] / 60.0
        quarter: Floats = self.tempos["quarter"][row] + since
        return quarter

    def time_at(self, quarter: float) -> float:
        """Return the moment of a place in quarter notes from the beginning."""
        row = self.tempos[max(0, int(np.searchsorted(self.tempos["quarter"], quarter, "right")) - 1)]
        return float(row["time"] + (quarter - row["quarter"]) * 60.0 / row["bpm"])

    def tempo_at(self, time: float) -> float:
        """Return the tempo at a moment in quarter notes a minute; where silence was cut, of what follows."""
        time = next((end for begin, end in self.cut if begin <= time < end), time)
        return float(self.tempos["bpm"][max(0, int(np.searchsorted(self.tempos["time"], time, "right")) - 1)])

    def measure_at(self, time: float) -> tuple[int, float]:
        """Return measure and beat of a moment, both counted from 1; the beat has a fraction."""
        measure, since, row = self.places_at(np.asarray(time))
        return int(measure) + 1, round(float(since * self.meters["denominator"][row]) / 4.0, 6) + 1.0

    def measures_at(self, time: Floats) -> Ints:
        """Return the measures of moments, counted from 1."""
        return self.places_at(time)[0] + 1

    def places_at(self, time: Floats) -> tuple[Ints, Floats, Ints]:
        """Return for moments the measure, from 0, the quarters since it began, and the row of its metre."""
        quarter = self.quarters_at(time) + 1e-9  # a moment on the bar line belongs to what it opens
        row: Ints = np.maximum(np.searchsorted(self.meters["quarter"], quarter, "right") - 1, 0)
        length = 4.0 * self.meters["numerator"][row] / self.meters["denominator"][row]
        measures, since = np.divmod(quarter - self.meters["quarter"][row], length)
        return (self.meters["measure"][row] + measures).astype(np.int64), since, row

    def time_of_measure(self, measure: int) -> float:
        """Return the moment at which a measure, counted from 1, begins."""
        row = self.meters[max(0, int(np.searchsorted(self.meters["measure"], measure - 1, "right")) - 1)]
        length = 4.0 * float(row["numerator"]) / float(row["denominator"])
        return self.time_at(float(row["quarter"] + (measure - 1 - row["measure"]) * length))
