"""`xylophone tune set` and `reset`: hammers changed by numbers, or given again what they were untuned."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import click

from ...calibration.file import default_calibration
from ...calibration.values import Calibration
from ...errors import CalibrationError, OptionError
from ...instrument import Hammer
from ...tuning.edits import check_likely, later, louder, with_hammer, with_latency, with_pulses
from .. import completion
from ..calibrations import untuned
from ..printing import say
from .kept import Kept, place, tuned_options


@dataclass(frozen=True)
class Wanted:
    """What the user wants of each hammer: the options of `tune set` in their units, None for the rest."""

    latency_ms: float | None
    later_ms: float | None
    min_pulse_ms: float | None
    max_pulse_ms: float | None
    louder_db: float | None

    def __post_init__(self) -> None:
        if all(getattr(self, key) is None for key in self.__dataclass_fields__):
            raise click.UsageError(
                "nothing to set: give --latency-ms or --later-ms, --min-pulse-ms, --max-pulse-ms "
                "or --louder-db"
            )
        if self.latency_ms is not None and self.later_ms is not None:
            raise click.UsageError("--latency-ms and --later-ms both set the latency: give one of them")

    def check_pulses(self, hammer: Hammer) -> None:
        """Raise OptionError for a pulse that the hammer's limits do not allow."""
        least, most = 1000 * hammer.shortest_pulse, 1000 * hammer.longest_pulse
        for option, pulse in (("--min-pulse-ms", self.min_pulse_ms), ("--max-pulse-ms", self.max_pulse_ms)):
            if pulse is not None and not least - 1e-9 <= pulse <= most + 1e-9:
                key = "longest_pulse_ms" if pulse > most else "shortest_pulse_ms"
                table = f'"{hammer.name}"' if "#" in hammer.name else hammer.name
                raise OptionError(
                    f"{option} {pulse:g} is beyond the limits of hammer {hammer.name}, "
                    f"{least:g}..{most:g} ms: give one within, or set {key} of [hammers.{table}] "
                    "in xylophone.toml"
                )

    def apply(self, calibration: Calibration, row: int) -> Calibration:
        """Return the calibration with all of it done to one hammer; CalibrationError out of bounds."""
        if self.latency_ms is not None:
            calibration = with_latency(calibration, row, self.latency_ms / 1000)
        if self.later_ms is not None:
            calibration = later(calibration, row, self.later_ms / 1000)
        if self.min_pulse_ms is not None or self.max_pulse_ms is not None:
            width = calibration.width[row]
            softest = float(width[0]) if self.min_pulse_ms is None else self.min_pulse_ms / 1000
            loudest = float(width[-1]) if self.max_pulse_ms is None else self.max_pulse_ms / 1000
            calibration = with_pulses(calibration, row, softest, loudest)
        if self.louder_db is not None:
            calibration = louder(calibration, row, self.louder_db)
        return calibration


@click.command("set")
@click.argument("bars", metavar="BAR...", nargs=-1, required=True, shell_complete=completion.bars)
@click.option("--latency-ms", type=float, help="From coil on to contact, at the middle of its loudness.")
@click.option("--later-ms", type=float, help="Takes so much longer than was thought; -0.5: less.")
@click.option("--min-pulse-ms", type=float, help="Pulse of its softest blow.")
@click.option("--max-pulse-ms", type=float, help="Pulse of its loudest blow.")
@click.option("--louder-db", type=float, help="Play it louder by so much; -1.5: softer.")
@click.option("--force", is_flag=True, help="Also what no hammer of this kind is like.")
@tuned_options
def set_(bars: tuple[str, ...], force: bool, **options: Any) -> None:
    """Set a hammer's latency, pulses or loudness, or those of several at once."""
    wanted = Wanted(**{key: options.pop(key) for key in Wanted.__dataclass_fields__})
    with Kept.take(options) as kept:
        new, usual = kept.calibration, default_calibration(kept.found.instrument)
        for hammer in kept.hammers(bars):
            wanted.check_pulses(hammer)
            new = wanted.apply(new, new.hammers.index(hammer.name))
            if not force:
                check_likely(kept.calibration, new, hammer.name, usual)
        kept.save(new)


@click.command()
@click.argument("bars", metavar="[BAR...]", nargs=-1, shell_complete=completion.bars)
@click.option("--all", "every", is_flag=True, help="All hammers, and what they have in common.")
@tuned_options
def reset(bars: tuple[str, ...], every: bool, **options: Any) -> None:
    """Give hammers again the curves that they have untuned.

    Those are the default curves of their kind; of simulated hammers, what their bench measures.
    """
    if every == bool(bars):
        raise click.UsageError("name the bars to reset, or give --all for every one")
    found, path = place(dict(options))
    if not os.path.lexists(path):
        say(f"nothing to change: there is no {path}, all hammers are untuned")
        return
    base = untuned(found)
    with Kept.take(options) as kept:
        kept.save(base if every else _reset(kept, kept.hammers(bars), base))


def _reset(kept: Kept, hammers: list[Hammer], base: Calibration) -> Calibration:
    """Return the calibration with the curves of `base` for these hammers; CalibrationError by their knots."""
    new = kept.calibration
    have, knots = new.level.shape[1], base.level.shape[1]
    if have != knots:
        raise CalibrationError(
            f"untuned, {hammers[0].name} has curves of {knots} knots, and {kept.held.path} has {have}: all "
            "hammers need the same number; xylophone tune reset --all, or tune it again"
        )
    for hammer in hammers:
        new = with_hammer(new, new.hammers.index(hammer.name), base)
    return new
