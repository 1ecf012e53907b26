"""`xylophone shelf add`, `favourite` and `mood`: what a person says of songs."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import OptionError
from ...shelf.entries import ToldBy
from ...shelf.mood import MOODS
from ...shelf.telling import read_about
from ...words import counted
from ..printing import say
from ..song_options import complete_songs
from .opening import names_argument, shelf_options, shelved

LONGEST_MOOD = 40


@click.command()
@names_argument
@shelf_options
def add(names: tuple[str, ...], config: Path | None) -> None:
    """Put songs on the shelf: files, folders, lists, or names of the project's own."""
    with shelved(config, names) as (_, songs):
        for song in songs:
            say(f"{song.about.title}: {song.about.mood_words}")
        say(f"{counted(len(songs), 'song is', 'songs are')} on the shelf")


@click.command()
@names_argument
@click.option("--remove", is_flag=True, help="They are favourites no more.")
@shelf_options
def favourite(names: tuple[str, ...], remove: bool, config: Path | None) -> None:
    """Say which songs are favourites; `xylophone play --list favourites` plays them."""
    with shelved(config, names) as (store, songs):
        for song in songs:
            store.set_favourite(song.about.digest, not remove)
            say(f"{song.about.title} is {'no favourite any more' if remove else 'a favourite'}")


@click.command()
@click.argument("name", metavar="SONG", shell_complete=complete_songs)
@click.argument("words", metavar="[MOOD]...", nargs=-1)
@click.option("--forget", is_flag=True, help="Go by tags and guesses again.")
@shelf_options
def mood(name: str, words: tuple[str, ...], forget: bool, config: Path | None) -> None:
    """Say which mood a song has, and who says so; with words, change it.

    Moods of the project's own songs are bright, calm, dazzling, grand, merry, mysterious, solemn, tender and
    wistful; any other word will do too.
    """
    if forget and words:
        raise click.UsageError("--forget takes no mood: leave one of them out")
    for word in words:
        _check(word)
    with shelved(config, (name,)) as (store, songs):
        for song in songs:
            digest = song.about.digest
            if words:
                store.set_mood(
                    digest, tuple(dict.fromkeys(word.strip().lower() for word in words)), ToldBy.PERSON
                )
            elif forget and song.path is not None:
                told = read_about(song.path)
                store.set_mood(digest, told.mood, told.told_by)
            now = store.song(digest)
            assert now is not None
            say(f"{now.about.title}: {now.about.mood_words}")


def _check(word: str) -> None:
    if not word.strip() or not word.isprintable() or "," in word or len(word) > LONGEST_MOOD:
        raise OptionError(f"no mood: {word[:LONGEST_MOOD]!r}: give a word, such as {', '.join(MOODS)}")
