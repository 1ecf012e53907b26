"""Where drums are: what the file says of a channel at each note, and by name only with a kit's notes."""

from __future__ import annotations

import pytest

from midifile.smf import control, meta, note, number, on, program, song, track
from xylophone import parse_song
from xylophone.midifile.writing import song_bytes

GS, GM, GM2 = "41 10 42 12 40 00 7F 00 41", "7E 7F 09 01", "7E 7F 09 03"
XG = "43 10 4C 00 00 7E 00"
KIT = (36, 42, 38, 42, 36, 42, 38, 46)


def sysex(data: str, delta: int = 0) -> bytes:
    content = bytes.fromhex(data) + b"\xf7"
    return number(delta) + b"\xf0" + number(len(content)) + content


def part(channel: int, kind: int, block: str = "40") -> bytes:
    """The GS message that makes a channel, from 0, melodic (0) or drums."""
    place = 0 if channel == 9 else channel + 1 if channel < 9 else channel
    return sysex(f"41 10 42 12 {block} 1{place:X} 15 {kind:02X} 00")


def name(text: str) -> bytes:
    return meta(3, text.encode())


def drums(*tracks: bytes) -> list[bool]:
    return parse_song(song(*tracks)).notes["drum"].tolist()


def test_on_every_port_channel_10_is_drums_where_nothing_is_said():
    notes = b"".join(note(60, channel=channel) for channel in range(16))
    usual = [channel == 9 for channel in range(16)]
    assert drums(track(notes)) == usual
    assert drums(track(meta(0x21, b"\1"), notes)) == usual


@pytest.mark.parametrize("channel", [0, 8, 9, 10, 15])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_gs_says_of_each_part_whether_it_is_drums(channel, kind):
    messages = (part(channel, kind), *(on(60, channel=each) for each in range(16)))
    assert drums(track(*messages)) == [kind > 0 if each == channel else each == 9 for each in range(16)]


def test_a_part_counts_for_the_port_of_its_track_and_block_50_for_the_next():
    ports = [meta(0x21, bytes((port,))) for port in range(2)]
    assert drums(track(ports[0], part(3, 1), on(60, channel=3)), track(ports[1], on(60, channel=3))) == [1, 0]
    assert drums(track(ports[1], part(3, 1), on(60, channel=3)), track(ports[0], on(60, channel=3))) == [1, 0]
    other = track(ports[0], part(3, 1, block="50"), on(60, channel=3)), track(ports[1], on(60, channel=3))
    assert drums(*other) == [0, 1]


@pytest.mark.parametrize(
    ("system", "bank", "channel", "expected"),
    [
        (GM2, 120, 10, True),
        (GM2, 121, 9, False),
        (GM2, 0, 9, True),
        (XG, 127, 10, True),
        (XG, 126, 3, True),
        (XG, 0, 9, False),
        (XG, 64, 9, False),
        (GS, 127, 10, False),  # there it is a variation of a sound
        (GS, 120, 10, False),
        (GS, 0, 9, True),
        (GM, 0, 9, True),
        ("", 120, 10, True),
        ("", 127, 10, True),
        ("", 121, 9, False),
        ("", 0, 9, True),
        ("", 1, 10, False),
    ],
)
def test_a_bank_means_drums_as_the_system_has_it(system, bank, channel, expected):
    begin = sysex(system) if system else b""
    messages = (
        begin,
        control(0, bank, channel=channel),
        program(0, channel=channel),
        on(60, channel=channel),
    )
    assert drums(track(*messages)) == [expected]


def test_xg_says_of_a_part_that_it_is_drums():
    messages = (sysex(XG), sysex("43 10 4C 08 0A 07 02"), on(60, channel=10), sysex("43 10 4C 08 0A 07 00"))
    assert drums(track(*messages, on(60, channel=10))) == [True, False]


def test_the_state_at_each_note_counts_and_a_reset_begins_anew():
    messages = (on(60, channel=9), part(9, 0), on(60, channel=9), sysex(GM), on(60, channel=9))
    assert drums(track(*messages)) == [True, False, True]


def test_other_messages_of_the_same_makers_say_nothing():
    others = (
        "41 10 42 12 40 1A 14 01 00",
        "43 10 4C 08 0A 06 02",
        "7F 7F 06 02",
        "41 10 16 12 40 1A 15 01",
        "43",
    )
    assert drums(track(*(sysex(each) for each in others), on(60, channel=10))) == [False]


@pytest.mark.parametrize("said", ["Drums", "DRUM KIT", "Percussion", "Schlagzeug", "Batería", "ドラム"])
def test_a_part_named_and_played_like_a_kit_is_drums(said):
    assert all(drums(track(name(said), *(note(pitch, 120) for pitch in KIT))))


@pytest.mark.parametrize(
    ("said", "pitches", "sound"),
    [
        ("Drums", (60, 62, 64, 65, 67, 72), 0),  # a name alone
        ("Drums", (36, 38, 40, 36, 38, 40), 0),  # a bass line
        ("Lead", KIT, 0),  # notes alone
        ("Steel Drums", KIT, 0),
        ("Drums", KIT, 114),
        ("Timpani Drums", KIT, 0),
        ("Taiko Drum", KIT, 0),
        ("Drums", KIT, 116),
        ("Tuned Toms (drums)", KIT, 0),
        ("Percussion: marimba", KIT, 0),
        ("Percussion", KIT, 12),
    ],
)
def test_neither_a_name_nor_notes_alone_are_drums_and_pitched_ones_never(said, pitches, sound):
    messages = (name(said), program(sound), *(note(pitch, 120) for pitch in pitches))
    assert not any(drums(track(*messages)))


@pytest.mark.parametrize("channel", [0, 9, 15, 25])
def test_what_is_written_says_where_drums_are(channel):
    port, own = divmod(channel, 16)
    told = track(
        meta(0x21, bytes((port,))),
        *(part(own, kind) + note(pitch, channel=own) for kind, pitch in ((1, 60), (0, 62), (2, 64))),
    )
    parsed = parse_song(song(told))
    assert parsed.notes["drum"].tolist() == [True, False, True]
    again = parse_song(song_bytes(parsed))
    for column in ("drum", "channel", "pitch"):
        assert again.notes[column].tolist() == parsed.notes[column].tolist()
