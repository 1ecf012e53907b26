"""The shelf that is in force, and songs that come to it by their names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from ...config import load_settings
from ...errors import XylophoneError
from ...shelf.entries import Shelved
from ...shelf.store import NAME, Store
from ...shelf.telling import read_about
from ..option_types import stack
from ..options import FOLDER_PATH
from ..printing import warn
from ..song_options import complete_songs, find_all

shelf_options = stack(
    click.option("--config", type=FOLDER_PATH, help="Configuration file to use."),
)

names_argument = click.argument(
    "names", metavar="SONG...", nargs=-1, required=True, shell_complete=complete_songs
)


def open_shelf(config: Path | None) -> Store:
    """Open the shelf in force; FileError."""
    return Store.open(load_settings(config).home.folder / NAME)


@contextmanager
def shelved(config: Path | None, names: tuple[str, ...]) -> Iterator[tuple[Store, list[Shelved]]]:
    """Give the shelf, with the songs that are named put on it; what is no song is told and left out.

    The error is raised when the block has ended, since the others are served.
    """
    paths, failed = find_all(names)
    with open_shelf(config) as store:
        songs = []
        for path in paths:
            try:
                songs.append(_put(store, path))
            except XylophoneError as error:
                if len(paths) == 1:
                    raise
                warn(error, "left out: ")
                failed = error
        yield store, songs
    if failed:
        raise type(failed)("not every song is on the shelf: see above")


def _put(store: Store, path: Path) -> Shelved:
    about = read_about(path)
    store.put(about, path, datetime.now(UTC))
    found = store.song(about.digest)
    assert found is not None
    return found
