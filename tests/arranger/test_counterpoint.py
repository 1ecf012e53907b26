"""Counterpoint: what is made of equal voices, and what only echoes here and there."""

from __future__ import annotations

import numpy as np

from arranger.melodies import line, song_of, together
from xylophone.arranger import arrange
from xylophone.instrument import build_instrument
from xylophone.song import Song

BELLS = build_instrument("song-bell")
SUBJECT = (72, 74, 76, 74, 77, 76, 79, 77, 74, 76, 72, 71, 74, 72, 67, 69, 71, 72, 76, 79, 77, 74)


def canon(*pitches: int, beat: float) -> list[Song]:
    """Return what three tracks play, one after the other, each a fifth or an octave below the first."""
    entries = ((0, 0.0), (7, 2.0), (12, 4.0))
    return [
        song_of(
            line(*(pitch - below for pitch in pitches), beat=beat, start=start), track=track, duration=beat
        )
        for track, (below, start) in enumerate(entries)
    ]


def equal(*parts: Song) -> bool:
    """Return whether the parts, played together, are taken for counterpoint."""
    return arrange(together(*parts), BELLS).counterpoint is not None


def test_a_canon_has_equal_voices():
    assert equal(*canon(*SUBJECT, beat=0.5))


def test_what_says_every_note_again_is_a_figure_and_no_voice():
    twice = np.repeat(SUBJECT, 2).tolist()
    assert not equal(*canon(*twice, beat=0.25))


def test_a_theme_that_stays_on_a_pitch_now_and_then_is_one():
    fifth = [pitch for n, pitch in enumerate(SUBJECT) for pitch in [pitch] * (1 + (n % 5 == 0))]
    assert equal(*canon(*fifth, beat=0.5))


def test_voices_that_come_and_go_are_an_accompaniment():
    passing = [
        song_of(line(60 - n, 62 - n, start=2.25 + n), track=3 + n, duration=0.5)
        for n in range(6)
    ]  # fmt: skip
    assert equal(*canon(*SUBJECT, beat=0.5), *passing[:3])
    assert not equal(*canon(*SUBJECT, beat=0.5), *passing)
