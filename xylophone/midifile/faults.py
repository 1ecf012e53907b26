"""What was found damaged in a file: collected while it is read, told in a few lines."""

from __future__ import annotations

MOST_LINES = 20
"""So many different faults of a file are told one by one; the rest is counted."""


class Faults:
    """Faults of one file; those of one sort in one track become one line."""

    def __init__(self) -> None:
        self._first: dict[tuple[int | None, str], str] = {}
        self._more: dict[tuple[int | None, str], int] = {}
        self._untold = 0

    def add(self, track: int | None, byte: int | None, rule: str, *values: object) -> None:
        """Note a fault: `rule`, with `values` put into its braces, broken at a byte of the file.

        `track` is the track's number, counted from 0; None stands for the file itself.
        """
        sort = (track, rule)
        if sort in self._first:
            self._more[sort] = self._more.get(sort, 0) + 1
        elif len(self._first) < MOST_LINES:
            self._first[sort] = _place(track, byte) + rule.format(*values)
        else:
            self._untold += 1

    def lines(self) -> tuple[str, ...]:
        """Return the warnings in the order of their finding, at most MOST_LINES and one that counts the rest."""
        told = [line + self._repeats(sort) for sort, line in self._first.items()]
        return (*told, f"and {self._untold} more") if self._untold else tuple(told)

    def _repeats(self, sort: tuple[int | None, str]) -> str:
        more = self._more.get(sort, 0)
        return f" (and {more} more of this sort)" if more else ""


def _place(track: int | None, byte: int | None) -> str:
    parts = [f"track {track}"] if track is not None else []
    parts += [f"byte {byte}"] if byte is not None else []
    return f"{', '.join(parts)}: " if parts else ""
