"""Damaged files: what can be read is kept, and one line names what is wrong, the track and the byte."""

from __future__ import annotations

import tracemalloc

import pytest

from midifile.smf import END, chunk, header, meta, meter, note, number, off, on, song, tempo, track
from xylophone import SongError, parse_song

TRACK_0 = len(header()) + 8  # where the content of the first track begins


def damaged(content: bytes, *warnings: str) -> list[int]:
    """Return the pitches that are left; the warnings must begin so, and be no others."""
    parsed = parse_song(content)
    assert len(parsed.warnings) == len(warnings), parsed.warnings
    for told, expected in zip(parsed.warnings, warnings, strict=True):
        assert expected in told
        assert "\n" not in told
    return parsed.notes["pitch"].tolist()


def test_a_file_cut_within_an_event():
    content = song(chunk(note(60) + on(62)))[:-1]
    cut = TRACK_0 + len(note(60))
    pitches = damaged(
        content,
        "track 0, byte 18: the track is longer than the file",
        f"track 0, byte {cut}: the track ends inside an event",
        "track 0, byte",
    )
    assert pitches == [60]


@pytest.mark.parametrize("length", range(len(song(track(note(60), tempo(400_000), note(62))))))
def test_a_file_cut_anywhere_keeps_what_came_before(length):
    content = song(track(note(60), tempo(400_000), note(62)))[:length]
    if length < 4:
        with pytest.raises(SongError):
            parse_song(content)
        return
    parsed = parse_song(content)
    assert parsed.warnings
    assert len(parsed) == (length >= TRACK_0 + 4) + (length >= TRACK_0 + 9 + 7 + 4)


def test_no_end_of_track():
    content = song(chunk(note(60)))
    assert damaged(content, f"track 0, byte {len(content)}: the track has no end-of-track event") == [60]


def test_a_track_longer_than_the_file():
    content = song(chunk(note(60) + END, length=2**31))
    assert damaged(content, "track 0, byte 18: the track is longer than the file") == [60]


def test_a_track_longer_than_the_file_does_not_swallow_the_next():
    content = song(chunk(note(60) + END, length=2**32 - 1), track(note(62)))
    assert damaged(content, "track 0, byte 18: the track is longer than the file") == [60, 62]


@pytest.mark.parametrize("length", [0, 1, 5, 9])
def test_a_track_longer_than_its_length(length):
    content = song(track(note(60), note(62), length=length), track(note(64)))
    assert damaged(content, "track 0, byte 18: the track's length is wrong") == [60, 64, 62]


def test_a_length_that_reaches_into_the_next_track():
    content = song(track(note(60), length=len(note(60)) + 10), track(note(62)))
    assert damaged(content, "track 0, byte 18: the track's length is wrong") == [60, 62]


def test_events_behind_the_end_of_a_track_are_played():
    content = song(chunk(note(60) + END + note(62) + END))
    place = TRACK_0 + len(note(60) + END)
    assert damaged(content, f"track 0, byte {place}: events behind the end-of-track") == [60, 62]


def test_data_bytes_over_127():
    content = song(track(on(60, 200), on(62, 130, 1), b"\x01\xc0\x90", b"\x01\x90\xbc\x40", note(65)))
    parsed = parse_song(content)
    assert parsed.notes["velocity"].tolist() == [127, 127, 64, 64]
    assert parsed.notes["pitch"].tolist() == [60, 62, 127, 65]
    assert parsed.warnings == (
        f"track 0, byte {TRACK_0 + 2}: a data byte over 127 is read as 127 (3 more like it)",
    )


def test_data_where_a_status_must_be():
    content = song(track(b"\x00\x3c\x40\x10", note(60)[1:], note(62)))
    assert damaged(content, f"track 0, byte {TRACK_0 + 1}: data without a status byte") == [60, 62]


def test_a_system_message_that_no_file_may_hold():
    content = song(track(b"\x00\xf8", b"\x00\xf2\x01\x02", note(60)))
    assert damaged(content, "status 0xf8 has no place", "status 0xf2 has no place") == [60]


@pytest.mark.parametrize(
    "event",
    [b"\x00\xff\x01", b"\x00\xf0", b"\x00\xf7", b"\x00\xff\x7f"],
    ids=["text", "sysex", "escape", "own"],
)
@pytest.mark.parametrize("length", [50, 2**14, 2**28 - 1])
def test_an_event_longer_than_its_track(event, length):
    content = song(chunk(note(60) + event + number(length)), track(note(62)))
    place = TRACK_0 + len(note(60))
    assert damaged(content, f"track 0, byte {place}: the track ends inside an event", "no end-of-track") == [
        60,
        62,
    ]


@pytest.mark.parametrize("content", [b"", b"\x07", b"\x07\xa1", b"\0\0\0"])
def test_a_tempo_that_says_nothing(content):
    pitches = damaged(
        song(track(meta(0x51, content), note(60))), "track 0, byte 26: a tempo that is zero or cut"
    )
    assert pitches == [60]


@pytest.mark.parametrize("content", [b"", b"\x04", b"\0\2\x18\x08", b"\x04\x10\x18\x08", b"\x04\xff\x18\x08"])
def test_a_metre_that_cannot_be(content):
    parsed = parse_song(song(track(meta(0x58, content), note(60))))
    assert parsed.meters.tolist() == [(0.0, 0.0, 4, 4)]
    assert "a time signature that is impossible or cut short" in parsed.warnings[0]


@pytest.mark.parametrize("content", [b"", b"\x09", b"\x7f\x05", b"\xff\xff\xff"])
def test_keys_that_cannot_be_harm_nobody(content):
    assert damaged(song(track(meta(0x59, content), meta(0x54), meta(0x00), note(60)))) == [60]


def test_a_delta_time_of_too_many_bytes():
    content = song(track(b"\x80" * 7 + b"\x01" + note(60)[1:], note(62)))
    parsed = parse_song(content)
    assert parsed.notes["pitch"].tolist() == [60, 62]
    assert parsed.warnings[0].startswith(f"track 0, byte {TRACK_0}: a delta time of more than four bytes")


def test_a_song_that_lasts_for_days_says_so():
    parsed = parse_song(song(track(on(60), off(60, 2**28 - 1), off(60, 2**28 - 1)), division=1))
    assert parsed.warnings == ("the song lasts 74565 hours: a delta time may be damaged",)
    assert parsed.duration == 2**28 - 1


@pytest.mark.parametrize("division", [0, 0xE800])
def test_a_division_of_zero(division):
    parsed = parse_song(song(track(note(60)), division=division))
    assert parsed.notes["duration"].tolist() == [0.5]
    assert parsed.warnings == ("byte 12: the division is zero: read as 480 ticks a quarter note",)


def test_a_format_that_does_not_exist():
    assert damaged(song(track(note(60)), format=7), "byte 8: format 7 is unknown") == [60]


def test_a_wrong_count_of_tracks():
    content = header(1, 65_535) + track(note(60))
    assert damaged(content, "byte 10: the header claims 65535 tracks and there are 1") == [60]


def test_no_tracks_at_all():
    assert damaged(header(), "the header claims 1 track and there are 0") == []


def test_junk_before_the_header_and_between_the_tracks():
    content = b"\0" * 128 + header(1, 2) + track(note(60)) + b"\x01junk" + track(note(62))
    pitches = damaged(content, "byte 0: 128 bytes before the header are left out", "that belong to no track")
    assert pitches == [60, 62]


def test_tracks_without_a_header():
    assert damaged(track(note(60)), "byte 0: the header is missing") == [60]


@pytest.mark.parametrize("length", [0, 5, 2**31])
def test_a_header_of_wrong_length(length):
    content = song(track(note(60)))
    content = content[:4] + length.to_bytes(4, "big") + content[8:]
    assert damaged(content, f"byte 4: the header's length cannot be {length}") == [60]


def test_a_longer_header_is_allowed():
    content = chunk(b"\0\1\0\1\1\xe0more", b"MThd") + track(note(60))
    assert damaged(content) == [60]


def test_warnings_are_bounded_and_the_rest_is_counted():
    content = song(*(chunk(note(60)) for _ in range(70)))
    warnings = parse_song(content).warnings
    assert len(warnings) <= 31
    assert warnings[-1] == f"and {70 - len(warnings) + 1} more"


@pytest.mark.parametrize(
    "content",
    [
        song(chunk(b"", length=2**32 - 1)),
        song(chunk(b"\x00\xf0\xff\xff\xff\x7f")),
        song(chunk(b"\x00\xff\x03\x8f\xff\xff\x7f")),
        header(1, 65_535) + chunk(b"", length=2**31),
        header(2, 65_535, 1) + track(on(60, delta=2**28 - 1), off(60, 2**28 - 1)),
        song(track(meter(255, 0, 2**28 - 1), meter(1, 15, 2**28 - 1)), division=1),
        b"MThd\xff\xff\xff\xff",
    ],
    ids=["track", "sysex", "name", "count", "deltas", "measures", "header"],
)
def test_no_small_file_asks_for_much_memory(content):
    parse_song(song(track(note(60))))  # what is made once is no part of it
    tracemalloc.start()
    try:
        parse_song(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300_000


@pytest.mark.parametrize(
    "body",
    [
        tempo(400_000),
        meter(3, 2),
        meta(0x03, b"name"),
        b"\x00\xf0\x00",
        b"\x00\xd0\x01",
        b"\x00\x90\xff\xff",
        b"\x80",
        b"\x01",
    ],
    ids=["tempo", "meter", "name", "sysex", "pressure", "over 127", "delta", "data"],
)
def test_memory_grows_no_faster_than_the_file(body):
    """A file full of the one thing that is looked at piece by piece."""
    content = song(chunk(body * (60_000 // len(body)) + END))
    tracemalloc.start()
    try:
        parse_song(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60 * len(content) + 300_000


def test_a_track_with_padding_does_not_swallow_the_next():
    content = song(chunk(note(60) + END + b"\0" + track(note(62))))
    pitches = damaged(content, "track 0, byte 18: the track's length is wrong", "the header claims 1 track")
    assert pitches == [60, 62]
