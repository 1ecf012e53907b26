"""What a program says that may not wait: a screen that takes nothing, as after Ctrl-S, holds no music up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from types import TracebackType
from typing import Self

from ..words import counted

MOST_WAITING = 256
"""So many lines may wait for the screen; what comes then is left out, and counted."""

PATIENCE = 1.0
"""s for which the end waits for what is still to be said."""


class Aloud:
    """Has each line that it is called with said by `speak`, in order, on a thread of its own.

    Calling it never waits and raises nothing; from any thread. `with` ends it.
    """

    def __init__(self, speak: Callable[[str], object], patience: float = PATIENCE) -> None:
        self._speak, self._patience = speak, patience
        self._waiting: Queue[str | None] = Queue(MOST_WAITING)
        self._left_out = 0
        self._thread = threading.Thread(target=self._say_all, name="aloud", daemon=True)

    def __call__(self, line: str) -> None:
        """Have a line said."""
        try:
            self._waiting.put_nowait(line)
        except Full:
            self._left_out += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Full):
            self._waiting.put(None, timeout=self._patience)
            self._thread.join(self._patience)

    def _say_all(self) -> None:
        while (line := self._waiting.get()) is not None:
            self._speak(line)
            if self._left_out and self._waiting.empty():
                missed, self._left_out = self._left_out, 0
                lines = counted(missed, "line was", "lines were")
                self._speak(f"{lines} left out here: nobody read what came before")
