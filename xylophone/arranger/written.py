"""The arrangement as a song of its own: tracks of strikes on the time axis of the song they come from."""

from __future__ import annotations

import numpy as np

from ..song import Song, Track
from ..tables import NOTE, Floats, Notes, Priority, as_notes
from .arrangement import Arrangement
from .columns import by_group

TRACKS = {Priority.MELODY: "Melody", Priority.BASS: "Bass", Priority.INNER: "Inner voices"}
"""Names of the tracks, in their order."""

XYLOPHONE = 13
"""General MIDI's program, counted from 0."""

_SIXTEENTH = 15.0
"""Divided by the tempo in quarters a minute: the length of a sixteenth in seconds."""


def as_song(arrangement: Arrangement) -> Song:
    """Return the strikes as a song with the tempos, metres and title of the one that was arranged.

    Its pitches are those of the bars, so that it is struck as it is when it is arranged for the same
    instrument. Tracks are numbered from 1, each on a channel of its own. A note lasts as long as the one
    it stands for, a sixteenth at least, and ends where its bar is struck again.

    >>> fitted = arrange(load_song(find_song("sakura")), build_instrument())
    >>> [track.name for track in as_song(fitted).tracks]
    ['Melody', 'Inner voices']
    """
    notes = as_notes(np.zeros(len(arrangement.notes), NOTE))
    order = [priority for priority in TRACKS if np.any(arrangement.notes["priority"] == priority)]
    place = np.zeros(len(Priority), np.uint8)
    place[order] = np.arange(len(order))
    notes["onset"] = arrangement.notes["onset"]
    notes["duration"] = _durations(arrangement)
    notes["pitch"] = arrangement.instrument.pitches[arrangement.notes["hammer"]]
    notes["velocity"] = np.clip(np.rint(arrangement.notes["velocity"]), 1, 127)
    notes["loudness"], notes["program"] = notes["velocity"], XYLOPHONE
    notes["channel"] = place[arrangement.notes["priority"]]
    notes["track"] = notes["channel"] + np.uint8(1)
    song = arrangement.song
    tracks = tuple(_track(number, TRACKS[priority], notes) for number, priority in enumerate(order, 1))
    ends = notes["onset"] + notes["duration"]
    duration = max(song.duration, float(ends.max(initial=0.0)))
    return Song(notes, song.title, song.tempos, song.meters, tracks, duration)


def _track(number: int, name: str, notes: Notes) -> Track:
    return Track(number, name, int(np.count_nonzero(notes["track"] == number)), (number - 1,), (XYLOPHONE,))


def _durations(arrangement: Arrangement) -> Floats:
    """Return how long each strike's note is written, s."""
    song, notes = arrangement.song, arrangement.notes
    source, onset = song.notes[notes["source"]], notes["onset"]
    row = np.maximum(np.searchsorted(song.tempos["time"], onset, "right") - 1, 0)
    end = np.maximum(source["onset"] + source["duration"], onset + _SIXTEENTH / song.tempos["bpm"][row])
    order = by_group(notes["hammer"])
    following = np.full(len(notes), np.inf)
    same = np.diff(notes["hammer"][order]) == 0
    following[order[:-1][same]] = onset[order[1:]][same]
    length: Floats = np.minimum(end, following) - onset
    return length
