"""The score: the notes to arrange as columns, grouped by instant and by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..song import Song
from ..tables import Bools, Floats, Ints, Notes, picked
from .columns import starts
from .form import places, repeats

_CHORD = 0.025
"""Onsets this close are one instant: a listener hears them together (about 22 ms for their order)."""


_SAID = 0.03
"""s between a note and the syllable that is sung to it."""

INTERVAL = 1.5
"""Between onsets farther apart than this (s) no interval is heard: a phrase may change its octave."""


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Columns of the notes to arrange, all of one length, in the order of the song.

    A part is what one track plays on one channel, numbered from 0; `names` and `programs` belong
    to parts. `instant` numbers the moments at which something begins, ascending; `measure` and `repeat`
    say where a note stands in the form, and which notes are the same one said again; a song that keeps no
    beat has one measure. A `syllable` of the lyrics begins with the note. A note ends when it
    falls silent; its key is released then or, where a pedal holds it, before.
    """

    row: Ints  # of the song's notes
    onset: Floats
    end: Floats
    released: Floats
    pitch: Ints
    loudness: Floats
    part: Ints
    instant: Ints
    measure: Ints
    repeat: Ints
    syllable: Bools
    names: tuple[str, ...]
    programs: Ints

    def __len__(self) -> int:
        return len(self.row)

    def excerpt(self, rows: Ints) -> Score:
        """Return some rows, ascending, as the score of a song that has their notes only."""
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        columns["instant"] = instants(columns["onset"])
        return replace(self, row=np.arange(len(rows), dtype=np.int32), **columns)


_COLUMNS = ("onset", "end", "released", "pitch", "loudness", "part", "measure", "repeat", "syllable")


def read_score(song: Song, rows: Ints, octaves: Mapping[int, int]) -> Score:
    """Return the score of some rows, ascending, of a song's notes; `octaves` moves tracks."""
    notes = picked(song.notes, rows) if len(rows) < len(song) else song.notes
    onset = np.ascontiguousarray(notes["onset"])
    channels = int(notes["channel"].max(initial=0)) + 1
    code = notes["track"].astype(np.int32) * channels + notes["channel"]
    present = np.flatnonzero(np.bincount(code))
    number = np.zeros(int(code.max(initial=0)) + 1, np.int32)
    number[present] = np.arange(len(present))
    part = number[code]
    programs = np.zeros(len(present), np.uint8)
    programs[part[::-1]] = notes["program"][::-1]  # the program a part begins with
    measure, place = places(song, onset)
    measure = measure if song.has_beat else np.zeros_like(measure)
    pitch = _moved(notes, octaves)
    return Score(
        row=rows.astype(np.int32),
        onset=onset,
        end=onset + notes["duration"],
        released=onset + notes["duration"] - notes["pedal"],
        pitch=pitch,
        loudness=np.ascontiguousarray(notes["loudness"]),
        part=part,
        instant=instants(onset),
        measure=measure,
        repeat=repeats(part, measure, place, pitch),
        syllable=_syllables(song, onset),
        names=_names(song, [divmod(int(each), channels) for each in present]),
        programs=programs,
    )


def _names(song: Song, parts: list[tuple[int, int]]) -> tuple[str, ...]:
    """Return the names of parts, which are tracks and channels: the channel's own, else the track's."""
    of_track = {track.number: track.name for track in song.tracks}
    own = {(track.number, channel): name for track in song.tracks for channel, name in track.channel_names}
    return tuple(own.get(part) or of_track.get(part[0], "") for part in parts)


def _syllables(song: Song, onset: Floats) -> Bools:
    """Return which ascending onsets begin a syllable of the lyrics."""
    times = np.array([lyric.time for lyric in song.lyrics])
    near = np.searchsorted(times, onset - _SAID), np.searchsorted(times, onset + _SAID, "right")
    return np.asarray(near[0] < near[1])


def _moved(notes: Notes, octaves: Mapping[int, int]) -> Ints:
    pitch = notes["pitch"].astype(np.int16)
    for track, count in octaves.items():
        pitch[notes["track"] == track] += np.int16(12 * count)
    return np.clip(pitch, 0, 127)


def instants(onset: Floats) -> Ints:
    """Return the number of the instant that each ascending onset belongs to.

    An instant ends before a gap of 25 ms; where notes follow each other so densely that no gap
    comes, it is cut every 25 ms.
    """
    if not len(onset):
        return np.zeros(0, np.int32)
    first = np.concatenate(([True], np.diff(onset) > _CHORD))
    chain = np.cumsum(first) - 1
    slot = ((onset - onset[first][chain]) / _CHORD).astype(np.int64)
    first[1:] |= slot[1:] != slot[:-1]
    return np.cumsum(first, dtype=np.int32) - np.int32(1)


def on_top(score: Score) -> Bools:
    """Return which notes are the highest of their instant as written."""
    if not len(score):
        return np.zeros(0, np.bool_)
    top = np.maximum.reduceat(score.pitch, starts(score.instant))
    return np.asarray(score.pitch == top[score.instant])
