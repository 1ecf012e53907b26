"""The project's own songs: the files, their index, and that both are what the scores say."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import mido
import pytest

SONGS = Path(__file__).resolve().parents[2] / "songs"
INDEX = tomllib.loads((SONGS / "index.toml").read_text(encoding="utf-8"))
NAMES = sorted(INDEX)
CHIMES = [name for name in NAMES if "clock" in INDEX[name]["occasion"]]
PIECES = [name for name in NAMES if name not in CHIMES]


@cache
def midi(name: str) -> mido.MidiFile:
    """One song as mido, which is not the reader that the project plays with, reads it."""
    return mido.MidiFile(SONGS / INDEX[name]["file"], charset="utf-8")


@cache
def blows(name: str) -> list[tuple[float, int, int]]:
    """Time, pitch and velocity of every note of a song, sorted; all tracks together."""
    now, found = 0.0, []
    for message in midi(name):
        now += message.time
        if message.type == "note_on" and message.velocity:
            found.append((now, message.note, message.velocity))
    return sorted(found)


def meta(name: str, kind: str) -> list[mido.MetaMessage]:
    """The meta messages of one kind in the first track."""
    return [m for m in midi(name).tracks[0] if m.type == kind]


def voices(name: str) -> list[mido.MidiTrack]:
    """The tracks that hold notes."""
    tracks = midi(name).tracks
    return [track for track in tracks if any(m.type == "note_on" for m in track)]


def test_there_are_at_least_60_songs_and_greensleeves_is_one() -> None:
    assert len(NAMES) >= 60
    assert "greensleeves" in NAMES


def test_index_and_folder_name_the_same_files() -> None:
    assert {INDEX[name]["file"] for name in NAMES} == {path.name for path in SONGS.glob("*.mid")}


@pytest.mark.parametrize("name", NAMES)
def test_index_says_what_the_file_holds_and_under_which_licence(name: str) -> None:
    entry = INDEX[name]
    assert entry["file"] == f"{name}.mid"
    assert entry["licence"] == "CC0-1.0"
    assert all(entry[key].strip() for key in ("title", "composer", "year", "shows"))
    assert [message.name for message in meta(name, "track_name")] == [entry["title"]]


OWN = "The project"
NEWEST, LAST_DEATH = 1930, 1955
"""The latest year of publication and of death of what is free: 95 years and 70 years are over in 2026."""


@pytest.mark.parametrize("name", NAMES)
def test_all_who_made_a_song_are_dead_for_70_years_and_it_came_out_before_1931(name: str) -> None:
    entry = INDEX[name]
    if entry["composer"] != OWN:
        assert int(entry["year"]) <= NEWEST
        assert all(year <= LAST_DEATH for year in entry["died"].values())
        assert entry["composer"].startswith("Traditional") or entry["composer"] in entry["died"]


@pytest.mark.parametrize("name", NAMES)
def test_the_edition_that_a_song_was_compared_with_is_named_with_its_year_and_is_free(name: str) -> None:
    assert re.search(r"\b[12]\d{3}\b", INDEX[name]["source"])
    assert re.search(r"\bpublic.domain\b|\bCC0\b", INDEX[name]["source"])


@pytest.mark.parametrize("name", NAMES)
def test_what_a_song_was_compared_with_is_told_and_is_what_its_source_says(name: str) -> None:
    entry = INDEX[name]
    compared = entry.get("compared", "not at all")
    if entry["composer"] == OWN:
        assert compared == "not at all"
    elif "not yet compared" in entry["source"]:
        assert compared == "in part"
    elif "transcription" in entry["source"] or "no print" in entry["source"]:
        assert compared in ("transcription", "in part")
    else:
        assert compared == "edition"


@pytest.mark.parametrize("kind", ["mood", "occasion"])
def test_moods_and_occasions_are_the_words_of_the_readme(kind: str) -> None:
    text = (SONGS / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{kind}` \| .*: ([a-z, ]+) \|$", text, re.MULTILINE)
    assert {word for name in NAMES for word in INDEX[name][kind]} == set(row.split(", "))
    assert all(INDEX[name]["mood"] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_tracks_with_notes_have_a_name_and_a_program(name: str) -> None:
    assert voices(name)
    for track in voices(name):
        assert [m.name.strip() for m in track if m.type == "track_name"] not in ([], [""])
        assert [m.type for m in track if m.type == "program_change"] == ["program_change"]


@pytest.mark.parametrize("name", NAMES)
def test_notes_lie_on_the_default_instrument(name: str) -> None:
    assert all(67 <= pitch <= 96 for _, pitch, _ in blows(name))


@pytest.mark.parametrize("name", PIECES)
def test_songs_have_dynamics_and_a_good_length(name: str) -> None:
    assert len({velocity for _, _, velocity in blows(name)}) >= 12
    assert max(v for _, _, v in blows(name)) - min(v for _, _, v in blows(name)) >= 30
    assert 20 <= blows(name)[-1][0] <= 240


@pytest.mark.parametrize("tower", ["westminster", "whittington", "magdalen"])
def test_a_clock_has_four_quarters_that_grow_on_the_same_bells(tower: str) -> None:
    quarters = [blows(f"{tower}_{quarter}") for quarter in (1, 2, 3, 4)]
    assert all(len(after) > len(before) for before, after in pairwise(quarters))
    bells = {pitch for quarter in quarters for _, pitch, _ in quarter}
    assert len(bells) == {"westminster": 4, "whittington": 8, "magdalen": 8}[tower]
    assert all(quarter[-1][0] < 30 for quarter in quarters)


@pytest.mark.parametrize("name", NAMES)
def test_no_bar_is_struck_again_within_80_ms(name: str) -> None:
    last: dict[int, float] = {}
    gaps = []
    for time, pitch, _ in blows(name):
        gaps.append(time - last.get(pitch, -1.0))
        last[pitch] = time
    assert min(gaps) >= 0.080


@pytest.mark.parametrize("name", NAMES)
def test_no_chord_has_more_than_eight_notes(name: str) -> None:
    chords = Counter(round(time, 4) for time, _, _ in blows(name))
    assert max(chords.values()) <= 8


@pytest.mark.parametrize("name", NAMES)
def test_no_bar_is_hammered_at_more_than_10_hz_for_10_s(name: str) -> None:
    for bar in range(67, 97):
        times = [time for time, pitch, _ in blows(name) if pitch == bar]
        assert all(after - before >= 10 for before, after in zip(times, times[100:], strict=False))


@pytest.mark.parametrize("name", NAMES)
def test_time_signatures_change_on_bar_lines_only(name: str) -> None:
    now, changes = 0, []
    for message in midi(name).tracks[0]:
        now += message.time
        if message.type == "time_signature":
            changes.append((now, 4 * 480 * message.numerator // message.denominator))
    assert changes[0][0] == 0
    assert all((after - tick) % measure == 0 for (tick, measure), (after, _) in pairwise(changes))


def test_together_the_songs_strike_every_bar_and_one_does_alone() -> None:
    bars = {name: {pitch for _, pitch, _ in blows(name)} for name in NAMES}
    assert set().union(*bars.values()) == set(range(67, 97))
    assert bars["all_thirty"] == set(range(67, 97))


def test_most_songs_have_two_hands_and_a_tempo_that_moves() -> None:
    assert sum(len(voices(name)) >= 2 for name in NAMES) >= 20
    assert sum(len(meta(name, "set_tempo")) >= 4 for name in NAMES) >= 20


def test_songs_are_in_many_metres_and_keys() -> None:
    metres = {(m.numerator, m.denominator) for name in NAMES for m in meta(name, "time_signature")}
    assert metres >= {(2, 4), (3, 4), (4, 4), (3, 8), (6, 8), (9, 8)}
    assert len({m.key for name in NAMES for m in meta(name, "key_signature")}) >= 8


def test_what_is_at_the_limit_says_so() -> None:
    fullest = {name for name in NAMES if max(Counter(t for t, _, _ in blows(name)).values()) == 8}
    assert "all_thirty" in fullest
    assert "eight notes" in INDEX["all_thirty"]["limits"]


def test_greensleeves_begins_with_its_tune() -> None:
    melody = [m.note for m in voices("greensleeves")[0] if m.type == "note_on"]
    assert melody[:16] == [81, 84, 86, 88, 90, 88, 86, 83, 79, 81, 83, 84, 81, 81, 80, 81]


def test_a_fresh_build_equals_the_files_byte_for_byte(build: ModuleType, built: dict[str, bytes]) -> None:
    assert build.differences(built) == []


def test_the_check_names_what_was_changed_taken_away_or_added(
    build: ModuleType, built: dict[str, bytes], tmp_path: Path
) -> None:
    for path in [*SONGS.glob("*.mid"), SONGS / "index.toml"]:
        shutil.copy(path, tmp_path)
    (tmp_path / "sakura.mid").write_bytes(b"MThd")
    (tmp_path / "twinkle.mid").unlink()
    (tmp_path / "other.mid").write_bytes(b"MThd")
    found = build.differences(built, tmp_path)
    assert found == ["twinkle.mid is missing", "other.mid has no score", "sakura.mid differs"]
