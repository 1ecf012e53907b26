"""A song made ready to be played, here or in a worker process, and what has to be said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..arranger import Arrangement
from ..arranger.silence import without_silence
from ..config.beside import ENDING
from ..errors import SilentSong, XylophoneError
from ..instrument import Instrument
from ..midifile import load_song
from .printing import warn
from .song_options import Asked, titled

KEEPS_IT = "--as-written keeps it"
"""The remedy for silence that is cut."""


@dataclass(frozen=True)
class Prepared:
    """A song that can be played, and the lines that are to be told of it."""

    piece: Arrangement
    told: tuple[str, ...]

    def tell(self) -> None:
        """Print on stderr what has to be said of it."""
        for line in self.told:
            warn(line)


@dataclass(frozen=True)
class LeftOut:
    """A song that is not played, and why; a silent one is no mistake."""

    path: Path
    error: XylophoneError

    @property
    def failed(self) -> XylophoneError | None:
        """The error, None where it is none."""
        return None if isinstance(self.error, SilentSong) else self.error

    def tell(self) -> None:
        """Print on stderr which file is left out, and why."""
        name = str(self.path)
        if self.failed is None:
            warn(f"{name} is silent, and left out")
        else:
            warn(self.error, "left out: " if self._names_it else f"left out: {name}: ")

    @property
    def _names_it(self) -> bool:
        names = (self.path.name, f"{self.path.stem}{ENDING}")
        return all(any(name in line for name in names) for line in self.error.lines)


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
