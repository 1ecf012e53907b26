"""How fast notes become pulses, and a performance becomes sound; time and memory from 1 k to 1 M notes.

    python benchmarks/throughput.py

Each size runs in a process of its own, once a short song has brought in every module. Memory is the
peak so far after each step, above what the process held before it. The last row is a million notes of
the project's own songs, end to end; they are not parsed.
"""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from parse import song_of
from rich.table import Table
from startup import Figure, show, table

from xylophone import (
    Calibration,
    Instrument,
    Song,
    arrange,
    build_instrument,
    calibration_for,
    find_song,
    load_song,
    parse_song,
    sequence,
    songs,
    strikes_of,
)
from xylophone.performance.simulate import perform
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.sound.rendering import render_wav

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SONGS = ("greensleeves", "entertainer", "rondo_alla_turca", "all_thirty", "flight_of_the_bumblebee")
LONG = 600.0
"""s; how long the songs last that are rendered end to end."""


@dataclass(frozen=True)
class Planned:
    """What it took to plan a piece: seconds of parse, arrange, sequence, and peak memory after each."""

    notes: int
    pulses: int
    seconds: tuple[float, ...]
    memory_mb: tuple[float, ...]


@dataclass(frozen=True)
class Rendered:
    """What it took to simulate a piece and to write its WAV, in seconds, beside its own length."""

    length: float
    simulating: float
    rendering: float

    def times_real_time(self, extra: float = 0.0) -> float:
        """Return how much faster than playing it was, with so many seconds more."""
        return self.length / (self.simulating + self.rendering + extra)


def peak_mb() -> float:
    """Return the most memory that this process has held."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def plan(read: Callable[[], Song]) -> Planned:
    """Read a song, arrange and sequence it, and tell what each step took."""
    instrument = build_instrument()
    calibration = calibration_for(instrument, None)
    small = arrange(parse_song(song_of(200)), instrument)
    sequence(strikes_of(small.notes), instrument, calibration)
    marks = [(time.perf_counter(), peak_mb())]
    song = read()
    marks.append((time.perf_counter(), peak_mb()))
    arrangement = arrange(song, instrument)
    marks.append((time.perf_counter(), peak_mb()))
    pulses = len(sequence(strikes_of(arrangement.notes), instrument, calibration).pulses)
    marks.append((time.perf_counter(), peak_mb()))
    seconds = tuple(end - begin for (begin, _), (end, _) in itertools.pairwise(marks))
    return Planned(len(song), pulses, seconds, tuple(mb - marks[0][1] for _, mb in marks[1:]))


def end_to_end(songs: Sequence[Song], notes: float = np.inf, seconds: float = np.inf) -> Song:
    """Return songs one after the other, again and again, until there are so many notes or seconds."""
    parts, total, at = [], 0, 0.0
    for song in itertools.cycle(songs):
        part = song.notes[: int(min(len(song), notes - total))].copy()
        part["onset"] += at
        parts.append(part)
        total, at = total + len(part), at + song.duration
        if total >= notes or at >= seconds:
            break
    return Song(np.concatenate(parts), "end to end", duration=at)


def own_songs() -> list[Song]:
    """Return all songs of the project."""
    return [load_song(song.path) for song in songs()]


def elsewhere(*words: str) -> Planned:
    """Return what `plan` says in a process of its own."""
    command = [sys.executable, __file__, *words]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Planned(**told)


def growth(rows: dict[str, Planned]) -> Table:
    """Return the table of time and memory by size."""
    grid = Table(title="growth: default curves; times in s, peak memory in MB", title_justify="left")
    for head in ("notes", "parse", "arrange", "sequence", "all", "us a note", "bytes a note", "pulses"):
        grid.add_column(head, justify="right")
    for name, ran in rows.items():
        steps = [f"{spent:.3f} {mb:4.0f} MB" for spent, mb in zip(ran.seconds, ran.memory_mb, strict=True)]
        total = sum(ran.seconds)
        each = (f"{1e6 * total / ran.notes:.2f}", f"{1e6 * ran.memory_mb[-1] / ran.notes:.0f}")
        grid.add_row(name, *steps, f"{total:.2f}", *each, f"{ran.pulses:,}")
    return grid


def render(song: Song, instrument: Instrument, calibration: Calibration, path: Path) -> Rendered:
    """Simulate a song from its arrangement on, and write what was heard."""
    arrangement = arrange(song, instrument)
    begin = time.perf_counter()
    planned = sequence(strikes_of(arrangement.notes), instrument, calibration)
    performance = perform(planned, Twin(instrument), song.title)
    heard = time.perf_counter()
    render_wav(path, performance.hits, instrument)
    return Rendered(song.duration, heard - begin, time.perf_counter() - heard)


def rendering(rows: dict[str, Rendered], bench: float) -> Table:
    """Return the table of simulating and rendering; `bench` is what measuring the hammers took."""
    grid = Table(title="simulate and render to WAV, in s", title_justify="left")
    for head in ("song", "music", "simulate", "render", "x real time", f"with the bench ({bench:.1f} s)"):
        grid.add_column(head, justify="left" if head == "song" else "right")
    for name, row in rows.items():
        cells = (f"{row.length:.0f}", f"{row.simulating:.2f}", f"{row.rendering:.2f}")
        grid.add_row(name, *cells, f"{row.times_real_time():.0f}", f"{row.times_real_time(bench):.0f}")
    return grid


def measure_rendering(folder: Path) -> tuple[dict[str, Rendered], float]:
    """Return what each of a few songs took, and many end to end, and what their hammers' bench took."""
    instrument = build_instrument()
    begin = time.perf_counter()
    calibration = measure(Twin(instrument))
    bench = time.perf_counter() - begin
    music = {name: load_song(find_song(name)) for name in SONGS}
    music["ten minutes of songs"] = end_to_end(own_songs(), seconds=LONG)
    path = folder / "out.wav"
    return {name: render(song, instrument, calibration, path) for name, song in music.items()}, bench


def figures(million: Planned, rendered: dict[str, Rendered], bench: float) -> list[Figure]:
    """Return what the project asks of speed."""
    each = rendered.values()
    slowest = min(row.times_real_time() for row in each), min(row.times_real_time(bench) for row in each)
    return [
        Figure("a million notes: parse + arrange + sequence", (sum(million.seconds),), "s", (10,), (3,)),
        Figure("its peak memory", (million.memory_mb[-1],), "MB", (1000,), digits=0),
        Figure("simulate + render, slowest song", slowest[:1], "x", (30,), (100,), more=True, digits=0),
        Figure("the same with the bench measured each time", slowest[1:], "x", more=True, digits=0),
    ]


@click.command()
@click.option("--one", hidden=True, help="Plan one file in this process.")
@click.option("--own", hidden=True, type=int, help="Plan so many notes of our songs in this process.")
def main(one: str | None, own: int | None) -> None:
    """Print the figures of speed as tables."""
    if one or own:
        ready = end_to_end(own_songs(), notes=own) if own else None
        click.echo(json.dumps(asdict(plan(lambda: ready or load_song(one or "")))))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = {}
        for size in SIZES:
            path = Path(folder) / f"{size}.mid"
            path.write_bytes(song_of(size))
            rows[f"{size:,}"] = elsewhere("--one", str(path))
        million = rows[f"{SIZES[-1]:,}"]
        rows["1,000,000 own"] = elsewhere("--own", str(SIZES[-1]))
        rendered, bench = measure_rendering(Path(folder))
    asked = figures(million, rendered, bench)
    show(growth(rows), rendering(rendered, bench), table("what is asked", asked))
    sys.exit(any(figure.missed for figure in asked))


if __name__ == "__main__":
    main()
