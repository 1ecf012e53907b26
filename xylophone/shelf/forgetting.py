"""Songs leave the shelf: found by what a person calls them, also when their files are gone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..collection.names import plain
from ..errors import FileError, OptionError, did_you_mean
from ..words import counted
from .entries import Shelved
from .store import Store

SHORTEST_DIGEST = 8
"""Digits of a SHA-256 that name a song."""


def shelved_as(store: Store, name: str) -> Shelved | None:
    """Return the song that was seen under a path, has a title, or the beginning of a SHA-256; None for none.

    OptionError where several have that title.
    """
    path = os.fsencode(Path(name).absolute())
    if rows := store.rows("SELECT digest FROM files WHERE path = ?", path):
        return store.song(rows[0][0])
    songs = store.songs()
    same = plain(name) or name  # a title may be nothing but signs
    if found := [song for song in songs if same in (plain(song.about.title), song.about.title)]:
        if len(found) > 1:
            digests = ", ".join(song.about.digest.hex()[:12] for song in found)
            raise OptionError(f"several songs are called {found[0].about.title}: give one of {digests}")
        return found[0]
    begins = [song for song in songs if song.about.digest.hex().startswith(name.lower())]
    return begins[0] if len(name) >= SHORTEST_DIGEST and len(begins) == 1 else None


def not_shelved(store: Store, name: str) -> FileError:
    """Return the error for a name under which no song is on the shelf, with the nearest title."""
    titles = [song.about.title for song in store.songs()]
    hint = did_you_mean(name, titles, "xylophone shelf lists", 0.4) if titles else "the shelf is empty"
    return FileError(f"no song on the shelf is called {name!r}: {hint}")


def forget_songs(store: Store, songs: Iterable[Shelved]) -> None:
    """Take songs out of the database, with all that it knows of them: lists, plays, places; one change."""
    digests = [(song.about.digest,) for song in songs]
    with store.writing():
        for table in ("entries", "plays", "files", "songs"):
            store.base.executemany(f"DELETE FROM {table} WHERE digest = ?", digests)


def what_is_known(store: Store, song: Shelved) -> str:
    """Return in words what is lost when a song is forgotten: 'a favourite, 3 plays, in the list evening'."""
    query = "SELECT DISTINCT list FROM entries WHERE digest = ? ORDER BY list"
    lists = [name for (name,) in store.rows(query, song.about.digest)]
    known = ["a favourite"] if song.favourite else []
    known += [counted(song.plays, "play")] if song.plays else []
    known += [f"in the list{'s' if len(lists) > 1 else ''} {', '.join(lists)}"] if lists else []
    return ", ".join(known)
