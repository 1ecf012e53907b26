"""A backup: one file with home database, configuration, calibration, choices and the family's songs."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ..config import Settings
from ..config.beside import ENDING, OWN_SONGS, saved_place
from ..config.places import user_folder
from ..errors import FileError
from ..files import replace_file
from ..tuning.checking import history_of
from ..tuning.keeping import folder_of
from . import contents
from .entries import Shelved
from .store import NAME, Store
from .trouble import BESIDE

_CHUNK = 2**20


def write_backup(target: Path, found: Settings, now: datetime) -> list[str]:
    """Write a backup of what is in force; return the names of its members. FileError.

    The database is copied as it is at one moment, whoever else writes to it.
    """
    with TemporaryDirectory() as aside, Store.open(found.home.folder / NAME) as store:
        copy = Path(aside, contents.DATABASE)
        store.copy_to(copy)
        files = {contents.DATABASE: copy, **_instrument(found), **dict(_songs(store.songs()))}
        _check_apart(target, [store.path, *files.values()])
        with replace_file(target) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            members = {}
            for name, path in files.items():
                members[name] = _pack(archive, name, path)
            manifest = contents.Manifest(now.isoformat(timespec="seconds"), members)
            archive.writestr(contents.MANIFEST, manifest.text())
    return list(files)


def _check_apart(target: Path, files: list[Path]) -> None:
    """Refuse to write a backup in place of what it would hold; FileError."""
    database = files[0]
    beside = [database.with_name(f"{database.name}{ending}") for ending in BESIDE]
    if target.resolve() in {path.resolve() for path in (*beside, *files)}:
        raise FileError(f"cannot write {target}: it is among what the backup would hold: name another file")


def _instrument(found: Settings) -> dict[str, Path]:
    """Return the files of the instrument: configuration, calibration with all that belongs to it, choices."""
    files = {} if found.config is None else {contents.CONFIG: found.config}
    if (home := found.calibration_home) is not None:
        files |= {contents.CALIBRATION: home, contents.HISTORY: history_of(home)}
        kept = sorted(folder_of(home).glob("*-after-*.toml"))
        files |= {f"{contents.VERSIONS}/{path.name}": path for path in kept}
    if (user := user_folder(os.environ)) is not None:
        chosen = sorted((user / "songs").glob(f"*{ENDING}"))
        files |= {f"{contents.CHOICES}/{path.name}": path for path in chosen}
    return {name: path for name, path in files.items() if path.is_file() and contents.belongs(name)}


def _songs(songs: list[Shelved]) -> Iterator[tuple[str, Path]]:
    """Yield the songs of the shelf that are not the project's own, with what is saved beside each."""
    for song in songs:
        if song.path is None or song.path.parent in OWN_SONGS or _digest(song.path) != song.about.digest:
            continue
        name = f"{contents.SONGS}/{song.about.digest.hex()}"
        yield f"{name}.mid", song.path
        if (beside := saved_place(song.path)).is_file():
            yield f"{name}{ENDING}", beside


def _digest(path: Path) -> bytes:
    said = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            said.update(chunk)
    return said.digest()


def _pack(archive: zipfile.ZipFile, name: str, path: Path) -> tuple[int, str]:
    """Put a file into the archive; return its size and digest as they were packed."""
    said, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    try:
        with path.open("rb") as file, archive.open(info, "w", force_zip64=True) as member:
            while chunk := file.read(_CHUNK):
                said.update(chunk)
                size += len(chunk)
                member.write(chunk)
    except FileNotFoundError as error:
        raise FileError(f"cannot read {path}: it went away meanwhile: make the backup again") from error
    return size, said.hexdigest()
