"""What bad input gets: one line that names the value, the rule and the remedy; and the right exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
NOTE = (72, 0, 1, 90, 0)


def one_line(ran: Any, code: int, *words: str) -> None:
    """Assert that a run failed with this code and one line on stderr that holds these words."""
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.count("\n") == 1, ran.err
    assert ran.err.startswith("xylophone: ")
    for word in words:
        assert word in ran.err


@pytest.mark.parametrize("command", ["play", "info", "simulate", "arrange"])
def test_files_that_are_no_song(xylophone: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "text.mid").write_text("la la la")
    (tmp_path / "picture.mid").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (tmp_path / "folder.mid").mkdir()
    one_line(
        xylophone(command, "empty.mid"), 1, "empty.mid", "no MIDI file but empty", "give a Standard MIDI File"
    )
    one_line(xylophone(command, "text.mid"), 1, "text.mid", "but text")
    one_line(xylophone(command, "picture.mid"), 1, "but a PNG picture")
    one_line(xylophone(command, "folder.mid"), 1, "folder")
    one_line(xylophone(command, "gone.mid"), 1, "gone.mid")
    one_line(xylophone(command, "greensleevs"), 1, "greensleeves")
    one_line(xylophone(command, "nothing-*.mid"), 1, "nothing-*.mid")


@pytest.mark.parametrize("command", ["play", "simulate"])
def test_songs_with_nothing_to_play(xylophone: Run, midi: Callable[..., Path], command: str) -> None:
    one_line(xylophone(command, midi()), 1, "no notes")
    one_line(xylophone(command, midi((40, 0, 1, 90, 9))), 1, "drums", "allow")
    one_line(xylophone(command, midi(NOTE), "--channels", "5"), 1, "not chosen", "choose others")


def test_truncated_midi_is_played_as_far_as_it_goes_and_the_damage_is_named(
    xylophone: Run, midi: Callable[..., Path]
) -> None:
    path = midi(*((72 + n, n, 0.5, 90, 0) for n in range(6)))
    path.write_bytes(path.read_bytes()[:-20])
    ran = xylophone("simulate", path, "--json")
    assert ran.code == 0
    assert ran.json["summary"]["heard"] >= 4
    warnings = xylophone("info", path, "--json").json["warnings"]
    assert any("track 0, byte" in warning for warning in warnings)
    assert "warning: tune.mid: track 0, byte" in xylophone("info", path).err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["strike", "H9"], ["'H9' is no pitch", "C6"]),
        (["strike", "C6", "--velocity", "0"], ["--velocity 0", "1..127"]),
        (["strike", "C6", "--velocity", "128"], ["--velocity 128", "1..127"]),
        (["strike", "C6", "--times", "0"], ["--times 0", "1..100"]),
        (["simulate", "ode_to_joy", "--speed", "0"], ["--speed 0", "0.1..10"]),
        (["simulate", "ode_to_joy", "--speed", "-1"], ["--speed -1", "0.1..10"]),
        (["simulate", "ode_to_joy", "--bpm", "0"], ["--bpm 0", "1..2000"]),
        (["simulate", "ode_to_joy", "--bpm", "-3"], ["--bpm -3"]),
        (["simulate", "ode_to_joy", "--volume", "0"], ["--volume 0", "0.01..10"]),
        (["simulate", "ode_to_joy", "--volume", "101%"], ["volume 101 %", "0..100 %"]),
        (["simulate", "ode_to_joy", "--volume", "x%"], ["--volume", "is not a valid float"]),
        (["simulate", "ode_to_joy", "--scatter", "11"], ["--scatter 11", "0..10"]),
        (["simulate", "ode_to_joy", "--seed", "-1"], ["--seed -1"]),
        (["simulate", "ode_to_joy", "--transpose", "200"], ["transposition 200"]),
        (["simulate", "ode_to_joy", "--plot", "x.gif"], ["x.gif", ".svg"]),
        (["play", "ode_to_joy", "--start", "9999"], ["--start 9999", "outside the song"]),
        (["play", "ode_to_joy", "--end", "5"], ["--end goes with --loop"]),
        (
            ["play", "ode_to_joy", "--loop", "--start", "10", "--end", "5"],
            ["--end 5 does not fit --start 10"],
        ),
        (["play", "ode_to_joy", "--speed", "1", "--bpm", "90"], ["--speed and --bpm"]),
        (["info", "ode_to_joy", "--channels", "x"], ["'x' is no number"]),
        (["info", "ode_to_joy", "--encoding", "idna"], ["no encoding of text is called 'idna'"]),
        (["info", "ode_to_joy", "--encoding", "undefined"], ["no encoding of text is called 'undefined'"]),
        (["info", "ode_to_joy", "--encoding", "hex"], ["no encoding of text is called 'hex'"]),
        (["info", "ode_to_joy", "--encoding", "klingon"], ["no encoding of text is called 'klingon'"]),
        (["info", "ode_to_joy", "--channels", "257"], ["257", "1 to 16"]),
        (["pley"], ["unknown command 'pley'", "did you mean play?"]),
        (["play"], ["SONG"]),
        (["info", "--nonsense"], ["--nonsense"]),
    ],
)
def test_values_out_of_bounds_are_usage_errors(
    xylophone: Run, arguments: list[str], words: list[str]
) -> None:
    one_line(xylophone(*arguments), 2, *words)


def test_a_bar_that_the_instrument_has_not(xylophone: Run) -> None:
    one_line(xylophone("strike", "C2"), 1, "song-bell has no bar C2", "G4 to C7", "nearest is G4")


@pytest.mark.parametrize(
    ("url", "remedy"),
    [("serial:///dev/nowhere", "check the USB cable"), ("gpio:", "sim:"), ("nonsense:", "sim:")],
)
def test_a_backend_that_is_missing_is_no_silent_simulation(xylophone: Run, url: str, remedy: str) -> None:
    one_line(xylophone("play", "ode_to_joy", "--backend", url), 3, url, remedy)
    one_line(xylophone("off", "--backend", url), 3, url)


def test_a_configured_backend_that_is_missing_is_exit_3_too(
    xylophone: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xylophone.toml").write_text('[backend]\nurl = "serial:auto"\n')
    one_line(xylophone("play", "ode_to_joy"), 3, "serial")
    monkeypatch.setenv("XYLOPHONE_BACKEND", "gpio:")
    one_line(xylophone("play", "ode_to_joy"), 3, "gpio")


def test_broken_configuration(xylophone: Run, tmp_path: Path) -> None:
    path = tmp_path / "xylophone.toml"
    path.write_text("[instrument\n")
    one_line(xylophone("info"), 1, "xylophone.toml", "line 1")
    path.write_text('[instrument]\nlayuot = "song-bell"\n')
    one_line(xylophone("info"), 1, "layuot", "layout")
    path.write_text("[instrument]\nsupply_limit = -1\n")
    one_line(xylophone("info"), 1, "supply_limit")


def test_calibration_for_another_instrument(xylophone: Run, tmp_path: Path) -> None:
    from xylophone.calibration.file import default_calibration, write_calibration
    from xylophone.instrument import build_instrument

    write_calibration(tmp_path / "calibration.toml", default_calibration(build_instrument("glockenspiel")))
    ran = xylophone("simulate", "ode_to_joy", "--calibration", "calibration.toml")
    one_line(ran, 1, "another instrument")


def test_output_that_cannot_be_written_leaves_nothing_behind(xylophone: Run, tmp_path: Path) -> None:
    one_line(xylophone("simulate", "ode_to_joy", "--wav", "no/such/out.wav"), 1, "out.wav", "folder")
    one_line(xylophone("simulate", "ode_to_joy", "--plot", "no/such/out.svg"), 1, "out.svg", "folder")
    one_line(
        xylophone("simulate", "ode_to_joy", "--wav", "half.wav", "--plot", "half.gif"), 2, "half.gif", ".svg"
    )
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == []


def test_wrong_names_list_what_there_is(xylophone: Run) -> None:
    one_line(xylophone("info", "ode_to_joy", "--instrument", "piano"), 1, "choose from", "song-bell")


def test_sound_is_written_as_wav_only(xylophone: Run, tmp_path: Path) -> None:
    one_line(xylophone("simulate", "ode_to_joy", "--wav", "x.mp3"), 2, "its name must end in .wav")
    assert not (tmp_path / "x.mp3").exists()


def test_a_file_that_looks_like_an_option_is_explained(xylophone: Run, tmp_path: Path) -> None:
    (tmp_path / "-x.mid").write_bytes(b"")
    one_line(xylophone("info", "-x.mid"), 2, "-x.mid is read as an option", "write ./-x.mid")
