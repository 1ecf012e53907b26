"""Small songs for the arranger's tests, and the strategy that invents them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from xylophone.arranger import Arrangement, ChangeKind
from xylophone.instrument import LAYOUTS, build_instrument
from xylophone.song import Song, Track
from xylophone.tables import NOTE, Rows

layouts = st.sampled_from(sorted(LAYOUTS)).map(build_instrument)

shifts = st.sampled_from([-24, -12, -5, 0, 3, 12])
"""Transpositions, in semitones, for laws that hold under any: a search arranges a song some thirty times."""


def song_of(
    rows: Iterable[tuple[float, int]],
    *,
    track: int = 0,
    channel: int = 0,
    loudness: float = 80,
    velocity: int = 80,
    duration: float = 0.2,
) -> Song:
    """Return a song of (onset, pitch) pairs that one track plays."""
    pairs = list(rows)
    notes = np.zeros(len(pairs), NOTE)
    if pairs:
        notes["onset"], notes["pitch"] = zip(*pairs, strict=True)
    notes["track"], notes["channel"], notes["duration"] = track, channel, duration
    notes["loudness"], notes["velocity"], notes["drum"] = loudness, velocity, channel == 9
    return together(notes)


def line(*pitches: int, beat: float = 0.5, start: float = 0.0) -> list[tuple[float, int]]:
    """Return (onset, pitch) pairs, one a beat."""
    return [(start + n * beat, pitch) for n, pitch in enumerate(pitches)]


def together(*parts: Song | Rows, names: dict[int, str] | None = None) -> Song:
    """Return the song in which all parts sound at once."""
    tables = [part.notes if isinstance(part, Song) else part for part in parts]
    notes = np.concatenate(tables)
    notes = notes[np.argsort(notes["onset"], kind="stable")]
    tracks = tuple(Track(number, name, 0, (), ()) for number, name in (names or {}).items())
    return Song(notes, tracks=tracks)


def shifted(song: Song, semitones: int) -> Song:
    """Return the song with every pitch moved."""
    notes = song.notes.copy()
    notes["pitch"] += np.uint8(semitones % 256)
    return Song(notes, tracks=song.tracks)


def bars(arrangement: Arrangement) -> list[int | None]:
    """Return for each note of the song the pitch of the bar that sounds it, None where none does."""
    pitches = arrangement.instrument.pitches
    heard: list[int | None] = [None] * len(arrangement.song)
    for strike in arrangement.notes[~arrangement.notes["again"]]:
        heard[strike["source"]] = int(pitches[strike["hammer"]])
    for change in arrangement.changes:
        if change.kind is ChangeKind.MERGED:
            heard[change.note] = change.bar
    return heard


_ROW = st.tuples(
    st.integers(0, 400).map(lambda step: step / 50) | st.floats(0, 20, allow_nan=False),
    st.integers(0, 127),  # pitch
    st.floats(0, 170, width=32),  # loudness
    st.integers(1, 127),  # velocity
    st.integers(0, 3),  # track
    st.sampled_from([0, 1, 9]),  # channel
    st.floats(0, 3, allow_nan=False),  # duration
)


@st.composite
def songs(draw: st.DrawFn) -> Song:
    """Invent a song of up to 60 notes: chords, drums, silent notes, several tracks, any pitch."""
    rows = sorted(draw(st.lists(_ROW, max_size=60)), key=lambda row: row[0])
    notes = np.zeros(len(rows), NOTE)
    for name, column in zip(
        ("onset", "pitch", "loudness", "velocity", "track", "channel", "duration"),
        zip(*rows, strict=True),
        strict=False,
    ):
        notes[name] = column
    notes["drum"] = notes["channel"] == 9
    return Song(notes)


melodies = st.lists(st.integers(30, 90), min_size=1, max_size=40).map(lambda pitches: song_of(line(*pitches)))
