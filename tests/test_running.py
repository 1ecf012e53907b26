"""One player for one instrument, and a way to end it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xylophone.errors import BackendMissing
from xylophone.running import end_playing, leaving_on_signals, playing

ROOT = Path(__file__).resolve().parents[1]
HARDWARE = "serial:///dev/ttyACM0"

HOLD = """
import sys, threading
from pathlib import Path
from xylophone.running import leaving_on_signals, playing
with leaving_on_signals(), playing(sys.argv[1], Path(sys.argv[2])):
    print("playing", flush=True)
    threading.Event().wait(60)
"""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A way to start a process that plays on a URL until it is ended."""
    started: list[subprocess.Popen[str]] = []

    def begin(url: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, url, str(tmp_path)]
        own = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "playing\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_player_on_the_same_hardware_is_one_clear_error(start: Start, tmp_path: Path) -> None:
    process = start(HARDWARE)
    with (
        pytest.raises(BackendMissing, match=f"in use by process {process.pid}: .* xylophone off"),
        playing(HARDWARE, tmp_path),
    ):
        pass


def test_simulations_and_other_hardware_do_not_exclude_each_other(start: Start, tmp_path: Path) -> None:
    start("sim:")
    with playing("sim:", tmp_path), playing(HARDWARE, tmp_path), playing("gpio:", tmp_path):
        pass


def test_off_ends_every_playing_process_by_its_own_way_out(start: Start, tmp_path: Path) -> None:
    processes = [start("sim:"), start(HARDWARE)]
    assert sorted(end_playing(tmp_path)) == sorted(process.pid for process in processes)
    assert [process.wait(10) for process in processes] == [128 + signal.SIGTERM] * 2
    assert end_playing(tmp_path) == []


def test_what_a_killed_process_left_behind_means_nothing(start: Start, tmp_path: Path) -> None:
    process = start(HARDWARE)
    process.kill()
    process.wait(10)
    assert list(tmp_path.iterdir())
    assert end_playing(tmp_path) == []
    with playing(HARDWARE, tmp_path):
        pass


def test_the_hardware_is_free_again_whatever_ended_the_playing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), playing(HARDWARE, tmp_path):
        raise KeyboardInterrupt
    with playing(HARDWARE, tmp_path):
        pass


def test_a_hangup_that_nohup_has_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with leaving_on_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_by_its_exit_code_and_the_old_answer_returns(name: str) -> None:
    number = getattr(signal, name, signal.SIGTERM)
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as leaving, leaving_on_signals():
        signal.raise_signal(number)
    assert leaving.value.code == 128 + number
    assert signal.getsignal(number) is before
