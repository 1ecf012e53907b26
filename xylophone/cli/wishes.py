"""What is wished of an evening in place of names: a mood, an occasion, a list of the shelf."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from ..collection.catalogue import known_scores
from ..collection.library import songs as own_songs
from ..collection.prepared import Asked
from ..collection.scanner import ScanSetting
from ..config import Settings, cache_folder
from ..errors import FileError, OptionError, XylophoneError, did_you_mean
from ..files import read_bytes
from ..midifile import MOST_SONG_BYTES, load_song
from ..shelf.choice import Candidate, Wish, choose
from ..shelf.entries import About, Shelved, ToldBy
from ..shelf.lists import list_songs
from ..shelf.mood import MOODS
from ..shelf.store import NAME, Store
from ..shelf.telling import read_about
from ..words import clock_time
from .option_types import stack
from .printing import say, warn
from .scan import DATABASE

wish_options = stack(
    click.option("--mood", metavar="MOOD", help="Choose songs of a mood, such as calm."),
    click.option("--occasion", metavar="OCCASION", help="Choose songs for an occasion, such as christmas."),
    click.option("--list", "list_name", metavar="NAME", help="A list of the shelf; `favourites` is one."),
)


@dataclass(frozen=True)
class Wishes:
    """What is wished; false where nothing is."""

    mood: str | None
    occasion: str | None
    list_name: str | None

    @classmethod
    def take(cls, options: dict[str, Any]) -> Wishes:
        """Take the wishes out of a command's keyword arguments."""
        return cls(*(options.pop(name) for name in ("mood", "occasion", "list_name")))

    def __bool__(self) -> bool:
        return any((self.mood, self.occasion, self.list_name))

    @property
    def choosing(self) -> bool:
        """Whether songs are chosen by what they are."""
        return self.mood is not None or self.occasion is not None


@dataclass(frozen=True)
class Evenly:
    """What a choice is made with: for how long, by which seed, on which day, for which instrument."""

    length: float | None
    seed: int
    day: date
    found: Settings
    asked: Asked


def wished(wishes: Wishes, paths: Sequence[Path], how: Evenly, quiet: bool) -> tuple[list[Path], bool]:
    """Return the songs of a wish, of those named or else of all that there are, each told with its reason.

    With it comes whether they fill the time. FileError for no such list, OptionError for a word that no song
    has.
    """
    with Store.open(how.found.home.folder / NAME) as store:
        shelf = store.songs()
        if wishes.list_name is not None:
            paths = [*paths, *_listed(store, wishes.list_name)]
    if not wishes.choosing:
        return list(paths), False
    songs = _candidates(paths, shelf) if paths else _all_candidates(shelf)
    _check_words(wishes, songs)
    return _chosen(songs, wishes, how, {song.about.digest: song.about.duration for song in shelf}, quiet)


def _listed(store: Store, name: str) -> list[Path]:
    """Return the songs of a list whose files are there; FileError where none is."""
    paths = [path for song in list_songs(store, name) if (path := _there(song)) is not None]
    if not paths:
        raise FileError(f"no song of {name} is there: xylophone shelf lists {name} says which it has")
    return paths


def _chosen(
    songs: Sequence[Candidate], wishes: Wishes, how: Evenly, known: Mapping[bytes, float], quiet: bool
) -> tuple[list[Path], bool]:
    """Choose, and tell each choice; `known` is how long songs of the shelf are, by digest."""
    lengths = dict(known)

    def length(song: Candidate) -> float:
        if song.digest not in lengths:
            lengths[song.digest] = load_song(song.path).duration
        return lengths[song.digest]

    scores = _scores(how)
    scored = [replace(song, fit=scores.get(song.digest)) for song in songs]
    chosen = choose(scored, Wish(how.day, wishes.mood, wishes.occasion, how.length, how.seed), length)
    if chosen.told:
        warn(chosen.told)
    if not quiet:
        say(*(f"{one.song.title}, {clock_time(length(one.song))}: {one.reason}" for one in chosen.choices))
    return [one.song.path for one in chosen.choices], chosen.fills


def _there(song: Shelved) -> Path | None:
    """Return where a song's file is; where it is gone it is told."""
    if song.path is None:
        warn(f"left out: the file of {song.about.title} is gone")
    return song.path


def _candidates(paths: Sequence[Path], shelf: Sequence[Shelved]) -> list[Candidate]:
    """Return the songs of files; what is none is told and left out, and raised where nothing is left."""
    known = {song.about.digest: song for song in shelf}
    found: list[Candidate] = []
    failed: XylophoneError | None = None
    for path in paths:
        try:
            about = read_about(path)
        except XylophoneError as error:
            warn(error, "left out: ")
            failed = error
            continue
        found.append(_candidate(path, about, known.get(about.digest)))
    if failed and not found:
        raise type(failed)("no song is left to choose from: name others")
    return found


def _all_candidates(shelf: Sequence[Shelved]) -> list[Candidate]:
    """Return the project's own songs, and those of the shelf whose files are there."""
    known = {song.about.digest: song for song in shelf}
    own: dict[bytes, Candidate] = {}
    for entry in own_songs():
        digest = hashlib.sha256(read_bytes(entry.path, MOST_SONG_BYTES)).digest()
        tagged = About(digest, entry.title, 0.0, mood=entry.mood, told_by=ToldBy.TAG, occasion=entry.occasion)
        own[digest] = _candidate(entry.path, tagged, known.get(digest))
    others = [song for song in shelf if song.path is not None and song.about.digest not in own]
    return [*own.values(), *(_candidate(song.path, song.about, song) for song in others if song.path)]


def _candidate(path: Path, about: About, shelved: Shelved | None) -> Candidate:
    """Return a song as it may be chosen; what the shelf says of it comes before what its file does."""
    told = about if shelved is None else shelved.about
    heard = None if shelved is None else shelved.heard
    return Candidate(path, told.title, about.digest, told.mood, told.told_by, told.occasion, heard)


def _check_words(wishes: Wishes, songs: Sequence[Candidate]) -> None:
    """Refuse words that no song has, and that are none of the project's."""
    moods = {*MOODS, *(mood for song in songs for mood in song.mood)}
    occasions = {word for entry in own_songs() for word in entry.occasion}
    occasions |= {word for song in songs for word in song.occasion}
    for option, word, there in (("--mood", wishes.mood, moods), ("--occasion", wishes.occasion, occasions)):
        if word is not None and word.casefold() not in there:
            raise OptionError(f"no song has {option} {word!r}: {did_you_mean(word, sorted(there))}")


def _scores(how: Evenly) -> dict[bytes, int]:
    """Return the scores that a scan has found for this instrument, by digest; none where there are none."""
    setting = ScanSetting(how.found.instrument, how.asked.arguments())
    try:
        return known_scores(cache_folder() / DATABASE, setting.key)
    except FileError as error:
        warn(error, "no scores are known: ")
        return {}
