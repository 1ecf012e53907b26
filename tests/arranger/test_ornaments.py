"""Graces, trills, arpeggios and glissandi: as the file times them, as far as the hammers go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import bars, song_of, together
from xylophone.arranger import Arrangement, Weights, arrange, preset
from xylophone.arranger.ornaments import main_notes
from xylophone.arranger.score import read_score
from xylophone.instrument import build_instrument
from xylophone.song import Song
from xylophone.tables import NOTE, Priority

BELLS = build_instrument("song-bell")
LOWEST, HIGHEST = int(BELLS.pitches[0]), int(BELLS.pitches[-1])
RECOVERY = BELLS.hammers[0].recovery

presets = st.sampled_from(["auto", "faithful", "solo", "virtuoso"]).map(preset)
loudness = st.integers(30, 120)


def played(rows: list[tuple[float, int, float, int]], track: int = 1) -> Song:
    """Return the song of (onset, pitch, duration, loudness) that one track plays."""
    notes = np.zeros(len(rows), NOTE)
    if rows:
        notes["onset"], notes["pitch"], notes["duration"], notes["loudness"] = zip(*rows, strict=True)
    notes["velocity"], notes["track"] = notes["loudness"], track
    return together(notes)


def strikes(arrangement: Arrangement, song: Song) -> list[tuple[float, int, int]]:
    """Return onset, pitch of the bar and row of each strike of its own."""
    notes = arrangement.notes[~arrangement.notes["again"]]
    pitch = BELLS.pitches[notes["hammer"]]
    return sorted(zip(notes["onset"].tolist(), pitch.tolist(), notes["source"].tolist(), strict=True))


@st.composite
def ornate(draw: st.DrawFn) -> tuple[Song, list[float]]:
    """Invent a tune with graces, often on the octave of their main note, and what accompanies it."""
    rows, mains, time = [], [], 0.5
    for _ in range(draw(st.integers(1, 8))):
        pitch, step = draw(st.integers(55, 100)), draw(st.floats(0.01, 0.11))
        count = draw(st.integers(0, 3))
        for back in range(count, 0, -1):
            near = pitch + draw(st.sampled_from([-2, -1, 0, 1, 2] + [-24, -12, 12] * (step > 0.025)))
            rows.append((time - back * step, near, draw(st.floats(0.01, 0.1)), draw(loudness)))
        rows.append((time, pitch, draw(st.floats(0.25, 0.35)), draw(loudness)))
        mains.append(time)
        time += draw(st.floats(0.5, 1.0))
    chords = [
        (draw(st.sampled_from(mains)), draw(st.integers(30, 90)), 0.5, draw(loudness)) for _ in range(6)
    ]
    return together(played(rows), played(chords, 2), names={1: "melody", 2: "pad"}), mains


@given(ornate(), presets)
def test_no_main_note_yields_to_its_grace(made: tuple[Song, list[float]], weights: Weights) -> None:
    song, mains = made
    arrangement = arrange(song, BELLS, transpose=0, weights=weights)
    tune = np.isin(song.notes["onset"], mains) & (song.notes["track"] == 1)
    struck = {row: onset for onset, _, row in strikes(arrangement, song)}
    for row in np.flatnonzero(tune).tolist():
        assert struck.get(row) == song.notes["onset"][row], str(arrangement.changes[0])


@given(ornate(), presets)
def test_a_grace_is_struck_when_it_is_written_or_not_at_all(
    made: tuple[Song, list[float]], weights: Weights
) -> None:
    song, _ = made
    for onset, _, row in strikes(arrange(song, BELLS, transpose=0, weights=weights), song):
        assert onset == song.notes["onset"][row]


def test_of_two_strikes_on_one_bar_the_grace_goes_though_it_is_louder() -> None:
    for apart in (0.02, 0.06):
        song = played([(1.0 - apart, 79, 0.05, 120), (1.0, 79, 0.5, 40)])
        arrangement = arrange(song, BELLS, transpose=0)
        assert [row for _, _, row in strikes(arrangement, song)] == [1]


@pytest.mark.parametrize("grace", [74, 70])
def test_a_crushed_grace_leaves_the_tune_to_its_main_note(grace: int) -> None:
    song = played([(0.985, grace, 0.05, 100), (1.0, 72, 0.5, 60)])
    arrangement = arrange(song, BELLS, transpose=0, weights=preset("solo"))
    assert arrangement.roles.tolist() == [Priority.MELODY, Priority.MELODY]
    assert [pitch for _, pitch, _ in strikes(arrangement, song)] == [grace, 72]


@pytest.mark.parametrize(
    ("lengths", "told"),
    [
        ((0.05, 0.5), [0]),
        ((0.05, 0.05, 0.05, 0.5), [0, 1, 2]),
        ((0.05, 0.05, 0.05, 0.05, 0.5), []),  # a run
        ((0.05, 0.09), []),  # hardly longer
        ((0.05, 0.05), []),
        ((0.13, 0.5), []),
        ((0.5, 0.05), []),
        ((0.5, 0.05, 0.5), [1]),
    ],
)
def test_graces_are_up_to_three_short_notes_right_before_a_longer_one(
    lengths: tuple[float, ...], told: list[int]
) -> None:
    onset = np.cumsum([0.0, *lengths[:-1]])
    song = played(
        [(time, 72 + n, lasts, 80) for n, (time, lasts) in enumerate(zip(onset, lengths, strict=True))]
    )
    score = read_score(song, np.arange(len(song)), {})
    main = main_notes(score, score.part)
    assert np.flatnonzero(main >= 0).tolist() == told
    assert set(main[told].tolist()) <= {told[-1] + 1 if told else -1}


def most(onsets: list[float]) -> int:
    """Return how many of the strikes of a bar its hammer can do: each as soon as it is ready."""
    count, ready = 0, -1.0
    for onset in onsets:
        if onset >= ready - 1e-9:
            count, ready = count + 1, onset + RECOVERY
    return count


@given(
    st.integers(LOWEST, HIGHEST - 4),
    st.integers(1, 4),
    st.floats(0.03, 0.034) | st.floats(0.03, 0.11),
    st.lists(loudness, min_size=4, max_size=40),
    presets,
)
def test_a_trill_keeps_what_the_hammers_can_do_its_first_stroke_and_its_last(
    low: int, step: int, apart: float, strokes: list[int], weights: Weights
) -> None:
    rows = [(1.0 + n * apart, low + step * (n % 2), apart, loud) for n, loud in enumerate(strokes)]
    song = played(rows)
    arrangement = arrange(song, BELLS, transpose=0, weights=weights)
    kept = strikes(arrangement, song)
    assert all(pitch == song.notes["pitch"][row] for _, pitch, row in kept)
    for bar in (low, low + step):
        written = [onset for onset, pitch, _, _ in rows if pitch == bar]
        heard = [onset for onset, pitch, _ in kept if pitch == bar]
        assert len(heard) == most(written)
        if len(heard) > 1:
            assert (heard[0], heard[-1]) == (written[0], written[-1])


@given(
    st.lists(st.integers(LOWEST, HIGHEST), min_size=2, max_size=8, unique=True),
    st.sampled_from(["up", "down", "any"]),
    st.floats(0.015, 0.08),
    presets,
)
def test_a_rolled_chord_is_struck_whole_and_in_its_order(
    pitches: list[int], way: str, apart: float, weights: Weights
) -> None:
    order = pitches if way == "any" else sorted(pitches, reverse=way == "down")
    song = played([(1.0 + n * apart, pitch, 2.0, 80) for n, pitch in enumerate(order)])
    weights = preset("faithful") if not weights.accompaniment else weights
    arrangement = arrange(song, BELLS, transpose=0, weights=weights)
    own = strikes(arrangement, song)
    assert [(onset, pitch) for onset, pitch, _ in own] == [
        (float(row["onset"]), int(row["pitch"])) for row in song.notes
    ]


@given(
    st.lists(st.integers(LOWEST, 84), min_size=2, max_size=6, unique=True),
    st.floats(0.015, 0.08),
    st.booleans(),
)
def test_a_rolled_chord_beneath_a_tune_keeps_its_order(pitches: list[int], apart: float, up: bool) -> None:
    chord = [(1.0 + n * apart, pitch, 1.5, 70) for n, pitch in enumerate(sorted(pitches, reverse=not up))]
    song = together(played([(1.0, 96, 2.0, 90)]), played(chord, 2), names={1: "melody", 2: "pad"})
    arrangement = arrange(song, BELLS, transpose=0)
    assert bars(arrangement) == song.notes["pitch"].tolist()
    assert not len(arrangement.changes)


@given(
    st.integers(LOWEST, HIGHEST - 8),
    st.integers(8, 29),
    st.booleans(),
    st.sampled_from([range(12), (0, 2, 4, 5, 7, 9, 11)]),
    st.floats(0.012, 0.06),
    st.sampled_from([0.02, 0.1, 0.5]),
)
def test_a_glissando_loses_nothing(
    low: int, size: int, up: bool, scale: tuple[int, ...], apart: float, lasts: float
) -> None:
    run = [pitch for pitch in range(low, min(low + size, HIGHEST + 1)) if pitch % 12 in scale]
    run = run if up else run[::-1]
    song = played([(1.0 + n * apart, pitch, lasts, 80) for n, pitch in enumerate(run)])
    held = song_of([(0.0, run[0]), (1.1 + len(run) * apart, run[-1])], track=1, duration=0.5)
    for whole in (song, together(song, held)):
        arrangement = arrange(whole, BELLS, transpose=0)
        assert bars(arrangement) == whole.notes["pitch"].tolist()
        assert not arrangement.dropped
