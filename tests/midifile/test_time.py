"""Ticks become seconds, quarter notes and measures."""

from __future__ import annotations

import pytest

from midifile.smf import meter, note, off, on, song, tempo, track
from xylophone import parse_song


def test_no_tempo_is_120_bpm():
    parsed = parse_song(song(track(note(60, delta=960)), division=96))
    assert parsed.notes["onset"].tolist() == [5.0]
    assert parsed.tempo_at(0) == 120


def test_a_tempo_holds_from_its_tick_on_also_within_a_note():
    content = song(track(on(60), tempo(1_000_000, 480), off(60, 480)))
    assert parse_song(content).notes["duration"].tolist() == [1.5]


def test_a_tempo_in_any_track_holds_for_all():
    content = song(track(note(60, delta=480)), track(note(62)), track(tempo(250_000)))
    parsed = parse_song(content)
    assert parsed.notes["onset"].tolist() == [0.0, 0.25]
    assert parsed.notes["duration"].tolist() == [0.25, 0.25]


def test_of_two_tempos_at_a_tick_the_last_one_wins():
    content = song(track(tempo(100_000), tempo(500_000)), track(tempo(1_000_000), note(60)))
    parsed = parse_song(content)
    assert parsed.notes["duration"].tolist() == [1.0]
    assert parsed.tempos.tolist() == [(0.0, 0.0, 60.0)]


def test_the_table_of_tempos_counts_seconds_and_quarters():
    parsed = parse_song(song(track(tempo(250_000, 960), tempo(1_000_000, 480), note(60, 480))))
    assert parsed.tempos.tolist() == [(0.0, 0.0, 120.0), (1.0, 2.0, 240.0), (1.25, 3.0, 60.0)]
    assert parsed.quarter_at(2.25) == 4.0


@pytest.mark.parametrize(
    ("frames", "ticks", "seconds"),
    [(24, 4, 100 / 96), (25, 40, 0.1), (29, 80, 100 * 1001 / (30_000 * 80)), (30, 100, 100 / 3000)],
)
def test_smpte_divisions_count_frames_whatever_the_tempo(frames, ticks, seconds):
    division = (256 - frames) << 8 | ticks
    parsed = parse_song(song(track(tempo(1_000_000), note(60, 100, delta=100)), division=division))
    assert parsed.notes["onset"].tolist() == pytest.approx([seconds], rel=1e-12)
    assert parsed.notes["duration"].tolist() == pytest.approx([seconds], rel=1e-12)
    assert parsed.quarter_at(2.0) == pytest.approx(2.0)
    assert parsed.warnings == ()


def test_sequences_of_format_2_play_one_after_another_each_on_its_own_tempo_map():
    content = song(
        track(tempo(1_000_000), meter(3, 2), note(60)),
        track(note(62)),
        track(tempo(250_000), note(64)),
        format=2,
    )
    parsed = parse_song(content)
    assert parsed.notes["onset"].tolist() == [0.0, 1.0, 1.5]
    assert parsed.notes["duration"].tolist() == [1.0, 0.5, 0.25]
    assert parsed.duration == 1.75
    assert [tuple(row) for row in parsed.meters[["quarter", "numerator"]].tolist()] == [
        (0, 3),
        (1, 4),
        (2, 4),
    ]
    assert parsed.tempos["bpm"].tolist() == [60, 120, 240]


def test_formats_0_and_1_start_all_tracks_at_once():
    for format in (0, 1):
        parsed = parse_song(song(track(note(60)), track(note(62)), format=format))
        assert parsed.notes["onset"].tolist() == [0.0, 0.0]


def test_the_duration_is_the_end_of_the_longest_track():
    content = song(track(note(60)), track(b"\x8f\x00\xff\x01\x00"))
    assert parse_song(content).duration == 2.0


def test_measures_are_counted_through_changes_of_metre():
    content = song(track(meter(3, 2), meter(6, 3, 480 * 6), note(60, 480 * 6)))
    parsed = parse_song(content)
    assert parsed.meters.tolist() == [(0.0, 0.0, 3, 4), (6.0, 2.0, 6, 8)]
    assert parsed.measure_at(0.0) == (1, 1.0)
    assert parsed.measure_at(2.5) == (2, 3.0)
    assert parsed.measure_at(3.0) == (3, 1.0)
    assert parsed.measure_at(4.75) == (4, 2.0)


def test_a_time_signature_within_a_measure_opens_the_next():
    content = song(track(meter(4, 2), meter(2, 2, 480 * 5), note(60, 480 * 4)))
    assert parse_song(content).meters.tolist() == [(0.0, 0.0, 4, 4), (5.0, 2.0, 2, 4)]


def test_a_first_time_signature_after_the_beginning_follows_four_four():
    content = song(track(meter(2, 1, 480 * 4), note(60)))
    assert parse_song(content).meters.tolist() == [(0.0, 0.0, 4, 4), (4.0, 1.0, 2, 2)]


def test_a_metre_in_any_track_counts_and_the_last_at_a_tick_wins():
    content = song(track(meter(5, 2), note(60)), track(meter(7, 3)))
    assert parse_song(content).meters.tolist() == [(0.0, 0.0, 7, 8)]


@pytest.mark.parametrize("power", [0, 6, 15])
def test_metres_with_unusual_beats(power):
    parsed = parse_song(song(track(meter(255, power), note(60))))
    assert (parsed.meters["numerator"][0], parsed.meters["denominator"][0]) == (255, 1 << power)


def test_a_time_signature_that_is_said_again_in_a_measure_opens_none():
    parsed = parse_song(song(track(meter(4, 2), note(60), meter(4, 2), note(62), note(64))))
    assert len(parsed.meters) == 1
