"""Writing: a song becomes a Standard MIDI File of format 1, on its own time axis and tempo map."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from math import lcm
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import replace_file
from ..song import Song
from ..tables import Floats, Ints, Notes
from .channels import DRUM_CHANNEL
from .setups import drum_part

if TYPE_CHECKING:
    from mido import MidiTrack

_Row = tuple[int, int, Any]
"""A tick, a port, and a message of mido's."""

FINEST = 32767
"""Most ticks to a quarter note that a file's header can state."""

DIVISIONS = (960, 1920, 3840, 1024, 10080, 30720)
"""Ticks to a quarter note that are tried; between them they hold what sequencers write."""

_CLOSE = 0.0005
"""s; no note is written farther than this from its time."""

_GRID = 1e-3
"""A moment this near to a tick, in ticks, is on it: what floating point leaves of it after a long song."""

_SLOWEST = 0xFFFFFF
"""Microseconds to a quarter note, the most that a tempo event holds."""

_FARTHEST = (1 << 28) - 1
"""Ticks that a delta time holds."""


def write_song(path: str | os.PathLike[str], song: Song) -> None:
    """Write a song to a MIDI file that is there whole or not at all; FileError where it cannot be.

    What `song_bytes` says holds for its content.

    >>> write_song("copy.mid", load_song(find_song("sakura")))
    >>> load_song("copy.mid").title
    'Sakura, sakura'
    """
    content = song_bytes(song)
    with replace_file(os.fspath(path)) as out:
        out.write(content)


def song_bytes(song: Song) -> bytes:
    """Return a song as a Standard MIDI File of format 1.

    A first track holds title, tempos and metres; then comes one for each track that has notes, with its
    name and for each channel the first program. Read again, onsets are within 0.5 ms of what they were,
    exact where they lie on a common grid, and measures the same. Pitches and lengths are written as they
    sound; volume, expression, bends and pedals are not written.
    """
    import mido

    grid = _Grid.of(song)
    file = mido.MidiFile(type=1, ticks_per_beat=grid.division, charset="utf-8")
    file.tracks.append(_conductor(song, grid))
    names = {track.number: track.name for track in song.tracks}
    for number in np.unique(song.notes["track"]).tolist():
        notes = song.notes[song.notes["track"] == number]
        file.tracks.append(_track(names.get(number, ""), notes, grid))
    out = BytesIO()
    file.save(file=out)
    return out.getvalue()


@dataclass(frozen=True, eq=False)
class _Grid:
    """Ticks of the file, and the times at which its tempo events put them."""

    division: int
    at: Ints  # of tempo events
    micros: Ints  # to a quarter note, from each of them on

    @classmethod
    def of(cls, song: Song) -> _Grid:
        """Return the coarsest grid that holds a song; where none does, the finest."""
        micros = np.clip(np.rint(6e7 / song.tempos["bpm"]), 1, _SLOWEST).astype(np.int64)
        beats = 4.0 / song.meters["denominator"]
        step = _common(np.concatenate((song.tempos["quarter"], song.meters["quarter"], beats)))
        divisions = sorted({lcm(division, step) for division in DIVISIONS} | {FINEST // step * step})
        most = _FARTHEST / max(1.0, song.quarter_at(song.duration))
        fit = [n for n in divisions if n <= min(FINEST, most)] or [min(DIVISIONS)]
        grids = [cls(n, np.rint(song.tempos["quarter"] * n).astype(np.int64), micros) for n in fit]
        return next((grid for grid in grids if grid.holds(song)), grids[-1])

    def holds(self, song: Song) -> bool:
        """Tell whether all notes begin on ticks, which are close enough to stand for any moment."""
        place = self.places(song.notes["onset"])
        fine = self.micros.max() / 1e6 / self.division / 2 <= _CLOSE
        return bool(fine and np.all(np.abs(place - np.rint(place)) < _GRID))

    def places(self, time: Floats) -> Floats:
        """Return the places of moments in ticks, with fractions."""
        starts = np.concatenate(([0.0], np.cumsum(np.diff(self.at) * self.micros[:-1]))) / self._scale
        row = np.maximum(np.searchsorted(starts, time, "right") - 1, 0)
        return self.at[row] + (time - starts[row]) * self._scale / self.micros[row]

    def ticks(self, time: Floats) -> Ints:
        """Return the ticks nearest to moments."""
        return np.rint(self.places(time)).astype(np.int64)

    @property
    def _scale(self) -> float:
        return self.division * 1e6


def _common(quarters: Floats) -> int:
    """Return a division on whose ticks all these places are; 1 where there is none that a file can state."""
    common = 1
    for quarter in np.unique(quarters).tolist():
        common = lcm(common, Fraction(quarter).limit_denominator(FINEST).denominator)
        if common > FINEST:
            return 1
    return common


def _conductor(song: Song, grid: _Grid) -> MidiTrack:
    """Return the track of title, metres and tempos."""
    from mido import MetaMessage

    rows: list[_Row] = [(0, 0, MetaMessage("track_name", name=song.title))]
    for meter in song.meters:
        beats, unit = int(meter["numerator"]), int(meter["denominator"])
        tick = round(float(meter["quarter"]) * grid.division)
        rows.append((tick, 0, MetaMessage("time_signature", numerator=beats, denominator=unit)))
    for tick, micros in zip(grid.at.tolist(), grid.micros.tolist(), strict=True):
        rows.append((tick, 0, MetaMessage("set_tempo", tempo=micros)))
    return _filled(rows)


def _track(name: str, notes: Notes, grid: _Grid) -> MidiTrack:
    """Return a track of notes; at one tick ends come before beginnings."""
    from mido import Message, MetaMessage

    begins = grid.ticks(notes["onset"])
    ends = np.maximum(grid.ticks(notes["onset"] + notes["duration"]), begins + 1)
    rows: list[_Row] = [(0, 0, MetaMessage("track_name", name=name)), *_set_up(notes, begins)]
    port, channel = np.divmod(notes["channel"], 16)
    columns = (begins, ends, port, channel, notes["pitch"], notes["velocity"])
    offs: list[_Row] = []
    ons: list[_Row] = []
    for begin, end, at, own, pitch, velocity in zip(*(column.tolist() for column in columns), strict=True):
        ons.append((begin, at, Message("note_on", channel=own, note=pitch, velocity=velocity)))
        offs.append((end, at, Message("note_off", channel=own, note=pitch, velocity=64)))
    return _filled(rows + offs + ons)


def _set_up(notes: Notes, begins: Ints) -> Iterator[_Row]:
    """Give the first program of each channel and, where it is not what is usual, whether it strikes drums."""
    from mido import Message

    for channel in np.unique(notes["channel"]).tolist():
        mine = np.flatnonzero(notes["channel"] == channel)
        port, own = divmod(channel, 16)
        yield 0, port, Message("program_change", channel=own, program=int(notes["program"][mine[0]]))
        drum = notes["drum"][mine]
        for place in np.flatnonzero(np.diff(drum, prepend=own == DRUM_CHANNEL)).tolist():
            data = drum_part(own, bool(drum[place]))
            yield int(begins[mine[place]]) if place else 0, port, Message("sysex", data=data)


def _filled(rows: list[_Row]) -> MidiTrack:
    """Return a track of messages at ticks and ports, sorted by tick; those at one tick keep their order.

    A gap longer than a delta time holds is filled with empty texts.
    """
    from mido import MetaMessage, MidiTrack

    track, before, port = MidiTrack(), 0, 0
    for tick, own, message in sorted(rows, key=lambda row: row[0]):
        while tick - before > _FARTHEST:
            track.append(MetaMessage("text", time=_FARTHEST))
            before += _FARTHEST
        if own != port:
            track.append(MetaMessage("midi_port", port=own, time=tick - before))
            before, port = tick, own
        message.time, before = tick - before, tick
        track.append(message)
    return track
