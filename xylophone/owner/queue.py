"""The queue of an owner: entries with numbers, and which of them plays. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..words import counted

MOST_ENTRIES = 10_000
"""Entries to come; all entries, in a queue that repeats."""

MOST_PLAYED = 200
"""Entries that are over and stay, for the way back; all stay in a queue that repeats."""

Song = Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Entry:
    """A place in the queue: its number, its song as a client gave it, and what is known of it since."""

    number: int
    song: Song
    title: str
    trouble: str = ""  # why it cannot be played


class Queue:
    """What has played, plays and is to come, in order.

    `playing` is the entry that plays, or played last; None before any has.

    >>> queue = Queue()
    >>> queue.replace([{"path": "/songs/sakura.mid"}, {"path": "/songs/greensleeves.mid"}])
    >>> queue.begin(queue.next())
    >>> queue.playing.title, queue.next().title
    ('sakura', 'greensleeves')
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.playing: Entry | None = None
        self.repeat = self.finish = False
        self._numbers = count(1)

    def replace(self, songs: Sequence[Song]) -> None:
        """Forget all entries, and take these in their place."""
        self.entries, self.playing, self.finish = [], None, False
        self.insert(songs, 0)

    def anew(self, songs: Sequence[Song]) -> Queue:
        """Return a queue of these songs; no entry of one queue has the number of one of the other's."""
        queue = Queue()
        queue._numbers = self._numbers
        queue.insert(songs)
        return queue

    def insert(self, songs: Sequence[Song], place: int | None = None) -> list[Entry]:
        """Put songs at a place of those to come, 0 the next, None the end; return their entries."""
        to_come = self.to_come
        many = len(self.entries if self.repeat else to_come) + len(songs)
        if many > MOST_ENTRIES:
            raise OptionError(f"{counted(many, 'song')} are too many: a queue takes {MOST_ENTRIES}")
        new = [self._entry(song) for song in songs]
        place = len(to_come) if place is None else place
        self._put([*to_come[:place], *new, *to_come[place:]])
        return new

    def move(self, number: int, place: int) -> None:
        """Put an entry at a place of those to come, 0 the next; one that has played comes once more."""
        entry = self.entry(number)
        self._require_not_playing(entry, "move another one")
        self.entries.remove(entry)
        rest = self.to_come
        self._put([*rest[:place], entry, *rest[place:]])

    def remove(self, numbers: Iterable[int]) -> None:
        """Take entries out, all or none; OptionError for one that plays."""
        gone = [self.entry(number) for number in numbers]
        for entry in gone:
            self._require_not_playing(entry, "go to the next one instead")
        self.entries = [entry for entry in self.entries if entry not in gone]

    def clear(self) -> None:
        """Take all out that are still to come."""
        self._put([])

    def shuffle(self, seed: int | None) -> None:
        """Draw a new order of those to come."""
        to_come = self.to_come
        random.Random(seed).shuffle(to_come)
        self._put(to_come)

    def begin(self, entry: Entry) -> None:
        """Note that an entry plays now, also one that was just taken out."""
        if entry not in self.entries:
            self.entries.insert(self._place + 1, entry)
        self.playing = entry
        over = self._place - MOST_PLAYED
        if over > 0 and not self.repeat:
            self.entries = self.entries[over:]

    def next(self) -> Entry | None:
        """Return what plays after the present entry, None where nothing does."""
        around = self.over if self.repeat else []
        return next((entry for entry in [*self.to_come, *around] if not entry.trouble), None)

    def previous(self) -> Entry | None:
        """Return what played before the present entry; where the queue repeats, the last before the first."""
        before = self.entries[: max(0, self._place)][::-1]
        around = self.to_come[::-1] if self.repeat else []
        return next((entry for entry in [*before, *around] if not entry.trouble), None)

    def entry(self, number: int) -> Entry:
        """Return the entry of a number; OptionError where there is none."""
        for entry in self.entries:
            if entry.number == number:
                return entry
        raise OptionError(f"no entry {number} is in the queue: ask for the queue, and name one of it")

    @property
    def to_come(self) -> list[Entry]:
        """The entries after the one that plays."""
        return self.entries[self._place + 1 :]

    @property
    def over(self) -> list[Entry]:
        """The entries before those to come: what has played, and last what plays."""
        return self.entries[: self._place + 1]

    @property
    def left(self) -> list[Song]:
        """The songs from the one that plays on; all, in a queue that repeats, with that one first."""
        here = max(0, self._place)
        around = self.entries[:here] if self.repeat else []
        return [entry.song for entry in [*self.entries[here:], *around]]

    @property
    def _place(self) -> int:
        return -1 if self.playing is None else self.entries.index(self.playing)

    def _put(self, to_come: list[Entry]) -> None:
        self.entries[self._place + 1 :] = to_come

    def _entry(self, song: Song) -> Entry:
        return Entry(next(self._numbers), song, Path(song["path"]).stem)

    def _require_not_playing(self, entry: Entry, remedy: str) -> None:
        if entry is self.playing:
            raise OptionError(f"entry {entry.number} plays, and cannot be taken out of its place: {remedy}")
