"""What the shelf speaks of: a song by its content, and one time that it was played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class ToldBy(StrEnum):
    """Who says which mood a song has; a later one of these comes before an earlier."""

    GUESSED = "guessed"
    TAG = "tag"
    PERSON = "person"

    @property
    def words(self) -> str:
        """How it is told after a mood."""
        return {
            ToldBy.GUESSED: "guessed from tempo, density and level",
            ToldBy.TAG: "tagged",
            ToldBy.PERSON: "as you say",
        }[self]


@dataclass(frozen=True, slots=True)
class About:
    """What a song is: `digest` is the SHA-256 of its file's bytes, `duration` in seconds as written."""

    digest: bytes
    title: str
    duration: float
    composer: str = ""
    mood: tuple[str, ...] = ()
    told_by: ToldBy = ToldBy.GUESSED
    occasion: tuple[str, ...] = ()

    @property
    def mood_words(self) -> str:
        """Its mood, and who says so: 'calm, wistful (tagged)'."""
        return f"{', '.join(self.mood)} ({self.told_by.words})" if self.mood else "no mood"


@dataclass(frozen=True, slots=True)
class Shelved:
    """A song on the shelf: where its file was seen last, and what became of it since it was `added`."""

    about: About
    path: Path | None
    favourite: bool
    added: datetime
    plays: int
    heard: datetime | None
    """When it was played last; None for never."""


@dataclass(frozen=True, slots=True)
class Play:
    """One time that a song was played: when it `began`, and for how many `seconds` it was heard."""

    digest: bytes
    began: datetime
    seconds: float
    finished: bool
