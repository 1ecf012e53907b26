"""Kinds of values that options take: numbers with ranges, tracks with octaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

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
