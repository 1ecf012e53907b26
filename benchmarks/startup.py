"""How long a whole process takes, beside the bare import of what it needs.

    python benchmarks/startup.py [--runs 15]

Runs take turns, the median counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from parse import song_of
from rich.console import Console
from rich.table import Table

NOTES = 5_000


def seconds(command: list[str]) -> float:
    """Return how long a command takes from start to end."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


@click.command()
@click.option("--runs", default=15, show_default=True)
def main(runs: int) -> None:
    """Print the ratios as a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.mid"
        path.write_bytes(song_of(NOTES))
        python = [sys.executable]
        commands = {
            "import click": [*python, "-c", "import click"],
            "xylophone --help": [*python, "-m", "xylophone", "--help"],
            "import numpy, click": [*python, "-c", "import numpy, click"],
            f"xylophone info, {NOTES} notes": [*python, "-m", "xylophone", "info", str(path)],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                times[name].append(seconds(command))
    median = {name: statistics.median(values) for name, values in times.items()}
    grid = Table("process", "ms", "ratio", "at least", "aim")
    names = list(commands)
    for bare, whole, aim in ((names[0], names[1], "1.3"), (names[2], names[3], "1.4")):
        grid.add_row(bare, f"{1000 * median[bare]:.0f}", "", "", "")
        grid.add_row(whole, f"{1000 * median[whole]:.0f}", f"{median[whole] / median[bare]:.2f}", "2", aim)
    Console().print(grid)


if __name__ == "__main__":
    main()
