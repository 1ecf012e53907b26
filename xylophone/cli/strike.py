"""`xylophone strike`: bars, without a song."""

from __future__ import annotations

from typing import Any

import click

from ..backends.contract import Report
from ..errors import BackendError
from ..words import counted
from . import completion
from .calibrations import calibration_of
from .incidents import line_words, not_played
from .option_types import Whole, Within
from .options import settings, stage_options
from .printing import say
from .stage import alone_on_stage, sounding
from .striking import strike_in_turn


@click.command()
@click.argument("bars", metavar="BAR...", nargs=-1, required=True, shell_complete=completion.bars)
@click.option("--velocity", type=Within(1, 127), default=80.0, show_default=True, help="1..127.")
@click.option("--times", type=Whole(1, 100), default=1, show_default=True, help="Twice a second.")
@stage_options
@click.option("--mute", is_flag=True, help="No loudspeaker.")
def strike(bars: tuple[str, ...], velocity: float, times: int, mute: bool, **options: Any) -> None:
    """Strike a bar, or several at once, by name (C6, F#5) or MIDI number."""
    found = settings(options)
    hammers = list(dict.fromkeys(found.instrument.index(bar) for bar in bars))
    with alone_on_stage(found) as stage, sounding(stage, mute):
        calibration = calibration_of(found, stage.twin)
        plan = strike_in_turn(stage, calibration, [hammers] * times, velocity=velocity, apart=0.5)
    for refused in plan.refused:
        say(f"{refused.hammer} not struck: {refused.why}", err=True)
    _require_played(stage.backend.report(), len(plan.pulses))
    names = " ".join(found.instrument.hammers[hammer].name for hammer in hammers)
    say(f"struck {names}{' ' + counted(times, 'time') if times > 1 else ''} at velocity {velocity:g}")


def _require_played(report: Report, planned: int) -> None:
    """Raise BackendError, with what went wrong on the way, unless all that was planned was played."""
    if planned and report.pulses >= planned:
        return
    reasons = not_played(report) or line_words(report)
    raise BackendError(
        f"{report.pulses} of {counted(planned, 'strike was', 'strikes were')} "
        f"played{f' ({reasons})' if reasons else ''}: "
        "look with xylophone doctor, and in docs/troubleshooting.md"
    )
