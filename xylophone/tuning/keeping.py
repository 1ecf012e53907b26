"""Keeping calibrations: each that was ever in force stays, under a number, and can be returned to.

The folder calibration.versions beside calibration.toml holds them, named by their number and that of the one
each was made from: 4-after-3.toml. Number 0 is none: the hammers as if never tuned. Which one is in
force is said by the calibration file alone, by its bytes. So one file that is replaced, or deleted, is the
whole of a change, and a change that is cut short has happened or has not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ..calibration.file import calibration_for, checked_text
from ..calibration.values import Calibration
from ..errors import FileError
from ..files import (
    MOST_TEXT_BYTES,
    alone_with,
    make_folder,
    read_bytes,
    remove_file,
    rename_file,
    write_bytes,
)
from ..instrument import Instrument

KEPT = 50
"""So many versions are kept: of the newest, and of those that led to the one in force."""

NEVER_TUNED = 0
"""The number that stands for no calibration file."""

_NAME = re.compile(r"([1-9][0-9]*)-after-(0|[1-9][0-9]*)\.toml(\.new)?")
"""The name of a version's file; it ends in '.new' until the version is in force."""


@dataclass(frozen=True, slots=True)
class Version:
    """A calibration that was in force: its number, that of the one it was made from, and its file."""

    number: int
    made_from: int
    file: Path


@dataclass(frozen=True)
class Versions:
    """What is kept of the calibration file `path`, rising by number, and the number of the one in force.

    A file in force that is like no version, since somebody has edited or copied it, counts as the
    newest one, made from the newest that is kept. One whose change was cut short before its file had got its
    name was in force if the calibration file begins with its number, edited or not.
    """

    path: Path
    known: tuple[Version, ...]
    present: int

    @classmethod
    def read(cls, path: Path) -> Versions:
        """Return what is kept of a calibration file; FileError where something of it cannot be read."""
        folder = folder_of(path)
        while True:
            names = _names(folder)
            try:
                content = read_bytes(path, MOST_TEXT_BYTES) if os.path.lexists(path) else None
                found = {name: read_bytes(folder / name, MOST_TEXT_BYTES) for name in names}
            except FileError:
                if _names(folder) == names:
                    raise
                continue  # another program has changed something meanwhile
            if _names(folder) == names:
                return cls._of(path, content, found)

    @classmethod
    def _of(cls, path: Path, content: bytes | None, found: dict[str, bytes]) -> Versions:
        begins = None if content is None else content.partition(b"\n")[0]  # as of no other version
        there = {
            name: held
            for name, held in found.items()
            if not name.endswith(".new") or held.partition(b"\n")[0] == begins
        }
        known = tuple(sorted((_version(path, name) for name in there), key=lambda one: one.number))
        same = [one.number for one in known if there[one.file.name] == content]
        if content is None or same:
            return cls(path, known, max(same, default=NEVER_TUNED))
        newest = known[-1].number if known else NEVER_TUNED
        return cls(path, (*known, Version(newest + 1, newest, path)), newest + 1)

    @property
    def newest(self) -> int:
        """The highest number."""
        return self.known[-1].number if self.known else NEVER_TUNED

    def version(self, number: int) -> Version:
        """Return the version of a number; FileError for one that is not kept."""
        for version in self.known:
            if version.number == number:
                return version
        raise FileError(
            f"version {number} of {self.path} is not kept: xylophone tune log lists those that are, and "
            "xylophone tune undo --to returns to one"
        )

    def before(self) -> int:
        """Return the number of what the version in force was made from; FileError where none is in force."""
        if self.present == NEVER_TUNED:
            kept = "; xylophone tune log lists what is kept" if self.known else ""
            raise FileError(f"there is no {self.path}: nothing is tuned, so nothing can be taken back{kept}")
        return self.version(self.present).made_from

    def stay(self) -> set[int]:
        """Return the numbers of those that stay: the newest KEPT, and as many that led to that in force."""
        made_from = {version.number: version.made_from for version in self.known}
        staying, number = set(sorted(made_from)[-KEPT:]), self.present
        for _ in range(KEPT):
            staying.add(number)
            number = made_from.get(number, NEVER_TUNED)
        return staying


class Held:
    """A calibration file that nobody else changes meanwhile; `hold` makes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._settle()

    def keep(self, calibration: Calibration, when: datetime, backend: str) -> Calibration:
        """Put a calibration in force, dated, as the newest version; return it as it was written.

        What was in force until then is kept byte for byte. FileError where something cannot be written,
        CalibrationError as `checked_text` does; then all is as it was.
        """
        dated = replace(calibration, tuned=when.isoformat(timespec="seconds"), backend=backend)
        text = checked_text(self.path, dated)
        versions = self._adopt()
        number = versions.newest + 1
        head = f"# Version {number}, made from {versions.present}; xylophone tune log lists all.\n"
        content = (head + text).encode()
        new = folder_of(self.path) / f"{number}-after-{versions.present}.toml.new"
        try:
            write_bytes(new, content)
            write_bytes(self.path, content)
        finally:
            self._settle()
        self._thin()
        return dated

    def take_back(self, number: int, instrument: Instrument) -> None:
        """Put a version in force again, or, for NEVER_TUNED, none; what was in force until then is kept.

        FileError where it is not kept or cannot be read or written, CalibrationError where it is broken or
        for another instrument; then all is as it was.
        """
        if number == NEVER_TUNED:
            if self._adopt().present != NEVER_TUNED:
                remove_file(self.path)
            return
        file = Versions.read(self.path).version(number).file
        calibration_for(instrument, file)
        content = read_bytes(file)
        self._adopt()
        write_bytes(self.path, content)

    def _adopt(self) -> Versions:
        """Keep what is in force, where somebody else has put it there; return what is kept then."""
        versions = Versions.read(self.path)
        make_folder(folder_of(self.path), "name a file elsewhere with --calibration")
        if versions.known and versions.known[-1].file == self.path:
            number, made_from = versions.newest, versions.known[-1].made_from
            file = folder_of(self.path) / f"{number}-after-{made_from}.toml"
            write_bytes(file, read_bytes(self.path))
        return versions

    def _settle(self) -> None:
        """End a change that was cut short: what came into force gets its name, what did not is forgotten."""
        folder = folder_of(self.path)
        known = {version.file.name for version in Versions.read(self.path).known}
        for name in _names(folder):
            if name.endswith(".new") and name in known:
                rename_file(folder / name, folder / name.removesuffix(".new"))
            elif name.endswith(".new"):
                remove_file(folder / name)
        for left in folder.glob(".xylophone-*.tmp"):
            remove_file(left)

    def _thin(self) -> None:
        versions = Versions.read(self.path)
        for version in versions.known:
            if version.number not in versions.stay():
                remove_file(version.file)


@contextmanager
def hold(path: Path) -> Iterator[Held]:
    """Hold a calibration file while the block runs, to read, change and keep it; others wait so long.

    Its folder is made. FileError where that cannot be, or another program holds it too long.
    """
    make_folder(path.parent, "name a file elsewhere with --calibration")
    with alone_with(path):
        yield Held(path)


def folder_of(path: Path) -> Path:
    """Return the folder where the versions of a calibration file are kept: calibration.versions."""
    return path.with_name(f"{path.name.removesuffix('.toml')}.versions")


def _names(folder: Path) -> list[str]:
    """Return the names of all versions' files, also of those not in force yet; no pipes or folders."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as there:
        return sorted(one.name for one in there if _NAME.fullmatch(one.name) and one.is_file())


def _version(path: Path, name: str) -> Version:
    found = _NAME.fullmatch(name)
    assert found
    return Version(int(found[1]), int(found[2]), folder_of(path) / name)
