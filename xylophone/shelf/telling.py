"""What is told of a song when it comes to the shelf: its title, how long it is, its mood and occasions."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from ..collection.library import IndexEntry, songs
from ..errors import FileError
from ..files import read_bytes
from ..midifile import MOST_SONG_BYTES, parse_song
from ..song import Song
from .entries import About, ToldBy
from .mood import guessed, traits_of


def read_about(path: Path) -> About:
    """Return what is told of a file; FileError or SongError where it is no song."""
    content = read_bytes(path, MOST_SONG_BYTES)
    return told_of(parse_song(content, path.name), path, hashlib.sha256(content).digest())


def told_of(song: Song, path: Path, digest: bytes) -> About:
    """Return what is told of a song that was read: the tags of one of the project's own, else a guess."""
    own = _own_songs().get(path.resolve())
    if own is not None:
        return About(digest, own.title, song.duration, own.composer, own.mood, ToldBy.TAG, own.occasion)
    mood = (guessed(traits_of(song)),) if len(song) else ()
    return About(digest, song.title.strip() or path.stem, song.duration, mood=mood)


@cache
def _own_songs() -> dict[Path, IndexEntry]:
    """Return the project's own songs by their files; none where they are not installed."""
    try:
        return {entry.path.resolve(): entry for entry in songs()}
    except FileError:
        return {}
