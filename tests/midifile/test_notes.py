"""Which notes a file holds, and when each ends."""

from __future__ import annotations

import numpy as np
import pytest

from midifile.smf import END, chunk, meta, note, number, off, on, song, track
from xylophone import parse_song
from xylophone.tables import NOTE


def rows(content: bytes, *names: str) -> list[tuple]:
    parsed = parse_song(content)
    assert parsed.warnings == ()
    return [tuple(row) for row in parsed.notes[list(names)].tolist()]


def test_a_note_has_onset_duration_pitch_velocity_channel_and_track():
    content = song(track(), track(on(69, 70, 480, channel=3), off(69, 240, channel=3)))
    parsed = parse_song(content)
    assert parsed.notes.dtype == NOTE
    assert parsed.notes.tolist() == [(0.5, 0.25, 70.0, 0.0, 1, 69, 70, 3, 0, False)]
    assert parsed.duration == 0.75


def test_a_song_without_notes_is_empty():
    parsed = parse_song(song(track()))
    assert len(parsed) == 0
    assert parsed.tracks == ()
    assert parsed.duration == 0.0
    assert parsed.tempos.tolist() == [(0.0, 0.0, 120.0)]
    assert parsed.meters.tolist() == [(0.0, 0.0, 4, 4)]


def test_running_status_goes_on_within_a_track():
    content = song(track(on(60), b"\x0a\x3e\x40", b"\x81\x00\x40\x00"))
    assert rows(content, "pitch", "velocity") == [(60, 64), (62, 64)]


@pytest.mark.parametrize(
    "between",
    [meta(0x01, b"la"), meta(0x51, b"\x07\xa1\x20"), b"\x00\xf0\x03\x7e\x7f\xf7", b"\x00\xf7\x01\xf8"],
    ids=["text", "tempo", "sysex", "escape"],
)
def test_running_status_goes_on_after_what_is_no_channel_message(between):
    assert rows(song(track(on(60), between, b"\x0a\x3e\x40")), "pitch") == [(60,), (62,)]


def test_running_status_of_a_program_takes_one_byte():
    content = song(track(b"\x00\xc0\x05", b"\x00\x07", note(60)))
    assert rows(content, "pitch", "program") == [(60, 7)]


def test_a_strike_of_velocity_zero_ends_the_note():
    assert rows(song(track(on(60), on(60, 0, 240))), "duration") == [(0.25,)]


def test_equal_notes_that_overlap_end_in_the_order_in_which_they_began():
    content = song(track(on(60, 1), on(60, 2, 480), off(60, 480), off(60, 480)))
    assert rows(content, "onset", "duration", "velocity") == [(0.0, 1.0, 1), (0.5, 1.0, 2)]


def test_a_note_that_never_ends_is_struck_all_the_same():
    content = song(track(on(60), on(62, delta=480), off(62, 480)))
    assert rows(content, "pitch", "duration") == [(60, 0.0), (62, 0.5)]


def test_an_end_without_a_note_ends_nothing_later():
    content = song(track(off(60), off(60, 10), on(60, delta=470), off(60, 480)))
    assert rows(content, "onset", "duration") == [(0.5, 0.5)]


def test_an_end_counts_only_for_its_own_track_channel_and_pitch():
    first = track(on(60), off(60, 960))
    second = track(on(60), on(60, channel=1), on(61), off(60, 480), off(61, 480), off(60, 480, channel=1))
    content = song(first, second)
    assert rows(content, "track", "pitch", "channel", "duration") == [
        (0, 60, 0, 1.0),
        (1, 60, 0, 0.5),
        (1, 60, 1, 1.5),
        (1, 61, 0, 1.0),
    ]


def test_equal_onsets_keep_the_order_of_the_file():
    content = song(track(on(72), on(60), off(60, 9), off(72)), track(on(65), off(65, 9)))
    assert rows(content, "pitch") == [(72,), (60,), (65,)]


def test_notes_are_sorted_over_all_tracks():
    content = song(*(track(note(60 + number, delta=100 * (9 - number))) for number in range(9)))
    onsets = parse_song(content).notes["onset"]
    assert np.all(np.diff(onsets) > 0)
    assert parse_song(content).notes["pitch"].tolist() == list(range(68, 59, -1))


@pytest.mark.parametrize("ticks", [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455])
def test_delta_times_of_every_length(ticks):
    assert len(number(ticks)) <= 4
    parsed = parse_song(song(track(on(60, delta=ticks), on(62), off(60, 1)), division=480))
    assert parsed.notes["onset"].tolist() == [ticks / 960] * 2
    assert parsed.notes["duration"].tolist() == pytest.approx([1 / 960, 0], abs=1e-9)


def test_more_tracks_than_fit_one_batch_of_pairing():
    content = song(*(track(note(60, ticks=48 * (1 + number))) for number in range(100)))
    parsed = parse_song(content)
    assert parsed.notes["track"].tolist() == list(range(100))
    assert parsed.notes["duration"].tolist() == pytest.approx([0.05 * (1 + number) for number in range(100)])


def test_chunks_of_unknown_kind_are_skipped():
    content = song(chunk(b"anything", b"XFIH"), track(note(60)), chunk(b"", b"XFKM"), track(note(62)))
    parsed = parse_song(content.replace(b"\x00\x01\x00\x04", b"\x00\x01\x00\x02"))
    assert parsed.notes["track"].tolist() == [0, 1]
    assert parsed.warnings == ()


def test_what_is_in_riff_is_unwrapped():
    inner = song(track(note(60)))
    content = b"RIFF" + (len(inner) + 12).to_bytes(4, "little") + b"RMIDdata"
    assert rows(content + len(inner).to_bytes(4, "little") + inner, "pitch") == [(60,)]


def test_pressure_bend_and_sysex_take_their_time_and_leave_no_note():
    others = (b"\x10\xa0\x3c\x40", b"\x10\xd0\x40", b"\x10\x41", b"\x10\xe0\x00\x40", b"\x10\xf0\x02\x01\xf7")
    assert rows(song(track(*others, note(60)), division=80), "onset") == [(0.5,)]


def test_tracks_are_those_that_hold_notes():
    content = song(
        track(meta(0x03, b"Conductor")),
        track(meta(0x03, b"Both hands"), b"\x00\xc1\x0b", note(60), note(62, channel=1)),
        track(note(64, channel=9)),
    )
    first, second = parse_song(content).tracks
    assert (first.number, first.name, first.notes, first.channels, first.programs) == (
        1,
        "Both hands",
        2,
        (0, 1),
        (0, 11),
    )
    assert (second.number, second.name, second.notes, second.channels) == (2, "", 1, (9,))


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (track(meta(0x03, b"Sakura")), "Sakura"),
        (track(meta(0x03, "Für Elise".encode())), "Für Elise"),
        (track(meta(0x03, "Für Elise".encode("latin-1"))), "Für Elise"),
        (track(meta(0x03, b" two\x00\n\x1b lines ")), "two lines"),
        (track(meta(0x03, b"first"), meta(0x03, b"second")), "first"),
        (
            track(meta(0x03, b"Words"), meta(0x01, b"@KMIDI KARAOKE FILE"), meta(0x01, b"@TAuld Lang Syne")),
            "Auld Lang Syne",
        ),
        (track(meta(0x01, b"only a text")), ""),
    ],
    ids=["plain", "utf-8", "latin-1", "control", "two names", "karaoke", "none"],
)
def test_the_title_is_the_name_of_the_first_track(content, title):
    assert parse_song(song(content, track(meta(0x03, b"Other"), note(60)))).title == title


def test_a_batch_may_end_anywhere():
    """Long runs are cut into batches: delta times, running status and sounding notes go on over the cut."""
    pitches = [21 + (7 * row) % 88 for row in range(120_000)]
    body = on(60, 1) + b"".join(
        bytes((0x81, 0x05, pitch, 64 * (row % 2))) for row, pitch in enumerate(pitches)
    )
    content = song(chunk(body + END))
    parsed, slowly = parse_song(content), parse_song(content, runs=False)
    assert len(parsed) == 60_001
    assert parsed.notes.tobytes() == slowly.notes.tobytes()
    assert parsed.notes["pitch"][1:].tolist() == pitches[1::2]
    assert parsed.notes["onset"][-1] == pytest.approx(133 * 120_000 / 960)
