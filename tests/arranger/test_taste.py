"""What is heard: the tune, the key, the octaves, the dynamics."""

from __future__ import annotations

import numpy as np
import pytest

from arranger.melodies import bars, line, song_of, together
from xylophone import find_song, load_song
from xylophone.arranger import arrange
from xylophone.instrument import build_instrument
from xylophone.tables import Priority

BELLS = build_instrument("song-bell")  # 67..96
BOX = build_instrument("music-box-c")
WHITE = build_instrument("diatonic-15")  # 79..103

ODE = (64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 62)


def steps(pitches):
    return np.diff(np.array(pitches)).tolist()


def voices(arrangement, track):
    rows = arrangement.song.notes["track"][arrangement.notes["source"]] == track
    return set(arrangement.notes["priority"][rows].tolist())


@pytest.mark.parametrize("octaves", [-4, -2, 0, 1, 3])
def test_a_tune_that_lies_octaves_away_is_brought_back_by_whole_octaves(octaves):
    written = [pitch + 12 * octaves for pitch in ODE]
    arrangement = arrange(song_of(line(*written)), BELLS)
    assert arrangement.transpose % 12 == 0
    assert arrangement.kept == len(ODE)
    assert steps(bars(arrangement)) == steps(ODE)


def test_a_tune_goes_into_another_key_where_its_own_does_not_fit():
    wide = (60, 72, 84, 89, 77, 65)  # 29 semitones: the 30 bars hold it in one key only
    arrangement = arrange(song_of(line(*wide * 5)), BELLS)
    assert arrangement.transpose == 7
    assert arrangement.folded == 0


def test_a_black_key_tune_is_transposed_to_the_white_bars():
    arrangement = arrange(song_of(line(*(pitch + 1 for pitch in ODE))), WHITE)
    assert arrangement.kept == len(ODE)
    assert arrangement.dropped == {}


def test_a_given_transposition_is_taken_as_it_is():
    arrangement = arrange(song_of(line(*ODE)), BELLS, transpose=9)
    assert bars(arrangement) == [pitch + 9 for pitch in ODE]


def test_a_phrase_above_the_bars_moves_as_a_whole():
    low, high = (67, 69, 71, 72), (93, 95, 97, 98)
    song = song_of(line(*low) + line(*high, start=6.0))
    heard = bars(arrange(song, BELLS, transpose=0))
    assert heard[:4] == list(low)
    assert heard[4:] == [pitch - 12 for pitch in high]


def test_one_note_off_the_bars_does_not_drag_its_phrase_along():
    phrase = (67, 72, 79, 88, 97, 88, 79, 72, 67)
    heard = bars(arrange(song_of(line(*phrase)), BELLS, transpose=0))
    assert [pitch for pitch in heard if pitch not in phrase] == [85]


def test_a_hole_of_the_music_box_is_reached_in_another_octave():
    heard = bars(arrange(song_of(line(64, 65, 61, 64, 65)), BOX, transpose=0))
    assert heard == [76, 77, 73, 76, 77]


def test_the_named_part_is_the_melody_and_the_lowest_line_the_bass():
    tune = song_of(line(*ODE), track=1)
    descant = song_of(line(*(84 for _ in ODE)), track=2)
    low = song_of(line(*(40 for _ in ODE)), track=3)
    song = together(tune, descant, low, names={1: "Lead vocals", 2: "Strings", 3: "E-Bass"})
    arrangement = arrange(song, BELLS, merge_within=0)
    assert voices(arrangement, 1) == {Priority.MELODY}
    assert voices(arrangement, 2) == {Priority.INNER}
    assert voices(arrangement, 3) == {Priority.BASS}


@pytest.mark.parametrize(
    ("name", "backing", "leads"),
    [
        ("track_2_Melody", "Piano", True),
        ("vocal1", "Harmonica", True),
        ("Lead guitar", "E-Bass", True),
        ("Basson", "Accordion", False),
        ("Solomon", "Chords", False),
        ("L.H.", "tune", False),
    ],
)
def test_a_name_tells_which_of_two_equal_parts_leads(name, backing, leads):
    upper = song_of(line(*(pitch + 9 for pitch in ODE)), track=1, loudness=90)
    lower = song_of(line(*ODE), track=2, loudness=90)
    alone = together(upper, lower, names={1: "Flute", 2: "Oboe"})
    named = together(upper, lower, names={1: "Flute" if leads else backing, 2: name})
    assert voices(arrange(alone, BELLS), 2) == {Priority.INNER}
    assert (voices(arrange(named, BELLS), 2) == {Priority.MELODY}) == leads


def test_where_no_part_is_convincing_the_tune_is_what_is_on_top():
    low = [song_of([(n * 0.5, 60), (n * 0.5, 64)], track=1) for n in range(8)]
    high = [song_of([(n * 0.5, 72), (n * 0.5, 90)], track=2) for n in range(0, 8, 2)]
    song = together(*low, *high)
    arrangement = arrange(song, BELLS)
    melody = arrangement.notes["source"][arrangement.notes["priority"] == Priority.MELODY]
    pitches = song.notes["pitch"][melody].tolist()
    assert pitches == [90, 64, 90, 64, 90, 64, 90, 64]


@pytest.mark.parametrize("beat", [0.05, 0.5, 10.0])
def test_a_single_line_is_all_melody(beat):
    assert voices(arrange(song_of(line(*ODE, beat=beat)), BELLS), 0) == {Priority.MELODY}


def test_while_the_melody_rests_another_part_leads():
    tune = together(song_of(line(*ODE, *ODE), track=1), song_of(line(*ODE, *ODE, start=36.0), track=1))
    fill = song_of(line(*(48 + pitch % 5 for pitch in range(20)), start=20.0), track=2)
    arrangement = arrange(together(tune, fill, names={1: "melody"}), BELLS)
    assert voices(arrangement, 1) == {Priority.MELODY}
    assert voices(arrangement, 2) == {Priority.MELODY}


def test_figures_under_a_held_note_are_not_the_tune():
    held = song_of(line(76, 79, 77, 76, beat=2.0), duration=2.0)
    figure = song_of([(n * 0.25, (60, 67, 64, 67)[n % 4]) for n in range(32)], duration=0.25)
    song = together(held, figure)
    arrangement = arrange(song, BELLS)
    source = song.notes[arrangement.notes["source"]]
    melody = arrangement.notes["priority"] == Priority.MELODY
    assert set(source["duration"][melody].tolist()) == {2.0}
    assert np.count_nonzero(melody) == 4


def test_accompaniment_folded_into_the_bars_stays_beneath_the_tune():
    tune = song_of(line(*(pitch + 24 for pitch in ODE)), track=1)
    chords = [song_of(line(*(pitch for _ in ODE)), track=2, channel=1) for pitch in (43, 48, 52)]
    song = together(tune, *chords, names={1: "melody"})
    arrangement = arrange(song, BELLS)
    heard = np.array(bars(arrangement)).reshape(len(ODE), 4)
    assert steps(heard[:, 0]) == steps(ODE)
    assert np.all(heard[:, 1:] <= heard[:, :1])


def accompanied(tune, *others, transpose=0):
    """Return the pitches struck for each line of a melody and what goes with it, one note a beat each."""
    parts = [song_of(line(*tune), track=1), *(song_of(line(*o), track=n + 2) for n, o in enumerate(others))]
    song = together(*parts, names={1: "melody", 2: "pad"})
    arrangement = arrange(song, BELLS, transpose=transpose, merge_within=0)
    heard = np.array(bars(arrangement))
    return [heard[song.notes["track"] == n + 1].tolist() for n in range(len(parts))], arrangement


def test_a_tune_is_lifted_off_the_lowest_bars_where_others_are_folded_to():
    tune = [pitch + 7 for pitch in ODE]
    alone, arrangement = accompanied(tune, transpose=None)
    assert arrangement.transpose == 0
    (melody, *chord), arrangement = accompanied(tune, [31] * 15, [36] * 15, transpose=None)
    assert arrangement.transpose > 0
    assert steps(melody) == steps(alone[0])
    assert np.max(chord) < min(melody)


def test_a_line_that_would_cover_the_tune_goes_beneath_it_as_a_whole():
    inner = [79, 81, 79, 83] * 2
    (melody, struck, _), _ = accompanied([79] * 8, inner, [40] * 8)
    assert melody == [79] * 8
    assert struck == [pitch - 12 for pitch in inner]


def test_a_line_that_may_stay_where_it_is_stays():
    inner = [84, 86, 88, 86] * 2
    (_, struck, _), _ = accompanied([91] * 8, inner, [40] * 8)
    assert struck == inner


def test_an_accompanying_line_keeps_its_octave_from_passage_to_passage():
    inner = [60, 57, 59, 60, 69, 67, 71, 69]
    (_, struck), _ = accompanied([94] * 8, inner)
    assert struck == [pitch + 12 for pitch in inner]


def test_voices_may_cross_in_a_song_written_for_the_bars_but_for_a_note():
    upper, lower = [76, 77, 79, 81] * 8, [81, 79, 77, 76] * 8
    lower[5] = 60
    (melody, struck), arrangement = accompanied(upper, lower)
    assert arrangement.folded == 1
    assert melody == upper
    assert struck == [72 if pitch == 60 else pitch for pitch in lower]


def test_notes_on_one_bar_at_one_instant_become_the_louder_and_more_important_strike():
    tune = song_of([(1.004, 72), (2.0, 74)], track=1, loudness=50, velocity=50)
    other = song_of([(1.0, 72), (2.1, 74)], track=2, loudness=90, velocity=90)
    song = together(tune, other, names={1: "melody"})
    arrangement = arrange(song, BELLS, merge_within=0.01)
    assert arrangement.notes["onset"].tolist() == [1.004, 2.0, 2.1]
    velocity = arrangement.notes["velocity"]
    assert velocity[0] == velocity[1] > velocity[2]  # the tune's own loudness, not the louder one beneath
    assert arrangement.notes["priority"].tolist()[:2] == [Priority.MELODY, Priority.MELODY]
    assert arrangement.merged == 1


def test_a_stream_of_strokes_on_one_bar_is_thinned_to_what_its_hammer_can_do():
    song = song_of([(n / 1024, 72) for n in range(1024)])  # 0.977 ms apart
    arrangement = arrange(song, BELLS, merge_within=0.01)
    gaps = np.diff(arrangement.notes["onset"])
    recovery = BELLS.hammers[0].recovery
    assert gaps.min() >= recovery - 1e-9
    assert gaps[:-1].max() < recovery + 0.011  # the next stroke that is left
    assert gaps[-1] < 2 * recovery  # there is no room for one more: the last stroke stays
    assert set(arrangement.dropped) == {"not ready"}


def test_a_lullaby_stays_soft_and_one_mistake_does_not_hush_a_song():
    lullaby = song_of(line(*ODE * 8), velocity=30, loudness=30)
    assert arrange(lullaby, BELLS).notes["velocity"].tolist() == [30] * len(lullaby)
    notes = song_of(line(*ODE * 8), velocity=80, loudness=40).notes.copy()
    notes["loudness"][7] = 160
    velocity = arrange(together(notes), BELLS).notes["velocity"]
    assert velocity[7] == 127
    assert set(np.delete(velocity, 7).tolist()) == {80}


def test_when_most_notes_would_be_folded_alike_the_song_is_transposed_instead():
    arrangement = arrange(load_song(find_song("danse_macabre")), BOX)
    assert arrangement.folded < 0.1 * len(arrangement.song)


@pytest.mark.parametrize("narrow", [0, 1])
@pytest.mark.parametrize("reach", [12, 16, 20])
def test_of_two_parts_that_move_alike_the_one_within_the_compass_of_a_voice_leads(narrow, reach):
    """Both go by steps about the same mean and take turns; one turns back, the other goes all the way."""
    walk = np.abs((np.arange(160) * 2) % (4 * reach) - 2 * reach) - reach
    voice = (
        np.abs((np.arange(160) * 2) % 16 - 8) - 3
    )  # never on a pitch of the other: no repeats between them
    parts = [
        song_of(line(*(72 + steps_).tolist(), beat=0.5, start=0.25 * n), track=n + 1)
        for n, steps_ in enumerate((voice, walk) if narrow == 0 else (walk, voice))
    ]
    arrangement = arrange(together(*parts), BELLS, transpose=0)
    mine = arrangement.notes["priority"] == Priority.MELODY
    track = arrangement.song.notes["track"][arrangement.notes["source"]]
    assert set(track[mine].tolist()) == {narrow + 1}


@pytest.mark.parametrize(("singers", "sung"), [(4, True), (2, False)])
def test_the_bass_of_a_hymn_is_sung_however_near_it_comes(singers, sung):
    """Four parts of a voice each are a hymn; the same chords of two parts are a tune with chords."""
    lines = [
        (79, 81, 83, 84, 83, 81),
        (74, 74, 74, 76, 74, 74),
        (71, 69, 71, 72, 71, 69),
        (67, 66, 67, 69, 67, 66),
    ]
    parts = [song_of(line(*pitches * 4), track=n % singers) for n, pitches in enumerate(lines)]
    arrangement = arrange(together(*parts), BELLS, transpose=0)
    assert ("near" not in arrangement.dropped) == sung
