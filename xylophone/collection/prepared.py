"""What is asked of arranging, and a song made ready to be played by it, here or in a worker process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..arranger import DEFAULT_PRESET, Arrangement, Weights, arrange, preset
from ..arranger.silence import without_silence
from ..config import Chosen, Saved, Settings, read_saved
from ..config.beside import ENDING
from ..errors import OptionError, SilentSong, XylophoneError
from ..instrument import Instrument
from ..midifile import load_song
from ..midifile.texts import decoded
from ..song import Song
from ..words import clock_time
from .library import STANDARD_INPUT

CHOSEN = (
    "tracks",
    "channels",
    "mute_tracks",
    "mute_channels",
    "drums",
    "transpose",
    "original_key",
    "preset",
)


@dataclass(frozen=True)
class Asked:
    """What the command line asks of arranging, and what holds where neither it nor a saved file says more."""

    chosen: Chosen
    weights: Weights
    with_saved: bool = True
    encoding: str | None = None

    @classmethod
    def take(cls, options: dict[str, Any], found: Settings) -> Asked:
        """Take the arranging options out of a command's keyword arguments; OptionError for no preset."""
        octaves = dict(options.pop("octave", ()))
        with_saved, encoding = (
            not options.pop("no_saved", False),
            _known_encoding(options.pop("encoding", None)),
        )
        given = {key: options.pop(key) for key in CHOSEN}
        preset(given["preset"] or DEFAULT_PRESET)
        return cls(Chosen(**given, octaves=octaves), found.arrange.weights, with_saved, encoding)

    def saved(self, path: Path) -> Saved | None:
        """Return what is saved beside a song, None where nothing is or it is not asked for."""
        return read_saved(path) if self.with_saved and path != STANDARD_INPUT else None

    def arguments(self, saved: Saved | None = None) -> dict[str, Any]:
        """Return the keyword arguments of `arrange`: the command line, then what is saved, then settings."""
        chosen = self.chosen.over(saved.chosen) if saved else self.chosen
        return {
            "tracks": chosen.tracks,
            "channels": chosen.channels,
            "mute_tracks": chosen.mute_tracks or (),
            "mute_channels": chosen.mute_channels or (),
            "drums": bool(chosen.drums),
            "transpose": chosen.transpose,
            "original_key": bool(chosen.original_key),
            "octaves": chosen.octaves,
            "weights": preset(chosen.preset) if chosen.preset else self.weights,
        }

    def arrange(self, path: Path, song: Song, instrument: Instrument) -> Arrangement:
        """Arrange a song that was read from a file as the user asks, and as is saved beside it.

        OptionError for a track that the song has not, ConfigError where what is saved is broken.
        """
        saved = self.saved(path)
        if saved:
            saved.check_tracks(track.number for track in song.tracks)
        return arrange(song, instrument, **self.arguments(saved))


def titled(song: Song, path: Path) -> str:
    """Return what a song is called where it is told of: its title, else the name of its file."""
    return song.title.strip() or ("standard input" if path == STANDARD_INPUT else path.name)


KEEPS_IT = "--as-written keeps it"
"""The remedy for silence that is cut."""


@dataclass(frozen=True)
class Prepared:
    """A song that can be played, and the lines that are to be told of it."""

    piece: Arrangement
    told: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A song that is not played, and why; a silent one is no mistake."""

    path: Path
    error: XylophoneError

    @property
    def failed(self) -> XylophoneError | None:
        """The error, None where it is none."""
        return None if isinstance(self.error, SilentSong) else self.error

    @property
    def words(self) -> tuple[str, ...]:
        """Lines that say which file is left out, and why."""
        name = str(self.path)
        if self.failed is None:
            return (f"{name} is silent, and left out",)
        before = "left out: " if self._names_it else f"left out: {name}: "
        return tuple(f"{before}{line}" for line in self.error.lines)

    @property
    def _names_it(self) -> bool:
        names = (self.path.name, f"{self.path.stem}{ENDING}")
        return all(any(name in line for name in names) for line in self.error.lines)


def start_gone(start: float) -> str:
    """Return a line that says that the place at which a song was to begin is left out with it."""
    return f"{clock_time(start)} was where that one was to begin: the next song plays from its beginning"


@dataclass(frozen=True)
class Preparation:
    """How songs are made ready: for which instrument, as who asks for them; fit for pickle."""

    asked: Asked
    instrument: Instrument
    as_written: bool = False

    def __call__(self, path: Path) -> Prepared:
        """Return the song of a file, ready to be played, with a title; XylophoneError where it cannot be."""
        song = load_song(path, self.asked.encoding)
        told = tuple(f"warning: {path.name}: {warning}" for warning in song.warnings)
        song = replace(song, title=titled(song, path))
        piece = self.asked.arrange(path, song, self.instrument).require_notes()
        if self.as_written:
            return Prepared(piece, told)
        piece, silence = without_silence(piece)
        return Prepared(piece, (*told, f"{song.title}: {silence}; {KEEPS_IT}") if silence else told)

    def tried(self, path: Path) -> Prepared | LeftOut:
        """Return the song of a file, ready to be played, or why it is left out."""
        try:
            return self(path)
        except XylophoneError as error:
            return LeftOut(path, error)
        except MemoryError:
            return LeftOut(path, XylophoneError("it needs more memory than there is: give a shorter song"))


def _known_encoding(name: str | None) -> str | None:
    """Return the name of an encoding of text; OptionError for what Python knows none of."""
    try:
        "".encode(name or "utf-8")  # what is no encoding of text says so here
        decoded(bytes(range(256)), name or "utf-8")
    except (LookupError, ValueError) as error:  # some cannot leave a letter out
        raise OptionError(
            f"no encoding of text is called {name!r}: give utf-8, cp1252, shift_jis, gbk, big5, ..."
        ) from error
    return name
