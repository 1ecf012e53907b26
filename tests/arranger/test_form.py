"""What is said again: the same notes of the same figures, sections, repeats that are arranged alike."""

from __future__ import annotations

import numpy as np
import pytest

from arranger.melodies import line, song_of, together
from xylophone import find_song, load_song
from xylophone.arranger import Weights, arrange
from xylophone.arranger.account import describe
from xylophone.arranger.form import MOST_SECTIONS, ostinato, places, repeats, sections, usual
from xylophone.instrument import build_instrument
from xylophone.song import Song
from xylophone.tables import METER, TEMPO, Priority

BELLS = build_instrument("song-bell")
MEASURE = 2.0
"""s of a measure of four beats at 120 bpm."""


def sections_of(*measures: tuple[int, ...]) -> str:
    """Return the letters of the sections of a melody, given by the four quarters of each measure."""
    song = song_of(line(*(pitch for measure in measures for pitch in measure)))
    measure, place = places(song, song.notes["onset"])
    found = sections(measure, place, song.notes["pitch"].astype(np.int64))
    return " ".join(f"{letter}{first + 1}-{last + 1}" for letter, first, last in found)


def tune(seed: int, length: int) -> list[tuple[int, ...]]:
    """Return measures of four quarters each, different for each seed."""
    pitches = np.random.default_rng(seed).integers(60, 84, (length, 4))
    return [tuple(measure) for measure in pitches.tolist()]


def test_an_onset_belongs_to_the_sixteenth_that_it_is_nearest_to() -> None:
    song = song_of(line(60))
    measure, place = places(song, np.array([0.0, 0.05, 0.07, 1.99, 2.0, 2.26]))
    assert measure.tolist() == [0, 0, 0, 1, 1, 1]
    assert place.tolist() == [0, 0, 1, 0, 0, 2]


def test_measures_are_those_of_the_metre() -> None:
    meters = np.array([(0.0, 0.0, 3, 4), (6.0, 2.0, 6, 8)], METER)
    song = Song(song_of(line(60)).notes, meters=meters)
    measure, place = places(song, np.array([0.0, 1.5, 2.5, 3.0, 4.25, 4.5]))
    assert measure.tolist() == [0, 1, 1, 2, 2, 3]
    assert place.tolist() == [0, 0, 8, 0, 10, 0]


@pytest.mark.parametrize("bpm", [76.0, 97.0, 120.0])
def test_thirty_seconds_fall_on_the_same_places_whatever_the_tempo(bpm: float) -> None:
    tempos = np.array([(0.0, 0.0, bpm)], TEMPO)
    song = Song(song_of(line(60)).notes, tempos=tempos)
    quarters = np.arange(64)[:, None] * 4.0 + np.arange(8) / 8.0
    _, place = places(song, (quarters * 60.0 / bpm).ravel())
    assert np.array_equal(np.unique(place.reshape(64, 8), axis=0), [[0, 1, 1, 2, 2, 3, 3, 4]])


def test_measures_that_are_no_whole_sixteenths_are_alike_too() -> None:
    song = Song(song_of(line(60)).notes, meters=np.array([(0.0, 0.0, 7, 32)], METER))
    quarters = np.arange(16)[:, None] * 0.875 + np.array([0.0, 0.25, 0.5])
    measure, place = places(song, quarters.ravel() * 0.5)
    assert np.array_equal(measure.reshape(16, 3), np.repeat(np.arange(16), 3).reshape(16, 3))
    assert np.array_equal(np.unique(place.reshape(16, 3), axis=0), [[0, 1, 2]])


def test_kin_are_the_same_notes_of_whole_figures_that_are_equal() -> None:
    part = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    measure = np.array([0, 0, 1, 1, 2, 2, 0, 0])
    place = np.array([0, 4, 4, 0, 0, 4, 0, 4])
    pitch = np.array([60, 64, 64, 60, 60, 65, 60, 64])
    repeat = repeats(part, measure, place, pitch)
    assert repeat[0] == repeat[3]  # whatever the order of the notes
    assert repeat[1] == repeat[2]
    assert (
        len({repeat[0], repeat[1], repeat[4], repeat[5], repeat[6], repeat[7]}) == 6
    )  # another note, or another part


def test_what_most_kin_choose_is_the_usual() -> None:
    repeat = np.array([0, 1, 0, 0, 1, 2])
    assert usual(repeat, np.array([1, 3, 0, 1, 2, 5])).tolist() == [1, 2, 1, 1, 2, 5]
    assert usual(np.zeros(2, np.int64), np.array([-1, 0])).tolist() == [0, 0]  # of equal ones what is written


def test_an_ostinato_is_said_in_the_measure_before() -> None:
    repeat, measure = np.array([0, 0, 1, 0, 0]), np.array([0, 1, 1, 3, 4])
    assert ostinato(repeat, measure).tolist() == [False, True, False, False, True]
    doubled = ostinato(np.zeros(6, np.int64), np.array([0, 0, 1, 1, 3, 3]))
    assert doubled.tolist() == [False, False, True, True, False, False]


def test_sections_that_return_have_one_letter() -> None:
    first, second, third = tune(1, 8), tune(2, 8), tune(3, 6)
    assert sections_of(*first, *first, *second, *first) == "A1-8 A9-16 B17-24 A25-32"
    assert sections_of(*first, *second, *first, *third, *first) == "A1-8 B9-16 A17-24 C25-30 A31-38"


def test_a_section_returns_although_one_of_its_measures_is_varied() -> None:
    first = tune(1, 8)
    varied = [*first[:4], (1, 2, 3, 4), *first[5:]]
    assert sections_of(*first, *tune(2, 4), *varied) == "A1-8 B9-12 A13-20"


def test_an_upbeat_has_no_letter() -> None:
    first = tune(1, 8)
    assert sections_of(*tune(5, 1), *first, *first) == "A2-9 A10-17"


@pytest.mark.parametrize("length", [1, 7, 40])
def test_where_nothing_returns_there_are_no_sections(length: int) -> None:
    assert sections_of(*tune(1, length)) == ""


def test_silence_is_no_section() -> None:
    first = [pitch for measure in tune(1, 8) for pitch in measure]
    song = song_of(line(*first, start=8 * MEASURE) + line(*first, start=24 * MEASURE))
    measure, place = places(song, song.notes["onset"])
    found = sections(measure, place, song.notes["pitch"].astype(np.int64))
    assert found == [("A", 8, 15), ("A", 24, 31)]


def test_more_sections_than_anybody_reads_are_not_told() -> None:
    pieces = [measure for seed in range(MOST_SECTIONS // 2 + 1) for measure in tune(seed, 4) * 2]
    assert sections_of(*pieces) == ""
    assert sections_of(*pieces[:-8]).count("-") == MOST_SECTIONS


def test_the_form_is_told_in_words() -> None:
    arrangement = arrange(load_song(find_song("maple_leaf_rag")), BELLS)
    form = next(phrase for phrase in describe(arrangement) if phrase.startswith("form "))
    assert form.startswith("form A A ")  # each strain of the rag is played twice, the first comes again
    assert "(measures 2-17, 18-33, " in form


def test_an_accompaniment_is_struck_alike_wherever_it_is_said_again() -> None:
    """Between other measures a figure would be left an octave away once: to come back costs a jump."""
    figure, other, low = (80, 59, 70, 77), (71, 90, 87, 78), (51, 54, 48, 57)
    measures = (other, figure, figure, other, low, figure, low)
    accompaniment = song_of(line(*(pitch for measure in measures for pitch in measure)), track=2, loudness=40)
    tune = song_of(line(*[91, 93, 95, 93] * len(measures)), track=1)
    song = together(tune, accompaniment, names={1: "melody"})

    def ways(weights: Weights) -> int:
        """Return in how many ways the figure is struck."""
        arrangement = arrange(song, BELLS, transpose=0, merge_within=0.0, weights=weights)
        struck = arrangement.struck[song.notes["track"] == 2].reshape(len(measures), 4)
        return len(
            {tuple(bars) for bars, said in zip(struck.tolist(), measures, strict=True) if said == figure}
        )

    assert ways(Weights(unlike=0.0)) == 2
    assert ways(Weights()) == 1


def test_of_a_crowded_chord_what_is_said_again_goes_first() -> None:
    """Of equal notes the lower one stays, unless it stood in the measure before too."""
    tune_ = song_of(line(91, 93, 91, 93, beat=MEASURE), track=1)
    pedal = song_of(line(72, 72, 72, 72, beat=MEASURE), track=2)
    fresh = song_of(line(76, 77, 78, 80, beat=MEASURE), track=3)
    song = together(tune_, pedal, fresh, names={1: "melody"})
    struck = arrange(song, BELLS, transpose=0, weights=Weights(chord=2)).struck.reshape(4, 3) >= 0
    assert struck.tolist() == [[True, True, False], *[[True, False, True]] * 3]


def test_a_tune_in_unison_leads_as_it_does_alone() -> None:
    ode = [76, 76, 77, 79, 79, 77, 76, 74, 72, 72, 74, 76, 76, 74, 74, 74]
    figures = song_of(line(*[60, 62, 60, 62] * 96, beat=0.125), track=20)
    stretches = [line(*ode[:8], start=n * 4.0) for n in range(12)]
    single = [song_of(rows, track=n % 6) for n, rows in enumerate(stretches)]
    doubled = [song_of(rows, track=6 + n % 6) for n, rows in enumerate(stretches)]
    for parts in (single, [*single, *doubled]):
        song = together(*parts, figures)
        melody = song.notes[arrange(song, BELLS).roles == Priority.MELODY]
        sung = melody[melody["track"] < 20]
        assert len(np.unique(sung["onset"])) == 12 * 8


def test_a_part_that_leads_a_little_less_for_a_moment_goes_on() -> None:
    """For two seconds the second part is the one on top; the tune is not handed over and back."""
    ode = [76, 76, 77, 79, 79, 77, 76, 74, 72, 72, 74, 76, 76, 74, 74, 74]
    sung = song_of(line(*ode * 4), track=1)
    under = song_of(line(*[pitch - 9 for pitch in ode] * 2, start=0.0), track=2)
    over = song_of(line(*[83, 84, 83, 84], start=14.0), track=2)
    song = together(sung, under, over, names={1: "lead"})
    melody = arrange(song, BELLS).roles == Priority.MELODY
    assert melody[song.notes["track"] == 1].all()
    assert not melody[song.notes["track"] == 2].any()


def test_the_tune_is_followed_from_part_to_part() -> None:
    """Two parts change places every 16 measures: one sings, the other leaps about, below and above it."""
    ode = [76, 76, 77, 79, 79, 77, 76, 74, 72, 72, 74, 76, 76, 74, 74, 74]
    leaps = [55, 84, 62, 91]
    parts = []
    for stretch in range(4):
        start = stretch * 16 * MEASURE
        singing, leaping = (1, 2) if stretch % 2 == 0 else (2, 1)
        parts.append(song_of(line(*ode * 4, start=start), track=singing, channel=singing))
        parts.append(song_of(line(*leaps * 16, start=start + 0.25), track=leaping, channel=leaping))
    song = together(*parts)
    arrangement = arrange(song, BELLS)
    melody = song.notes[arrangement.roles == Priority.MELODY]
    sung = np.isin(melody["pitch"], ode)
    assert np.count_nonzero(sung) >= 4 * 4 * len(ode) - 6  # two at most are lost where it changes hands
    assert np.count_nonzero(~sung) <= 6
