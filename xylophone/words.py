"""Counts and times in words: right for one of something too."""

from __future__ import annotations

from collections.abc import Mapping


def counted(count: int, one: str, several: str = "", spec: str = "") -> str:
    """Return a count in words: '1 strike', '2 strikes'.

    `several` is what it is called where it is not 1, by default with an s; `spec` how the number is written.

    >>> counted(1, "strike"), counted(1200, "strike", spec=","), counted(1, "pulse was", "pulses were")
    ('1 strike', '1,200 strikes', '1 pulse was')
    """
    return f"{count:{spec}} {one if abs(count) == 1 else several or f'{one}s'}"


def clock_time(seconds: float) -> str:
    """Return a time as minutes and seconds, hours where there are any: '1:05', '1:00:05'."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def lost_words(counts: Mapping[str, int]) -> str:
    """Return 'not played: 3 late, 2 recovery', '' where nothing is counted."""
    lost = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return f"not played: {lost}" if lost else ""
