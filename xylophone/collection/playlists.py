"""Folders of songs, and lists of them (.m3u, .m3u8), read and written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import FileError, XylophoneError
from ..files import read_bytes, write_text
from ..midifile.foreign import ENDINGS
from .library import STANDARD_INPUT, find_song, find_songs, natural

LIST_ENDINGS = (".m3u", ".m3u8")

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def songs_meant(name: str) -> list[Path | XylophoneError]:
    """Return the songs that a name means, with an error for each that a list or a folder cannot give.

    A folder means all below it, unless it is called like one of the project's songs, a list what it lists;
    else it is as `find_songs` has it, which raises.
    """
    if os.path.isdir(name):
        return _below(name)
    if name.casefold().endswith(LIST_ENDINGS) and os.path.isfile(name):
        return list(listed(Path(name)))
    return [*find_songs([name])]


def _below(name: str) -> list[Path | XylophoneError]:
    try:
        return [find_song(name)]
    except FileError:
        return folder_songs(Path(name))


def folder_songs(folder: Path) -> list[Path | XylophoneError]:
    """Return the songs below a folder in natural order, those in hidden files and folders left out.

    An error stands for each folder that cannot be read; FileError where there is no song.
    """
    found: list[Path] = []
    refused: list[XylophoneError] = []

    def refuse(error: OSError) -> None:
        refused.append(FileError(f"{error.filename}: {error.strerror}: change its permissions"))

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        songs = (name for name in names if name.casefold().endswith(ENDINGS) and not name.startswith("."))
        found += [Path(place, name) for name in songs]
    if not found and not refused:
        raise FileError(f"no file below {folder} ends in {', '.join(ENDINGS)}: name the folder of your songs")
    return [*refused, *sorted(found, key=natural)]


def listed(path: Path) -> Iterator[Path | XylophoneError]:
    """Yield the songs of a list in its order, an error for each that is missing; FileError for an empty one.

    Paths count from the list's folder, and may be written with backslashes. The text is UTF-8, else cp1252.
    """
    lines = _text(read_bytes(path)).splitlines()
    entries = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    if not entries:
        raise FileError(f"{path} lists no songs: write a path in each line")
    for number, line in entries:
        yield _entry(path, number, line)


def write_list(target: Path, songs: Sequence[Path]) -> None:
    """Write a list of songs, with paths from its folder where there are such; FileError."""
    if unfit := [song for song in songs if song == STANDARD_INPUT or not str(song).isprintable()]:
        raise FileError(f"cannot list {str(unfit[0])!r}: its name fits in no line of text: leave it out")
    write_text(target, "".join(f"{line}\n" for line in ("#EXTM3U", *(_line(target, song) for song in songs))))


def _line(target: Path, song: Path) -> str:
    try:
        relative = Path(os.path.relpath(song, target.absolute().parent)).as_posix()
    except ValueError:  # on another drive
        return str(song.absolute())
    return f"./{relative}" if relative[0] in "# " else relative


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _entry(path: Path, number: int, line: str) -> Path | XylophoneError:
    place = f"{path}, line {number}"
    if _ADDRESS.match(line.strip()):
        return FileError(f"{place}: {line.strip()} is an address: download the file, and list that")
    for name in (line, line.strip(), line.strip().replace("\\", "/")):
        song = path.parent / name
        if "\0" not in name and os.path.isfile(song):
            return song
    return FileError(f"{place}: there is no file {line.strip()}: mend the list")
