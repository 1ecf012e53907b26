"""Songs to put on a shelf."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from xylophone.shelf.entries import About, Play, ToldBy

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

ODD = "Robert'); DROP TABLE songs;-- \0 \ud800 🎵 %_\"`"
"""A title that a careless query would trip over."""


def about(number: int, title: str = "", **more: object) -> About:
    """Return what is told of a song by its number."""
    known: dict[str, object] = {"mood": ("calm",), "told_by": ToldBy.TAG}
    return About(bytes([number] * 32), title or f"Song {number}", 60.0, **(known | more))  # type: ignore[arg-type]


def play(number: int, minutes: float = 0.0, finished: bool = True) -> Play:
    """Return a play of that song, so many minutes after noon."""
    return Play(bytes([number] * 32), NOON + timedelta(minutes=minutes), 58.5, finished)
