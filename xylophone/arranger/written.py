"""The arrangement as a song of its own: tracks of strikes on the time axis of the song they come from."""

from __future__ import annotations

import numpy as np

from ..song import Song, Track
from ..tables import NOTE, Floats, Notes, Priority, as_notes, filled
from .arrangement import Arrangement
from .balance import unbalanced
from .tremolo import next_strike

TRACKS = {Priority.MELODY: "Melody", Priority.BASS: "Bass", Priority.INNER: "Inner voices"}
"""Names of the tracks, in their order."""

XYLOPHONE = 13
"""General MIDI's program, counted from 0."""

_SIXTEENTH = 15.0
"""Divided by the tempo in quarters a minute: the length of a sixteenth in seconds."""


def as_song(arrangement: Arrangement) -> Song:
    """Return the strikes as a song with the tempos, metres and title of the one that was arranged.

    Its pitches are those of the bars, so that it is struck as it is when it is arranged for the same
    instrument; its velocities differ by as many dB as on the bars, and give nearly the same levels again.
    Tracks are numbered from 1, each on a channel of its own. A note lasts as long as the one it stands for,
    a sixteenth at least, and ends where its bar is struck again.

    >>> fitted = arrange(load_song(find_song("sakura")), build_instrument())
    >>> [track.name for track in as_song(fitted).tracks]
    ['Melody', 'Inner voices']
    """
    order = [priority for priority in TRACKS if np.any(arrangement.notes["priority"] == priority)]
    place = np.zeros(len(Priority), np.uint8)
    place[order] = np.arange(len(order))
    strikes, channel = arrangement.notes, place[arrangement.notes["priority"]]
    notes = as_notes(filled(NOTE, len(strikes), onset=strikes["onset"], duration=_durations(arrangement)))
    notes["pitch"], notes["program"] = arrangement.instrument.pitches[strikes["hammer"]], XYLOPHONE
    notes["velocity"] = notes["loudness"] = unbalanced(strikes)
    notes["channel"], notes["track"] = channel, channel + 1
    song = arrangement.song
    tracks = tuple(_track(number, TRACKS[priority], notes) for number, priority in enumerate(order, 1))
    duration = max(song.duration, float((notes["onset"] + notes["duration"]).max(initial=0.0)))
    return Song(notes, song.title, song.tempos, song.meters, tracks, duration)


def _track(number: int, name: str, notes: Notes) -> Track:
    return Track(number, name, int(np.count_nonzero(notes["track"] == number)), (number - 1,), (XYLOPHONE,))


def _durations(arrangement: Arrangement) -> Floats:
    """Return how long each strike's note is written, s."""
    song, notes = arrangement.song, arrangement.notes
    source, onset = song.notes[notes["source"]], notes["onset"]
    row = np.maximum(np.searchsorted(song.tempos["time"], onset, "right") - 1, 0)
    end = np.maximum(source["onset"] + source["duration"], onset + _SIXTEENTH / song.tempos["bpm"][row])
    return np.asarray(np.minimum(end, next_strike(notes)) - onset)
