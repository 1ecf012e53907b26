"""What is to begin in an owner: which entry, from where and when. Pure."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from ..errors import PlayerError
from .programme import Before
from .promises import Promise
from .queue import Entry


@dataclass(eq=False)
class Beginning:
    """An entry that is to begin as soon as it is ready, from where and when, and who waits for that.

    `before` holds again where it is refused; None where nothing was replaced.
    """

    entry: Entry
    start: float = 0.0
    at: float | None = None
    in_time: bool = False  # only where the time that was given admits it
    alone: bool = False  # no other takes its place where it cannot be played
    before: Before | None = None
    promise: Promise = field(default_factory=Future)


def superseded() -> PlayerError:
    """Return what is told of what was to begin when something else is asked for."""
    return PlayerError("something else was asked for before it began")
