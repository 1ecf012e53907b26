"""One player for one instrument, and a way to end it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import forking
import programs
from xylophone.errors import BackendMissing
from xylophone.running.playing import end_playing, last_played, leaving_on_signals, playing

HARDWARE = "serial:///dev/ttyACM0"

HOLD = """
import sys, threading
from pathlib import Path
from xylophone.running.playing import leaving_on_signals, playing
with leaving_on_signals(), playing(sys.argv[1], Path(sys.argv[2])):
    print("playing", flush=True)
    threading.Event().wait(60)
"""

Start = Callable[[str], forking.Fork]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A way to start a process that plays on a URL until it is ended."""
    started: list[forking.Fork] = []

    def begin(url: str) -> forking.Fork:
        words = ["-c", HOLD, url, tmp_path]
        process = forking.Fork(words, env=os.environ, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "playing\n"
        return process

    yield begin
    for process in started:
        with process:
            process.end()


def ended(folder: Path) -> dict[int, bool]:
    """End what plays; return whether each process had to be killed."""
    return {player.owner.process: player.killed for player in end_playing(folder)}


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
    assert ended(tmp_path) == {process.pid: False for process in processes}
    assert [process.wait() for process in processes] == [4, 4]
    assert end_playing(tmp_path) == []


def test_what_does_not_answer_is_stopped_by_the_asker_and_then_killed(start: Start, tmp_path: Path) -> None:
    process, stopped = start(HARDWARE), []
    programs.stand_still(process.pid)

    def stop(url: str) -> None:
        stopped.append((url, process.poll()))

    assert [player.killed for player in end_playing(tmp_path, stop)] == [True]
    assert stopped == [(HARDWARE, None)]  # while it still had its port
    assert process.wait() == -signal.SIGKILL


def test_who_has_been_asked_already_is_killed_or_let_be(start: Start, tmp_path: Path) -> None:
    kept, unheard, other = start("sim:"), start(HARDWARE), start("gpio:null")
    programs.stand_still(unheard.pid)
    players = end_playing(tmp_path, let_be=kept.pid, unheard=unheard.pid)
    assert {player.owner.process: player.killed for player in players} == {
        unheard.pid: True,
        other.pid: False,
    }
    assert kept.poll() is None


def test_another_off_is_not_ended(start: Start, tmp_path: Path) -> None:
    with playing(HARDWARE, tmp_path, switches_off=True):
        assert end_playing(tmp_path) == []
        lock = tmp_path / "serial-dev-ttyACM0.lock"
        lock.write_text(lock.read_text().replace(str(os.getpid()), str(start("sim:").pid)))
        players = end_playing(tmp_path)
    assert [player.owner.url for player in players] == ["sim:"]


def test_what_a_killed_process_left_behind_means_nothing_and_the_next_start_clears_it(
    start: Start, tmp_path: Path
) -> None:
    for process in [start(url) for url in (HARDWARE, "sim:", "serial:COM3")]:
        process.kill()
        process.wait()
    assert len(list(tmp_path.glob("*.lock"))) == 3
    assert end_playing(tmp_path) == []
    with playing(HARDWARE, tmp_path):
        assert [path.name for path in tmp_path.glob("*.lock")] == ["serial-dev-ttyACM0.lock"]
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


def test_the_hardware_that_was_played_on_last_is_known(start: Start, tmp_path: Path) -> None:
    assert last_played(tmp_path) is None
    start(HARDWARE).kill()
    with playing("sim:", tmp_path):
        found = last_played(tmp_path)
    assert found is not None
    assert found.url == HARDWARE
    with playing("gpio:595", tmp_path, config=Path("xylophone.toml")):
        found = last_played(tmp_path)
    assert found is not None
    assert (found.url, found.config) == ("gpio:595", str(Path("xylophone.toml").absolute()))


@pytest.mark.parametrize("url", [f"serial:///dev/{'a' * 300}", f"serial:///dev/{'a' * 299}b"])
def test_a_name_of_300_characters_has_a_lock_of_its_own(start: Start, tmp_path: Path, url: str) -> None:
    start(f"serial:///dev/{'a' * 298}cc")
    with playing(url, tmp_path):
        pass
    start(url)
    with pytest.raises(BackendMissing, match="is in use by process"), playing(url, tmp_path):
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
    inherited = signal.signal(number, signal.SIG_DFL)  # under nohup SIGHUP is ignored
    try:
        with pytest.raises(SystemExit) as leaving, leaving_on_signals():
            signal.raise_signal(number)
        assert leaving.value.code == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, inherited)
