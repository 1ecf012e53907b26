"""Outputs on which owners play, and when the last of them went off."""

from __future__ import annotations

import subprocess
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path

from outputs import let_through

LONG = 60.0
"""s that anything may take."""

SETTLED = 0.5
"""s after which nothing more can come of a stop: the board's own limit and the watchdog's are shorter."""


class Outputs(ABC):
    """Outputs on which an owner plays: `off_since` is the moment at which the last of them went off."""

    url: str

    @abstractmethod
    def edges(self) -> list[tuple[float, int]]:
        """Return the moments, monotonic, at which outputs were written, and what was on then."""

    def off_since(self, begin: float) -> float:
        """Return for how long after a moment something was on; 0 where nothing was."""
        time.sleep(SETTLED)
        edges = self.edges()
        last = max(place for place, (_, mask) in enumerate(edges) if mask)
        assert last + 1 < len(edges), "an output is still on"
        return max(0.0, edges[last + 1][0] - begin)

    def wait_for_strike(self) -> None:
        """Wait until an output is on."""
        end = time.monotonic() + LONG
        while not (edges := self.edges()) or not edges[-1][1]:
            assert time.monotonic() < end, "nothing plays"
            time.sleep(0.0005)


class Traced(Outputs):
    """Outputs without wires."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "trace"
        self.url = f"gpio:null?trace={self._path}"

    def edges(self) -> list[tuple[float, int]]:
        """Return what the trace has."""
        if not Path(f"{self._path}.guard").exists():
            return []
        return [(ns / 1e9, mask) for ns, mask in let_through(str(self._path))]


class Board(Outputs):
    """The virtual board; an edge counts when it is told of it."""

    def __init__(self, program: Path) -> None:
        self._board = subprocess.Popen([program, "--edges"], stdout=subprocess.PIPE, text=True)
        assert self._board.stdout is not None
        self.url = f"serial://{self._board.stdout.readline().strip()}"
        self._edges: list[tuple[float, int]] = [(time.monotonic(), 0)]
        threading.Thread(target=self._read, daemon=True).start()

    def edges(self) -> list[tuple[float, int]]:
        """Return what was told."""
        return list(self._edges)

    def end(self) -> None:
        """Switch the board off."""
        self._board.kill()
        self._board.wait()

    def _read(self) -> None:
        assert self._board.stdout is not None
        for line in self._board.stdout:
            _, on, off = line.split()
            mask = (self._edges[-1][1] | int(on, 16)) & ~int(off, 16)
            self._edges.append((time.monotonic(), mask))
