"""`xylophone tune undo`, `log` and `diff`: the calibrations that were in force before, and back to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ...calibration.file import read_calibration
from ...calibration.values import Calibration
from ...config import Settings
from ...errors import CalibrationError, FileError
from ...tuning.keeping import NEVER_TUNED, Version, Versions, hold
from ...words import counted
from ..calibrations import untuned
from ..printing import say
from ..screen import table
from .kept import changes, command, place, tuned_options

Found = TypeVar("Found")

NAMED = 4
"""So many hammers that have changed are named; of more it is said how many."""

_number = click.IntRange(min=0)
_HEADS = ("", "version", "from", "tuned", "on", "changed")


@click.command()
@click.option("--to", type=_number, metavar="N", help="Return to this version; 0: as if never tuned.")
@tuned_options
def undo(to: int | None, **options: Any) -> None:
    """Take back the last change of the calibration, and again the one before it.

    `xylophone tune log` lists what can be returned to.
    """
    again = command("undo", options)
    found, path = place(options)
    versions = Versions.read(path)
    if _wanted(versions, to) == versions.present:
        say(f"nothing to change: {_is_in_force(path, versions.present)}")
        return
    with hold(path) as held:
        versions = Versions.read(path)  # once more: others may have changed it until it was held
        number = _wanted(versions, to)
        held.take_back(number, found.instrument)
    how = f"there is no {path} any more: all hammers are untuned"
    if number != NEVER_TUNED:
        how = f"{path} is version {number} again"
    say(f"{how}; {again} --to {versions.present} returns to what it was")


def _wanted(versions: Versions, to: int | None) -> int:
    """Return the number of the version to go to; FileError where there is none."""
    if to is None:
        return versions.before()
    return versions.version(to).number if to else 0


def _is_in_force(path: Path, number: int) -> str:
    return (
        f"version {number} of {path} is in force"
        if number
        else f"there is no {path}, all hammers are untuned"
    )


@click.command()
@tuned_options
def log(**options: Any) -> None:
    """List the calibrations that are kept, the newest first."""
    _, path = place(options)
    versions, read = at_one_moment(path, lambda those: {one.number: _read(one) for one in those.known})
    say(_is_in_force(path, versions.present))
    if not versions.known:
        return
    rows = [_row(version, read, versions.present) for version in reversed(versions.known)]
    say("")
    table(_HEADS, [*rows, ("" if versions.present else "*", 0, "", "never", "", "")])


def at_one_moment(path: Path, look: Callable[[Versions], Found]) -> tuple[Versions, Found]:
    """Return what is kept of a calibration file, and what `look` finds in it; again where that has changed.

    Nothing is held, so that a folder may be read-only: others may meanwhile delete an old version, or put one
    in force, whose file then gets another name.
    """
    while True:
        versions = Versions.read(path)
        try:
            found = look(versions)
        except FileError:
            if Versions.read(path) == versions:
                raise
            continue
        if Versions.read(path) == versions:
            return versions, found


def _read(version: Version) -> Calibration | None:
    """Return what a version holds, None where its file is broken."""
    try:
        return read_calibration(version.file)
    except (CalibrationError, FileError):
        return None


def _row(version: Version, read: dict[int, Calibration | None], present: int) -> tuple[object, ...]:
    mark, calibration = "*" if version.number == present else "", read[version.number]
    if calibration is None:
        return (mark, version.number, version.made_from, "broken", "", "")
    before = read.get(version.made_from)
    names = [line.partition(":")[0] for line in changes(before, calibration)] if before else []
    what = (
        ", ".join(names)
        if before and len(names) <= NAMED
        else counted(len(names or calibration.hammers), "hammer")
    )
    return (
        mark, version.number, version.made_from, calibration.tuned or "nobody knows when",
        calibration.backend, what,
    )  # fmt: skip


@click.command()
@click.argument("old", metavar="[N]", type=_number, required=False)
@click.argument("new", metavar="[M]", type=_number, required=False)
@tuned_options
def diff(old: int | None, new: int | None, **options: Any) -> None:
    """Say how two versions differ: N and M, N and the one in force, or what undo would take back.

    0 stands for untuned hammers.
    """
    found, path = place(options)

    def look(versions: Versions) -> tuple[int, int, list[str]]:
        first = versions.before() if old is None else old
        second = versions.present if new is None else new
        sides = (_calibration(versions, number, found) for number in (first, second))
        return first, second, changes(*sides)

    _, (first, second, lines) = at_one_moment(path, look)
    say(f"from version {first} to {second} of {path}:")
    for line in lines or ["no difference"]:
        say(line)


def _calibration(versions: Versions, number: int, found: Settings) -> Calibration:
    return read_calibration(versions.version(number).file) if number else untuned(found)
