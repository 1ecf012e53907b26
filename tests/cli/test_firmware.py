"""`xylophone firmware`: real tools where they are there; avrdude is a script that notes its arguments."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

import forking
import programs
from firmware.building import FIRMWARE, built, need
from xylophone.board.image import IMAGE, read_program, read_record
from xylophone.errors import FileError
from xylophone.instrument import build_instrument
from xylophone.link.limits import ceilings
from xylophone.link.messages import CEILINGS_AT

Run = Callable[..., Any]


def tool(folder: Path, name: str, script: str) -> None:
    """Put a program of this name into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def no_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is installed."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def test_version_tells_what_ships(xylophone: Run) -> None:
    ran = xylophone("firmware", "version")
    record, program = read_record(FIRMWARE), read_program(FIRMWARE / IMAGE)
    assert (ran.code, ran.err) == (0, "")
    assert f"firmware:  {record.version}, protocol {record.protocol}\n" in ran.out
    assert f", {len(program)} bytes of flash\n" in ran.out
    assert f"sha256 {hashlib.sha256(program).hexdigest()}\n" in ran.out
    assert f"built by:  {record.compiler}\n" in ran.out


def test_version_asks_a_board(xylophone: Run, virtual_board: str) -> None:
    ran = xylophone("firmware", "version", "--backend", f"serial://{virtual_board}")
    assert ran.code == 0
    assert ran.out.endswith("board:     virtual board, firmware 1.1, protocol 1, 30 channels\n")


def test_a_simulation_has_no_firmware(xylophone: Run) -> None:
    ran = xylophone("firmware", "version", "--backend", "sim:")
    assert (ran.code, ran.err) == (3, "xylophone: sim: has no firmware: name a board, such as serial:auto\n")


def test_the_image_that_ships_equals_a_fresh_build() -> None:
    need("make", "avr-gcc")
    ran = programs.run(
        [sys.executable, FIRMWARE / "ship.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "equals a fresh build" in ran.stdout


def test_build_writes_an_image(xylophone: Run, tmp_path: Path) -> None:
    need("make", "avr-gcc")
    ran = xylophone("firmware", "build", "--output", "own.hex")
    assert (ran.code, ran.err) == (0, "")
    size = len(read_program(tmp_path / "own.hex"))
    assert ran.out == f"wrote own.hex: firmware 1.1, {size} bytes of flash\n"


def test_an_installed_package_has_its_own_firmware(tmp_path: Path) -> None:
    """Laid out as a wheel lays it out: the folder `firmware` inside the package."""
    unwanted = shutil.ignore_patterns("__pycache__", "build")
    shutil.copytree(FIRMWARE.parent / "xylophone", tmp_path / "xylophone", ignore=unwanted)
    shutil.copytree(FIRMWARE, tmp_path / "xylophone" / "firmware", ignore=unwanted)
    command = [sys.executable, "-m", "xylophone", "firmware", "version"]
    ran = programs.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"image:     {tmp_path / 'xylophone' / 'firmware' / IMAGE}, " in ran.stdout


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["build"], "building the firmware needs make, which is not there: sudo apt install make"),
        (["flash", "--port", "/dev/ttyACM9"], "needs avrdude, which is not there: sudo apt install avrdude"),
    ],
)
def test_a_missing_tool_is_one_line_that_says_how_to_get_it(
    xylophone: Run, command: list[str], words: str
) -> None:
    ran = xylophone("firmware", *command)
    assert ran.code == 1
    assert words in ran.err
    assert "brew install" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.usefixtures("no_tools")
def test_no_virtual_board_without_a_compiler(
    xylophone: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    ran = xylophone("firmware", "emulate")
    assert ran.code == 1
    assert "the virtual board needs cc, which is not there: sudo apt install gcc" in ran.err


def test_flash_gives_avrdude_the_shipped_image_and_then_greets_the_board(
    xylophone: Run, tools: Path, tmp_path: Path, virtual_board: str
) -> None:
    tool(
        tools,
        "avrdude",
        f'echo "$@" >> {tmp_path}/asked; last=$(echo "$@" | sed "s/.*eeprom:w:\\(.*\\):i/\\1/"); '
        f'[ ! -f "$last" ] || cp "$last" {tmp_path}/eeprom.hex',
    )
    ran = xylophone("firmware", "flash", "--port", virtual_board)
    first, second = (tmp_path / "asked").read_text().splitlines()
    common = f"-p atmega2560 -c wiring -b 115200 -D -P {virtual_board} "
    assert first == common + f"-U flash:w:{FIRMWARE / IMAGE}:i"
    assert second.startswith(common + "-V -U eeprom:w:")
    kept = read_program(tmp_path / "eeprom.hex")[CEILINGS_AT:]
    assert kept == ceilings(build_instrument())
    assert ran.out.endswith("written; the board says: virtual board, firmware 1.1, protocol 1, 30 channels\n")
    # It has no EEPROM that a program could write, and does not claim to.
    assert ran.code == 1
    assert (
        "the board allows pulses of 100 ms, not 22 as its hammers stand: its EEPROM was not written"
        in ran.err
    )


def test_what_avrdude_says_is_shown_when_it_fails(xylophone: Run, tools: Path) -> None:
    tool(tools, "avrdude", "echo 'stk500v2_ReceiveMessage(): timeout' >&2; exit 1")
    ran = xylophone("firmware", "flash", "--port", "/dev/ttyACM9")
    assert ran.code == 1
    said, last = ran.err.splitlines()
    assert said == "  stk500v2_ReceiveMessage(): timeout"
    assert last.startswith("xylophone: avrdude could not write to /dev/ttyACM9: is it an Arduino Mega 2560")


def test_an_avrdude_that_comes_to_no_end_is_ended(
    xylophone: Run, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xylophone.board.tools.LONGEST_WRITE", 0.5)
    tool(tools, "avrdude", "echo 'stk500v2_getsync(): timeout'; exec sleep 600")
    ran = xylophone("firmware", "flash", "--port", "/dev/ttyACM9")
    assert ran.code == 1
    said, last = ran.err.splitlines()
    assert said == "  stk500v2_getsync(): timeout"
    ended = "avrdude could not write to /dev/ttyACM9 and was ended after 0.5 s: is it an Arduino Mega 2560"
    assert last.startswith(f"xylophone: {ended}")


def test_flash_takes_no_file_that_is_no_image(xylophone: Run, tools: Path, tmp_path: Path) -> None:
    tool(tools, "avrdude", f"touch {tmp_path}/asked")
    (tmp_path / "text.hex").write_text("no image")
    ran = xylophone("firmware", "flash", "--port", "/dev/ttyACM9", "--image", "text.hex")
    assert ran.code == 1
    assert "text.hex, line 1: this is no Intel HEX" in ran.err
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    "lines",
    [
        [":0400000001020304F2"],  # no end
        [":0400000001020304F3", ":00000001FF"],  # wrong checksum
        [":0400000001020304", ":00000001FF"],  # too short
        ["0400000001020304F2", ":00000001FF"],  # no colon
    ],
)
def test_a_damaged_image_is_refused(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "bad.hex").write_text("\n".join(lines))
    with pytest.raises(FileError, match="Intel HEX"):
        read_program(tmp_path / "bad.hex")


def test_an_image_that_would_fill_no_board_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    (tmp_path / "far.hex").write_text("\n".join([":02000004FFFFFC", ":0100000042BD", ":00000001FF"]))
    with pytest.raises(FileError, match="line 2: the program ends at 4,294,901,761 of 262,144 bytes"):
        read_program(tmp_path / "far.hex")


def test_an_image_is_read_across_gaps_and_64_kilobytes(tmp_path: Path) -> None:
    lines = [":020000000102FB", ":02000400AABB95", ":020000040001F9", ":0100000042BD", ":00000001FF"]
    (tmp_path / "far.hex").write_text("\r\n".join(lines))
    program = read_program(tmp_path / "far.hex")
    assert program[:6] == b"\x01\x02\xff\xff\xaa\xbb"
    assert (len(program), program[0x10000]) == (0x10001, 0x42)


def test_play_on_the_virtual_board_that_emulate_runs(
    xylophone: Run, virtual_board: str, midi: Callable[..., Path]
) -> None:
    song = midi((72, 0, 0.1, 90, 0), (74, 0.25, 0.1, 90, 0))
    ran = xylophone("play", song, "--backend", f"serial://{virtual_board}", "--speed", "10")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "playing Tune\nplayed 2 strikes; all coils are off\n"


def test_a_board_that_resets_is_told_as_it_happens_and_accounted_for_at_the_end(
    tmp_path: Path, midi: Callable[..., Path]
) -> None:
    song = midi(*((72 + n % 12, n / 4, 0.1, 90, 0) for n in range(24)))
    program = built("virtual-board") / "xylophone-virtual-board"
    own = os.environ | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with programs.Program([program], stdout=subprocess.PIPE, text=True) as board:
        assert board.stdout is not None
        url = f"serial://{board.stdout.readline().strip()}"
        words = ["play", str(song), "--backend", url]
        with forking.Fork(words, stdout=PIPE, stderr=PIPE, text=True, env=own, cwd=tmp_path) as player:
            assert player.stdout is not None
            assert player.stdout.readline() == "playing Tune\n"
            board.send_signal(signal.SIGUSR1)
            out, err = player.communicate()
        board.terminate()
    # A machine that stalls makes pulses late: they are told, and counted below.
    reset, back = (line for line in err.splitlines() if " ms late and w" not in line)
    assert reset.startswith("xylophone: the board has reset: its reset line was pulled")
    assert back.startswith("xylophone: the board is back, playing on; ")
    assert player.returncode == 0
    played, *lost = re.findall(r"played (\d+) strikes|(\d+) late", out)
    assert int(played[0]) + sum(int(late) for _, late in lost) == 24
    assert out.endswith("all coils are off\n")


def test_strike_on_the_virtual_board(xylophone: Run, virtual_board: str) -> None:
    ran = xylophone("strike", "C6", "--backend", f"serial://{virtual_board}")
    assert (ran.code, ran.out, ran.err) == (0, "struck C6 at velocity 80\n", "")
