"""The project's own songs, and what people mean by the names that they give."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from reprlib import repr as shown
from typing import Any, Literal

from ..errors import FileError
from ..files import read_toml
from ..midifile.foreign import ENDINGS
from .names import plain, spellings, without_article

STANDARD_INPUT = Path("-")
"""The path that means: read the song from standard input."""

_KEYS = ("file", "title", "composer", "year", "licence", "shows", "source")
_NAME = attrgetter("name")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One of the project's songs, as songs/index.toml has it; `path` is where its file lies.

    `also` are other names of it, `source` is the edition that its notes were compared with.
    """

    file: str
    title: str
    composer: str
    year: str
    licence: str
    shows: str
    source: str
    path: Path
    mood: tuple[str, ...] = ()
    occasion: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What to call it on the command line: its file without ending."""
        return Path(self.file).stem


def songs() -> tuple[IndexEntry, ...]:
    """Return the project's own songs in the order of their names; FileError when they are not installed.

    >>> [song.name for song in songs()][:2]
    ['all_thirty', 'alle_meine_entchen']
    """
    return read_index(songs_folder())


def songs_folder() -> Path:
    """Return the folder of the project's songs: in the package as installed, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "songs", package.parent / "songs"):
        if (folder / "index.toml").is_file():
            return folder
    raise FileError("the project's own songs are not installed: install xylophone again, or name a file")


@cache
def read_index(folder: Path) -> tuple[IndexEntry, ...]:
    """Return the songs that a folder's index.toml lists, sorted by name; FileError for a broken index."""
    path = folder / "index.toml"
    return tuple(sorted((_entry(path, *item) for item in read_toml(path, FileError).items()), key=_NAME))


def find_song(text: str, entries: Sequence[IndexEntry] | None = None) -> Path:
    """Return the file that somebody means: a path, or the name of one of the project's songs.

    A file that exists wins; '-' is standard input. Else a song's name, title or other name, or the
    beginning of just one of them; capitals, accents, hyphens, underscores, ue for an umlaut and the
    article in front make no difference. Raises FileError with the nearest names. `entries` are the
    project's songs unless given.

    >>> find_song("Ode to Joy").name
    'ode_to_joy.mid'
    """
    if text == str(STANDARD_INPUT):
        return STANDARD_INPUT
    path = Path(text)
    folder = os.path.isdir(text)
    if os.path.exists(text) and not folder:
        return path
    entries = songs() if entries is None else entries
    found = _meant(text, entries)
    if len(found) == 1:
        return found[0].path
    if folder:
        raise FileError(f"{text} is a folder: name the songs in it, such as {path / '*.mid'}")
    raise FileError(_many(text, found) if found else _none(text, entries))


def find_songs(names: Iterable[str], entries: Sequence[IndexEntry] | None = None) -> list[Path]:
    """Return the queue that names and wildcards make, in the order given.

    The files of one wildcard are in natural order (track2 before track10); `**` goes into folders.
    Raises FileError for a wildcard without a file, and what `find_song` raises.
    """
    queue: list[Path] = []
    for name in names:
        wild = any(sign in name for sign in "*?[") and not os.path.lexists(name)
        queue += _matching(name) if wild else [find_song(name, entries)]
    return queue


def natural(path: Path) -> list[tuple[int, int | str]]:
    """Return a key that sorts names as people do: digits by their value, capitals like small letters."""
    parts = _DIGITS.split(str(path).casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def sorted_by(
    entries: Iterable[IndexEntry], kind: Literal["mood", "occasion"], wanted: str
) -> list[IndexEntry]:
    """Return the songs of one mood or occasion; FileError with those that there are for another word."""
    entries = list(entries)
    found = [entry for entry in entries if plain(wanted) in map(plain, getattr(entry, kind))]
    if not found:
        there = sorted({word for entry in entries for word in getattr(entry, kind)})
        raise FileError(f"no song has the {kind} {shown(wanted)}: there are {', '.join(there)}")
    return found


def _entry(path: Path, name: str, table: Any) -> IndexEntry:
    if not isinstance(table, dict) or not all(isinstance(table.get(key), str) for key in _KEYS):
        raise FileError(f"{path}: song {name} lacks one of {', '.join(_KEYS)}: give it that text")
    mood, occasion, also = (
        _words(path, name, key, table.get(key, [])) for key in ("mood", "occasion", "also")
    )
    texts: dict[str, str] = {key: table[key] for key in _KEYS}
    return IndexEntry(**texts, path=path.parent / table["file"], mood=mood, occasion=occasion, also=also)


def _words(path: Path, name: str, key: str, words: Any) -> tuple[str, ...]:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise FileError(f"{path}: {key} of song {name} is no list of texts: write it as ['one', 'other']")
    return tuple(words)


def _matching(pattern: str) -> list[Path]:
    from glob import glob

    found = [] if "\0" in pattern else [Path(name) for name in glob(pattern, recursive=True)]
    files = sorted((path for path in found if os.path.isfile(path)), key=natural)
    if not files:
        raise FileError(f"no file matches {shown(pattern)}: check the folder and the wildcard")
    return files


def _names(entry: IndexEntry) -> frozenset[str]:
    """Return all that a song is called, in plain letters."""
    return frozenset().union(*map(spellings, (entry.name, entry.title, *entry.also)))


def _meant(text: str, entries: Sequence[IndexEntry]) -> list[IndexEntry]:
    """Return the songs that a name means; with an ending it must be whole, with a folder it means none."""
    ending = Path(text).suffix.casefold() in ENDINGS
    wanted = spellings(Path(text).stem if ending else text)
    if not wanted or len(Path(text).parts) > 1:
        return []
    names = {entry: _names(entry) for entry in entries}
    bare = {entry: frozenset(map(without_article, spelled)) for entry, spelled in names.items()}
    bare_wanted = frozenset(map(without_article, wanted))
    whole = [entry for entry in entries if names[entry] & wanted] or [
        entry for entry in entries if bare[entry] & bare_wanted
    ]
    if whole or ending:
        return whole
    return _beginning(names, wanted) or _beginning(bare, bare_wanted)


def _beginning(names: dict[IndexEntry, frozenset[str]], wanted: frozenset[str]) -> list[IndexEntry]:
    return [entry for entry, spelled in names.items() if any(n.startswith(tuple(wanted)) for n in spelled)]


def _many(text: str, found: Sequence[IndexEntry]) -> str:
    names = [entry.name for entry in found[:4]]
    listed = ", ".join(names[:-1]) + f" or {names[-1]}"
    more = " or others" if len(found) > 4 else ""
    return f"{shown(text)} may mean {listed}{more}: write more of the name"


def _none(text: str, entries: Sequence[IndexEntry]) -> str:
    import difflib

    wanted = plain(Path(text).stem if text else text)
    names = {plain(entry.name): entry.name for entry in entries}
    near = [names[name] for name in difflib.get_close_matches(wanted, names, 3, 0.5)]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no file and no song of the project is called {shown(text)}: {hint}`xylophone songs` lists them"
