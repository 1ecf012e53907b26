"""What was done to a song, told in words and as a table for other programs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import layouts, line, shifts, song_of, songs, together
from xylophone import Song, arrange, build_instrument, load_song, songs as own_songs
from xylophone.arranger import PRESETS, Arrangement, ChangeKind, judge
from xylophone.arranger.account import describe, left_out_from
from xylophone.arranger.table import as_json
from xylophone.pitch import interval_words
from xylophone.song import Track
from xylophone.tables import METER, TEMPO

BELL, WHITE = build_instrument("song-bell"), build_instrument("diatonic-15")
WOOD = build_instrument("song-bell", bars="rosewood")
presets = st.sampled_from(sorted(PRESETS)).map(lambda name: PRESETS[name])

NOTE_KEYS = ["onset", "pitch", "track", "melody", "struck", "why"]
STRIKE_KEYS = ["time", "pitch", "velocity", "priority", "sources"]

TUNE = (72, 74, 76, 72, 76, 77, 79, 79, 77, 76, 74, 76, 72, 72, 71, 72)
"""Sixteen notes in C."""


def tune(transposed: int = 0, **about: object) -> Song:
    return song_of(line(*(pitch + transposed for pitch in TUNE)), **about)  # type: ignore[arg-type]


def left_out(*lost: int, many: int = 40) -> int | None:
    mask = np.zeros(many, np.bool_)
    mask[list(lost)] = True
    return left_out_from(mask)


@pytest.mark.parametrize(
    ("semitones", "words"),
    [
        (0, "a unison"),
        (1, "a semitone"),
        (-3, "a minor third"),
        (5, "a fourth"),
        (12, "an octave"),
        (-16, "an octave and a major third"),
        (24, "two octaves"),
        (31, "two octaves and a fifth"),
        (96, "8 octaves"),
    ],
)
def test_intervals_have_names(semitones: int, words: str) -> None:
    assert interval_words(semitones) == words


def test_a_song_that_fits_is_told_in_two_phrases() -> None:
    arrangement = arrange(together(tune(track=3), names={3: "Flute"}), BELL)
    assert describe(arrangement) == ("melody from track 3 'Flute'", "every note is struck as it is written")


def test_the_transposition_is_an_interval_and_names_keys_where_it_leaves_one() -> None:
    assert "up an octave" in describe(arrange(tune(-12), BELL))
    moved = describe(arrange(tune(), BELL, transpose=5))
    assert "up a fourth, from C major to F major" in moved
    assert "down an octave and a whole tone, from C major to B flat major" in describe(
        arrange(tune(), BELL, transpose=-14)
    )


def test_a_track_of_several_channels_is_told_by_channel() -> None:
    both = together(tune(channel=2), song_of(line(*[48] * 16), channel=4), names={0: "All"})
    assert describe(arrange(both, BELL))[0] == "melody from channel 3 of track 0 'All'"


def test_a_hand_over_of_the_melody_is_told_by_measures() -> None:
    """Each has it for eight measures of four beats; then the first again."""
    first, second, last = (
        song_of(line(*TUNE * 2, start=start), track=track)
        for start, track in ((0.0, 1), (16.0, 2), (32.0, 1))
    )
    song = together(first, second, last, names={1: "Flute", 2: "Oboe"})
    told = describe(arrange(song, BELL))[0]
    assert told == "melody from track 1 'Flute' (measures 1-8, 17-24) and track 2 'Oboe' (measures 9-16)"


def scattered(*tracks: int) -> Song:
    """Return wide leaps that the tracks take turns with: no part of them is a sung line."""
    pieces = [
        song_of(line(40 + 17 * n % 47, start=n * 0.5), track=tracks[n % len(tracks)]) for n in range(40)
    ]
    return together(*pieces, names={1: "Left", 2: "Right", 3: "Pedal", 4: "Bells"})


def test_a_melody_of_many_small_pieces_is_told_by_shares() -> None:
    assert describe(arrange(scattered(1, 1, 1, 2, 2), BELL))[0] == (
        "melody mostly from track 1 'Left' (60 %), else from track 2 'Right' (40 %)"
    )
    assert describe(arrange(scattered(1, 2, 3, 4, 1), BELL))[0] == (
        "melody from what is on top: track 1 'Left' (40 %), track 2 'Right' (20 %), track 3 'Pedal' (20 %) "
        "and others"
    )


CHORDS = ((60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67))


def chords(*, beats: int, beat: float = 0.5, strum: float = 0.0) -> Song:
    """Return sixteen measures of chords in one part, each struck so often."""
    rows = [
        (n * beat + place * strum, pitch)
        for n in range(16 * beats)
        for place, pitch in enumerate(CHORDS[n // beats % 4])
    ]
    return song_of(rows, track=1, duration=beat)


def bass() -> Song:
    song = song_of([(n * 0.5, CHORDS[n // 4 % 4][n % 2] - 24) for n in range(64)], track=2, channel=1)
    notes = song.notes.copy()
    notes["program"] = 33
    return Song(notes)


@pytest.mark.parametrize(
    "backing",
    [
        chords(beats=4, strum=0.008),
        together(chords(beats=4), bass(), song_of(line(*[36] * 64), channel=9, track=9)),
        chords(beats=1, beat=2.0),
        together(chords(beats=1, beat=2.0), bass()),
        song_of(line(*[72] * 40, beat=0.25)),
        song_of([(float(n), pitch) for n in range(40) for pitch in (48, 55)]),
    ],
    ids=["strummed", "strummed with bass and drums", "pads", "pads and bass", "one pitch", "drone"],
)
def test_a_backing_track_is_a_texture_and_no_tune(backing: Song) -> None:
    arrangement = arrange(backing, BELL)
    told = describe(arrangement)
    assert told[0] == "a texture, no tune"
    assert not [phrase for phrase in told if "melody" in phrase or "form" in phrase]
    assert judge(arrangement).score >= 95


def test_a_hymn_in_block_chords_and_a_slow_tune_are_no_textures() -> None:
    hymn = [(n * 0.6, pitch - below) for n, pitch in enumerate(TUNE * 3) for below in (0, 5, 9)]
    assert describe(arrange(song_of(hymn), BELL))[0] == "melody from track 0"
    assert describe(arrange(song_of(line(*TUNE, beat=3.0)), BELL))[0] == "melody from track 0"
    repeated = song_of(line(*[72] * 7))
    assert describe(arrange(repeated, BELL))[0] == "melody from track 0"  # too short to say so


def test_the_song_book_has_no_textures() -> None:
    for entry in own_songs():
        assert describe(arrange(load_song(entry.path), BELL, transpose=0))[0] != "a texture, no tune"


def test_what_was_left_out_beforehand_is_counted_apart() -> None:
    drums, other = song_of(line(36, 36, 36), channel=9), song_of(line(60, 62), track=2)
    song = together(tune(track=1), drums, other, names={1: "Tune", 2: "Other"})
    told = describe(arrange(song, BELL, mute_tracks=[2]))
    assert "not arranged: 3 drums (--drums lets them strike bars), 2 muted" in told
    assert "no note dropped" in told
    alone = describe(arrange(song, BELL, weights=PRESETS["solo"]))
    assert "not arranged: 3 drums (--drums lets them strike bars), 2 not melody" in alone


def test_a_part_without_a_bar_is_named_and_so_is_the_share() -> None:
    """White bars have no black key: a part of these alone is left out."""
    black = song_of([(n * 0.5 + 0.25, 66) for n in range(16)], track=2)
    song = together(tune(track=1), black, names={1: "Tune", 2: "Black keys"})
    arrangement = arrange(song, WHITE, transpose=12)
    told = describe(arrangement)
    assert "track 2 'Black keys' left out" in told
    assert "50 % of the notes dropped, none of the melody" in told


def test_a_part_is_left_out_from_a_measure_on() -> None:
    """Sixteen notes in C, then in F sharp, where white bars have none of its names."""
    pitches = [60] * 16 + [66] * 16
    beneath = song_of([(n * 0.5 + 0.25, pitch) for n, pitch in enumerate(pitches)], track=2)
    song = together(
        song_of(line(*(pitch + 12 for pitch in TUNE * 2)), track=1), beneath, names={1: "Tune", 2: "Strings"}
    )
    assert "track 2 'Strings' left out from measure 5" in describe(arrange(song, WHITE, transpose=12))


def test_a_place_is_told_only_where_it_says_something() -> None:
    assert left_out(*range(20, 40)) == 20
    assert left_out(3, 9, *range(20, 40)) == 20
    assert left_out(*range(20, 39)) == 20
    assert left_out(*range(0, 40, 2)) is None
    assert left_out(*range(36, 40)) is None
    assert left_out(*range(2, 40)) is None
    assert left_out(*range(20, 30)) is None
    assert left_out() is None


def test_neighbours_merged_notes_and_tremolo_are_counted() -> None:
    sharp = arrange(song_of(line(72, 74, 75, 76, 74, 72), track=0), WHITE, transpose=12)
    assert "1 melody note replaced by the bar next to it" in describe(sharp)
    twice = arrange(together(tune(track=1), tune(track=2)), BELL)
    assert "16 notes carried by another's strike" in describe(twice)
    held = arrange(song_of([(0.0, 84), (3.0, 88)], duration=2.0), WOOD, weights=PRESETS["virtuoso"])
    assert f"long notes of the tune struck again, {held.again} times in all" in describe(held)
    assert held.again > 20


def test_nothing_to_strike_is_said() -> None:
    assert describe(arrange(song_of([]), BELL)) == ("nothing can be struck",)
    assert as_json(arrange(song_of([]), BELL))["strikes"] == []


def test_measures_of_many_moments_are_those_of_each() -> None:
    tempos = np.array([(0.0, 0.0, 120.0), (2.0, 4.0, 60.0)], TEMPO)
    meters = np.array([(0.0, 0.0, 3, 4), (7.0, 3.0, 6, 8)], METER)
    song = Song(song_of(line(72)).notes, tempos=tempos, meters=meters)
    moments = np.arange(0, 30, 0.25)
    assert song.measures_at(moments).tolist() == [song.measure_at(moment)[0] for moment in moments]


@given(songs(), layouts, shifts, presets)
def test_words_are_short_lines_whatever_the_song(song: Song, instrument, transpose: int, weights) -> None:
    phrases = describe(arrange(song, instrument, transpose=transpose, weights=weights))
    assert phrases
    assert all(phrase and phrase.isprintable() and len(phrase) < 250 for phrase in phrases)


def is_renewal(strikes: list[dict], place: int) -> bool:
    (first, *more) = strikes[place]["sources"]
    return not more and any(first in strike["sources"] for strike in strikes[:place])


def assert_consistent(arrangement: Arrangement) -> None:
    """Every note with a bar is carried by one strike on it; every other strike renews such a note."""
    told = json.loads(json.dumps(as_json(arrangement)))
    notes, strikes = told["notes"], told["strikes"]
    assert len(notes) == len(arrangement.song)
    assert len(strikes) == len(arrangement.notes)
    assert all(list(note) == NOTE_KEYS for note in notes)
    assert all(list(strike) == STRIKE_KEYS for strike in strikes)
    assert [strike["time"] for strike in strikes] == sorted(strike["time"] for strike in strikes)
    carried: list[int] = []
    for place, strike in enumerate(strikes):
        assert strike["sources"]
        assert all(notes[source]["struck"] == strike["pitch"] for source in strike["sources"])
        if not is_renewal(strikes, place):
            carried += strike["sources"]
            nearest = min(abs(notes[source]["onset"] - strike["time"]) for source in strike["sources"])
            assert nearest <= 1e-6
    assert sorted(carried) == [row for row, note in enumerate(notes) if note["struck"] is not None]


@given(songs(), layouts, shifts, presets)
def test_every_struck_note_is_in_the_sources_of_one_strike_and_of_those_that_renew_it(
    song: Song, instrument, transpose: int, weights
) -> None:
    assert_consistent(arrange(song, instrument, transpose=transpose, weights=weights))


@given(songs(), layouts, presets, st.integers(-30, 30))
def test_a_reason_is_given_where_a_note_is_not_struck_as_written_and_only_there(
    song: Song, instrument, weights, transpose: int
) -> None:
    arrangement = arrange(song, instrument, weights=weights, transpose=transpose)
    changed = {change.note: change for change in arrangement.changes}
    for row, note in enumerate(as_json(arrangement)["notes"]):
        change = changed.get(row)
        assert (note["why"] is None) == (change is None)
        assert note["struck"] == (int(arrangement.wanted[row]) if change is None else change.bar)
        assert note["why"] is None or (note["why"].isprintable() and note["why"])


def test_reasons_are_short_sentences() -> None:
    lower = song_of([(0.25, 48), (0.5, 47)], track=2)
    song = together(tune(track=1), lower, song_of(line(36), channel=9))
    arrangement = arrange(song, BELL, transpose=0)
    why = {(note["track"], note["pitch"]): note["why"] for note in as_json(arrangement)["notes"]}
    assert why[1, 72] is None
    assert why[2, 47] == "it would be too near below the melody"
    assert why[2, 48].startswith("folded up two octaves")
    assert why[0, 36] == "drums"
    kinds = {change.kind for change in arrangement.changes}
    assert {ChangeKind.FOLDED, ChangeKind.DROPPED} <= kinds


def test_merged_notes_name_the_track_that_carries_them() -> None:
    told = as_json(arrange(together(tune(track=1), tune(track=2, loudness=40)), BELL))
    assert {note["why"] for note in told["notes"] if note["track"] == 2} == {"carried by a strike of track 1"}
    assert all(len(strike["sources"]) == 2 for strike in told["strikes"])


def test_a_neighbour_is_told() -> None:
    told = as_json(arrange(song_of(line(72, 74, 75, 76, 74, 72)), WHITE, transpose=12))
    assert told["notes"][2]["why"] == "replaced by its neighbour, no bar of that name"


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_song_of_the_project_is_told_whole(preset: str) -> None:
    (path,) = [entry.path for entry in own_songs() if entry.name == "william_tell"]
    arrangement = arrange(load_song(path), WHITE, weights=PRESETS[preset])
    assert_consistent(arrangement)
    told = as_json(arrangement)
    assert list(told) == ["title", "instrument", "transpose", "shifts", "score", "costs", "notes", "strikes"]
    assert (told["score"], told["instrument"]) == (judge(arrangement).score, "diatonic-15")
    assert 100 - sum(cost["points"] for cost in told["costs"]) == pytest.approx(told["score"], abs=0.6)
    assert [note["melody"] for note in told["notes"]].count(True) == pytest.approx(290, abs=100)


def test_a_name_that_is_too_long_is_cut() -> None:
    song = Song(tune().notes, tracks=(Track(0, "x" * 300, 16, (0,), (0,)),))
    assert len(describe(arrange(song, BELL))[0]) < 70


def performed(seed: int, pauses: bool = True) -> Song:
    """A chromatic line with a bass beyond the bars, played without a click (or with one)."""
    rng = np.random.default_rng(seed)
    steps = rng.uniform(0.09, 0.4, 300) if pauses else rng.choice([0.125, 0.25, 0.5], 300)
    return song_of(
        list(zip(np.cumsum(steps).tolist(), (60 + rng.integers(0, 24, 300)).tolist(), strict=True))
    )


@pytest.mark.parametrize("seed", range(3))
def test_of_a_performance_without_a_click_no_measures_are_told(seed: int) -> None:
    played, written = performed(seed), performed(seed, pauses=False)
    assert (played.has_beat, written.has_beat) == (False, True)
    told = arrange(played, build_instrument("diatonic-15"))
    assert told.changes
    assert all(
        change.measure is None and str(change).startswith(f"{change.time:.2f} s: ") for change in told.changes
    )
    assert not any("measure" in words for words in describe(told))
    assert all(str(change).startswith("measure ") for change in arrange(written, told.instrument).changes)
