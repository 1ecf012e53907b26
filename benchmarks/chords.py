"""Chords that ask most of what is known of hammers: how far their strikes are from the plan, and in which.

    python benchmarks/chords.py [--seeds 20] [--first 1000] [--chords 150] [--kind zye1-0530]
    python benchmarks/chords.py --without rest_coupling

A search over rest x size x loudness x spread of random chords, on sets of hammers of ordinary tolerance that
do not scatter: each hammer of a chord strikes once alone, rests, and strikes with the others. What is printed
are the largest errors for each value of each of the four. `--without` leaves a term of the calibration out,
to show what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from xylophone import Calibration, Instrument, build_instrument, sequence
from xylophone.calibration.values import SupplyTerms, WarmthTerms
from xylophone.performance.simulate import perform
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.tables import STRIKE

RESTS = (0.3, 2.0, 8.0, 25.0, 100.0)  # s
SOFTNESS = (1, 20, 50, 90, 127, 0)  # velocities; 0 for a chord of all of them
SPREADS = (0.0, 0.01, 0.02)  # s over which the contacts of a chord lie
ALONE = 60  # velocity of the strikes before the rest

TERMS = {"rest_coupling": 0.0, "supply": SupplyTerms(), "warmth": WarmthTerms()}


@dataclass(frozen=True)
class Struck:
    """One strike of a chord: what chord it was, and its errors in dB and ms; NaN where it was not heard."""

    size: int
    rest: float
    velocity: int
    spread: float
    level: float
    timing: float


def chords(chance: np.random.Generator, instrument: Instrument, count: int) -> Iterator[tuple[Struck, list]]:
    """Yield chords, and their strikes as onset, hammer, velocity: the lone ones, then those of the chord."""
    begin = 1.0
    for _ in range(count):
        size = int(chance.integers(1, min(instrument.largest_chord, len(instrument)) + 1))
        rest, spread = float(chance.choice(RESTS)), float(chance.choice(SPREADS))
        velocity = int(chance.choice(SOFTNESS))
        places = chance.choice(len(instrument), size, replace=False).tolist()
        rows = [(begin + 0.12 * number, place, ALONE) for number, place in enumerate(places)]
        begin += 0.12 * size + rest
        for place in places:
            rows.append((begin + spread * chance.random(), place, velocity or int(chance.integers(1, 128))))
        begin += 0.5
        yield Struck(size, rest, velocity, spread, np.nan, np.nan), rows


def struck(instrument: Instrument, seed: int, count: int, without: Sequence[str]) -> Iterator[Struck]:
    """Yield the strikes of all chords on one set of hammers."""
    twin = Twin(instrument, seed, 0.0, 0.0)
    known: Calibration = replace(measure(twin), **{name: TERMS[name] for name in without})
    rows, owners = [], []
    for chord, strikes in chords(np.random.default_rng(seed), instrument, count):
        rows += strikes
        owners += [None] * chord.size + [chord] * chord.size
    order = np.argsort([onset for onset, _, _ in rows], kind="stable")
    table = np.zeros(len(rows), STRIKE)
    for number, key in enumerate(("time", "hammer", "velocity")):
        table[key] = [rows[row][number] for row in order]
    heard = perform(sequence(table, instrument, known), twin)
    errors = zip(order.tolist(), heard.level_error_db, heard.timing_error, strict=True)
    for row, level, late in errors:
        owner = owners[row]
        if owner is not None:
            yield replace(owner, level=float(level), timing=1000 * float(late))


def worst(found: Sequence[Struck]) -> tuple[str, str, str]:
    """Return the largest level error and timing error, and how many strikes were not heard."""
    level, timing = (np.abs([getattr(one, key) for one in found]) for key in ("level", "timing"))
    return f"{np.nanmax(level):.2f} dB", f"{np.nanmax(timing):.2f} ms", str(int(np.isnan(level).sum()))


@click.command()
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1), help="Sets of hammers.")
@click.option(
    "--first", default=1000, show_default=True, type=click.IntRange(0), help="Seed of the first set."
)
@click.option(
    "--chords", "count", default=150, show_default=True, type=click.IntRange(1), help="For each set."
)
@click.option("--kind", default="zye1-0530", show_default=True)
@click.option("--layout", default="song-bell", show_default=True)
@click.option("--without", multiple=True, type=click.Choice(list(TERMS)), help="A term that is left out.")
def main(seeds: int, first: int, count: int, kind: str, layout: str, without: tuple[str, ...]) -> None:
    """Print the largest errors of random chords, by what they are."""
    instrument = build_instrument(layout, kind)
    found = [one for seed in range(first, first + seeds) for one in struck(instrument, seed, count, without)]
    shown = Table("chords", "", "level error max", "timing error max", "not heard")
    shown.add_row("all", f"{len(found)} strikes", *worst(found))
    for key in ("size", "rest", "velocity", "spread"):
        for value in sorted({getattr(one, key) for one in found}):
            shown.add_row(key, f"{value:g}", *worst([one for one in found if getattr(one, key) == value]))
    Console().print(shown)


if __name__ == "__main__":
    main()
