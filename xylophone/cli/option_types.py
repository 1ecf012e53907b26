"""Kinds of values that options take: numbers with ranges, tracks with octaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import OptionError

Command = TypeVar("Command", bound=Callable[..., Any])

ENDLESS = "endless"
"""What --loop means without a number."""

MOST_PASSES = 1_000_000

_CLOCK = re.compile(r"(?:(\d{1,3}):(?=\d\d:))?(\d{1,4}):(\d\d(?:\.\d*)?)\Z")
_UNIT = re.compile(r"(\d+(?:\.\d*)?)\s*(s|min|h)\Z")
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}

_OCTAVE = re.compile(r"\s*(\d{1,5})\s*:\s*([+-]?\d{1,3})\s*\Z")


class Numbers(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Numbers and ranges of them: 1,3,5-7."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers; a usage error names what is none."""
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        for part in str(value).split(","):
            first, _, last = part.strip().partition("-")
            if (
                not first.isdigit()
                or (last and not last.isdigit())
                or not int(first) <= int(last or first) < 65536
            ):
                self.fail(f"{part!r} is no number or range: write 2 or 1,3,5-7", param, ctx)
            found.extend(range(int(first), int(last or first) + 1))
        return tuple(found)


class Within(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number, least..most where these are given; click's own ranges would let NaN pass."""

    name = "float"

    def __init__(self, *bounds: float) -> None:
        self._bounds = bounds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; OptionError out of bounds."""
        number = self.read(value, param, ctx)
        if self._bounds and not self._bounds[0] <= number <= self._bounds[1]:
            option, rule = param.opts[0] if param else "value", "{:g}..{:g}".format(*self._bounds)
            raise OptionError(f"{option} {number:g} is out of range: give {rule}")
        return number

    def read(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return what is written; a usage error says how it is."""
        return float(click.FLOAT.convert(value, param, ctx))


class Whole(Within):
    """A whole number within bounds."""

    name = "integer"

    def read(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return what is written; a usage error says how it is."""
        return int(click.INT.convert(value, param, ctx))


class Seconds(Within):
    """A time: 90, 1:30, 1:02:03, 90s, 20min, 1h."""

    name = "time"

    def read(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds; a usage error says how a time is written."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        if found := _CLOCK.match(text):
            hours, minutes, seconds = (float(part or 0.0) for part in found.groups())
            return 3600.0 * hours + 60.0 * minutes + seconds
        number, unit = text, 1.0
        if found := _UNIT.match(text):
            number, unit = found[1], _UNITS[found[2]]
        try:
            return unit * float(number)
        except ValueError:
            self.fail(f"{value!r} is no time: write 90, 1:30, 90s, 20min or 1h", param, ctx)


class Passes(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """How often: 1, 2, 3, ...; `endless` is 0."""

    name = "passes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return how often; a usage error for less than once."""
        if value in (ENDLESS, 0):
            return 0
        if not str(value).isascii() or not str(value).isdigit() or not 1 <= int(value) <= MOST_PASSES:
            self.fail(f"{value!r} is no number of passes: give 1..{MOST_PASSES}, or no number", param, ctx)
        return int(value)


class WithPasses(click.Command):
    """A command whose option --loop takes a number where one follows, and none where none does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write the number as --loop=N."""
        own = args.index("--") if "--" in args else len(args)
        read: list[str] = []
        for word in args[:own]:
            if read and read[-1] == "--loop":
                read[-1] = f"--loop={word if word.isdigit() else ENDLESS}"
                read += [] if word.isdigit() else [word]
            else:
                read.append(word)
        if read and read[-1] == "--loop":
            read[-1] = f"--loop={ENDLESS}"
        return super().parse_args(ctx, [*read, *args[own:]])


class Target(click.Path):
    """A file that is written, whose name has one of some endings; `doing` says in words what for."""

    def __init__(self, doing: str, *endings: str) -> None:
        super().__init__()
        self._doing, self._endings = doing, endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; OptionError for another ending."""
        path = Path(value)
        if path.suffix.lower() not in self._endings:
            raise OptionError(
                f"cannot {self._doing} {path}: its name must end in {' or '.join(self._endings)}"
            )
        return path


PICTURE = Target("draw", ".svg", ".png")


class TrackOctaves(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A track, and by how many octaves it is moved: 3:-1."""

    name = "track:octaves"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return track and octaves; a usage error says what is wrong."""
        if isinstance(value, tuple):
            return value
        found = _OCTAVE.match(str(value))
        if not found:
            self.fail(f"{value!r} is no track and octaves: write 3:-1 for track 3 an octave down", param, ctx)
        return int(found[1]), int(found[2])


def stack(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return one decorator of several options, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
