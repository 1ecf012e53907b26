"""Lists of songs on the shelf, each under a name, in an order of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import FileError, OptionError, did_you_mean
from .entries import Shelved
from .store import Store

FAVOURITES = "favourites"
"""The name that stands for all favourites, by title; no list is kept under it."""

LONGEST_NAME = 100


def list_names(store: Store) -> dict[str, int]:
    """Return the names of the lists, and how many songs each has; favourites first, where there are some."""
    favourites = sum(song.favourite for song in store.songs())
    query = (
        "SELECT name, count(digest) FROM lists LEFT JOIN entries ON list = name GROUP BY name ORDER BY name"
    )
    return ({FAVOURITES: favourites} if favourites else {}) | dict(store.rows(query))


def list_songs(store: Store, name: str) -> list[Shelved]:
    """Return the songs of a list in their order; FileError with the nearest name where there is no such."""
    if name == FAVOURITES:
        return [song for song in store.songs() if song.favourite]
    _require(store, name)
    rows = store.rows("SELECT digest FROM entries WHERE list = ? ORDER BY place", name)
    return [song for (digest,) in rows if (song := store.song(digest)) is not None]


def keep_list(store: Store, name: str, digests: Sequence[bytes]) -> None:
    """Keep a list of songs that are on the shelf, in place of one of that name; OptionError for no name."""
    if name == FAVOURITES or not name.isprintable() or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise OptionError(
            f"no list can be called {name[:LONGEST_NAME]!r}: give 1..{LONGEST_NAME} letters, "
            f"and not {FAVOURITES}"
        )
    with store.writing():
        store.base.execute("DELETE FROM entries WHERE list = ?", (name,))
        store.base.execute("INSERT OR IGNORE INTO lists VALUES (?)", (name,))
        rows = [(name, place, digest) for place, digest in enumerate(digests)]
        store.base.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)


def forget_list(store: Store, name: str) -> None:
    """Forget a list; its songs stay on the shelf. FileError where there is no such."""
    _require(store, name)
    with store.writing():
        store.base.execute("DELETE FROM lists WHERE name = ?", (name,))


def _require(store: Store, name: str) -> None:
    if not store.rows("SELECT name FROM lists WHERE name = ?", name):
        names = list_names(store)
        hint = did_you_mean(name, names) if names else "`xylophone shelf lists NAME SONG...` makes one"
        raise FileError(f"no list is called {name!r}: {hint}")
