"""Loudness and program of a note: what its channel was set to when it was struck."""

from __future__ import annotations

import numpy as np
import pytest

from midifile.smf import control, note, on, program, song, track
from xylophone import parse_song

VOLUME, EXPRESSION, RESET = 7, 11, 121


def loudness(*tracks: bytes) -> list[float]:
    parsed = parse_song(song(*tracks))
    assert parsed.warnings == ()
    return parsed.notes["loudness"].tolist()


def test_loudness_is_velocity_where_nothing_is_set():
    assert loudness(track(note(60, velocity=99))) == [99.0]


@pytest.mark.parametrize(("volume", "expected"), [(100, 80), (50, 40), (0, 0), (127, 101.6)])
def test_volume_is_a_factor_of_a_hundredth(volume, expected):
    assert loudness(track(control(VOLUME, volume), note(60, velocity=80))) == pytest.approx([expected])


def test_volume_and_expression_multiply():
    settings = control(VOLUME, 50) + control(EXPRESSION, 64)
    assert loudness(track(settings, note(60, velocity=80))) == pytest.approx([80 * 0.5 * 64 / 127])


def test_a_control_counts_from_its_tick_on_and_not_before():
    messages = (on(60), control(VOLUME, 50, 480), on(60, delta=1), control(EXPRESSION, 0, 480), on(60))
    assert loudness(track(*messages)) == [64, 32, 0]


def test_at_one_tick_the_order_of_the_file_decides():
    assert loudness(track(on(60), control(VOLUME, 50), on(62), control(VOLUME, 25), on(64))) == [64, 32, 16]


def test_a_channel_is_one_voice_over_all_tracks():
    controls = track(control(VOLUME, 50, 480), control(VOLUME, 25, 480))
    assert loudness(controls, track(on(60), on(60, delta=480), on(60, delta=480))) == [64, 32, 16]


def test_a_control_counts_for_its_own_channel_alone():
    messages = (control(VOLUME, 50, channel=1), on(60), on(60, channel=1))
    assert loudness(track(*messages)) == [64, 32]


def test_resetting_all_controllers_resets_expression_and_leaves_volume():
    messages = (control(VOLUME, 50), control(EXPRESSION, 0), on(60), control(RESET, 0), on(60))
    assert loudness(track(*messages)) == [0, 32]


def test_other_controllers_change_nothing():
    messages = [control(number, 1) for number in range(120) if number not in (VOLUME, EXPRESSION)]
    assert loudness(track(*messages, on(60))) == [64]


def test_programs_hold_for_the_channel_from_their_tick_on():
    programs = track(program(5, 480), program(9, 480, channel=1))
    notes = track(on(60), on(60, channel=1), on(60, delta=480), on(60, delta=480, channel=1))
    assert parse_song(song(programs, notes)).notes["program"].tolist() == [0, 0, 5, 9]


def test_many_controls_at_the_ticks_of_notes():
    """Against a walk through the messages one by one."""
    chance = np.random.default_rng(5)
    messages, state, expected = [], {}, []
    for _ in range(3_000):
        delta, channel = int(chance.integers(2)), int(chance.integers(3))
        kind, value = (
            chance.choice([VOLUME, EXPRESSION, RESET, 0xC0, 0x90, 0x90]),
            int(chance.integers(1, 128)),
        )
        if kind == 0x90:
            messages.append(on(60, value, delta, channel))
            factor = state.get((VOLUME, channel), 100) / 100 * state.get((EXPRESSION, channel), 127) / 127
            expected.append((value * factor, state.get((0xC0, channel), 0)))
        elif kind == 0xC0:
            messages.append(program(value, delta, channel))
            state[0xC0, channel] = value
        else:
            messages.append(control(int(kind), value, delta, channel))
            state[(EXPRESSION, channel) if kind == RESET else (int(kind), channel)] = (
                127 if kind == RESET else value
            )
    notes = parse_song(song(track(*messages))).notes
    assert notes["loudness"].tolist() == pytest.approx([loud for loud, _ in expected], rel=1e-5)
    assert notes["program"].tolist() == [number for _, number in expected]


def test_a_control_of_a_later_track_holds_for_a_later_note_of_an_earlier_track():
    lead = b"\x87\x40\x90\x3c\x64\0\xff\x2f\0"  # channel 0 sounds at tick 960
    mix = b"\0\xb1\x07\x64\0\x91\x3c\x40\x83\x60\xb0\x07\x32\0\xff\x2f\0"  # volume 50 from tick 480 on
    chunks = b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in (lead, mix))
    notes = parse_song(b"MThd\0\0\0\6\0\1\0\2\1\xe0" + chunks).notes
    assert notes["loudness"].tolist() == [64.0, 50.0]
