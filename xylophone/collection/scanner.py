"""Scanning: every MIDI file below some folders is arranged and scored, in parallel, and kept in a catalogue.

No file ends a scan: what cannot be read or played, what takes too long and what brings its process
down is kept with the reason.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arranger import arrange, judge
from ..clock import Clock, SystemClock
from ..errors import FileError, XylophoneError
from ..files import read_bytes
from ..instrument import Instrument
from ..midifile import MOST_SONG_BYTES, parse_song
from ..midifile.foreign import ENDINGS
from ..song import Song
from ..tables import NOTE, Ints, as_notes
from .catalogue import Catalogue, Found, Scored
from .tunes import first_alike, tune_of
from .workers import Lost, outcomes

if TYPE_CHECKING:
    from ..arranger import Arrangement

SCAN_VERSION = 4
"""Raised when a file would get another score or tune than before: then all are scored again."""

LIMIT = 60.0
"""s that one file may take."""

EVERY = 1.0
"""s after which what was found out is kept, if it is less than a batch."""

_LONGEST_REASON = 300


@dataclass(frozen=True)
class ScanSetting:
    """For what files are scored: the instrument, and the keyword arguments of `arrange`."""

    instrument: Instrument
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise OptionError for options that no song can be arranged with; of tracks only songs can tell."""
        tracks = {"tracks": None, "mute_tracks": ()}
        arrange(Song(as_notes(np.zeros(0, NOTE))), self.instrument, **{**self.options, **tracks})

    @property
    def key(self) -> str:
        """A digest: another one for another instrument, other options, another version of the scan."""
        chosen = sorted((name, repr(value)) for name, value in self.options.items())
        return hashlib.sha256(f"{SCAN_VERSION} {self.instrument!r} {chosen}".encode()).hexdigest()[:32]


def midi_files(folders: Iterable[Path], left_out: Callable[[str], object]) -> Iterator[Found]:
    """Yield the MIDI files below folders, by their endings; links to folders are not followed.

    FileError for a folder that is none; one further down that cannot be read is told to `left_out`.
    """

    def tell(error: OSError) -> None:
        left_out(f"{error.filename}: {error.strerror}: change its permissions, and scan again")

    for folder in folders:
        if not folder.is_dir():
            what = "a file: name its folder" if folder.exists() else "not there: check the name"
            raise FileError(f"{folder} is {what}")
        for place, _, names in os.walk(os.path.abspath(folder), onerror=tell):
            paths = (os.path.join(place, name) for name in names if name.casefold().endswith(ENDINGS))
            yield from filter(None, map(_found, paths))


def scan(
    catalogue: Catalogue,
    setting: ScanSetting,
    jobs: int,
    advance: Callable[[], object],
    clock: Clock | None = None,
) -> None:
    """Score what the catalogue waits for, in `jobs` processes; `advance` is called after each file."""
    clock = clock or SystemClock()
    kept = clock.now()
    score = partial(_score, setting)
    with closing(outcomes(score, catalogue.waiting(), jobs, LIMIT, clock)) as found:
        for file, fit in found:
            catalogue.add(*_row(file, fit))
            if clock.now() - kept >= EVERY:
                catalogue.commit()
                kept = clock.now()
            advance()
    catalogue.commit()


def fit_of(path: str, setting: ScanSetting) -> Scored:
    """Return what a file is on the instrument of a setting; no file raises."""
    known = Scored()
    try:
        content = read_bytes(path, MOST_SONG_BYTES)
        known = Scored(digest=hashlib.sha256(content).digest())
        song = parse_song(content, "this")
        known = replace(known, title=song.title, duration=song.duration, notes=len(song))
        return _scored(known, arrange(song, setting.instrument, **setting.options).require_notes())
    except XylophoneError as error:
        return replace(known, reason=_one_line(str(error)))
    except Exception as error:
        fault = f"{type(error).__name__} ({error}): a fault of xylophone: please report it with the file"
        return replace(known, reason=_one_line(fault))


def same_tunes(catalogue: Catalogue) -> list[int]:
    """Return for each file with a score, in the order of `Catalogue.fits`, the first with the same tune."""
    tunes: list[Ints] = []
    copies: list[tuple[int, int]] = []
    first: dict[bytes, int] = {}
    for number, (digest, tune) in enumerate(catalogue.tunes()):
        tunes.append(np.frombuffer(tune, "<u4"))
        copies.append((first.setdefault(digest, number), number))
    leaders: list[int] = first_alike(tunes, copies).tolist()
    return leaders


def _found(path: str) -> Found | None:
    """Return a file as it lies there, None for what is no plain file or went away."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return Found(path, about.st_size, about.st_mtime_ns // 1000) if stat.S_ISREG(about.st_mode) else None


def _score(setting: ScanSetting, file: Found) -> Scored:
    return fit_of(file.path, setting)


def _row(file: Found, fit: Scored | Lost) -> tuple[Found, Scored]:
    """Return the row to keep; a file whose content could not be had is to be tried again next time."""
    if isinstance(fit, Lost):
        return file, Scored(reason=fit.reason)
    return (file if fit.digest else replace(file, modified=-1)), fit


def _scored(known: Scored, arrangement: Arrangement) -> Scored:
    verdict = judge(arrangement)
    return replace(
        known,
        score=int(verdict.score),
        transpose=int(arrangement.transpose),
        kept=arrangement.kept,
        folded=arrangement.folded,
        merged=arrangement.merged,
        dropped=sum(arrangement.dropped.values()),
        melody=verdict.melody,
        tune=tune_of(arrangement).astype("<u4").tobytes(),
    )


def _one_line(text: str) -> str:
    """Return a reason on one line, of a length to be read, in letters that any output takes."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]} ..."
