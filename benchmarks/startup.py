"""How long a whole process takes, beside the bare import of what it needs.

    python benchmarks/startup.py [--runs 21] [--verbose]

Runs take turns; the ratio is of medians. Compiled modules are kept in a folder of their own, which the
first turn fills and which does not count, so that all sides start as they do on a user's second run,
whatever the environment says of bytecode. `--verbose` adds the imports that cost most, as
`python -X importtime` tells them. What the other benchmarks print is made here too: `Figure`, `table`,
`show_parts`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import mido
import numpy as np
from parse import song_of
from rich.console import Console
from rich.table import Table

NOTES = 5_000
QUEUE = 50
HEAVIEST = 12
"""How many imports `--verbose` lists."""

WIDTH = 118


@dataclass(frozen=True)
class Figure:
    """A measured figure: one value or several, each beside its bound and its aim where there are such.

    Bounds are upper limits, or lower ones where `more` is better; values beyond the last bound have none.
    """

    name: str
    measured: tuple[float, ...]
    unit: str = ""
    at_least: tuple[float, ...] = ()
    aim: tuple[float, ...] = ()
    more: bool = False
    digits: int = 2
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether a value is beyond what is asked at least, or is no number; a billionth is let pass."""
        sign = -1 if self.more else 1  # sums of floats may fill a limit exactly, and a little more
        pairs = zip(self.measured, self.at_least, strict=False)
        return not all(sign * value <= sign * bound + 1e-9 * abs(bound) for value, bound in pairs)

    def cells(self) -> tuple[str, str, str, str]:
        """Return the row of a table: figure, measured, at least, aim."""
        verdict = " MISSED" if self.missed else ""
        text = self._text(self.measured) + (f", {self.note}" if self.note else "")
        return self.name, text + verdict, self._text(self.at_least, "g"), self._text(self.aim, "g")

    def _text(self, values: tuple[float, ...], form: str = "") -> str:
        form = form or f".{self.digits}f"
        return f"{' / '.join(format(value, form) for value in values)} {self.unit}".strip() if values else ""


def table(title: str, figures: Iterable[Figure]) -> Table:
    """Return figures as a table; what is missed is written red."""
    grid = Table(title=title, title_justify="left")
    for head in ("figure", "measured", "at least", "aim"):
        grid.add_column(head)
    for figure in figures:
        grid.add_row(*figure.cells(), style="red" if figure.missed else None)
    return grid


def show(*grids: Table) -> None:
    """Print tables, one below the other."""
    for grid in grids:
        Console(width=WIDTH).print(grid)


Parts = Mapping[str, tuple[str, Callable[[], list[Figure]]]]
"""What a benchmark measures, by what `--only` calls it: the title of a table, and what makes its figures."""


def show_parts(parts: Parts, only: str | None) -> bool:
    """Measure and print one part, or all for None; return whether a figure is missed."""
    missed = False
    for title, measure in [parts[only]] if only else parts.values():
        figures = measure()
        show(table(title, figures))
        missed = missed or any(figure.missed for figure in figures)
    return missed


def percentiles(values: Sequence[float], *percents: float) -> tuple[float, ...]:
    """Return percentiles, each a value that was measured."""
    return tuple(float(each) for each in np.percentile(values, percents, method="higher"))


def compiled_in(folder: Path) -> dict[str, str]:
    """Return an environment like ours in which Python keeps compiled modules in a folder."""
    rest = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**rest, "PYTHONPYCACHEPREFIX": str(folder)}


def seconds(words: Sequence[str], setting: Mapping[str, str]) -> float:
    """Return how long this interpreter takes from start to end with such arguments and environment."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, env=setting)
    return time.perf_counter() - begin


def until_it_plays(words: Sequence[str], setting: Mapping[str, str]) -> float:
    """Return how long this interpreter takes until `play` says that a song plays; it is ended then."""
    begin = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, env={**setting, "PYTHONUNBUFFERED": "1"}
    ) as playing:
        assert playing.stdout is not None
        told = playing.stdout.readline()
        took = time.perf_counter() - begin
        playing.terminate()
    assert told.startswith(b"playing "), told
    return took


def medians(
    commands: Mapping[str, Sequence[str]],
    runs: int,
    setting: Mapping[str, str],
    timed: Callable[[Sequence[str], Mapping[str, str]], float] = seconds,
) -> dict[str, float]:
    """Return the median time of each command, which take turns; the first turn is not counted."""
    turns = [{name: timed(words, setting) for name, words in commands.items()} for _ in range(runs + 1)][1:]
    return {name: statistics.median(turn[name] for turn in turns) for name in commands}


def write_song(path: Path, notes: int = NOTES) -> Path:
    """Write so many notes of `parse.song_of`, as mido writes them: without running status."""
    path.write_bytes(song_of(notes))
    mido.MidiFile(path).save(path)
    return path


def imports(told: str) -> list[tuple[float, float, str]]:
    """Return own and whole ms and the name of each module from what -X importtime wrote, heaviest first."""
    rows = [line.removeprefix("import time:").split("|") for line in told.splitlines() if "|" in line]
    found = [(own.strip(), whole, name.strip()) for own, whole, name in rows]
    times = [(int(own) / 1000, int(whole) / 1000, name) for own, whole, name in found if own.isdigit()]
    return sorted(times, reverse=True)


def import_table(name: str, words: Sequence[str], setting: Mapping[str, str]) -> Table:
    """Return the heaviest imports of one command."""
    command = [sys.executable, "-X", "importtime", *words]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=setting).stderr
    found = imports(told)
    title = f"{name}: {len(found)} modules, {sum(own for own, _, _ in found):.0f} ms"
    grid = Table("module", "own ms", "with its own imports", title=title)
    for own, total, module in found[:HEAVIEST]:
        grid.add_row(module, f"{own:.1f}", f"{total:.1f}")
    return grid


def figures(median: Mapping[str, float], pairs: Sequence[tuple[str, str, float]]) -> list[Figure]:
    """Return the ratio of the first of each pair to the second; pairs are of names, with a bound."""
    return [
        Figure(
            f"{whole} against {bare}",
            (median[whole] / median[bare],),
            "x",
            (least,),
            note=f"{1000 * median[whole]:.0f} against {1000 * median[bare]:.0f} ms",
        )
        for whole, bare, least in pairs
    ]


def queue_figures(path: Path, runs: int, setting: Mapping[str, str]) -> list[Figure]:
    """Return how much later the first sound of a queue comes than that of its first song alone."""
    others = [shutil.copy(path, path.with_name(f"{number}.mid")) for number in range(1, QUEUE)]
    one, queue = "first sound of one song", f"first sound of a queue of {QUEUE} songs"
    play = ("-m", "xylophone", "play", "--mute", "--backend", "sim:", str(path))
    median = medians({one: play, queue: (*play, *map(str, others))}, runs, setting, until_it_plays)
    return figures(median, [(queue, one, 1.2)])


@click.command()
@click.option("--runs", default=21, show_default=True, type=click.IntRange(min=1))
@click.option("--verbose", is_flag=True, help="List the heaviest imports too.")
def main(runs: int, verbose: bool) -> None:
    """Print the ratios as a table."""
    with tempfile.TemporaryDirectory() as folder:
        path, setting = write_song(Path(folder) / "song.mid"), compiled_in(Path(folder))
        info = f"info on {NOTES:,} notes"
        commands = {
            "click": ("-c", "import click"),
            "--help": ("-m", "xylophone", "--help"),
            "numpy, click": ("-c", "import numpy, click"),
            info: ("-m", "xylophone", "info", str(path)),
        }
        median = medians(commands, runs, setting)
        asked = figures(median, [("--help", "click", 1.2), (info, "numpy, click", 1.5)])
        asked += queue_figures(path, runs, setting)
        show(table(f"whole processes, median of {runs}", asked))
        if verbose:
            show(*(import_table(name, words, setting) for name, words in commands.items()))
    sys.exit(any(figure.missed for figure in asked))


if __name__ == "__main__":
    main()
