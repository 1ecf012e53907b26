"""Presets and weights: what they change in what is struck."""

from __future__ import annotations

import numpy as np
import pytest

from arranger.melodies import bars, line, song_of, together
from xylophone import strikes_of
from xylophone.arranger import Weights, arrange, judge, preset
from xylophone.arranger.form import key_of
from xylophone.calibration.file import calibration_for
from xylophone.collection.library import songs
from xylophone.errors import OptionError
from xylophone.instrument import build_instrument
from xylophone.midifile import load_song
from xylophone.sequencer import sequence
from xylophone.tables import Priority

BELLS = build_instrument("song-bell")
WOOD = build_instrument("song-bell", bars="rosewood")
WHITE = build_instrument("diatonic-15")


def band():
    tune = song_of(line(84, 86, 88, 84), track=1)
    chords = [song_of(line(*[pitch] * 4), track=2) for pitch in (48, 52, 55)]
    return together(tune, *chords, names={1: "melody", 2: "pad"})


def test_solo_strikes_the_melody_alone():
    arrangement = arrange(band(), BELLS, weights=preset("solo"))
    assert set(arrangement.notes["priority"].tolist()) == {Priority.MELODY}
    assert arrangement.dropped == {"not melody": 12}
    assert len(arrangement) == 4


def test_virtuoso_strikes_long_notes_of_the_tune_again_until_they_end():
    held = song_of([(0.0, 84), (2.0, 86)], duration=1.0)
    notes = arrange(held, WOOD, weights=preset("virtuoso")).notes
    first = notes[notes["source"] == 0]
    assert first["again"].tolist() == [False] + [True] * 9
    assert np.allclose(np.diff(first["onset"]), 1 / 9)
    assert first["onset"][-1] <= 1.0
    assert np.all(first["velocity"][1:] < first["velocity"][0])


def test_a_renewed_note_leaves_its_bar_free_for_the_next_one():
    song = song_of([(0.0, 84), (0.8, 84)], duration=1.0)
    onsets = arrange(song, WOOD, weights=preset("virtuoso")).notes["onset"]
    assert len(onsets) > 4
    assert np.min(np.diff(onsets)) >= BELLS.hammers[0].recovery - 1e-9
    assert 0.8 in onsets


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"cover": 101.0}, "weight cover 101 is out of range: give 0..100"),
        ({"apart": float("nan")}, "weight apart nan is out of range: give 0..100"),
        ({"chord": 65}, "weight chord 65 is out of range: give 0..64"),
        ({"gap": -0.1}, "weight gap -0.1 is out of range: give 0..2"),
    ],
)
def test_a_weight_out_of_bounds_is_one_line(weights, message):
    with pytest.raises(OptionError) as caught:
        Weights(**weights)
    assert str(caught.value) == message


def test_a_preset_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(
        OptionError, match="'jazz' does not exist: choose one of auto, faithful, polyphonic, music-box"
    ):
        preset("jazz")


def test_without_a_price_for_covering_the_tune_nothing_is_left_out_for_it():
    tune = song_of(line(*[67] * 8), track=1)
    above = song_of(line(*[90, 91] * 4), track=2)
    low = song_of(line(*[30] * 8), track=3)
    song = together(tune, above, low, names={1: "melody"})
    assert arrange(song, BELLS, transpose=0).dropped["covers"] > 0
    assert "covers" not in arrange(song, BELLS, transpose=0, weights=Weights(cover=0.0)).dropped


def test_on_white_bars_a_black_key_of_the_tune_keeps_its_contour():
    tune = (84, 85, 86, 85, 84, 83, 82, 81)
    arrangement = arrange(song_of(line(*tune)), WHITE, transpose=0)
    heard = bars(arrangement)
    assert None not in heard
    assert arrangement.replaced == 3
    assert np.all(np.diff(heard[2:]) <= 0)
    assert heard[1] in (84, 86)
    assert "replaced by its neighbour" in str(arrangement.changes[0])


@pytest.mark.parametrize("song", songs(), ids=lambda song: song.name)
def test_the_project_s_own_songs_keep_their_tune_and_nothing_is_refused(song):
    loaded = load_song(song.path)
    for layout in ("song-bell", "glockenspiel"):
        instrument = build_instrument(layout)
        arrangement = arrange(loaded, instrument)
        tune = np.flatnonzero(arrangement.roles == Priority.MELODY)
        struck, pitch = arrangement.struck[tune], loaded.notes["pitch"][tune].astype(int)
        assert np.all(struck >= 0)
        assert len(set((struck - pitch).tolist())) == 1
        plan = sequence(strikes_of(arrangement.notes), instrument, calibration_for(instrument, None))
        assert len(plan.refused) == 0


def test_the_score_falls_with_what_is_lost():
    good = judge(arrange(band(), BELLS))
    assert good.score >= 95
    assert good.melody == "melody"
    poor = judge(arrange(band(), build_instrument("diatonic-15"), transpose=1))
    assert poor.score < good.score
    costs = {cost.name: cost for cost in poor.costs}
    assert costs["melody"].share > 0.2
    assert judge(arrange(song_of([]), BELLS)).score == 0


@pytest.mark.parametrize(
    ("pitches", "transpose", "key"),
    [
        ((60, 64, 67, 60, 62, 64, 65, 67, 69, 71, 72), 0, "C major"),
        ((60, 64, 67, 60, 62, 64, 65, 67, 69, 71, 72), 5, "F major"),
        ((57, 60, 64, 57, 59, 60, 62, 64, 65, 68, 69), 0, "A minor"),
    ],
)
def test_a_key_is_told_by_its_notes(pitches, transpose, key):
    assert key_of(song_of(line(*pitches)), transpose) == key
    assert key_of(song_of([])) == ""
