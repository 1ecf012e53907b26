"""Stops of an owner of the instrument: how soon all coils are off.

    python benchmarks/service.py                  all of it, about a minute; a C compiler for the board
    python benchmarks/service.py --times 20       fewer of each

An owner of its own, `xylophone serve`, plays the densest song on `gpio:null`, whose trace says when outputs
went off, and on the virtual board. `xylophone off` is the whole program, its start too; "killed" is what a
program does that runs already, where the owner stands still. `holding.py` measures the other commands.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from owners.music import DENSEST, owning
from owners.outputs import Board, Outputs, Traced
from owners.running import XYLOPHONE, Owner, environment
from rich.progress import track
from startup import Figure, percentiles, show, table

from xylophone.owner.ending import ask_to_stop

ROOT = Path(__file__).resolve().parents[1]


def stopped(owner: Owner) -> float:
    """Stop an owner that listens."""
    silent = owner.silent_after(lambda: owner.client.do("stop"))
    owner.client.do("release")
    owner.begin(DENSEST, repeat=True)
    return silent


def killed(owner: Owner) -> float:
    """Ask an owner that stands still, and kill it."""
    os.environ |= environment(owner.folder)

    def kill() -> None:
        asked = ask_to_stop("benchmark")
        assert asked is not None
        assert not asked.heard
        asked.kill()

    owner.process.send_signal(signal.SIGSTOP)
    return owner.silent_after(kill)


def off(owner: Owner) -> float:
    """Run `xylophone off` beside an owner that stands still."""
    words = [*XYLOPHONE, "off"]
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "env": environment(owner.folder)}
    owner.process.send_signal(signal.SIGSTOP)
    return owner.silent_after(lambda: subprocess.run(words, **quiet))


Kind = Callable[[Path], Outputs]
Stop = Callable[[Owner], float]


def silences(kind: Kind, stop: Stop, times: int, alive: bool) -> tuple[float, ...]:
    """Return 95th percentile, maximum and median of how long, in ms, outputs were on after each stop.

    One owner is for all where it stays `alive`.
    """
    found = []
    for _ in track(range(1 if alive else times), stop.__name__, transient=True):
        with owning(kind) as (owner, _):
            owner.begin(DENSEST, repeat=True)
            found += [1000 * stop(owner) for _ in range(times if alive else 1)]
    return percentiles(found, 95, 100, 50)


def measured(board: Path, times: int) -> list[Figure]:
    """Return all figures."""
    kinds: dict[str, Kind] = {"gpio:null": Traced, "board": lambda folder: Board(board)}
    rare, figures = max(2, times // 5), list[Figure]()
    for name, kind in kinds.items():
        figures += [
            Figure(f"stop to all off, {name}", silences(kind, stopped, times, True), "ms", (20,), (5,)),
            Figure(f"killed, {name}", silences(kind, killed, rare, False), "ms", (500,), (350,)),
            Figure(f"xylophone off, {name}", silences(kind, off, rare, False), "ms"),
        ]
    return figures


@click.command()
@click.option("--times", default=50, show_default=True, help="Stops; a fifth where the owner is killed.")
def main(times: int) -> None:
    """Measure; exit code 1 where what is asked at least was missed."""
    with tempfile.TemporaryDirectory() as folder:
        build = ["make", "--silent", "-C", ROOT / "firmware", f"BUILD={folder}", "virtual-board"]
        subprocess.run(build, check=True)
        figures = measured(Path(folder, "xylophone-virtual-board"), times)
    show(table("the owner: p95 / max / median", figures))
    sys.exit(any(figure.missed for figure in figures))


if __name__ == "__main__":
    main()
