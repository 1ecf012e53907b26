"""Choosing songs: by mood, occasion, season and fit, the least recently heard first, for so long a time.

Never nothing: where no song is as wished the wish is widened step by step, and each choice has its reason.
The same songs, wish, seed and day choose the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from ..collection.chance import ONLY_BY_NAME, SEASONS, in_season
from ..collection.names import plain
from ..words import counted
from .entries import ToldBy
from .mood import NEAR

PAUSE = 1.0
"""s of silence between songs."""

GOOD_FIT = 60
"""A song with a lower score, 0..100, comes after all others."""

SLACK = 0.1
"""What is chosen may be longer than asked for by this share, and shorter where nothing else would fit."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A song that may be chosen; `fit` is its score on the instrument, 0..100, None where none is known."""

    path: Path
    title: str
    digest: bytes
    mood: tuple[str, ...] = ()
    told_by: ToldBy = ToldBy.GUESSED
    occasion: tuple[str, ...] = ()
    heard: datetime | None = None  # last; None for never
    fit: int | None = None

    def has(self, mood: str | None) -> bool:
        """Tell whether the song has a mood; any has none in particular."""
        return mood is None or plain(mood) in map(plain, self.mood)

    def is_for(self, occasion: str | None) -> bool:
        """Tell whether the song is for an occasion, whichever where none is named."""
        return occasion is None or plain(occasion) in map(plain, self.occasion)

    def may_come(self, day: date) -> bool:
        """Tell whether the song may come unasked: anthems and chimes never, others in their season."""
        seasons = [occasion for occasion in self.occasion if occasion in SEASONS]
        return not ONLY_BY_NAME.intersection(self.occasion) and (
            not seasons or any(in_season(occasion, day) for occasion in seasons)
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wished for: a mood, an occasion, either or both; how long, s, None for all; on which `day`."""

    day: date
    mood: str | None = None
    occasion: str | None = None
    length: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A song that was chosen, and why, in words of one line."""

    song: Candidate
    reason: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choices in their order, whether they fill the time, and what is told of a wish that was widened."""

    choices: tuple[Choice, ...]
    fills: bool
    told: str = ""


def choose(songs: Sequence[Candidate], wish: Wish, length: Callable[[Candidate], float]) -> Chosen:
    """Choose of some songs, of which there is at least one; `length` tells how long a song is, s."""
    pool, mood, occasion, told = next(_pools(songs, wish))
    fitting, fills = _fitting(_ordered(pool, wish), wish.length, length)
    choices = [
        Choice(song, f"{_why(song, wish, mood, occasion)}, {_heard(song, wish.day)}") for song in fitting
    ]
    return Chosen(tuple(choices), fills, told)


def _pools(
    songs: Sequence[Candidate], wish: Wish
) -> Iterator[tuple[list[Candidate], str | None, str | None, str]]:
    """Yield the songs that are as wished, then as wider wishes have it: those there are, with the wish."""
    for mood, occasion, told in _wider(wish):
        found = [
            song
            for song in songs
            if song.has(mood) and song.is_for(occasion) and (occasion is not None or song.may_come(wish.day))
        ]
        if found:
            yield found, mood, occasion, told
    yield list(songs), None, None, f"{_missing(wish)}, nor may another come unasked today: all are taken"


def _wider(wish: Wish) -> Iterator[tuple[str | None, str | None, str]]:
    """Yield mood and occasion as wished, then wider ones, each with what is to be told."""
    yield wish.mood, wish.occasion, ""
    missing = _missing(wish)
    for near in NEAR.get(plain(wish.mood or ""), ()):
        yield near, wish.occasion, f"{missing}: {near} ones are taken"
    if wish.mood is not None and wish.occasion is not None:
        yield wish.mood, None, f"{missing}: {wish.mood} ones are taken"
        yield None, wish.occasion, f"{missing}: others for {wish.occasion} are taken"
    yield None, None, f"{missing}: others are taken"


def _missing(wish: Wish) -> str:
    asked = [f"is {wish.mood}"] * (wish.mood is not None)
    asked += [f"is for {wish.occasion}"] * (wish.occasion is not None)
    return f"no song {' and '.join(asked) or 'may come unasked today'}"


def _why(song: Candidate, wish: Wish, mood: str | None, occasion: str | None) -> str:
    """Return in words what a song has of a wish."""
    words = [] if mood is None else [mood if mood == wish.mood else f"{mood}, which is near {wish.mood}"]
    if mood is not None and song.told_by != ToldBy.TAG:
        words[-1] += f" ({song.told_by.words})"
    words += [f"for {occasion}"] if occasion is not None else []
    if song.fit is not None and song.fit < GOOD_FIT:
        words.append(f"though it fits by {song.fit} of 100 only")
    return ", ".join(words) or "of all songs"


def _heard(song: Candidate, day: date) -> str:
    if song.heard is None:
        return "never heard"
    days = (day - song.heard.astimezone(UTC).date()).days
    return f"last heard {counted(days, 'day')} ago" if days > 0 else "last heard today"


def _ordered(pool: Iterable[Candidate], wish: Wish) -> list[Candidate]:
    """Return songs that fit first; of these, those never heard, then the least recently heard; else mixed."""
    mixed = sorted(pool, key=lambda song: song.digest)
    random.Random(f"{wish.seed} {wish.day.toordinal()}").shuffle(mixed)
    never = datetime.min.replace(tzinfo=UTC)

    def place(song: Candidate) -> tuple[bool, datetime]:
        return song.fit is not None and song.fit < GOOD_FIT, song.heard or never

    return sorted(mixed, key=place)


def _fitting(
    ordered: Sequence[Candidate], wanted: float | None, length: Callable[[Candidate], float]
) -> tuple[list[Candidate], bool]:
    """Return what fits into a time, the shortest song where none does; and whether that is filled."""
    if wanted is None:
        return list(ordered), True
    taken: list[Candidate] = []
    left, lengths = wanted, dict[Candidate, float]()
    for song in ordered:
        lengths[song] = length(song) + PAUSE
        if lengths[song] <= left + SLACK * wanted:
            taken.append(song)
            left -= lengths[song]
        if left <= SLACK * wanted:
            return taken, True
    return (taken, False) if taken else ([min(lengths, key=lambda song: lengths[song])], True)
