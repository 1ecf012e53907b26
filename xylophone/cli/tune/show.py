"""`xylophone tune show`: what is known of each hammer, as a table, a picture or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...calibration.values import Calibration
from ...config import Settings
from ...errors import CalibrationError
from ...instrument import Hammer
from ...plotter.hammer_curves import plot_tuning
from ...tuning.edits import middle
from .. import completion
from ..calibrations import in_force
from ..option_types import PICTURE
from ..options import settings
from ..printing import say, say_json
from ..screen import table
from .kept import tuned_options

Range = tuple[float, float]

_DIGIT = 0.001  # dB, the last digit of levels in calibration.toml

_HEADS = (
    "bar",
    "channel",
    "origin",
    "latency ms",
    "soft..loud ms",
    "pulses ms",
    "level dB",
    "falls short of",
)
_SHORT = {
    (True, True): "",
    (False, True): "the softest",
    (True, False): "the loudest",
    (False, False): "both ends",
}
"""What a table says of a hammer that reaches, or does not, the softest and the loudest that all share."""


@click.command()
@click.argument("bars", metavar="[BAR...]", nargs=-1, shell_complete=completion.bars)
@click.option("--plot", type=PICTURE, help="Draw all hammers: .svg, or .png.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/cli.md).")
@tuned_options
def show(bars: tuple[str, ...], plot: Path | None, as_json: bool, **options: Any) -> None:
    """Print latency, pulses and loudness of all hammers, or of these bars."""
    found = settings(options)
    calibration = in_force(found)
    chosen = list(dict.fromkeys(found.instrument.index(bar) for bar in bars)) or range(len(found.instrument))
    common = common_range(calibration)
    if plot is not None:
        plot_tuning(calibration, common, plot, about(found, calibration))
    rows = [figures(calibration, row, found.instrument.hammers[row], common) for row in chosen]
    if as_json:
        _print_json(found, calibration, common, rows)
        return
    say(about(found, calibration))
    say(_share(common), "")
    table(_HEADS, [_cells(row) for row in rows])


def about(found: Settings, calibration: Calibration) -> str:
    """Return a line: which file, when it was tuned and on what, or that nobody has tuned them."""
    if found.calibration is None:
        if found.backend.startswith("sim:"):
            return f"curves of {calibration.kind} as the bench measures them: nobody has tuned these hammers"
        return f"default curves of {calibration.kind}: nobody has tuned these hammers"
    when = f"tuned {calibration.tuned}" if calibration.tuned else "tuned nobody knows when"
    where = f" on {calibration.backend}" if calibration.backend else ""
    return f"{found.calibration}: {when}{where}"


def common_range(calibration: Calibration) -> Range | None:
    """Return the softest and loudest level that all hammers share; None where there is no such range."""
    try:
        return calibration.common_range()
    except CalibrationError:
        return None


def figures(calibration: Calibration, row: int, hammer: Hammer, common: Range | None) -> dict[str, Any]:
    """Return what is known of one hammer, as --json prints it."""
    width, latency = (1000 * getattr(calibration, key)[row] for key in ("width", "latency"))
    level = calibration.level[row]
    return {
        "bar": hammer.name,
        "channel": hammer.channel,
        "origin": calibration.origin[row],
        "latency_ms": round(1000 * middle(calibration, row)[2], 4),
        "latency_softest_ms": round(float(latency[0]), 4),
        "latency_loudest_ms": round(float(latency[-1]), 4),
        "pulse_softest_ms": round(float(width[0]), 4),
        "pulse_loudest_ms": round(float(width[-1]), 4),
        "level_softest_db": round(float(level[0]), 3),
        "level_loudest_db": round(float(level[-1]), 3),
        "reaches_softest": common is None or bool(level[0] <= common[0] + _DIGIT),
        "reaches_loudest": common is None or bool(level[-1] >= common[1] - _DIGIT),
    }


def _share(common: Range | None) -> str:
    if common is None:
        return "no loudness that nine hammers in ten share: reset or tune those that differ most"
    return f"all share {common[0]:.1f}..{common[1]:.1f} dB re 1 m/s, nine hammers in ten at either end"


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    return (
        row["bar"],
        row["channel"],
        row["origin"],
        f"{row['latency_ms']:.2f}",
        f"{row['latency_softest_ms']:.2f}..{row['latency_loudest_ms']:.2f}",
        f"{row['pulse_softest_ms']:.2f}..{row['pulse_loudest_ms']:.2f}",
        f"{row['level_softest_db']:.1f}..{row['level_loudest_db']:.1f}",
        _SHORT[row["reaches_softest"], row["reaches_loudest"]],
    )


def _print_json(
    found: Settings, calibration: Calibration, common: Range | None, rows: list[dict[str, Any]]
) -> None:
    document = {
        "file": None if found.calibration is None else str(found.calibration),
        "kind": calibration.kind,
        "tuned": calibration.tuned or None,
        "backend": calibration.backend or None,
        "common_range_db": None if common is None else [round(end, 3) for end in common],
        "hammers": rows,
    }
    say_json(document, indent=2)
