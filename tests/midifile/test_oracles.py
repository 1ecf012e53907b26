"""Against other readers: mido, symusic, and this parser's own slow way."""

from __future__ import annotations

import io
import random
from operator import attrgetter

import mido
import numpy as np
import pytest
import symusic
from hypothesis import HealthCheck, given, strategies as st

from counts import examples
from midifile.smf import END, chunk, header
from midifile.synthesizer import SYSTEMS, Synthesizer
from xylophone import SongError, parse_song
from xylophone.song import Song

FEW = examples(60, suppress_health_check=[HealthCheck.too_slow])
DELTAS = st.sampled_from([0, 0, 0, 1, 60, 127, 128, 480, 5_000, 20_000])
CHANNELS, PITCHES, SEVEN = st.sampled_from([0, 1, 9, 15]), st.sampled_from([59, 60, 61]), st.integers(0, 127)

MESSAGES = st.one_of(
    st.builds(mido.Message, st.just("note_on"), channel=CHANNELS, note=PITCHES, velocity=SEVEN, time=DELTAS),
    st.builds(mido.Message, st.just("note_off"), channel=CHANNELS, note=PITCHES, time=DELTAS),
    st.builds(
        mido.Message,
        st.just("control_change"),
        channel=CHANNELS,
        control=st.sampled_from([0, 1, 6, 7, 11, 38, 64, 66, 98, 121]),
        value=SEVEN | st.sampled_from([0, 120, 121, 126, 127]),
        time=DELTAS,
    ),
    st.builds(
        mido.Message,
        st.just("control_change"),
        channel=CHANNELS,
        control=st.sampled_from([100, 101]),
        value=st.sampled_from([0, 0, 1, 2, 127]),
        time=DELTAS,
    ),
    st.builds(mido.MetaMessage, st.just("midi_port"), port=st.integers(0, 2), time=DELTAS),
    st.builds(mido.Message, st.just("sysex"), data=st.sampled_from([*SYSTEMS]), time=DELTAS),
    st.builds(mido.Message, st.just("program_change"), channel=CHANNELS, program=SEVEN, time=DELTAS),
    st.builds(mido.Message, st.just("aftertouch"), channel=CHANNELS, value=SEVEN, time=DELTAS),
    st.builds(
        mido.Message, st.just("pitchwheel"), channel=CHANNELS, pitch=st.integers(-8192, 8191), time=DELTAS
    ),
    st.builds(mido.Message, st.just("sysex"), data=st.lists(SEVEN, max_size=9), time=DELTAS),
    st.builds(mido.MetaMessage, st.just("set_tempo"), tempo=st.integers(1, 2**24 - 1), time=DELTAS),
    st.builds(mido.MetaMessage, st.just("lyrics"), text=st.text("la", max_size=200), time=DELTAS),
)
SONGS = st.builds(
    lambda tracks, division: mido.MidiFile(type=1, ticks_per_beat=division, tracks=tracks),
    st.lists(st.lists(MESSAGES, max_size=60).map(mido.MidiTrack), max_size=4),
    st.sampled_from([1, 24, 96, 480, 32_767]),
)


def written(song: mido.MidiFile) -> bytes:
    out = io.BytesIO()
    song.save(file=out)
    return out.getvalue()


def tempo_map(song: mido.MidiFile) -> list[tuple[int, int]]:
    changes = [(0, 500_000)]
    for track in song.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                changes.append((tick, message.tempo))
    return sorted(changes, key=lambda change: change[0])


def seconds(song: mido.MidiFile, changes: list[tuple[int, int]], tick: int) -> float:
    time = 0.0
    for (at, length), (until, _) in zip(changes, [*changes[1:], (tick, 0)], strict=True):
        time += mido.tick2second(max(0, min(until, tick) - at), song.ticks_per_beat, length)
    return time


@FEW
@given(SONGS)
def test_a_synthesizer_that_takes_message_by_message_plays_the_same(song):
    parsed, player, changes = parse_song(written(song)), Synthesizer(song), tempo_map(song)
    assert all("hours" in line or "between two bars" in line for line in parsed.warnings)
    names = ["track", "pitch", "velocity", "channel", "program", "drum"]
    assert parsed.notes[names].tolist() == [attrgetter(*names)(note) for note in player.notes]
    begins, ends, silent = (
        [seconds(song, changes, getattr(note, name)) for note in player.notes]
        for name in ("tick", "end", "silent")
    )
    np.testing.assert_allclose(parsed.notes["onset"], begins, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(parsed.notes["onset"] + parsed.notes["duration"], silent, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(parsed.notes["pedal"], np.subtract(silent, ends), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(parsed.notes["loudness"], [note.loudness for note in player.notes], rtol=1e-5)
    assert parsed.duration == pytest.approx(seconds(song, changes, player.last))


def tune(seed: int, tracks: int = 4, notes: int = 300) -> mido.MidiFile:
    """A tune in which no equal pitches overlap, since readers differ in what they make of them."""
    chance = random.Random(seed)
    song = mido.MidiFile(ticks_per_beat=chance.choice([96, 220, 480]))
    for channel in range(tracks):
        track = mido.MidiTrack()
        song.tracks.append(track)
        for _ in range(notes // tracks):
            if not channel and chance.random() < 0.1:
                track.append(mido.MetaMessage("set_tempo", tempo=chance.randrange(200_000, 900_000)))
            pitch, wait, length = (
                chance.randrange(30, 100),
                chance.choice([0, 7, 300]),
                chance.choice([1, 48, 200]),
            )
            track.append(
                mido.Message(
                    "note_on", channel=channel, note=pitch, velocity=chance.randrange(1, 128), time=wait
                )
            )
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=0, time=length))
    return song


@pytest.mark.parametrize("seed", range(5))
def test_symusic_hears_the_same(seed):
    content = written(tune(seed))
    notes = np.sort(parse_song(content).notes, order=["track", "onset", "pitch"])
    score = symusic.Score.from_midi(content).to("second")
    heard = sorted(
        (number, note.time, note.pitch, note.duration, note.velocity)
        for number, track in enumerate(score.tracks)
        for note in track.notes
    )
    assert notes["pitch"].tolist() == [row[2] for row in heard]
    assert notes["velocity"].tolist() == [row[4] for row in heard]
    np.testing.assert_allclose(notes["onset"], [row[1] for row in heard], atol=1e-4)
    np.testing.assert_allclose(notes["duration"], [row[3] for row in heard], atol=1e-4)


def both_ways(content: bytes) -> Song:
    """Read runs at once and event by event: the same song, the same warnings."""
    fast, slow = parse_song(content), parse_song(content, runs=False)
    for name in ("notes", "tempos", "meters"):
        assert getattr(fast, name).tobytes() == getattr(slow, name).tobytes()
    assert (fast.title, fast.tracks, fast.duration, fast.warnings) == (
        slow.title,
        slow.tracks,
        slow.duration,
        slow.warnings,
    )
    return fast


def lawful(song: Song) -> None:
    """What holds for every song, whatever the file was."""
    notes = song.notes
    for name in ("onset", "duration", "loudness"):
        assert np.all(np.isfinite(notes[name]))
        assert np.all(notes[name] >= 0)
    assert np.all(np.diff(notes["onset"]) >= 0)
    assert np.all((notes["velocity"] > 0) & (notes["velocity"] < 128) & (notes["pitch"] < 128))
    assert np.all(notes["program"] < 128)
    assert np.isfinite(song.duration)
    assert song.duration >= np.max(notes["onset"] + notes["duration"], initial=0) - 1e-9
    assert sum(track.notes for track in song.tracks) == len(notes)
    assert song.tempos["time"][0] == song.tempos["quarter"][0] == song.meters["quarter"][0] == 0
    assert np.all(np.diff(song.tempos["time"]) >= 0)
    assert np.all(song.tempos["bpm"] > 0)
    assert np.all(np.diff(song.meters["measure"]) >= 0)
    assert all("\n" not in line for line in song.warnings)


@FEW
@given(SONGS)
def test_runs_and_single_events_give_the_same(song):
    lawful(both_ways(written(song)))


BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from(
            [
                0x00,
                0x3C,
                0x7F,
                0x80,
                0x81,
                0x90,
                0x9F,
                0xB0,
                0xC0,
                0xD0,
                0xE0,
                0xF0,
                0xF7,
                0xFF,
                0x2F,
                0x51,
                0x03,
            ]
        ),
        max_size=300,
    ).map(bytes),
)


@examples(200)
@given(
    st.lists(BYTES, max_size=3),
    st.integers(0, 3),
    st.integers(0, 65_535),
    st.none() | st.integers(0, 2**32 - 1),
    st.none() | st.integers(0, 40),
)
def test_any_bytes_in_a_track_give_a_lawful_song(tracks, format, division, lie, claimed):
    chunks = b"".join(chunk(content + END * (len(content) % 2), length=lie) for content in tracks)
    lawful(both_ways(header(format, len(tracks) if claimed is None else claimed, division) + chunks))


@examples(60)
@given(st.data())
def test_a_file_with_some_bytes_changed_gives_a_lawful_song(data):
    content = bytearray(written(tune(3, 2, 40)))
    for place in data.draw(st.lists(st.integers(4, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    lawful(both_ways(bytes(content)))


@examples(100)
@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_a_song_or_a_song_error(content):
    try:
        lawful(parse_song(content))
    except SongError as error:
        assert "\n" not in str(error)  # noqa: PT017
