"""What the commands of tuning share: which calibration is changed, where it is kept, and what has changed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ...calibration.file import calibration_text, check_fits, read_calibration
from ...calibration.values import CURVES, Calibration
from ...config import Settings
from ...errors import FileError
from ...instrument import Hammer
from ...tuning.edits import middle
from ...tuning.keeping import Held, hold
from ..calibrations import untuned
from ..option_types import stack
from ..options import setting_options, settings
from ..printing import say

_WHICH = ("config", "instrument", "calibration", "backend")

tuned_options = stack(
    setting_options,
    click.option(
        "--backend", metavar="URL", help="Backend whose hammers are meant, if not the configured one."
    ),
)
"""What says whose calibration a command means."""


@dataclass(frozen=True)
class Kept:
    """A calibration that is to be changed, and is held for that, so that no other program changes it.

    Of a file it is all that stands there, also hammers that the instrument has not; where there is
    no file yet, it is what the hammers play by untuned.
    """

    held: Held
    calibration: Calibration
    found: Settings
    undo: str
    """The command that takes a change back."""

    @classmethod
    @contextmanager
    def take(cls, options: dict[str, Any]) -> Iterator[Kept]:
        """Take the options out of a command's keyword arguments, and hold what they lead to meanwhile.

        Raises FileError where a calibration cannot be read or held or has no place, CalibrationError where
        it is broken or for another instrument.
        """
        undo = command("undo", options)
        found, path = place(options)
        base = None if os.path.lexists(path) else untuned(found)  # takes a while: nobody shall wait for that
        with hold(path) as held:
            calibration = present(found, path) if base is None or os.path.lexists(path) else base
            yield cls(held, calibration, found, undo)

    def hammers(self, bars: Iterable[str]) -> list[Hammer]:
        """Return the hammers of these bars, each once; InstrumentError for a bar that is not there."""
        instrument = self.found.instrument
        found = dict.fromkeys(instrument.index(bar) for bar in bars)
        return [instrument.hammers[place] for place in found]

    def save(self, new: Calibration) -> None:
        """Write a calibration in place of this one, and tell what has changed; nothing where nothing has.

        Raises CalibrationError, and writes nothing, when the hammers no longer share a range of loudness.
        """
        path = self.held.path
        new.select(tuple(hammer.name for hammer in self.found.instrument.hammers)).common_range()
        undated = replace(new, tuned=self.calibration.tuned)
        if path.exists() and calibration_text(undated) == calibration_text(self.calibration):
            say(f"nothing to change: {path} says so already")
            return
        self.held.keep(new, datetime.now().astimezone(), new.backend)
        for line in changes(self.calibration, new):
            say(line)
        say(f"wrote {path}; {self.undo} takes it back")


def present(found: Settings, path: Path) -> Calibration:
    """Return the calibration that edits begin from: the whole file, where there is one.

    It may hold hammers that the instrument has not. Without a file, the one in force.
    """
    if not os.path.lexists(path):
        return untuned(found)
    calibration = read_calibration(path)
    check_fits(calibration, found.instrument, path)
    return calibration


def command(verb: str, options: dict[str, Any]) -> str:
    """Return a command of `tune` for the same hammers that one with these keyword arguments means."""
    given = [
        f" --{name} {shlex.quote(str(options[name]))}" for name in _WHICH if options.get(name) is not None
    ]
    return f"xylophone tune {verb}{''.join(given)}"


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
    if named is None:
        found.check_links()
    return found, path


def changes(old: Calibration, new: Calibration) -> list[str]:
    """Return a line for each hammer that has changed, old -> new, and one for what all have in common."""
    told = [f"{name}: no longer there" for name in old.hammers if name not in new.hammers]
    for row, name in enumerate(new.hammers):
        if name not in old.hammers:
            told.append(f"{name}: was not there")
            continue
        was, now = _figures(old, old.hammers.index(name)), _figures(new, row)
        parts = [f"{key} {was[key]} -> {now[key]}{_UNITS[key]}" for key in _UNITS if was[key] != now[key]]
        if not parts and _curves(old, old.hammers.index(name)) != _curves(new, row):
            parts = ["other values within its curves"]
        if parts:
            told.append(f"{name}: {', '.join(parts)}")
    shared = [key for key in _SHARED if getattr(old, key) != getattr(new, key)]
    return [*told, *([f"all hammers: other {', '.join(shared)}"] if shared else [])]


_UNITS = {"latency": " ms", "pulses": " ms", "level of its pulses": " dB", "origin": ""}
_SHARED = ("supply", "warmth", "rest_time", "rest_coupling", "backend")


def _figures(calibration: Calibration, row: int) -> dict[str, str]:
    """Return a hammer's figures in words: latency at the middle, pulses and levels at both ends, origin."""
    width, level = calibration.width[row], calibration.level[row]
    return {
        "latency": f"{1000 * middle(calibration, row)[2]:.2f}",
        "pulses": f"{1000 * width[0]:.2f}..{1000 * width[-1]:.2f}",
        "level of its pulses": f"{level[0]:.1f}..{level[-1]:.1f}",
        "origin": calibration.origin[row],
    }


def _curves(calibration: Calibration, row: int) -> list[list[float]]:
    return [getattr(calibration, key)[row].tolist() for key in ("level", *CURVES)]
