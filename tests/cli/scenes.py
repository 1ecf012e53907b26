"""A player on a virtual board, both real processes, with trouble between them: what is said when it ends."""

from __future__ import annotations

import math
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import forking
import programs

XYLOPHONE = [sys.executable, "-m", "xylophone"]


@dataclass(frozen=True)
class End:
    """What a command came to: exit code, all that it printed, and how long it ran, where measured."""

    code: int
    said: str
    took: float = math.nan


@dataclass
class Cable:
    """A terminal in front of the board's, whose bytes can be damaged, and which can be pulled out."""

    board: str
    garbled: bool = False
    out: bool = False
    _ends: list[int] = field(default_factory=list)

    def plug_in(self) -> str:
        """Begin to carry bytes; return the path of the player's end."""
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        path = os.ttyname(theirs)
        board = os.open(self.board, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(board)
        self._ends = [ours, board]
        threading.Thread(target=self._carry, args=(ours, board, theirs), daemon=True).start()
        return path

    def _carry(self, ours: int, board: int, theirs: int) -> None:
        """Carry until it is pulled out; then the player's terminal hangs up."""
        try:
            while not self.out:
                for end in select.select([ours, board], [], [], 0.02)[0]:
                    content = os.read(end, 4096)
                    damaged = bytes(byte ^ 0x55 for byte in content) if self.garbled else content
                    os.write(board if end == ours else ours, damaged)
        except OSError:
            pass  # the board has gone: so does this
        for end in (theirs, ours, board):
            os.close(end)


class Scene:
    """A virtual board and whoever plays on it; `folder` is the player's home."""

    def __init__(self, program: Path, folder: Path, cable: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("XDG_", "XYLOPHONE_"))
            },
            "HOME": str(folder),
            "XYLOPHONE_OWNER": str(folder / "run" / "owner.sock"),
            "TMPDIR": str(folder),
            "XDG_CACHE_HOME": str(program.parent / "cache"),
            "PYTHONUNBUFFERED": "1",
            "TERM": "xterm",
        }
        self.edges: list[tuple[float, int, int]] = []
        self.board = programs.Program([program, "--edges"], stdout=subprocess.PIPE, text=True)
        with suppress(PermissionError):  # a board has a processor of its own
            os.setpriority(os.PRIO_PROCESS, self.board.pid, -10)
        assert self.board.stdout is not None
        port = self.board.stdout.readline().strip()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.cable = Cable(port) if cable else None
        # The number of a terminal that has gone is given to the next one: a link of its own is nobody else's.
        self.link = folder / "board"
        self.link.symlink_to(self.cable.plug_in() if self.cable else port)
        self.url = f"serial://{self.link}"
        self.player: forking.Fork | programs.Program | None = None
        self.keys: int | None = None
        self.prefix: list[str] = []
        self._shown = b""

    def play(self, song: str, *options: str) -> None:
        """Start a player that has a terminal for keys and screen, and wait until it strikes."""
        keys, terminal = pty.openpty()
        words = ["play", song, "--backend", self.url, "--mute", *options]
        with (self.folder / "errors").open("wb") as errors:
            self.player = self.start(*words, stdin=terminal, stdout=terminal, stderr=errors)
        os.close(terminal)
        self.keys = keys
        self._screen = threading.Thread(target=self._look, daemon=True)
        self._screen.start()
        self.wait(lambda: len(self.edges) > 8 or self.player.poll() is not None)
        assert self.player.poll() is None, self.said()

    def start(self, *words: str, **streams: Any) -> forking.Fork | programs.Program:
        """Start a command; anew where something else is to start it."""
        streams |= {"env": self.environment, "cwd": self.folder}
        if not self.prefix:
            return forking.Fork(words, **streams)
        return programs.Program([*self.prefix, *XYLOPHONE, *words], **{"stdin": subprocess.DEVNULL} | streams)

    def press(self, key: bytes) -> None:
        """Press a key until the player ends: what is typed before it reads keys is thrown away."""
        end = time.monotonic() + programs.PATIENCE
        while self.player.poll() is None and time.monotonic() < end:
            os.write(self.keys, key)
            time.sleep(0.3)

    def ended(self) -> End:
        """Wait for the player to end."""
        assert self.player is not None
        code = self.player.wait()
        self._screen.join(programs.PATIENCE)
        return End(code, self._shown.decode(errors="replace") + self.said())

    def kill_board(self) -> None:
        self.link.unlink()
        self.board.kill()

    def pull_cable(self) -> None:
        assert self.cable is not None
        self.link.unlink()
        self.cable.out = True

    def run(self, *words: str, **streams: Any) -> End:
        """Run another command to its end; return what it says on pipes."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        begin = time.monotonic()
        with self.start(*words, text=True, **pipes | streams) as ran:
            said = ran.communicate()
        took = time.monotonic() - begin
        return End(ran.returncode, "".join(part or "" for part in said), took)

    def wait(self, what: Callable[[], bool]) -> None:
        end = time.monotonic() + programs.PATIENCE
        while not what():
            assert time.monotonic() < end, self.said()
            time.sleep(0.01)

    def said(self) -> str:
        """What the player has written on stderr so far."""
        return (self.folder / "errors").read_text(errors="replace")

    def outputs(self) -> int:
        """The mask of the coils that are on, as the board last told."""
        mask = 0
        for _, on, off in list(self.edges):
            mask = (mask | on) & ~off
        return mask

    def close(self) -> None:
        if self.player is not None and self.player.poll() is None:
            for number in (signal.SIGCONT, signal.SIGKILL):
                self.player.send_signal(number)
            self.player.wait()
        if self.board.poll() is None:
            self.board.send_signal(signal.SIGCONT)
            self.board.kill()
        self.board.wait()
        if self.cable is not None:
            self.cable.out = True  # a terminal without a board behind it is always ready, with nothing
        self._reader.join(programs.PATIENCE)
        if self.keys is not None:
            self._screen.join(programs.PATIENCE)
            os.close(self.keys)
        assert self.board.stdout is not None
        self.board.stdout.close()

    def _read(self) -> None:
        assert self.board.stdout is not None
        for line in self.board.stdout:
            moment, on, off = line.split()
            self.edges.append((int(moment) / 1e6, int(on, 16), int(off, 16)))

    def _look(self) -> None:
        try:
            while content := os.read(self.keys, 65536):
                self._shown += content
        except OSError:
            return  # the player has closed its terminal
