"""The serial backend through the real pyserial, on a pseudo-terminal with the virtual board behind it.

Real time passes here, so nothing is compared that a busy machine could change; all waiting has a deadline.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import programs
from backends.serial_world import INSTRUMENT, scale
from firmware.building import built
from xylophone.backends import open_backend
from xylophone.backends.serial import SerialBackend
from xylophone.clock import SystemClock
from xylophone.errors import BackendMissing

SOON = programs.PATIENCE
"""s that anything may take which takes a second on a machine that is not busy."""


class Program:
    """The virtual board as a process, behind a link that stays when the process is started again."""

    def __init__(self, command: Path, link: Path, *options: str) -> None:
        self._command, self.link = [str(command), *options], link
        self.start()

    @property
    def url(self) -> str:
        return f"serial://{self.link}"

    def start(self) -> None:
        self.process = programs.Program(self._command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        port = self.process.stdout.readline().strip()
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(port)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end_after(self, lines: list[str]) -> None:
        """End it, and add what it has said since to these lines."""
        self.process.terminate()
        assert self.process.stdout is not None
        with self.process.stdout as told:
            lines += told.read().splitlines()
        self.process.wait()

    def reset(self) -> None:
        self.process.send_signal(signal.SIGUSR1)


@pytest.fixture(scope="module")
def command() -> Path:
    return built("virtual-board") / "xylophone-virtual-board"


@pytest.fixture
def board(command: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    program = Program(command, tmp_path / "board")
    yield program
    program.end()


def opened(board: Program) -> SerialBackend:
    backend = open_backend(board.url, INSTRUMENT)
    assert isinstance(backend, SerialBackend)
    return backend


def eventually(backend: SerialBackend, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail when it does not soon."""
    clock = SystemClock()
    while not condition():
        assert clock.now() < SOON, f"not within {SOON:g} s: {backend.report()} {backend.poll()}"
        clock.wait_until(clock.now() + 0.01)


def test_pulses_are_played(board):
    with opened(board) as backend:
        backend.schedule(scale(backend.now() + 1.0, 40, 0.02))
        eventually(backend, lambda: backend.report().pulses + backend.report().late == 40)
        report = backend.report()
    assert report.pulses > 0
    assert report.refused == {}
    assert report.notes["damaged"] == report.notes["board_damaged"] == 0


def test_a_stop_is_confirmed_and_bounded(board):
    with opened(board) as backend:
        backend.schedule(scale(backend.now() + 0.1, 200, 0.02))
        eventually(backend, lambda: backend.report().pulses > 3)
        begin = backend.now()
        backend.stop()
        assert backend.now() - begin < 1.0
        count = backend.report().pulses
        backend.clear()
        backend.silence()
        assert backend.report().pulses == count
        assert backend.poll() == ()


def test_a_reset_in_play_is_played_on(board):
    with opened(board) as backend:
        backend.schedule(scale(backend.now() + 0.3, 1000, 0.02))
        eventually(backend, lambda: backend.report().pulses > 3)
        board.reset()
        eventually(backend, lambda: backend.report().notes["resets"] == 1)
        before = backend.report().pulses
        eventually(backend, lambda: backend.report().pulses > before + 5)
        lines = [fault.message for fault in backend.poll()]
        assert backend.report().notes["reconnects"] == 0, "freed without opening the port again"
    assert any("the board has reset: its reset line was pulled or" in line for line in lines)
    assert any("the board is back, playing on" in line for line in lines)


def test_a_board_that_was_pulled_out_is_found_again(board):
    with opened(board) as backend:
        backend.schedule(scale(backend.now() + 0.3, 1500, 0.02))
        eventually(backend, lambda: backend.report().pulses > 3)
        board.end()
        eventually(backend, lambda: any("is gone" in fault.message for fault in backend.poll()))
        board.start()
        eventually(backend, lambda: backend.report().notes["reconnects"] == 1)
        before = backend.report().pulses
        eventually(backend, lambda: backend.report().pulses > before + 5)


def test_silence_is_bounded_while_the_board_is_out(board):
    with opened(board) as backend:
        backend.schedule(scale(backend.now() + 0.3, 100, 0.02))
        board.end()
        begin = backend.now()
        backend.silence()
        backend.close()
        assert backend.now() - begin < 2.0


def test_a_port_in_use_is_busy(board):
    with opened(board), pytest.raises(BackendMissing, match="another program holds this port"):
        open_backend(board.url, INSTRUMENT)


def test_a_board_without_an_identity_is_not_remembered(board, tmp_path):
    with opened(board):
        pass
    assert not os.path.exists(tmp_path / "state" / "xylophone" / "boards.txt")


PLAYER = """
import sys
from backends.serial_world import INSTRUMENT, scale
from xylophone.backends import open_backend

backend = open_backend(sys.argv[1], INSTRUMENT)
backend.schedule(scale(backend.now() + 0.5, 200, step=0.02, width=0.02))
while True:
    backend.clock.wait_until(backend.now() + 1.0)
"""
"""A host that plays a run of four seconds, two hammers on at any moment."""


def killed_in_play(board: Program, folder: Path, root: Path) -> tuple[list[str], float]:
    """Let a host play on a board that tells its edges, and kill it; return those until then, and when."""
    told = board.process.stdout
    assert told is not None
    places = os.environ | {"PYTHONPATH": f"{root}:{root / 'tests'}", "XDG_STATE_HOME": str(folder)}
    host = programs.Program([sys.executable, "-c", PLAYER, board.url], env=places)
    edges = [told.readline() for _ in range(21)]  # it plays
    host.kill()
    killed = time.monotonic()
    host.wait()
    return edges, killed


def pulses_of(edges: list[str]) -> tuple[list[tuple[float, float]], set[int]]:
    """Return when pulses begin and end by the edges that were told, and the channels that are left on."""
    pulses, begun = [], {}
    for moment, on, off in map(str.split, edges):
        for channel in range(30):
            if int(off, 16) >> channel & 1:
                pulses.append((begun.pop(channel), int(moment) / 1e6))
            if int(on, 16) >> channel & 1:
                begun[channel] = int(moment) / 1e6
    return pulses, set(begun)


def test_a_host_that_is_killed_leaves_half_a_second_and_no_coil_on(
    command: Path, tmp_path: Path, root: Path
) -> None:
    board = Program(command, tmp_path / "board", "--edges")
    edges, killed = killed_in_play(board, tmp_path, root)
    clock = SystemClock()
    clock.wait_until(2.0)  # what was queued would have sounded
    board.end_after(edges)
    pulses, left = pulses_of(edges)
    assert not left
    assert all(end - begin <= 0.0201 for begin, end in pulses)
    assert max(end for _, end in pulses) <= killed + 0.5 + 0.05
    assert len(edges) < 2 * 200


def test_a_board_that_is_opened_anew_lets_go_of_all_coils_and_tells_it(
    command: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    board = Program(command, tmp_path / "board", "--edges")
    edges, _ = killed_in_play(board, tmp_path, root)
    opened(board).close()
    board.end_after(edges)
    pulses, left = pulses_of(edges)
    assert pulses
    assert not left
