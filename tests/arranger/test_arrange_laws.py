"""What holds for every song on every layout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, strategies as st

from arranger.melodies import bars, layouts, melodies, shifted, song_of, songs
from counts import examples
from xylophone.arranger import MERGE_WITHIN, PRESETS, Arrangement, ChangeKind, arrange, judge
from xylophone.instrument import Instrument, build_instrument
from xylophone.song import Song
from xylophone.tables import Priority

options = st.fixed_dictionaries(
    {},
    optional={
        "transpose": st.integers(-127, 127),
        "drums": st.booleans(),
        "merge_within": st.floats(0, 0.1),
        "channels": st.sets(st.sampled_from([1, 2, 10])),
        "mute_channels": st.sets(st.sampled_from([1, 2, 10])),
        "weights": st.sampled_from(list(PRESETS.values())),
    },
)


Law = Callable[[Arrangement, float], None]

LAWS: list[Law] = []
"""What holds for an arrangement of any song; the number is how far apart merged notes may be, s."""


def law(holds: Law) -> Law:
    """Have every arrangement below keep a law."""
    LAWS.append(holds)
    return holds


@given(songs(), layouts, options)
def test_every_arrangement_keeps_all_laws(song, instrument, chosen):
    arrangement = arrange(song, instrument, **chosen)
    for holds in LAWS:
        holds(arrangement, chosen.get("merge_within", MERGE_WITHIN))


@law
def every_note_is_kept_folded_replaced_merged_or_dropped_and_counted_once(arrangement, _within):
    told = [change.note for change in arrangement.changes if change.kind is not ChangeKind.SHORTENED]
    kinds = [change.kind for change in arrangement.changes]
    lost = sum(arrangement.dropped.values())
    struck = arrangement.kept + arrangement.folded + arrangement.replaced
    assert len(arrangement.song) == struck + arrangement.merged + lost
    assert len(arrangement.notes) == struck + arrangement.again
    assert told == sorted(set(told))
    counted = [arrangement.folded, arrangement.merged, lost, arrangement.replaced, arrangement.shortened]
    assert [kinds.count(kind) for kind in ChangeKind] == counted


@law
def strikes_are_sorted_on_bars_that_exist_and_of_velocity_1_to_127(arrangement, _within):
    notes = arrangement.notes
    assert np.all(np.diff(notes["onset"]) >= 0)
    assert np.all(notes["hammer"] < len(arrangement.instrument))
    assert np.all((notes["velocity"] >= 1) & (notes["velocity"] <= 127))
    assert np.all(notes["priority"] <= 2)


@law
def a_strike_sounds_its_source_at_its_own_time_and_in_its_own_pitch_class(arrangement, _within):
    notes = arrangement.notes[~arrangement.notes["again"]]
    source = arrangement.song.notes[notes["source"]]
    assert len(set(notes["source"].tolist())) == len(notes)
    assert np.array_equal(notes["onset"], source["onset"])
    wanted = arrangement.wanted[notes["source"]]
    away = (arrangement.instrument.pitches[notes["hammer"]] - wanted) % 12
    table = arrangement.changes.table
    replaced = np.isin(notes["source"], table["note"][table["kind"] == ChangeKind.REPLACED])
    assert np.all(away[~replaced] == 0)
    assert np.all(np.isin(away[replaced], [1, 2, 10, 11]))
    assert np.all(notes["priority"][replaced] == Priority.MELODY)


@law
def no_hammer_is_asked_for_before_it_is_ready(arrangement, _within):
    for place, hammer in enumerate(arrangement.instrument.hammers):
        gaps = np.diff(arrangement.notes["onset"][arrangement.notes["hammer"] == place])
        assert np.all(gaps >= hammer.recovery - 1e-6)


@law
def what_carries_a_note_is_its_own_strike_or_the_one_it_was_merged_with(arrangement, within):
    assert arrangement.struck.tolist() == [-1 if pitch is None else pitch for pitch in bars(arrangement)]
    onset, table = arrangement.song.notes["onset"], arrangement.changes.table
    merged = table[table["kind"] == ChangeKind.MERGED]
    assert np.all(np.isin(merged["into"], arrangement.notes["source"]))
    assert np.all(np.abs(onset[merged["into"]] - onset[merged["note"]]) <= within)


@law
def quality_and_its_costs_are_shares(arrangement, _within):
    quality = judge(arrangement)
    assert 0 <= quality.score <= 100
    assert all(0 <= cost.share <= 1 for cost in quality.costs)


@law
def only_what_has_no_bar_in_any_octave_is_dropped_for_that(arrangement, _within):
    classes = set((arrangement.instrument.pitches % 12).tolist())
    for change in arrangement.changes:
        if change.reason.word == "no bar":
            assert change.wanted % 12 not in classes
        assert (change.bar is None) == (change.kind is ChangeKind.DROPPED)


@given(songs(), layouts, options)
@examples(30)
def test_the_same_arguments_give_the_same_arrangement(song, instrument, chosen):
    first, second = arrange(song, instrument, **chosen), arrange(song, instrument, **chosen)
    assert np.array_equal(first.notes, second.notes)
    assert np.array_equal(first.changes.table, second.changes.table)
    assert first.transpose == second.transpose


@given(melodies, layouts, st.integers(-30, 30), st.integers(-24, 24))
def test_a_line_moved_in_the_song_and_back_by_the_transposition_is_struck_the_same(song, bars_of, by, back):
    moved = arrange(shifted(song, by), bars_of, transpose=back - by)
    assert np.array_equal(moved.notes, arrange(song, bars_of, transpose=back).notes)


@given(melodies, st.integers(-30, 30))
def test_a_line_of_at_most_an_octave_keeps_every_interval_wherever_it_lies(song, by):
    narrow = song_of([(note["onset"], 60 + note["pitch"] % 12) for note in song.notes])
    arrangement = arrange(shifted(narrow, by), build_instrument("song-bell"))
    assert np.array_equal(np.diff(bars(arrangement)), np.diff(narrow.notes["pitch"].astype(int)))


@given(songs(), layouts)
def test_a_song_that_the_bars_hold_as_it_is_stays_so(song, instrument: Instrument):
    notes = song.notes.copy()
    notes["pitch"] = instrument.pitches[notes["pitch"] % len(instrument)]
    arrangement = arrange(Song(notes), instrument)
    assert arrangement.transpose == 0
    assert arrangement.folded == 0
    assert set(arrangement.dropped) <= {"drums", "silent", "not ready"}
