"""`xylophone tune set`, `reset` and `undo`: hammers changed by numbers, and the change taken back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import CalibrationError, FileError, OptionError
from ..options import setting_options, settings

if TYPE_CHECKING:
    from ...calibration import Calibration
    from ...config import Settings
    from ...instrument import Hammer, Instrument


@dataclass(frozen=True)
class Kept:
    """A calibration that is to be changed, the file where it is kept, and the instrument it is for.

    Of a file it is all that stands there, also hammers that the instrument has not; where there is
    no file yet, it is the default curves of the hammer kind.
    """

    path: Path
    calibration: Calibration
    instrument: Instrument

    @classmethod
    def take(cls, options: dict[str, Any]) -> Kept:
        """Take the setting options out of a command's keyword arguments, and read what they lead to.

        Raises FileError where a calibration cannot be read or has no place, CalibrationError where it
        is broken or for another instrument.
        """
        from ...calibration_file import calibration_for, read_calibration

        found, path = place(options)
        there = os.path.lexists(path)
        calibration = calibration_for(found.instrument, path if there else None)
        return cls(path, read_calibration(path) if there else calibration, found.instrument)

    def hammers(self, bars: Iterable[str]) -> list[Hammer]:
        """Return the hammers of these bars, each once; InstrumentError for a bar that is not there."""
        found = dict.fromkeys(self.instrument.index(bar) for bar in bars)
        return [self.instrument.hammers[place] for place in found]

    def save(self, new: Calibration) -> None:
        """Write a calibration in place of this one, and tell what has changed; nothing where nothing has.

        Raises CalibrationError, and writes nothing, when the hammers no longer share a range of loudness.
        """
        from datetime import datetime

        from ...calibration_file import calibration_text
        from ...tuning.keeping import keep

        new.select(tuple(hammer.name for hammer in self.instrument.hammers)).common_range()
        there = self.path.exists()
        undated = replace(new, tuned=self.calibration.tuned)
        if there and calibration_text(undated) == calibration_text(self.calibration):
            click.echo(f"nothing to change: {self.path} says so already")
            return
        keep(self.path, new, datetime.now().astimezone(), new.backend)
        for line in changes(self.calibration, new):
            click.echo(line)
        click.echo(f"wrote {self.path}{'; xylophone tune undo takes it back' if there else ''}")


def place(options: dict[str, Any]) -> tuple[Settings, Path]:
    """Take the setting options out of a command's keyword arguments; return settings and where tuning writes.

    Raises FileError where there is no such place.
    """
    layout, named = options["instrument"], options["calibration"]
    found = settings(options)
    if layout is not None and named is None:
        raise click.UsageError(
            f"--instrument {layout} is not the configured instrument, whose calibration would be "
            "overwritten: name another file with --calibration"
        )
    path = found.calibration or found.calibration_home
    if path is None:
        raise FileError(
            "a calibration has no place: there is no configuration file and no home folder; "
            "name a file with --calibration"
        )
    return found, path


def changes(old: Calibration, new: Calibration) -> list[str]:
    """Return a line for each hammer that has changed, old -> new, and one for what all have in common."""
    told = []
    for row, name in enumerate(new.hammers):
        was, now = _figures(old, old.hammers.index(name)), _figures(new, row)
        parts = [f"{key} {was[key]} -> {now[key]}{_UNITS[key]}" for key in _UNITS if was[key] != now[key]]
        if not parts and _curves(old, old.hammers.index(name)) != _curves(new, row):
            parts = ["other values within its curves"]
        if parts:
            told.append(f"{name}: {', '.join(parts)}")
    shared = [key for key in _SHARED if getattr(old, key) != getattr(new, key)]
    return [*told, *([f"all hammers: other {', '.join(shared)}"] if shared else [])]


_UNITS = {"latency": " ms", "pulses": " ms", "level of its pulses": " dB", "origin": ""}
_SHARED = ("supply", "warmth", "rest_time", "backend")


def _figures(calibration: Calibration, row: int) -> dict[str, str]:
    """Return a hammer's figures in words: latency at the middle, pulses and levels at both ends, origin."""
    from ...tuning.edits import middle

    width, level = calibration.width[row], calibration.level[row]
    return {
        "latency": f"{1000 * middle(calibration, row)[2]:.2f}",
        "pulses": f"{1000 * width[0]:.2f}..{1000 * width[-1]:.2f}",
        "level of its pulses": f"{level[0]:.1f}..{level[-1]:.1f}",
        "origin": calibration.origin[row],
    }


def _curves(calibration: Calibration, row: int) -> list[list[float]]:
    from ...calibration import CURVES

    return [getattr(calibration, key)[row].tolist() for key in ("level", *CURVES)]


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
        from ...tuning.edits import later, louder, with_latency, with_pulses

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
@click.argument("bars", metavar="BAR...", nargs=-1, required=True)
@click.option("--latency-ms", type=float, help="From coil on to contact, at the middle of its loudness.")
@click.option("--later-ms", type=float, help="Takes so much longer than was thought; -0.5: less.")
@click.option("--min-pulse-ms", type=float, help="Pulse of its softest blow.")
@click.option("--max-pulse-ms", type=float, help="Pulse of its loudest blow.")
@click.option("--louder-db", type=float, help="Play it louder by so much; -1.5: softer.")
@setting_options
def set_(bars: tuple[str, ...], **options: Any) -> None:
    """Set a hammer's latency, pulses or loudness, or those of several at once."""
    wanted = Wanted(**{key: options.pop(key) for key in Wanted.__dataclass_fields__})
    kept = Kept.take(options)
    new = kept.calibration
    for hammer in kept.hammers(bars):
        wanted.check_pulses(hammer)
        new = wanted.apply(new, new.hammers.index(hammer.name))
    kept.save(new)


@click.command()
@click.argument("bars", metavar="[BAR...]", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All hammers, and what they have in common.")
@setting_options
def reset(bars: tuple[str, ...], every: bool, **options: Any) -> None:
    """Give hammers the default curves of their kind again."""
    if every == bool(bars):
        raise click.UsageError("name the bars to reset, or give --all for every one")
    kept = Kept.take(options)
    if not os.path.lexists(kept.path):
        click.echo(f"nothing to change: there is no {kept.path}, all hammers have the default curves")
        return
    kept.save(_all_default(kept) if every else _default(kept, kept.hammers(bars)))


def _all_default(kept: Kept) -> Calibration:
    from ...calibration_file import default_calibration

    return default_calibration(kept.instrument)


def _default(kept: Kept, hammers: list[Hammer]) -> Calibration:
    """Return the calibration with the default curves for these hammers; CalibrationError for other knots."""
    from ...calibration_file import default_calibration
    from ...tuning.edits import with_hammer

    default, new = default_calibration(kept.instrument), kept.calibration
    have, knots = new.level.shape[1], default.level.shape[1]
    if have != knots:
        raise CalibrationError(
            f"the default curves of {hammers[0].name} have {knots} knots and {kept.path} has {have}: all "
            "hammers need the same number; xylophone tune reset --all, or tune it again"
        )
    for hammer in hammers:
        new = with_hammer(new, new.hammers.index(hammer.name), default)
    return new


@click.command()
@setting_options
def undo(**options: Any) -> None:
    """Take back the last change of the calibration; a second time, the taking back."""
    from ...tuning.keeping import take_back

    _, path = place(options)
    old = take_back(path)
    when = f"as it was written at {old.tuned}" if old.tuned else "as it was before"
    click.echo(f"{path} is again {when}; xylophone tune undo once more returns to what it was")
