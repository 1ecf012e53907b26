"""Songs as they are told to the owner: a file, and what is asked of arranging it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..arranger import Weights
from ..collection.library import STANDARD_INPUT
from ..collection.prepared import Asked
from ..config import Chosen
from ..errors import OptionError
from .commands import MOST_ENTRIES
from .lines import MOST_BYTES, written

ROOM = MOST_BYTES - 1024
"""Bytes of a line that songs may take; the rest is for what else a command says."""

_LISTS = ("tracks", "channels", "mute_tracks", "mute_channels")


def song_of(path: Path, asked: Asked, as_written: bool = False) -> dict[str, Any]:
    """Return a song as a line of the socket has it; OptionError for standard input, which is no file."""
    if path == STANDARD_INPUT:
        raise OptionError("the owner cannot read standard input: save the song as a file and name that")
    song = {"path": str(path.absolute()), **asked.chosen.given}
    song |= {name: list(song[name]) for name in _LISTS if name in song}
    if asked.chosen.octaves:
        song["octaves"] = [list(pair) for pair in asked.chosen.octaves.items()]
    more = {
        "saved": None if asked.with_saved else False,
        "encoding": asked.encoding,
        "as_written": as_written or None,
    }
    return song | {name: value for name, value in more.items() if value is not None}


def asked_of(song: Mapping[str, Any], weights: Weights) -> Asked:
    """Return what a song of a line asks of arranging; `weights` hold where it says nothing.

    >>> song = {"path": "/a.mid", "tracks": [0], "octaves": [[3, -1]], "saved": False}
    >>> asked_of(song, preset("solo")).chosen.octaves
    {3: -1}
    """
    given = {name: song[name] for name in Chosen.__dataclass_fields__ if name in song and name != "octaves"}
    given |= {name: tuple(given[name]) for name in _LISTS if name in given}
    octaves = dict(song.get("octaves", ()))
    return Asked(Chosen(**given, octaves=octaves), weights, song.get("saved", True), song.get("encoding"))


def in_lines(songs: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield songs in lists each of which a line has room for, in their order."""
    batch, size = list[dict[str, Any]](), 0
    for song in songs:
        more = len(written(song))
        if batch and (size + more > ROOM or len(batch) == MOST_ENTRIES):
            yield batch
            batch, size = [], 0
        batch.append(song)
        size += more
    if batch:
        yield batch
