"""Ctrl-Z: the music pauses between two notes, the terminal is as it was, `fg` goes on where it stopped."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ..player import PlayerState

if TYPE_CHECKING:
    from rich.live import Live

SETTLED = 0.3
"""s from Ctrl-Z until the last pulse before the pause has ended."""


class Music(Protocol):
    """What can be paused."""

    @property
    def state(self) -> PlayerState:
        """What it does."""

    def pause(self) -> object:
        """Pause between two notes."""

    def resume(self) -> object:
        """Go on where it was paused."""


class Suspension:
    """Waits for Ctrl-Z; `look` is called now and then, and stops the program once the music has paused."""

    def __init__(self, player: Music, now: Callable[[], float], shown: Live) -> None:
        self._player, self._now, self._shown = player, now, shown
        self._asked: float | None = None  # backend time
        self._resumes = False

    def ask(self, *_signal: object) -> None:
        """Pause the music, and stop when it is silent."""
        if self._asked is None:
            self._resumes = self._player.state is PlayerState.PLAYING
            if self._resumes:
                self._player.pause()
            self._asked = self._now()

    def look(self, now: float) -> None:
        """Stop the program if that was asked for and nothing strikes any more; go on when it is continued."""
        if self._asked is None or now < self._asked + SETTLED:
            return
        self._shown.stop()
        with _terminal_as_it_was():
            os.kill(os.getpid(), signal.SIGSTOP)
        self._shown.start(refresh=True)
        self._asked = None
        if self._resumes and self._player.state is PlayerState.PAUSED:
            self._player.resume()


@contextmanager
def suspending(player: Music, now: Callable[[], float], shown: Live) -> Iterator[Callable[[float], None]]:
    """Let Ctrl-Z pause the music before it stops the program, while the block runs; gives what `look` is.

    `now` is backend time, which `look` is given too.
    """
    if not hasattr(signal, "SIGTSTP"):  # Windows
        yield lambda now: None
        return
    suspension = Suspension(player, now, shown)
    before = signal.signal(signal.SIGTSTP, suspension.ask)
    try:
        yield suspension.look
    finally:
        signal.signal(signal.SIGTSTP, before)


@contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """Give the terminal back as shells have it while the block runs, then take it as it was for keys."""
    if not sys.stdin.isatty():
        yield
        return
    import termios

    number = sys.stdin.fileno()
    ours = termios.tcgetattr(number)
    plain = [*ours]
    plain[3] |= termios.ECHO | termios.ICANON
    termios.tcsetattr(number, termios.TCSADRAIN, plain)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, ours)
