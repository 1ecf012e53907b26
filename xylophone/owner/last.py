"""The queue as it was, on disk, so that an owner can go on with it after a power cut."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FileError, OptionError
from ..files import make_folder, read_bytes, write_bytes
from .commands import MOST_ENTRIES, checked
from .queue import Song

NAME = "queue.json"
MOST_BYTES = 2_000_000
BESIDE = 100
"""Bytes for what is said beside the songs."""


@dataclass(frozen=True)
class LastQueue:
    """The songs from the one that plays on, and whether they repeat; then all of them do, from the first."""

    songs: Sequence[Song] = ()
    repeat: bool = False

    @classmethod
    def read(cls, folder: Path) -> LastQueue:
        """Return what was kept in a folder, nothing where nothing was; FileError for a damaged file."""
        path = folder / NAME
        if not os.path.exists(path):  # a folder that is closed to us raises nothing here
            return cls()
        content = read_bytes(path, MOST_BYTES)
        try:
            found: dict[str, Any] = json.loads(content)
            for song in found["songs"]:
                checked({"id": 0, "do": "add", "songs": [song]})
            return cls(tuple(found["songs"]), found["repeat"] is True)
        except (ValueError, TypeError, KeyError, RecursionError, OptionError) as error:
            raise FileError(f"{path} is damaged: delete it, and play something") from error

    def write(self, folder: Path) -> None:
        """Keep as much of this in a folder as is read back; it outlasts a power cut. FileError."""
        make_folder(folder, "set XDG_STATE_HOME to a folder to write in")
        kept = {"repeat": self.repeat, "songs": list(self._fitting())}
        write_bytes(folder / NAME, json.dumps(kept).encode() + b"\n")

    def _fitting(self) -> Iterator[Song]:
        """Yield the first songs, no more than are read back."""
        room = MOST_BYTES - BESIDE
        for song in self.songs[:MOST_ENTRIES]:
            room -= len(json.dumps(song)) + len(", ")
            if room < 0:
                return
            yield song
