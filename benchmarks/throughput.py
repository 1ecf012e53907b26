"""How fast notes become pulses, and a performance becomes sound; time and memory from 1 k to 1 M notes.

    python benchmarks/throughput.py

Each size runs in a process of its own; its memory is what it took beyond its imports.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from parse import song_of
from rich.console import Console
from rich.table import Table

from xylophone import arrange, build_instrument, calibration_for, find_song, load_song, sequence, strikes_of
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.simulation.sound import render_wav
from xylophone.simulator import perform

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SONGS = ("greensleeves", "entertainer", "rondo_alla_turca", "all_thirty", "flight_of_the_bumblebee")


def peak() -> float:
    """Return the most memory that this process has held, in MB."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def plan_file(path: str) -> dict[str, float]:
    """Parse, arrange and sequence a file; return the seconds of each step and the memory they took."""
    instrument = build_instrument()
    calibration = calibration_for(instrument, None)
    before, begin = peak(), time.perf_counter()
    song = load_song(path)
    parsed = time.perf_counter()
    arrangement = arrange(song, instrument)
    arranged = time.perf_counter()
    plan = sequence(strikes_of(arrangement.notes), instrument, calibration)
    end = time.perf_counter()
    return {
        "parse": parsed - begin,
        "arrange": arranged - parsed,
        "sequence": end - arranged,
        "memory": peak() - before,
        "sent": len(plan.pulses),
    }


def growth(folder: Path) -> Table:
    """Return the table of time and memory by size."""
    grid = Table("notes", "parse s", "arrange s", "sequence s", "total s", "us a note", "MB", "pulses")
    for size in SIZES:
        path = folder / f"{size}.mid"
        path.write_bytes(song_of(size))
        command = [sys.executable, __file__, "--one", str(path)]
        ran = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        steps = [ran[key] for key in ("parse", "arrange", "sequence")]
        total = sum(steps)
        cells = (*(f"{step:.3f}" for step in steps), f"{total:.2f}", f"{1e6 * total / size:.2f}")
        grid.add_row(f"{size:,}", *cells, f"{ran['memory']:.0f}", f"{ran['sent']:,}")
    return grid


def rendering(folder: Path) -> Table:
    """Return the table of simulating and rendering, in times real time."""
    instrument = build_instrument()
    begin = time.perf_counter()
    calibration = measure(Twin(instrument))
    bench = time.perf_counter() - begin
    grid = Table(
        "song", "s of music", "simulate s", "render s", "times real time", f"with the bench ({bench:.1f} s)"
    )
    music = spent = 0.0
    for name in SONGS:
        arrangement = arrange(load_song(find_song(name)), instrument)
        begin = time.perf_counter()
        plan = sequence(strikes_of(arrangement.notes), instrument, calibration)
        performance = perform(plan, Twin(instrument), name)
        heard = time.perf_counter()
        render_wav(folder / "out.wav", performance.hits, instrument)
        end = time.perf_counter()
        length = arrangement.song.duration
        music, spent = music + length, spent + end - begin
        cells = (
            f"{length:.0f}",
            f"{heard - begin:.2f}",
            f"{end - heard:.2f}",
            f"{length / (end - begin):.0f}",
        )
        grid.add_row(name, *cells, f"{length / (end - begin + bench):.0f}")
    grid.add_row(
        "all", f"{music:.0f}", "", f"{spent:.2f}", f"{music / spent:.0f}", f"{music / (spent + bench):.0f}"
    )
    return grid


@click.command()
@click.option("--one", hidden=True, help="Measure one file in this process.")
def main(one: str | None) -> None:
    """Print both tables."""
    if one:
        click.echo(json.dumps(plan_file(one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        Console(width=110).print(growth(Path(folder)))
        Console(width=110).print(rendering(Path(folder)))


if __name__ == "__main__":
    main()
