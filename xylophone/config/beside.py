"""Beside a song: tune.arrange.toml keeps what somebody chose about arranging tune.mid.

The program writes it and takes it up whenever the song is arranged; people may edit it. It is read as
strictly as xylophone.toml, and a checking library is imported only where such a file is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, FileError
from ..files import is_there, make_folder, read_text, read_toml, remove_file, write_text
from .places import user_folder

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

ENDING = ".arrange.toml"

OWN_SONGS = tuple(Path(__file__).resolve().parents[depth] / "songs" for depth in (1, 2))
"""Where the project's own songs are, installed or in a checkout."""


@dataclass(frozen=True)
class Chosen:
    """What somebody chose about arranging a song, None for what was left open.

    Tracks are numbered as in `Song.tracks`, channels 1..16; `octaves` moves tracks. What the values may be,
    `arrange` says.
    """

    tracks: tuple[int, ...] | None = None
    channels: tuple[int, ...] | None = None
    mute_tracks: tuple[int, ...] | None = None
    mute_channels: tuple[int, ...] | None = None
    drums: bool | None = None
    transpose: int | None = None
    original_key: bool | None = None
    preset: str | None = None
    octaves: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def given(self) -> dict[str, Any]:
        """What was chosen, by name; what was left open is not in it."""
        values = {key.name: getattr(self, key.name) for key in fields(self)}
        return {name: value for name, value in values.items() if value is not None and value != {}}

    @property
    def named_tracks(self) -> set[int]:
        """The tracks that are named in it, whatever is to become of them."""
        return {*(self.tracks or ()), *(self.mute_tracks or ()), *self.octaves}

    def over(self, other: Chosen) -> Chosen:
        """Return these choices and, where they leave something open, those of another; octaves by track."""
        both = other.given | self.given
        return Chosen(**(both | {"octaves": {**other.octaves, **self.octaves}}))


@dataclass(frozen=True)
class Saved:
    """What is saved beside a song, and in which file."""

    path: Path
    chosen: Chosen

    def check_tracks(self, there: Iterable[int]) -> None:
        """Raise ConfigError where the file names a track that is not among those of the song."""
        there = sorted(there)
        if unknown := sorted(self.chosen.named_tracks - set(there)):
            listed = ", ".join(str(track) for track in there) or "none"
            raise ConfigError(
                f"{self.path}: the song has no notes in track {unknown[0]}, its tracks are {listed}: "
                "mend the file, or leave it out with --no-saved"
            )


def saved_place(song: Path) -> Path:
    """Return where choices for a song are kept: tune.arrange.toml beside tune.mid.

    Those for the project's own songs are in the user's folder, since the songs are replaced with the program.
    """
    user = user_folder(os.environ)
    if user is None or song.absolute().parent not in OWN_SONGS:
        return song.with_name(song.stem + ENDING)
    return user / "songs" / f"{song.stem}{ENDING}"


def read_saved(song: Path) -> Saved | None:
    """Return what is saved beside a song, None where nothing is.

    Raises ConfigError, a line for each mistake, and FileError for a file that cannot be read.
    """
    path = saved_place(song)
    if not is_there(path):
        return None
    content = read_toml(path, ConfigError)
    from pydantic import ValidationError

    from .mistakes import config_error, mistakes_of
    from .schema import SavedTable

    try:
        table = SavedTable.model_validate(content)
    except ValidationError as error:
        raise config_error(path, read_text(path), mistakes_of(error)) from error
    values = table.model_dump(exclude_none=True)
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    octaves = {int(track): octave for track, octave in table.octaves.items()}
    return Saved(path, Chosen(**(values | lists | {"octaves": octaves})))


def make_place(song: Path) -> Path:
    """Return where choices for a song are kept, its folder made where that is the user's; FileError."""
    path = saved_place(song)
    if path.parent != song.parent:
        make_folder(path.parent, "set XDG_CONFIG_HOME to a folder to write in")
    return path


def write_saved(song: Path, chosen: Chosen) -> Path:
    """Write what was chosen beside a song, and return the file; an octave of 0 is left out.

    Comments in a file that is there stay. Raises ConfigError where such a file is broken, FileError
    where it cannot be written; then it is as it was.
    """
    import tomlkit

    path = make_place(song)
    if path.is_symlink():
        raise FileError(f"cannot write {path}: it is a link, which may lead anywhere: delete it")
    document = _document(song, path)
    _fill(document, chosen)
    write_text(path, tomlkit.dumps(document).rstrip("\n") + "\n")
    return path


def forget_saved(song: Path) -> Path | None:
    """Delete what is saved beside a song, and return the file; None where nothing is. FileError."""
    path = saved_place(song)
    if not os.path.lexists(path):
        return None
    remove_file(path)
    return path


def _document(song: Path, path: Path) -> TOMLDocument:
    """Return the file as it is, checked, or a new one."""
    import tomlkit

    if read_saved(song) is not None:
        return tomlkit.parse(read_text(path))
    document = tomlkit.document()
    about = f"What `xylophone arrange --save` keeps for {song.name} (docs/arranging.md)."
    document.add(tomlkit.comment("".join(sign for sign in about if sign.isprintable())))
    return document


def _fill(document: TOMLDocument, chosen: Chosen) -> None:
    """Let a document say what was chosen, and nothing else; its table of octaves stays the last."""
    octaves = {str(track): octave for track, octave in sorted(chosen.octaves.items()) if octave}
    for key in [key for key in document if key not in chosen.given or (key == "octaves")]:
        del document[key]
    for key, value in chosen.given.items():
        if key != "octaves":
            document[key] = list(value) if isinstance(value, tuple) else value
    if octaves:
        document["octaves"] = octaves
