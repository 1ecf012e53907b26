"""The worst that a host can do to the board's timing: a search over patterns of strikes, on the emulated AVR.

    python benchmarks/adversary.py                         20,000 patterns in two processes
    python benchmarks/adversary.py --patterns 300 --seed 7
    python benchmarks/adversary.py --keep 12               and the worst of them for the tests

Half of the patterns are random, the rest climb from the worst of these. Sought are a pulse beyond its order,
a long turn of the main loop, and a healthy board taken for a stuck one. Needs gcc, libsimavr-dev and
libelf-dev.
"""

from __future__ import annotations

import ctypes
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from firmware.adversary import Found, Pattern, any_pattern, attack, varied  # noqa: E402
from firmware.conftest import IMAGE  # noqa: E402
from firmware.emulated import load  # noqa: E402

KEPT = ROOT / "tests" / "firmware" / "worst_patterns.json"
PIECE = 250
"""Patterns of one search, of which the first half is random."""

Tried = tuple[Found, Pattern]

GOALS: tuple[tuple[str, Callable[[Tried], float]], ...] = (
    ("beyond", lambda tried: tried[0].beyond_us),
    ("slowest", lambda tried: tried[0].slowest_us),
    ("harm", lambda tried: tried[0].harm),
)


def search(library: Path, image: Path, seed: int, count: int) -> list[Tried]:
    """Try so many patterns, half of them by climbing towards one goal, which the seed chooses."""
    chance, emulator = random.Random(seed), load(library)
    _, worth = GOALS[seed % len(GOALS)]
    tried = [_try(emulator, image, any_pattern(chance)) for _ in range(count - count // 2)]
    best = sorted(tried, key=worth)[-4:]
    for _ in range(count // 2):
        tried.append(_try(emulator, image, varied(chance, chance.choice(best)[1])))
        best = sorted([*best, tried[-1]], key=worth)[-4:]
    return tried


def _try(emulator: ctypes.CDLL, image: Path, pattern: Pattern) -> Tried:
    return attack(emulator, image, pattern), pattern


def worst(tried: list[Tried], count: int) -> list[Tried]:
    """Return the worst of each goal."""
    found: list[Tried] = []
    for _, worth in GOALS[:2]:
        found += sorted(tried, key=worth)[-(count // 2) :]
    return found


def build(folder: Path) -> Path:
    """Build the emulator into a folder; return its library."""
    library = folder / "emulator.so"
    source = ROOT / "tests" / "firmware" / "emulator.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", source, "-o", library, "-lsimavr", "-lelf"], check=True)
    return library


@click.command()
@click.option("--patterns", default=20_000, show_default=True, help="How many to try.")
@click.option("--seed", default=1, show_default=True, help="Where the search begins.")
@click.option("--keep", default=0, help="Keep so many of the worst for the tests.")
@click.option(
    "--image", type=click.Path(path_type=Path), default=IMAGE, help="In place of the one that ships."
)
def main(patterns: int, seed: int, keep: int, image: Path) -> None:
    """Search, and print the worst that was found."""
    tried: list[Tried] = []
    with tempfile.TemporaryDirectory() as folder, Pool(2) as pool:
        pieces = [
            (seed * 10_000 + n, min(PIECE, patterns - begin))
            for n, begin in enumerate(range(0, patterns, PIECE))
        ]
        for found in pool.starmap(partial(search, build(Path(folder)), image), pieces, 1):
            tried += found
    table = Table(
        f"figure ({len(tried)} patterns from seed {seed}, emulated ATmega2560)", "measured", "at most"
    )
    table.add_row(
        "longest pulse beyond its order", f"{max(found.beyond_us for found, _ in tried):.1f} us", "32 us"
    )
    table.add_row(
        "farthest on edge from its order", f"{max(found.astray_us for found, _ in tried):.1f} us", "17 us"
    )
    table.add_row("longest core_poll", f"{max(found.slowest_us for found, _ in tried) / 1000:.2f} ms", "1 ms")
    table.add_row("a healthy board taken for a stuck one", str(sum(found.stuck for found, _ in tried)), "0")
    table.add_row("strikes fired", str(sum(found.fired for found, _ in tried)), "")
    Console().print(table)
    if keep:
        rows = [json.dumps(pattern.row()) for _, pattern in worst(tried, keep)]
        KEPT.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
