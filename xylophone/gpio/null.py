"""Outputs without a wire: they note when they were written, and so tell how punctual a machine is."""

from __future__ import annotations

import mmap
import os
from time import monotonic_ns

TRACED = 1 << 20
"""Writes that a trace holds; later ones are left out."""


class Trace:
    """A file of (ns, mask) pairs of 64-bit words after a word that counts them; readable at any time."""

    def __init__(self, path: str) -> None:
        """Make the file, or go on in one that is there."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        size = 8 * (1 + 2 * TRACED)
        os.truncate(descriptor, size)
        self._words = memoryview(mmap.mmap(descriptor, size)).cast("q")
        os.close(descriptor)

    def add(self, mask: int) -> None:
        """Note that this was written now."""
        now, place = monotonic_ns(), self._words[0]
        if place < TRACED:
            self._words[1 + 2 * place] = now
            self._words[2 + 2 * place] = mask
            self._words[0] = place + 1


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
