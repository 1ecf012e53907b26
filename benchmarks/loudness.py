"""How loud the song book is: every song on every layout and material, in LUFS, with its true peak.

    pip install pyloudnorm
    python benchmarks/loudness.py [--layout song-bell] [--kind zye1-0530] [--jobs 2] [--songs 29]

Songs are played on tuned simulated hammers, at the gain of xylophone/sound/loudness.py. A gain is right when
the median is -20 LUFS, within 0.1; else the line says which it should be. Exit code 1 says that one is not.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product

import click
import numpy as np
from rich.table import Table
from startup import show

from xylophone import arrange, build_instrument, load_song, simulate, songs
from xylophone.instrument import DEFAULT_KIND, KINDS, LAYOUTS, MATERIALS
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.sound.loudness import CEILING, GAINS, USUAL, loudness_of, true_peak
from xylophone.sound.rendering import blocks

ENOUGH = 24000
"""Hz; loudness at this sample rate is that at 48000 within 0.01 dB, in half the time."""

RIGHT = 0.1
"""LUFS that the median may be off."""


def measured(layout: str, kind: str, many: int) -> dict[str, list[tuple[float, float]]]:
    """Return loudness in LUFS and true peak in dB re full scale of the first `many` songs, by material."""
    instrument = build_instrument(layout, kind)
    twin = Twin(instrument)
    calibration = measure(twin)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in MATERIALS}
    for song in songs()[:many]:
        hits = simulate(arrange(load_song(song.path), instrument), calibration, twin=twin).hits
        for name in MATERIALS:
            barred = replace(instrument, bars=name)
            peak = 20.0 * np.log10(true_peak(blocks(hits, barred)))
            sound = np.concatenate(list(blocks(hits, barred, ENOUGH)))
            found[name].append((loudness_of(sound, ENOUGH), float(peak)))
    return found


@click.command()
@click.option("--layout", type=click.Choice(tuple(LAYOUTS)), help="This one only.")
@click.option("--kind", default=DEFAULT_KIND, type=click.Choice(tuple(KINDS)), show_default=True)
@click.option("--songs", "many", default=len(songs()), show_default=True)
@click.option("--jobs", default=2, show_default=True)
def main(layout: str | None, kind: str, many: int, jobs: int) -> None:
    """Print a line for each layout and material."""
    layouts = [layout] if layout else list(LAYOUTS)
    with ProcessPoolExecutor(jobs) as pool:
        every = dict(zip(layouts, pool.map(partial(measured, kind=kind, many=many), layouts), strict=True))
    rows, wrong = [], False
    for name, material in product(layouts, MATERIALS):
        lufs, peak = np.array(every[name][material]).T
        over = np.maximum(peak - 20.0 * np.log10(CEILING), 0.0)
        off = float(np.median(lufs)) - USUAL
        wrong |= abs(off) > RIGHT
        rows.append(
            (
                name,
                material,
                f"{np.median(lufs):.1f} ({lufs.min():.1f} to {lufs.max():.1f})",
                f"{peak.max():+.1f} dBFS",
                f"{np.count_nonzero(over)} of {len(over)}, by {over.max():.1f} dB at most",
                "right" if abs(off) <= RIGHT else f"give {GAINS[material][name] - off:.1f} dB",
            )
        )
    grid = Table(title=f"{many} songs, {kind}", title_justify="left")
    for head in (
        "layout",
        "bars",
        "LUFS: median (least to most)",
        "highest true peak",
        "made softer",
        "gain",
    ):
        grid.add_column(head)
    for row in rows:
        grid.add_row(*row)
    show(grid)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
