"""`xylophone tune check`: a few strikes of each hammer, and what has drifted since it was tuned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from ...calibration.file import calibration_for
from ...calibration.values import Calibration
from ...config import Settings
from ...errors import CalibrationError
from ...running.playing import leaving_on_signals, playing
from ...sound.position import Position, position_of
from ...tuning.auto_session import AutoSession
from ...tuning.checking import (
    Drift,
    Heard,
    Measured,
    add_entry,
    changes,
    check_round,
    drifts,
    history_of,
    read_history,
)
from ...words import counted
from ..incidents import tell
from ..options import stage_options
from ..printing import say
from ..screen import table
from .auto import states
from .kept import command, place
from .listening import (
    ask_to_strike,
    check_history,
    ear_before,
    listening_options,
    position_from,
    progress_shown,
)


@click.command()
@listening_options
@click.option("--all", "every", is_flag=True, help="List all hammers, not only those that have drifted.")
@click.option("--yes", is_flag=True, help="Do not ask before the hammers are struck.")
@stage_options
def check(every: bool, yes: bool, **options: Any) -> None:
    """Strike each hammer four times, and say what has drifted since it was tuned.

    Takes about 40 seconds for 30 hammers, the microphone standing where it stood for `tune auto`. Exit
    code 1 where a hammer has drifted or is not heard.
    """
    device, position = options.pop("device"), position_from(options) or position_of("front")
    anew = command("auto", options)
    found, path = place(options)
    if not path.exists():
        raise CalibrationError(f"there is no {path}: nothing was tuned yet; begin with: {anew}")
    calibration = calibration_for(found.instrument, path)
    check_history(path)
    with playing(found.backend, config=found.config):
        ask_to_strike(found, yes, "four times?")
        drifts = _measured(found, calibration, position, device)
    unlike = [drift for drift in drifts if drift.drifted or np.isnan(drift.later)]
    _tell(drifts if every else unlike)
    for line in _remember(path, calibration, drifts):
        say(line)
    if unlike:
        raise CalibrationError(_unlike(unlike, len(drifts), anew))
    strikes = counted(len(drifts), "hammer strikes as it was", "hammers strike as they were")
    say(f"all {strikes} tuned" if len(drifts) > 1 else f"{strikes} tuned")


def _measured(
    found: Settings, calibration: Calibration, position: Position, device: str | None
) -> list[Drift]:
    with (
        leaving_on_signals(),
        ear_before(found, position, device) as (backend, ear),
        progress_shown() as told,
    ):
        session = AutoSession(
            backend, ear, calibration, position, told=told, met=lambda faults: tell(list(faults))
        )
        return drifts(
            session.once(check_round(found.instrument, calibration)), found.instrument, calibration, position
        )


def _unlike(drifts: Sequence[Drift], count: int, anew: str) -> str:
    """Return in words which of so many hammers have drifted or were not heard, and the command that helps."""
    drifted = [drift.hammer for drift in drifts if not np.isnan(drift.later)]
    unheard = [drift.hammer for drift in drifts if np.isnan(drift.later)]
    told = []
    if drifted:
        of = counted(count, "hammer has", "hammers have")
        told.append(f"{len(drifted)} of {of} drifted ({', '.join(drifted)})")
    if unheard:
        of = counted(count, "hammer was", "hammers were")
        told.append(f"{len(unheard)} of {of} not heard ({', '.join(unheard)})")
    return f"{' and '.join(told)}: {'what is wrong is found by ' if unheard else ''}{anew}"


def _tell(drifts: Sequence[Drift]) -> None:
    """Print hammers as a table: how much later and louder they are than tuned."""
    if not drifts:
        return
    rows = [
        (drift.hammer, "not heard", "", f"{drift.heard} of {drift.struck}")
        if np.isnan(drift.later)
        else (
            drift.hammer,
            f"{1e3 * drift.later:+.1f}",
            f"{drift.louder:+.1f}",
            f"{drift.heard} of {drift.struck}",
        )
        for drift in drifts
    ]
    table(("bar", "later, ms", "louder, dB", "heard"), rows)


def _remember(path: Path, calibration: Calibration, drifts: Sequence[Drift]) -> list[str]:
    """Add the check to the history, and return what has changed since it began."""
    tuned = states(calibration)
    now = {
        drift.hammer: Heard(
            tuned[drift.hammer].latency + drift.later, tuned[drift.hammer].level + drift.louder
        )
        for drift in drifts
        if drift.hammer in tuned and not np.isnan(drift.later + drift.louder)
    }
    home = history_of(path)
    lines = changes(read_history(home), now)
    add_entry(home, Measured(datetime.now().astimezone(), "check", now))
    return lines
