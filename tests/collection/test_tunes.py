"""Tunes are known again in other keys, tempos and company, and no two songs are taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from scanning import melody, tune_bytes
from xylophone import arrange, build_instrument, load_song, parse_song, songs
from xylophone.collection.tunes import LEAST_SHARED, MOST_TURNS, NEAR, first_alike, same_tune, tune, tune_of
from xylophone.tables import Ints

Line = tuple[np.ndarray, np.ndarray]


def line(seed: int, notes: int = 60) -> Line:
    """Onsets in seconds and pitches of a tune."""
    pitches, ticks = zip(*melody(seed, notes), strict=True)
    return np.concatenate(([0.0], np.cumsum(ticks)[:-1] / 960)), np.array(pitches)


def alike(*tunes: Ints) -> list[int]:
    return first_alike(tunes).tolist()


def heard(content: bytes, layout: str = "song-bell") -> Ints:
    return tune_of(arrange(parse_song(content), build_instrument(layout)))


def test_a_tune_is_the_same_in_any_key_and_tempo() -> None:
    onset, pitch = line(1)
    assert len(tune(onset, pitch)) > 40
    for semitones, factor in ((5, 1.0), (-12, 0.5), (1, 1.7)):
        assert np.array_equal(tune(onset, pitch), tune(3.0 + factor * onset, pitch + semitones))


def test_a_tune_is_the_same_when_people_play_it() -> None:
    """By 15 ms early or late, with notes left out and put in."""
    onset, pitch = line(1)
    chance = np.random.default_rng(0)
    played = np.sort(onset + chance.normal(0, 0.015, len(onset)))
    kept = np.delete(np.arange(len(onset)), [20, 40])
    assert alike(tune(onset, pitch), tune(played, pitch), tune(onset[kept], pitch[kept])) == [0, 0, 0]


def test_an_excerpt_is_the_same_tune() -> None:
    onset, pitch = line(1, 200)
    assert alike(tune(onset, pitch), tune(onset[90:120], pitch[90:120] + 3)) == [0, 0]


def test_tunes_that_differ_stay_apart() -> None:
    tunes = [tune(*line(seed)) for seed in range(40)]
    assert alike(*tunes) == list(range(40))


def test_no_song_of_the_project_is_taken_for_another() -> None:
    """But for a clock's quarters, which are too short for a tune and share their changes."""
    instrument = build_instrument()
    whole = [entry for entry in songs() if "clock" not in entry.occasion]
    tunes = [tune_of(arrange(load_song(entry.path), instrument)) for entry in whole]
    assert min(len(one) for one in tunes) >= LEAST_SHARED
    assert alike(*tunes) == list(range(len(tunes)))


@pytest.mark.parametrize("layout", ["song-bell", "music-box-c", "glockenspiel-25"])
def test_key_tempo_instruments_words_and_accompaniment_are_no_part_of_the_tune(layout: str) -> None:
    plain = heard(tune_bytes(melody(3)), layout)
    other = {"micros": 700_000, "program": 73, "words": b"la la", "title": b"Another name"}
    guises = [
        heard(tune_bytes(melody(3), higher=4), layout),
        heard(tune_bytes(melody(3), higher=-7, chords=(0, 5, 7), **other), layout),
        heard(tune_bytes(melody(3), higher=2, chords=(0, 9, 5, 7), **other), layout),
    ]
    assert alike(plain, heard(tune_bytes(melody(4), chords=(0, 5, 7)), layout), *guises) == [0, 1, 0, 0, 0]


@pytest.mark.parametrize("steps", [(0,), (2, -2), (1,), (2, 2, -4, 0)])
def test_what_tells_nothing_is_no_turn(steps: tuple[int, ...]) -> None:
    """Repeated notes, trills, scales; three intervals tell something."""
    pitch = np.cumsum(np.resize(steps, 40)) + 40
    assert bool(len(tune(np.arange(40) / 4, pitch))) == (len(set(steps)) > 2)


def test_a_tune_needs_eight_notes() -> None:
    onset, pitch = line(1)
    assert len(tune(onset[:7], pitch[:7])) == 0
    assert len(tune(onset[:8], pitch[:8])) == 1
    assert len(tune([], [])) == 0
    assert alike() == []


def test_few_turns_in_common_are_chance() -> None:
    assert same_tune([7, 8, 24, 25], [10, 10, 100, 100], [900, 900, 100, 100]).tolist() == [
        False, True, False, True,
    ]  # fmt: skip


def test_of_notes_at_one_moment_the_upper_one_counts() -> None:
    onset, pitch = line(1)
    both = np.repeat(onset, 2) + np.tile((0.0, 0.01), len(onset))
    assert np.array_equal(tune(onset, pitch), tune(both, np.repeat(pitch, 2) - np.tile((12, 0), len(onset))))


def test_what_is_the_same_as_the_same_is_the_same() -> None:
    """A medley has both; and files of one content are the same however short."""
    one, other = tune(*line(1)), tune(*line(2))
    medley = np.unique(np.concatenate((one, other)))
    nothing = np.zeros(0, np.uint32)
    assert alike(one, nothing, other, medley) == [0, 1, 0, 0]
    assert first_alike([nothing, one, nothing], [(0, 2)]).tolist() == [0, 1, 0]


def test_any_number_of_copies_is_one_tune_and_a_commonplace_is_none() -> None:
    many = 3 * NEAR
    one = tune(*line(1))
    assert alike(*[one] * many) == [0] * many
    turns = [np.unique(np.concatenate((one[:6], tune(*line(seed))))) for seed in range(100, 100 + many)]
    assert alike(*turns) == list(range(many))


def test_a_tune_has_an_end() -> None:
    chance = np.random.default_rng(0)
    endless = tune(np.cumsum(chance.choice((0.25, 0.5, 1.0), 9000)), chance.integers(60, 84, 9000))
    assert len(endless) == MOST_TURNS
    assert np.all(np.diff(endless.astype(np.int64)) > 0)
