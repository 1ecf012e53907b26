"""What is to begin in an owner: which entry, from where and when, and in which manner. Pure."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from .promises import Promise
from .queue import Entry


@dataclass
class Manner:
    """How what begins is played: speed, volume as the player has it, silence between songs, rolled chords.

    None for the last two: as the player has them.
    """

    speed: float = 1.0
    volume: float = 1.0
    gap: float | None = None
    roll: bool | None = None


@dataclass(eq=False)
class Beginning:
    """An entry that is to begin as soon as it is ready, from where and when, and who waits for that."""

    entry: Entry
    start: float = 0.0
    at: float | None = None
    in_time: bool = False  # only where the time that was given admits it
    alone: bool = False  # no other takes its place where it cannot be played
    promise: Promise = field(default_factory=Future)
