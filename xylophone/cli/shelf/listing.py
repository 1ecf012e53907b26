"""`xylophone shelf` and `shelf history`: what is on the shelf, and what was played when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ...collection.names import plain
from ...shelf.entries import Play, Shelved
from ...words import clock_time
from ..options import FOLDER_PATH
from ..printing import say, say_json
from ..screen import table
from .opening import open_shelf


def list_shelf(favourites: bool, mood: str | None, as_json: bool, config: Path | None) -> None:
    """List songs by title."""
    with open_shelf(config) as store:
        songs = [
            song
            for song in store.songs()
            if (song.favourite or not favourites)
            and (mood is None or plain(mood) in map(plain, song.about.mood))
        ]
    if as_json:
        say_json([_as_json(song) for song in songs], indent=2)
    elif songs:
        table(("title", "mood", "length", "plays", "heard", "file"), [_row(song) for song in songs])
    else:
        say("no such song is on the shelf: play one, or add some with `xylophone shelf add SONG...`")


@click.command()
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="So many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--config", type=FOLDER_PATH, help="Configuration file to use.")
def history(most: int, as_json: bool, config: Path | None) -> None:
    """Say what was played when, the newest first."""
    with open_shelf(config) as store:
        plays = store.plays(most)
    if as_json:
        say_json([_play_json(play, title) for play, title in plays], indent=2)
    elif plays:
        table(("when", "title", "heard"), [_play_row(play, title) for play, title in plays])
    else:
        say("nothing was played yet")


def _row(song: Shelved) -> tuple[object, ...]:
    about = song.about
    title = f"{'* ' if song.favourite else ''}{about.title}"
    heard = "never" if song.heard is None else _local(song.heard)
    return title, about.mood_words, clock_time(about.duration), song.plays, heard, song.path or "gone"


def _play_row(play: Play, title: str) -> tuple[object, ...]:
    return _local(play.began), title, clock_time(play.seconds) + ("" if play.finished else ", not to its end")


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _as_json(song: Shelved) -> dict[str, object]:
    about = song.about
    return {
        "sha256": about.digest.hex(),
        "title": about.title,
        "composer": about.composer,
        "duration": about.duration,
        "mood": about.mood,
        "told_by": about.told_by,
        "occasion": about.occasion,
        "favourite": song.favourite,
        "path": None if song.path is None else str(song.path),
        "added": song.added.isoformat(),
        "plays": song.plays,
        "heard": None if song.heard is None else song.heard.isoformat(),
    }


def _play_json(play: Play, title: str) -> dict[str, object]:
    return {
        "sha256": play.digest.hex(),
        "title": title,
        "began": play.began.isoformat(),
        "seconds": play.seconds,
        "finished": play.finished,
    }
