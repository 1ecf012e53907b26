"""The beginning of `play` in a terminal: all that takes long is done before the first strike is set."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import programs
from midifile import smf

SLOW = """
import importlib.abc, sys, threading, time

class Slow(importlib.abc.MetaPathFinder):
    "Every part of the start takes half a second more: each is known by the library that it needs."
    waiting = {"blessed", "rich.live", "rich.text", "numpy.linalg", "multiprocessing", "xylophone.player"}

    def find_spec(self, name, path, target=None):
        if name in self.waiting:
            self.waiting.remove(name)
            threading.Event().wait(0.5)

sys.meta_path.insert(0, Slow())
from xylophone.cli import run
sys.exit(run(sys.argv[1:]))
"""


def in_a_terminal(command: list[str], folder: Path) -> str:
    """Return what a program shows in a terminal, to its end."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "XYLOPHONE_"))}
    own = {"HOME": str(folder), "XYLOPHONE_OWNER": str(folder / "owner.sock"), "TERM": "xterm"}
    setting = kept | own
    shown = b""
    with programs.Program(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=setting, cwd=folder
    ) as play:
        os.close(theirs)
        while part := read(ours):
            shown += part
    os.close(ours)
    assert play.returncode == 0, shown
    return shown.decode()


def read(terminal: int) -> bytes:
    """Return what comes next, nothing at its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # its other side is closed
        return b""


def test_the_first_strike_is_heard_where_every_part_of_the_start_takes_long(tmp_path: Path) -> None:
    (tmp_path / "one.mid").write_bytes(smf.song(smf.track(smf.note(72))))
    shown = in_a_terminal([sys.executable, "-c", SLOW, "play", "one.mid", "--mute"], tmp_path)
    assert "played 1 strike; all coils are off" in shown
