"""What is wrong with a file, gathered while it is read: at most so many lines, each with its place."""

from __future__ import annotations

MOST_WARNINGS = 20
"""A file is damaged in no more lines than this; the last one counts those left out."""


class Faults:
    """The damage of one file: one line for each kind in each track, however often it occurs."""

    def __init__(self) -> None:
        self._found: dict[tuple[int | None, str], tuple[int | None, int]] = {}  # first byte, how often
        self._more = 0

    def add(self, what: str, byte: int | None = None, track: int | None = None) -> None:
        """Note one fault: what it is and what was made of it, its byte in the file, its track from 0."""
        key = (track, what)
        if key in self._found or len(self._found) < MOST_WARNINGS:
            first, count = self._found.get(key, (byte, 0))
            self._found[key] = first, count + 1
        else:
            self._more += 1

    def lines(self) -> tuple[str, ...]:
        """Return the warnings in the order in which they were found."""
        lines = [_line(*key, *found) for key, found in self._found.items()]
        return (*lines, f"and {self._more} more") if self._more else tuple(lines)


def _line(track: int | None, what: str, byte: int | None, count: int) -> str:
    places = [f"{name} {place}" for name, place in (("track", track), ("byte", byte)) if place is not None]
    line = f"{', '.join(places)}: {what}" if places else what
    return f"{line} ({count - 1} more like it)" if count > 1 else line
