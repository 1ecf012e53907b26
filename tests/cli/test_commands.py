"""What the commands print and do."""

from __future__ import annotations

import re
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xylophone.cli import COMMANDS

Run = Callable[..., Any]

SCALE = [(72 + n, 0.5 * n, 0.4, 40 + 8 * n, 0) for n in range(8)]
INFO_KEYS = [
    "title", "duration", "silence", "notes", "tempo_bpm", "lowest", "highest", "instrument",
    "transpose", "kept", "folded", "replaced", "merged", "dropped", "shifts", "score", "melody", "costs",
    "better", "words", "saved", "lyrics", "encoding", "encoding_guessed", "warnings",
]  # fmt: skip
STRIKE_KEYS = [
    "planned", "heard", "hammer", "pitch", "velocity", "planned_level_db", "level_db", "refused", "moved",
]  # fmt: skip
SUMMARY_KEYS = [
    "strikes", "heard", "missed", "double", "refused", "timing_error", "score_error", "level_error_db",
    "chord_spread", "rolled", "peak_current", "supply_limit", "hottest_coil_c",
]  # fmt: skip


def test_help_names_every_command(xylophone: Run) -> None:
    ran = xylophone("--help")
    assert ran.code == 0
    for name, (_, line) in COMMANDS.items():
        assert name in ran.out
        assert line in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(xylophone: Run, command: str) -> None:
    ran = xylophone(command, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: xylophone {command}")


@pytest.mark.parametrize(("preset", "proposed"), [("polyphonic", True), ("music-box", False)])
def test_info_proposes_a_tune_that_leads_to_equal_voices_only(
    xylophone: Run, preset: str, proposed: bool
) -> None:
    """Both have fewer points so than with the preset faithful."""
    words = ("info", "fuer_elise", "--instrument", "diatonic-15", "--preset", preset, "--json")
    assert ("--preset faithful" in xylophone(*words).json["better"]) == proposed


def test_info_json_is_as_documented(xylophone: Run, midi: Callable[..., Path]) -> None:
    report = xylophone("info", midi(*SCALE, (36, 0, 1, 90, 9)), "--json").json
    assert list(report) == INFO_KEYS
    assert report["title"] == "Tune"
    assert (
        report["notes"]
        == 9
        == report["kept"]
        + report["folded"]
        + report["replaced"]
        + report["merged"]
        + sum(report["dropped"].values())
    )
    assert report["dropped"] == {"drums": 1}
    assert (report["lowest"], report["highest"], report["tempo_bpm"]) == (36, 79, 120.0)
    assert report["instrument"] == "song-bell"
    assert (report["score"], report["melody"], report["saved"]) == (100, "Tune", None)
    assert [list(cost) for cost in report["costs"]] == [["name", "words", "share", "points"]] * 12
    assert report["words"] == [
        "melody from channel 1 of track 0 'Tune'",
        "not arranged: 1 drums (--drums lets them strike bars)",
        "no note dropped",
    ]


def test_info_of_several_files_is_a_list(xylophone: Run, midi: Callable[..., Path]) -> None:
    midi(*SCALE, name="a.mid", title="A")
    midi(*SCALE, name="b.mid", title="B")
    assert [report["title"] for report in xylophone("info", "*.mid", "--json").json] == ["A", "B"]


def test_info_of_a_song_without_notes_has_null_where_there_is_none(
    xylophone: Run, midi: Callable[..., Path]
) -> None:
    report = xylophone("info", midi(title=""), "--json").json
    assert (report["title"], report["lowest"], report["highest"], report["notes"]) == (None, None, None, 0)


def test_info_tells_people_what_is_changed(xylophone: Run, midi: Callable[..., Path]) -> None:
    ran = xylophone("info", midi(*SCALE, (36, 0, 1, 90, 9)))
    assert "track 0:" in ran.out
    assert "dropped:      1 (1 drums)" in ran.out
    assert "measure 1, beat 1: C2 dropped, drums" in ran.out
    assert "score:        100 of 100\nin words:     melody from channel 1 of track 0 'Tune'\n" in ran.out


def test_info_tells_what_costs_a_point_or_more(xylophone: Run, midi: Callable[..., Path]) -> None:
    """On white bars every third note of the tune has another name."""
    tune = midi(*((72 + n % 3, 0.5 * n, 0.4, 80, 0) for n in range(24)))
    ran = xylophone("info", tune, "--instrument", "diatonic-15", "--transpose", "12")
    costs = [line for line in ran.out.splitlines() if " points: " in line]
    assert costs[0] == (
        "costs:        20.0 points: 33 % of the melody's notes not struck, or under another name"
    )
    assert "replaced:     8 by the bar next to it" in ran.out
    assert "              8 melody notes replaced by the bar next to it" in ran.out
    empty = xylophone("info", midi())
    assert "score:        0 of 100\ncosts:        100.0 points: nothing can be struck" in empty.out


def test_info_without_a_song_shows_what_is_in_force(xylophone: Run) -> None:
    ran = xylophone("info")
    assert "song-bell, 30 bars G4..C7" in ran.out
    assert "at most 8 at one instant" in ran.out
    assert "sim:" in ran.out


def test_simulate_json_is_as_documented(xylophone: Run, midi: Callable[..., Path]) -> None:
    report = xylophone("simulate", midi(*SCALE), "--json", "--seed", 7).json
    assert list(report) == ["song", "instrument", "seed", "strikes", "summary"]
    assert (report["song"], report["seed"]) == ("Tune", 7)
    assert all(list(strike) == STRIKE_KEYS for strike in report["strikes"])
    assert list(report["summary"]) == SUMMARY_KEYS
    assert [strike["planned"] for strike in report["strikes"]] == pytest.approx([0.25 * n for n in range(8)])
    assert report["summary"]["heard"] == 8
    assert report["summary"]["timing_error"]["max"] < 0.003


def test_simulate_is_the_same_every_time_and_another_with_another_seed(
    xylophone: Run, midi: Callable[..., Path]
) -> None:
    path = midi(*SCALE)
    one, again, other = (xylophone("simulate", path, "--json", "--seed", seed).out for seed in (1, 1, 2))
    assert one == again != other


def test_simulate_takes_the_hammers_that_a_backend_url_names(
    xylophone: Run, midi: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, asked = midi(*SCALE), ("--seed", 5, "--tolerance", 2)
    by_options = xylophone("simulate", path, "--json", *asked).out
    monkeypatch.setenv("XYLOPHONE_BACKEND", "sim:?seed=5&tolerance=2")
    assert xylophone("simulate", path, "--json").out == by_options
    monkeypatch.setenv("XYLOPHONE_BACKEND", "sim:?seed=3")
    assert xylophone("simulate", path, "--json").out != by_options
    assert xylophone("simulate", path, "--json", *asked).out == by_options, "an option comes first"


def test_knowing_the_hammers_helps(xylophone: Run, midi: Callable[..., Path]) -> None:
    path = midi(*SCALE)
    errors = {
        knows: xylophone("simulate", path, "--json", "--knows", knows).json["summary"]["timing_error"]["p95"]
        for knows in ("bench", "default", "constant")
    }
    assert errors["bench"] < 0.001 < min(errors["default"], errors["constant"])


def test_speed_and_tempo_stretch_the_music(xylophone: Run, midi: Callable[..., Path]) -> None:
    path = midi(*SCALE)
    for options, last in ((("--speed", 0.5), 3.5), (("--bpm", 240), 0.875)):
        strikes = xylophone("simulate", path, "--json", *options).json["strikes"]
        assert strikes[-1]["planned"] == pytest.approx(last)


def test_simulate_writes_sound_and_picture(xylophone: Run, midi: Callable[..., Path], tmp_path: Path) -> None:
    ran = xylophone("simulate", midi(*SCALE), "--wav", "out.wav", "--plot", "out.svg")
    assert ran.code == 0
    with wave.open(str(tmp_path / "out.wav")) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, 48_000, 2)
        assert 2 < sound.getnframes() / 48_000 < 8
    assert (tmp_path / "out.svg").read_text().startswith("<?xml")


def test_a_file_is_made_as_loud_as_asked_or_says_why_not(xylophone: Run, midi: Callable[..., Path]) -> None:
    path = midi(*SCALE)
    ran = xylophone("simulate", path, "--wav", "out.wav", "--loudness", "-30")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "wrote out.wav")
    ran = xylophone("simulate", path, "--wav", "out.wav", "--loudness", "-5")
    told = ran.out.splitlines()[-1]
    assert re.fullmatch(r"wrote out\.wav, \d+\.\d dB softer so that no peak passes -1 dBFS", told)
    ran = xylophone("simulate", path, "--loudness", "-20")
    assert (ran.code, "name one with --wav" in ran.err) == (2, True)
    ran = xylophone("simulate", path, "--wav", "out.wav", "--loudness", "3")
    assert (ran.code, "give -60..-5" in ran.err) == (2, True)


def test_tracks_channels_and_transposition_are_the_users(xylophone: Run, midi: Callable[..., Path]) -> None:
    path = midi(*SCALE, (90, 1, 1, 90, 3))
    assert xylophone("info", path, "--json", "--channels", "1").json["dropped"] == {"not chosen": 1}
    assert xylophone("info", path, "--json", "--mute-channels", "1").json["dropped"] == {"muted": 8}
    assert xylophone("info", path, "--json", "--transpose", "-3").json["transpose"] == -3
    told = xylophone("info", path, "--tracks", "7").err
    assert "track 7 has no notes in this song: tracks with notes are 0" in told


def test_strike_and_off_work_on_the_simulation(xylophone: Run) -> None:
    ran = xylophone("strike", "C6", "e6", "--velocity", "90", "--mute")
    assert (ran.code, ran.out) == (0, "struck C6 E6 at velocity 90\n")
    ran = xylophone("off")
    assert (ran.code, ran.out) == (0, "all coils are off (sim:)\n")


def test_play_plays_in_real_time_and_says_what_it_did(xylophone: Run, midi: Callable[..., Path]) -> None:
    ran = xylophone("play", midi((72, 0, 0.1, 90, 0), (74, 0.25, 0.1, 90, 0)), "--mute", "--speed", "10")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "playing Tune\nplayed 2 strikes; all coils are off\n"


def test_play_leaves_out_a_file_that_is_none_and_says_so_at_the_end(
    xylophone: Run, midi: Callable[..., Path], tmp_path: Path
) -> None:
    midi((72, 0, 0.1, 90, 0), name="good.mid")
    (tmp_path / "bad.mid").write_text("no music")
    ran = xylophone("play", "*.mid", "--mute", "--quiet")
    assert ran.code == 1
    assert "left out: " in ran.err
    assert "bad.mid is no MIDI file but text" in ran.err
    assert ran.err.endswith("not every song could be played: see above\n")


def test_init_writes_what_info_then_reads(xylophone: Run) -> None:
    assert xylophone("init", "--instrument", "music-box-c").code == 0
    assert "music-box-c, 30 bars C3..E6" in xylophone("info").out
    again = xylophone("init")
    assert (again.code, "--force" in again.err) == (1, True)


def test_lists(xylophone: Run) -> None:
    assert "greensleeves" in xylophone("songs").out
    assert any(song["name"] == "greensleeves" for song in xylophone("songs", "--json").json)
    assert "jf-0530b" in xylophone("instruments").out


def test_without_a_command_there_is_help(xylophone: Run) -> None:
    ran = xylophone()
    assert (ran.code, ran.err) == (0, "")
    assert "xylophone play greensleeves" in ran.out


def test_info_of_several_files_leaves_out_what_is_none(
    xylophone: Run, midi: Callable[..., Path], tmp_path: Path
) -> None:
    midi(*SCALE, name="good.mid")
    (tmp_path / "bad.mid").write_text("no music")
    ran = xylophone("info", "*.mid", "--json")
    assert [report["title"] for report in ran.json] == ["Tune"]
    assert (ran.code, "left out: bad.mid is no MIDI file" in ran.err) == (1, True)


def test_a_file_that_is_missing_does_not_stop_the_queue(xylophone: Run, midi: Callable[..., Path]) -> None:
    midi((72, 0, 0.1, 90, 0), name="good.mid")
    ran = xylophone("play", "gone.mid", "good.mid", "--mute")
    assert "left out: " in ran.err
    assert "gone.mid" in ran.err
    assert ran.out == "playing Tune\nplayed 1 strike; all coils are off\n"
    assert ran.code == 1
    reports = xylophone("info", "gone.mid", "good.mid", "--json").json
    assert [report["title"] for report in reports] == ["Tune"]
