"""`xylophone shelf lists`: lists of songs under names, also from and to M3U files."""

from __future__ import annotations

from pathlib import Path

import click

from ...collection.playlists import write_list
from ...errors import FileError
from ...shelf.entries import Shelved
from ...shelf.lists import forget_list, keep_list, list_names, list_songs
from ...words import counted
from ..options import check_writable
from ..printing import say, say_json, warn
from ..queue import LIST
from ..song_options import complete_songs
from .opening import open_shelf, shelf_options, shelved


@click.command()
@click.argument("name", required=False)
@click.argument("names", metavar="[SONG]...", nargs=-1, shell_complete=complete_songs)
@click.option("--save-list", type=LIST, metavar="FILE", help="Write the list as .m3u.")
@click.option("--remove", is_flag=True, help="Forget the list; its songs stay.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shelf_options
def lists(
    name: str | None,
    names: tuple[str, ...],
    save_list: Path | None,
    remove: bool,
    as_json: bool,
    config: Path | None,
) -> None:
    """Show all lists, or the songs of one; with songs, keep them as that list.

    Songs are files, folders, .m3u lists, or names of the project's own. `favourites` is the list of all
    favourites.
    """
    if names and name is not None:
        _keep(config, name, names)
    elif remove and name is not None:
        with open_shelf(config) as store:
            forget_list(store, name)
        say(f"forgot the list {name}")
    elif name is not None:
        _show(config, name, save_list, as_json)
    else:
        _show_all(config, as_json)


def _keep(config: Path | None, name: str, names: tuple[str, ...]) -> None:
    with shelved(config, names) as (store, songs):
        keep_list(store, name, [song.about.digest for song in songs])
    say(f"kept {name}: {counted(len(songs), 'song')}; xylophone play --list {name!r} plays it")


def _show(config: Path | None, name: str, save_list: Path | None, as_json: bool) -> None:
    with open_shelf(config) as store:
        songs = list_songs(store, name)
    if save_list is not None:
        _save(save_list, songs)
    elif as_json:
        say_json([{"sha256": song.about.digest.hex(), "title": song.about.title} for song in songs], indent=2)
    else:
        say(*(f"{number}. {song.about.title}" for number, song in enumerate(songs, 1)))


def _show_all(config: Path | None, as_json: bool) -> None:
    with open_shelf(config) as store:
        found = list_names(store)
    if as_json:
        say_json(found, indent=2)
    elif found:
        say(*(f"{name}: {counted(count, 'song')}" for name, count in found.items()))
    else:
        say("no list is kept: `xylophone shelf lists NAME SONG...` makes one")


def _save(target: Path, songs: list[Shelved]) -> None:
    check_writable(target)
    paths = [song.path for song in songs if song.path is not None]
    write_list(target, paths)
    say(f"wrote {target}: {counted(len(paths), 'song')}")
    if lost := [song.about.title for song in songs if song.path is None]:
        for title in lost:
            warn(f"left out: the file of {title} is gone")
        raise FileError("not every song is in it: see above")
