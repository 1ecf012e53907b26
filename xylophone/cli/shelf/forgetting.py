"""`xylophone shelf forget`: songs that are gone, or unwanted, leave the shelf."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from ...errors import XylophoneError
from ...shelf.entries import Shelved
from ...shelf.forgetting import forget_songs, not_shelved, shelved_as, what_is_known
from ...shelf.store import Store
from ...shelf.telling import read_about
from ..printing import say
from ..song_options import find_all
from .opening import names_argument, open_shelf, shelf_options


@click.command()
@names_argument
@shelf_options
def forget(names: tuple[str, ...], config: Path | None) -> None:
    """Take songs off the shelf, and out of favourites, lists and history; their files stay.

    SONG is a title, a file, also one that is gone, or the beginning of its SHA-256 (`shelf --json`). Nothing
    is forgotten where one of several is not on the shelf.
    """
    with open_shelf(config) as store:
        songs = {song.about.digest: song for name in names for song in _meant(store, name)}
        lines = [_line(store, song) for song in songs.values()]
        forget_songs(store, songs.values())
    say(*lines)


def _meant(store: Store, name: str) -> list[Shelved]:
    """Return the songs of a name: one that the shelf knows it by, else those that the files now have."""
    if (known := shelved_as(store, name)) is not None:
        return [known]
    found: list[Shelved] = []
    with suppress(XylophoneError):
        found = [song for path in find_all((name,))[0] if (song := store.song(read_about(path).digest))]
    if not found:
        raise not_shelved(store, name)
    return found


def _line(store: Store, song: Shelved) -> str:
    known = what_is_known(store, song)
    return f"forgot {song.about.title}{f': {known}' if known else ''}"
