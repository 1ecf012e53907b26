"""Whether the first strike of `play` is heard: many starts in a terminal of their own, on a busy machine.

    python benchmarks/first_strike.py [--starts 200] [--loops 2]

Each start plays a song of one note in a pseudo-terminal, beside loops that keep so many cores busy. What is
counted is what the program's own last line tells.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from startup import Figure, show, table

ONE = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x0d\0\x90\x48\x40\x83\x60\x80\x48\0\0\xff\x2f\0"
"""A file of one note, at its very beginning."""

PLAYED = re.compile(rb"played (\d+) strikes?")


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep so many cores busy while the block runs."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for loop in running:
            loop.kill()
            loop.wait()


def shown(path: Path) -> bytes:
    """Return what `play` shows in a terminal while it plays a file."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "xylophone", "play", str(path), "--mute", "--backend", "sim:"]
    said = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as playing:
        os.close(theirs)
        try:
            while part := os.read(ours, 65536):
                said += part
        except OSError:  # the program has left its terminal
            pass
        playing.wait()
    os.close(ours)
    return said


def strikes(path: Path) -> int:
    """Return how many strikes a start has played, by its own account."""
    told = PLAYED.search(shown(path))
    return int(told[1]) if told else 0


@click.command()
@click.option("--starts", default=200, show_default=True, type=click.IntRange(min=1))
@click.option("--loops", default=2, show_default=True, type=click.IntRange(min=0), help="Busy loops beside.")
def main(starts: int, loops: int) -> None:
    """Print how many first strikes were heard."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.mid"
        path.write_bytes(ONE)
        strikes(path)  # the simulated hammers are measured once
        with busy(loops):
            heard = sum(strikes(path) for _ in range(starts))
    figure = Figure(
        f"first strikes of {starts} starts, {loops} busy loops", (heard,), "", (starts,), more=True, digits=0
    )
    show(table("first strikes", [figure]))
    sys.exit(figure.missed)


if __name__ == "__main__":
    main()
