"""What is left out by choice: chords that are too large, bars that are asked for again too soon."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, strategies as st

from arranger.melodies import bars, line, song_of, together
from xylophone.arranger import Weights, arrange
from xylophone.arranger.thin import crowded_out, unready
from xylophone.instrument import build_instrument
from xylophone.tables import Priority

BELLS = build_instrument("song-bell")
LEAST = np.array([0.07])


def best_of_all(time, value):
    """Return what the worthiest choice is worth, of all choices."""
    most = 0.0
    for size in range(len(time) + 1):
        for rows in itertools.combinations(range(len(time)), size):
            if np.all(np.diff(time[list(rows)]) >= LEAST[0] - 1e-9):
                most = max(most, value[list(rows)].sum())
    return most


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([1.0, 2.0, 1000.0])), min_size=1, max_size=9))
def test_what_stays_on_one_bar_is_worth_as_much_as_any_choice(rows):
    time = np.sort(np.array([row[0] for row in rows]) / 100.0)
    value = np.array([row[1] for row in rows])
    lost = unready(time, np.zeros(len(time), np.intp), value, LEAST)
    assert np.all(np.diff(time[~lost]) >= LEAST[0] - 1e-9)
    assert value[~lost].sum() == best_of_all(time, value)


def test_a_melody_note_is_never_given_for_others_on_its_bar():
    tune = song_of([(1.0, 79)], track=1)
    other = song_of([(0.95, 79), (1.05, 79)], track=2)
    arrangement = arrange(together(tune, other, names={1: "melody"}), BELLS, transpose=0)
    assert bars(arrangement) == [None, 79, None]
    lines = [str(change) for change in arrangement.changes]
    assert lines[0].endswith("G5 dropped, its hammer is not ready again")


def test_the_worthiest_of_a_chord_stay():
    instant, hammer = np.array([0, 0, 0, 1]), np.array([3, 1, 2, 1])
    lost = crowded_out(instant, hammer, np.array([1.0, 1.0, 1000.0, 1.0]), most=2)
    assert lost.tolist() == [True, False, False, False]


def test_of_a_large_chord_doubled_names_and_repeated_notes_go_first():
    tune = song_of([(0.0, 91), (0.5, 90)], track=1)
    chord = song_of([(0.0, 67), (0.0, 70), (0.5, 70), (0.5, 71), (0.5, 73)], track=2)
    song = together(tune, chord, names={1: "melody"})
    heard = bars(arrange(song, BELLS, transpose=0, weights=Weights(chord=2)))
    assert heard[:3] == [91, None, 70]  # 67 doubles the tune
    assert heard[3:] == [90, None, 71, None]  # 70 doubles it and was struck before


def test_a_music_box_thins_chords_and_accompaniment_but_not_the_tune():
    tune = song_of(line(*[91, 93] * 8, beat=0.15), track=1)
    chords = [song_of(line(*[pitch] * 16, beat=0.15), track=2) for pitch in (67, 69, 71, 72, 74)]
    song = together(tune, *chords, names={1: "melody"})
    arrangement = arrange(song, BELLS, transpose=0, weights=Weights(chord=4, gap=0.2))
    mine = arrangement.notes["priority"] == Priority.MELODY
    assert np.count_nonzero(mine) == 16
    _, sizes = np.unique(arrangement.notes["onset"], return_counts=True)
    assert sizes.max() == 4
    for hammer in set(arrangement.notes["hammer"][~mine].tolist()):
        gaps = np.diff(arrangement.notes["onset"][~mine & (arrangement.notes["hammer"] == hammer)])
        assert np.all(gaps >= 0.2 - 1e-9)
    assert set(arrangement.dropped) == {"crowded", "not ready"}


@given(st.permutations([20, 50, 80, 110]), st.floats(0.005, 0.015))
def test_of_strikes_on_one_bar_that_matter_alike_the_loudest_stays(loudness, apart):
    parts = [
        song_of([(1.0 + n * (0.026 + apart), 79)], loudness=each, velocity=each)
        for n, each in enumerate(loudness[:2])
    ]
    arrangement = arrange(together(*parts), BELLS, transpose=0)
    heard = bars(arrangement)
    assert heard.count(79) == 1
    assert heard[int(np.argmax(loudness[:2]))] == 79


@given(st.permutations(range(6)), st.integers(1, 5))
def test_of_a_large_chord_of_one_part_the_loudest_inner_notes_stay(order, most):
    pitches = (68, 70, 72, 75, 77, 78)
    tune = song_of([(1.0, 95)], track=1)
    chord = [song_of([(1.0, p)], track=2, loudness=30 + 15 * n) for p, n in zip(pitches, order, strict=True)]
    song = together(tune, song_of([(1.0, 67)], track=3), *chord, names={1: "melody"})
    heard = bars(arrange(song, BELLS, transpose=0, weights=Weights(chord=most + 2)))
    inner = [order[pitches.index(bar)] for bar in heard if bar in pitches]
    assert sorted(inner) == list(range(6))[-len(inner) :]
