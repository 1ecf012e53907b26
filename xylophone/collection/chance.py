"""Which of the project's songs may come unasked: seasonal ones in their season, anthems and chimes never."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from .library import IndexEntry

SEASONS = {"christmas": ((12, 1), (1, 6)), "new year": ((12, 27), (1, 6))}
"""Occasion: its first and last day as (month, day); a season may go over the turn of the year."""

ONLY_BY_NAME = frozenset({"anthem", "clock"})
"""Occasions of songs that nobody hears by chance."""


def in_season(occasion: str, day: date) -> bool:
    """Say whether a day lies in the season of an occasion; of one without a season every day does."""
    if occasion not in SEASONS:
        return True
    first, last = SEASONS[occasion]
    today = (day.month, day.day)
    return first <= today <= last if first <= last else today >= first or today <= last


def by_chance(entries: Iterable[IndexEntry], day: date) -> tuple[str, ...]:
    """Return the names of the songs that may be drawn on a day, in the order given.

    A song of several occasions may be drawn when one of its seasons is on, and a song of a season
    on no other day. Anthems and a clock's chimes are never among them.
    """
    return tuple(entry.name for entry in entries if _may_come(entry, day))


def not_by_chance(paths: Iterable[Path], entries: Iterable[IndexEntry], day: date) -> frozenset[Path]:
    """Return which of these files are songs of the project that may not be drawn on a day."""
    entries = tuple(entries)
    drawn = by_chance(entries, day)
    kept_back = {entry.path.resolve() for entry in entries if entry.name not in drawn}
    return frozenset(path for path in paths if path.resolve() in kept_back)


def _may_come(entry: IndexEntry, day: date) -> bool:
    if ONLY_BY_NAME.intersection(entry.occasion):
        return False
    seasons = [occasion for occasion in entry.occasion if occasion in SEASONS]
    return not seasons or any(in_season(occasion, day) for occasion in seasons)
