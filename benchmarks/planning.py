"""What planning one note and a chord costs while somebody plays, beside an earlier commit.

    python benchmarks/planning.py --before COMMIT [--rounds 40]

Each side is a process with the package of its commit, on thirty tuned hammers. A minute of random notes
and chords comes first; then the sides take turns, a round of notes and chords each, the same for both. The
time is CPU from `add` until the plan is there; what `settle` does behind the hand-over is told apart.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
from startup import Figure, show, table

from xylophone import build_instrument
from xylophone.sequencer import Planner
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.tables import STRIKE, Strikes, as_strikes

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1, 6)
EACH = 20
"""Notes, and as many chords, of a round."""

HISTORY = 60.0
"""s of music before the first round."""

Spent = dict[str, list[float]]
"""CPU milliseconds of every commit of a round, by size; those of `settle` behind it with a + before."""


def music(rng: np.random.Generator) -> Iterator[Strikes]:
    """Yield notes and chords in turn for ever, 0.08 to 0.25 s apart, on any hammers, any loudness."""
    moment = 1.0
    for size in itertools.cycle(SIZES):
        moment += rng.uniform(0.08, 0.25)
        strikes = as_strikes(np.zeros(size, STRIKE))
        strikes["time"] = moment + np.sort(rng.uniform(0.0, 0.004, size))
        strikes["hammer"] = rng.choice(30, size, replace=False)
        strikes["velocity"] = rng.uniform(1.0, 127.0, size)
        strikes["priority"] = rng.integers(0, 3, size)
        yield strikes


def play(planner: Planner, strikes: Strikes, spent: Spent) -> bytes:
    """Plan strikes as if they were due at once, and note the time that it took; return the plan's rows."""
    settle: Callable[[], None] = getattr(planner, "settle", lambda: None)  # commits of before have none
    begun = time.thread_time()
    planner.add(strikes)
    plan = planner.commit(float(strikes["time"][-1]))
    pulses = plan.pulses
    done = time.thread_time()
    settle()
    spent[str(len(strikes))].append(1e3 * (done - begun))
    spent[f"+{len(strikes)}"].append(1e3 * (time.thread_time() - done))
    return plan.rows.tobytes() + pulses.tobytes()


def take_turns() -> None:
    """Play a round for each line that comes in, and print what it took."""
    instrument = build_instrument()
    planner = Planner(instrument, measure(Twin(instrument)))
    songs, unmeasured, digest = music(np.random.default_rng(7)), blank(), hashlib.sha256()
    for strikes in songs:
        play(planner, strikes, unmeasured)
        if strikes["time"][0] > HISTORY:
            break
    for _ in sys.stdin:
        spent = blank()
        for _ in range(2 * EACH):
            digest.update(play(planner, next(songs), spent))
        print(json.dumps([spent, digest.hexdigest()]), flush=True)


def blank() -> Spent:
    """Return an empty account."""
    return {f"{sign}{size}": [] for size in SIZES for sign in ("", "+")}


def side(tree: Path) -> subprocess.Popen[str]:
    """Start a side with the package in `tree`."""
    return subprocess.Popen(
        [sys.executable, __file__, "--turns"],
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def round_of(one: subprocess.Popen[str]) -> tuple[Spent, str]:
    """Let a side play its next round."""
    assert one.stdin is not None
    assert one.stdout is not None
    one.stdin.write("go\n")
    one.stdin.flush()
    spent, digest = json.loads(one.stdout.readline())
    return spent, digest


def unpack(commit: str, folder: Path) -> None:
    """Write the package of a commit into a folder."""
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", commit, "xylophone"], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive.stdout)


def compare(before: Path, rounds: int) -> tuple[list[Spent], bool]:
    """Return what each side spent in all rounds, and whether both planned the same."""
    sides, totals, alike = [side(before), side(ROOT)], [blank(), blank()], True
    try:
        for _ in range(rounds):
            (first, one), (second, other) = (round_of(each) for each in sides)
            alike &= one == other
            for total, spent in zip(totals, (first, second), strict=True):
                for key, values in spent.items():
                    total[key] += values
    finally:
        for each in sides:
            each.kill()
    return totals, alike


def figures(before: Spent, now: Spent) -> list[Figure]:
    """Return the rows of the table."""
    rows = []
    for size, name in zip(SIZES, ("one note", "a chord of six"), strict=True):
        old, new = (np.array(spent[str(size)]) for spent in (before, now))
        quartiles = [tuple(np.percentile(side, (50, 99))) for side in (old, new)]
        rows += [
            Figure(f"{name}, before: median / p99", quartiles[0], "ms"),
            Figure(f"{name}, now: median / p99", quartiles[1], "ms"),
            Figure(f"{name}, now / before", (quartiles[1][0] / quartiles[0][0],), "", (0.5,), (0.33,)),
        ]
        whole = [np.median(np.add(spent[str(size)], spent[f"+{size}"])) for spent in (before, now)]
        rows.append(Figure(f"{name}, with what follows, now / before", (whole[1] / whole[0],), "", (1.0,)))
    return rows


@click.command()
@click.option("--before", default="HEAD", help="The commit to compare with.")
@click.option("--rounds", default=40, help="Rounds of each side.")
@click.option("--turns", is_flag=True, hidden=True, help="Be one of the sides.")
def main(before: str, rounds: int, turns: bool) -> None:
    """Print what planning takes, before and now."""
    if turns:
        take_turns()
        return
    with tempfile.TemporaryDirectory() as folder:
        unpack(before, Path(folder))
        (old, new), alike = compare(Path(folder), rounds)
    rows = figures(old, new)
    show(table(f"planning, CPU, before ({before}) and now; plans {'alike' if alike else 'DIFFER'}", rows))
    sys.exit(not alike or any(row.missed for row in rows))


if __name__ == "__main__":
    main()
