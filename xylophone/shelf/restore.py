"""A backup brought back: checked whole before anything is replaced, and taken back where it does not work."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from ..calibration.file import calibration_for
from ..config import Settings, load_settings, read_saved
from ..config.beside import ENDING
from ..config.places import FILE_NAME, Place, calibration_home, home_folder, user_folder
from ..errors import ConfigError, FileError
from ..files import alone_with
from ..tuning.checking import history_of
from ..tuning.keeping import folder_of
from . import contents
from .replacing import replace_together, take_back
from .store import NAME, OWN_SONGS, PATIENCE, Store
from .trouble import ready_folder, told

_STAGING = ".restoring-"


@dataclass(frozen=True)
class Unpacked:
    """A backup that was checked: the folder with its members, and what it says of itself."""

    folder: Path
    manifest: contents.Manifest

    def has(self, name: str) -> bool:
        """Tell whether a member is in it."""
        return name in self.manifest.members

    def within(self, folder: str) -> Iterator[Path]:
        """Yield the members below one of its folders."""
        yield from (self.folder / name for name in self.manifest.members if name.startswith(f"{folder}/"))


@contextmanager
def unpacked(path: Path, found: Settings) -> Iterator[Unpacked]:
    """Give a backup, unpacked beside the home database and checked whole; FileError, ConfigError."""
    home = found.home.folder
    ready_folder(home)
    for left in home.glob(f"{_STAGING}*"):
        rmtree(left, ignore_errors=True)
    with _staged(home) as staged:
        backup = Unpacked(Path(staged), contents.unpack(path, Path(staged)))
        _check(backup, found)
        yield backup


@contextmanager
def _staged(home: Path) -> Iterator[str]:
    try:
        staged = TemporaryDirectory(prefix=_STAGING, dir=home)
    except OSError as error:
        raise FileError(f"cannot write in {home}: {error.strerror or error}: see [home] folder") from error
    with staged as folder:
        yield folder


def restore(backup: Unpacked, found: Settings, comes_up: Callable[[], bool] = lambda: True) -> bool:
    """Put what a backup holds in force; return whether it stays, which `comes_up` is asked for.

    Where it does not come up, or anything fails, all is as it was, also after a power cut. What the backup
    does not hold stays, but for versions of a calibration. FileError, also while another program has the
    database open.
    """
    home = found.home.folder
    take_back(home)
    _let_go(home / NAME)
    new: dict[Path, Path | None] = {home / f"{NAME}-wal": None, home / f"{NAME}-shm": None}
    new[home / NAME] = backup.folder / contents.DATABASE
    new |= {home / OWN_SONGS / path.name: path for path in backup.within(contents.SONGS)}
    if (user := user_folder(os.environ)) is not None:
        new |= {user / "songs" / path.name: path for path in backup.within(contents.CHOICES)}
    instrument = _instrument(backup, found, user)
    with ExitStack() as held:
        for path in [one for one in instrument if one.suffix == ".toml" and one.parent.is_dir()]:
            if path.parent.suffix != folder_of(path).suffix:  # no version, which nobody changes
                held.enter_context(alone_with(path))
        return replace_together(home, new | instrument, comes_up)


def _instrument(backup: Unpacked, found: Settings, user: Path | None) -> dict[Path, Path | None]:
    """Return what becomes of configuration and calibration; the configuration last."""
    new: dict[Path, Path | None] = {}
    config, tuned = _target(backup, found, user), _calibration(backup, found, user)
    versions = {path.name: path for path in backup.within(contents.VERSIONS)}
    tuning = backup.has(contents.CALIBRATION)
    if tuned is not None and (tuning or versions):  # versions alone: it was taken back to never tuned
        new[tuned] = backup.folder / contents.CALIBRATION if tuning else None
        new |= dict.fromkeys(folder_of(tuned).glob("*-after-*.toml*"))
        new |= {folder_of(tuned) / name: path for name, path in versions.items()}
        if backup.has(contents.HISTORY):
            new[history_of(tuned)] = backup.folder / contents.HISTORY
    if backup.has(contents.CONFIG) and config is not None:
        new[config] = backup.folder / contents.CONFIG
    return new


def _target(backup: Unpacked, found: Settings, user: Path | None) -> Path | None:
    """Return where the configuration is, or will be."""
    if found.config is not None or not backup.has(contents.CONFIG):
        return found.config
    return None if user is None else user / FILE_NAME


def _restored(backup: Unpacked) -> Settings:
    """Return the settings that a backup's configuration leads to; ConfigError."""
    named = backup.folder / contents.CONFIG if backup.has(contents.CONFIG) else None
    return load_settings(named, environ={"HOME": str(backup.folder)}, working=backup.folder / "none")


def _calibration(backup: Unpacked, found: Settings, user: Path | None) -> Path | None:
    """Return where the calibration of the restored configuration belongs."""
    config = _target(backup, found, user)
    url = _restored(backup).backend if backup.has(contents.CONFIG) else found.backend
    return calibration_home(None if config is None else Place(config, "--config"), user, url)


def _check(backup: Unpacked, found: Settings) -> None:
    """Raise FileError, ConfigError or CalibrationError where something in a backup could not be used."""
    if not backup.has(contents.DATABASE):
        raise FileError("the backup has no home.db: take another one")
    with Store.open(backup.folder / contents.DATABASE) as store:
        store.check()
    for path in (*backup.within(contents.CHOICES), *backup.within(contents.SONGS)):
        if path.name.endswith(ENDING):
            read_saved(path.with_name(f"{path.name.removesuffix(ENDING)}.mid"))
        elif backup.manifest.members[f"{contents.SONGS}/{path.name}"][1] != path.stem:
            raise FileError(f"the backup's {path.name} is another song than its name says: take another one")
    if backup.has(contents.CONFIG):
        _check_folder(backup, found)
    if backup.has(contents.CALIBRATION):
        instrument = _restored(backup).instrument if backup.has(contents.CONFIG) else found.instrument
        calibration_for(instrument, backup.folder / contents.CALIBRATION)


def _check_folder(backup: Unpacked, found: Settings) -> None:
    """Refuse a configuration that would have the database elsewhere than it is restored."""
    from ..config.building import read_config

    asked = read_config(backup.folder / contents.CONFIG).home.folder
    config = found.config or (user_folder(os.environ) or Path()) / FILE_NAME
    there = home_folder(asked, Place(config, "--config"), os.environ)
    if there != found.home.folder:
        raise ConfigError(
            f"the backup's xylophone.toml keeps its home in {there}, here it is {found.home.folder}: "
            "write that folder into [home] here, then restore"
        )


def _let_go(path: Path) -> None:
    """See to it that nobody has the database open, and that all of it is in its one file.

    A database that was closed in order is not changed by it. FileError where another program has it; a
    damaged one is let be, since it is replaced.
    """
    if not path.exists():
        return
    with told(path):
        base = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        try:
            base.execute("PRAGMA locking_mode = EXCLUSIVE")
            base.execute("BEGIN EXCLUSIVE")
            base.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise FileError(
                    f"cannot replace {path}: another program has it open: end what plays, then restore"
                ) from error
            if isinstance(error, sqlite3.OperationalError):
                raise
        finally:
            base.close()
