"""What a reset in play costs: the shipped image, emulated, behind Arduino's own bootloader and without.

    python benchmarks/resets.py                25 resets of each kind, half a minute
    python benchmarks/resets.py --resets 100

Strikes 20 ms apart; resets 1.6 s apart and each 1.87 ms later against the questions to the board's clock.
Needs gcc, libsimavr-dev, libelf-dev and arduino-core-avr. Virtual time: the same figures everywhere.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cycles import ROOT, emulator

APART = 1.6
SHIFT = 0.00187301
STEP = 0.02


def resets(library: object, behind: bool, count: int) -> tuple[np.ndarray, int, int]:
    """Return s from each reset to the next strike, how many were told, and strikes that did not sound."""
    sys.path.insert(0, str(ROOT / "tests"))
    from firmware.behind_bootloader import BOOTLOADER, Mega
    from firmware.conftest import IMAGE
    from firmware.test_bootloader import play
    from xylophone.clock import VirtualClock

    mega = Mega(library, IMAGE, BOOTLOADER if behind else None, VirtualClock(-5.0))  # type: ignore[arg-type]
    moments = [1.0 + (APART + SHIFT) * n for n in range(count)]
    firsts, told, struck, planned = play(mega, moments)
    return np.array(firsts), sum("the board has reset" in line for line in told), planned - struck


@click.command()
@click.option("--resets", "count", default=25, show_default=True, help="How many of each kind.")
def main(count: int) -> None:
    """Reset a board in play, again and again, and print what that costs."""
    table = Table(title=f"{count} resets in play, s until strikes sound again")
    for column in ("bootloader", "least", "median", "most", "told as a reset", "strikes lost a reset"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        library = emulator(Path(folder))
        for behind in (True, False):
            firsts, told, lost = resets(library, behind, count)
            figures = f"{firsts.min():.2f}", f"{np.median(firsts):.2f}", f"{firsts.max():.2f}"
            name = "stk500v2" if behind else "none"
            table.add_row(
                name, *figures, f"{told} of {count}", f"{lost / count:.1f} of {1 / STEP:g} a second"
            )
    Console().print(table)


if __name__ == "__main__":
    main()
