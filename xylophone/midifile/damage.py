"""What is wrong with a file, gathered while it is read: at most so many lines, each with its place."""

from __future__ import annotations

MOST_WARNINGS = 20
"""A file is damaged in no more lines than this; the last one counts those left out."""


class Faults:
    """The damage of one file: one line for each kind in each track, however often it occurs."""

    def __init__(self) -> None:
        self._first: dict[tuple[int | None, str], int | None] = {}
        self._count: dict[tuple[int | None, str], int] = {}
        self._more = 0

    def add(self, what: str, byte: int | None = None, track: int | None = None) -> None:
        """Note one fault: what it is and what was made of it, its byte in the file, its track from 0."""
        key = (track, what)
        if key not in self._first and len(self._first) >= MOST_WARNINGS:
            self._more += 1
            return
        self._first.setdefault(key, byte)
        self._count[key] = self._count.get(key, 0) + 1

    def lines(self) -> tuple[str, ...]:
        """Return the warnings in the order in which they were found."""
        lines = [self._line(key) for key in self._first]
        return (*lines, f"and {self._more} more") if self._more else tuple(lines)

    def _line(self, key: tuple[int | None, str]) -> str:
        track, what = key
        byte, again = self._first[key], self._count[key] - 1
        places = [f"track {track}"] if track is not None else []
        places += [f"byte {byte}"] if byte is not None else []
        line = f"{', '.join(places)}: {what}" if places else what
        return f"{line} ({again} more like it)" if again else line
