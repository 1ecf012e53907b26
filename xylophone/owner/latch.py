"""The latch of an emergency stop, on disk: it outlasts whatever ends its owner; only a release clears it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ..files import make_folder, read_bytes, remove_file, write_bytes

NAME = "stopped.json"

MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Stopped:
    """Who has stopped everything, when (ISO 8601, UTC), and why; empty where that cannot be read."""

    who: str
    when: str
    why: str

    @classmethod
    def read(cls, content: bytes) -> Stopped:
        """Return what a file says; what is damaged says that too, since silence is the safe side."""
        with suppress(ValueError, TypeError, RecursionError):
            found = cls(**json.loads(content))
            if all(isinstance(each, str) for each in asdict(found).values()):
                return found
        return cls("", "", f"the latch's file {NAME} is damaged")

    @property
    def words(self) -> str:
        """What happened, in one line."""
        who, when = (f" by {self.who}" if self.who else ""), (f" at {self.when}" if self.when else "")
        return f"stopped{who}{when}{f': {self.why}' if self.why else ''}"


class Latch:
    """The latch that lies in a folder.

    >>> latch = Latch(Path("state"))
    >>> latch.read() is None
    True
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def set(self, who: str, when: datetime, why: str = "") -> Stopped:
        """Put the latch on; once this returns a power cut does not take it off. FileError.

        One that is on already stays as it was first put on.
        """
        make_folder(self._path.parent, "set XDG_STATE_HOME to a folder to write in")
        # Also where it is on: who wrote that may have been killed before it was on the disk.
        stopped = self.read() or Stopped(who[:100], f"{when:%Y-%m-%dT%H:%M:%SZ}", why[:200])
        write_bytes(self._path, json.dumps(asdict(stopped)).encode() + b"\n")
        return stopped

    def read(self) -> Stopped | None:
        """Return who has stopped everything, None where nobody has; what cannot be read counts as stopped."""
        try:
            self._path.lstat()
            return Stopped.read(read_bytes(self._path, MOST_BYTES))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return Stopped("", "", f"the latch cannot be read: {error}")

    def clear(self) -> None:
        """Take the latch off, where it is on; FileError."""
        if self.read() is not None:
            remove_file(self._path)
