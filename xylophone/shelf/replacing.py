"""Several files replaced together: all of them or none, also when the program is killed or the power fails.

What each file held is kept beside it, and a journal says so, before the first is replaced. Until the journal
says that it is done, whoever opens the shelf next puts everything back, by renaming, which needs no room.

A journal may have come with somebody's songs, and name files to delete. One that names files outside its own
folder counts only while the restore's word, which nobody can guess, lies in this user's state folder.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..config.places import state_folder
from ..errors import FileError
from ..files import make_folder, read_text, remove_file, rename_file, replace_file, write_text
from ..running import lockfile
from .trouble import ready_folder

JOURNAL = "restoring.json"
LOCK = "restoring.lock"

_REMEDY = "change its permissions, and restore again"


class Phase(StrEnum):
    """How far a replacement is: files change; what is new is tried; it stays, and what was kept goes."""

    REPLACING = "replacing"
    TRYING = "trying"
    DONE = "done"


@dataclass(frozen=True)
class Journal:
    """Which files are replaced; for each whether there was one, which is kept beside it then.

    `word` names the file that the restore has left in its user's state folder.
    """

    path: Path
    phase: Phase
    files: Mapping[Path, bool]
    word: str

    @classmethod
    def read(cls, home: Path) -> Journal | None:
        """Return the journal in a folder, None where no replacement is under way; FileError."""
        path = home / JOURNAL
        if not os.path.lexists(path):
            return None
        try:
            said = json.loads(read_text(path))
            files = {home / name: bool(was) for name, was in said["files"]}
            journal = cls(path, Phase(said["phase"]), files, str(said["word"]))
        except (ValueError, TypeError, KeyError) as error:
            raise FileError(f"{path} is damaged ({error}): delete it, and restore a backup again") from error
        if not journal.reaches_out or journal.is_ours:
            return journal
        raise FileError(f"{path} names files elsewhere, and is of no restore of this user's: delete it")

    @property
    def reaches_out(self) -> bool:
        """Whether a file lies outside of the journal's folder."""
        home = self.path.parent.resolve()
        return not all(path.parent.resolve().is_relative_to(home) for path in self.files)

    @property
    def is_ours(self) -> bool:
        """Whether this user's restore has written it."""
        return self.word.isalnum() and _place_of(self.word).is_file()

    def write(self, phase: Phase) -> None:
        """Say how far it is."""
        home = self.path.parent
        files = [(_seen_from(home, path), was) for path, was in self.files.items()]
        if phase == Phase.REPLACING and self.reaches_out:
            make_folder(state_folder(), _REMEDY)
            write_text(_place_of(self.word), f"{home}\n")
        write_text(self.path, json.dumps({"phase": phase, "files": files, "word": self.word}) + "\n")

    def undo(self) -> None:
        """Put all files back as they were, and end; done again where it was cut short."""
        for path, was in self.files.items():
            if was and kept_of(path).exists():
                rename_file(kept_of(path), path)
            elif not was and os.path.lexists(path):
                remove_file(path)
        self._close()

    def end(self) -> None:
        """Delete what was kept, and the journal."""
        for path in self.files:
            if os.path.lexists(kept_of(path)):
                remove_file(kept_of(path))
        self._close()

    def _close(self) -> None:
        for path in (self.path, _place_of(self.word)):
            if os.path.lexists(path):
                remove_file(path)


def _seen_from(home: Path, path: Path) -> str:
    try:
        return os.path.relpath(path, home)
    except ValueError:  # on another drive
        return str(path)


def _place_of(word: str) -> Path:
    """Return where a restore leaves its word."""
    return state_folder() / f"restoring-{word}"


def kept_of(path: Path) -> Path:
    """Return where what a file held is kept while it is replaced."""
    return path.with_name(f".{path.name}.before-restore")


def take_back(home: Path) -> bool:
    """Undo, or end, a replacement that was cut short; return whether there was one.

    FileError while another program replaces files, and where something cannot be put back.
    """
    if not os.path.lexists(home / JOURNAL):
        return False
    ready_folder(home)  # not where everybody might have written one
    with _held(home) as alone:
        journal = Journal.read(home)
        if journal is None or (not alone and journal.phase != Phase.REPLACING):
            return False
        if not alone:
            raise FileError(f"a backup is being restored in {home}: wait for that, then do it again")
        if journal.phase == Phase.DONE:
            journal.end()
        else:
            journal.undo()
        return True


def replace_together(
    home: Path, new: Mapping[Path, Path | None], comes_up: Callable[[], bool] = lambda: True
) -> bool:
    """Give each file the content of another one, or take it away for None; all of them or none.

    `home` is where the journal lies. `comes_up` is asked whether what is new works; where it says no, or
    raises, all is put back. Return whether the new files stay. FileError where another program is at it, or a
    file cannot be replaced: then, too, all is as it was.
    """
    take_back(home := home.resolve())
    with _held(home) as alone:
        if not alone:
            raise FileError(f"another program restores a backup in {home}: wait for that, then do it again")
        new = {path.resolve(): source for path, source in new.items()}  # what a link leads to, not the link
        was = {path: os.path.lexists(path) for path in new}
        journal = Journal(home / JOURNAL, Phase.REPLACING, was, secrets.token_hex(16))
        try:
            stays = _tried(journal, new, comes_up)
        except BaseException:
            journal.undo()
            raise
        if not stays:
            journal.undo()
            return False
        with suppress(FileError):  # it is done: whoever opens the shelf next ends what is left
            journal.end()
        return True


def _tried(journal: Journal, new: Mapping[Path, Path | None], comes_up: Callable[[], bool]) -> bool:
    """Replace the files, and tell whether the new ones come up; for good, then."""
    for path in [path for path, was in journal.files.items() if was]:
        _copy(path, kept_of(path), path.stat().st_mode)
    journal.write(Phase.REPLACING)
    for path, source in new.items():
        _replace(path, source)
    journal.write(Phase.TRYING)
    stays = comes_up()
    if stays:
        journal.write(Phase.DONE)
    return stays


def _replace(path: Path, source: Path | None) -> None:
    if source is not None:
        make_folder(path.parent, _REMEDY)
        _copy(source, path)
    elif os.path.lexists(path):
        remove_file(path)


def _copy(source: Path, target: Path, mode: int | None = None) -> None:
    with replace_file(target) as out, source.open("rb") as read:
        if mode is not None:
            os.chmod(out.name, stat.S_IMODE(mode))
        shutil.copyfileobj(read, out)


@contextmanager
def _held(home: Path) -> Iterator[bool]:
    """Hold a folder's replacement while the block runs; gives False where another program does."""
    path = home / LOCK
    try:
        number = lockfile.take(path, lockfile.Owner(os.getpid(), "restore"))
    except OSError as error:
        raise FileError(f"cannot hold {path}: {error.strerror or error}: {_REMEDY}") from error
    try:
        yield number is not None
    finally:
        if number is not None:
            with suppress(OSError):
                lockfile.let_go(path, number)
