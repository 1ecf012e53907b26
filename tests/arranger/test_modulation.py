"""Where bars are missing, each passage of a song that modulates has a transposition that suits it."""

import numpy as np
import pytest

from xylophone import arrange, build_instrument
from xylophone.arranger.account import describe
from xylophone.arranger.table import as_json
from xylophone.instrument import LAYOUTS

from .melodies import line, song_of, together

WHITE = build_instrument("diatonic-15")
STANZA = (
    67,
    60,
    62,
    64,
    65,
    67,
    67,
    69,
    65,
    69,
    67,
    65,
    64,
    62,
    60,
    62,
    64,
    65,
    67,
    69,
    71,
    72,
    71,
    67,
    65,
    62,
    60,
)
REST = 1.0
LONG = 0.25 * len(STANZA) + REST


def stanzas(*keys, rest=REST):
    """Return a song of one stanza in each of these keys, in semitones above C, with rests between."""
    length = 0.25 * len(STANZA) + rest
    rows = [
        row
        for place, key in enumerate(keys)
        for row in line(*(pitch + key for pitch in STANZA), beat=0.25, start=place * length)
    ]
    return song_of(rows, duration=0.25)


def test_each_stanza_has_the_key_that_suits_it():
    made = arrange(stanzas(0, 1, 3), WHITE)
    assert made.kept == len(made.song)
    assert [time for time, _ in made.shifts] == [0.0, LONG, 2 * LONG]
    first, second, third = (semitones for _, semitones in made.shifts)
    assert ((first - second) % 12, (first - third) % 12) == (1, 3)
    assert made.transpose in {first, second, third}
    assert all(abs(semitones - made.transpose) <= 6 for _, semitones in made.shifts)


def test_a_tune_that_never_rests_changes_where_it_begins_again():
    made = arrange(stanzas(0, 1, 3, rest=0.0), WHITE)
    assert made.kept == len(made.song)
    assert [time for time, _ in made.shifts] == [0.0, LONG - REST, 2 * (LONG - REST)]


def test_what_accompanies_moves_with_the_tune():
    tune = stanzas(0, 1, 3)
    below = [(place * LONG, 48 + key) for place, key in enumerate((0, 1, 3))]
    made = arrange(together(tune, song_of(below, track=1, channel=1, duration=LONG)), WHITE)
    assert len(made.shifts) == 3
    rows = made.song.notes["track"] == 1
    assert np.all(made.struck[rows] >= 0)
    assert not np.any(made.away[rows] % 12)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_only_layouts_that_lack_a_name_change_the_key(name):
    instrument = build_instrument(name)
    several = len(arrange(stanzas(0, 1, 3), instrument).shifts) > 1
    assert several == (len(set(instrument.pitches % 12)) < 12)


def test_a_song_in_one_key_has_one_transposition():
    for key in range(12):
        assert len(arrange(stanzas(key, key, key), WHITE).shifts) == 1


def test_a_key_that_passes_soon_changes_nothing():
    foreign = [(pitch + 1 if 8 <= n < 14 else pitch) for n, pitch in enumerate(STANZA)]
    rows = [row for n in range(3) for row in line(*foreign, beat=0.25, start=n * LONG)]
    assert len(arrange(song_of(rows, duration=0.25), WHITE).shifts) == 1


def test_a_transposition_that_is_asked_for_serves_the_whole_song():
    for asked in ({"transpose": 7}, {"original_key": True}):
        assert len(arrange(stanzas(0, 1, 3), WHITE, **asked).shifts) == 1


def test_no_change_falls_into_a_phrase():
    """Keys change in the middle of each stanza, the transposition only in rests."""
    rows = []
    for n, key in enumerate((0, 1, 3, 6, 2)):
        pitches = [pitch + (key if place < 12 else key + 1) for place, pitch in enumerate(STANZA)]
        rows += line(*pitches, beat=0.25, start=n * LONG)
    made = arrange(song_of(rows, duration=0.25), WHITE)
    assert len(made.shifts) > 1
    assert {time % LONG for time, _ in made.shifts} == {0.0}


def test_the_changes_of_key_are_told():
    made = arrange(stanzas(0, 1, 3), WHITE)
    told = next(phrase for phrase in describe(made) if phrase.startswith("up"))
    assert told == "up two octaves" + "".join(
        f", from measure {measure} up an octave and a major {interval}"
        for measure, interval in ((4, "seventh"), (8, "sixth"))
    )
    table = as_json(made)
    assert [tuple(row.values()) for row in table["shifts"]] == list(made.shifts)
    assert {note["why"] for note in table["notes"]} == {None}
    assert all(str(change) for change in made.changes)


def test_the_same_song_changes_alike():
    first, second = (arrange(stanzas(0, 1, 3), WHITE) for _ in range(2))
    assert first.shifts == second.shifts
    assert np.array_equal(first.notes, second.notes)
