"""The owner of the instrument: how soon a command has its effect, others know of it, and a stop is silence.

    python benchmarks/service.py                  all of it, about two minutes; a C compiler for the board
    python benchmarks/service.py --times 20       fewer of each

An owner of its own, `xylophone serve`, plays the densest song on `gpio:null`, whose trace says when outputs
went off, and on the virtual board. `xylophone off` is the whole program, its start too; "asked, then killed"
is what a program does that runs already.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import numpy as np
from outputs import let_through
from rich.progress import track
from startup import Figure, show, table

from xylophone import BackendError, OwnerClient, find_song
from xylophone.owner.ending import ask_to_stop
from xylophone.owner.latch import NAME as LATCH

ROOT = Path(__file__).resolve().parents[1]
DENSEST = "flight_of_the_bumblebee"
XYLOPHONE = [sys.executable, "-m", "xylophone"]
PATIENCE = 60.0
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
        end = time.monotonic() + PATIENCE
        while not (edges := self.edges()) or not edges[-1][1]:
            assert time.monotonic() < end, "nothing plays"
            time.sleep(0.0005)


class Traced(Outputs):
    """Outputs without wires."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"trace-{time.monotonic_ns()}"
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


@contextmanager
def serving(outputs: Outputs) -> Iterator[tuple[subprocess.Popen[bytes], OwnerClient]]:
    """Have an owner play the densest song again and again while the block runs."""
    command = [*XYLOPHONE, "serve", "--mute", "--backend", outputs.url]
    owner = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with OwnerClient.connect(wait=PATIENCE) as client:
            state = client.do("state")["state"]
            while "speed" not in state:
                time.sleep(0.05)
                state = client.do("state")["state"]
            client.do("play", songs=[{"path": str(find_song(DENSEST))}], repeat=True)
            outputs.wait_for_strike()
            yield owner, client
    finally:
        owner.kill()
        owner.wait()


def commands(client: OwnerClient, times: int) -> tuple[list[float], list[float]]:
    """Return how long commands took to their effect, and until who follows knew it, in ms."""
    seen: dict[float, float] = {}

    def follow() -> None:
        with OwnerClient.connect() as follower, suppress(BackendError):  # the owner is killed at last
            for event in follower.follow("state", "ahead"):
                if event["event"] == "state":
                    seen.setdefault(event["state"].get("volume", -1), time.monotonic())

    threading.Thread(target=follow, daemon=True).start()
    client.do("volume", to=0)
    taken, known = [], []
    for number in track(range(times), "commands", transient=True):
        time.sleep(0.05)
        volume = 1 + number % 99
        seen.pop(volume, None)
        begin = time.monotonic()
        client.do("volume", to=volume)
        taken.append(1000 * (time.monotonic() - begin))
        while volume not in seen:
            time.sleep(0.0005)
        known.append(1000 * (seen[volume] - begin))
    return taken, known


def stopped(outputs: Outputs, owner: subprocess.Popen[bytes], client: OwnerClient) -> float:
    """Stop an owner that listens."""
    begin = time.monotonic()
    client.do("stop")
    silent = outputs.off_since(begin)
    client.do("release")
    client.do("play", songs=[{"path": str(find_song(DENSEST))}], repeat=True)
    return silent


def killed(outputs: Outputs, owner: subprocess.Popen[bytes], client: OwnerClient) -> float:
    """Ask an owner that stands still, and kill it."""
    owner.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    asked = ask_to_stop("benchmark")
    assert asked is not None
    assert not asked.heard
    asked.kill()
    return outputs.off_since(begin)


def off(outputs: Outputs, owner: subprocess.Popen[bytes], client: OwnerClient) -> float:
    """Run `xylophone off` beside an owner that stands still."""
    owner.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    subprocess.run([*XYLOPHONE, "off"], check=True, stdout=subprocess.DEVNULL)
    return outputs.off_since(begin)


Stop = Callable[[Outputs, "subprocess.Popen[bytes]", OwnerClient], float]


def silences(make: Callable[[], Outputs], stop: Stop, times: int, alive: bool) -> list[float]:
    """Return how long outputs were on after each stop, in ms; one owner for all where it stays `alive`."""
    found = []
    outputs = make()
    for _ in track(range(1 if alive else times), stop.__name__, transient=True):
        with serving(outputs) as (owner, client):
            for _ in range(times if alive else 1):
                outputs.wait_for_strike()
                found.append(1000 * stop(outputs, owner, client))
        Path(os.environ["XDG_STATE_HOME"], "xylophone", LATCH).unlink(missing_ok=True)
        if not alive and isinstance(outputs, Traced):
            outputs = make()
    if isinstance(outputs, Board):
        outputs.end()
    return found


def p95(values: list[float]) -> tuple[float, ...]:
    """Return 95th percentile, maximum and median."""
    return tuple(float(np.percentile(values, share)) for share in (95, 100, 50))


def measured(folder: Path, board: Path, times: int) -> list[Figure]:
    """Return all figures."""
    with serving(Traced(folder)) as (_, client):
        taken, known = commands(client, 5 * times)

    def traced() -> Outputs:
        return Traced(folder)

    def on_board() -> Outputs:
        return Board(board)

    rare, figures = max(2, times // 5), [
        Figure("command to its effect", p95(taken), "ms", (10,), (3,)),
        Figure("command to who follows", p95(known), "ms", (10,), (3,)),
    ]  # fmt: skip
    for name, make in (("gpio:null", traced), ("board", on_board)):
        figures += [
            Figure(f"stop to all off, {name}", p95(silences(make, stopped, times, True)), "ms", (20,), (5,)),
            Figure(f"killed, {name}", p95(silences(make, killed, rare, False)), "ms", (500,), (350,)),
            Figure(f"xylophone off, {name}", p95(silences(make, off, rare, False)), "ms"),
        ]  # fmt: skip
    return figures


@click.command()
@click.option("--times", default=50, show_default=True, help="Stops; five times as many commands.")
def main(times: int) -> None:
    """Measure in a folder of its own, far from any other owner."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"XDG_STATE_HOME": name, "XYLOPHONE_OWNER": str(folder / "run" / "owner.sock")}
        for variable in ("XYLOPHONE_CONFIG", "XYLOPHONE_BACKEND"):
            os.environ.pop(variable, None)
        os.chdir(folder)
        subprocess.run(
            ["make", "--silent", "-C", ROOT / "firmware", f"BUILD={folder}", "virtual-board"], check=True
        )
        figures = measured(folder, folder / "xylophone-virtual-board", times)
        show(table("the owner: p95 / max / median", figures))


if __name__ == "__main__":
    main()
