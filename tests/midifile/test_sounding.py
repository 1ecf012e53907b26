"""What sounds: pitch by tuning, shifts and bend; length by pedals; channels by port; settings by resets."""

from __future__ import annotations

from math import sin

import pytest

from midifile.smf import control, meta, note, number, off, on, song, track
from midifile.test_drums import GM, GM2, GS, XG, sysex
from xylophone import parse_song

QUARTER = 0.5  # s, at 120 bpm
DAMPER, SOSTENUTO, RESET = 64, 66, 121


def bend(semitones: float, delta: int = 0, span: float = 2, channel: int = 0) -> bytes:
    value = min(16383, round(8192 + 8192 * semitones / span))
    return number(delta) + bytes((0xE0 | channel, value & 127, value >> 7))


def parameter(number: int, value: int, fine: int | None = None) -> bytes:
    """Registered parameter `number` set to a value, and its fine part."""
    half = control(38, fine) if fine is not None else b""
    return control(101, 0) + control(100, number) + control(6, value) + half


def pitches(*messages: bytes, warned: int = 0) -> list[int]:
    parsed = parse_song(song(track(*messages)))
    assert len(parsed.warnings) == warned, parsed.warnings
    return parsed.notes["pitch"].tolist()


def lengths(*messages: bytes) -> list[tuple[float, float]]:
    """How long notes sound, and how much of it by a pedal alone, in quarters."""
    notes = parse_song(song(track(*messages))).notes
    return [(row["duration"] / QUARTER, pytest.approx(row["pedal"] / QUARTER)) for row in notes]


@pytest.mark.parametrize(
    ("setup", "semitones"),
    [
        (parameter(2, 76), 12),
        (parameter(2, 61), -3),
        (parameter(1, 0), -1),
        (parameter(1, 96), 0),  # half a semitone: to the even one, and told
        (parameter(1, 127, 127) + parameter(2, 65), 2),
        (sysex("7F 7F 04 04 00 45"), 5),
        (sysex("7F 7F 04 03 00 00"), -1),
        (sysex("41 10 42 12 40 00 05 3D 00"), -3),
        (sysex("41 10 42 12 40 11 16 42 00"), 2),
        (sysex("41 10 42 12 40 12 16 42 00"), 0),  # of another part
        (sysex("43 10 4C 00 00 06 43"), 3),
        (sysex("43 10 4C 08 00 08 3E"), -2),
        (sysex("41 10 42 12 40 00 00 00 00 01 08 00"), -1),  # 0108h: 76 cents flat
        (control(101, 0) + control(100, 127) + control(6, 76), 0),
        (control(99, 1) + control(98, 2) + control(6, 76), 0),
        (control(101, 0) + control(100, 2) + control(99, 1) + control(6, 76), 0),
        (parameter(2, 76) + control(RESET, 0), 12),
        (parameter(2, 76) + sysex(GM), 0),
        (parameter(2, 76) + sysex(XG), 0),
        (sysex("7F 7F 04 04 00 45") + sysex(GS), 0),
    ],
)
def test_a_note_sounds_as_its_channel_is_tuned(setup, semitones):
    assert pitches(setup, note(60), warned=int(setup == parameter(1, 96))) == [60 + semitones]


def test_drums_have_no_tuning():
    assert pitches(sysex("7F 7F 04 04 00 45"), on(36, channel=9)) == [36]


def test_what_would_sound_outside_the_pitches_of_midi_sounds_at_their_edge():
    assert pitches(parameter(2, 127), note(100), parameter(2, 0), note(20)) == [127, 0]


@pytest.mark.parametrize(
    ("messages", "pitch"),
    [
        ((bend(2), note(60)), 62),
        ((bend(-2), note(60)), 58),
        ((on(60), bend(2), off(60, 480)), 62),  # at once
        ((bend(-2), on(60), bend(0, 100), off(60, 380)), 60),  # a scoop
        ((on(60), bend(2, 100), off(60, 380)), 62),
        ((on(60), bend(2, 380), off(60, 100)), 60),  # a fall
        ((on(60), *(bend(0.8 * sin(n), 20) for n in range(24)), bend(0), off(60, 40)), 60),
        ((on(60), *(bend(0.4 * (-1) ** n, 40) for n in range(12)), bend(0), off(60, 40)), 60),  # vibrato
        ((bend(2), control(RESET, 0), note(60)), 60),
        ((bend(2), sysex(GM2), note(60)), 60),
        ((parameter(0, 12), bend(12, span=12), note(60)), 72),
        ((parameter(0, 12), sysex(GM), bend(2), note(60)), 62),
        ((bend(2, channel=1), note(60)), 60),
        ((bend(2), on(60)), 62),  # never ended: as it was struck
    ],
)
def test_a_bend_counts_that_holds_for_most_of_a_note(messages, pitch):
    assert pitches(*messages) == [pitch]


def test_a_pitch_that_turns_often_and_notes_that_turn_in_numbers_are_judged_alike():
    turns = b"".join(bend(0, 1) + bend(2, 1) + bend(2, 2) for _ in range(300))
    assert pitches(on(60), turns, off(60)) == [62]
    some = (bend(0), on(60), bend(2, 1), off(60, 2), on(64), bend(0, 3), off(64, 1))
    assert pitches(*some * 1100) == [62, 66] * 1100


def test_between_two_bars_the_nearest_sounds_and_it_is_told_once():
    parsed = parse_song(song(track(bend(0.6), note(60), bend(0.45), note(62), bend(0.1), note(64))))
    assert parsed.notes["pitch"].tolist() == [61, 62, 64]
    assert parsed.warnings == ("2 notes sound between two bars: the nearest is struck",)


def test_the_damper_holds_what_ends_while_it_is_down():
    messages = (control(DAMPER, 127), note(60), note(62), control(DAMPER, 0, delta=480), note(64))
    assert lengths(*messages) == [(3, 2), (2, 1), (1, 0)]


def test_a_pedal_that_goes_down_when_a_note_ends_does_not_hold_it():
    assert lengths(note(60), control(DAMPER, 127), note(62), control(DAMPER, 0, 480)) == [(1, 0), (2, 1)]


def test_a_key_struck_again_ends_what_was_held_of_it():
    assert lengths(control(DAMPER, 64), note(60), note(60, delta=480), control(DAMPER, 63, 960)) == [
        (2, 1), (3, 2)
    ]  # fmt: skip


def test_half_a_pedal_is_none_and_one_that_is_never_lifted_ends_with_the_song():
    assert lengths(control(DAMPER, 63), note(60), note(62)) == [(1, 0), (1, 0)]
    assert lengths(control(DAMPER, 64), note(60), note(62)) == [(2, 1), (1, 0)]


@pytest.mark.parametrize("reset", [control(RESET, 0, 480), sysex(GM, 480)])
def test_a_reset_lifts_the_pedals(reset):
    assert lengths(control(DAMPER, 127), note(60), reset, note(62)) == [(2, 1), (1, 0)]


def test_the_sostenuto_pedal_holds_what_sounds_when_it_goes_down_and_nothing_else():
    messages = (on(60), control(SOSTENUTO, 127, 240), off(60, 240), note(62), control(SOSTENUTO, 0, 480))
    assert lengths(*messages) == [(3, 2), (1, 0)]


def test_a_pedal_counts_for_its_channel_in_all_tracks():
    pedal = track(control(DAMPER, 127), control(DAMPER, 0, 1920))
    played = parse_song(song(pedal, track(note(60), note(62, channel=1)))).notes
    assert (played["duration"] / QUARTER).tolist() == [4, 1]


def test_channels_of_another_port_are_others():
    second = track(meta(0x21, b"\1"), control(7, 0), note(60))
    notes = parse_song(song(track(meta(0x21, b"\0"), note(60)), second)).notes
    assert notes["channel"].tolist() == [0, 16]
    assert notes["loudness"].tolist() == [64, 0]


def test_notes_of_two_ports_end_apart():
    assert lengths(on(60), meta(0x21, b"\1"), on(60), off(60, 480), meta(0x21, b"\0"), off(60, 480)) == [
        (2, 0), (1, 0)
    ]  # fmt: skip


@pytest.mark.parametrize("system", [GM, GM2, GS, XG])
def test_a_system_on_sets_volume_and_expression_anew_for_all_channels(system):
    quiet = (control(7, 0, channel=channel) + control(11, 9, channel=channel) for channel in range(16))
    messages = (*quiet, on(60), sysex(system), on(60), on(60, channel=5))
    assert parse_song(song(track(*messages))).notes["loudness"].tolist() == [0, 64, 64]


def test_a_key_struck_very_often_at_once_is_held_as_one_and_takes_no_time():
    """Each comparison with every other would take minutes."""
    chord = b"".join(on(60) for _ in range(60_000))
    released = off(60, 480) + b"".join(off(60) for _ in range(59_999))
    messages = (control(DAMPER, 127), chord, released, note(60, delta=480), control(DAMPER, 0, 480))
    assert set(parse_song(song(track(*messages))).notes["duration"][:60_000] / QUARTER) == {2.0}
