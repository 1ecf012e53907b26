"""`xylophone serve` as a process in folders of its own, on outputs that note each change, and its parts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xylophone import OwnerClient

from .outputs import LONG, Board, Outputs

XYLOPHONE = [sys.executable, "-m", "xylophone"]

LOOK = 0.001
"""s between two looks."""

PARTS = {
    " dispatcher ": "dispatcher",
    " watchdog ": "watchdog",
    "resource_tracker": "tracker",
    "spawn_main": "worker",
}
"""Words of the command line of the owner's children, and what each is called here."""


def soon(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LONG
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {LONG:g} s")
        time.sleep(LOOK)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment whose state, cache and socket lie in a folder."""
    own = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
    return {**os.environ, **own, "XYLOPHONE_OWNER": str(folder / "owner.sock")}


class Owner:
    """An owner of these outputs, whose folders lie in `folder`; it ends with its block."""

    def __init__(self, folder: Path, outputs: Outputs) -> None:
        self.outputs, self.folder = outputs, folder
        words = [*XYLOPHONE, "serve", "--mute", "--backend", outputs.url]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(words, env=environment(folder), **quiet)
        self.client = self.connect()
        soon(lambda: self.state()["state"] == "idle")

    def connect(self) -> OwnerClient:
        """Return another client of it."""
        return OwnerClient.connect(self.folder / "owner.sock", wait=LONG)

    def state(self) -> dict[str, Any]:
        """Return how it is."""
        state: dict[str, Any] = self.client.do("state")["state"]
        return state

    def begin(self, song: Path, **manner: Any) -> None:
        """Play a song, and wait until a coil is on."""
        self.client.do("play", songs=[{"path": str(song)}], **manner)
        self.outputs.wait_for_strike()

    def silent_after(self, stop: Callable[[], object]) -> float:
        """Stop it, and return for how many seconds after that a coil was on."""
        begin = time.monotonic()
        stop()
        return self.outputs.off_since(begin)

    def parts(self) -> dict[str, int]:
        """Return its processes by what they are called here."""
        found = {"owner": self.process.pid}
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        for child in (word for listed in children for word in listed.read_text().split()):
            with suppress(OSError):
                words = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                found |= {name: int(child) for word, name in PARTS.items() if word in words}
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LONG)
        if isinstance(self.outputs, Board):
            self.outputs.end()
