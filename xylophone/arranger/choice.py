"""Choice: which notes of a song are to be arranged at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import OptionError
from ..song import MOST_CHANNELS, Song
from ..tables import Bools, Ints
from ..words import counted
from .changes import Reason

SOFTEST = 0.5
"""Loudness below this is silence: the file has turned the note's volume down to nothing."""


MOST_OCTAVES = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user wants to hear; None means all of it.

    Tracks are numbered as in `song.tracks`, from 0; channels 1..16, as musicians count them,
    17..32 on a second port. What is muted is left out of what was chosen.
    """

    tracks: Collection[int] | None = None
    channels: Collection[int] | None = None
    mute_tracks: Collection[int] = ()
    mute_channels: Collection[int] = ()
    drums: bool = False
    octaves: Mapping[int, int] = field(default_factory=dict)  # by track

    def __post_init__(self) -> None:
        for track, octaves in self.octaves.items():
            if abs(octaves) > MOST_OCTAVES:
                raise OptionError(
                    f"track {track} cannot be moved by {counted(octaves, 'octave')}: give "
                    f"-{MOST_OCTAVES}..{MOST_OCTAVES}"
                )
        for channel in (*(self.channels or ()), *self.mute_channels):
            if not 1 <= channel <= MOST_CHANNELS:
                raise OptionError(
                    f"channel {channel} does not exist: MIDI channels go from 1 to 16, of a second port to 32"
                )


def left_out(song: Song, choice: Choice) -> Ints:
    """Return a Reason for each note, NONE for those to arrange.

    Where several reasons hold the note counts for the first of drums, not chosen, muted, silent.
    Raises OptionError for a track that the song does not have.
    """
    notes = song.notes
    tracks, channels = notes["track"], notes["channel"]
    _check_tracks(song, {*(choice.tracks or ()), *choice.mute_tracks, *choice.octaves})
    reasons = np.zeros(len(notes), np.uint8)
    reasons[~(notes["loudness"] >= SOFTEST)] = Reason.SILENT
    muted = _among(tracks, choice.mute_tracks)
    muted |= _among(channels, (channel - 1 for channel in choice.mute_channels))
    reasons[muted] = Reason.MUTED
    if choice.tracks is not None:
        reasons[~_among(tracks, choice.tracks)] = Reason.NOT_CHOSEN
    if choice.channels is not None:
        reasons[~_among(channels, (channel - 1 for channel in choice.channels))] = Reason.NOT_CHOSEN
    if not choice.drums:
        reasons[notes["drum"]] = Reason.DRUMS
    return reasons


def _among(column: Ints, wanted: Iterable[int]) -> Bools:
    member = np.zeros(1 << 16, np.bool_)
    member[list(wanted)] = True
    return np.asarray(member[column])


def _check_tracks(song: Song, wanted: set[int]) -> None:
    if not wanted:
        return
    known = {track.number for track in song.tracks} | set(song.notes["track"].tolist())
    unknown = sorted(wanted - known)
    if unknown:
        there = ", ".join(str(number) for number in sorted(known)) or "none"
        raise OptionError(f"track {unknown[0]} has no notes in this song: tracks with notes are {there}")
