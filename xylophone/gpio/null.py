"""Outputs without a wire: they note when they were written, and so tell how punctual a machine is."""

from __future__ import annotations

import mmap
import os
from time import monotonic_ns

from ..errors import FileError

TRACED = 1 << 20
"""Writes that a trace holds; later ones are left out."""

SIZE = 8 * (1 + 2 * TRACED)
"""Bytes of a trace."""


class Trace:
    """A file of (ns, mask) pairs of 64-bit words after a word that counts them; readable at any time."""

    def __init__(self, path: str) -> None:
        """Make the file, or go on in a trace that is there; FileError for any other file."""
        descriptor = _open(path)
        try:
            if os.fstat(descriptor).st_size not in (0, SIZE):
                raise FileError(f"{path} is there already and no trace: give trace= a new name")
            os.truncate(descriptor, SIZE)
            self._words = memoryview(mmap.mmap(descriptor, SIZE)).cast("q")
        finally:
            os.close(descriptor)

    def add(self, mask: int) -> None:
        """Note that this was written now."""
        now, place = monotonic_ns(), self._words[0]
        if place < TRACED:
            self._words[1 + 2 * place] = now
            self._words[2 + 2 * place] = mask
            self._words[0] = place + 1


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except (OSError, ValueError) as error:  # ValueError: a zero byte, or letters that no name has here
        why = getattr(error, "strerror", error)
        raise FileError(
            f"{path} cannot be written ({why}): give trace= a name in a folder that can"
        ) from error


def read_trace(path: str) -> list[tuple[int, int]]:
    """Return the (ns, mask) pairs of a trace, in the order in which they were written."""
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory,
        memoryview(memory) as view,
        view.cast("q") as words,
    ):
        flat = words[1 : 1 + 2 * words[0]].tolist()
    return list(zip(flat[::2], flat[1::2], strict=True))


class Null:
    """Outputs that are nowhere; with a trace, every write is in it."""

    def __init__(self, trace: str = "") -> None:
        self._trace = Trace(trace) if trace else None

    def prepare(self) -> None:
        """Have nothing to bring to off."""

    def check(self) -> str:
        """Tell that there is nothing."""
        return "no outputs: this only measures how punctual the machine is"

    def begin(self) -> None:
        """Be ready."""
        self.write(0)

    def write(self, mask: int) -> None:
        """Note the time."""
        if self._trace is not None:
            self._trace.add(mask)

    def refresh(self) -> int:
        """Have nothing to mend."""
        return 0

    def close(self) -> None:
        """Note the end."""
        self.write(0)
