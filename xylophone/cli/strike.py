"""`xylophone strike` and `xylophone off`: one bar, and silence."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from ..errors import OptionError
from ..running import end_playing, leaving_on_signals, playing
from .options import calibration_of, setting_options, settings
from .stage import open_stage, sounding


@click.command()
@click.argument("bars", metavar="BAR...", nargs=-1, required=True)
@click.option("--velocity", type=float, default=80.0, show_default=True, help="1..127.")
@click.option("--times", type=int, default=1, show_default=True, help="How often, twice a second; 1..100.")
@setting_options
@click.option("--backend", metavar="URL", help="Backend, in place of the configured one.")
@click.option("--mute", is_flag=True, help="No loudspeaker.")
def strike(bars: tuple[str, ...], velocity: float, times: int, mute: bool, **options: Any) -> None:
    """Strike a bar, or several at once, by name (C6, F#5) or MIDI number."""
    from ..sequencer import Planner
    from ..strikes import STRIKE, Priority

    if not 1 <= velocity <= 127:
        raise OptionError(f"--velocity {velocity:g} is out of range: give 1..127")
    if not 1 <= times <= 100:
        raise OptionError(f"--times {times} is out of range: give 1..100")
    found = settings(options)
    hammers = list(dict.fromkeys(found.instrument.index(bar) for bar in bars))
    with leaving_on_signals(), playing(found.backend), open_stage(found) as stage, sounding(stage, mute):
        backend = stage.backend
        planner = Planner(found.instrument, calibration_of(found, stage.twin))
        first = backend.now() + planner.lead + 0.05
        strikes = np.zeros(len(hammers) * times, STRIKE)
        strikes["time"] = np.repeat(first + 0.5 * np.arange(times), len(hammers))
        strikes["hammer"] = np.tile(hammers, times)
        strikes["velocity"], strikes["priority"], strikes["source"] = velocity, Priority.MELODY, -1
        planner.add(strikes)
        plan = planner.finish()
        backend.schedule(plan.pulses)
        for refused in plan.refused:
            click.echo(f"{refused.hammer} not struck: {refused.why}", err=True)
        end = float(strikes["time"][-1]) + 1.0
        while (now := backend.now()) < end:
            backend.clock.wait_until(min(end, now + 0.03))
            stage.listen()
    names = " ".join(found.instrument.hammers[hammer].name for hammer in hammers)
    click.echo(f"struck {names}{f' {times} times' if times > 1 else ''} at velocity {velocity:g}")


@click.command()
@setting_options
@click.option("--backend", metavar="URL", help="Backend, in place of the configured one.")
def off(**options: Any) -> None:
    """Switch all coils off, now: ends whatever plays, then silences the backend."""
    ended = end_playing()
    found = settings(options)
    with playing(found.backend), open_stage(found) as stage:
        stage.backend.silence()
    who = f"; ended process {', '.join(map(str, ended))}" if ended else ""
    click.echo(f"all coils of {found.backend} are off{who}")
