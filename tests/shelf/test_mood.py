"""Moods are guessed, and how well is measured on songs whose moods are known."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from xylophone.collection.library import IndexEntry, songs
from xylophone.midifile import load_song
from xylophone.shelf.mood import CENTRES, MOODS, NEAR, Traits, guessed, traits_of
from xylophone.song import Song
from xylophone.tables import NOTE, as_notes


@cache
def tagged() -> list[tuple[IndexEntry, Traits]]:
    """Return the project's songs, without a clock's chimes, and the traits of each."""
    return [(song, traits_of(load_song(song.path))) for song in songs() if "clock" not in song.occasion]


def centres(left_out: IndexEntry | None = None) -> dict[str, tuple[float, float, float]]:
    """Return the centres of the moods, without one of the songs."""
    places = {
        mood: [traits.place for song, traits in tagged() if mood in song.mood and song is not left_out]
        for mood in CENTRES
    }
    return {mood: tuple(np.mean(found, axis=0)) for mood, found in places.items()}


def test_the_centres_are_those_of_the_songs() -> None:
    for mood, found in centres().items():
        assert found == pytest.approx(CENTRES[mood], abs=0.006), mood


def test_three_of_five_guesses_are_among_the_tags_of_a_song_that_was_left_out() -> None:
    """The most frequent mood alone would be right for 33 of these 74."""
    right = [guessed(traits, centres(song)) in song.mood for song, traits in tagged()]
    assert len(right) >= 74
    assert sum(right) / len(right) >= 0.6


def test_nothing_that_is_called_calm_is_dazzling() -> None:
    calm = [song.mood for song, traits in tagged() if guessed(traits) == "calm"]
    assert len(calm) >= 20
    assert not [mood for mood in calm if "dazzling" in mood]


def test_a_chord_is_one_moment_and_silence_counts() -> None:
    notes = np.zeros(6, NOTE)
    notes["onset"], notes["duration"], notes["loudness"] = [0, 0, 0.02, 4, 4.01, 8], 0.5, 72
    traits = traits_of(Song(as_notes(notes), duration=10.0))
    assert traits == Traits(tempo_bpm=120.0, density=0.3, loudness=72.0)
    assert traits.place == pytest.approx((math.log2(120), math.log2(0.3), 6.0))


def test_each_mood_knows_what_is_near_it() -> None:
    assert set(NEAR) == set(MOODS) == {mood for song, _ in tagged() for mood in song.mood}
    assert all(set(near) <= set(MOODS) - {mood} for mood, near in NEAR.items())
