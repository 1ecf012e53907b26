"""What is left out, what is said about it, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from arranger.melodies import line, song_of, together
from xylophone.arranger import Arrangement, ChangeKind, arrange
from xylophone.errors import OptionError, SongError
from xylophone.instrument import build_instrument
from xylophone.song import Song
from xylophone.tables import ARRANGED, METER

BELLS = build_instrument("song-bell")
TUNE = song_of(line(72, 74, 76, 77), track=1, channel=0)
DRUMS = song_of(line(38, 42, 38, 42), track=2, channel=9)
SILENT = song_of(line(79, 79, start=0.25), track=3, channel=1, loudness=0)
BAND = together(TUNE, DRUMS, SILENT)


@pytest.mark.parametrize(
    ("chosen", "strikes", "dropped"),
    [
        ({}, 4, {"drums": 4, "silent": 2}),
        ({"drums": True}, 8, {"silent": 2}),
        ({"tracks": [1]}, 4, {"drums": 4, "not chosen": 2}),
        ({"tracks": [2], "drums": True}, 4, {"not chosen": 6}),
        ({"channels": [2]}, 0, {"drums": 4, "not chosen": 4, "silent": 2}),
        ({"mute_tracks": [1]}, 0, {"drums": 4, "muted": 4, "silent": 2}),
        ({"mute_channels": [1]}, 0, {"drums": 4, "muted": 4, "silent": 2}),
        ({"tracks": [1, 2], "mute_tracks": [2]}, 4, {"drums": 4, "not chosen": 2}),
    ],
)
def test_a_note_left_out_is_counted_under_the_first_reason_that_holds(chosen, strikes, dropped):
    arrangement = arrange(BAND, BELLS, merge_within=0, **chosen)
    assert len(arrangement) == strikes
    assert arrangement.dropped == dropped


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"channels": [0]},
            "channel 0 does not exist: MIDI channels go from 1 to 16, of a second port to 32",
        ),
        (
            {"mute_channels": [257]},
            "channel 257 does not exist: MIDI channels go from 1 to 16, of a second port to 32",
        ),
        ({"tracks": [7]}, "track 7 has no notes in this song: tracks with notes are 1, 2, 3"),
        ({"mute_tracks": [-1]}, "track -1 has no notes in this song: tracks with notes are 1, 2, 3"),
        ({"transpose": 128}, "transposition 128 is out of range: give -127..127 semitones"),
        ({"merge_within": 0.2}, "merge_within 0.2 s is out of range: give 0..0.1 s"),
        ({"merge_within": float("nan")}, "merge_within nan s is out of range: give 0..0.1 s"),
    ],
)
def test_an_option_out_of_bounds_is_one_line(wrong, message):
    with pytest.raises(OptionError) as caught:
        arrange(BAND, BELLS, **wrong)
    assert str(caught.value) == message


def test_half_a_semitone_is_no_transposition():
    with pytest.raises(TypeError):
        arrange(TUNE, BELLS, transpose=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("song", "chosen", "message"),
    [
        (song_of([]), {}, "the song has no notes: there is nothing to play; take another file"),
        (DRUMS, {}, "none of the song's 4 notes can be struck: all 4 are drums"),
        (TUNE, {"mute_tracks": [1]}, "none of the song's 4 notes can be struck: all 4 are muted"),
        (
            together(TUNE, SILENT),
            {"channels": [2]},
            "none of the song's 6 notes can be struck: 4 are in tracks",
        ),
        (SILENT, {}, "none of the song's 2 notes can be struck: all 2 are silent"),
    ],
)
def test_an_empty_arrangement_says_why_and_what_helps(song, chosen, message):
    arrangement = arrange(song, BELLS, **chosen)
    assert len(arrangement) == 0
    with pytest.raises(SongError) as caught:
        arrangement.require_notes()
    assert str(caught.value).startswith(message)


def test_an_arrangement_with_strikes_is_passed_on():
    arrangement = arrange(TUNE, BELLS)
    assert arrangement.require_notes() is arrangement


def test_a_folded_note_says_where_it_is_and_where_it_went():
    meters = np.array([(0.0, 0.0, 3, 4)], METER)
    song = Song(song_of(line(67, 68, 67, 102, 67, 68)).notes.copy(), meters=meters)
    lines = [str(change) for change in arrange(song, BELLS, transpose=0).changes]
    assert lines == ["measure 2, beat 1: F#7 folded down to F#6"]


def test_a_transposed_note_is_named_as_wanted_and_as_written():
    change = arrange(song_of(line(40)), BELLS, transpose=2).changes[0]
    assert str(change) == "measure 1, beat 1: F#2 (written E2) folded up to F#5"
    assert (change.pitch, change.wanted, change.bar) == (40, 42, 78)


def test_a_dropped_note_says_why():
    box = build_instrument("diatonic-15")
    tune, low = song_of(line(84, 86), track=1), song_of(line(61, 62), track=2)
    lines = [str(change) for change in arrange(together(tune, low), box, transpose=0).changes]
    assert lines[0] == "measure 1, beat 1: C#4 dropped, no bar of that name"
    lines = [str(change) for change in arrange(BAND, BELLS).changes]
    assert lines[:2] == ["measure 1, beat 1: D2 dropped, drums", "measure 1, beat 1.5: G5 dropped, silent"]


def test_a_merged_note_says_with_what():
    one, other = song_of(line(72), track=1), song_of(line(72), track=2)
    changes = arrange(together(one, other, one, names={1: "melody"}), BELLS).changes
    assert [str(change) for change in changes] == [
        "measure 1, beat 1: C5 merged with the same bar C5 in track 1",
        "measure 1, beat 1: C5 merged with the same bar C5 in the same track",
    ]
    assert [change.other for change in changes] == [1, 1]


def test_changes_are_a_sequence_and_can_be_sliced():
    changes = arrange(BAND, BELLS).changes
    assert len(changes) == 6
    assert list(changes[1:3]) == [changes[1], changes[2]]
    assert changes[-1].kind is ChangeKind.DROPPED


def test_an_arrangement_that_breaks_its_laws_cannot_exist():
    good = arrange(TUNE, BELLS)
    for column, value in (("velocity", 0.5), ("velocity", 128), ("hammer", 30), ("onset", 99.0)):
        notes = good.notes.copy()
        notes[column][0] = value
        with pytest.raises(ValueError, match="strikes must be"):
            Arrangement(TUNE, BELLS, 0, notes, good.changes, good.roles)
    with pytest.raises(ValueError, match="3 strikes for 4 kept, 0 folded and 0 replaced notes"):
        Arrangement(TUNE, BELLS, 0, good.notes[:3].copy(), good.changes, good.roles)
    with pytest.raises(TypeError, match="must have dtype"):
        Arrangement(TUNE, BELLS, 0, np.zeros(4), good.changes, good.roles)
    assert good.notes.dtype == ARRANGED
    assert not good.notes.flags.writeable
