"""Ctrl-Z and a terminal of another size, on a terminal of the test's own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import programs
from xylophone.cli.screen import CLEARED
from xylophone.gpio.datagrams import is_stopped
from xylophone.gpio.null import read_trace

SHOWN, HIDDEN = b"\x1b[?25h", b"\x1b[?25l"
"""What shows the cursor, and what hides it."""


class Screen:
    """A terminal, and all that was shown on it since it was looked at last."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        self.shown = b""

    def close(self) -> None:
        for number in (self.ours, self.theirs):
            os.close(number)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))

    def until(self, words: bytes) -> None:
        """Read on until these words are shown, and forget what came before."""
        end = time.monotonic() + programs.PATIENCE
        while words not in self.shown:
            ready, _, _ = select.select([self.ours], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{words!r} was not shown, only {self.shown!r}"
            self.shown += os.read(self.ours, 65536)
        self.shown = self.shown.partition(words)[2]

    @property
    def reads_lines(self) -> bool:
        """Whether what is typed is shown and read a line at a time, as shells have it."""
        return (
            termios.tcgetattr(self.ours)[3] & (termios.ICANON | termios.ECHO) == termios.ICANON | termios.ECHO
        )


def settings_for(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a terminal whose size is its own, for a user without settings."""
    others = ("XDG_", "XYLOPHONE_", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "HOME": str(home), "XYLOPHONE_OWNER": str(home / "owner.sock"), "TERM": "xterm", **more}


@contextmanager
def playing(
    screen: Screen, home: Path, backend: str, song: str = "greensleeves", **more: str
) -> Iterator[programs.Program]:
    """Play a song on a screen while the block runs, which has to end it."""
    command = [sys.executable, "-m", "xylophone", "play", song, "--mute", "--backend", backend]
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), screen.theirs)
    with programs.Program(command, env=settings_for(home, **more), cwd=home, **streams) as play:
        yield play
    assert play.returncode == 0


def suspended(screen: Screen, play: programs.Program) -> None:
    """Press Ctrl-Z, and return when the program stands still."""
    play.send_signal(signal.SIGTSTP)
    screen.until(b"paused")
    screen.until(SHOWN)
    end = time.monotonic() + programs.PATIENCE
    while not is_stopped(play.pid):
        assert time.monotonic() < end
    assert screen.reads_lines


def test_the_music_pauses_the_terminal_is_given_back_and_keys_work_again(tmp_path: Path) -> None:
    screen = Screen()
    screen.resize(100)
    with playing(screen, tmp_path, "sim:", COLUMNS="100", LINES="30") as play:  # as some shells set them
        screen.until(b"measure 2")
        assert not screen.reads_lines
        screen.resize(60)
        screen.until(CLEARED.encode())
        suspended(screen, play)
        play.send_signal(signal.SIGCONT)
        screen.until(HIDDEN)
        screen.until(b"measure 3")
        assert not screen.reads_lines
        os.write(screen.ours, b"q")
        screen.until(b"all coils are off")
    screen.close()


def a_tune(midi: Callable[..., Path]) -> str:
    """Return a file of 16 notes, each 0.25 s after the one before."""
    return str(midi(*((72 + n % 12, n / 2, 0.1, 90, 0) for n in range(16))))


def test_the_outputs_of_this_machine_are_off_while_the_program_stands_still(
    tmp_path: Path, midi: Callable[..., Path]
) -> None:
    screen, trace = Screen(), tmp_path / "trace"
    screen.resize(100)
    with playing(screen, tmp_path, f"gpio:null?trace={trace}", a_tune(midi)) as play:
        screen.until(b"measure 2")
        suspended(screen, play)
        before = read_trace(str(trace))
        assert before[-1][1] == 0
        play.send_signal(signal.SIGCONT)
        screen.until(HIDDEN)
        screen.until(b"played 16 strikes; all coils are off")
    struck = [mask for _, mask in read_trace(str(trace)) if mask]
    assert 4 < sum(mask > 0 for _, mask in before) < 16
    assert struck == [1 << (5 + n % 12) for n in range(16)]
    screen.close()


def test_a_board_goes_on_where_the_music_was(
    tmp_path: Path, midi: Callable[..., Path], virtual_board: str
) -> None:
    screen = Screen()
    screen.resize(100)
    with playing(screen, tmp_path, f"serial://{virtual_board}", a_tune(midi)) as play:
        screen.until(b"measure 2")
        suspended(screen, play)
        play.send_signal(signal.SIGCONT)
        screen.until(HIDDEN)
        screen.until(b"played 16 strikes; all coils are off")
    screen.close()
