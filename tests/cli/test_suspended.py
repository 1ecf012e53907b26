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
from pathlib import Path

import programs
from xylophone.cli.screen import CLEARED
from xylophone.gpio.datagrams import is_stopped

SHOWN, HIDDEN = b"\x1b[?25h", b"\x1b[?25l"
"""What shows the cursor, and what hides it."""


class Screen:
    """A terminal, and all that was shown on it since it was looked at last."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        self.shown = b""

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


def test_the_music_pauses_the_terminal_is_given_back_and_keys_work_again(tmp_path: Path) -> None:
    screen = Screen()
    screen.resize(100)
    others = ("XDG_", "XYLOPHONE_", "COLUMNS", "LINES")  # a size that is set for good is no terminal's own
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    setting = {**kept, "HOME": str(tmp_path), "TERM": "xterm"}
    command = [sys.executable, "-m", "xylophone", "play", "greensleeves", "--mute", "--backend", "sim:"]
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), screen.theirs)
    with programs.Program(command, env=setting, cwd=tmp_path, **streams) as play:
        screen.until(b"measure 2")
        assert not screen.reads_lines
        screen.resize(60)
        screen.until(CLEARED.encode())
        play.send_signal(signal.SIGTSTP)
        screen.until(b"paused")
        screen.until(SHOWN)
        end = time.monotonic() + programs.PATIENCE
        while not is_stopped(play.pid):
            assert time.monotonic() < end
        assert screen.reads_lines
        play.send_signal(signal.SIGCONT)
        screen.until(HIDDEN)
        screen.until(b"measure 3")
        assert not screen.reads_lines
        os.write(screen.ours, b"q")
        screen.until(b"all coils are off")
    assert play.returncode == 0
    for number in (screen.ours, screen.theirs):
        os.close(number)
