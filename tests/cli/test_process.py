"""The program as a process: exit codes of signals, streams that close, output in a pipe."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

import forking
import programs
from cli.hostile import FORGED, TUNE, song
from firmware.building import need
from midifile import smf

PLAY = ["play", "greensleeves", "--mute"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "XYLOPHONE_"))}
    return {
        **kept,
        "HOME": str(tmp_path),
        "XYLOPHONE_OWNER": str(tmp_path / "owner.sock"),
        "PYTHONUNBUFFERED": "1",
    }


def test_a_signal_ends_the_playing_with_one_line_and_its_code(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Here in a pipe; other signals, ends and backends are in test_said_of_coils.py."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with forking.Fork(PLAY, **pipes, env=environment, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("playing Greensleeves")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == 143
    assert err.startswith("xylophone: stopped by ")
    assert err.endswith("; all coils are off\n")
    assert err.count("\n") == 1
    assert "Traceback" not in out


def test_a_reader_that_leaves_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    command = f"{sys.executable} -m xylophone info all_thirty --json | head -1"
    run = programs.run(
        command, shell=True, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert (run.stdout, run.stderr) == ("{\n", "")


def test_a_song_is_read_from_standard_input(environment: dict[str, str], tmp_path: Path) -> None:
    with (Path(__file__).parents[2] / "songs" / "twinkle.mid").open("rb") as song:
        words = ["info", "-", "--json"]
        run = forking.run(words, stdin=song, capture_output=True, env=environment, cwd=tmp_path)
    assert run.returncode == 0
    assert b'"notes": ' in run.stdout


def test_help_imports_nothing_heavy(environment: dict[str, str], tmp_path: Path) -> None:
    code = (
        "import sys; from xylophone.cli import run; run(['--help']); "
        "print(sorted({'numpy', 'rich', 'pydantic', 'blessed', 'mido'} & set(sys.modules)))"
    )
    run = programs.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    assert run.stdout.endswith("[]\n")


XYLOPHONE = f"{sys.executable} -m xylophone"

ODD = [
    (f"{XYLOPHONE} info - <&-", 1, "standard input is no MIDI file but empty"),
    (f"{XYLOPHONE} info - 0>file", 1, "cannot read standard input: "),
    (f"{XYLOPHONE} info twinkle <&- >&- 2>&-", 0, ""),
    (f"{XYLOPHONE} info nothing 2>&-", 1, ""),
    (f"{XYLOPHONE} info nothing 2>/dev/full", 1, ""),
    (
        f"{XYLOPHONE} songs >/dev/full",
        1,
        "xylophone: cannot write the output: No space left on device; make room",
    ),
    (f"{XYLOPHONE} --help >/dev/full", 1, "cannot write the output: No space left"),
    (f"mkdir a; cd a; rmdir ../a; {XYLOPHONE} songs scan .", 1, "the working folder is not there any more"),
    (f"mkdir a; cd a; rmdir ../a; {XYLOPHONE} info twinkle >/dev/null", 0, ""),
    (f"PYTHONIOENCODING=ascii {XYLOPHONE} info ode_to_joy >/dev/null", 0, ""),
]
"""What a shell runs, the exit code, and what the one line on stderr holds; no words, no line."""


@pytest.mark.parametrize(("command", "code", "words"), ODD, ids=[command[-60:] for command, _, _ in ODD])
def test_odd_streams_folders_and_variables_get_one_line(
    environment: dict[str, str], tmp_path: Path, command: str, code: int, words: str
) -> None:
    run = programs.run(
        command, shell=True, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr
    assert run.stderr.count("\n") == bool(words), run.stderr


SET = [
    ({"XDG_CACHE_HOME": "file"}, ["songs", "scan", "."], 1, "cannot make the folder "),
    ({"XYLOPHONE_CONFIG": "file/x"}, ["info"], 1, "which is not there: mend the variable"),
    ({"COLUMNS": "0", "LINES": "x", "TERM": "nonsense"}, ["instruments"], 0, ""),
]
"""Variables, a command, its exit code, and what the one line on stderr holds."""


@pytest.mark.parametrize(("variables", "command", "code", "words"), SET)
def test_odd_variables_get_one_line(
    environment: dict[str, str],
    tmp_path: Path,
    variables: dict[str, str],
    command: list[str],
    code: int,
    words: str,
) -> None:
    (tmp_path / "file").touch()
    paths = {name: str(tmp_path / value) for name, value in variables.items() if "XDG" in name}
    own = environment | variables | paths
    run = forking.run(command, capture_output=True, text=True, env=own, cwd=tmp_path)
    assert (run.returncode, bool(run.stdout)) == (code, not code)
    assert words in run.stderr
    assert run.stderr.count("\n") == bool(words), run.stderr


def test_a_configuration_that_is_found_and_is_a_pipe_is_not_waited_for(
    environment: dict[str, str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "xylophone.toml")
    run = forking.run(["info"], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (1, "", 1)
    assert "is a pipe or a device, no file" in run.stderr


FEW_BYTES = """
import resource, sys
from xylophone.cli import run
run(["info", "twinkle"])
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 30_000_000,) * 2)
sys.exit(run(["info", "large.mid"]))
"""
"""A program with 30 MB of memory left."""


def test_too_little_memory_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    notes = smf.on(72) + b"\x01\x48\x00\x01\x48\x60" * 700_000
    (tmp_path / "large.mid").write_bytes(smf.song(smf.track(notes)))
    run = forking.run(["-c", FEW_BYTES], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith("xylophone: this needs more memory than there is")
    assert run.stderr.count("\n") == 1


def test_a_virtual_board_without_a_place_for_its_program_is_one_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    need("cc")
    (tmp_path / "file").touch()
    own = environment | {"XDG_CACHE_HOME": str(tmp_path / "file")}
    run = forking.run(["firmware", "emulate"], capture_output=True, text=True, env=own)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (1, "", 1)
    assert "set XDG_CACHE_HOME to a folder that can be written" in run.stderr


def test_a_terminal_gets_our_own_styles_and_nothing_of_a_songs_name_or_title(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / TUNE).write_bytes(song())
    ours, theirs = pty.openpty()
    with forking.Fork(
        ["play", TUNE, "--mute"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm-256color", "COLUMNS": "120", "LC_ALL": "C.UTF-8"},
        cwd=tmp_path,
    ) as process:
        os.close(theirs)
        shown = b""
        while more := _read(ours):
            shown += more
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "[red]:smile:" in text
    steering = {sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp")}
    assert steering <= {"\r", "\n"}
    assert b"\x1b[31m\r" not in shown
    assert not [line for line in text.splitlines() if line.startswith(FORGED)]


def _read(terminal: int) -> bytes:
    """Read what is on a terminal; nothing once its other end is closed."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
