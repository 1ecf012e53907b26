"""The program as a process: exit codes of signals, streams that close, output in a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PLAY = [sys.executable, "-m", "xylophone", "play", "greensleeves", "--mute"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "XYLOPHONE_"))}
    return {**kept, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_playing_with_one_line_and_its_code(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        PLAY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("playing Greensleeves")
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert err.startswith("xylophone: stopped by ")
    assert err.endswith("; all coils are off\n")
    assert err.count("\n") == 1
    assert "Traceback" not in out


def test_a_reader_that_leaves_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    command = f"{sys.executable} -m xylophone info all_thirty --json | head -1"
    run = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert (run.stdout, run.stderr) == ("{\n", "")


def test_a_song_is_read_from_standard_input(environment: dict[str, str], tmp_path: Path) -> None:
    song = (Path(__file__).parents[2] / "songs" / "twinkle.mid").read_bytes()
    command = [sys.executable, "-m", "xylophone", "info", "-", "--json"]
    run = subprocess.run(command, input=song, capture_output=True, check=False, env=environment, cwd=tmp_path)
    assert run.returncode == 0
    assert b'"notes": ' in run.stdout


def test_help_imports_nothing_heavy(environment: dict[str, str], tmp_path: Path) -> None:
    code = (
        "import sys; from xylophone.cli import run; run(['--help']); "
        "print(sorted({'numpy', 'rich', 'pydantic', 'blessed', 'mido'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    assert run.stdout.endswith("[]\n")


def test_an_output_that_is_full_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    command = f"{sys.executable} -m xylophone info twinkle > /dev/full"
    run = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert run.returncode == 1
    assert run.stderr.startswith("xylophone: cannot write the output: No space left on device; make room")
    assert run.stderr.count("\n") == 1


def test_a_closed_output_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    command = f"{sys.executable} -m xylophone info twinkle >&-"
    run = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert (run.returncode, run.stderr) == (0, "")
