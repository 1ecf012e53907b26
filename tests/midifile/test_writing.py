"""A song that is written and read again is the same; an arrangement is struck as it is."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import layouts, line, song_of, songs
from counts import examples
from midifile.smf import meta, meter, note, off, on, song, tempo, track
from xylophone import Song, arrange, build_instrument, load_song, parse_song, songs as own_songs
from xylophone.arranger import PRESETS, Arrangement
from xylophone.arranger.written import as_song
from xylophone.errors import FileError
from xylophone.midifile.writing import song_bytes, write_song
from xylophone.tables import METER, NOTE, TEMPO

CLOSE = 0.0005


def again(arrangement: Arrangement) -> Song:
    return parse_song(song_bytes(as_song(arrangement)))


def by_bar(times: np.ndarray, bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((times, bars))
    return times[order], bars[order]


def assert_same_strikes(arrangement: Arrangement, read: Song) -> None:
    """Both have the same strikes, to half a millisecond."""
    times, bars = by_bar(
        arrangement.notes["onset"], arrangement.instrument.pitches[arrangement.notes["hammer"]]
    )
    read_times, read_bars = by_bar(read.notes["onset"], read.notes["pitch"])
    assert read_bars.tolist() == bars.tolist()
    assert np.abs(read_times - times).max(initial=0.0) <= CLOSE


def assert_struck_as_it_is(arrangement: Arrangement, read: Song) -> None:
    """Arranged for the same instrument, nothing of it changes."""
    second = arrange(read, arrangement.instrument)
    assert (second.transpose, second.kept, len(second.changes)) == (0, len(read), 0)


@pytest.mark.parametrize("preset", ["faithful", "virtuoso"])
@pytest.mark.parametrize("layout", ["song-bell", "diatonic-15"])
@pytest.mark.parametrize("name", ["william_tell", "fuer_elise", "gymnopedie_1", "auld_lang_syne"])
def test_a_song_of_the_project_goes_through_a_file(name: str, layout: str, preset: str) -> None:
    """Their tempos are many: they slow down at the end, and auld_lang_syne begins with an upbeat."""
    (path,) = [entry.path for entry in own_songs() if entry.name == name]
    arrangement = arrange(load_song(path), build_instrument(layout), weights=PRESETS[preset])
    read = again(arrangement)
    assert_same_strikes(arrangement, read)
    assert_struck_as_it_is(arrangement, read)
    assert (read.title, read.warnings) == (arrangement.song.title, ())
    assert read.meters.tolist() == arrangement.song.meters.tolist()
    assert read.tempos["bpm"].tolist() == arrangement.song.tempos["bpm"].tolist()
    assert read.tempos["time"] == pytest.approx(arrangement.song.tempos["time"], abs=1e-9)
    if preset == "faithful":  # tremolo falls between ticks, and so beside bar lines
        source = arrangement.notes["onset"]
        assert arrangement.song.measures_at(source).tolist() == read.measures_at(source).tolist()
        assert [read.measure_at(t)[0] for t in read.notes["onset"]] == read.measures_at(source).tolist()


@pytest.mark.parametrize("division", [96, 384, 480, 1024, 10080, 32767])
def test_ticks_of_other_divisions_are_met_exactly(division: int) -> None:
    part = [tempo(700_001), meter(3, 2), *(note(72 + n, 3, delta=division // 3 - 3) for n in range(12))]
    part += [tempo(350_003), meter(6, 3), *(note(72 + n, 2, delta=division // 3 - 2) for n in range(12))]
    parsed = parse_song(song(track(*part), division=division))
    read = parse_song(song_bytes(parsed))
    assert read.notes["onset"] == pytest.approx(parsed.notes["onset"], abs=1e-5)
    assert read.notes["pitch"].tolist() == parsed.notes["pitch"].tolist()
    for column in parsed.meters.dtype.names:
        assert read.meters[column] == pytest.approx(parsed.meters[column])
    moments = parsed.notes["onset"]
    assert read.measures_at(read.notes["onset"]).tolist() == parsed.measures_at(moments).tolist()


def test_changes_of_tempo_and_metre_stand_where_they_stood() -> None:
    content = song(
        track(
            *(tempo(500_000), meter(4, 2), note(72, 480)),
            *(meter(3, 2, 480 * 4), tempo(1_000_000), note(74, 480)),
            *(meter(7, 3, 480 * 5), tempo(333_333), note(76, 240), note(77, 240, delta=480 * 4)),
        )
    )
    arrangement = arrange(parse_song(content), build_instrument())
    read = again(arrangement)
    assert_same_strikes(arrangement, read)
    assert read.meters.tolist() == arrangement.song.meters.tolist()
    assert [read.measure_at(t) for t in read.notes["onset"]] == [
        arrangement.song.measure_at(t) for t in arrangement.notes["onset"]
    ]
    assert [read.measure_at(t)[0] for t in read.notes["onset"]] == [1, 3, 5, 6]


def test_seconds_of_a_film_are_kept_though_they_have_no_quarters() -> None:
    """SMPTE time code: 25 frames a second, 40 ticks a frame."""
    division = (256 - 25) << 8 | 40
    parsed = parse_song(song(track(*(note(72 + n, 7, delta=123 + n) for n in range(20))), division=division))
    read = parse_song(song_bytes(parsed))
    assert read.notes["onset"] == pytest.approx(parsed.notes["onset"], abs=CLOSE)


@examples(60)
@given(songs(), layouts, st.sampled_from(sorted(PRESETS)))
def test_any_arrangement_goes_through_a_file(song: Song, instrument, preset: str) -> None:
    arrangement = arrange(song, instrument, weights=PRESETS[preset])
    assert_same_strikes(arrangement, again(arrangement))


@given(
    st.lists(st.floats(3.6, 900), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from([2, 4, 8, 16])), min_size=1, max_size=5),
)
def test_any_tempos_and_metres_go_through_a_file(tempos: list[float], meters: list[tuple[int, int]]) -> None:
    """Tempos change each 4 quarters, metres each 3 measures; a note on every bar line and beside it."""
    table = np.zeros(len(tempos), TEMPO)
    table["quarter"] = 4.0 * np.arange(len(tempos))
    table["bpm"] = [6e7 / round(6e7 / bpm) for bpm in tempos]
    table["time"][1:] = np.cumsum(4.0 * 60.0 / table["bpm"][:-1])
    metres = np.zeros(len(meters), METER)
    metres["numerator"], metres["denominator"] = zip(*meters, strict=True)
    metres["quarter"][1:] = np.cumsum(12.0 * metres["numerator"] / metres["denominator"])[:-1]
    metres["measure"] = 3.0 * np.arange(len(meters))
    empty = Song(np.zeros(0, NOTE), tempos=table, meters=metres)
    lines = [empty.time_of_measure(number) for number in range(1, 3 * len(meters) + 1)]
    moments = sorted([*lines, *(moment + 0.13 for moment in lines)])
    notes = song_of([(moment, 72) for moment in moments]).notes
    read = parse_song(song_bytes(Song(notes, tempos=table, meters=metres)))
    assert np.abs(read.notes["onset"] - moments).max() <= CLOSE
    on_line = [place for place, moment in enumerate(moments) if moment in lines]
    assert read.measures_at(read.notes["onset"])[on_line].tolist() == [
        empty.measure_at(moments[place])[0] for place in on_line
    ]


def test_tracks_tell_the_voices_and_anything_can_play_them() -> None:
    (path,) = [entry.path for entry in own_songs() if entry.name == "swan_lake"]
    arrangement = arrange(load_song(path), build_instrument())
    content = song_bytes(as_song(arrangement))
    file = mido.MidiFile(file=BytesIO(content))
    assert file.type == 1
    names = [track.name for track in file.tracks]
    assert names == [arrangement.song.title, "Melody", "Inner voices"]
    melody = [message.note for message in file.tracks[1] if message.type == "note_on"]
    assert len(melody) == arrangement.melody
    channels = [{m.channel for m in track if not m.is_meta} for track in file.tracks[1:]]
    assert channels == [{number} for number in range(len(channels))]
    sounding: set[tuple[int, int]] = set()
    for message in file:
        key = (getattr(message, "channel", -1), getattr(message, "note", -1))
        if message.type == "note_on":
            assert key not in sounding
            sounding.add(key)
        elif message.type == "note_off":
            sounding.remove(key)
    assert not sounding


def test_velocities_are_whole_and_durations_those_of_the_song() -> None:
    part = song_of(line(72, 74, 76), duration=0.4, loudness=63, velocity=63)
    arrangement = arrange(part, build_instrument())
    read = again(arrangement)
    assert read.notes["velocity"].tolist() == np.rint(arrangement.notes["velocity"]).tolist() == [63, 63, 63]
    assert read.notes["duration"] == pytest.approx([0.4] * 3, abs=0.001)


def test_a_note_lasts_a_sixteenth_at_least_and_ends_where_its_bar_is_struck_again() -> None:
    part = song_of([(0.0, 72), (0.1, 72), (1.0, 76)], duration=0.001)
    read = again(arrange(part, build_instrument()))
    assert read.notes["duration"] == pytest.approx([0.1, 0.125, 0.125], abs=0.001)


def test_a_title_in_any_letters() -> None:
    named = Song(song_of(line(72)).notes, title="Für Elise ♯ 荒城の月")
    assert parse_song(song_bytes(named)).title == "Für Elise ♯ 荒城の月"


def test_a_song_without_notes_is_a_file_too() -> None:
    read = parse_song(song_bytes(Song(np.zeros(0, NOTE), title="Nothing")))
    assert (len(read), read.title, read.warnings) == (0, "Nothing", ())


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.mid"
    write_song(path, song_of(line(72)))
    before = path.read_bytes()
    monkeypatch.setattr("xylophone.files.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(FileError, match=r"cannot write .*out\.mid: the disk is full"):
        write_song(path, song_of(line(72, 74)))
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [before]
    with pytest.raises(FileError, match="its folder does not exist"):
        write_song(tmp_path / "no" / "out.mid", song_of(line(72)))


@pytest.mark.parametrize("gap", [(1 << 28) - 1, 4 * ((1 << 28) - 1)])
def test_a_gap_that_no_delta_time_holds_keeps_its_length(gap: int) -> None:
    """Thirty hours at 120 bpm and 1,000 ticks to a quarter note, and what a coarser file can say."""
    parts = [(1 << 28) - 1] * (gap // ((1 << 28) - 1) - 1)
    silence = b"".join(meta(1, delta=part) for part in parts)
    content = song(track(note(72), silence, note(74, delta=(1 << 28) - 1)), division=1000)
    before = parse_song(content)
    after = parse_song(song_bytes(before))
    assert after.notes["onset"].tolist() == pytest.approx(before.notes["onset"].tolist(), abs=CLOSE)
    assert before.notes["onset"][-1] > 30 * 3600
    assert len(song_bytes(before)) < 500


def test_moments_of_quarters_and_measures_are_the_inverse_of_what_they_count() -> None:
    content = song(track(tempo(250_000, 960), meter(3, 2), tempo(1_000_000, 480), on(60), off(60, 4800)))
    parsed = parse_song(content)
    for moment in (0.0, 0.7, 1.0, 1.1, 1.25, 4.0, 9.0):
        assert parsed.time_at(parsed.quarter_at(moment)) == pytest.approx(moment)
    for measure in range(1, 6):
        assert parsed.measure_at(parsed.time_of_measure(measure)) == (measure, 1.0)
